/*
 * properties.h -- server, session and request properties by name.
 *
 * One table (properties.c) lists every property that Weir knows: its default, whether a request
 * may override it, and whether it means anything here.  Names are ksqlDB's, with or without the
 * prefixes ksql.streams. and (for Kafka's) ksql.streams.producer. and the like; Weir's own begin
 * with weir.  A name of ksqlDB or of a Kafka client that means nothing here is accepted and
 * reported once as ignored; a misspelling near a known name, or an unknown weir. name, is an error.
 *
 * Properties is a layer of settings over another one: request over server over defaults.
 *
 * Thread: the server's layer is written before any thread starts; a request's belongs to it.
 */
#ifndef SERVER_PROPERTIES_H
#define SERVER_PROPERTIES_H

#include "common/err.h"
#include "common/map.h"

typedef enum PropertyLevel {
    PROPERTY_SERVER, /* only in the configuration */
    PROPERTY_QUERY   /* a request or SET may override it */
} PropertyLevel;

typedef enum PropertyType { PROPERTY_STRING, PROPERTY_INT, PROPERTY_BOOL } PropertyType;

typedef struct PropertyDef {
    const char   *name;
    const char   *value; /* the default; NULL: none */
    PropertyType  type;
    PropertyLevel level;
    bool          is_ignored; /* accepted for compatibility, without effect */
    int64_t       min;        /* of PROPERTY_INT */
    const char   *doc;
} PropertyDef;

typedef struct Properties {
    const struct Properties *under; /* NULL: the defaults */
    Arena                   *mem;
    Map                      values; /* canonical name -> Str * */
} Properties;

void properties_init(Properties *props, Arena *mem, const Properties *under);

/*
 * Sets one.  ERR_CONFIG: unknown or misspelt name (with the near one as hint), or a value of the
 * wrong type.  *is_ignored (may be NULL) is set when the name means nothing here.
 */
ErrCode properties_set(Properties *props, Str name, Str value, bool *is_ignored,
                       Err *err) ERR_MUST_USE;
/* As properties_set, for a request: also refuses server-level names (ERR_REQUEST). */
ErrCode properties_override(Properties *props, Str name, Str value, Err *err) ERR_MUST_USE;
void    properties_unset(Properties *props, Str name);

/* The value in force, or STR_NULL when it has none.  Names with or without ksql.streams. */
Str     properties_get(const Properties *props, const char *name);
int64_t properties_int(const Properties *props, const char *name);
bool    properties_bool(const Properties *props, const char *name);

/* Name without prefixes as the table has it; STR_NULL when unknown. */
Str properties_canonical(Str name);

/* A Java .properties file: comments, continuation lines, escapes. */
ErrCode properties_load(Properties *props, const char *path, Err *err) ERR_MUST_USE;

/* Every known property in name order, for SHOW PROPERTIES; count in *len. */
const PropertyDef *properties_table(size_t *len);

#endif
