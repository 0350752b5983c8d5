/*
 * limit.h -- every bound on what input can grow.
 *
 * Each limit has a default here and an error (ERR_LIMIT) that names it.  Those with a property
 * can be changed in the server's configuration; g_limits carries the values in force.
 */
#ifndef COMMON_LIMIT_H
#define COMMON_LIMIT_H

#include <stddef.h>
#include <stdint.h>

/* X(field, property, default, what) */
#define LIMITS(X)                                                                                  \
    X(statement_bytes, "weir.limit.statement.bytes", 1048576, "bytes of one request's SQL")        \
    X(statements_per_request, "weir.limit.statements", 10000, "statements in one request or file") \
    X(nesting, "weir.limit.nesting", 200, "depth of an expression, type or document")              \
    X(expression_parts, "weir.limit.expression.parts", 100000,                                     \
      "parts of the expressions that columns of sub-selects stand for")                            \
    X(windows, "weir.limit.windows", 100000, "hopping windows that one row may be in")             \
    X(columns, "weir.limit.columns", 4096, "columns of a source")                                  \
    X(body_bytes, "weir.limit.body.bytes", 16777216, "bytes of an HTTP request body")              \
    X(header_bytes, "weir.limit.header.bytes", 65536, "bytes of an HTTP request's head")           \
    X(ws_frame_bytes, "weir.limit.ws.frame.bytes", 1048576, "bytes of a websocket message")        \
    X(requests_bytes, "weir.limit.requests.bytes", 268435456, "bytes of all requests being sent")  \
    X(connections, "weir.limit.connections", 10000, "open client connections")                     \
    X(record_bytes, "weir.limit.record.bytes", 1048576, "bytes of one record")                     \
    X(value_bytes, "weir.limit.value.bytes", 16777216, "bytes of one computed value")              \
    X(items, "weir.limit.items", 1000000, "elements of one array or map")                          \
    X(partitions, "weir.limit.partitions", 1024, "partitions of a topic")                          \
    X(queries, "weir.limit.queries", 10000, "persistent queries")                                  \
    X(push_queries, "ksql.max.push.queries", 100, "open push queries")                             \
    X(push_queue_rows, "weir.limit.push.queue.rows", 10000, "rows waiting for one subscriber")     \
    X(push_queue_bytes, "weir.limit.push.queue.bytes", 8388608,                                    \
      "bytes waiting for one subscriber")                                                          \
    X(push_stall_ms, "weir.limit.push.stall.ms", 60000, "milliseconds a full subscriber may wait") \
    X(pull_rows, "weir.limit.pull.rows", 1000000, "rows a pull query may examine")                 \
    X(pull_ms, "weir.limit.pull.ms", 30000, "milliseconds a pull query may take")                  \
    X(pull_queue, "weir.limit.pull.queue", 1000, "pull queries waiting")                           \
    X(prepared_pulls, "weir.limit.prepared.pulls", 200, "look-ups by key that are kept prepared")  \
    X(insert_queue, "weir.limit.insert.queue", 10000, "INSERTs waiting for the broker")            \
    X(memory_bytes, "weir.memory.bytes", 209715200, "bytes of memory while queries catch up")      \
    X(state_bytes, "weir.limit.state.bytes", 268435456, "bytes of state kept in memory")           \
    X(broker_silence_ms, "weir.limit.broker.silence.ms", 90000,                                    \
      "milliseconds without a record while a topic is read at start")                              \
    X(exchange_bytes, "weir.limit.exchange.bytes", 4194304, "bytes in one exchange queue")         \
    X(chunk_queue_bytes, "weir.limit.chunk.queue.bytes", 67108864, "bytes of an unsettled epoch")  \
    X(inline_rounds, "weir.limit.inline.rounds", 100000, "rounds of the inline engine")

typedef struct Limits {
#define LIMIT_FIELD(field, property, value, what) int64_t field;
    LIMITS(LIMIT_FIELD)
#undef LIMIT_FIELD
} Limits;

/* The values in force.  Written once at start, before any thread; read anywhere. */
extern Limits g_limits;

void limits_init(Limits *limits); /* the defaults */
/* Sets one by property name; false when the property is no limit. */
_Bool limits_set(Limits *limits, const char *property, int64_t value);

#endif
