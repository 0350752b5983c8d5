/*
 * batch.c -- rows on their way through the operators.
 */
#include "exec/batch.h"

#include <assert.h>

void batch_init(Batch *batch, Arena *batch_mem, uint32_t cap)
{
    assert(cap <= BATCH_ROWS_MAX);
    *batch = (Batch){
        .rows = ARENA_ARRAY(batch_mem, Row, cap),
        .cap = cap,
        .mem = batch_mem,
    };
}
