/*
 * entity_print_internal.h -- what the files of entity_print share.
 */
#ifndef CLI_ENTITY_PRINT_INTERNAL_H
#define CLI_ENTITY_PRINT_INTERNAL_H

#include "cli/table_print.h"
#include "common/json.h"

typedef struct EntityPrint {
    Arena *mem;
    Buf   *out;
    size_t width_max; /* of a table; 0: any */
} EntityPrint;

/* A member as text; "" for null and what is not there. */
Str entity_text(const EntityPrint *print, const Json *object, const char *name);
/* Of a list; 0 when it is not there. */
size_t      entity_len(const Json *object, const char *name);
const Json *entity_item(const Json *object, const char *name, size_t at);
/* A list of scalars: a, b, c. */
Str entity_joined(const EntityPrint *print, const Json *object, const char *name);
/* A SchemaInfo as SQL. */
void entity_print_type(const EntityPrint *print, Buf *out, const Json *schema);

void entity_page_source(const EntityPrint *print, const Json *entity);
void entity_page_sources(const EntityPrint *print, const Json *entity);
void entity_page_query(const EntityPrint *print, const Json *entity);
void entity_page_queries(const EntityPrint *print, const Json *entity);
void entity_page_function(const EntityPrint *print, const Json *entity);

#endif
