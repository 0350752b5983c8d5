/*
 * table_print.c -- boxes and lists.
 */
#include "cli/table_print.h"

#include <assert.h>

#include "common/utf8.h"

enum {
    CELL_WIDTH_MIN = 5,
    CELL_WIDTH_MAX = 10000,
    LIST_WIDTH_MIN = 16,
    LIST_TOWER_WIDTH = 24,
    LIST_TOWER_LINES = 4
};

/* --- text by width ---------------------------------------------------------------------------- */

static void pad(Buf *out, char c, size_t count)
{
    for (size_t i = 0; i < count; i++)
        buf_put(out, c);
}

/* Terminals act on control characters; records must not. */
static void put_shown(Buf *out, Str text)
{
    for (size_t i = 0; i < text.len;) {
        size_t   begin = i;
        uint32_t code_point = utf8_next(text, &i);

        if (code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0))
            buf_put(out, ' ');
        else
            buf_append(out, text.ptr + begin, i - begin);
    }
}

static size_t shown_width(Str text)
{
    Buf    shown = {0};
    size_t width;

    put_shown(&shown, text);
    width = utf8_width(buf_view(&shown));
    buf_deinit(&shown);
    return width;
}

/* How many bytes of text fit into width columns, before its first newline; at least one character
 * goes in, so that a wide one in a narrow cell makes no endless loop. */
static size_t fitting(Str text, size_t width)
{
    size_t used = 0;

    for (size_t i = 0; i < text.len;) {
        size_t begin = i;

        if (text.ptr[i] == '\n')
            return i;
        (void)utf8_next(text, &i);
        used += shown_width(str_slice(text, begin, i));
        if (used > width && begin > 0)
            return begin;
    }
    return text.len;
}

static void put_padded(Buf *out, Str text, size_t width)
{
    size_t used = shown_width(text);

    put_shown(out, text);
    pad(out, ' ', used < width ? width - used : 0);
}

/* --- a box ------------------------------------------------------------------------------------ */

TableBox table_box(size_t columns, size_t terminal_columns, size_t cell_width, bool is_clipped)
{
    assert(columns > 0);
    if (cell_width == 0) {
        cell_width = terminal_columns / columns;
        cell_width = cell_width > CELL_WIDTH_MIN + 2 ? cell_width - 2 : CELL_WIDTH_MIN;
    }
    if (cell_width > CELL_WIDTH_MAX)
        cell_width = CELL_WIDTH_MAX;
    return (TableBox){cell_width, columns, is_clipped};
}

static void box_rule(Buf *out, const TableBox *box)
{
    for (size_t i = 0; i < box->columns; i++) {
        buf_put(out, '+');
        pad(out, '-', box->cell_width);
    }
    buf_c(out, "+\n");
}

static void clipped_cell(Buf *out, Str cell, size_t width)
{
    size_t len = fitting(cell, width);

    if (len == cell.len) {
        put_padded(out, cell, width);
    } else if (width <= 3) {
        pad(out, '.', width);
    } else {
        Str head = str_slice(cell, 0, fitting(cell, width - 3));

        put_shown(out, head);
        buf_c(out, "...");
        pad(out, ' ', width - 3 > shown_width(head) ? width - 3 - shown_width(head) : 0);
    }
}

static void clipped_row(Buf *out, const TableBox *box, const Str *cells)
{
    for (size_t i = 0; i < box->columns; i++) {
        buf_put(out, '|');
        clipped_cell(out, cells[i], box->cell_width);
    }
    buf_c(out, "|\n");
}

/* One line of each cell, taken off its rest; false when all rests were empty. */
static bool wrapped_line(Buf *out, const TableBox *box, Str *rests)
{
    bool is_last = true;

    for (size_t i = 0; i < box->columns; i++) {
        size_t len = fitting(rests[i], box->cell_width);

        buf_put(out, '|');
        put_padded(out, str_slice(rests[i], 0, len), box->cell_width);
        len += len < rests[i].len && rests[i].ptr[len] == '\n';
        rests[i] = str_slice(rests[i], len, rests[i].len);
        is_last = is_last && rests[i].len == 0;
    }
    buf_c(out, "|\n");
    return !is_last;
}

static void wrapped_row(Buf *out, const TableBox *box, const Str *cells)
{
    Str *rests = MEM_ARRAY(Str, box->columns);

    for (size_t i = 0; i < box->columns; i++)
        rests[i] = cells[i].ptr ? cells[i] : STR("");
    while (wrapped_line(out, box, rests)) {
    }
    mem_free(rests);
}

void table_box_header(Buf *out, const TableBox *box, const Str *names)
{
    box_rule(out, box);
    wrapped_row(out, box, names);
    box_rule(out, box);
}

void table_box_row(Buf *out, const TableBox *box, const Str *cells)
{
    if (box->is_clipped)
        clipped_row(out, box, cells);
    else
        wrapped_row(out, box, cells);
}

/* --- a list ----------------------------------------------------------------------------------- */

TableList table_list(Arena *mem, const Str *names, size_t columns, size_t width_max)
{
    assert(columns > 0);
    return (TableList){.mem = mem, .names = names, .columns = columns, .width_max = width_max};
}

void table_list_cell(TableList *list, Str cell)
{
    if (list->len == list->cap) {
        size_t cap = list->cap ? list->cap * 2 : 16;

        list->cells = arena_grow(list->mem, list->cells, list->cap * sizeof *list->cells,
                                 cap * sizeof *list->cells);
        list->cap = cap;
    }
    list->cells[list->len++] = cell;
}

static size_t list_width(const TableList *list, const size_t *widths, size_t widest)
{
    size_t width = 0;

    for (size_t i = 0; i < list->columns; i++)
        width += (widths[i] < widest ? widths[i] : widest) + (i ? 3 : 2);
    return width;
}

/* What each column needs.  Where the line is too long the widest share what there is, but names
 * stay in one piece: a narrow terminal breaks the line itself. */
static void list_widths(const TableList *list, size_t *widths)
{
    size_t widest = list->width_max ? list->width_max : SIZE_MAX;

    for (size_t i = 0; i < list->columns; i++)
        widths[i] = shown_width(list->names[i]);
    for (size_t i = 0; i < list->len; i++) {
        size_t width = shown_width(list->cells[i]);

        if (width > widths[i % list->columns])
            widths[i % list->columns] = width;
    }
    while (list->width_max && widest > LIST_WIDTH_MIN &&
           list_width(list, widths, widest) > list->width_max)
        widest--;
    for (size_t i = 0; i < list->columns; i++) {
        if (widths[i] > widest)
            widths[i] = widest;
    }
}

/* How many bytes of text fit, preferably up to where a word ends; at least one character. */
static size_t fitting_words(Str text, size_t width)
{
    size_t used = 0, word_end = 0;

    for (size_t i = 0; i < text.len;) {
        size_t begin = i;

        (void)utf8_next(text, &i);
        used += shown_width(str_slice(text, begin, i));
        if (used > width && begin > 0)
            return word_end ? word_end : begin;
        if (text.ptr[begin] == ' ' || text.ptr[begin] == '_')
            word_end = i;
    }
    return text.len;
}

static void list_row(Buf *out, const TableList *list, const size_t *widths, const Str *cells)
{
    Str *rests = ARENA_ARRAY(list->mem, Str, list->columns);
    bool is_last = false;

    memcpy(rests, cells, list->columns * sizeof *rests);
    while (!is_last) {
        is_last = true;
        for (size_t i = 0; i < list->columns; i++) {
            size_t len = fitting_words(rests[i], widths[i]);
            Str    part = str_slice(rests[i], 0, len);

            buf_c(out, i ? "| " : " ");
            if (i + 1 < list->columns)
                put_padded(out, part, widths[i] + 1);
            else
                put_shown(out, part);
            rests[i] = str_slice(rests[i], len, rests[i].len);
            is_last = is_last && rests[i].len == 0;
        }
        buf_put(out, '\n');
    }
}

static void rule(Buf *out, size_t width)
{
    pad(out, '-', width);
    buf_put(out, '\n');
}

/* Whether a cell would become a narrow tower. */
static bool is_squeezed(const TableList *list, const size_t *widths)
{
    for (size_t i = 0; i < list->len; i++) {
        size_t width = widths[i % list->columns];

        if (width < LIST_TOWER_WIDTH && shown_width(list->cells[i]) > width * LIST_TOWER_LINES)
            return true;
    }
    return false;
}

/* Each row as lines of name and value. */
static void print_upright(Buf *out, const TableList *list)
{
    TableList lines = table_list(list->mem, list->names, 2, list->width_max);
    size_t    widths[2] = {0, SIZE_MAX};

    for (size_t i = 0; i < list->columns; i++) {
        if (shown_width(list->names[i]) > widths[0])
            widths[0] = shown_width(list->names[i]);
    }
    if (list->width_max > widths[0] + 4 + LIST_WIDTH_MIN)
        widths[1] = list->width_max - widths[0] - 4;
    for (size_t i = 0; i < list->len; i++) {
        const Str line[] = {list->names[i % list->columns], list->cells[i]};

        if (i % list->columns == 0)
            rule(out, list->width_max);
        list_row(out, &lines, widths, line);
    }
    rule(out, list->width_max);
}

void table_list_print(Buf *out, const TableList *list)
{
    size_t *widths = ARENA_ARRAY(list->mem, size_t, list->columns);

    assert(list->len % list->columns == 0);
    list_widths(list, widths);
    if (is_squeezed(list, widths)) {
        print_upright(out, list);
        return;
    }
    list_row(out, list, widths, list->names);
    rule(out, list_width(list, widths, SIZE_MAX));
    for (size_t i = 0; i < list->len; i += list->columns)
        list_row(out, list, widths, list->cells + i);
    rule(out, list_width(list, widths, SIZE_MAX));
}
