/*
 * pull_keys.c -- how a pull query finds its rows.
 *
 * WHERE is brought into disjunctive normal form, IN and BETWEEN taken apart:
 *
 *     every disjunct fixes every key column by =     look up those keys
 *     one disjunct bounds the single text key        read that range
 *     anything else                                  read all
 *
 * The whole predicate is applied to the rows found, so this only has to find enough of them.
 */
#include "common/decimal.h"
#include "planner/bind_pull.h"

/* The form may be far longer than the predicate: beyond these the table is read whole. */
enum { DISJUNCTS_MAX = 4096, ATOMS_MAX = 1 << 18 };

typedef VEC(const Expr *) Conjunct;
typedef VEC(Conjunct) Disjuncts;

static Expr *comparison(Arena *mem, CompareOp op, Expr *left, Expr *right)
{
    Expr *expr = expr_new(mem, EXPR_COMPARE, &type_boolean, left->pos, 2);

    expr->u.compare = op;
    expr->args[0] = left;
    expr->args[1] = right;
    return expr;
}

static void push_atom(Arena *mem, Disjuncts *out, const Expr *atom)
{
    Conjunct conjunct = {0};

    vec_push(mem, &conjunct, atom);
    vec_push(mem, out, conjunct);
}

static void push_all(Arena *mem, Conjunct *to, const Conjunct *from)
{
    for (size_t i = 0; i < from->len; i++)
        vec_push(mem, to, from->items[i]);
}

static size_t atoms_of(const Disjuncts *disjuncts)
{
    size_t len = 0;

    for (size_t i = 0; i < disjuncts->len; i++)
        len += disjuncts->items[i].len;
    return len;
}

/* Replaces *a by all pairs of one disjunct from each side; false when they are too many. */
static bool multiply(Arena *mem, Disjuncts *a, const Disjuncts *b)
{
    Disjuncts product = {0};

    if (b->len == 1) { /* the usual case, in place: a long AND costs its length */
        if (a->len * b->items[0].len + atoms_of(a) > ATOMS_MAX)
            return false;
        for (size_t i = 0; i < a->len; i++)
            push_all(mem, &a->items[i], &b->items[0]);
        return true;
    }
    if (a->len * b->len > DISJUNCTS_MAX || atoms_of(a) * b->len + atoms_of(b) * a->len > ATOMS_MAX)
        return false;
    for (size_t i = 0; i < a->len; i++) {
        for (size_t k = 0; k < b->len; k++) {
            Conjunct both = {0};

            push_all(mem, &both, &a->items[i]);
            push_all(mem, &both, &b->items[k]);
            vec_push(mem, &product, both);
        }
    }
    *a = product;
    return true;
}

static bool normalise(Arena *mem, const Expr *expr, Disjuncts *out);

static bool normalise_and(Arena *mem, const Expr *expr, Disjuncts *out)
{
    if (!normalise(mem, expr->args[0], out))
        return false;
    for (uint32_t i = 1; i < expr->args_len; i++) {
        Disjuncts right = {0};

        if (!normalise(mem, expr->args[i], &right) || !multiply(mem, out, &right))
            return false;
    }
    return true;
}

static bool normalise(Arena *mem, const Expr *expr, Disjuncts *out)
{
    switch (expr->kind) {
    case EXPR_AND:
        return normalise_and(mem, expr, out);
    case EXPR_OR:
        for (uint32_t i = 0; i < expr->args_len; i++) {
            Disjuncts part = {0};

            if (!normalise(mem, expr->args[i], &part) || out->len + part.len > DISJUNCTS_MAX)
                return false;
            for (size_t k = 0; k < part.len; k++)
                vec_push(mem, out, part.items[k]);
        }
        return true;
    case EXPR_IN:
        if (expr->args_len > DISJUNCTS_MAX)
            return false;
        for (uint32_t i = 1; i < expr->args_len; i++)
            push_atom(mem, out, comparison(mem, COMPARE_EQ, expr->args[0], expr->args[i]));
        return true;
    case EXPR_BETWEEN: {
        Conjunct both = {0};

        vec_push(mem, &both, comparison(mem, COMPARE_GE, expr->args[0], expr->args[1]));
        vec_push(mem, &both, comparison(mem, COMPARE_LE, expr->args[0], expr->args[2]));
        vec_push(mem, out, both);
        return true;
    }
    default:
        push_atom(mem, out, expr);
        return true;
    }
}

/* --- atoms ------------------------------------------------------------------------------------ */

/* side op literal, turned around when the literal stands on the left. */
typedef struct Bound {
    const Expr *side;
    CompareOp   op;
    Value       literal;
} Bound;

static bool read_bound(const Expr *atom, Bound *out)
{
    static const CompareOp turned[] = {
        [COMPARE_EQ] = COMPARE_EQ, [COMPARE_NE] = COMPARE_NE, [COMPARE_LT] = COMPARE_GT,
        [COMPARE_LE] = COMPARE_GE, [COMPARE_GT] = COMPARE_LT, [COMPARE_GE] = COMPARE_LE,
    };

    if (atom->kind != EXPR_COMPARE)
        return false;
    if (atom->args[1]->kind == EXPR_LITERAL)
        *out = (Bound){atom->args[0], atom->u.compare, atom->args[1]->u.literal};
    else if (atom->args[0]->kind == EXPR_LITERAL)
        *out = (Bound){atom->args[1], turned[atom->u.compare], atom->args[0]->u.literal};
    else
        return false;
    return !value_is_null(out->literal);
}

static bool is_key(const PullPlan *plan, const Expr *side)
{
    return side->kind == EXPR_COLUMN && side->u.index < plan->row->key_len;
}

/* --- keys ------------------------------------------------------------------------------------- */

/* Keys are found by their bytes, which have the scale of the column: 1.5 is kept as 1.50.  False
 * when no value of the column equals the literal. */
static bool to_scale(Arena *mem, const Type *type, Value *literal)
{
    Value before = *literal;
    Err   err;

    if (type->kind != T_DECIMAL || literal->kind != T_DECIMAL)
        return true;
    return decimal_fit(mem, before, type, DECIMAL_ROUND_NONE, literal, &err) == ERR_OK;
}

/* Fills one key tuple; false unless each key column is fixed exactly once. */
static bool read_key(Arena *mem, const PullPlan *plan, const Conjunct *conjunct, Value *key)
{
    uint32_t fixed = 0;

    for (uint32_t i = 0; i < plan->row->key_len; i++)
        key[i] = value_null();
    for (size_t i = 0; i < conjunct->len; i++) {
        Bound bound;

        if (!read_bound(conjunct->items[i], &bound) || !is_key(plan, bound.side))
            continue;
        if (bound.op != COMPARE_EQ || !value_is_null(key[bound.side->u.index]))
            return false;
        key[bound.side->u.index] = bound.literal;
        if (!to_scale(mem, bound.side->type, &key[bound.side->u.index]))
            return false;
        fixed++;
    }
    return fixed == plan->row->key_len;
}

static bool has_key(const Value *keys, uint32_t keys_len, const Value *key, uint32_t width)
{
    for (uint32_t i = 0; i < keys_len; i++) {
        uint32_t same = 0;

        while (same < width && value_eq(keys[i * width + same], key[same]))
            same++;
        if (same == width)
            return true;
    }
    return false;
}

static bool choose_keys(Arena *mem, PullPlan *plan, const Disjuncts *disjuncts)
{
    uint32_t width = plan->row->key_len, len = 0;
    Value   *keys = ARENA_ARRAY(mem, Value, disjuncts->len * width);

    for (size_t i = 0; i < disjuncts->len; i++) {
        Value *key = keys + (size_t)len * width;

        if (!read_key(mem, plan, &disjuncts->items[i], key))
            return false;
        if (!has_key(keys, len, key, width))
            len++;
    }
    plan->kind = PULL_KEYS;
    plan->keys = keys;
    plan->keys_len = len;
    return true;
}

/* --- range ------------------------------------------------------------------------------------ */

static bool choose_range(PullPlan *plan, const Conjunct *conjunct)
{
    TypeKind kind = plan->row->key_len == 1 ? plan->row->cols[0].type->kind : T_NULL;
    bool     found = false;

    if (plan->is_windowed || (kind != T_STRING && kind != T_BYTES))
        return false;
    for (size_t i = 0; i < conjunct->len; i++) {
        Bound bound;

        if (!read_bound(conjunct->items[i], &bound) || !is_key(plan, bound.side))
            continue;
        if (bound.op == COMPARE_GT || bound.op == COMPARE_GE) {
            plan->low = bound.literal;
            plan->is_low_open = bound.op == COMPARE_GT;
            found = true;
        } else if (bound.op == COMPARE_LT || bound.op == COMPARE_LE) {
            plan->high = bound.literal;
            plan->is_high_open = bound.op == COMPARE_LT;
            found = true;
        }
    }
    if (found)
        plan->kind = PULL_RANGE;
    return found;
}

/* --- windows ---------------------------------------------------------------------------------- */

static void narrow(PullBounds *bounds, CompareOp op, int64_t ms)
{
    int64_t min = INT64_MIN, max = INT64_MAX;

    switch (op) {
    case COMPARE_EQ:
        min = max = ms;
        break;
    case COMPARE_LT:
        max = ms == INT64_MIN ? ms : ms - 1;
        break;
    case COMPARE_LE:
        max = ms;
        break;
    case COMPARE_GT:
        min = ms == INT64_MAX ? ms : ms + 1;
        break;
    case COMPARE_GE:
        min = ms;
        break;
    case COMPARE_NE:
        break;
    }
    if (min > bounds->min)
        bounds->min = min;
    if (max < bounds->max)
        bounds->max = max;
}

/* Bounds of a single disjunct; several are left to the predicate. */
static void choose_windows(PullPlan *plan, const Conjunct *conjunct)
{
    for (size_t i = 0; i < conjunct->len; i++) {
        Bound bound;

        if (!read_bound(conjunct->items[i], &bound) || bound.side->kind != EXPR_PSEUDO ||
            bound.literal.kind != T_BIGINT)
            continue;
        if (bound.side->u.pseudo == PSEUDO_WINDOWSTART)
            narrow(&plan->window_start, bound.op, bound.literal.u.i);
        else if (bound.side->u.pseudo == PSEUDO_WINDOWEND)
            narrow(&plan->window_end, bound.op, bound.literal.u.i);
    }
}

void pull_choose(Arena *mem, PullPlan *plan)
{
    Disjuncts disjuncts = {0};

    plan->kind = PULL_SCAN;
    plan->window_start = (PullBounds){INT64_MIN, INT64_MAX};
    plan->window_end = (PullBounds){INT64_MIN, INT64_MAX};
    if (!plan->predicate || !normalise(mem, plan->predicate, &disjuncts))
        return;
    if (disjuncts.len == 1)
        choose_windows(plan, &disjuncts.items[0]);
    if (choose_keys(mem, plan, &disjuncts))
        return;
    if (disjuncts.len == 1)
        (void)choose_range(plan, &disjuncts.items[0]);
}
