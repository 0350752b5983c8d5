/*
 * broker_kafka_ends.c -- where a partition begins and ends.
 *
 * rd_kafka_query_watermark_offsets() (librdkafka 2.0.2) bounds only the search for the leader: a
 * broker that stands still keeps its caller for minutes.  Asking for the offsets of the two special
 * times sends the same requests, and gives up when it should.
 */
#include "exec/brokers/broker_kafka_impl.h"

static rd_kafka_resp_err_t ask(KafkaBroker *broker, const char *name, uint32_t partition,
                               int64_t *offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t      *asked =
        rd_kafka_topic_partition_list_add(list, name, (int32_t)partition);
    rd_kafka_resp_err_t code;

    asked->offset = *offset;
    code = rd_kafka_offsets_for_times(broker->admin, list, kafka_request_ms(broker));
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = asked->err;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        *offset = asked->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return code;
}

rd_kafka_resp_err_t kafka_ask_ends(KafkaBroker *broker, const char *name, uint32_t partition,
                                   PartitionEnds *out)
{
    PartitionEnds       ends = {.begin = RD_KAFKA_OFFSET_BEGINNING, .end = RD_KAFKA_OFFSET_END};
    rd_kafka_resp_err_t code = ask(broker, name, partition, &ends.begin);

    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        code = ask(broker, name, partition, &ends.end);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
        *out = ends;
    return code;
}
