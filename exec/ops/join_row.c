#include "exec/ops/join_row.h"

JoinLayout join_layout(const PlanNode *node)
{
    const Schema *left = node->inputs[0]->schema, *right = node->inputs[1]->schema;

    return (JoinLayout){.key_len = left->key_len,
                        .left_len = left->len - left->key_len,
                        .right_len = right->len - right->key_len};
}

static void join_copy(Value *to, const Value *from, uint32_t len, Arena *mem)
{
    for (uint32_t i = 0; from && i < len; i++)
        to[i] = value_copy(mem, from[i]);
}

Value *join_cols(const JoinLayout *layout, const Value *key, const Value *left, const Value *right,
                 Arena *mem)
{
    uint32_t len = layout->key_len + layout->left_len + layout->right_len;
    Value   *cols = ARENA_ARRAY(mem, Value, len);

    join_copy(cols, key, layout->key_len, mem);
    join_copy(cols + layout->key_len, left, layout->left_len, mem);
    join_copy(cols + layout->key_len + layout->left_len, right, layout->right_len, mem);
    return cols;
}

Row join_row(const Row *cause, Value *cols, int64_t ts)
{
    Row row = *cause;

    row.cols = cols;
    row.old = NULL;
    row.ts = ts;
    row.flags = cause->flags & ROW_KEY_NULL;
    row.key = STR_NULL;
    return row;
}

Row join_deletion(const JoinLayout *layout, const Row *cause, const Value *key, const Value *old,
                  int64_t ts, Arena *mem)
{
    Row row = join_row(cause, join_cols(layout, key, NULL, NULL, mem), ts);

    row.flags = ROW_VALUE_NULL;
    row.old = old;
    return row;
}
