/*
 * functions_page.c -- writes docs/functions.md from the function table.
 *
 * Usage: functions_page         prints the page
 *        functions_page FILE    fails unless the file is the page
 *
 * A function is one or more rows of its name, one per overload.  Rows that say the same share their
 * sentences; what differs between overloads is shown once for each.  Nothing of the page is written
 * by hand: a sentence that is wrong is corrected in its row.
 */
#include <stdio.h>

#include "cli/file.h"
#include "exec/functions/fn_table.h"

/* What the three kinds of rows have in common. */
typedef struct Row {
    const char *name, *sig, *doc, *example;
    const char *nulls; /* what a null argument does, where the kind of row decides it */
    const char *more;  /* further facts that the row holds */
    Str         call;  /* the example: what is called */
    Str         result;
} Row;

typedef struct Family {
    const char *category; /* of the rows; NULL: aggregates or table functions */
    const char *title;
} Family;

static const Family families[] = {
    {"MATHEMATICAL", "Mathematics"},
    {"STRING", "Text"},
    {"REGULAR EXPRESSION", "Regular expressions"},
    {"JSON", "JSON"},
    {"DATE / TIME", "Dates and times"},
    {"ARRAY", "Arrays"},
    {"MAP", "Maps"},
    {"LAMBDA", "Lambdas"},
    {"URL", "URLs"},
    {"CONDITIONAL", "Choosing between values"},
    {"CONVERSIONS", "Numbers from bytes"},
    {"OTHER", "Other"},
    {"AGGREGATE", "Aggregates"},
    {"TABLE", "Table functions"},
};

static const char intro[] =
    "# Functions\n"
    "\n"
    "<!-- Written by `ninja -C build docs-functions` from the function table; do not edit. -->\n"
    "\n"
    "Every function of the language, by family. `SHOW FUNCTIONS;` lists them in a session, and\n"
    "`DESCRIBE FUNCTION name;` shows one. Names may be written in any case.\n"
    "\n"
    "How to read a signature:\n"
    "\n"
    "| in a signature | means |\n"
    "|---|---|\n"
    "| `ROUND(x DOUBLE, scale INT) -> DOUBLE` | two arguments, and the type of the result |\n"
    "| several lines | overloads: the one whose types fit the arguments is called |\n"
    "| `T`, `K`, `V`, `R`, `S` | any type, the same one wherever the letter stands |\n"
    "| `ANY` | any type |\n"
    "| `STRING...` | any number of arguments of this type, also none |\n"
    "| `LAMBDA(T) -> R` | a lambda: `x => ...` |\n"
    "| `UNIT` | a bare word: `DAYS`, `HOURS`, `MINUTES`, `SECONDS`, `MILLISECONDS`, or one of "
    "them without its S |\n"
    "| `LITERAL` | a constant, not a column |\n"
    "| `DECIMAL` | a decimal of any precision and scale |\n"
    "\n"
    "An INT argument is taken for a BIGINT, a DECIMAL or a DOUBLE where no overload takes an INT, "
    "and\n"
    "so on along this row; a text is taken for DATE, TIME, TIMESTAMP and BYTES. Aggregates take "
    "their\n"
    "exact types only. An *error* does not stop a query: the call gives null, and an entry of the\n"
    "processing log says why ([expressions](sql/expressions.md#when-an-expression-fails)).\n"
    "\n"
    "What stands behind `--` is the result of the call; behind `over` are the rows of a group. A "
    "test\n"
    "runs every example.\n"
    "\n";

/* --- rows ------------------------------------------------------------------------------------- */

/* "F(x) = y": at the last " = " that is outside of brackets and quotes. */
static void split_call(const char *example, Str *call, Str *result)
{
    Str    text = str_from(example);
    size_t depth = 0;
    bool   is_quoted = false;

    *call = text;
    *result = STR("TRUE");
    for (size_t i = 0; i + 3 < text.len; i++) {
        char c = text.ptr[i];

        is_quoted ^= c == '\'';
        if (is_quoted)
            continue;
        depth += (size_t)(c == '(' || c == '[') - (size_t)(c == ')' || c == ']');
        if (depth == 0 && str_starts(str_slice(text, i, text.len), STR(" = "))) {
            *call = str_slice(text, 0, i);
            *result = str_slice(text, i + 3, text.len);
        }
    }
}

static Row fn_row(const FnDef *def)
{
    static const char *const nulls[] = {
        [NULL_IN_NULL_OUT] = "Null if an argument is null.",
        [NULL_IS_VALUE] = NULL, /* its sentences say it */
        [NULL_IS_ERROR] = "A null argument is an error.",
    };
    Row row = {.name = def->name,
               .sig = def->sig,
               .doc = def->doc,
               .example = def->example,
               .nulls = strstr(def->sig, "()") == def->sig ? NULL : nulls[def->nulls],
               .more = def->flags & FN_VOLATILE ? "Evaluated anew for every row." : NULL};

    split_call(def->example, &row.call, &row.result);
    return row;
}

/* "NAME of 1, 2 with 3 = x" is written as the call NAME(x, 3) over its rows. */
static Row agg_row(Arena *mem, const AggDef *def)
{
    Str         text = str_from(def->example);
    ptrdiff_t   of = str_find(text, STR(" of "), 0);
    ptrdiff_t   with = str_find(text, STR(" with "), 0);
    ptrdiff_t   equals = str_find(text, STR(" = "), 0);
    size_t      rows_end = (size_t)(with > 0 ? with : equals);
    Str         rows = str_slice(text, (size_t)of + 4, rows_end);
    Str         literals = with > 0 ? str_slice(text, (size_t)with + 6, (size_t)equals) : STR("");
    const char *columns = rows.ptr[0] == '(' ? "x, y" : "x";

    return (Row){.name = def->name,
                 .sig = def->sig,
                 .doc = def->doc,
                 .example = def->example,
                 .more = def->undo ? "Over streams and tables." : "Over streams only.",
                 .call = str_printf(mem, "%s(%s%s%.*s) over %.*s", def->name, columns,
                                    literals.len ? ", " : "", STR_ARG(literals), STR_ARG(rows)),
                 .result = str_slice(text, (size_t)equals + 3, text.len)};
}

static Row table_row(const TableFnDef *def)
{
    Row row = {.name = def->name, .sig = def->sig, .doc = def->doc, .example = def->example};

    split_call(def->example, &row.call, &row.result);
    return row;
}

/* The rows of a family, sorted by name; *len of them. */
static Row *rows_of(Arena *mem, const Family *family, size_t *len)
{
    const FnTable *table = fn_table();
    Row *rows = ARENA_ARRAY(mem, Row, table->fns_len + table->aggs_len + table->table_fns_len);

    *len = 0;
    for (size_t i = 0; i < table->fns_len; i++) {
        if (strcmp(table->fns[i]->category, family->category) == 0)
            rows[(*len)++] = fn_row(table->fns[i]);
    }
    for (size_t i = 0; strcmp(family->category, "AGGREGATE") == 0 && i < table->aggs_len; i++)
        rows[(*len)++] = agg_row(mem, table->aggs[i]);
    for (size_t i = 0; strcmp(family->category, "TABLE") == 0 && i < table->table_fns_len; i++)
        rows[(*len)++] = table_row(table->table_fns[i]);
    return rows;
}

/* Rows from begin on that have one name. */
static size_t name_end(const Row *rows, size_t begin, size_t len)
{
    size_t end = begin + 1;

    while (end < len && strcmp(rows[end].name, rows[begin].name) == 0)
        end++;
    return end;
}

/* --- the page --------------------------------------------------------------------------------- */

static bool same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool says_the_same(const Row *a, const Row *b)
{
    return same(a->doc, b->doc) && same(a->nulls, b->nulls) && same(a->more, b->more);
}

static void put_sentence(Buf *page, const char *sentence)
{
    if (sentence) {
        buf_put(page, ' ');
        buf_c(page, sentence);
    }
}

/* Signatures, then examples, of rows that share their sentences. */
static void put_overloads(Buf *page, const Row *rows, size_t len)
{
    buf_c(page, "```\n");
    for (size_t i = 0; i < len; i++)
        buf_printf(page, "%s%s\n", rows[i].name, rows[i].sig);
    buf_c(page, "```\n\n");
    buf_c(page, rows[0].doc);
    put_sentence(page, rows[0].nulls);
    put_sentence(page, rows[0].more);
    buf_c(page, "\n\n```\n");
    for (size_t i = 0; i < len; i++) {
        bool is_new = true;

        for (size_t k = 0; k < i; k++)
            is_new = is_new && strcmp(rows[k].example, rows[i].example) != 0;
        if (is_new)
            buf_printf(page, "%.*s  -- %.*s\n", STR_ARG(rows[i].call), STR_ARG(rows[i].result));
    }
    buf_c(page, "```\n\n");
}

static void put_function(Buf *page, const Row *rows, size_t len)
{
    buf_printf(page, "### %s\n\n", rows[0].name);
    for (size_t begin = 0, end; begin < len; begin = end) {
        for (end = begin + 1; end < len && says_the_same(&rows[begin], &rows[end]); end++)
            continue;
        put_overloads(page, &rows[begin], end - begin);
    }
}

static void put_link(Buf *page, const char *name)
{
    buf_printf(page, "[%s](#", name);
    for (; *name; name++) {
        if (*name != '/')
            buf_put(page, (char)(*name == ' ' ? '-' : *name | (*name == '_' ? 0 : 0x20)));
    }
    buf_c(page, ")");
}

static void put_index_line(Arena *mem, Buf *page, const Family *family)
{
    size_t len;
    Row   *rows = rows_of(mem, family, &len);

    buf_c(page, "| ");
    put_link(page, family->title);
    buf_c(page, " |");
    for (size_t i = 0; i < len; i = name_end(rows, i, len)) {
        buf_put(page, ' ');
        put_link(page, rows[i].name);
    }
    buf_c(page, " |\n");
}

static void put_family(Arena *mem, Buf *page, const Family *family)
{
    size_t len, end;
    Row   *rows = rows_of(mem, family, &len);

    buf_printf(page, "## %s\n\n", family->title);
    for (size_t i = 0; i < len; i = end) {
        end = name_end(rows, i, len);
        put_function(page, &rows[i], end - i);
    }
}

static void put_page(Arena *mem, Buf *page)
{
    buf_c(page, intro);
    buf_c(page, "| family | functions |\n|---|---|\n");
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        put_index_line(mem, page, &families[i]);
    buf_c(page, "\n");
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        put_family(mem, page, &families[i]);
    page->len--; /* no empty line at the end */
}

/* A category that the page does not know would be left out silently. */
static bool has_every_category(void)
{
    const FnTable *table = fn_table();

    for (size_t i = 0; i < table->fns_len; i++) {
        bool is_known = false;

        for (size_t k = 0; k < sizeof families / sizeof *families; k++)
            is_known |= strcmp(table->fns[i]->category, families[k].category) == 0;
        if (!is_known) {
            fprintf(stderr, "%s: the page has no family %s\n", table->fns[i]->name,
                    table->fns[i]->category);
            return false;
        }
    }
    return true;
}

static int compare(Arena *mem, const char *path, Str page)
{
    enum { PAGE_BYTES_MAX = 4 << 20 };
    Str found;
    Err err;

    if (file_read(mem, str_from(path), PAGE_BYTES_MAX, &found, &err) != ERR_OK) {
        fprintf(stderr, "%s\n", err.msg);
        return 1;
    }
    if (str_eq(found, page))
        return 0;
    fprintf(stderr, "%s is not what the function table says: ninja docs-functions writes it\n",
            path);
    return 1;
}

int main(int argc, char **argv)
{
    Arena *mem = arena_new(0);
    Buf    page = buf_in(mem);
    int    rc = 1;

    if (has_every_category()) {
        put_page(mem, &page);
        if (argc > 1)
            rc = compare(mem, argv[1], buf_view(&page));
        else
            rc = fwrite(page.ptr, 1, page.len, stdout) == page.len ? 0 : 1;
    }
    arena_free(mem);
    return rc;
}
