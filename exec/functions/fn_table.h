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
extern const FnDef fn_number[];
extern const FnDef fn_string[];
extern const FnDef fn_encode[];
extern const FnDef fn_mask[];
extern const FnDef fn_bytes[];
extern const FnDef fn_regex[];
extern const FnDef fn_json[];
extern const FnDef fn_time[];
extern const FnDef fn_array[];
extern const FnDef fn_map[];
extern const FnDef fn_lambda[];
extern const FnDef fn_url[];
extern const FnDef fn_conditional[];
extern const FnDef fn_other[];

extern const AggDef agg_basic[];
extern const AggDef agg_statistics[];
extern const AggDef agg_collect[];
extern const AggDef agg_distinct[];
extern const AggDef agg_topk[];
extern const AggDef agg_offset[];

extern const TableFnDef table_fn[];

/* One row of a family; further members may follow by name. */
#define FN(name_, category_, sig_, nulls_, eval_, doc_, example_, ...)                             \
    {                                                                                              \
        .name = (name_), .category = (category_), .sig = (sig_), .nulls = (nulls_),                \
        .eval = (eval_), .doc = (doc_), .example = (example_), __VA_ARGS__                         \
    }

#endif
