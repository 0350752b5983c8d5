/*
 * pull_cache.h -- look-ups by key that were planned before.
 *
 * An application asks for one key after the other with the same statement, and to parse, plan and
 * compile that costs more than the look-up.  So a pull query that fixes a single STRING, INT or
 * BIGINT key column, and says nothing else about rows,
 *
 *     SELECT ... FROM table WHERE key = literal ...
 *
 * is kept prepared, under its text without the literal and the properties that the request
 * overrides.  A text that begins and ends with the same bytes and has a literal of the same kind
 * between them would be planned alike: the lexer reads from left to right, and the literal is a
 * token of its own in both.
 *
 * All entries belong to one catalog snapshot: the first look-up after a change of the catalog
 * forgets them.  At most weir.limit.prepared.pulls are kept; one more and all are forgotten.
 *
 *     pull_shape() -> pull_cache_find(): run it
 *                  -> not found: plan, then pull_cache_put() and run what that gives
 *
 * Thread: one, since compiled expressions are run by one thread at a time: http, or inline the
 * caller.
 */
#ifndef SERVER_PULL_CACHE_H
#define SERVER_PULL_CACHE_H

#include "exec/pull.h"
#include "server/engine.h"

typedef struct PullCache PullCache;

PullCache *pull_cache_new(void);
void       pull_cache_free(PullCache *cache); /* NULL is fine */
size_t     pull_cache_len(const PullCache *cache);

/* A request's text, taken apart.  Points into the text and the session's memory. */
typedef struct PullShape {
    Str    name;    /* what the cache knows it by */
    Str    literal; /* without quotes */
    bool   is_text; /* it stood in quotes */
    size_t offset;  /* where it begins in the text, quote included */
} PullShape;

/* False: the text is nothing that could be in the cache. */
bool pull_shape(const Session *session, Str sql, PullShape *out);

/*
 * A look-up of one key, ready to run: *plan is that of the cache with a key of its own, and needs
 * no predicate.  Valid until the next call with the same cache.
 */
typedef struct PreparedPull {
    PullPlan plan;
    PullProg prog; /* prog.plan is &plan: do not copy */
    Value    key;
} PreparedPull;

/* The key points into shape's text. */
bool pull_cache_find(PullCache *cache, const Catalog *catalog, const PullShape *shape,
                     PreparedPull *out);

/*
 * Keeps stmt's plan, which was made of the text of shape in this session, if it is of the form
 * above.  True: plan and stmt_mem, which holds it, are the cache's, and *out is ready to run.
 */
bool pull_cache_put(PullCache *cache, const Session *session, const PullShape *shape,
                    const AstStmt *stmt, const StmtPlan *plan, Arena *stmt_mem, PreparedPull *out);

#endif
