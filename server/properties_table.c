/*
 * properties_table.c -- every property that Weir knows by name.
 *
 * S: only in the server's configuration; Q: a request may override it.  IGNORED rows are accepted
 * so that existing configuration files work, and are reported once as being without effect.  The
 * limits of common/limit.h join the table with their own names.
 */
#include "server/properties.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/limit.h"

#define S PROPERTY_SERVER
#define Q PROPERTY_QUERY
#define TEXT(name, value, level, doc)                                                              \
    {                                                                                              \
        name, value, PROPERTY_STRING, level, false, doc                                            \
    }
#define INT(name, value, level, doc)                                                               \
    {                                                                                              \
        name, value, PROPERTY_INT, level, false, doc                                               \
    }
#define BOOL(name, value, level, doc)                                                              \
    {                                                                                              \
        name, value, PROPERTY_BOOL, level, false, doc                                              \
    }
#define IGNORED(name, level)                                                                       \
    {                                                                                              \
        name, NULL, PROPERTY_STRING, level, true, "accepted, without effect"                       \
    }

static const PropertyDef own_rows[] = {
    TEXT("listeners", "http://127.0.0.1:8088", S, "addresses to serve on, comma separated"),
    TEXT("bootstrap.servers", NULL, S, "Kafka brokers; unset: the embedded broker"),
    TEXT("ksql.service.id", "default_", S, "name of this server; part of internal topics' names"),
    TEXT("ksql.queries.file", NULL, S, "statements to apply at start; as --queries"),
    TEXT("auto.offset.reset", "latest", Q, "where a query begins to read a stream"),
    INT("cache.max.bytes.buffering", "10000000", Q,
        "0: write every update of a table; else the last one per key and epoch"),
    INT("commit.interval.ms", "100", S, "length of an epoch: how often output becomes durable"),
    TEXT("processing.guarantee", "exactly_once_v2", S,
         "at_least_once is taken; writes are exactly once"),
    TEXT("ksql.persistence.default.format.key", "KAFKA", S, "key format of CREATE without one"),
    TEXT("ksql.persistence.default.format.value", NULL, S, "value format of CREATE without one"),
    TEXT("ksql.persistence.wrap.single.values", NULL, S, "default of WRAP_SINGLE_VALUE"),
    TEXT("ksql.output.topic.name.prefix", "", S, "put before the topic names of CREATE ... AS"),
    INT("ksql.internal.topic.replicas", "1", S, "replicas of internal topics"),
    IGNORED("ksql.hidden.topics", S),
    IGNORED("ksql.readonly.topics", S),
    BOOL("ksql.insert.into.values.enabled", "true", S, "allow INSERT INTO ... VALUES"),
    BOOL("ksql.create.or.replace.enabled", "true", S, "allow CREATE OR REPLACE ... AS"),
    IGNORED("ksql.lambdas.enabled", S),
    IGNORED("ksql.headers.columns.enabled", S),
    BOOL("ksql.source.table.materialization.enabled", "true", S, "materialise SOURCE tables"),
    BOOL("ksql.variable.substitution.enable", "true", Q, "replace ${name} in statements"),
    BOOL("ksql.timestamp.throw.on.invalid", "false", Q, "a bad timestamp stops the query"),
    BOOL("ksql.nested.error.set.null", "true", Q,
         "an error inside an expression nulls that part only"),
    IGNORED("ksql.cast.strings.preserve.nulls", Q),
    BOOL("ksql.fail.on.deserialization.error", "false", Q, "a bad record stops the query"),
    IGNORED("ksql.fail.on.production.error", S),
    IGNORED("ksql.suppress.enabled", S),
    TEXT("ksql.properties.overrides.denylist", "", S, "properties that requests may not override"),
    INT("ksql.assert.topic.default.timeout.ms", "1000", S, "how long ASSERT TOPIC waits"),
    IGNORED("ksql.assert.schema.default.timeout.ms", S),
    INT("ksql.query.persistent.active.limit", "2147483647", S, "persistent queries at once"),
    INT("ksql.query.retry.backoff.initial.ms", "15000", S,
        "first pause before a failed query is tried again"),
    INT("ksql.query.retry.backoff.max.ms", "900000", Q, "longest such pause"),
    IGNORED("ksql.query.error.max.queue.size", S),
    BOOL("ksql.pull.queries.enable", "true", S, "allow pull queries"),
    BOOL("ksql.query.pull.table.scan.enabled", "true", Q, "allow pull queries that scan a table"),
    BOOL("ksql.query.pull.stream.enabled", "true", S, "allow pull queries on streams"),
    BOOL("ksql.query.pull.range.scan.enabled", "true", S, "use range scans in pull queries"),
    BOOL("ksql.query.pull.limit.clause.enabled", "true", S, "allow LIMIT in pull queries"),
    BOOL("ksql.query.push.v2.enabled", "false", Q, "accepted: every push query shares one reader"),
    IGNORED("ksql.schema.registry.url", S),
    IGNORED("ksql.connect.url", S),
    INT("ksql.server.command.response.timeout.ms", "5000", S,
        "how long a request waits for its statement"),
    INT("ksql.idle.connection.timeout.seconds", "86400", S, "an idle connection is closed after"),
    IGNORED("ksql.endpoint.migrate.query", Q),
    IGNORED("query.stream.disconnect.check", S),
    IGNORED("ksql.healthcheck.interval.ms", S),
    BOOL("ksql.logging.processing.rows.include", "false", S, "records in the processing log"),
    TEXT("ksql.logging.processing.stream.name", "KSQL_PROCESSING_LOG", S,
         "name of the processing log's stream"),
    TEXT("ksql.logging.processing.topic.name", NULL, S, "topic of the processing log"),
    INT("ksql.logging.processing.topic.partitions", "1", S, "partitions of that topic"),
    BOOL("ksql.logging.processing.stream.auto.create", "true", S, "make that stream at start"),
    BOOL("ksql.logging.processing.topic.auto.create", "true", S, "make that topic at start"),
    TEXT("access.control.allow.origin", "", S, "CORS: allowed origins, comma separated"),
    TEXT("access.control.allow.methods", "GET,POST,HEAD", S, "CORS: allowed methods"),
    TEXT("access.control.allow.headers", "X-Requested-With,Content-Type,Accept,Origin", S,
         "CORS: allowed headers"),
    TEXT("weir.data.dir", "./weir-data", S, "data directory; as --data"),
    INT("weir.data.max.bytes", "-1", S, "writes that would make the data larger are refused"),
    BOOL("weir.ddl.over.rest", "true", S, "statements that change something may come over REST"),
    TEXT("weir.log.level", "info", S, "error, warn, info or debug"),
    INT("weir.workers", "0", S, "worker threads; 0: one per core"),
    BOOL("weir.read.your.writes", "false", Q,
         "a pull query waits until earlier INSERTs have reached the table"),
    INT("weir.fetch.bytes", "209715200", S, "Kafka: bytes fetched ahead, all partitions together"),
    INT("weir.retention.ms", "604800000", S, "retention of topics made without RETENTION_MS"),
    INT("weir.tombstone.retention.ms", "86400000", S, "how long compaction keeps a deletion"),
    TEXT("security.protocol", NULL, S, "Kafka: plaintext, ssl, sasl_plaintext, sasl_ssl"),
    IGNORED("ksql.streams.shutdown.timeout.ms", S),
    IGNORED("ksql.schema.registry.ssl.truststore.location", S),
    IGNORED("ksql.connect.basic.auth.credentials.source", S),
    IGNORED("ksql.connect.request.timeout.ms", S),
    IGNORED("ksql.new.query.planner.enabled", S),
    IGNORED("ksql.extension.dir", S),
    IGNORED("ksql.udfs.enabled", S),
    IGNORED("ksql.udf.collect.metrics", S),
    IGNORED("ksql.udf.enable.security.manager", S),
    IGNORED("ksql.internal.topic.min.insync.replicas", S),
    IGNORED("ksql.persistent.prefix", S),
    IGNORED("ksql.transient.prefix", S),
    IGNORED("ksql.metastore.backup.location", S),
    IGNORED("ksql.local.commands.location", S),
    IGNORED("ksql.runtime.feature.shared.enabled", S),
    IGNORED("ksql.shared.runtimes.count", S),
    IGNORED("ksql.suppress.buffer.size.bytes", S),
    IGNORED("ksql.properties.overrides.allowlist", S),
    IGNORED("ksql.properties.overrides.validation.mode", S),
    IGNORED("ksql.query.persistent.max.bytes.buffering.total", S),
    IGNORED("ksql.query.transient.max.bytes.buffering.total", S),
    IGNORED("ksql.transient.query.cleanup.service.enable", S),
    IGNORED("ksql.transient.query.cleanup.service.initial.delay.seconds", S),
    IGNORED("ksql.transient.query.cleanup.service.period.seconds", S),
    IGNORED("ksql.query.pull.enable.standby.reads", S),
    IGNORED("ksql.query.pull.max.allowed.offset.lag", Q),
    IGNORED("ksql.query.pull.interpreter.enabled", S),
    IGNORED("ksql.query.pull.metrics.enabled", S),
    IGNORED("ksql.query.pull.max.qps", S),
    IGNORED("ksql.query.pull.max.concurrent.requests", S),
    IGNORED("ksql.query.pull.max.hourly.bandwidth.megabytes", S),
    IGNORED("ksql.query.pull.thread.pool.size", S),
    IGNORED("ksql.query.pull.router.thread.pool.size", S),
    IGNORED("ksql.query.pull.forwarding.timeout.ms", S),
    IGNORED("ksql.query.pull.cancel.on.disconnect.enabled", S),
    IGNORED("ksql.query.pull.consistency.token.enabled", S),
    IGNORED("ksql.query.push.v2.registry.installed", S),
    IGNORED("ksql.query.push.v2.continuation.tokens.enabled", S),
    IGNORED("ksql.query.push.v2.alos.enabled", S),
    IGNORED("ksql.query.push.v2.new.latest.delay.ms", S),
    IGNORED("ksql.query.push.v2.latest.reset.age.ms", S),
    IGNORED("ksql.query.push.v2.max.catchup.consumers", S),
    IGNORED("ksql.query.push.v2.catchup.consumer.msg.window", S),
    IGNORED("ksql.create.topic.inherit.source.replicas.enabled", S),
    IGNORED("ksql.server.command.blocked.threshold.error.ms", S),
    IGNORED("ksql.server.command.topic.rate.limit", S),
    IGNORED("ksql.server.websockets.num.threads", S),
    IGNORED("ksql.server.install.dir", S),
    IGNORED("ksql.server.sni.check.enable", S),
    IGNORED("ksql.verticle.instances", S),
    IGNORED("ksql.worker.pool.size", S),
    IGNORED("ksql.heartbeat.enable", S),
    IGNORED("ksql.heartbeat.send.interval.ms", S),
    IGNORED("ksql.heartbeat.check.interval.ms", S),
    IGNORED("ksql.heartbeat.window.ms", S),
    IGNORED("ksql.heartbeat.missed.threshold.ms", S),
    IGNORED("ksql.heartbeat.discover.interval.ms", S),
    IGNORED("ksql.heartbeat.thread.pool.size", S),
    IGNORED("ksql.lag.reporting.enable", S),
    IGNORED("ksql.lag.reporting.send.interval.ms", S),
    IGNORED("ksql.endpoint.logging.log.queries", S),
    IGNORED("ksql.endpoint.logging.ignored.paths.regex", S),
    IGNORED("ksql.logging.server.rate.limited.response.codes", S),
    IGNORED("ksql.logging.server.rate.limited.request.paths", S),
    IGNORED("ksql.logging.processing.topic.replication.factor", S),
    IGNORED("ksql.websocket.connection.max.timeout.ms", S),
    IGNORED("ksql.internal.listener", S),
    IGNORED("ksql.advertised.listener", S),
    IGNORED("ksql.metrics.tags.custom", S),
    IGNORED("ksql.metrics.extension", S),
    IGNORED("ksql.access.validator.enable", S),
    IGNORED("ksql.security.extension.class", S),
    IGNORED("ksql.authentication.plugin.class", S),
    IGNORED("ksql.error.classifier.regex", S),
    IGNORED("ksql.json_sr.converter.deserializer.enabled", S),
    IGNORED("listeners.proxy.protocol", S),
    IGNORED("confluent.support.metrics.enable", S),
    IGNORED("num.stream.threads", Q),
    IGNORED("num.standby.replicas", S),
    IGNORED("state.dir", S),
    IGNORED("application.id", S),
    IGNORED("application.server", S),
    IGNORED("buffered.records.per.partition", Q),
    IGNORED("max.task.idle.ms", Q),
    IGNORED("task.timeout.ms", Q),
    IGNORED("default.deserialization.exception.handler", S),
    IGNORED("default.production.exception.handler", S),
    IGNORED("default.timestamp.extractor", S),
    IGNORED("rocksdb.config.setter", S),
    IGNORED("topology.optimization", S),
    IGNORED("topology.optimization.config", S),
    IGNORED("replication.factor", S),
    IGNORED("statestore.cache.max.bytes", Q),
    IGNORED("acceptable.recovery.lag", S),
    IGNORED("probing.rebalance.interval.ms", S),
    IGNORED("poll.ms", S),
    IGNORED("acks", S),
    IGNORED("batch.size", S),
    IGNORED("linger.ms", S),
    IGNORED("buffer.memory", S),
    IGNORED("compression.type", S),
    IGNORED("delivery.timeout.ms", S),
    IGNORED("enable.idempotence", S),
    IGNORED("max.block.ms", S),
    IGNORED("max.in.flight.requests.per.connection", S),
    IGNORED("max.request.size", S),
    IGNORED("transaction.timeout.ms", S),
    IGNORED("transactional.id", S),
    IGNORED("partitioner.class", S),
    IGNORED("client.id", S),
    IGNORED("client.dns.lookup", S),
    IGNORED("client.rack", S),
    IGNORED("connections.max.idle.ms", S),
    IGNORED("metadata.max.age.ms", S),
    IGNORED("receive.buffer.bytes", S),
    IGNORED("send.buffer.bytes", S),
    IGNORED("reconnect.backoff.ms", S),
    IGNORED("reconnect.backoff.max.ms", S),
    IGNORED("request.timeout.ms", S),
    IGNORED("retries", S),
    IGNORED("retry.backoff.ms", S),
    IGNORED("retry.backoff.max.ms", S),
    IGNORED("allow.auto.create.topics", S),
    IGNORED("check.crcs", S),
    IGNORED("default.api.timeout.ms", S),
    IGNORED("enable.auto.commit", S),
    IGNORED("auto.commit.interval.ms", S),
    IGNORED("exclude.internal.topics", S),
    IGNORED("fetch.max.bytes", S),
    IGNORED("fetch.max.wait.ms", S),
    IGNORED("fetch.min.bytes", S),
    IGNORED("group.id", S),
    IGNORED("group.instance.id", S),
    IGNORED("heartbeat.interval.ms", S),
    IGNORED("isolation.level", S),
    IGNORED("key.deserializer", S),
    IGNORED("value.deserializer", S),
    IGNORED("key.serializer", S),
    IGNORED("value.serializer", S),
    IGNORED("interceptor.classes", S),
    IGNORED("max.partition.fetch.bytes", S),
    IGNORED("max.poll.interval.ms", S),
    IGNORED("max.poll.records", S),
    IGNORED("metric.reporters", S),
    IGNORED("metrics.num.samples", S),
    IGNORED("metrics.recording.level", S),
    IGNORED("metrics.sample.window.ms", S),
    IGNORED("partition.assignment.strategy", S),
    IGNORED("session.timeout.ms", S),
    IGNORED("authentication.method", S),
    IGNORED("authentication.realm", S),
    IGNORED("authentication.roles", S),
    IGNORED("authentication.skip.paths", S),
};

#define LIMIT_ROW(field, property, default_value, what)                                            \
    {property, #default_value, PROPERTY_INT, PROPERTY_SERVER, false, "limit: " what},
static const PropertyDef limit_rows[] = {LIMITS(LIMIT_ROW)};

enum {
    OWN_LEN = sizeof own_rows / sizeof *own_rows,
    LIMIT_LEN = sizeof limit_rows / sizeof *limit_rows
};

static PropertyDef    table[OWN_LEN + LIMIT_LEN];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const PropertyDef *)a)->name, ((const PropertyDef *)b)->name);
}

static void table_make(void)
{
    memcpy(table, own_rows, sizeof own_rows);
    memcpy(table + OWN_LEN, limit_rows, sizeof limit_rows);
    qsort(table, OWN_LEN + LIMIT_LEN, sizeof *table, by_name);
}

const PropertyDef *properties_table(size_t *len)
{
    pthread_once(&table_once, table_make);
    *len = OWN_LEN + LIMIT_LEN;
    return table;
}
