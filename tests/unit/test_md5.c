#include "exec/functions/md5.h"

#include <stdio.h>

#include "tests/support/arena_group.h"

static void assert_digest(const char *message, const char *expected)
{
    uint8_t digest[MD5_BYTES];
    char    hex[2 * MD5_BYTES + 1];

    md5(str_from(message), digest);
    for (int i = 0; i < MD5_BYTES; i++)
        snprintf(hex + (size_t)i * 2, 3, "%02x", digest[i]);
    assert_string_equal(hex, expected);
}

static void digests_are_those_of_rfc_1321(void **state)
{
    (void)state;
    assert_digest("", "d41d8cd98f00b204e9800998ecf8427e");
    assert_digest("a", "0cc175b9c0f1b6a831c399e269772661");
    assert_digest("abc", "900150983cd24fb0d6963f7d28e17f72");
    assert_digest("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b");
    assert_digest("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                  "d174ab98d277d9f5a5611c2c9f419d9f");
    assert_digest("1234567890123456789012345678901234567890123456789012345678901234567890123456"
                  "7890",
                  "57edf4a22be3c955ac49da2e2107b67a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_are_those_of_rfc_1321),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
