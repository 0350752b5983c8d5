/*
 * join_row.h -- the rows that joins emit: key, value columns of the left side, of the right side.
 */
#ifndef EXEC_OPS_JOIN_ROW_H
#define EXEC_OPS_JOIN_ROW_H

#include "exec/op.h"

/* Where the columns of a join's row stand. */
typedef struct JoinLayout {
    uint32_t key_len;
    uint32_t left_len;  /* value columns of the left side */
    uint32_t right_len; /* and of the right one */
} JoinLayout;

JoinLayout join_layout(const PlanNode *node);

/* The columns of a joined row in mem; left or right NULL: that side is missing, its columns are
 * null.  What the values point at is copied. */
Value *join_cols(const JoinLayout *layout, const Value *key, const Value *left, const Value *right,
                 Arena *mem);

/* A row of the step with these columns, and else like cause. */
Row join_row(const Row *cause, Value *cols, int64_t ts);

/* A deletion of key; old: the columns of the row that goes, or NULL. */
Row join_deletion(const JoinLayout *layout, const Row *cause, const Value *key, const Value *old,
                  int64_t ts, Arena *mem);

/* True when a column of the row's key is null. */
static inline bool join_has_null_key(const Row *row, const Schema *schema)
{
    for (uint32_t i = 0; i < schema->key_len; i++) {
        if (value_is_null(row->cols[i]))
            return true;
    }
    return false;
}

#endif
