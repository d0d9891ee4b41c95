/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, and the proxies whose word is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/proxies.h"

static struct address address(const char *text)
{
    struct address read;
    if (strcmp(text, "unix") == 0)
        return (struct address){.kind = ADDRESS_UNIX};
    if (!address_parse(bytes_of_string(text), &read))
        fail_msg("no address: %s", text);
    return read;
}

static void an_address_is_read_in_one_way_or_not(void **state)
{
    (void)state;
    static const char *const good[] = {"0.0.0.0", "255.255.255.255", "1.2.3.4", "::", "::1",
        "2001:db8::1", "2001:DB8:0:0:0:0:0:1", "::ffff:1.2.3.4",
        "1111:2222:3333:4444:5555:6666:255.255.255.255"};
    static const char *const bad[] = {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.04",
        " 1.2.3.4", "1.2.3.4 ", "1.2.3.4:80", "0x1.2.3.4", "1.2.3.-4", "[::1]", "::1%eth0",
        ":::", "1::2::3", "12345::", "::1/64", "localhost",
        "1111:2222:3333:4444:5555:6666:255.255.255.2550", "2001:db8::1:2:3:4:5:6:7"};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        (void)address(good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct address read;
        if (address_parse(bytes_of_string(bad[i]), &read))
            fail_msg("taken for an address: %s", bad[i]);
        assert_int_equal(read.kind, ADDRESS_NONE);
    }
    struct address read;
    assert_false(address_parse(bytes_of("1.2.3.4\0", 8), &read));
}

static void one_address_has_one_name(void **state)
{
    (void)state;
    static const struct {
        const char *one, *other;
        bool same;
    } names[] = {
        {"1.2.3.4", "::ffff:1.2.3.4", true},
        {"1.2.3.4", "1.2.3.5", false},
        {"::1", "0:0:0:0:0:0:0:1", true},
        {"2001:db8:1:2::1", "2001:db8:1:2:3:4:5:6", true}, /* of one site */
        {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
        {"unix", "unix", true},
        {"unix", "::", false},
        {"0.0.0.0", "::", false},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct address one = address(names[i].one), other = address(names[i].other);
        if (bytes_equal(address_name(&one), address_name(&other)) != names[i].same)
            fail_msg("%s and %s", names[i].one, names[i].other);
    }
    struct address nobody = {.kind = ADDRESS_NONE};
    assert_int_equal(address_name(&nobody).size, 0);
}

static void ranges_hold_what_they_name(void **state)
{
    (void)state;
    static const struct {
        const char *ranges, *peer;
        bool trusted;
    } table[] = {
        {"", "127.0.0.1", false},
        {"", "unix", false},
        {"unix", "unix", true},
        {"unix", "127.0.0.1", false},
        {"127.0.0.1", "127.0.0.1", true},
        {"127.0.0.1", "127.0.0.2", false},
        {"127.0.0.1", "unix", false},
        {"127.0.0.1", "::ffff:127.0.0.1", true},
        {"127.0.0.0/8", "127.255.255.255", true},
        {"127.0.0.0/8", "128.0.0.0", false},
        {"10.1.2.0/23", "10.1.3.255", true},
        {"10.1.2.0/23", "10.1.4.0", false},
        {"10.1.2.4/32", "10.1.2.4", true},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "1.2.3.4", true},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe00::1", false},
        {"2001:db8::1", "2001:db8::1", true},
        {"2001:db8::1", "2001:db8::2", false},
        {" 10.0.0.1 ,, 192.0.2.0/24,unix ", "192.0.2.77", true},
        {" 10.0.0.1 ,, 192.0.2.0/24,unix ", "unix", true},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct proxies proxies;
        char reason[256];
        struct address peer = address(table[i].peer);
        if (!proxies_parse(&proxies, bytes_of_string(table[i].ranges), reason, sizeof(reason)))
            fail_msg("%s: %s", table[i].ranges, reason);
        if (proxies_trust(&proxies, &peer) != table[i].trusted)
            fail_msg("%s in %s", table[i].peer, table[i].ranges);
    }
}

static void what_is_no_range_is_named(void **state)
{
    (void)state;
    static const char *const bad[] = {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/8/8",
        "10.0.0.1/8", "::1/64", "::/129", "10.0.0/8", "gateway", "Unix", "unix:/run/x",
        "10.0.0.1 10.0.0.2", "[::1]", "10.0.0.0/-1"};
    char reason[256];
    struct proxies proxies;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (proxies_parse(&proxies, bytes_of_string(bad[i]), reason, sizeof(reason)))
            fail_msg("taken for a range: %s", bad[i]);
        assert_non_null(strstr(reason, bad[i]));
    }
    static const char many[] =
        "::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,"
        "::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1,::1";
    assert_true(proxies_parse(&proxies, bytes_of_string(many), reason, sizeof(reason)));
    assert_int_equal(proxies.count, PROXIES_MAX);
    char more[sizeof(many) + 4];
    (void)snprintf(more, sizeof(more), "%s,::1", many);
    assert_false(proxies_parse(&proxies, bytes_of_string(more), reason, sizeof(reason)));
    assert_string_equal(reason, "must be at most 32 ranges");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_read_in_one_way_or_not),
        cmocka_unit_test(one_address_has_one_name),
        cmocka_unit_test(ranges_hold_what_they_name),
        cmocka_unit_test(what_is_no_range_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
