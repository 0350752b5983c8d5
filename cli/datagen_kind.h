/*
 * datagen_kind.h -- what `weir datagen` can make up: kinds of records, field by field.
 *
 * Thread: any.
 */
#ifndef CLI_DATAGEN_KIND_H
#define CLI_DATAGEN_KIND_H

#include "common/buf.h"

typedef enum FieldKind {
    FIELD_SEQUENCE, /* one more each time; begins with the time, so that a restart goes on */
    FIELD_NOW,      /* milliseconds since the epoch */
    FIELD_INT,      /* low to high */
    FIELD_DECIMAL,  /* low to high hundredths */
    FIELD_WORD,     /* one of words */
    FIELD_NUMBERED, /* the first of words, and a number from low to high behind it */
    FIELD_STRUCT    /* of fields */
} FieldKind;

typedef struct Field Field;
struct Field {
    const char        *name, *type; /* of the column; FIELD_STRUCT says its type itself */
    FieldKind          kind;
    int64_t            low, high;
    const char *const *words;  /* ends with NULL */
    const Field       *fields; /* ends with a NULL name */
};

/* The first field is the key. */
typedef struct DatagenKind {
    const char  *name, *help;
    const Field *fields; /* ends with a NULL name */
} DatagenKind;

extern const DatagenKind datagen_kinds[]; /* ends with a NULL name */

/* In any case; NULL when there is none. */
const DatagenKind *datagen_kind_find(Str name);

/* A reproducible sequence of random numbers. */
typedef struct Datagen {
    uint64_t random;
    int64_t  sequence;
    int64_t  now_ms;
} Datagen;

void datagen_init(Datagen *gen, uint64_t seed, int64_t now_ms);

/* CREATE STREAM IF NOT EXISTS stream (...) WITH (...); */
void datagen_create(Buf *out, const DatagenKind *kind, Str stream, Str topic, Str format);
/* The columns' names, for INSERT; then the values of one row as SQL, the key's first. */
void datagen_columns(Buf *out, const DatagenKind *kind);
void datagen_row(Buf *out, const DatagenKind *kind, Datagen *gen);

#endif
