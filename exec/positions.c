/*
 * positions.c -- the positions topic in memory.
 *
 * A Place is one record: (topic, partition, group).  A Standing is one scan of one query on one
 * partition; it belongs to one place, and to a second one while the commit that moves it to
 * another group is under way.
 *
 *     key    varint topic length, topic, varint partition, group
 *     value  repeated: varint query length, query, varint scan, varint offset,
 *                      varint topic id length, topic id
 */
#include "exec/positions.h"

#include <pthread.h>

#include "common/map.h"
#include "common/vec.h"

typedef struct Standing Standing;

typedef struct Place {
    Str  key; /* of the record */
    Str  group;
    Map  standings;  /* name -> Standing */
    bool is_dirty;   /* differs from what is written */
    bool is_staged;  /* part of the commit under way */
    Buf  staged;     /* value of the record in that commit; empty: a tombstone */
    bool is_written; /* positions_ask() found it in the topic */
} Place;

struct Standing {
    Str     name; /* query, scan: unique within a place */
    Str     query_id;
    int64_t settled; /* -1: none yet */
    int64_t staged;
    Str     settled_topic_id, staged_topic_id;
    Place  *place;        /* that holds the settled offset; NULL: none yet */
    Place  *staged_place; /* NULL: not part of the commit under way */
};

struct Positions {
    pthread_mutex_t lock;
    Broker         *broker;
    Arena          *mem; /* keys, places and standings */
    Str             topic;
    Map             places;    /* record key -> Place */
    Map             standings; /* topic, partition, query, scan -> Standing */
    Buf             scratch;
};

/* --- names ------------------------------------------------------------------------------------ */

static void positions_put_spot(Buf *out, Str topic, uint32_t partition)
{
    buf_varint(out, topic.len);
    buf_str(out, topic);
    buf_varint(out, partition);
}

static void positions_put_name(Buf *out, Str query_id, uint32_t scan)
{
    buf_varint(out, query_id.len);
    buf_str(out, query_id);
    buf_varint(out, scan);
}

static Place *positions_place(Positions *self, Str topic, uint32_t partition, Str group)
{
    Place *place;

    buf_clear(&self->scratch);
    positions_put_spot(&self->scratch, topic, partition);
    buf_str(&self->scratch, group);
    place = map_get(&self->places, buf_view(&self->scratch));
    if (place)
        return place;
    place = ARENA_NEW(self->mem, Place);
    place->key = str_copy(self->mem, buf_view(&self->scratch));
    place->group = str_copy(self->mem, group);
    map_init(&place->standings, self->mem);
    map_put(&self->places, place->key, place);
    return place;
}

static Standing *positions_standing(Positions *self, const PositionKey *key, bool makes)
{
    Standing *standing;
    size_t    spot_len;
    Str       full;

    buf_clear(&self->scratch);
    positions_put_spot(&self->scratch, key->topic, key->partition);
    spot_len = self->scratch.len;
    positions_put_name(&self->scratch, key->query_id, key->scan);
    standing = map_get(&self->standings, buf_view(&self->scratch));
    if (standing || !makes)
        return standing;
    full = str_copy(self->mem, buf_view(&self->scratch));
    standing = ARENA_NEW(self->mem, Standing);
    standing->name = str_slice(full, spot_len, full.len);
    standing->query_id = str_copy(self->mem, key->query_id);
    standing->settled = -1;
    map_put(&self->standings, full, standing);
    return standing;
}

/* --- reading the topic ------------------------------------------------------------------------ */

static void positions_load_record(Positions *self, const Record *record)
{
    BufReader   key = buf_reader(record->key);
    BufReader   value = buf_reader(record->value);
    PositionKey at;
    Str         group;
    Place      *place;

    at.topic = buf_read_bytes(&key, buf_read_varint(&key));
    at.partition = (uint32_t)buf_read_varint(&key);
    if (!key.ok || !record->value.ptr)
        return;
    group = (Str){(const char *)key.ptr, (size_t)(key.end - key.ptr)};
    place = positions_place(self, at.topic, at.partition, group);
    while (value.ok && value.ptr < value.end) {
        int64_t   offset;
        Standing *standing;
        Str       topic_id;

        at.query_id = buf_read_bytes(&value, buf_read_varint(&value));
        at.scan = (uint32_t)buf_read_varint(&value);
        offset = (int64_t)buf_read_varint(&value);
        topic_id = buf_read_bytes(&value, buf_read_varint(&value));
        if (!value.ok)
            return;
        standing = positions_standing(self, &at, true);
        /* A query that changes its group is listed twice for a while.  The offsets of a topic that
         * is no more say nothing: then the later record counts. */
        if (offset < standing->settled && str_eq(topic_id, standing->settled_topic_id))
            continue;
        if (standing->place)
            map_remove(&standing->place->standings, standing->name);
        standing->settled = offset;
        standing->settled_topic_id = str_copy(self->mem, topic_id);
        standing->place = place;
        map_put(&place->standings, standing->name, standing);
    }
}

/* A later record of a key replaces what an earlier one said. */
static void positions_clear_place(Positions *self, Str key)
{
    Place    *place = map_get(&self->places, key);
    size_t    cursor = 0;
    MapEntry *entry;

    if (!place)
        return;
    while ((entry = map_next(&place->standings, &cursor))) {
        Standing *standing = entry->value;

        standing->settled = -1;
        standing->place = NULL;
    }
    map_init(&place->standings, self->mem);
}

typedef void (*PositionsVisit)(Positions *self, const Record *record);

typedef struct PositionsRead {
    Positions     *positions;
    PositionsVisit visit;
} PositionsRead;

static ErrCode positions_read_record(void *arg, const Record *record, Err *err)
{
    PositionsRead *read = arg;

    (void)err;
    read->visit(read->positions, record);
    return ERR_OK;
}

static ErrCode positions_read(Positions *self, PositionsVisit visit, Err *err)
{
    PositionsRead read = {self, visit};
    PartitionEnds ends;
    BrokerRange   range = {.topic = self->topic};

    TRY(broker_topic_ends(self->broker, self->topic, &ends, 1, err));
    range.from = ends.begin;
    range.end = ends.end;
    return broker_read_range(self->broker, &range, positions_read_record, &read, NULL, err);
}

static void positions_load(Positions *self, const Record *record)
{
    positions_clear_place(self, record->key);
    positions_load_record(self, record);
}

ErrCode positions_open(Broker *broker, Str service_id, Positions **out, Err *err)
{
    Positions *self = MEM_NEW(Positions);
    Buf        name = {0};
    TopicSpec  spec;
    ErrCode    rc;

    pthread_mutex_init(&self->lock, NULL);
    self->broker = broker;
    self->mem = arena_new(0);
    map_init(&self->places, self->mem);
    map_init(&self->standings, self->mem);
    buf_printf(&name, "_weir-%.*s-positions", STR_ARG(service_id));
    self->topic = str_copy(self->mem, buf_view(&name));
    buf_deinit(&name);
    spec = (TopicSpec){.name = self->topic,
                       .partitions = 1,
                       .replicas = -1,
                       .retention_ms = -1,
                       .cleanup = TOPIC_STATE};
    rc = broker_topic_ensure(broker, &spec, err);
    if (rc == ERR_OK)
        rc = positions_read(self, positions_load, err);
    if (rc != ERR_OK) {
        positions_close(self);
        return rc;
    }
    *out = self;
    return ERR_OK;
}

void positions_close(Positions *self)
{
    size_t    cursor = 0;
    MapEntry *entry;

    if (!self)
        return;
    while ((entry = map_next(&self->places, &cursor)))
        buf_deinit(&((Place *)entry->value)->staged);
    pthread_mutex_destroy(&self->lock);
    arena_free(self->mem);
    buf_deinit(&self->scratch);
    mem_free(self);
}

/* --- reading and staging ---------------------------------------------------------------------- */

bool positions_get(Positions *self, const PositionKey *key, Arena *arena, Position *out)
{
    Standing *standing;
    bool      is_found;

    pthread_mutex_lock(&self->lock);
    standing = positions_standing(self, key, false);
    is_found = standing && standing->settled >= 0;
    if (is_found)
        *out = (Position){str_copy(arena, standing->settled_topic_id), standing->settled};
    pthread_mutex_unlock(&self->lock);
    return is_found;
}

/* Is this what is settled, written by this group? */
static bool positions_is_settled(const Standing *standing, Str group, Position position)
{
    return standing->place && str_eq(standing->place->group, group) &&
           standing->settled == position.offset &&
           str_eq(standing->settled_topic_id, position.topic_id);
}

void positions_stage(Positions *self, Str group, const PositionKey *key, Position position)
{
    Standing *standing;
    Place    *place;

    pthread_mutex_lock(&self->lock);
    standing = positions_standing(self, key, true);
    if (!positions_is_settled(standing, group, position)) {
        place = positions_place(self, key->topic, key->partition, group);
        standing->staged = position.offset;
        /* Copied once per topic: the arena lives as long as the server. */
        standing->staged_topic_id = str_eq(standing->settled_topic_id, position.topic_id)
                                        ? standing->settled_topic_id
                                        : str_copy(self->mem, position.topic_id);
        standing->staged_place = place;
        map_put(&place->standings, standing->name, standing);
        place->is_dirty = true;
    }
    pthread_mutex_unlock(&self->lock);
}

void positions_forget(Positions *self, Str query_id)
{
    VEC(Str) gone = {0};
    size_t    cursor = 0;
    MapEntry *entry;
    Arena    *mem = arena_new(0);

    pthread_mutex_lock(&self->lock);
    while ((entry = map_next(&self->standings, &cursor))) {
        Standing *standing = entry->value;

        if (!str_eq(standing->query_id, query_id))
            continue;
        if (standing->place) {
            map_remove(&standing->place->standings, standing->name);
            standing->place->is_dirty = true;
        }
        if (standing->staged_place) {
            map_remove(&standing->staged_place->standings, standing->name);
            standing->staged_place->is_dirty = true;
        }
        vec_push(mem, &gone, entry->key);
    }
    for (size_t i = 0; i < gone.len; i++)
        (void)map_remove(&self->standings, gone.items[i]);
    pthread_mutex_unlock(&self->lock);
    arena_free(mem);
}

void positions_sweep(Positions *self, const Map *alive)
{
    VEC(Str) gone = {0};
    Arena    *mem = arena_new(0);
    size_t    cursor = 0;
    MapEntry *entry;

    pthread_mutex_lock(&self->lock);
    while ((entry = map_next(&self->standings, &cursor))) {
        const Standing *standing = entry->value;

        if (!map_get(alive, standing->query_id))
            vec_push(mem, &gone, standing->query_id);
    }
    pthread_mutex_unlock(&self->lock);
    for (size_t i = 0; i < gone.len; i++)
        positions_forget(self, gone.items[i]);
    arena_free(mem);
}

/* --- committing ------------------------------------------------------------------------------- */

bool positions_is_dirty(Positions *self, Str group)
{
    size_t    cursor = 0;
    MapEntry *entry;
    bool      is_dirty = false;

    pthread_mutex_lock(&self->lock);
    while (!is_dirty && (entry = map_next(&self->places, &cursor))) {
        Place *place = entry->value;

        is_dirty = place->is_dirty && str_eq(place->group, group);
    }
    pthread_mutex_unlock(&self->lock);
    return is_dirty;
}

/* The value of the place's record, in scratch; STR_NULL (a tombstone): nobody stands there. */
static Str positions_value(Positions *self, const Place *place)
{
    size_t    cursor = 0;
    MapEntry *entry;

    buf_clear(&self->scratch);
    while ((entry = map_next(&place->standings, &cursor))) {
        const Standing *standing = entry->value;
        bool            is_staged = standing->staged_place == place;
        Str             topic_id;

        buf_str(&self->scratch, standing->name);
        buf_varint(&self->scratch, (uint64_t)(is_staged ? standing->staged : standing->settled));
        topic_id = is_staged ? standing->staged_topic_id : standing->settled_topic_id;
        buf_varint(&self->scratch, topic_id.len);
        buf_str(&self->scratch, topic_id);
    }
    return self->scratch.len > 0 ? buf_view(&self->scratch) : STR_NULL;
}

Chunk *positions_chunk(Positions *self, Str group)
{
    Chunk    *chunk = NULL;
    size_t    cursor = 0;
    MapEntry *entry;

    pthread_mutex_lock(&self->lock);
    while ((entry = map_next(&self->places, &cursor))) {
        Place *place = entry->value;
        Record record = {.key = place->key};

        if (!place->is_dirty || !str_eq(place->group, group))
            continue;
        if (!chunk)
            chunk = chunk_new(self->topic, 0, NULL);
        record.value = positions_value(self, place);
        chunk_append(chunk, &record);
        buf_clear(&place->staged);
        buf_str(&place->staged, record.value);
        place->is_dirty = false;
        place->is_staged = true;
    }
    pthread_mutex_unlock(&self->lock);
    return chunk;
}

/* Later records overrule earlier ones. */
static void positions_compare(Positions *self, const Record *record)
{
    Place *place = map_get(&self->places, record->key);

    /* Not with what stands there now: a query may have been forgotten meanwhile. */
    if (place && place->is_staged)
        place->is_written = (place->staged.len == 0) == (record->value.ptr == NULL) &&
                            str_eq(buf_view(&place->staged), record->value);
}

ErrCode positions_ask(Positions *self, Str group, bool *was_committed, Err *err)
{
    size_t    cursor = 0;
    MapEntry *entry;
    ErrCode   rc;
    bool      is_written = true;

    pthread_mutex_lock(&self->lock);
    while ((entry = map_next(&self->places, &cursor)))
        ((Place *)entry->value)->is_written = false;
    rc = positions_read(self, positions_compare, err);
    cursor = 0;
    while ((entry = map_next(&self->places, &cursor))) {
        const Place *place = entry->value;

        if (place->is_staged && str_eq(place->group, group))
            is_written = is_written && place->is_written;
    }
    pthread_mutex_unlock(&self->lock);
    if (rc == ERR_OK)
        *was_committed = is_written;
    return rc;
}

void positions_settle(Positions *self, Str group)
{
    size_t    cursor = 0;
    MapEntry *entry;

    pthread_mutex_lock(&self->lock);
    while ((entry = map_next(&self->standings, &cursor))) {
        Standing *standing = entry->value;
        Place    *place = standing->staged_place;

        if (!place || !str_eq(place->group, group))
            continue;
        if (standing->place && standing->place != place) {
            /* Only now may the place it came from forget it. */
            map_remove(&standing->place->standings, standing->name);
            standing->place->is_dirty = true;
        }
        standing->place = place;
        standing->settled = standing->staged;
        standing->settled_topic_id = standing->staged_topic_id;
        standing->staged_place = NULL;
    }
    cursor = 0;
    while ((entry = map_next(&self->places, &cursor))) {
        Place *place = entry->value;

        if (str_eq(place->group, group))
            place->is_staged = false;
    }
    pthread_mutex_unlock(&self->lock);
}

void positions_revert(Positions *self, Str group)
{
    size_t    cursor = 0;
    MapEntry *entry;

    pthread_mutex_lock(&self->lock);
    while ((entry = map_next(&self->standings, &cursor))) {
        Standing *standing = entry->value;
        Place    *place = standing->staged_place;

        if (!place || !str_eq(place->group, group))
            continue;
        if (standing->place != place)
            map_remove(&place->standings, standing->name);
        standing->staged_place = NULL;
    }
    cursor = 0;
    while ((entry = map_next(&self->places, &cursor))) {
        Place *place = entry->value;

        if (!str_eq(place->group, group))
            continue;
        /* What was written is not: a forgotten query is still listed there. */
        place->is_dirty = place->is_dirty || place->is_staged;
        place->is_staged = false;
    }
    pthread_mutex_unlock(&self->lock);
}
