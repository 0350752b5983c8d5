/*
 * fn_table.c -- the list of all functions, by name.
 *
 * The families stand in arrays of their own; here they become one sorted list.  Overloads keep the
 * order in which their family lists them.
 */
#include "exec/functions/fn_table.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const FnDef *const FN_FAMILIES[] = {
    fn_array, fn_bytes,  fn_conditional, fn_encode, fn_json,   fn_lambda, fn_map,
    fn_mask,  fn_number, fn_other,       fn_regex,  fn_string, fn_time,   fn_url,
};
static const AggDef *const AGG_FAMILIES[] = {
    agg_basic, agg_collect, agg_distinct, agg_offset, agg_statistics, agg_topk,
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static FnTable g_table;

/* Pointers into an array are in the order of the listing: that breaks ties of name. */
static int compare_fns(const void *a, const void *b)
{
    const FnDef *x = *(const FnDef *const *)a;
    const FnDef *y = *(const FnDef *const *)b;
    int          order = strcmp(x->name, y->name);

    return order ? order : (x > y) - (x < y);
}

static int compare_aggs(const void *a, const void *b)
{
    const AggDef *x = *(const AggDef *const *)a;
    const AggDef *y = *(const AggDef *const *)b;
    int           order = strcmp(x->name, y->name);

    return order ? order : (x > y) - (x < y);
}

static void list_fns(void)
{
    const FnDef **list;
    size_t        len = 0;

    for (size_t i = 0; i < COUNT_OF(FN_FAMILIES); i++) {
        for (const FnDef *def = FN_FAMILIES[i]; def->name; def++)
            len++;
    }
    list = MEM_ARRAY(const FnDef *, len);
    len = 0;
    for (size_t i = 0; i < COUNT_OF(FN_FAMILIES); i++) {
        for (const FnDef *def = FN_FAMILIES[i]; def->name; def++)
            list[len++] = def;
    }
    qsort(list, len, sizeof *list, compare_fns);
    g_table.fns = list;
    g_table.fns_len = len;
}

static void list_aggs(void)
{
    const AggDef **list;
    size_t         len = 0;

    for (size_t i = 0; i < COUNT_OF(AGG_FAMILIES); i++) {
        for (const AggDef *def = AGG_FAMILIES[i]; def->name; def++)
            len++;
    }
    list = MEM_ARRAY(const AggDef *, len);
    len = 0;
    for (size_t i = 0; i < COUNT_OF(AGG_FAMILIES); i++) {
        for (const AggDef *def = AGG_FAMILIES[i]; def->name; def++)
            list[len++] = def;
    }
    qsort(list, len, sizeof *list, compare_aggs);
    g_table.aggs = list;
    g_table.aggs_len = len;
}

/* One array, sorted as it stands. */
static void list_table_fns(void)
{
    const TableFnDef **list;
    size_t             len = 0;

    while (table_fn[len].name)
        len++;
    list = MEM_ARRAY(const TableFnDef *, len);
    for (size_t i = 0; i < len; i++)
        list[i] = &table_fn[i];
    g_table.table_fns = list;
    g_table.table_fns_len = len;
}

static void make_table(void)
{
    list_fns();
    list_aggs();
    list_table_fns();
}

const FnTable *fn_table(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_table);
    return &g_table;
}
