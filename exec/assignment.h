/*
 * assignment.h -- which tasks run on this node.
 *
 * The runtime starts a task only if the assignment names it.  On one node that is every task;
 * with several nodes, tasks hash onto slots and a node holds some of the slots.
 */
#ifndef EXEC_ASSIGNMENT_H
#define EXEC_ASSIGNMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

typedef struct Assignment {
    /* Thread: any. */
    bool (*has)(void *self, Str query_id, uint32_t stage, uint32_t partition);
    void *self;
} Assignment;

/* Everything runs here. */
Assignment assignment_all(void);

static inline bool assignment_has(const Assignment *assignment, Str query_id, uint32_t stage,
                                  uint32_t partition)
{
    return assignment->has(assignment->self, query_id, stage, partition);
}

#endif
