/*
 * broker_kafka_group.c -- positions as those of consumer groups, for the tools that show lag.
 *
 * The groups have no members: offsets are put into them by the admin API, which is asynchronous.
 * The broker thread takes the answers.  A failure is told once, as nothing depends on the copy.
 *
 * librdkafka (2.0.2, and the newest) aborts the process when such a request times out while it
 * waits for the group's coordinator and that one comes back.  So there are none while the cluster
 * is away, and the time-out of those that were just under way is longer than any outage.
 */
#include "exec/brokers/broker_kafka_impl.h"

#include "common/log.h"

enum {
    REQUESTS_MAX = 2000,  /* under way; more have to come again */
    PATIENCE_MS = 3600000 /* the longest that librdkafka knows */
};

void kafka_groups_open(KafkaBroker *broker)
{
    broker->group_answers = rd_kafka_queue_new(broker->admin);
}

static bool may_ask(KafkaBroker *broker)
{
    if (kafka_is_bad(broker))
        return false;
    if (__atomic_add_fetch(&broker->group_requests, 1, __ATOMIC_RELAXED) <= REQUESTS_MAX)
        return true;
    __atomic_sub_fetch(&broker->group_requests, 1, __ATOMIC_RELAXED);
    return false;
}

static rd_kafka_AdminOptions_t *patient_options(KafkaBroker *broker, rd_kafka_admin_op_t op)
{
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(broker->admin, op);
    char                     why[128];

    rd_kafka_AdminOptions_set_request_timeout(options, PATIENCE_MS, why, sizeof why);
    return options;
}

bool kafka_group_copy(Broker *base, Str group, const GroupOffset *offsets, size_t len)
{
    KafkaBroker                          *broker = (KafkaBroker *)base;
    Arena                                *mem;
    rd_kafka_topic_partition_list_t      *list;
    rd_kafka_AlterConsumerGroupOffsets_t *request;
    rd_kafka_AdminOptions_t              *options;

    if (len == 0)
        return true;
    if (!may_ask(broker))
        return false;
    mem = arena_new(0);
    list = rd_kafka_topic_partition_list_new((int)len);
    for (size_t i = 0; i < len; i++)
        rd_kafka_topic_partition_list_add(list, str_to_c(mem, offsets[i].topic),
                                          (int32_t)offsets[i].partition)
            ->offset = offsets[i].offset;
    request = rd_kafka_AlterConsumerGroupOffsets_new(str_to_c(mem, group), list);
    options = patient_options(broker, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS);
    rd_kafka_AlterConsumerGroupOffsets(broker->admin, &request, 1, options, broker->group_answers);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_AlterConsumerGroupOffsets_destroy(request);
    rd_kafka_topic_partition_list_destroy(list);
    arena_free(mem);
    return true;
}

void kafka_group_delete(Broker *base, Str group)
{
    KafkaBroker             *broker = (KafkaBroker *)base;
    Arena                   *mem;
    rd_kafka_DeleteGroup_t  *request;
    rd_kafka_AdminOptions_t *options;

    if (!may_ask(broker))
        return;
    mem = arena_new(0);
    request = rd_kafka_DeleteGroup_new(str_to_c(mem, group));
    options = patient_options(broker, RD_KAFKA_ADMIN_OP_DELETEGROUPS);
    rd_kafka_DeleteGroups(broker->admin, &request, 1, options, broker->group_answers);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_DeleteGroup_destroy(request);
    arena_free(mem);
}

/* A group that never got a copy cannot be deleted: that is fine. */
static const rd_kafka_error_t *failure_of(rd_kafka_event_t *event)
{
    const rd_kafka_AlterConsumerGroupOffsets_result_t *result =
        rd_kafka_event_AlterConsumerGroupOffsets_result(event);
    const rd_kafka_group_result_t **groups;
    size_t                          len = 0;

    if (!result)
        return NULL;
    groups = rd_kafka_AlterConsumerGroupOffsets_result_groups(result, &len);
    return len ? rd_kafka_group_result_error(groups[0]) : NULL;
}

static void take_answer(KafkaBroker *broker, rd_kafka_event_t *event)
{
    const rd_kafka_error_t *failure = NULL;
    const char             *why = NULL;

    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
        why = rd_kafka_event_error_string(event);
    else if ((failure = failure_of(event)))
        why = rd_kafka_error_string(failure);
    if (why && !broker->is_group_bad)
        log_line(LOG_WARN, "kafka", "could not copy positions to a consumer group: %s", why);
    broker->is_group_bad = why != NULL;
    __atomic_sub_fetch(&broker->group_requests, 1, __ATOMIC_RELAXED);
}

void kafka_groups_serve(KafkaBroker *broker)
{
    rd_kafka_event_t *event;

    while ((event = rd_kafka_queue_poll(broker->group_answers, 0))) {
        take_answer(broker, event);
        rd_kafka_event_destroy(event);
    }
}

void kafka_groups_close(KafkaBroker *broker)
{
    if (broker->group_answers)
        rd_kafka_queue_destroy(broker->group_answers);
}
