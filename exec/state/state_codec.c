/*
 * state_codec.c -- keys and values of a store as bytes.
 *
 * Key: value_encode_key of each key column (a zero byte when there is none, since the empty key
 * means the numbers of a state); a windowed store appends the window's start and end, eight bytes
 * each, big-endian with the sign turned, so that memcmp order is time order. A store without key
 * columns (one global group) has one entry, under a byte of its own: the empty key is that of the
 * numbers. Value: timestamp (zig-zag), then value_encode of each slot.
 */
#include "exec/state/state_cache.h"

enum { NUMBERS_BYTES = STATE_NUMBERS * 8 };

static const char     global_key = 1;
static const uint64_t sign_bit = (uint64_t)1 << 63;

uint64_t state_hash(Str key)
{
    return str_hash(key);
}

void state_encode_key(Buf *out, const PlanStore *store, const Value *keys, int64_t window_start,
                      int64_t window_end)
{
    if (store->keys_len == 0)
        buf_put(out, global_key);
    for (uint32_t i = 0; i < store->keys_len; i++)
        value_encode_key(out, keys[i], store->keys[i].type);
    if (store->keys_len == 0)
        buf_put(out, '\0');
    if (store->is_windowed) {
        buf_u64be(out, (uint64_t)window_start ^ sign_bit);
        buf_u64be(out, (uint64_t)window_end ^ sign_bit);
    }
}

static ErrCode damaged(const PlanStore *store, const char *what, Err *err)
{
    return err_set(err, ERR_STATE, "cannot read %s of store \"%s\": the bytes are damaged", what,
                   store->name);
}

ErrCode state_decode_key(const PlanStore *store, Str key, Arena *mem, Value *keys,
                         int64_t *window_start, int64_t *window_end, Err *err)
{
    BufReader in = buf_reader(key);

    if (store->keys_len == 0 && buf_read_u8(&in) != (uint8_t)global_key)
        return damaged(store, "a key", err);
    for (uint32_t i = 0; i < store->keys_len; i++) {
        if (!value_decode_key(&in, store->keys[i].type, mem, &keys[i]))
            return damaged(store, "a key", err);
    }
    if (store->keys_len == 0)
        (void)buf_read_u8(&in);
    *window_start = *window_end = 0;
    if (store->is_windowed) {
        *window_start = (int64_t)(buf_read_u64be(&in) ^ sign_bit);
        *window_end = (int64_t)(buf_read_u64be(&in) ^ sign_bit);
    }
    if (!in.ok || in.ptr != in.end)
        return damaged(store, "a key", err);
    return ERR_OK;
}

void state_encode_value(Buf *out, const PlanStore *store, int64_t ts, const Value *slots)
{
    buf_varint_s(out, ts);
    for (uint32_t i = 0; i < store->slots_len; i++)
        value_encode(out, slots[i], store->slots[i].type);
}

ErrCode state_decode_value(const PlanStore *store, Str value, Arena *mem, int64_t *ts, Value *slots,
                           Err *err)
{
    BufReader in = buf_reader(value);

    *ts = buf_read_varint_s(&in);
    for (uint32_t i = 0; i < store->slots_len; i++) {
        if (i > 0 && in.ok && in.ptr == in.end)
            slots[i] = value_null();
        else if (!value_decode(&in, store->slots[i].type, mem, &slots[i]))
            return damaged(store, "an entry", err);
    }
    if (!in.ok || in.ptr != in.end)
        return damaged(store, "an entry", err);
    return ERR_OK;
}

void state_encode_numbers(Buf *out, const int64_t *numbers)
{
    for (int i = 0; i < STATE_NUMBERS; i++)
        buf_u64be(out, (uint64_t)numbers[i]);
}

bool state_decode_numbers(Str bytes, int64_t *numbers)
{
    BufReader in = buf_reader(bytes);

    if (bytes.len != NUMBERS_BYTES)
        return false;
    for (int i = 0; i < STATE_NUMBERS; i++)
        numbers[i] = (int64_t)buf_read_u64be(&in);
    return true;
}
