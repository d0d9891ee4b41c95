/* SPDX-License-Identifier: Apache-2.0 */
/* P10: a webhook is believed for its signature alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/http/signature.h"

#define NOW 1795230000
#define BODY "{\"id\":\"evt_1\"}"
#define OLD_KEY "the-old-key-of-the-shop"
#define NEW_KEY "the-new-key-of-the-shop"

static struct hmac_keys keys_of(const char *file)
{
    struct hmac_keys keys;
    char error[128];
    assert_int_equal(
        hmac_keys_read(&keys, bytes_of_string(file), "a", "b", error, sizeof(error)), 0);
    return keys;
}

/* v1 of a body under a key, as the sender makes it. */
static void sign(const char *secret, const char *time, const char *body, char hex[65])
{
    struct hmac_key key;
    uint8_t sum[HMAC_SIZE];
    const struct bytes parts[] = {bytes_of_string(time), BYTES("."), bytes_of_string(body)};
    hmac_key_make(&key, bytes_of_string(secret));
    hmac_sum(&key, parts, 3, sum);
    for (uint32_t i = 0; i < HMAC_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", sum[i]);
}

static bool is_good(const struct hmac_keys *keys, const char *field, const char *body, int64_t now)
{
    const char *fault =
        signature_fault(keys, bytes_of_string(field), bytes_of_string(body), now * 1000);
    assert_true(fault == NULL || strlen(fault) > 20);
    return fault == NULL;
}

static void a_signature_of_now_is_good(void **state)
{
    (void)state;
    struct hmac_keys keys = keys_of(OLD_KEY);
    char hex[65], field[512];
    sign(OLD_KEY, "1795230000", BODY, hex);
    static const char *const good[] = {"t=1795230000,v1=%s", "v1=%s,t=1795230000",
        " t=1795230000 ,\tv1=%s ", "t=1795230000,v0=older,v1=%s,v2=newer,x",
        "t=1795230000,v1=00,v1=%s", "t=1795230000,,v1=%s,"};
    for (uint32_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(field, sizeof(field), good[i], hex);
        if (!is_good(&keys, field, BODY, NOW))
            fail_msg("refused: %s", field);
    }
    for (char *at = hex; *at != 0; at++)
        *at = (char)(*at >= 'a' ? *at - 32 : *at);
    snprintf(field, sizeof(field), "t=1795230000,v1=%s", hex);
    assert_true(is_good(&keys, field, BODY, NOW));
}

/* Made by OpenSSL's own program: printf '1795230000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac */
static void the_sum_is_what_everybody_computes(void **state)
{
    (void)state;
    char hex[65];
    sign(OLD_KEY, "1795230000", BODY, hex);
    assert_string_equal(hex, "3549fbf0ba779837e487559afd2f3e4ff2397a48f1fab3032e849236c56b4930");
}

static void the_window_is_300_seconds_in_either_direction(void **state)
{
    (void)state;
    struct hmac_keys keys = keys_of(OLD_KEY);
    char hex[65], field[128];
    sign(OLD_KEY, "1795230000", BODY, hex);
    snprintf(field, sizeof(field), "t=1795230000,v1=%s", hex);
    assert_true(is_good(&keys, field, BODY, NOW + 300));
    assert_true(is_good(&keys, field, BODY, NOW - 300));
    assert_false(is_good(&keys, field, BODY, NOW + 301));
    assert_false(is_good(&keys, field, BODY, NOW - 301));
    const struct bytes sent = bytes_of_string(field), body = bytes_of_string(BODY);
    assert_null(signature_fault(&keys, sent, body, (NOW + 300) * 1000ll + 999));
    assert_non_null(signature_fault(&keys, sent, body, (NOW + 301) * 1000ll));
    assert_null(signature_fault(&keys, sent, body, (NOW - 300) * 1000ll));
    assert_non_null(signature_fault(&keys, sent, body, (NOW - 300) * 1000ll - 1));
}

static void one_byte_makes_the_difference(void **state)
{
    (void)state;
    struct hmac_keys keys = keys_of(OLD_KEY);
    char hex[65], field[128], body[] = BODY;
    sign(OLD_KEY, "1795230000", BODY, hex);
    snprintf(field, sizeof(field), "t=1795230000,v1=%s", hex);
    for (uint32_t i = 0; i < sizeof(body) - 1; i++) {
        body[i] ^= 1;
        assert_false(is_good(&keys, field, body, NOW));
        body[i] ^= 1;
    }
    assert_true(is_good(&keys, field, body, NOW));
    assert_false(is_good(&keys, field, BODY " ", NOW));
    assert_false(is_good(&keys, field, "", NOW));
    for (uint32_t i = 0; i < 64; i++) {
        char *digit = strstr(field, "v1=") + 3 + i, before = *digit;
        *digit = before == '0' ? '1' : '0';
        assert_false(is_good(&keys, field, BODY, NOW));
        *digit = before;
    }
    /* The same moment in other digits is another text, and another signature. */
    snprintf(field, sizeof(field), "t=01795230000,v1=%s", hex);
    assert_false(is_good(&keys, field, BODY, NOW));
    snprintf(field, sizeof(field), "t=1795230001,v1=%s", hex);
    assert_false(is_good(&keys, field, BODY, NOW));
}

/* Each side changes its key when it likes: the sender signs with both for a while, or we believe
 * both. */
static void keys_change_without_a_gap(void **state)
{
    (void)state;
    struct hmac_keys before = keys_of(OLD_KEY), between = keys_of(NEW_KEY "\n" OLD_KEY),
                     after = keys_of(NEW_KEY);
    char with_old[65], with_new[65], old_only[128], new_only[128], both[256], neither[128];
    sign(OLD_KEY, "1795230000", BODY, with_old);
    sign(NEW_KEY, "1795230000", BODY, with_new);
    snprintf(old_only, sizeof(old_only), "t=1795230000,v1=%s", with_old);
    snprintf(new_only, sizeof(new_only), "t=1795230000,v1=%s", with_new);
    snprintf(both, sizeof(both), "t=1795230000,v1=%s,v1=%s", with_new, with_old);
    snprintf(neither, sizeof(neither), "t=1795230000,v1=%064d", 0);
    assert_true(is_good(&before, old_only, BODY, NOW) && is_good(&before, both, BODY, NOW));
    assert_false(is_good(&before, new_only, BODY, NOW));
    assert_true(is_good(&between, old_only, BODY, NOW) && is_good(&between, new_only, BODY, NOW));
    assert_true(is_good(&between, both, BODY, NOW));
    assert_false(is_good(&between, neither, BODY, NOW));
    assert_true(is_good(&after, new_only, BODY, NOW) && is_good(&after, both, BODY, NOW));
    assert_false(is_good(&after, old_only, BODY, NOW));
}

static void hostile_signatures_are_refused(void **state)
{
    (void)state;
    struct hmac_keys keys = keys_of(OLD_KEY), none = {.count = 0};
    char hex[65], field[512];
    sign(OLD_KEY, "1795230000", BODY, hex);
    static const char *const wrong[] = {"", "t", "t=", "v1", "v1=%s", "t=1795230000",
        "t=1795230000,v1=", "t=,v1=%s", "t=now,v1=%s", "t=-1795230000,v1=%s", "t=+1795230000,v1=%s",
        "t=1795230000.0,v1=%s", "t=0x6b017e30,v1=%s", "t=179523000000000000000,v1=%s",
        "t=99999999999,v1=%s", "t=1795230000,t=1795230000,v1=%s", "t=1,t=1795230000,v1=%s",
        "T=1795230000,V1=%s", "t =1795230000,v1=%s", "t=1795230000,v1= %s", "t=1795230000,v1=%s0",
        "t=1795230000,v1=0%s", "t=1795230000,v1=\"%s\"", "t=1795230000;v1=%s", "t=1795230000 v1=%s",
        "t=1795230000,v2=%s", "t=1795230000,v11=%s", "%s", "t=1795230000,v1=0x%s"};
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-extra-args"
        snprintf(field, sizeof(field), wrong[i], hex);
#pragma GCC diagnostic pop
        if (is_good(&keys, field, BODY, NOW))
            fail_msg("believed: %s", field);
    }
    snprintf(field, sizeof(field), "t=1795230000,v1=%s", hex);
    for (char *digit = strstr(field, "v1=") + 3; *digit != 0; digit++) {
        static const char others[] = {'g', '/', ':', '@', '`', ' ', '\x01', '\xe9'};
        char before = *digit;
        for (uint32_t i = 0; i < sizeof(others); i++) {
            *digit = others[i];
            assert_false(is_good(&keys, field, BODY, NOW));
        }
        *digit = before;
    }
    field[strlen(field) - 1] = 0; /* 63 digits */
    assert_false(is_good(&keys, field, BODY, NOW));
    snprintf(field, sizeof(field), "t=1795230000,v1=%s", hex);
    assert_false(is_good(&none, field, BODY, NOW));
}

/* A byte of all ones is what a careless reader makes of a digit that is none. */
static void a_digit_that_is_none_stands_for_no_other(void **state)
{
    (void)state;
    struct hmac_keys keys = keys_of(OLD_KEY);
    char hex[65], body[16], field[128];
    uint32_t found = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        snprintf(body, sizeof(body), "%u", i);
        sign(OLD_KEY, "1795230000", body, hex);
        for (uint32_t digit = 0; digit < 64; digit++) {
            if (hex[digit] != 'f')
                continue;
            hex[digit] = 'g';
            snprintf(field, sizeof(field), "t=1795230000,v1=%s", hex);
            assert_false(is_good(&keys, field, body, NOW));
            hex[digit] = 'f';
            found++;
        }
    }
    assert_true(found > 1000);
}

static void many_wrong_sums_hide_no_right_one(void **state)
{
    (void)state;
    struct hmac_keys keys = keys_of(NEW_KEY "\n" OLD_KEY);
    char hex[65], *field = malloc(20000);
    size_t size = (size_t)snprintf(field, 20000, "t=1795230000");
    for (uint32_t i = 0; i < 200; i++)
        size += (size_t)snprintf(field + size, 20000 - size, ",v1=%064u", i);
    assert_false(is_good(&keys, field, BODY, NOW));
    sign(OLD_KEY, "1795230000", BODY, hex);
    snprintf(field + size, 20000 - size, ",v1=%s", hex);
    assert_true(is_good(&keys, field, BODY, NOW));
    free(field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_of_now_is_good),
        cmocka_unit_test(the_sum_is_what_everybody_computes),
        cmocka_unit_test(the_window_is_300_seconds_in_either_direction),
        cmocka_unit_test(one_byte_makes_the_difference),
        cmocka_unit_test(keys_change_without_a_gap),
        cmocka_unit_test(hostile_signatures_are_refused),
        cmocka_unit_test(a_digit_that_is_none_stands_for_no_other),
        cmocka_unit_test(many_wrong_sums_hide_no_right_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
