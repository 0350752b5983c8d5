/*
 * names.h -- names of result columns that were given none; private to the planner.
 *
 *     col, src.col          col; ALIAS_COL in a join when several sources have it
 *     a->b->c               c; C_1, C_2, ... when the name is taken
 *     anything else         KSQL_COL_0, KSQL_COL_1, ...; names of source columns are skipped
 */
#ifndef PLANNER_NAMES_H
#define PLANNER_NAMES_H

#include "planner/bind.h"

typedef struct NameGen {
    Arena       *mem;
    const Scope *scope;
    uint32_t     next; /* number of the next KSQL_COL_n */
    VEC(Str) fields;   /* names given to fields so far */
} NameGen;

Str names_of_column(Arena *mem, const Scope *scope, uint32_t number);
/* ALIAS_COL, whether or not there is a clash. */
Str names_of_joined(Arena *mem, const Scope *scope, uint32_t number);
Str names_of_field(NameGen *names, Str field);
Str names_generate(NameGen *names);
/* Of an expression over scope numbers, by the rules above. */
Str names_of_expr(NameGen *names, const Expr *expr);

#endif
