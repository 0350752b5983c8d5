/*
 * doc_reader.c -- counts brackets outside of strings.
 */
#include "cli/doc_reader.h"

void doc_reader_deinit(DocReader *reader)
{
    buf_deinit(&reader->bytes);
}

void doc_reader_feed(DocReader *reader, Str bytes)
{
    size_t done = reader->depth ? reader->begin : reader->at;

    if (done > 0) {
        memmove(reader->bytes.ptr, reader->bytes.ptr + done, reader->bytes.len - done);
        reader->bytes.len -= done;
        reader->at -= done;
        reader->begin = 0;
    }
    buf_str(&reader->bytes, bytes);
}

/* One byte inside of a string.  Multi-byte characters hold no quote and no backslash. */
static void step_in_string(DocReader *reader, char c)
{
    if (reader->is_escaped)
        reader->is_escaped = false;
    else if (c == '\\')
        reader->is_escaped = true;
    else if (c == '"')
        reader->in_string = false;
}

/* Arrays count inside of an object only: the one around all objects never matters. */
static bool ends_object(DocReader *reader, char c)
{
    if (c == '"' && reader->depth > 0)
        reader->in_string = true;
    else if (c == '{' || (c == '[' && reader->depth > 0))
        reader->begin = reader->depth++ ? reader->begin : reader->at;
    else if ((c == '}' || c == ']') && reader->depth > 0)
        return --reader->depth == 0;
    return false;
}

bool doc_reader_next(DocReader *reader, Str *out)
{
    while (reader->at < reader->bytes.len) {
        char c = reader->bytes.ptr[reader->at];

        if (reader->in_string) {
            step_in_string(reader, c);
        } else if (ends_object(reader, c)) {
            *out = str_slice(buf_view(&reader->bytes), reader->begin, ++reader->at);
            return true;
        }
        reader->at++;
    }
    return false;
}
