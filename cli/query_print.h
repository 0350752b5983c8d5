/*
 * query_print.h -- the answer of a SELECT or PRINT, shown as it comes.
 *
 * Lifecycle: query_print_init, query_print_take for each piece of the answer, query_print_end.
 *
 * Thread: one.
 */
#ifndef CLI_QUERY_PRINT_H
#define CLI_QUERY_PRINT_H

#include "cli/doc_reader.h"
#include "cli/output.h"
#include "cli/table_print.h"

typedef struct QueryPrint {
    Output   *output;
    bool      is_print; /* PRINT: lines of text, passed on */
    int64_t   rows_max; /* 0: any number */
    int64_t   rows;
    bool      has_failed;
    Str       final_message; /* in mem */
    DocReader docs;
    TableBox  box;
    bool      has_header;
    Arena    *mem;     /* of the query */
    Arena    *doc_mem; /* of one document */
    Buf       text;
    Buf       error; /* the body of an answer that is an error */
} QueryPrint;

void query_print_init(QueryPrint *query, Output *output, bool is_print, int64_t rows_max);
/* False when rows_max rows are shown. */
bool query_print_take(QueryPrint *query, int status, Str bytes);
/* Shows the error, if the answer was one; has_failed says so.  Releases everything. */
void query_print_end(QueryPrint *query);

#endif
