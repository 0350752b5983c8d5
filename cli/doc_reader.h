/*
 * doc_reader.h -- JSON documents out of a stream of bytes, as they come.
 *
 * A query's answer is an array whose elements arrive one by one, or lines.  Waiting for the whole
 * is not an option when it never ends, and an answer that broke off is not valid JSON.  The reader
 * hands out each object as soon as its last byte is there and skips what stands between: brackets,
 * commas, white space.
 *
 * Thread: one.
 */
#ifndef CLI_DOC_READER_H
#define CLI_DOC_READER_H

#include "common/buf.h"

typedef struct DocReader {
    Buf    bytes; /* heap: what has come and was not handed out */
    size_t at;    /* scanned up to here */
    size_t begin; /* of the object that is being scanned; valid while depth > 0 */
    size_t depth;
    bool   in_string, is_escaped;
} DocReader;

/* Zero-initialise.  Ends the buffer. */
void doc_reader_deinit(DocReader *reader);

void doc_reader_feed(DocReader *reader, Str bytes);
/* The next complete object; valid until the next feed.  False: more bytes are needed. */
bool doc_reader_next(DocReader *reader, Str *out);

#endif
