/*
 * table_print.h -- tables of text.
 *
 * Rows of a query come one by one and nobody knows how wide the next one is: their cells have one
 * width, the terminal's shared out, in a box.  Lists have all their rows at hand: their columns are
 * as wide as they need.  Where that is too wide for the terminal the widest go on below; where
 * little would be left for them, each row is written upright, as lines of name and value.
 *
 * Widths are columns of a terminal (utf8_width); what would move the cursor is shown as a space.
 *
 * Thread: any.
 */
#ifndef CLI_TABLE_PRINT_H
#define CLI_TABLE_PRINT_H

#include "common/buf.h"

/* --- a box ------------------------------------------------------------------------------------ */

typedef struct TableBox {
    size_t cell_width;
    size_t columns;
    bool   is_clipped; /* long values are cut with "..."; otherwise they go on below */
} TableBox;

/* cell_width 0: terminal_columns are shared among the columns, at least 5 each. */
TableBox table_box(size_t columns, size_t terminal_columns, size_t cell_width, bool is_clipped);
void     table_box_header(Buf *out, const TableBox *box, const Str *names);
void     table_box_row(Buf *out, const TableBox *box, const Str *cells);

/* --- a list ----------------------------------------------------------------------------------- */

typedef struct TableList {
    Arena     *mem;
    const Str *names;
    size_t     columns;
    size_t     width_max; /* of a line; 0: any */
    Str       *cells;     /* row by row */
    size_t     len, cap;  /* of cells */
} TableList;

TableList table_list(Arena *mem, const Str *names, size_t columns, size_t width_max);
/* The next cell, from left to right; line by line.  Not copied. */
void table_list_cell(TableList *list, Str cell);
/* Header, rule, rows, rule. */
void table_list_print(Buf *out, const TableList *list);

#endif
