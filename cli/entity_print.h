/*
 * entity_print.h -- what /ksql answered, as tables and text.
 *
 * Every statement is answered by an entity: a JSON object whose "@type" says what it is.  Those
 * that list something become tables; DESCRIBE and EXPLAIN become pages; the rest is a message.
 *
 * Thread: any.
 */
#ifndef CLI_ENTITY_PRINT_H
#define CLI_ENTITY_PRINT_H

#include "common/json.h"

/* Tables are at most width_max wide where that is possible; 0: as wide as they need. */
void entity_print(Arena *arena, Buf *out, const Json *entity, size_t width_max);

/* A statement that was accepted and then failed answers 200 with a status ERROR. */
bool entity_is_failure(const Json *entity);

/* The names of columns in `A` STRING KEY, `B` MAP<STRING, INTEGER>; their number. */
size_t entity_schema_names(Arena *arena, Str schema, Str **out);

/* A table of names and values, as SHOW VARIABLES has it. */
void entity_print_variables(Arena *arena, Buf *out, const Str *names, const Str *values, size_t len,
                            size_t width_max);

#endif
