/*
 * skew.h -- the source tasks of a query advance together in time.
 *
 *     partition 0   t=1 ... 5 | 6        runs on
 *     partition 1   t=1 .. 4  | 9        parked: 9 is more than the allowed skew after 6
 *
 * While a query catches up, a partition that is read faster than another would make the rows of the
 * other late for their windows, and show a join rows of the future.  So no task reads past the
 * oldest record that another one still has to read by more than weir.time.skew.max.  Only tasks
 * with something to read count: who has caught up holds nobody, and neither does, after
 * SKEW_WAIT_MAX_MS, one whose broker does not hand over what is there.  Inside a task that reads
 * several topics it is the same: its scans wait for each other.
 *
 * Between tasks it concerns queries of several stages with a window or a join; all else reads as
 * fast as it can.
 *
 * Thread: the worker that owns the task.
 */
#ifndef EXEC_SKEW_H
#define EXEC_SKEW_H

#include "exec/task.h"

enum { SKEW_WAIT_MAX_MS = 5000 };

/* Whether the order of rows between partitions matters for the plan. */
bool skew_matters(const Plan *plan);

/* Before the task runs for the first time: nobody knows what it has to read. */
void skew_open(Task *task);
/* Before a batch: how far its scans may go. */
void skew_prepare(Task *task);
/* After the task looked at its scans, whether or not it found a batch: others may go on. */
void skew_publish(Task *task);
/*
 * The task found nothing that it may process.  TASK_STALLED: there is something; it is woken when
 * others have moved or its records have come, and is to be looked at now and then, as its patience
 * ends.  TASK_MORE: others have moved meanwhile.  TASK_IDLE: there is nothing.
 */
TaskResult skew_hold(Task *task);

#endif
