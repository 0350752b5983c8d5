/*
 * fn_table.h -- the list of all function families.
 *
 * Thread: any.
 */
#ifndef EXEC_FUNCTIONS_FN_TABLE_H
#define EXEC_FUNCTIONS_FN_TABLE_H

#include "planner/fn_def.h"

/* Sorted by name, made on first use, never changes. */
const FnTable *fn_table(void);

/* One array per family, ended by a row without a name; add a family here and in fn_table.c. */
extern const FnDef  fn_number[];
extern const FnDef  fn_string[];
extern const FnDef  fn_conditional[];
extern const AggDef agg_basic[];

#endif
