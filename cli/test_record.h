/*
 * test_record.h -- records as lines of a test file.
 *
 *     KEY VALUE [@TIMESTAMP] [window=START..END | session=START..END] [headers={"name": "text"}]
 *
 * Key and value are JSON; null is no key, or a tombstone.
 *
 * Thread: any.
 */
#ifndef CLI_TEST_RECORD_H
#define CLI_TEST_RECORD_H

#include "common/buf.h"
#include "server/harness.h"

typedef struct TestRecord {
    HarnessRecord record;
    bool          has_ts; /* an expected record without one matches any */
} TestRecord;

ErrCode test_record_parse(Arena *arena, Str line, TestRecord *out, Err *err) ERR_MUST_USE;
void    test_record_print(Buf *out, const HarnessRecord *record);

#endif
