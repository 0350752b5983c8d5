/*
 * api_request.c -- the JSON body around SQL, and the statements that change a session.
 */
#include "server/api_internal.h"

#include "common/limit.h"

/* A scalar of the body as text: 1, true and "x" are all taken. */
static bool scalar_text(const Json *json, Str *out)
{
    switch (json->kind) {
    case JSON_STRING:
    case JSON_NUMBER:
        *out = json->text;
        return true;
    case JSON_TRUE:
        *out = STR("true");
        return true;
    case JSON_FALSE:
        *out = STR("false");
        return true;
    default:
        return false;
    }
}

static ErrCode take_props(Session *session, const Json *object, const char *field, Err *err)
{
    if (!object || object->kind == JSON_NULL)
        return ERR_OK;
    if (object->kind != JSON_OBJECT)
        return err_set(err, ERR_REQUEST, "field \"%s\" must be an object", field);
    for (size_t i = 0; i < object->len; i++) {
        const JsonMember *member = &object->u.members[i];
        Str               value;

        if (member->value->kind == JSON_NULL)
            continue;
        if (!scalar_text(member->value, &value))
            return err_set(err, ERR_REQUEST, "property \"%.*s\" must be a scalar",
                           STR_ARG(member->name));
        TRY(properties_override(&session->props, member->name, value, err));
    }
    return ERR_OK;
}

static void define(Session *session, Str name, Str value)
{
    Str *kept = ARENA_NEW(session->mem, Str);

    *kept = str_copy(session->mem, value);
    map_put(&session->variables, str_upper_ascii(session->mem, name), kept);
}

static ErrCode take_variables(Session *session, const Json *object, Err *err)
{
    if (!object || object->kind == JSON_NULL)
        return ERR_OK;
    if (object->kind != JSON_OBJECT)
        return err_set(err, ERR_REQUEST, "field \"sessionVariables\" must be an object");
    for (size_t i = 0; i < object->len; i++) {
        Str value;

        if (!scalar_text(object->u.members[i].value, &value))
            return err_set(err, ERR_REQUEST, "variable \"%.*s\" must be a scalar",
                           STR_ARG(object->u.members[i].name));
        define(session, object->u.members[i].name, value);
    }
    return ERR_OK;
}

ErrCode sql_request(ApiCall *call, Str body, bool is_stream, SqlRequest *out, Err *err)
{
    const char *sql_field = is_stream ? "sql" : "ksql";
    const char *props_field = is_stream ? "properties" : "streamsProperties";
    Json       *json;
    const Json *sql;

    session_init(&out->session, call->mem, call->api->engine);
    if (json_parse(call->mem, body, &json, err) != ERR_OK) {
        if (err->code == ERR_REQUEST) {
            err_wrap(err, "Invalid JSON in request");
            err->pos = (SrcPos){0}; /* the message says where; it is no place in a statement */
        }
        return err->code;
    }
    if (json->kind != JSON_OBJECT)
        return err_set(err, ERR_REQUEST, "Invalid JSON in request: the body must be an object");
    sql = json_get(json, str_from(sql_field));
    if (!sql || sql->kind != JSON_STRING)
        return err_set(err, ERR_REQUEST, "field \"%s\" with the SQL text is missing", sql_field);
    if (sql->text.len > (size_t)g_limits.statement_bytes)
        return err_set(err, ERR_LIMIT, "the SQL text has %zu bytes: the limit is %lld (%s)",
                       sql->text.len, (long long)g_limits.statement_bytes,
                       "weir.limit.statement.bytes");
    out->sql = sql->text;
    out->sequence = json_get_i64(json, STR("commandSequenceNumber"), -1);
    TRY(take_props(&out->session, json_get(json, str_from(props_field)), props_field, err));
    return take_variables(&out->session, json_get(json, STR("sessionVariables")), err);
}

bool is_session_statement(const AstStmt *stmt)
{
    return stmt->kind == AST_SET || stmt->kind == AST_UNSET || stmt->kind == AST_DEFINE ||
           stmt->kind == AST_UNDEFINE;
}

ErrCode session_statement(Session *session, const AstStmt *stmt, Str *warning, Err *err)
{
    *warning = STR_NULL;
    switch (stmt->kind) {
    case AST_SET:
        if (properties_override(&session->props, stmt->u.setting.name, stmt->u.setting.value,
                                err) != ERR_OK) {
            err->pos = stmt->u.setting.name_pos;
            return err->code;
        }
        return ERR_OK;
    case AST_UNSET:
        if (!properties_canonical(stmt->u.setting.name).ptr)
            return err_set_at(err, ERR_STATEMENT, stmt->u.setting.name_pos,
                              "unknown property \"%.*s\"", STR_ARG(stmt->u.setting.name));
        properties_unset(&session->props, stmt->u.setting.name);
        return ERR_OK;
    case AST_DEFINE:
        define(session, stmt->u.variable.name.text, stmt->u.variable.value);
        return ERR_OK;
    default:
        if (!map_remove(&session->variables, stmt->u.variable.name.text))
            *warning = str_printf(session->mem, "Cannot find defined variable with name '%.*s'",
                                  STR_ARG(stmt->u.variable.name.text));
        return ERR_OK;
    }
}
