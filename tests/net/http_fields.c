/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of sixteen bytes: the parser and its reference read each byte at each place alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/http/fields.h"
#include "net/http/syntax.h"
#include "tests/net/http_reference.h"

static const struct http_limits limits = {
    .header_bytes = 512, .target_bytes = 128, .body_bytes = 64};

#define END "\r\n\r\n"
#define GET "GET / HTTP/1.1\r\nHost: a\r\n"

/* Each byte at each place of a target, a name and a value: wherever a block of sixteen ends. */
static void every_byte_is_looked_at(void **state)
{
    (void)state;
    static const char *const around[][2] = {
        {"GET /", " HTTP/1.1\r\nHost: a" END}, {GET, ": b" END}, {GET "X:", END}};
    static const uint32_t sizes[] = {1, 15, 16, 17, 33};
    for (uint32_t i = 0; i < 3 * sizeof sizes / sizeof sizes[0]; i++) {
        const char *const *form = around[i % 3];
        uint32_t size = sizes[i / 3], start = (uint32_t)strlen(form[0]);
        for (uint32_t at = 0; at < size * 256; at++) {
            char text[128] = "";
            memset(text, 'x', sizeof text);
            memcpy(text, form[0], start);
            text[start + at / 256] = (char)(at % 256);
            memcpy(text + start + size, form[1], strlen(form[1]));
            uint32_t end = start + size + (uint32_t)strlen(form[1]);
            reference_compare(&limits, bytes_of(text, end), end);
        }
    }
}

/* Names are compared by words that overlap, letters in either case. */
static void a_name_is_known_whole_or_not_at_all(void **state)
{
    (void)state;
    static const char *const names[HTTP_FIELD_COUNT] = {"Host", "Content-Length",
        "Transfer-Encoding", "Connection", "Content-Type", "Content-Encoding", "Expect", "Accept",
        "Authorization", "Idempotency-Key", "If-Match", "If-None-Match", "X-Customer-Id", "X-Role",
        "X-Request-Id", "X-Forwarded-For", "Hotshelf-Signature", "Last-Event-ID", "TRACEPARENT",
        "Forwarded"};
    for (uint32_t field = 0; field < HTTP_FIELD_COUNT; field++) {
        uint8_t name[32];
        uint32_t size = (uint32_t)strlen(names[field]);
        memcpy(name, names[field], size);
        assert_int_equal(http_field_find(bytes_of(name, size)), field);
        for (uint32_t at = 0; at < size; at++) {
            name[at] ^= 1;
            assert_int_equal(http_field_find(bytes_of(name, size)), HTTP_FIELD_COUNT);
            name[at] ^= 1;
            assert_int_equal(http_field_find(bytes_of(name, at)), HTTP_FIELD_COUNT);
        }
    }
}

/* Texts are looked at in blocks, the last of which overlaps what has been seen. */
static void every_byte_of_a_host_or_text_is_looked_at(void **state)
{
    (void)state;
    for (uint32_t size = 1; size <= 40; size++) {
        uint8_t text[40];
        memset(text, 'x', sizeof text);
        for (uint32_t at = 0; at < size; at++) {
            for (uint32_t i = 0; i < 256; i++) {
                uint8_t byte = (uint8_t)i;
                bool is_port = byte == ':' && at > 0 && at == size - 1; /* an empty one */
                text[at] = byte;
                assert_int_equal(http_is_printable(bytes_of(text, size)), i >= ' ' && i <= '~');
                assert_int_equal(http_is_bare_value(bytes_of(text, size)),
                    byte == 0 || strchr("%+,;&", byte) == NULL);
                assert_int_equal(http_host_is_valid(bytes_of(text, size)),
                    http_is_class(byte, HTTP_CLASS_HOST) || is_port);
            }
            text[at] = 'x';
        }
    }
}

static void hosts_have_their_forms(void **state)
{
    (void)state;
    static const char *const valid[] = {"a", "a:", "a:1", "a:12345", "127.0.0.1:8080", "12345",
        "[::1]", "[::1]:", "[::1]:80", "[1]", "a_b~c", "123456789012345678901234567890:1"};
    static const char *const wrong[] = {"", ":", ":1", "a:123456", "a:1:2", "a:1b", "[]", "[", "]",
        "[a", "[]:1", "[a]b", "[a]1", "[a]:123456", "[a]:b", "[a]:1:", "[[a]]", "a]", "a:]", "[a:1",
        "a b", "[:]]", "[a]:1]"};
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
        assert_true(http_host_is_valid(bytes_of_string(valid[i])));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(http_host_is_valid(bytes_of_string(wrong[i])));
}

static void letters_alone_have_two_cases(void **state)
{
    (void)state;
    for (uint32_t size = 1; size <= 26; size++) {
        static const char small[] = "ab-d/fgh1jklmnopqrstuvwxyz";
        for (uint32_t at = 0; at < size; at++) {
            for (uint32_t i = 0; i < 256; i++) {
                uint8_t text[26];
                memcpy(text, small, sizeof text);
                text[at] = (uint8_t)i;
                bool is_same = i == (uint8_t)small[at] ||
                               (i >= 'A' && i <= 'Z' && i + 32 == (uint8_t)small[at]);
                assert_int_equal(http_equals_ignoring_case(text, small, size), is_same);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_looked_at),
        cmocka_unit_test(a_name_is_known_whole_or_not_at_all),
        cmocka_unit_test(every_byte_of_a_host_or_text_is_looked_at),
        cmocka_unit_test(hosts_have_their_forms),
        cmocka_unit_test(letters_alone_have_two_cases),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
