/*
 * broker_kafka.h -- topics on a Kafka cluster, by librdkafka.
 *
 * The handles belong to the node: one idempotent producer for single records, one transactional
 * producer per commit group, and a few consumers, which readers share.  Their number does not
 * depend on how many queries, topics or partitions there are.
 */
#ifndef EXEC_BROKERS_BROKER_KAFKA_H
#define EXEC_BROKERS_BROKER_KAFKA_H

#include "exec/broker.h"

/* A setting of the client, as librdkafka names it. */
typedef struct KafkaSetting {
    const char *name;
    const char *value;
} KafkaSetting;

typedef struct BrokerKafkaOpts {
    Str                 service_id; /* part of the transactional id and of internal names */
    const KafkaSetting *settings;   /* names and values as librdkafka knows them */
    size_t              settings_len;
    int64_t             fetch_bytes;      /* bound of what is fetched ahead, all readers together */
    int32_t             state_replicas;   /* of TOPIC_STATE; not above 0: the cluster's default */
    bool                is_at_least_once; /* no transactions: outputs may be written twice */
    BrokerWatch        *watch;            /* outlives the broker; NULL: nobody */
} BrokerKafkaOpts;

/*
 * ERR_CONFIG when librdkafka refuses a setting.  ERR_BROKER when no broker answers within some
 * seconds; the message says why.  With a watch it waits for the cluster as long as waiting can
 * help: ERR_CANCELLED.
 */
ErrCode broker_kafka_open(const BrokerKafkaOpts *opts, Broker **out, Err *err) ERR_MUST_USE;

#endif
