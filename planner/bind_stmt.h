/*
 * bind_stmt.h -- statements; private to the planner.
 *
 * One function per kind of statement fills a StmtPlan.  On failure the caller drops what was put
 * into it.
 */
#ifndef PLANNER_BIND_STMT_H
#define PLANNER_BIND_STMT_H

#include "planner/bind.h"
#include "planner/with_props.h"

typedef struct StmtCtx {
    const PlannerEnv *env;
    const AstStmt    *stmt;
    Arena            *mem; /* stmt_mem */
    StmtPlan         *out;
} StmtCtx;

ErrCode bind_create_source(StmtCtx *ctx, Err *err) ERR_MUST_USE;
ErrCode bind_create_as(StmtCtx *ctx, Err *err) ERR_MUST_USE;
ErrCode bind_insert_query(StmtCtx *ctx, Err *err) ERR_MUST_USE;
ErrCode bind_insert_values(StmtCtx *ctx, Err *err) ERR_MUST_USE;
ErrCode bind_select(StmtCtx *ctx, Err *err) ERR_MUST_USE;
ErrCode bind_drop_source(StmtCtx *ctx, Err *err) ERR_MUST_USE;
ErrCode bind_alter_source(StmtCtx *ctx, Err *err) ERR_MUST_USE;
ErrCode bind_create_type(StmtCtx *ctx, Err *err) ERR_MUST_USE;
ErrCode bind_drop_type(StmtCtx *ctx, Err *err) ERR_MUST_USE;
/* TERMINATE, PAUSE, RESUME */
ErrCode bind_query_control(StmtCtx *ctx, Err *err) ERR_MUST_USE;

/* --- shared ----------------------------------------------------------------------------------- */

/* The source of that name; refuses an unknown one with a hint. */
ErrCode     find_source(const PlannerEnv *env, Arena *mem, const AstName *name, const Source **out,
                        Err *err) ERR_MUST_USE;
const char *source_kind(bool is_table); /* "stream" or "table" */
bool        is_pseudo_name(Str name);

/* Names of new sources: letters, digits, _ and -. */
ErrCode check_source_name(const AstName *name, Err *err) ERR_MUST_USE;
/* *done is set when IF NOT EXISTS ends the statement here; refuses a taken name. */
ErrCode check_name_free(StmtCtx *ctx, const AstName *name, bool is_table, bool or_replace,
                        bool if_not_exists, bool *done, Err *err) ERR_MUST_USE;
/* What CREATE OR REPLACE and ALTER may not change. */
ErrCode check_replaceable(const Source *before, const Source *after, SrcPos pos,
                          Err *err) ERR_MUST_USE;
/* A new object with the same content and one reference. */
Source *source_copy(const Source *source);

#endif
