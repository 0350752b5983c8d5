/*
 * positions.h -- where every query stands, as records of one compacted internal topic.
 *
 * _weir-<service id>-positions has one record per input topic, partition and commit group; it
 * lists the queries of the group that read there, with the next offset of each and the id of the
 * topic that this offset counts in.  The records are
 * written in the epoch's own transaction, so a query stands exactly where its output and state
 * say.  A query that changes its group is listed twice for a while: the higher offset counts, and
 * of two topics of one name the later record.
 *
 * Positions of the running epoch are staged; the commit settles or reverts them.
 *
 * Thread: any.
 */
#ifndef EXEC_POSITIONS_H
#define EXEC_POSITIONS_H

#include "common/map.h"
#include "exec/broker.h"

typedef struct Positions Positions;

typedef struct PositionKey {
    Str      topic;
    uint32_t partition;
    Str      query_id;
    uint32_t scan; /* index in Plan.scans: a query may read a topic twice */
} PositionKey;

/* An offset holds for the topic that it counts in: one that is made again has another id. */
typedef struct Position {
    Str     topic_id; /* empty: not known */
    int64_t offset;
} Position;

/* Creates the topic if it is missing, reads all of it. */
ErrCode positions_open(Broker *broker, Str service_id, Positions **out, Err *err) ERR_MUST_USE;
void    positions_close(Positions *positions); /* NULL is fine */

/* The settled position; false when there is none.  topic_id lives in arena. */
bool positions_get(Positions *positions, const PositionKey *key, Arena *arena, Position *out);
void positions_stage(Positions *positions, Str group, const PositionKey *key, Position position);
/* The query is no more.  Durable with the next commit. */
void positions_forget(Positions *positions, Str query_id);
/* The same for every query that is not among the keys of alive. */
void positions_sweep(Positions *positions, const Map *alive);

/* True when the group has something to write that no task has caused: a query was forgotten. */
bool positions_is_dirty(Positions *positions, Str group);
/* The records that changed, for the transaction; NULL when none did. */
Chunk *positions_chunk(Positions *positions, Str group);
/* Does the topic hold what positions_chunk() last gave?  For a commit of unknown outcome. */
ErrCode positions_ask(Positions *positions, Str group, bool *was_committed, Err *err) ERR_MUST_USE;
void    positions_settle(Positions *positions, Str group);
void    positions_revert(Positions *positions, Str group);

#endif
