/*
 * catalog.h -- what exists: sources, persistent queries, custom types.
 *
 * A Catalog is an immutable snapshot.  A statement makes a new one (catalog_edit, changes,
 * catalog_seal) that shares the unchanged objects.  Snapshots and objects are reference-counted:
 * whoever reads holds a snapshot, nobody locks.  Objects are never changed after they were put in.
 *
 * Thread: reading and catalog_ref/unref any; editing one thread at a time.
 */
#ifndef PLANNER_CATALOG_H
#define PLANNER_CATALOG_H

#include "planner/plan.h"
#include "planner/schema.h"

/* A stream or a table. */
typedef struct Source {
    Str           name;
    Str           sql; /* the statement that made it, as ast_print writes it */
    bool          is_table;
    bool          is_read_only; /* CREATE SOURCE ... */
    bool          is_internal;  /* made by Weir itself (processing log): no INSERT, no DROP */
    const Schema *schema;       /* keys first */
    const Schema *physical;     /* same columns, in the order of the record: keys, then values */
    Str           topic;
    uint32_t      partitions;
    FormatSpec    key_format, value_format;
    WindowKind    window; /* of the key */
    int64_t       window_size_ms;
    TimestampSpec timestamp;
    Str           timestamp_name; /* "" when none */
    Str           created_by;     /* query id of CSAS, CTAS; STR_NULL for CREATE */
    Str    view_query; /* query id that materialises it (CTAS, CST); STR_NULL: not queryable */
    Arena *mem;        /* owns all of it */
    int    refs;       /* atomic */
} Source;

typedef enum QueryStatus { QUERY_RUNNING, QUERY_PAUSED } QueryStatus;

/* A persistent query as the statements define it; how it fares is exec's knowledge. */
typedef struct CatalogQuery {
    Str         id; /* CSAS_X_3 */
    Str         sql;
    Str         sink;    /* name of the source that it writes; STR_NULL for a source table's */
    const Str  *sources; /* names of what it reads */
    uint32_t    sources_len;
    QueryStatus status;
    const Plan *plan;
    struct CatalogQuery *origin; /* NULL, or the object whose arena holds the rest of this one */
    Arena               *mem;
    int                  refs; /* atomic */
} CatalogQuery;

typedef struct CatalogType {
    Str         name;
    const Type *type;
    Arena      *mem;
    int         refs; /* atomic */
} CatalogType;

typedef struct Catalog Catalog;

Catalog *catalog_new(void); /* empty */
Catalog *catalog_ref(const Catalog *catalog);
void     catalog_unref(Catalog *catalog);

const Source       *catalog_source(const Catalog *catalog, Str name); /* exact name, or NULL */
const CatalogQuery *catalog_query(const Catalog *catalog, Str id);
const CatalogType  *catalog_type(const Catalog *catalog, Str name);

/* In name order. */
size_t              catalog_sources_len(const Catalog *catalog);
const Source       *catalog_source_at(const Catalog *catalog, size_t i);
size_t              catalog_queries_len(const Catalog *catalog);
const CatalogQuery *catalog_query_at(const Catalog *catalog, size_t i);
size_t              catalog_types_len(const Catalog *catalog);
const CatalogType  *catalog_type_at(const Catalog *catalog, size_t i);

/* A private copy to change; catalog_unref discards it, publishing it is the caller's. */
Catalog *catalog_edit(const Catalog *catalog);
/* put takes the caller's reference on the object and replaces one of the same name. */
void catalog_put_source(Catalog *edit, Source *source);
void catalog_put_query(Catalog *edit, CatalogQuery *query);
void catalog_put_type(Catalog *edit, CatalogType *type);
bool catalog_drop_source(Catalog *edit, Str name);
bool catalog_drop_query(Catalog *edit, Str id);
bool catalog_drop_type(Catalog *edit, Str name);

/* Objects are born with one reference, in an arena of their own. */
Source       *source_new(void);
CatalogQuery *catalog_query_new(void);
CatalogType  *catalog_type_new(void);
/* Another reference, for whoever outlives the snapshot. */
Source       *source_ref(const Source *source);
CatalogQuery *catalog_query_ref(const CatalogQuery *query);
/* The same query, running or paused; holds a reference on the one given, whose plan it shares. */
CatalogQuery *catalog_query_with_status(const CatalogQuery *query, QueryStatus status);
void          source_unref(Source *source);
void          catalog_query_unref(CatalogQuery *query);
void          catalog_type_unref(CatalogType *type);

#endif
