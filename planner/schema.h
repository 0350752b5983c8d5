/*
 * schema.h -- the columns of a source, a plan step or a result.
 *
 * Key columns come first, in key order, then the value columns; a Row's cols[] has exactly this
 * layout.  ROWTIME, ROWPARTITION, ROWOFFSET, WINDOWSTART and WINDOWEND are pseudo columns: they
 * are fields of the row, never columns of a schema, unless a query selected them under an alias.
 * Header columns are value columns that are read from the record's headers, not from its value.
 *
 * The schema of a transient query is what it selects, in that order, and has key_len 0; columns
 * that are plain copies of the key still have the role COLUMN_KEY.  They keep their values when a
 * table's row is deleted, and query headers mark them.
 *
 * Schemas are immutable and live in an arena.
 */
#ifndef PLANNER_SCHEMA_H
#define PLANNER_SCHEMA_H

#include "common/type.h"
#include "common/value.h"

typedef enum ColumnRole {
    COLUMN_KEY,
    COLUMN_VALUE,
    COLUMN_HEADERS, /* HEADERS: all of them, ARRAY<STRUCT<KEY STRING, VALUE BYTES>> */
    COLUMN_HEADER   /* HEADER('k'): the last one of that name, BYTES */
} ColumnRole;

typedef struct Column {
    Str         name;
    const Type *type;
    ColumnRole  role;
    Str         header; /* COLUMN_HEADER */
} Column;

typedef struct Schema {
    const Column *cols;
    uint32_t      len;
    uint32_t      key_len; /* cols[0 .. key_len) are the key */
} Schema;

/* Index by exact name, or -1. */
int schema_find(const Schema *schema, Str name);
/* `A` STRING KEY, `B` BIGINT -- the text of query headers; is_marked adds KEY. */
void          schema_print(Buf *out, const Schema *schema, bool is_marked);
const Schema *schema_copy(Arena *arena, const Schema *schema);
bool          schema_eq(const Schema *a, const Schema *b);
bool          schema_has_headers(const Schema *schema);

/* One column: as schema_print writes it, deep copy, equality of all its parts. */
void   column_print(Buf *out, const Column *column, bool is_marked);
Column column_copy(Arena *arena, const Column *column);
bool   column_eq(const Column *a, const Column *b);
/* `name`, back-quotes inside doubled. */
void name_print(Buf *out, Str name);

typedef enum FormatKind {
    FORMAT_NONE,
    FORMAT_KAFKA,
    FORMAT_DELIMITED,
    FORMAT_JSON,
    FORMAT_JSON_SR,
    FORMAT_AVRO,
    FORMAT_PROTOBUF,
    FORMAT_PROTOBUF_NOSR,
    FORMAT_COUNT_
} FormatKind;

const char *format_kind_name(FormatKind kind);
bool        format_kind_parse(Str name, FormatKind *out); /* any letter case */

/* How one side (key or value) of a record is written. */
typedef struct FormatSpec {
    FormatKind kind;
    char       delimiter;  /* DELIMITED; ',' by default */
    bool       is_wrapped; /* a single column stands in a record of its own ({"A":1}), not bare */
    bool       has_wrap_choice; /* WRAP_SINGLE_VALUE was given */
    Str        full_name;       /* AVRO, PROTOBUF, JSON_SR: record or message name; NULL: default */
    int32_t    schema_id;       /* -1: none given */
} FormatSpec;

/* Whether equal values have equal bytes in both: kind and delimiter. */
bool format_same_bytes(const FormatSpec *a, const FormatSpec *b);

typedef enum WindowKind { WINDOW_NONE, WINDOW_TUMBLING, WINDOW_HOPPING, WINDOW_SESSION } WindowKind;

const char *window_kind_name(WindowKind kind);

/* A window clause, or what a windowed key is. */
typedef struct WindowSpec {
    WindowKind kind;
    int64_t    size_ms; /* session: the inactivity gap */
    int64_t    advance_ms;
    int64_t    grace_ms;
    int64_t    retention_ms;
    bool       has_grace; /* GRACE PERIOD was written */
} WindowSpec;

typedef enum PseudoColumn {
    PSEUDO_ROWTIME,
    PSEUDO_ROWPARTITION,
    PSEUDO_ROWOFFSET,
    PSEUDO_WINDOWSTART,
    PSEUDO_WINDOWEND,
    PSEUDO_COUNT_
} PseudoColumn;

const char *pseudo_column_name(PseudoColumn pseudo);
const Type *pseudo_column_type(PseudoColumn pseudo);
bool        pseudo_column_find(Str name, PseudoColumn *out); /* exact name */

#endif
