/*
 * value_order.h -- the order of values as SQL compares them.
 *
 * As value_cmp(), but for the two kinds whose SQL order is not the order of their bytes: STRING
 * compares by UTF-16 code units (a supplementary character sorts below U+E000), BYTES as signed
 * bytes.
 *
 * Thread: any.
 */
#ifndef EXEC_VALUE_ORDER_H
#define EXEC_VALUE_ORDER_H

#include "common/value.h"

/* <0, 0, >0; both non-null and of one type that has an order (value_has_order). */
int value_order(Value a, Value b);

/* BOOLEAN, numbers, STRING, BYTES and the date-time types; nested types have no order. */
bool value_has_order(TypeKind kind);

#endif
