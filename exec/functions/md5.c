/*
 * md5.c -- the MD5 digest of RFC 1321.
 *
 * The message, a one bit, zeros and the length in bits fill blocks of 64 bytes; each block stirs
 * four words in four rounds of sixteen steps.
 */
#include "exec/functions/md5.h"

enum { BLOCK_BYTES = 64, LENGTH_AT = 56, STEPS = 64 };

typedef struct Md5 {
    uint32_t words[4];
} Md5;

static uint32_t rotated(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

/* Of step i: the whole part of 2^32 times |sin(i + 1)|. */
static const uint32_t CONSTANTS[STEPS] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static uint32_t word_at(const uint8_t *block, int i)
{
    const uint8_t *p = block + (size_t)i * 4;

    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The mixing function of a step and the word of the block that it takes. */
static uint32_t mixed(int step, uint32_t b, uint32_t c, uint32_t d, int *word)
{
    switch (step / 16) {
    case 0:
        *word = step;
        return (b & c) | (~b & d);
    case 1:
        *word = (5 * step + 1) % 16;
        return (d & b) | (~d & c);
    case 2:
        *word = (3 * step + 5) % 16;
        return b ^ c ^ d;
    default:
        *word = (7 * step) % 16;
        return c ^ (b | ~d);
    }
}

static void md5_block(Md5 *md5_state, const uint8_t *block)
{
    static const int shifts[4][4] = {
        {7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
    uint32_t a = md5_state->words[0];
    uint32_t b = md5_state->words[1];
    uint32_t c = md5_state->words[2];
    uint32_t d = md5_state->words[3];

    for (int step = 0; step < STEPS; step++) {
        int      word;
        uint32_t f = mixed(step, b, c, d, &word);
        uint32_t sum = a + f + CONSTANTS[step] + word_at(block, word);

        a = d;
        d = c;
        c = b;
        b += rotated(sum, shifts[step / 16][step % 4]);
    }
    md5_state->words[0] += a;
    md5_state->words[1] += b;
    md5_state->words[2] += c;
    md5_state->words[3] += d;
}

/* What is left of the message after the whole blocks, with padding and length: 1 or 2 blocks. */
static void md5_tail(Md5 *md5_state, Str rest, uint64_t message_len)
{
    uint8_t  tail[2 * BLOCK_BYTES] = {0};
    size_t   len = rest.len < LENGTH_AT ? BLOCK_BYTES : 2 * BLOCK_BYTES;
    uint64_t bits = message_len * 8;

    if (rest.len)
        memcpy(tail, rest.ptr, rest.len);
    tail[rest.len] = 0x80;
    for (size_t i = 0; i < 8; i++)
        tail[len - 8 + i] = (uint8_t)(bits >> (8 * i));
    for (size_t at = 0; at < len; at += BLOCK_BYTES)
        md5_block(md5_state, tail + at);
}

void md5(Str message, uint8_t digest[MD5_BYTES])
{
    Md5    md5_state = {{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
    size_t at = 0;

    for (; message.len - at >= BLOCK_BYTES; at += BLOCK_BYTES)
        md5_block(&md5_state, (const uint8_t *)message.ptr + at);
    md5_tail(&md5_state, message.len ? str_slice(message, at, message.len) : message, message.len);
    for (size_t i = 0; i < MD5_BYTES; i++)
        digest[i] = (uint8_t)(md5_state.words[i / 4] >> (8 * (i % 4)));
}
