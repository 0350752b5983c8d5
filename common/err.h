/*
 * err.h -- how functions fail.
 *
 * A function that can fail returns ErrCode (ERR_OK is 0) and fills Err *err, its last parameter.
 * Err lives on the caller's stack and has fixed buffers: reporting never allocates.  Outputs are
 * untouched on failure.  An error is logged once, where it is finally handled.
 *
 * Messages: lower case, no full stop, object kind and quoted name, cause after a colon; "could
 * not" for what may work later, "cannot" for what never will; no C function names.  hint says
 * what to do, as a sentence fragment of the same style.
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/str.h"

typedef enum ErrCode {
    ERR_OK = 0,
    /* the user's statement or request */
    ERR_SYNTAX,         /* does not parse */
    ERR_STATEMENT,      /* parses, but is refused: unknown name, type mismatch, rule broken */
    ERR_NOT_YET,        /* legal, but Weir does not run it yet (planner/not_yet.c) */
    ERR_REQUEST,        /* malformed request: JSON, property, header */
    ERR_WRONG_ENDPOINT, /* SELECT or PRINT sent to /ksql */
    ERR_LIMIT,          /* a limit of common/limit.h */
    ERR_CONFIG,         /* server property or command line */
    ERR_NOT_FOUND,      /* unknown command id, query id */
    ERR_TOO_MANY_PUSH,  /* ksql.max.push.queries reached */
    ERR_ASSERT,         /* ASSERT TOPIC did not hold in time */
    /* one record or one value */
    ERR_EVAL, /* an expression failed: NULL, or the row is dropped, and an entry in the log */
    ERR_DESERIALIZE, /* a record that does not decode: skipped */
    ERR_SERIALIZE,   /* a row that does not encode */
    /* outside */
    ERR_IO,            /* file, socket */
    ERR_BROKER,        /* the broker refused or is away */
    ERR_TOPIC_MISSING, /* no such topic */
    ERR_TOPIC_EXISTS,
    ERR_RECORD_TOO_LARGE, /* over the sink's limit */
    ERR_RECORD_REFUSED,   /* the topic takes no such record: its time, a missing key */
    ERR_FULL,             /* disk or weir.data.max.bytes */
    ERR_BUSY,             /* a bounded queue is full; try again */
    ERR_UNKNOWN_OUTCOME,  /* a commit whose fate is not known */
    ERR_STATE,            /* a state file that cannot be used */
    ERR_CANCELLED,        /* shutdown, or the client left */
    ERR_AUTH,
    ERR_COUNT_
} ErrCode;

/* Where in a statement: 1-based line and column (in code points), byte offset and length. */
typedef struct SrcPos {
    uint32_t line; /* 0: no position */
    uint32_t column;
    uint32_t offset;
    uint32_t len;
} SrcPos;

enum { ERR_MSG_BYTES = 1024, ERR_HINT_BYTES = 256 };

typedef struct Err {
    ErrCode code;
    bool    is_retriable;
    SrcPos  pos;
    char    msg[ERR_MSG_BYTES];   /* always NUL-terminated, valid UTF-8 (cut at a boundary) */
    char    hint[ERR_HINT_BYTES]; /* "" when there is none */
} Err;

#define ERR_MUST_USE __attribute__((warn_unused_result))

/* Fills err and returns code, so that `return err_set(...)` reads well.  Clears pos and hint. */
ErrCode err_set(Err *err, ErrCode code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
ErrCode err_set_at(Err *err, ErrCode code, SrcPos pos, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* Adds what to do about it. */
void err_hint(Err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Puts "context: " in front of the message. */
void err_wrap(Err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
void err_clear(Err *err);

/* Stable lower-case name of a code, for logs and tests. */
const char *err_name(ErrCode code);

/*
 * The message as a person reads it: text, and where pos is known the line of sql it points at with
 * a caret below, then the hint.  Tabs are kept so that the caret lines up; long lines are cut
 * around the caret.
 */
Str err_render(Arena *arena, const Err *err, Str sql);

#define TRY(call)                                                                                  \
    do {                                                                                           \
        ErrCode try_rc_ = (call);                                                                  \
        if (try_rc_ != ERR_OK)                                                                     \
            return try_rc_;                                                                        \
    } while (0)

#endif
