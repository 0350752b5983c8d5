/*
 * fn_value.c -- making results: what the families share.
 */
#include "exec/functions/fn_value.h"

#include <stdlib.h>

#include "common/utf8.h"

const Value *fn_map_find(Value map, Value key)
{
    for (uint32_t i = 0; i < map.len; i++) {
        if (value_eq(map.u.items[2 * i], key))
            return &map.u.items[2 * i + 1];
    }
    return NULL;
}

/* --- sets ------------------------------------------------------------------------------------- */

void fn_set_init(FnSet *set, Arena *mem, size_t cap)
{
    size_t slots_cap = 16;

    while (slots_cap < cap * 2)
        slots_cap *= 2;
    *set = (FnSet){
        .items = arena_alloc(mem, sizeof(Value) * (cap ? cap : 1)),
        .cap = (uint32_t)cap,
        .slots = ARENA_ARRAY(mem, uint32_t, slots_cap),
        .slots_cap = (uint32_t)slots_cap,
    };
}

static uint32_t *slot_of(const FnSet *set, Value v)
{
    uint32_t mask = set->slots_cap - 1;
    uint32_t at = (uint32_t)(value_is_null(v) ? 0 : value_hash(v)) & mask;

    while (set->slots[at] && !value_eq(set->items[set->slots[at] - 1], v))
        at = (at + 1) & mask;
    return &set->slots[at];
}

bool fn_set_add(FnSet *set, Value v)
{
    uint32_t *slot = slot_of(set, v);

    if (*slot)
        return false;
    set->items[set->len++] = v;
    *slot = set->len;
    return true;
}

bool fn_set_has(const FnSet *set, Value v)
{
    return *slot_of(set, v) != 0;
}

void fn_map_init(FnMap *map, Arena *mem, size_t cap)
{
    fn_set_init(&map->keys, mem, cap);
    map->entries = arena_alloc(mem, sizeof(Value) * 2 * (cap ? cap : 1));
}

void fn_map_put(FnMap *map, Value key, Value value)
{
    uint32_t *slot = slot_of(&map->keys, key);

    if (!*slot) {
        map->keys.items[map->keys.len++] = key;
        *slot = map->keys.len;
    }
    map->entries[2 * (*slot - 1)] = key;
    map->entries[2 * (*slot - 1) + 1] = value;
}

Value fn_map_value(const FnMap *map)
{
    return value_items(T_MAP, map->entries, map->keys.len);
}

/* --- Java's order ----------------------------------------------------------------------------- */

typedef struct Bucket {
    uint32_t bucket;
    uint32_t index;
} Bucket;

/* String.hashCode(), folded as HashMap folds it. */
static uint32_t java_hash(Str s)
{
    uint32_t hash = 0;

    for (size_t at = 0; at < s.len;) {
        uint32_t c = utf8_next(s, &at);

        if (c >= 0x10000) {
            hash = hash * 31 + (0xD7C0 + (c >> 10));
            c = 0xDC00 + (c & 0x3FF);
        }
        hash = hash * 31 + c;
    }
    return hash ^ hash >> 16;
}

/* Entries of one bucket keep the order they came in. */
static int compare_buckets(const void *a, const void *b)
{
    const Bucket *x = a;
    const Bucket *y = b;

    if (x->bucket != y->bucket)
        return x->bucket < y->bucket ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

/* The table is made for the entries it gets, and doubles when more than three quarters full. */
Value fn_map_in_java_order(Arena *mem, Value map)
{
    Bucket  *buckets;
    Value   *entries;
    uint32_t cap = 1;

    if (map.len < 2 || map.u.items[0].kind != T_STRING)
        return map;
    while (cap < map.len)
        cap *= 2;
    while (map.len > cap / 4 * 3)
        cap *= 2;
    buckets = ARENA_ARRAY(mem, Bucket, map.len);
    for (uint32_t i = 0; i < map.len; i++)
        buckets[i] = (Bucket){java_hash(value_as_str(map.u.items[2 * i])) & (cap - 1), i};
    qsort(buckets, map.len, sizeof *buckets, compare_buckets);

    entries = arena_alloc(mem, sizeof *entries * 2 * map.len);
    for (uint32_t i = 0; i < map.len; i++) {
        entries[2 * i] = map.u.items[2 * buckets[i].index];
        entries[2 * i + 1] = map.u.items[2 * buckets[i].index + 1];
    }
    return value_items(T_MAP, entries, map.len);
}

/* --- UTF-16 positions ------------------------------------------------------------------------- */

static bool is_ascii(Str s)
{
    size_t i = 0;

    for (; i + 8 <= s.len; i += 8) {
        uint64_t word;

        memcpy(&word, s.ptr + i, 8);
        if (word & 0x8080808080808080u)
            return false;
    }
    for (; i < s.len; i++) {
        if (s.ptr[i] & 0x80)
            return false;
    }
    return true;
}

FnText fn_text_of(Value v)
{
    FnText text = {.s = value_as_str(v)};

    text.is_ascii = is_ascii(text.s);
    text.units = text.is_ascii ? text.s.len : utf8_len_utf16(text.s);
    return text;
}

/* utf8_offset_of_utf16() stands before the pair that `at` splits. */
Str fn_text_slice(Arena *mem, const FnText *text, size_t from, size_t to)
{
    static const char REPLACEMENT[] = "\xef\xbf\xbd";
    bool              splits_from = false, splits_to = false;
    size_t            begin, end;
    Buf               out;

    if (text->is_ascii)
        return str_slice(text->s, from, to);
    if (from >= to)
        return STR("");
    begin = utf8_offset_of_utf16(text->s, from, &splits_from);
    end = utf8_offset_of_utf16(text->s, to, &splits_to);
    if (!splits_from && !splits_to)
        return str_slice(text->s, begin, end);

    out = buf_in(mem);
    if (splits_from) {
        buf_c(&out, REPLACEMENT);
        utf8_next(text->s, &begin);
    }
    if (begin < end)
        buf_append(&out, text->s.ptr + begin, end - begin);
    if (splits_to)
        buf_c(&out, REPLACEMENT);
    return buf_view(&out);
}
