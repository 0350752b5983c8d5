/*
 * api_info.c -- the small endpoints: /info, /healthcheck, /status, probes, metadata.
 */
#include "server/api_internal.h"

/* The ksqlDB whose API this is: its clients read the version and refuse servers before 0.10. */
static const char ksqldb_version[] = "0.29.0";

static void respond_json(ApiCall *call, Buf *body)
{
    call_respond(call, 200, content_json, body);
}

/* The id of the embedded broker's "cluster" is the service's: there is one of each. */
static Str cluster_id(const ApiCall *call)
{
    return engine_service_id(call->api->engine);
}

static void info(ApiCall *call, Str rest)
{
    BrokerHealth broker;
    Buf          body = {0};
    JsonWriter   w = json_writer(&body);

    (void)rest;
    broker_health(engine_broker(call->api->engine), &broker);
    jw_open(&w, '{');
    jw_key(&w, "KsqlServerInfo");
    jw_open(&w, '{');
    jw_field_c(&w, "version", ksqldb_version);
    jw_field_c(&w, "weirVersion", WEIR_VERSION);
    jw_field_str(&w, "kafkaClusterId", cluster_id(call));
    jw_field_str(&w, "ksqlServiceId", engine_service_id(call->api->engine));
    jw_field_c(&w, "serverStatus", broker.is_healthy ? "RUNNING" : "DEGRADED");
    jw_close(&w, '}');
    jw_close(&w, '}');
    respond_json(call, &body);
}

static void write_health(JsonWriter *w, const char *part, bool is_healthy, const char *why)
{
    jw_key(w, part);
    jw_open(w, '{');
    jw_field_bool(w, "isHealthy", is_healthy);
    if (why[0])
        jw_field_c(w, "message", why);
    jw_close(w, '}');
}

/* Duration of the last epoch's commit; epochs and aborts since the start. */
static void write_commits(JsonWriter *w, const RuntimeHealth *runtime)
{
    jw_key(w, "commits");
    jw_open(w, '{');
    jw_field_bool(w, "isHealthy", runtime->is_healthy);
    jw_field_i64(w, "lastMs", runtime->commit_us / 1000);
    jw_field_i64(w, "epochs", runtime->epochs);
    jw_field_i64(w, "aborts", runtime->aborts);
    jw_close(w, '}');
}

/* What catching up takes of its bound; resident: the whole process, for comparison. */
static void write_memory(JsonWriter *w, const RuntimeMemory *memory)
{
    jw_key(w, "memory");
    jw_open(w, '{');
    jw_field_bool(w, "isHealthy", true);
    jw_field_i64(w, "maxBytes", memory->max_bytes);
    jw_field_i64(w, "usedBytes",
                 memory->fetched_bytes + memory->output_bytes + memory->pending_bytes +
                     memory->state_bytes);
    jw_field_i64(w, "fetchedBytes", memory->fetched_bytes);
    jw_field_i64(w, "outputBytes", memory->output_bytes);
    jw_field_i64(w, "pendingBytes", memory->pending_bytes);
    jw_field_i64(w, "stateBytes", memory->state_bytes);
    jw_field_i64(w, "residentBytes", memory->resident_bytes);
    jw_close(w, '}');
}

static void healthcheck(ApiCall *call, Str rest)
{
    BrokerHealth  broker;
    RuntimeHealth runtime;
    RuntimeMemory memory;
    Buf           body = {0};
    JsonWriter    w = json_writer(&body);

    (void)rest;
    broker_health(engine_broker(call->api->engine), &broker);
    runtime_health(engine_runtime(call->api->engine), &runtime);
    runtime_memory(engine_runtime(call->api->engine), &memory);
    jw_open(&w, '{');
    jw_field_bool(&w, "isHealthy", broker.is_healthy && runtime.is_healthy);
    jw_key(&w, "details");
    jw_open(&w, '{');
    write_health(&w, "metastore", true, "");
    write_health(&w, "kafka", broker.is_healthy, broker.is_healthy ? broker.slow : broker.why);
    write_health(&w, "commandRunner", runtime.is_healthy, runtime.why);
    write_commits(&w, &runtime);
    write_memory(&w, &memory);
    jw_close(&w, '}');
    jw_field_c(&w, "serverState",
               __atomic_load_n(&call->api->is_terminated, __ATOMIC_ACQUIRE) ? "TERMINATED"
                                                                            : "READY");
    jw_close(&w, '}');
    respond_json(call, &body);
}

static void status_all(ApiCall *call, Str rest)
{
    CommandStatus *statuses;
    size_t         len;
    Buf            body = {0};
    JsonWriter     w = json_writer(&body);

    (void)rest;
    engine_command_statuses(call->api->engine, call->mem, &statuses, &len);
    jw_open(&w, '{');
    jw_key(&w, "commandStatuses");
    jw_open(&w, '{');
    for (size_t i = 0; i < len; i++) {
        jw_key_str(&w, statuses[i].id);
        jw_str(&w, statuses[i].status);
    }
    jw_close(&w, '}');
    jw_close(&w, '}');
    respond_json(call, &body);
}

static void status_one(ApiCall *call, Str id)
{
    CommandStatus status;
    Buf           body = {0};
    JsonWriter    w = json_writer(&body);
    Err           err;

    if (engine_command_status(call->api->engine, id, call->mem, &status, &err) != ERR_OK) {
        call_fail(call, &err, STR_NULL);
        return;
    }
    jw_open(&w, '{');
    jw_field_str(&w, "status", status.status);
    jw_field_str(&w, "message", status.message);
    jw_field_str(&w, "queryId", status.query_id);
    jw_close(&w, '}');
    respond_json(call, &body);
}

static void valid_property(ApiCall *call, Str name)
{
    Properties props;
    Buf        body = {0};
    Err        err;

    properties_init(&props, call->mem, engine_properties(call->api->engine));
    /* Whether it may be overridden at all; the value in force is surely of the right type. */
    if (properties_override(&props, name,
                            properties_get(&props, str_to_c(call->mem, name)).ptr
                                ? properties_get(&props, str_to_c(call->mem, name))
                                : STR(""),
                            &err) != ERR_OK) {
        err.code = ERR_REQUEST;
        call_fail(call, &err, STR_NULL);
        return;
    }
    buf_c(&body, "true");
    respond_json(call, &body);
}

static void write_cluster(const ApiCall *call, JsonWriter *w)
{
    jw_open(w, '{');
    jw_field_c(w, "id", "");
    jw_key(w, "scope");
    jw_open(w, '{');
    jw_field_empty(w, "path", "[]");
    jw_key(w, "clusters");
    jw_open(w, '{');
    jw_field_str(w, "kafka-cluster", cluster_id(call));
    jw_field_str(w, "ksql-cluster", engine_service_id(call->api->engine));
    jw_close(w, '}');
    jw_close(w, '}');
    jw_close(w, '}');
}

static void metadata(ApiCall *call, Str rest)
{
    Buf        body = {0};
    JsonWriter w = json_writer(&body);

    (void)rest;
    jw_open(&w, '{');
    jw_field_c(&w, "version", ksqldb_version);
    jw_key(&w, "clusterId");
    write_cluster(call, &w);
    jw_close(&w, '}');
    respond_json(call, &body);
}

static void metadata_id(ApiCall *call, Str rest)
{
    Buf        body = {0};
    JsonWriter w = json_writer(&body);

    (void)rest;
    write_cluster(call, &w);
    respond_json(call, &body);
}

static void probe(ApiCall *call, Str rest)
{
    Buf body = {0};

    (void)rest;
    buf_c(&body, "{}");
    respond_json(call, &body);
}

static void root(ApiCall *call, Str rest)
{
    static const ApiHeader location[] = {{{"location", 8}, {"/info", 5}}};
    ApiFrame               frame = {.status = 307,
                                    .content_type = str_from(content_json),
                                    .headers = location,
                                    .headers_len = 1,
                                    .is_whole = true};
    Buf                    body = {0};

    (void)rest;
    call_last(call, &frame, &body);
}

typedef struct InfoRoute {
    const char *path; /* ending in '/': whatever follows is handed over */
    void (*run)(ApiCall *call, Str rest);
} InfoRoute;

static const InfoRoute routes[] = {
    {"/info", info},
    {"/healthcheck", healthcheck},
    {"/status", status_all},
    {"/status/", status_one},
    {"/is_valid_property/", valid_property},
    {"/v1/metadata", metadata},
    {"/v1/metadata/id", metadata_id},
    {"/chc/ready", probe},
    {"/chc/live", probe},
};

static const InfoRoute root_route = {"/", root};

static const InfoRoute *find_route(const ApiRequest *request, Str *rest)
{
    *rest = STR("");
    if (!str_eq(request->method, STR("GET")) && !str_eq(request->method, STR("HEAD")))
        return NULL;
    if (str_eq(request->path, STR("/")))
        return &root_route;
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        Str path = str_from(routes[i].path);

        if (str_eq(request->path, path))
            return &routes[i];
        if (path.ptr[path.len - 1] == '/' && str_starts(request->path, path)) {
            *rest = str_slice(request->path, path.len, request->path.len);
            return &routes[i];
        }
    }
    return NULL;
}

bool api_info_has(const ApiRequest *request)
{
    Str rest;

    return find_route(request, &rest) != NULL;
}

void api_info(ApiCall *call)
{
    Str              rest;
    const InfoRoute *route = find_route(&call->request, &rest);

    route->run(call, request_unescape(call->mem, rest, false));
}
