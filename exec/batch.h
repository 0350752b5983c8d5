/*
 * batch.h -- rows on their way through the operators.
 *
 * A Batch is an array of rows in one arena (batch->mem) that is reset after the sink took it.
 * Operators may drop, reorder and rewrite rows in place; rows and values are plain data.
 *
 * A Row is laid out by the schema of the step that emitted it: cols[0 .. key_len) the key,
 * then the value columns.  For a stream, a row is an event.  For a table, cols is the new row and
 * old the previous one (NULL: none, or nobody needs it).
 *
 * Thread: a batch belongs to the worker of its task.
 */
#ifndef EXEC_BATCH_H
#define EXEC_BATCH_H

#include "common/arena.h"
#include "common/value.h"

enum { BATCH_ROWS_MAX = 1024 };

typedef enum RowFlag {
    ROW_VALUE_NULL = 1, /* the record's value is null: a deletion in a table; value cols are null */
    ROW_KEY_NULL = 2,   /* the record's key is null; key cols are null */
    ROW_OLD_ONLY = 4    /* exchange of a table: only `old` leaves its group, nothing arrives */
} RowFlag;

typedef struct Row {
    Value       *cols;
    const Value *old;
    int64_t      ts; /* ms since the epoch, after extraction */
    int64_t      offset;
    int64_t      window_start; /* key window; 0 when the step has none */
    int64_t      window_end;
    Str          headers; /* as the broker keeps them (exec/broker.h), STR_NULL when none */
    Str          key;     /* the key's bytes in the source's format while they are unchanged, else
                             STR_NULL: saves encoding them again */
    uint32_t partition;
    uint32_t flags;
} Row;

typedef struct Batch {
    Row     *rows;
    uint32_t len;
    uint32_t cap;
    Arena   *mem;
} Batch;

void batch_init(Batch *batch, Arena *batch_mem, uint32_t cap);

#endif
