/* SPDX-License-Identifier: Apache-2.0 */
/* Whose address counts, for what proxies and clients write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/http/forwarded.h"
#include "tests/lib/dice.h"

#define X "X-Forwarded-For: "
#define F "Forwarded: "
#define PEER "the peer"
#define NOBODY "nobody"

static const char trusted[] = "10.0.0.0/8, fd00::/8, unix";

static struct address client_of(const char *peer_text, const char *fields)
{
    char head[4096], reason[128];
    static struct http_limits limits = {
        .header_bytes = 4096, .target_bytes = 1024, .body_bytes = 1024};
    struct http_progress progress = {0};
    struct http_request parsed;
    struct proxies proxies;
    struct address peer = {.kind = ADDRESS_UNIX};
    int size = snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n", fields);
    assert_in_range(size, 1, sizeof(head) - 1);
    assert_true(proxies_parse(&proxies, bytes_of_string(trusted), reason, sizeof(reason)));
    if (strcmp(peer_text, "unix") != 0)
        assert_true(address_parse(bytes_of_string(peer_text), &peer));
    assert_int_equal(
        http_parse(bytes_of(head, (uint32_t)size), &limits, &progress, &parsed), HTTP_REQUEST);
    return forwarded_client(&proxies, &peer, &parsed);
}

static const struct {
    const char *peer, *fields, *client;
} table[] = {
    /* who is not trusted may write what he likes */
    {"203.0.113.1", "", PEER},
    {"203.0.113.1", X "1.2.3.4\r\n", PEER},
    {"203.0.113.1", F "for=1.2.3.4\r\n", PEER},
    {"2001:db8::1", X "1.2.3.4\r\n", PEER},
    /* a proxy for itself */
    {"10.0.0.1", "", NOBODY},
    {"unix", "", NOBODY},
    /* the rightmost that is not trusted */
    {"10.0.0.1", X "1.2.3.4\r\n", "1.2.3.4"},
    {"unix", X "1.2.3.4\r\n", "1.2.3.4"},
    {"fd00::7", X "2001:db8::9\r\n", "2001:db8::9"},
    {"::ffff:10.0.0.1", X "1.2.3.4\r\n", "1.2.3.4"},
    {"10.0.0.1", X "6.6.6.6, 1.2.3.4\r\n", "1.2.3.4"},
    {"10.0.0.1", X "6.6.6.6,1.2.3.4, 10.0.0.2 ,fd00::2\r\n", "1.2.3.4"},
    {"10.0.0.1", X "nonsense, 1.2.3.4, 10.0.0.2\r\n", "1.2.3.4"},
    {"10.0.0.1", X "10.9.9.9, 1.2.3.4\r\n", "1.2.3.4"},
    {"10.0.0.1", X "10.0.0.3, 10.0.0.2\r\n", "10.0.0.3"},
    {"10.0.0.1", X ",, 1.2.3.4 ,\r\n", "1.2.3.4"},
    {"10.0.0.1", X "1.2.3.4:5678\r\n", "1.2.3.4"},
    {"10.0.0.1", X "[2001:db8::9]\r\n", "2001:db8::9"},
    {"10.0.0.1", X "[2001:db8::9]:5678\r\n", "2001:db8::9"},
    {"10.0.0.1", X "::ffff:1.2.3.4\r\n", "1.2.3.4"},
    /* lines are one list, and case is nothing */
    {"10.0.0.1", X "6.6.6.6\r\nAccept: */*\r\nx-forwarded-for: 1.2.3.4\r\n", "1.2.3.4"},
    {"10.0.0.1", X "6.6.6.6, 1.2.3.4\r\n" X "10.0.0.2\r\n", "1.2.3.4"},
    {"10.0.0.1", X "1.2.3.4\r\n" X "nonsense\r\n", PEER},
    {"10.0.0.1",
        X "1\r\n" X "1\r\n" X "1\r\n" X "1\r\n" X "1\r\n" X "1\r\n" X "1\r\n" X "1.2.3.4\r\n",
        "1.2.3.4"},
    {"10.0.0.1",
        X "1\r\n" X "1\r\n" X "1\r\n" X "1\r\n" X "1\r\n" X "1\r\n" X "1\r\n" X "1\r\n" X
          "1.2.3.4\r\n",
        PEER},
    /* nothing is guessed */
    {"10.0.0.1", X "\r\n", PEER},
    {"10.0.0.1", X ",\r\n", PEER},
    {"10.0.0.1", X "unknown\r\n", PEER},
    {"10.0.0.1", X "1.2.3.4, unknown\r\n", PEER},
    {"10.0.0.1", X "1.2.3.4, nonsense, 10.0.0.2\r\n", PEER},
    {"10.0.0.1", X "1.2.3.4 5.6.7.8\r\n", PEER},
    {"10.0.0.1", X "1.2.3.4:\r\n", PEER},
    {"10.0.0.1", X "1.2.3.4:123456\r\n", PEER},
    {"10.0.0.1", X "1.2.3.4:8o\r\n", PEER},
    {"10.0.0.1", X "[1.2.3.4]\r\n", PEER},
    {"10.0.0.1", X "[2001:db8::9\r\n", PEER},
    {"10.0.0.1", X "[2001:db8::9]x\r\n", PEER},
    {"10.0.0.1", X "\"1.2.3.4\"\r\n", PEER},
    {"10.0.0.1", X "for=1.2.3.4\r\n", PEER},
    {"10.0.0.1", X "01.2.3.4\r\n", PEER},
    /* RFC 7239 */
    {"10.0.0.1", F "for=1.2.3.4\r\n", "1.2.3.4"},
    {"10.0.0.1", F "For=\"1.2.3.4\"\r\n", "1.2.3.4"},
    {"10.0.0.1", F "for=\"1.2.3.4:5678\"\r\n", "1.2.3.4"},
    {"10.0.0.1", F "for=\"[2001:db8::9]\"\r\n", "2001:db8::9"},
    {"10.0.0.1", F "for=\"[2001:db8::9]:5678\"\r\n", "2001:db8::9"},
    {"10.0.0.1", F "proto=https;for=1.2.3.4;by=10.0.0.1;host=\"a,b\"\r\n", "1.2.3.4"},
    {"10.0.0.1", F "for=6.6.6.6, for=1.2.3.4; proto=http, for=10.0.0.2\r\n", "1.2.3.4"},
    {"10.0.0.1", F "for=6.6.6.6\r\n" F "for=1.2.3.4\r\n", "1.2.3.4"},
    {"10.0.0.1", F "for=6.6.6.6;x=\"\r\n" F "for=1.2.3.4\r\n", "1.2.3.4"},
    {"10.0.0.1", F "for=_hidden, for=1.2.3.4\r\n", "1.2.3.4"},
    {"10.0.0.1", F "for=1.2.3.4;x=\"a\\\"b, for=9.9.9.9\"\r\n", "1.2.3.4"},
    {"10.0.0.1", F "for=_hidden\r\n", PEER},
    {"10.0.0.1", F "for=unknown\r\n", PEER},
    {"10.0.0.1", F "for=1.2.3.4, for=unknown\r\n", PEER},
    {"10.0.0.1", F "proto=https\r\n", PEER},
    {"10.0.0.1", F "for=1.2.3.4, proto=https\r\n", PEER},
    {"10.0.0.1", F "for=1.2.3.4;for=5.6.7.8\r\n", PEER},
    {"10.0.0.1", F "for=1.2.3.4:5678\r\n", PEER},
    {"10.0.0.1", F "for=[2001:db8::9]\r\n", PEER},
    {"10.0.0.1", F "for=\"2001:db8::9\"\r\n", PEER},
    {"10.0.0.1", F "for=\"\\[2001:db8::9]\"\r\n", PEER},
    {"10.0.0.1", F "for = 1.2.3.4\r\n", PEER},
    {"10.0.0.1", F "for=\r\n", PEER},
    {"10.0.0.1", F "for\r\n", PEER},
    {"10.0.0.1", F "=1.2.3.4\r\n", PEER},
    {"10.0.0.1", F "for=\"1.2.3.4\r\n", PEER},
    {"10.0.0.1", F "for=\"1.2.3.4\"x\r\n", PEER},
    {"10.0.0.1", F "for=1.2.3.4;\r\n", PEER},
    {"10.0.0.1", F "\r\n", PEER},
    /* a client cannot open a quote that a proxy closes */
    {"10.0.0.1", F "for=6.6.6.6;x=\", for=\"1.2.3.4\"\r\n", PEER},
    {"10.0.0.1", F "for=6.6.6.6;x=\", for=1.2.3.4\r\n", PEER},
    {"10.0.0.1", F "for=6.6.6.6;x=\", for=1.2.3.4, for=\"[fd00::1]\"\r\n", PEER},
    /* both must agree */
    {"10.0.0.1", X "1.2.3.4\r\n" F "for=1.2.3.4\r\n", "1.2.3.4"},
    {"10.0.0.1", X "1.2.3.4\r\n" F "for=6.6.6.6\r\n", PEER},
    {"10.0.0.1", X "1.2.3.4\r\n" F "for=unknown\r\n", PEER},
    {"10.0.0.1", X "unknown\r\n" F "for=1.2.3.4\r\n", PEER},
};

static void the_client_is_whom_a_trusted_proxy_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct address want = {.kind = ADDRESS_UNIX};
        struct address client = client_of(table[i].peer, table[i].fields);
        const char *text = table[i].client;
        if (strcmp(text, NOBODY) == 0) {
            assert_int_equal(client.kind, ADDRESS_NONE);
            continue;
        }
        if (strcmp(text, PEER) == 0)
            text = table[i].peer;
        if (strcmp(text, "unix") != 0)
            assert_true(address_parse(bytes_of_string(text), &want));
        if (!address_equal(&client, &want))
            fail_msg("line %zu: %s from %s is not %s", i, table[i].fields, table[i].peer, text);
    }
}

static void a_list_without_end_is_not_read(void **state)
{
    (void)state;
    char fields[1024] = X "1.2.3.4";
    size_t size = strlen(fields);
    for (uint32_t count = 1; count <= FORWARDED_ELEMENTS_MAX + 1; count++) {
        struct address want;
        char line[1100];
        (void)snprintf(line, sizeof(line), "%s\r\n", fields);
        size += (size_t)snprintf(fields + size, sizeof(fields) - size, ",10.0.0.2");
        struct address client = client_of("10.0.0.1", line);
        const char *text = count > FORWARDED_ELEMENTS_MAX ? "10.0.0.1" : "1.2.3.4";
        assert_true(address_parse(bytes_of_string(text), &want));
        assert_true(address_equal(&client, &want));
    }
}

/* Whatever a client writes in front: behind what a trusted proxy puts there it is never another
 * client than himself or, where nothing can be told, the proxy. */
static void nothing_in_front_makes_another_client(void **state)
{
    (void)state;
    static const char alphabet[] = "0123456789.:[]\"\\,;=for _-ax";
    struct dice dice = dice_of(5);
    struct address self, proxy;
    assert_true(address_parse(BYTES("1.2.3.4"), &self));
    assert_true(address_parse(BYTES("10.0.0.1"), &proxy));
    for (uint32_t i = 0; i < 20000; i++) {
        static const char *const behind[] = {", 1.2.3.4\r\n", ", 1.2.3.4, 10.0.0.2\r\n",
            ", for=1.2.3.4\r\n", ", for=\"1.2.3.4\";by=10.0.0.1, for=10.0.0.2\r\n"};
        char front[48], line[160];
        uint32_t size = (uint32_t)(dice_next(&dice) % (sizeof(front) - 1));
        for (uint32_t k = 0; k < size; k++)
            front[k] = alphabet[dice_next(&dice) % (sizeof(alphabet) - 1)];
        front[size] = 0;
        (void)snprintf(line, sizeof(line), "%s%s%s", i % 4 < 2 ? X : F, front, behind[i % 4]);
        struct address client = client_of("10.0.0.1", line);
        if (!address_equal(&client, &self) && !(i % 4 >= 2 && address_equal(&client, &proxy)))
            fail_msg("%s", line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_is_whom_a_trusted_proxy_names),
        cmocka_unit_test(a_list_without_end_is_not_read),
        cmocka_unit_test(nothing_in_front_makes_another_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
