/*
 * md5.h -- the MD5 digest of RFC 1321.
 *
 * For the SQL function only: MD5 protects nothing.
 *
 * Thread: any.
 */
#ifndef EXEC_FUNCTIONS_MD5_H
#define EXEC_FUNCTIONS_MD5_H

#include "common/str.h"

enum { MD5_BYTES = 16 };

void md5(Str message, uint8_t digest[MD5_BYTES]);

#endif
