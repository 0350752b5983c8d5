/*
 * bind_insert.c -- INSERT INTO ... VALUES.
 *
 * Values are constants: each expression is bound without columns, converted to the column's type
 * (numbers widen; text becomes a date-time or BYTES; inside nested values too) and evaluated.
 */
#include "common/limit.h"
#include "planner/bind_stmt.h"

enum { TO_ROWTIME = -1 };

static ErrCode find_target(StmtCtx *ctx, const Source **out, Err *err)
{
    const AstName *name = &ctx->stmt->u.insert_values.target;
    Str            value = ctx->env->property(ctx->env->self, "ksql.insert.into.values.enabled");
    const Source  *target;

    if (value.ptr && str_eq_nocase(value, STR("false")))
        return err_set_at(err, ERR_STATEMENT, ctx->stmt->pos,
                          "INSERT VALUES is switched off by ksql.insert.into.values.enabled");
    TRY(find_source(ctx->env, ctx->mem, name, &target, err));
    if (target->is_read_only || target->is_internal)
        return err_set_at(err, ERR_STATEMENT, name->pos,
                          "cannot insert into \"%.*s\": it is read-only", STR_ARG(target->name));
    if (target->window != WINDOW_NONE)
        return err_set_at(err, ERR_STATEMENT, name->pos,
                          "cannot insert into \"%.*s\": its keys carry windows",
                          STR_ARG(target->name));
    *out = target;
    return ERR_OK;
}

/* --- which column takes which value ----------------------------------------------------------- */

static ErrCode place_column(const Source *target, const AstName *name, int *out, Err *err)
{
    int column = schema_find(target->schema, name->text);

    if (column < 0 && str_eq(name->text, STR("ROWTIME"))) {
        *out = TO_ROWTIME;
        return ERR_OK;
    }
    if (column < 0 && is_pseudo_name(name->text))
        return err_set_at(err, ERR_STATEMENT, name->pos,
                          "cannot insert into pseudo column \"%.*s\"", STR_ARG(name->text));
    if (column < 0)
        return err_set_at(err, ERR_STATEMENT, name->pos, "unknown column \"%.*s\" of \"%.*s\"",
                          STR_ARG(name->text), STR_ARG(target->name));
    if (target->schema->cols[column].role == COLUMN_HEADER ||
        target->schema->cols[column].role == COLUMN_HEADERS)
        return err_set_at(err, ERR_STATEMENT, name->pos,
                          "cannot insert into header column \"%.*s\"", STR_ARG(name->text));
    *out = column;
    return ERR_OK;
}

static ErrCode check_listed_once(const AstNames *names, const int *places, size_t at, Err *err)
{
    for (size_t i = 0; i < at; i++) {
        if (places[i] == places[at])
            return err_set_at(err, ERR_STATEMENT, names->items[at].pos,
                              "column \"%.*s\" is listed twice", STR_ARG(names->items[at].text));
    }
    return ERR_OK;
}

/* A row of a table is found by its key. */
static ErrCode check_primary_key(const Source *target, const int *places, size_t len, SrcPos pos,
                                 Err *err)
{
    for (uint32_t key = 0; target->is_table && key < target->schema->key_len; key++) {
        size_t at = 0;

        while (at < len && places[at] != (int)key)
            at++;
        if (at == len)
            return err_set_at(err, ERR_STATEMENT, pos,
                              "primary key column \"%.*s\" of table \"%.*s\" needs a value",
                              STR_ARG(target->schema->cols[key].name), STR_ARG(target->name));
    }
    return ERR_OK;
}

/* places[i] is the column of value i, or TO_ROWTIME. */
static ErrCode place_columns(StmtCtx *ctx, const Source *target, int **out, size_t *out_len,
                             Err *err)
{
    const AstNames *names = &ctx->stmt->u.insert_values.columns;
    size_t          len = names->len > 0 ? names->len : target->schema->len;
    int            *places = ARENA_ARRAY(ctx->mem, int, len);

    for (size_t i = 0; i < len; i++) {
        if (names->len == 0) {
            const Column *column = &target->schema->cols[i];

            if (column->role == COLUMN_HEADER || column->role == COLUMN_HEADERS) {
                err_set_at(err, ERR_STATEMENT, ctx->stmt->u.insert_values.target.pos,
                           "cannot insert into header column \"%.*s\"", STR_ARG(column->name));
                err_hint(err, "list the other columns behind the name");
                return ERR_STATEMENT;
            }
            places[i] = (int)i;
            continue;
        }
        TRY(place_column(target, &names->items[i], &places[i], err));
        TRY(check_listed_once(names, places, i, err));
    }
    *out = places;
    *out_len = len;
    return check_primary_key(target, places, len,
                             names->len > 0 ? names->items[0].pos : ctx->stmt->pos, err);
}

/* --- values ----------------------------------------------------------------------------------- */

static bool takes(const Type *from, const Type *to);

static bool takes_struct(const Type *from, const Type *to)
{
    for (uint32_t i = 0; i < from->fields_len; i++) {
        int at = type_field_find(to, from->fields[i].name);

        if (at < 0 || !takes(from->fields[i].type, to->fields[at].type))
            return false;
    }
    return true;
}

/* Whether a value of one type may be written where the other is wanted. */
static bool takes(const Type *from, const Type *to)
{
    if (from->kind == T_NULL || widens_to(from, to))
        return true;
    if (from->kind == T_STRING)
        return to->kind == T_DATE || to->kind == T_TIME || to->kind == T_TIMESTAMP ||
               to->kind == T_BYTES;
    if (from->kind != to->kind)
        return false;
    switch (from->kind) {
    case T_ARRAY:
        return takes(from->elem, to->elem);
    case T_MAP:
        return takes(from->key, to->key) && takes(from->elem, to->elem);
    case T_STRUCT:
        return takes_struct(from, to);
    default:
        return false;
    }
}

static ErrCode evaluate(StmtCtx *ctx, const AstExpr *ast, const Type *type, Str column, Value *out,
                        Err *err)
{
    BindCtx bind = {.env = ctx->env, .mem = ctx->mem, .clause = "VALUES"};
    Expr   *expr;
    ErrCode rc;

    TRY(bind_expr(&bind, ast, &expr, err));
    if (!takes(expr->type, type))
        return err_set_at(err, ERR_STATEMENT, ast->pos,
                          "column \"%.*s\" is %.*s and cannot take a %.*s", STR_ARG(column),
                          STR_ARG(type_text(ctx->mem, type)),
                          STR_ARG(type_text(ctx->mem, expr->type)));
    TRY(coerce(&bind, expr, type, &expr, err));
    if (expr->kind == EXPR_LITERAL) {
        *out = expr->u.literal;
        return ERR_OK;
    }
    rc = ctx->env->eval_const(ctx->env->self, expr, ctx->mem, out, err);
    if (rc == ERR_EVAL) {
        err->code = ERR_STATEMENT;
        err->pos = ast->pos;
        err_wrap(err, "no value for column \"%.*s\"", STR_ARG(column));
        return ERR_STATEMENT;
    }
    return rc;
}

static ErrCode bind_rowtime(StmtCtx *ctx, const AstExpr *ast, int64_t *out, Err *err)
{
    Value value;

    TRY(evaluate(ctx, ast, &type_bigint, STR("ROWTIME"), &value, err));
    if (value_is_null(value))
        return ERR_OK;
    if (value.u.i < 0)
        return err_set_at(err, ERR_STATEMENT, ast->pos, "ROWTIME is below zero");
    *out = value.u.i;
    return ERR_OK;
}

static ErrCode bind_row(StmtCtx *ctx, const Source *target, const AstExprs *ast, const int *places,
                        size_t places_len, InsertRow *out, Err *err)
{
    Value *cols = ARENA_ARRAY(ctx->mem, Value, target->schema->len);

    if (ast->len != places_len)
        return err_set_at(err, ERR_STATEMENT, ast->pos, "%zu values for %zu columns", ast->len,
                          places_len);
    *out = (InsertRow){.cols = cols, .ts = ctx->env->now_ms};
    for (size_t i = 0; i < ast->len; i++) {
        const Column *column;

        if (places[i] == TO_ROWTIME) {
            TRY(bind_rowtime(ctx, ast->items[i], &out->ts, err));
            continue;
        }
        column = &target->schema->cols[places[i]];
        TRY(evaluate(ctx, ast->items[i], column->type, column->name, &cols[places[i]], err));
        if (target->is_table && column->role == COLUMN_KEY && value_is_null(cols[places[i]]))
            return err_set_at(err, ERR_STATEMENT, ast->items[i]->pos,
                              "primary key column \"%.*s\" cannot be NULL", STR_ARG(column->name));
    }
    return ERR_OK;
}

ErrCode bind_insert_values(StmtCtx *ctx, Err *err)
{
    const AstInsertValues *ast = &ctx->stmt->u.insert_values;
    const Source          *target = NULL;
    int                   *places = NULL;
    size_t                 places_len = 0;
    InsertRow             *rows;

    ctx->out->kind = STMT_INSERT_VALUES;
    TRY(find_target(ctx, &target, err));
    TRY(place_columns(ctx, target, &places, &places_len, err));
    if ((int64_t)ast->rows_len > g_limits.insert_queue)
        return err_set_at(err, ERR_LIMIT, ctx->stmt->pos, "%zu rows: at most %lld are possible",
                          ast->rows_len, (long long)g_limits.insert_queue);
    rows = ARENA_ARRAY(ctx->mem, InsertRow, ast->rows_len);
    for (size_t i = 0; i < ast->rows_len; i++)
        TRY(bind_row(ctx, target, &ast->rows[i], places, places_len, &rows[i], err));
    ctx->out->entity = target->name;
    ctx->out->is_table = target->is_table;
    ctx->out->target = target;
    ctx->out->rows = rows;
    ctx->out->rows_len = ast->rows_len;
    return ERR_OK;
}
