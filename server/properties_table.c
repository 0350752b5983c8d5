/*
 * properties_table.c -- every property that Weir knows by name.
 *
 * S: only in the server's configuration; Q: a request may override it.  Ignored names are accepted
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
        name, value, PROPERTY_STRING, level, false, 0, doc                                         \
    }
#define INT(name, value, min, level, doc)                                                          \
    {                                                                                              \
        name, value, PROPERTY_INT, level, false, min, doc                                          \
    }
#define BOOL(name, value, level, doc)                                                              \
    {                                                                                              \
        name, value, PROPERTY_BOOL, level, false, 0, doc                                           \
    }

static const PropertyDef own_rows[] = {
    TEXT("listeners", "http://127.0.0.1:8088", S, "addresses to serve on, comma separated"),
    TEXT("bootstrap.servers", NULL, S, "Kafka brokers; unset: the embedded broker"),
    TEXT("ksql.service.id", "default_", S, "name of this server; part of internal topics' names"),
    TEXT("ksql.queries.file", NULL, S, "statements to apply at start; as --queries"),
    TEXT("auto.offset.reset", "latest", Q, "where a query begins to read a stream"),
    INT("cache.max.bytes.buffering", "10000000", 0, Q,
        "0: write every update of a table; else the last one per key and epoch"),
    INT("commit.interval.ms", "100", 1, S, "length of an epoch: how often output becomes durable"),
    TEXT("processing.guarantee", "exactly_once_v2", S,
         "at_least_once: on Kafka, without transactions"),
    TEXT("ksql.persistence.default.format.key", "KAFKA", S, "key format of CREATE without one"),
    TEXT("ksql.persistence.default.format.value", NULL, S, "value format of CREATE without one"),
    TEXT("ksql.persistence.wrap.single.values", NULL, S, "default of WRAP_SINGLE_VALUE"),
    TEXT("ksql.output.topic.name.prefix", "", S, "put before the topic names of CREATE ... AS"),
    INT("ksql.internal.topic.replicas", "1", 1, S, "replicas of internal topics"),
    BOOL("ksql.insert.into.values.enabled", "true", S, "allow INSERT INTO ... VALUES"),
    BOOL("ksql.create.or.replace.enabled", "true", S, "allow CREATE OR REPLACE ... AS"),
    BOOL("ksql.source.table.materialization.enabled", "true", S, "materialise SOURCE tables"),
    BOOL("ksql.variable.substitution.enable", "true", Q, "replace ${name} in statements"),
    BOOL("ksql.timestamp.throw.on.invalid", "false", Q, "a bad timestamp stops the query"),
    BOOL("ksql.nested.error.set.null", "true", Q,
         "an error inside an expression nulls that part only"),
    BOOL("ksql.fail.on.deserialization.error", "false", Q, "a bad record stops the query"),
    TEXT("ksql.properties.overrides.denylist", "", S, "properties that requests may not override"),
    INT("ksql.assert.topic.default.timeout.ms", "1000", 0, S, "how long ASSERT TOPIC waits"),
    INT("ksql.query.persistent.active.limit", "2147483647", 0, S, "persistent queries at once"),
    INT("ksql.query.retry.backoff.initial.ms", "15000", 0, S,
        "first pause before a failed query is tried again"),
    INT("ksql.query.retry.backoff.max.ms", "900000", 0, Q, "longest such pause"),
    BOOL("ksql.pull.queries.enable", "true", S, "allow pull queries"),
    BOOL("ksql.query.pull.table.scan.enabled", "true", Q, "allow pull queries that scan a table"),
    BOOL("ksql.query.pull.stream.enabled", "true", S, "allow pull queries on streams"),
    BOOL("ksql.query.pull.range.scan.enabled", "true", S, "use range scans in pull queries"),
    BOOL("ksql.query.pull.limit.clause.enabled", "true", S, "allow LIMIT in pull queries"),
    BOOL("ksql.query.push.v2.enabled", "false", Q,
         "push queries from now on, of one source, leave records without a key out"),
    INT("ksql.server.command.response.timeout.ms", "5000", 0, S,
        "how long a request waits for its statement"),
    INT("ksql.idle.connection.timeout.seconds", "86400", 1, S,
        "an idle connection is closed after"),
    BOOL("ksql.logging.processing.rows.include", "false", S, "records in the processing log"),
    TEXT("ksql.logging.processing.stream.name", "KSQL_PROCESSING_LOG", S,
         "name of the processing log's stream"),
    TEXT("ksql.logging.processing.topic.name", NULL, S, "topic of the processing log"),
    INT("ksql.logging.processing.topic.partitions", "1", 1, S, "partitions of that topic"),
    BOOL("ksql.logging.processing.stream.auto.create", "true", S, "make that stream at start"),
    BOOL("ksql.logging.processing.topic.auto.create", "true", S, "make that topic at start"),
    TEXT("access.control.allow.origin", "", S, "CORS: allowed origins, comma separated"),
    TEXT("access.control.allow.methods", "GET,POST,HEAD", S, "CORS: allowed methods"),
    TEXT("access.control.allow.headers", "X-Requested-With,Content-Type,Accept,Origin", S,
         "CORS: allowed headers"),
    TEXT("weir.data.dir", "./weir-data", S, "data directory; as --data"),
    INT("weir.data.max.bytes", "-1", -1, S, "writes that would make the data larger are refused"),
    BOOL("weir.ddl.over.rest", "true", S, "statements that change something may come over REST"),
    TEXT("weir.log.level", "info", S, "error, warn, info or debug"),
    INT("weir.workers", "0", 0, S, "worker threads; 0: one per core"),
    BOOL("weir.read.your.writes", "false", Q,
         "a pull query waits until earlier INSERTs have reached the table"),
    INT("weir.time.skew.max", "1000", 0, Q,
        "ms that partitions of a query with windows or joins may be apart while it catches up"),
    INT("weir.retention.ms", "604800000", -1, S, "retention of topics made without RETENTION_MS"),
    INT("weir.tombstone.retention.ms", "86400000", 0, S, "how long compaction keeps a deletion"),
    INT("replication.factor", "-1", -1, S,
        "Kafka: replicas of changelogs and positions; -1: the cluster's default"),
    TEXT("client.id", NULL, S, "Kafka: the name that quotas are for; weir"),
    TEXT("compression.type", NULL, S,
         "Kafka: none, gzip, snappy, lz4, zstd: how what is written is compressed; none"),
    TEXT("broker.address.family", NULL, S, "Kafka: any, v4, v6: addresses of brokers to use; any"),
    TEXT("enable.ssl.certificate.verification", NULL, S,
         "Kafka: false: take any certificate of a broker; true"),
    TEXT("security.protocol", NULL, S, "Kafka: plaintext, ssl, sasl_plaintext, sasl_ssl"),
};

/* Of ksqlDB and of Kafka's clients; without effect here. */
static const char *const ignored_server[] = {
    "ksql.hidden.topics",
    "ksql.readonly.topics",
    "ksql.lambdas.enabled",
    "ksql.headers.columns.enabled",
    "ksql.fail.on.production.error",
    "ksql.suppress.enabled",
    "ksql.assert.schema.default.timeout.ms",
    "ksql.query.error.max.queue.size",
    "ksql.schema.registry.url",
    "ksql.connect.url",
    "query.stream.disconnect.check",
    "ksql.healthcheck.interval.ms",
    "ksql.streams.shutdown.timeout.ms",
    "ksql.schema.registry.ssl.truststore.location",
    "ksql.connect.basic.auth.credentials.source",
    "ksql.connect.request.timeout.ms",
    "ksql.new.query.planner.enabled",
    "ksql.extension.dir",
    "ksql.udfs.enabled",
    "ksql.udf.collect.metrics",
    "ksql.udf.enable.security.manager",
    "ksql.internal.topic.min.insync.replicas",
    "ksql.persistent.prefix",
    "ksql.transient.prefix",
    "ksql.metastore.backup.location",
    "ksql.local.commands.location",
    "ksql.runtime.feature.shared.enabled",
    "ksql.shared.runtimes.count",
    "ksql.suppress.buffer.size.bytes",
    "ksql.properties.overrides.allowlist",
    "ksql.properties.overrides.validation.mode",
    "ksql.query.persistent.max.bytes.buffering.total",
    "ksql.query.transient.max.bytes.buffering.total",
    "ksql.transient.query.cleanup.service.enable",
    "ksql.transient.query.cleanup.service.initial.delay.seconds",
    "ksql.transient.query.cleanup.service.period.seconds",
    "ksql.query.pull.enable.standby.reads",
    "ksql.query.pull.interpreter.enabled",
    "ksql.query.pull.metrics.enabled",
    "ksql.query.pull.max.qps",
    "ksql.query.pull.max.concurrent.requests",
    "ksql.query.pull.max.hourly.bandwidth.megabytes",
    "ksql.query.pull.thread.pool.size",
    "ksql.query.pull.router.thread.pool.size",
    "ksql.query.pull.forwarding.timeout.ms",
    "ksql.query.pull.cancel.on.disconnect.enabled",
    "ksql.query.pull.consistency.token.enabled",
    "ksql.query.push.v2.registry.installed",
    "ksql.query.push.v2.continuation.tokens.enabled",
    "ksql.query.push.v2.alos.enabled",
    "ksql.query.push.v2.new.latest.delay.ms",
    "ksql.query.push.v2.latest.reset.age.ms",
    "ksql.query.push.v2.max.catchup.consumers",
    "ksql.query.push.v2.catchup.consumer.msg.window",
    "ksql.create.topic.inherit.source.replicas.enabled",
    "ksql.server.command.blocked.threshold.error.ms",
    "ksql.server.command.topic.rate.limit",
    "ksql.server.websockets.num.threads",
    "ksql.server.install.dir",
    "ksql.server.sni.check.enable",
    "ksql.verticle.instances",
    "ksql.worker.pool.size",
    "ksql.heartbeat.enable",
    "ksql.heartbeat.send.interval.ms",
    "ksql.heartbeat.check.interval.ms",
    "ksql.heartbeat.window.ms",
    "ksql.heartbeat.missed.threshold.ms",
    "ksql.heartbeat.discover.interval.ms",
    "ksql.heartbeat.thread.pool.size",
    "ksql.lag.reporting.enable",
    "ksql.lag.reporting.send.interval.ms",
    "ksql.endpoint.logging.log.queries",
    "ksql.endpoint.logging.ignored.paths.regex",
    "ksql.logging.server.rate.limited.response.codes",
    "ksql.logging.server.rate.limited.request.paths",
    "ksql.logging.processing.topic.replication.factor",
    "ksql.websocket.connection.max.timeout.ms",
    "ksql.internal.listener",
    "ksql.advertised.listener",
    "ksql.metrics.tags.custom",
    "ksql.metrics.extension",
    "ksql.access.validator.enable",
    "ksql.security.extension.class",
    "ksql.authentication.plugin.class",
    "ksql.error.classifier.regex",
    "ksql.json_sr.converter.deserializer.enabled",
    "listeners.proxy.protocol",
    "confluent.support.metrics.enable",
    "num.standby.replicas",
    "state.dir",
    "application.id",
    "application.server",
    "default.deserialization.exception.handler",
    "default.production.exception.handler",
    "default.timestamp.extractor",
    "rocksdb.config.setter",
    "topology.optimization",
    "topology.optimization.config",
    "acceptable.recovery.lag",
    "probing.rebalance.interval.ms",
    "poll.ms",
    "acks",
    "batch.size",
    "linger.ms",
    "buffer.memory",
    "delivery.timeout.ms",
    "enable.idempotence",
    "max.block.ms",
    "max.in.flight.requests.per.connection",
    "max.request.size",
    "transaction.timeout.ms",
    "transactional.id",
    "partitioner.class",
    "client.dns.lookup",
    "client.rack",
    "connections.max.idle.ms",
    "metadata.max.age.ms",
    "receive.buffer.bytes",
    "send.buffer.bytes",
    "reconnect.backoff.ms",
    "reconnect.backoff.max.ms",
    "request.timeout.ms",
    "retries",
    "retry.backoff.ms",
    "retry.backoff.max.ms",
    "allow.auto.create.topics",
    "check.crcs",
    "default.api.timeout.ms",
    "enable.auto.commit",
    "auto.commit.interval.ms",
    "exclude.internal.topics",
    "fetch.max.bytes",
    "fetch.max.wait.ms",
    "fetch.min.bytes",
    "group.id",
    "group.instance.id",
    "heartbeat.interval.ms",
    "isolation.level",
    "key.deserializer",
    "value.deserializer",
    "key.serializer",
    "value.serializer",
    "interceptor.classes",
    "max.partition.fetch.bytes",
    "max.poll.interval.ms",
    "max.poll.records",
    "metric.reporters",
    "metrics.num.samples",
    "metrics.recording.level",
    "metrics.sample.window.ms",
    "partition.assignment.strategy",
    "session.timeout.ms",
    "authentication.method",
    "authentication.realm",
    "authentication.roles",
    "authentication.skip.paths",
};

/* Those that a request may set, too. */
static const char *const ignored_query[] = {
    "ksql.cast.strings.preserve.nulls",
    "ksql.endpoint.migrate.query",
    "ksql.query.pull.max.allowed.offset.lag",
    "num.stream.threads",
    "buffered.records.per.partition",
    "max.task.idle.ms",
    "task.timeout.ms",
    "statestore.cache.max.bytes",
};

#define LIMIT_ROW(field, property, default_value, what)                                            \
    {property, #default_value, PROPERTY_INT, PROPERTY_SERVER, false, 1, "limit: " what},
static const PropertyDef limit_rows[] = {LIMITS(LIMIT_ROW)};

#define LEN(array) (sizeof(array) / sizeof *(array))

enum { TABLE_LEN = LEN(own_rows) + LEN(ignored_server) + LEN(ignored_query) + LEN(limit_rows) };

static PropertyDef    table[TABLE_LEN];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const PropertyDef *)a)->name, ((const PropertyDef *)b)->name);
}

static size_t put_ignored(size_t at, const char *const *names, size_t len, PropertyLevel level)
{
    for (size_t i = 0; i < len; i++)
        table[at++] = (PropertyDef){.name = names[i],
                                    .level = level,
                                    .is_ignored = true,
                                    .doc = "accepted, without effect"};
    return at;
}

static void table_make(void)
{
    size_t at = LEN(own_rows);

    memcpy(table, own_rows, sizeof own_rows);
    at = put_ignored(at, ignored_server, LEN(ignored_server), PROPERTY_SERVER);
    at = put_ignored(at, ignored_query, LEN(ignored_query), PROPERTY_QUERY);
    memcpy(table + at, limit_rows, sizeof limit_rows);
    qsort(table, TABLE_LEN, sizeof *table, by_name);
}

const PropertyDef *properties_table(size_t *len)
{
    pthread_once(&table_once, table_make);
    *len = TABLE_LEN;
    return table;
}
