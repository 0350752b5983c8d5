/*
 * op_test.h -- one operator by itself: rows as text in, rows as text out.
 *
 *     OpTest t;
 *     op_test_open(&t, test_mem, "CREATE STREAM o AS SELECT * FROM s WHERE v > 1 EMIT CHANGES;",
 *                  PLAN_FILTER);
 *     op_test_expect(&t, "+ 'a' 1 @10\n+ 'b' 2 @20", "+ 'b' 2 @20\n");
 *     op_test_close(&t);
 *
 * The step comes from the plan of a real statement over
 *     s: STREAM (k STRING KEY, v INT, w STRING)      t: TABLE (k STRING PRIMARY KEY, v INT, w
 * STRING) Its states are empty and live until op_test_close().
 */
#ifndef TESTS_SUPPORT_OP_TEST_H
#define TESTS_SUPPORT_OP_TEST_H

#include "exec/chunk_list.h"
#include "exec/op.h"
#include "tests/support/rows.h"
#include "tests/support/sql_engine.h"

#define OP_TEST_SOURCES                                                                            \
    "CREATE STREAM s (k STRING KEY, v INT, w STRING) "                                             \
    "WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON', PARTITIONS=1);"                                   \
    "CREATE TABLE t (k STRING PRIMARY KEY, v INT, w STRING) "                                      \
    "WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON', PARTITIONS=1);"

typedef struct OpTest {
    SqlEngine       e;
    Arena          *ops_mem, *batch_mem;
    QueryProps      props;
    OpCtx           ctx;
    const PlanNode *node;
    Op             *op;
    Op              end; /* takes what op emits */
    Buf             got;
    ChunkList       chunks;
    int64_t         limit_left;
    int             errors; /* that expressions reported */
    uint64_t        epoch;
} OpTest;

static inline OpTest *op_test_of(OpCtx *ctx)
{
    return (OpTest *)((char *)ctx - offsetof(OpTest, ctx));
}

static inline ErrCode op_test_take(Op *end, int input, Batch *batch, Err *err)
{
    OpTest *t = op_test_of(end->ctx);

    (void)input;
    (void)err;
    rows_print(&t->got, batch, t->node->schema);
    return ERR_OK;
}

static const OpClass op_test_end_class = {.name = "end", .process = op_test_take};

static inline void op_test_report(void *self, const ExprProg *prog, const Row *row, const Err *err)
{
    (void)prog;
    (void)row;
    (void)err;
    ((OpTest *)self)->errors++;
}

static inline const PlanNode *op_test_find(const Plan *plan, PlanKind kind)
{
    for (uint32_t i = 0; i < plan->nodes_len; i++) {
        if (plan->nodes[i]->kind == kind)
            return plan->nodes[i];
    }
    fail_msg("the plan has no step of kind %d", kind);
    return NULL;
}

static inline void op_test_states(OpTest *t, const Plan *plan)
{
    t->ctx.states = ARENA_ARRAY(t->ops_mem, State *, plan->stores_len);
    for (uint32_t i = 0; i < plan->stores_len; i++) {
        StateOpts opts = {.store = plan->stores[i], .bytes_max = 1 << 20, .is_complete = true};

        t->ctx.states[i] = state_new(&opts);
    }
}

/* sql makes the first query of the engine. */
static inline void op_test_open(OpTest *t, Arena *mem, const char *sql, PlanKind kind)
{
    Catalog            *catalog;
    const CatalogQuery *query;
    Err                 err;

    memset(t, 0, sizeof *t);
    sql_engine_open(&t->e, mem);
    sql_run(&t->e, OP_TEST_SOURCES);
    sql_run(&t->e, sql);
    catalog = engine_catalog(t->e.engine);
    query = catalog_query_at(catalog, 0);
    t->node = op_test_find(query->plan, kind);
    t->ops_mem = arena_new(0);
    t->batch_mem = arena_new(0);
    query_props_init(&t->props);
    t->ctx.query_mem = t->ops_mem;
    t->ctx.plan = query->plan;
    t->ctx.props = &t->props;
    t->ctx.is_one_task = true;
    t->ctx.out = &t->chunks;
    t->ctx.limit_left = &t->limit_left;
    t->ctx.record_bytes_max = 1 << 20;
    t->ctx.errors = (ExprErrors){op_test_report, t};
    t->ctx.expr.errors = &t->ctx.errors;
    t->ctx.expr.mem = t->batch_mem;
    op_test_states(t, query->plan);
    t->end = (Op){.cls = &op_test_end_class, .ctx = &t->ctx};
    if (op_open(&t->ctx, t->node, &t->end, 0, &t->op, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    catalog_unref(catalog);
}

static inline void op_test_close(OpTest *t)
{
    op_close(t->op);
    for (uint32_t i = 0; i < t->ctx.plan->stores_len; i++)
        state_free(t->ctx.states[i]);
    chunk_list_free(&t->chunks);
    buf_deinit(&t->got);
    arena_free(t->ops_mem);
    arena_free(t->batch_mem);
    sql_engine_close(&t->e);
}

/* What the operator emits for these rows, which are laid out by its input's schema. */
static inline const char *op_test_run(OpTest *t, const char *text)
{
    const PlanNode *input = t->node->inputs[0];
    Batch           batch = rows(text, input->schema, t->batch_mem);
    Err             err;

    buf_clear(&t->got);
    if (op_process(t->op, 0, &batch, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    arena_reset(t->batch_mem);
    buf_put(&t->got, 0);
    return t->got.ptr;
}

static inline void op_test_expect(OpTest *t, const char *input, const char *expected)
{
    const char *got = op_test_run(t, input);

    if (strcmp(got, expected) != 0)
        fail_msg("input\n%s\ngot\n%sexpected\n%s", input, got, expected);
}

static inline void op_test_seal(OpTest *t)
{
    Batch batch = {.mem = t->batch_mem};
    Err   err;

    if (t->op->cls->seal && t->op->cls->seal(t->op, &batch, &err) != ERR_OK)
        fail_msg("%s", err.msg);
    arena_reset(t->batch_mem);
}

#endif
