/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "net/http/hmac.h"

/* What OpenSSL has asked its allocator for. */
static uint32_t allocations;

static void *counted_malloc(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return malloc(size);
}

static void *counted_realloc(void *data, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    allocations++;
    return realloc(data, size);
}

static void counted_free(void *data, const char *file, int line)
{
    (void)file;
    (void)line;
    free(data);
}

/* A run of one byte. */
static struct bytes run(uint8_t byte, uint32_t size)
{
    static uint8_t data[256];
    memset(data, byte, size);
    return bytes_of(data, size);
}

static void assert_sum(struct bytes secret, const char *message, const char *hex)
{
    struct hmac_key key;
    uint8_t sum[HMAC_SIZE];
    char text[2 * HMAC_SIZE + 1];
    const struct bytes part = bytes_of_string(message);
    hmac_key_make(&key, secret);
    hmac_sum(&key, &part, 1, sum);
    for (uint32_t i = 0; i < HMAC_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", sum[i]);
    text[strlen(hex)] = 0; /* case 5 of the RFC is cut */
    assert_string_equal(text, hex);
}

/* The seven cases of RFC 4231. */
static void sums_are_those_of_the_standard(void **state)
{
    (void)state;
    char threes[51] = {0}, fours[51] = {0};
    uint8_t counted[25];
    memset(threes, 0xdd, 50);
    memset(fours, 0xcd, 50);
    for (uint8_t i = 0; i < sizeof(counted); i++)
        counted[i] = (uint8_t)(i + 1);
    assert_sum(run(0x0b, 20), "Hi There",
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_sum(BYTES("Jefe"), "what do ya want for nothing?",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_sum(
        run(0xaa, 20), threes, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
    assert_sum(bytes_of(counted, sizeof(counted)), fours,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
    assert_sum(run(0x0c, 20), "Test With Truncation", "a3b6167473100ee06e0c796c2955552b");
    assert_sum(run(0xaa, 131), "Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_sum(run(0xaa, 131),
        "This is a test using a larger than block-size key and a larger than block-size data. "
        "The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void parts_are_one_message(void **state)
{
    (void)state;
    struct hmac_key key;
    uint8_t whole[HMAC_SIZE], parted[HMAC_SIZE];
    const struct bytes one = BYTES("1700000000.{\"a\":1}");
    const struct bytes three[] = {BYTES("1700000000"), BYTES("."), {0}, BYTES("{\"a\":1}")};
    hmac_key_make(&key, BYTES("a secret of sixteen and more"));
    hmac_sum(&key, &one, 1, whole);
    hmac_sum(&key, three, 4, parted);
    assert_memory_equal(whole, parted, HMAC_SIZE);
}

static void a_message_costs_no_allocation(void **state)
{
    (void)state;
    struct hmac_key key;
    uint8_t sum[HMAC_SIZE];
    free(OPENSSL_malloc(16));
    assert_int_equal(allocations, 1); /* they are counted indeed */
    hmac_key_make(&key, run(0x0b, 200));
    const struct bytes message = run(0x31, 256);
    for (uint32_t i = 0; i < 1000; i++)
        hmac_sum(&key, &message, 1, sum);
    assert_int_equal(allocations, 1);
}

static void sums_are_compared_whole(void **state)
{
    (void)state;
    uint8_t a[HMAC_SIZE] = {0}, b[HMAC_SIZE] = {0};
    assert_true(hmac_equal(a, b, HMAC_SIZE));
    for (uint32_t i = 0; i < HMAC_SIZE * 8; i++) {
        b[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_false(hmac_equal(a, b, HMAC_SIZE));
        b[i / 8] = 0;
    }
}

#define FIRST "the-first-key-of-two"
#define SECOND "the-second-key-of-two"

static int read_keys(struct hmac_keys *keys, const char *file, char error[256])
{
    error[0] = 0;
    return hmac_keys_read(keys, bytes_of_string(file), "auth.some_file", "some/path", error, 256);
}

static void assert_is_key(const struct hmac_key *key, const char *secret)
{
    struct hmac_key wanted;
    uint8_t sum[HMAC_SIZE], wanted_sum[HMAC_SIZE];
    const struct bytes message = BYTES("m");
    hmac_key_make(&wanted, bytes_of_string(secret));
    hmac_sum(key, &message, 1, sum);
    hmac_sum(&wanted, &message, 1, wanted_sum);
    assert_memory_equal(sum, wanted_sum, HMAC_SIZE);
}

static void a_file_has_one_key_or_two(void **state)
{
    (void)state;
    struct hmac_keys keys;
    char error[256];
    static const char *const one[] = {FIRST, FIRST "\n", "\n# in use\r\n" FIRST "\r\n\r\n"};
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(read_keys(&keys, one[i], error), 0);
        assert_int_equal(keys.count, 1);
        assert_is_key(&keys.keys[0], FIRST);
    }
    assert_int_equal(read_keys(&keys, FIRST "\n" SECOND "\n", error), 0);
    assert_int_equal(keys.count, 2);
    assert_is_key(&keys.keys[0], FIRST);
    assert_is_key(&keys.keys[1], SECOND);
}

static void a_file_that_is_not_understood_is_named_and_not_shown(void **state)
{
    (void)state;
    static const struct {
        const char *file, *place;
    } wrong[] = {{"", "some/path has no key"}, {"# none\n\n", "some/path has no key"},
        {"short-secret-15\n", "some/path:1 "},
        {"\n# k\n" FIRST "\ncaf\xc3\xa9-secret-secret\n", ":4 "},
        {FIRST "\n" SECOND "\nthe-third-secret-of\n", ":3 is a third key"}};
    struct hmac_keys keys;
    char error[256], longest[300];
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(read_keys(&keys, wrong[i].file, error), -EINVAL);
        assert_int_equal(keys.count, 0);
        assert_non_null(strstr(error, "auth.some_file"));
        if (strstr(error, wrong[i].place) == NULL)
            fail_msg("%s is not in: %s", wrong[i].place, error);
        assert_null(strstr(error, "secret"));
    }
    memset(longest, 'k', sizeof(longest));
    longest[HMAC_KEY_SIZE_MAX] = 0;
    assert_int_equal(read_keys(&keys, longest, error), 0);
    longest[HMAC_KEY_SIZE_MAX] = 'k';
    longest[HMAC_KEY_SIZE_MAX + 1] = 0;
    assert_int_equal(read_keys(&keys, longest, error), -EINVAL);
}

static void a_file_that_others_may_read_is_spoken_of(void **state)
{
    (void)state;
    char path[] = "/tmp/hotshelf-hmac-XXXXXX", error[256];
    struct hmac_keys keys;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, FIRST "\n", strlen(FIRST) + 1), strlen(FIRST) + 1);
    assert_int_equal(hmac_keys_load(&keys, "auth.some_file", path, error, sizeof(error)), 0);
    assert_string_equal(error, "");
    assert_int_equal(keys.count, 1);
    assert_int_equal(fchmod(fd, 0640), 0);
    assert_int_equal(hmac_keys_load(&keys, "auth.some_file", path, error, sizeof(error)), 0);
    assert_non_null(strstr(error, "0640"));
    assert_non_null(strstr(error, path));
    assert_null(strstr(error, FIRST));
    assert_int_equal(keys.count, 1);
    char *large = malloc(5000);
    memset(large, '#', 5000);
    assert_int_equal(write(fd, large, 5000), 5000);
    free(large);
    assert_int_equal(hmac_keys_load(&keys, "auth.some_file", path, error, sizeof(error)), -EFBIG);
    assert_int_equal(keys.count, 0);
    close(fd);
    unlink(path);
    assert_int_equal(hmac_keys_load(&keys, "auth.some_file", path, error, sizeof(error)), -ENOENT);
    assert_non_null(strstr(error, path));
    assert_int_equal(hmac_keys_load(&keys, "auth.some_file", "", error, sizeof(error)), 0);
    assert_int_equal(keys.count, 0);
    assert_string_equal(error, "");
}

int main(void)
{
    /* Before OpenSSL has allocated anything. */
    if (CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free) != 1)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_costs_no_allocation),
        cmocka_unit_test(sums_are_those_of_the_standard),
        cmocka_unit_test(parts_are_one_message),
        cmocka_unit_test(sums_are_compared_whole),
        cmocka_unit_test(a_file_has_one_key_or_two),
        cmocka_unit_test(a_file_that_is_not_understood_is_named_and_not_shown),
        cmocka_unit_test(a_file_that_others_may_read_is_spoken_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
