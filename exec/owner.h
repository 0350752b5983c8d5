/*
 * owner.h -- which server writes for a service id, where several could.
 *
 * Topics of a cluster can be written by anybody, and a server that stood still (suspended, a
 * machine that was paused) does not know that another one took its place.  _weir-<service id>-owner
 * tells: one compacted partition, so that all servers see its records in one order.
 *
 *     owner         HOST/PROCESS/RANDOM   the server that took over last
 *     group/NAME    the same              a commit group of its own that may have written
 *
 * A server takes over by opening the common group's writer, which fences the older server's, and
 * writing its name.  Then it fences the other groups that are named, and only then is it known
 * where the queries stand.  A group of its own is named by its first transaction.  Whoever opens a
 * writer anew looks at the topic afterwards: either it sees that it was replaced, or the newer
 * server sees the group's name.  It looks before it opens as well, so as not to fence the one that
 * is right.
 *
 * The thread "owner" looks every second, so that a server that has nothing to write is told too.
 *
 * Thread: any; opening the first writer is the starting thread's.
 */
#ifndef EXEC_OWNER_H
#define EXEC_OWNER_H

#include "exec/broker.h"

typedef struct Owner Owner;

/* Creates the topic if it is missing; ERR_CONFIG when there is one that forgets who took over.
 * Nothing is taken over yet. */
ErrCode owner_open(Broker *broker, Str service_id, Owner **out, Err *err) ERR_MUST_USE;
void    owner_close(Owner *owner); /* NULL is fine */

/* Opens the writer of the common group; the first time the server takes over. */
ErrCode owner_open_common(Owner *owner, Str group, BrokerTxn **out, Err *err) ERR_MUST_USE;
/* Opens the writer of a group of its own; and closes it for good, after its last transaction. */
ErrCode owner_open_apart(Owner *owner, Str group, BrokerTxn **out, Err *err) ERR_MUST_USE;
void    owner_close_apart(Owner *owner, Str group, BrokerTxn *txn);

/* Asks the cluster.  ERR_BROKER when another server took over, which the broker is told. */
ErrCode owner_check(Owner *owner, Err *err) ERR_MUST_USE;
/* Starts the thread that does so every second. */
ErrCode owner_watch(Owner *owner, Err *err) ERR_MUST_USE;

#endif
