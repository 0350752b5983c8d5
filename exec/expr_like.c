/*
 * expr_like.c -- LIKE without a regular expression.
 *
 * A pattern is cut at its % into segments of literal bytes and single-character wildcards.  The
 * first segment is anchored at the start unless the pattern begins with %, the last at the end
 * unless it ends with one; the others are searched from left to right, each as early as possible.
 * The earliest place is always right: what % may skip ends at a line terminator, and a later place
 * on the same line leaves no more room for the rest.
 */
#include "exec/expr_like.h"

#include "common/utf8.h"
#include "common/vec.h"
#include "exec/expr_node.h"

/* A piece of a segment: literal bytes, or (ptr NULL) len wildcard characters. */
typedef Str Piece;

typedef struct Segment {
    const Piece *pieces;
    size_t       len;
} Segment;

struct LikePlan {
    const Segment *segments; /* at least one; empty ones at the ends stand for a % there */
    size_t         len;
};

/* --- compiling -------------------------------------------------------------------------------- */

typedef VEC(Piece) Pieces;
typedef VEC(Segment) Segments;

static void flush_literal(Arena *mem, Pieces *pieces, Buf *literal)
{
    if (literal->len == 0)
        return;
    vec_push(mem, pieces, str_copy(mem, buf_view(literal)));
    buf_clear(literal);
}

static void flush_segment(Arena *mem, Segments *segments, Pieces *pieces, Buf *literal)
{
    flush_literal(mem, pieces, literal);
    vec_push(mem, segments, ((Segment){pieces->items, pieces->len}));
    *pieces = (Pieces){0};
}

static void add_wildcard(Arena *mem, Pieces *pieces, Buf *literal)
{
    flush_literal(mem, pieces, literal);
    if (pieces->len > 0 && !pieces->items[pieces->len - 1].ptr)
        pieces->items[pieces->len - 1].len++;
    else
        vec_push(mem, pieces, ((Piece){NULL, 1}));
}

ErrCode like_compile(Arena *mem, Str pattern, int32_t escape, const LikePlan **out, Err *err)
{
    Pieces    pieces = {0};
    Segments  segments = {0};
    Buf       literal = buf_in(mem);
    LikePlan *plan = ARENA_NEW(mem, LikePlan);
    size_t    at = 0;

    while (at < pattern.len) {
        size_t  from = at;
        int64_t c = utf8_next(pattern, &at);

        if (c == escape) {
            from = at;
            if (at == pattern.len)
                return err_set(err, ERR_EVAL, "LIKE pattern ends with its escape character");
            utf8_next(pattern, &at);
        } else if (c == '%') {
            flush_segment(mem, &segments, &pieces, &literal);
            continue;
        } else if (c == '_') {
            add_wildcard(mem, &pieces, &literal);
            continue;
        }
        buf_append(&literal, pattern.ptr + from, at - from);
    }
    flush_segment(mem, &segments, &pieces, &literal);

    plan->segments = segments.items;
    plan->len = segments.len;
    *out = plan;
    return ERR_OK;
}

/* --- matching --------------------------------------------------------------------------------- */

/* The usual character: one byte, no line terminator. */
static inline bool is_plain(Str text, size_t at)
{
    unsigned char c = (unsigned char)text.ptr[at];

    return c < 0x80 && c != '\n' && c != '\r';
}

/* Bytes of the line terminator at `at`, or 0. */
static size_t line_terminator(Str text, size_t at)
{
    const uint8_t *p = (const uint8_t *)text.ptr + at;
    size_t         left = text.len - at;

    if (p[0] == '\n' || p[0] == '\r')
        return 1;
    if (p[0] == 0xC2 && left >= 2 && p[1] == 0x85)
        return 2;
    if (p[0] == 0xE2 && left >= 3 && p[1] == 0x80 && (p[2] == 0xA8 || p[2] == 0xA9))
        return 3;
    return 0;
}

/* Matches the segment at `at`; the end of the match in *end. */
static bool segment_at(const Segment *segment, Str text, size_t at, size_t *end)
{
    for (size_t i = 0; i < segment->len; i++) {
        Piece piece = segment->pieces[i];

        if (piece.ptr) {
            if (text.len - at < piece.len || memcmp(text.ptr + at, piece.ptr, piece.len) != 0)
                return false;
            at += piece.len;
            continue;
        }
        for (size_t n = 0; n < piece.len; n++) {
            if (at == text.len || line_terminator(text, at))
                return false;
            utf8_next(text, &at);
        }
    }
    *end = at;
    return true;
}

/* The first place at or after `at` that % can reach and where the segment matches. */
static bool segment_find(const Segment *segment, Str text, size_t at, size_t *end)
{
    Str first = segment->len ? segment->pieces[0] : STR_NULL;

    for (;;) {
        bool may_match = !first.ptr || (at < text.len && text.ptr[at] == first.ptr[0]);

        if (may_match && segment_at(segment, text, at, end))
            return true;
        if (at == text.len)
            return false;
        if (is_plain(text, at)) {
            at++;
            continue;
        }
        if (line_terminator(text, at))
            return false;
        utf8_next(text, &at);
    }
}

static bool has_line_terminator(Str text, size_t from)
{
    for (size_t at = from; at < text.len; at++) {
        if (!is_plain(text, at) && line_terminator(text, at))
            return true;
    }
    return false;
}

/* The segment behind the last %: it must reach the end of the text exactly. */
static bool segment_at_end(const Segment *segment, Str text, size_t at)
{
    size_t end;

    if (segment->len == 0)
        return !has_line_terminator(text, at);
    while (segment_find(segment, text, at, &end)) {
        size_t next;

        if (end == text.len)
            return true;
        /* Too early: % takes one character more. */
        for (next = at; !segment_at(segment, text, next, &end);)
            utf8_next(text, &next);
        if (next == text.len || line_terminator(text, next))
            return false;
        utf8_next(text, &next);
        at = next;
    }
    return false;
}

bool like_matches(const LikePlan *plan, Str text)
{
    size_t at = 0;

    if (!segment_at(&plan->segments[0], text, 0, &at))
        return false;
    if (plan->len == 1)
        return at == text.len;
    for (size_t i = 1; i + 1 < plan->len; i++) {
        if (!segment_find(&plan->segments[i], text, at, &at))
            return false;
    }
    return segment_at_end(&plan->segments[plan->len - 1], text, at);
}

/* --- the node --------------------------------------------------------------------------------- */

static Value like(const ExprNode *node, ExprFrame *frame)
{
    const LikePlan *plan = node->u.like;
    Value           text = expr_node_eval(node->args[0], frame);
    Value           pattern;

    if (text.kind == T_NULL)
        return expr_fail_null(node, frame, "LIKE on a null value");
    if (!plan) {
        pattern = expr_node_eval(node->args[1], frame);
        if (pattern.kind == T_NULL)
            return expr_fail_null(node, frame, "LIKE with a null pattern");
        frame->rc = like_compile(frame->ctx->mem, value_as_str(pattern), node->expr->u.escape,
                                 &plan, frame->err);
        if (frame->rc != ERR_OK)
            return value_null();
    }
    return value_bool(like_matches(plan, value_as_str(text)));
}

ErrCode expr_like_choose(ExprNode *node, Arena *mem, Err *err)
{
    const ExprNode *pattern = node->args[1];

    node->eval = like;
    if (!expr_is_literal(pattern) || value_is_null(pattern->expr->u.literal))
        return ERR_OK;
    return like_compile(mem, value_as_str(pattern->expr->u.literal), node->expr->u.escape,
                        &node->u.like, err);
}
