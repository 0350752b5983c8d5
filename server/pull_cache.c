/*
 * pull_cache.c -- finds the literal of a look-up, and the plan of the same statement with another.
 *
 * The literal is looked for without a lexer: the first text in single quotes, or else the digits
 * behind the last '='.  That may be a guess.  Whether it was right is checked once, when a plan is
 * put in: there the parser says where the literal stood, and the plan that it became the key.
 */
#include "server/pull_cache.h"

#include "common/limit.h"
#include "common/map.h"
#include "common/utf8.h"

enum { DIGITS_MAX = 18 }; /* of a number that fits 64 bits for sure */

typedef struct Entry {
    Arena   *mem; /* holds all of it */
    Str      name;
    StmtPlan stmt; /* its references */
    PullProg prog;
} Entry;

struct PullCache {
    Map      entries; /* name -> Entry * */
    Catalog *catalog; /* that the entries were planned against; NULL: there are none */
};

/* --- life ------------------------------------------------------------------------------------- */

PullCache *pull_cache_new(void)
{
    PullCache *cache = MEM_NEW(PullCache);

    map_init(&cache->entries, NULL);
    return cache;
}

static void entry_free(Entry *entry)
{
    Arena *mem = entry->mem;

    pull_release(&entry->prog);
    stmt_plan_deinit(&entry->stmt);
    arena_free(mem);
}

static void forget_all(PullCache *cache)
{
    MapEntry *entry;

    for (size_t i = 0; (entry = map_next(&cache->entries, &i));)
        entry_free(entry->value);
    map_deinit(&cache->entries);
    map_init(&cache->entries, NULL);
    catalog_unref(cache->catalog);
    cache->catalog = NULL;
}

void pull_cache_free(PullCache *cache)
{
    if (!cache)
        return;
    forget_all(cache);
    map_deinit(&cache->entries);
    mem_free(cache);
}

size_t pull_cache_len(const PullCache *cache)
{
    return cache->entries.live_len;
}

/* --- texts ------------------------------------------------------------------------------------ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Could c go on with a number, or the word that it would become? */
static bool is_of_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '.' || c == '@' || (unsigned char)c >= 0x80;
}

/* Nothing that the lexer or the substitution of variables would treat in a way of its own. */
static bool is_plain(Str text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < ' ' || text.ptr[i] == '$')
            return false;
    }
    return utf8_is_valid(text);
}

/* *end: behind the literal. */
static bool find_text(Str sql, size_t quote, PullShape *out, size_t *end)
{
    ptrdiff_t closing = str_find(sql, STR("'"), quote + 1);

    if (closing < 0)
        return false;
    *end = (size_t)closing + 1;
    out->literal = str_slice(sql, quote + 1, (size_t)closing);
    out->is_text = true;
    out->offset = quote;
    return (*end == sql.len || sql.ptr[*end] != '\'') && is_plain(out->literal);
}

static bool find_number(Str sql, PullShape *out, size_t *end)
{
    const char *equals = memrchr(sql.ptr, '=', sql.len);
    size_t      from, to;

    if (!equals)
        return false;
    from = (size_t)(equals - sql.ptr) + 1;
    while (from < sql.len && sql.ptr[from] == ' ')
        from++;
    to = from;
    while (to < sql.len && is_digit(sql.ptr[to]))
        to++;
    out->literal = str_slice(sql, from, to);
    out->is_text = false;
    out->offset = from;
    *end = to;
    return to > from && to - from <= DIGITS_MAX && (to == sql.len || !is_of_word(sql.ptr[to]));
}

/* With its length, so that parts cannot be taken for others. */
static void put_part(Buf *name, Str part)
{
    buf_i64(name, (int64_t)part.len);
    buf_put(name, ':');
    buf_str(name, part);
}

bool pull_shape(const Session *session, Str sql, PullShape *out)
{
    Buf             name = buf_in(session->mem);
    ptrdiff_t       quote = str_find(sql, STR("'"), 0);
    const MapEntry *entry;
    size_t          end;

    if (session->variables.live_len > 0)
        return false;
    if (!(quote >= 0 ? find_text(sql, (size_t)quote, out, &end) : find_number(sql, out, &end)))
        return false;
    put_part(&name, str_slice(sql, 0, out->offset));
    put_part(&name, str_slice(sql, end, sql.len));
    put_part(&name, out->is_text ? STR("'") : STR("0"));
    for (size_t i = 0; (entry = map_next(&session->props.values, &i));) {
        put_part(&name, entry->key);
        put_part(&name, *(const Str *)entry->value);
    }
    out->name = buf_view(&name);
    return true;
}

/* --- keys ------------------------------------------------------------------------------------- */

/* The literal as a value of the key column; false when it needs more than to be read. */
static bool read_key(const PullShape *shape, const Type *type, Value *out)
{
    int64_t number;

    if (shape->is_text) {
        *out = value_str(shape->literal);
        return type->kind == T_STRING;
    }
    if (!str_to_i64(shape->literal, &number))
        return false;
    if (type->kind == T_INT && number <= INT32_MAX)
        *out = value_int((int32_t)number);
    else if (type->kind == T_BIGINT)
        *out = value_bigint(number);
    else
        return false;
    return true;
}

static void prepare(const Entry *entry, Value key, PreparedPull *out)
{
    out->key = key;
    out->plan = *entry->prog.plan;
    out->plan.keys = &out->key;
    out->prog = entry->prog;
    out->prog.plan = &out->plan;
}

bool pull_cache_find(PullCache *cache, const Catalog *catalog, const PullShape *shape,
                     PreparedPull *out)
{
    const Entry *entry;
    Value        key;

    if (cache->catalog != catalog)
        forget_all(cache);
    entry = map_get(&cache->entries, shape->name);
    if (!entry || !read_key(shape, entry->prog.plan->row->cols[0].type, &key))
        return false;
    prepare(entry, key, out);
    return true;
}

/* --- new entries ------------------------------------------------------------------------------ */

/* WHERE is key = literal and nothing else, and the literal is the one that shape found. */
static bool fits(const PullShape *shape, const AstStmt *stmt, const PullPlan *plan, Value *key)
{
    const AstExpr *where = stmt->u.select->where;
    const Expr    *predicate = plan->predicate;

    return where && where->kind == AST_COMPARE && where->args[1]->kind == AST_LITERAL &&
           where->args[1]->pos.offset == shape->offset && plan->kind == PULL_KEYS &&
           plan->keys_len == 1 && plan->row->key_len == 1 && !plan->is_windowed &&
           predicate->kind == EXPR_COMPARE && predicate->args[0]->kind == EXPR_COLUMN &&
           predicate->args[1]->kind == EXPR_LITERAL &&
           read_key(shape, plan->row->cols[0].type, key) && plan->keys[0].kind == key->kind &&
           value_eq(plan->keys[0], *key);
}

bool pull_cache_put(PullCache *cache, const Session *session, const PullShape *shape,
                    const AstStmt *stmt, const StmtPlan *plan, Arena *stmt_mem, PreparedPull *out)
{
    PullPlan *kept;
    Entry    *entry;
    Value     key;
    Err       err;

    if (!fits(shape, stmt, plan->pull, &key))
        return false;
    kept = ARENA_NEW(stmt_mem, PullPlan);
    *kept = *plan->pull;
    kept->predicate = NULL; /* the look-up says it all */
    entry = ARENA_NEW(stmt_mem, Entry);
    *entry = (Entry){.mem = stmt_mem, .name = str_copy(stmt_mem, shape->name), .stmt = *plan};
    if (pull_compile(stmt_mem, kept, properties_bool(&session->props, "ksql.nested.error.set.null"),
                     &entry->prog, &err) != ERR_OK)
        return false; /* who runs it will say why */
    if (cache->catalog != plan->catalog ||
        (int64_t)pull_cache_len(cache) >= g_limits.prepared_pulls)
        forget_all(cache);
    if (!cache->catalog)
        cache->catalog = catalog_ref(plan->catalog);
    map_put(&cache->entries, entry->name, entry);
    prepare(entry, key, out);
    return true;
}
