/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: what may be said, what is refused, and with which words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/event.h"
#include "net/config.h"

static struct config read_good(const char *text)
{
    struct config config;
    struct config_error error = {.text = ""};
    config_defaults(&config);
    if (!config_read_text(&config, "a.ini", bytes_of_string(text), &error))
        fail_msg("%s", error.text);
    return config;
}

static void assert_refused(const char *text, const char *wanted)
{
    struct config config;
    struct config_error error = {.text = ""};
    config_defaults(&config);
    bool is_valid = config_read_text(&config, "a.ini", bytes_of_string(text), &error) &&
                    config_check(&config, &error);
    assert_false(is_valid);
    assert_string_equal(error.text, wanted);
}

static void assert_set_refused(const char *assignment, const char *wanted)
{
    struct config config;
    struct config_error error = {.text = ""};
    config_defaults(&config);
    assert_false(config_set(&config, assignment, &error));
    assert_string_equal(error.text, wanted);
}

static void defaults_are_those_of_the_contract(void **state)
{
    (void)state;
    struct config config;
    config_defaults(&config);
    assert_string_equal(config.server.http.host, "127.0.0.1");
    assert_int_equal(config.server.http.port, 8080);
    assert_int_equal(config.server.admin.port, 9090);
    assert_int_equal(config.server.resp.port, 6390);
    assert_int_equal(config.server.shards, 0);
    assert_int_equal(config.auth.mode, AUTH_JWT);
    assert_int_equal(config.data.durability, DURABILITY_DISK);
    assert_int_equal(config.policy.node, 1);
    assert_int_equal(config.policy.payment_mode, PAYMENT_EXTERNAL);
    assert_int_equal(config.policy.reserve_on, RESERVE_CHECKOUT);
    assert_int_equal(config.policy.hold_seconds, 600);
    assert_int_equal(config.policy.max_life_seconds, 1800);
    assert_int_equal(config.policy.cancel_seconds, 900);
    assert_int_equal(config.retention.streamed_segments_seconds, 600);
    assert_int_equal(config.limits.import_bytes, 268435456);
    assert_int_equal(config.limits.body_bytes, 65536);
    assert_int_equal(config.limits.header_bytes, 16384);
    assert_int_equal(config.limits.requests_per_second, 0);
    struct config_error error;
    assert_true(config_check(&config, &error));
}

/* Writing a default and reading it back must change nothing, and each default must be in range. */
static void every_default_is_a_value_of_its_key(void **state)
{
    (void)state;
    struct config config, again;
    config_defaults(&config);
    again = config;
    for (uint32_t i = 0; i < config_key_count; i++) {
        char text[512], reason[256];
        config_format_value(&config, &config_keys[i], text, sizeof text);
        if (!config_parse_value(&again, &config_keys[i], text, reason, sizeof reason))
            fail_msg("%s.%s = %s %s", config_keys[i].section, config_keys[i].name, text, reason);
        assert_true(config_keys[i].help[0] != 0);
        assert_ptr_equal(
            config_key_find(config_keys[i].section, config_keys[i].name), &config_keys[i]);
    }
    assert_memory_equal(&config, &again, sizeof config);
}

static void a_file_is_read(void **state)
{
    (void)state;
    struct config config = read_good("\xef\xbb\xbf# a comment\n; another\n"
                                     "[server]\r\nhttp = 0.0.0.0:80\n  admin=unix:/run/a:b.sock\n"
                                     "resp = [::1]:6391 ; at the end\nshards = 4\nnode=7\n"
                                     "io = epoll\ndemo = on\n[data]\njournal_bytes = 2 GiB\n"
                                     "[reservations]\nreserve_on = cart\n[payment]\n"
                                     "mode = deferred\n[limits]\nbody_bytes=128KiB");
    assert_string_equal(config.server.http.host, "0.0.0.0");
    assert_int_equal(config.server.http.port, 80);
    assert_true(config.server.admin.is_unix);
    assert_string_equal(config.server.admin.host, "/run/a:b.sock");
    assert_true(config.server.resp.is_ipv6);
    assert_string_equal(config.server.resp.host, "::1");
    assert_int_equal(config.server.resp.port, 6391);
    assert_int_equal(config.server.shards, 4);
    assert_int_equal(config.policy.node, 7);
    assert_int_equal(config.server.io, IO_EPOLL);
    assert_true(config.server.demo);
    assert_int_equal(config.data.journal_bytes, 2147483648);
    assert_int_equal(config.policy.reserve_on, RESERVE_CART);
    assert_int_equal(config.policy.payment_mode, PAYMENT_DEFERRED);
    assert_int_equal(config.limits.body_bytes, 131072);
}

static void names_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    assert_refused("[reservations]\n\nhold_second = 5\n",
        "a.ini:3: unknown key hold_second in [reservations]; did you mean hold_seconds?");
    assert_refused(
        "[sever]\nhttp = 1\n", "a.ini:2: unknown section [sever]; did you mean [server]?");
    assert_refused("[server]\ndurability = disk\n",
        "a.ini:2: unknown key durability in [server]; it belongs to [data]");
    assert_refused("[server]\ncolor = red\n", "a.ini:2: unknown key color in [server]");
    assert_refused("[wardrobe]\ncolor = red\n", "a.ini:2: unknown section [wardrobe]");
    assert_refused("http = 1\n", "a.ini:1: a key before the first [section]");
}

static void values_out_of_range_are_refused(void **state)
{
    (void)state;
    assert_refused("[reservations]\nhold_seconds = 0\n",
        "a.ini:2: [reservations] hold_seconds must be from 1 to 86400 seconds");
    assert_refused("[reservations]\nhold_seconds = 99999999999999999999\n",
        "a.ini:2: [reservations] hold_seconds must be a whole number in digits");
    assert_refused("[reservations]\nhold_seconds = 10m\n",
        "a.ini:2: [reservations] hold_seconds must be a whole number in digits");
    assert_refused("[reservations]\nhold_seconds = -5\n",
        "a.ini:2: [reservations] hold_seconds must be a whole number in digits");
    assert_refused("[reservations]\nhold_seconds =\n",
        "a.ini:2: [reservations] hold_seconds must be a whole number in digits");
    assert_refused(
        "[server]\nshards = 65\n", "a.ini:2: [server] shards must be auto or from 1 to 64 shards");
    assert_refused(
        "[server]\nshards = 0\n", "a.ini:2: [server] shards must be auto or from 1 to 64 shards");
    assert_refused(
        "[server]\nio = kqueue\n", "a.ini:2: [server] io must be auto, io_uring or epoll");
    assert_refused("[server]\ndemo = maybe\n", "a.ini:2: [server] demo must be yes or no");
    assert_refused(
        "[data]\ndurability = none\n", "a.ini:2: [data] durability must be disk or postgres");
    assert_refused("[limits]\nbody_bytes = 64 KB\n",
        "a.ini:2: [limits] body_bytes has a unit other than KiB, MiB, GiB, TiB");
    assert_refused("[limits]\nbody_bytes = 17 MiB\n",
        "a.ini:2: [limits] body_bytes must be from 1024 to 16777216 bytes");
    assert_refused(
        "[limits]\nbody_bytes = 99999999999 TiB\n", "a.ini:2: [limits] body_bytes is too large");
}

static void addresses_are_refused_with_a_reason(void **state)
{
    (void)state;
    assert_refused(
        "[server]\nhttp = 8080\n", "a.ini:2: [server] http must be ADDRESS:PORT or unix:PATH");
    assert_refused("[server]\nhttp = 127.0.0.1:65536\n",
        "a.ini:2: [server] http must end in a port from 0 to 65535");
    assert_refused("[server]\nhttp = 127.0.0.1:\n",
        "a.ini:2: [server] http must end in a port from 0 to 65535");
    assert_refused("[server]\nhttp = localhost:80\n",
        "a.ini:2: [server] http must be an address in digits, as 127.0.0.1:80 or [::1]:80");
    assert_refused("[server]\nhttp = ::1:80\n",
        "a.ini:2: [server] http must be an address in digits, as 127.0.0.1:80 or [::1]:80");
    assert_refused("[server]\nhttp = unix:\n",
        "a.ini:2: [server] http must have an address of 1 to 107 bytes");
}

static void what_is_no_ini_is_refused(void **state)
{
    (void)state;
    assert_refused("[server]\n\nnonsense\n", "a.ini:3: neither a [section] nor key = value");
    assert_refused("[server\n", "a.ini:1: neither a [section] nor key = value");
    assert_refused("[server]\nnode = 1\nnode = 2\n", "a.ini:3: [server] node is given twice");
    assert_refused("[server]\nnode = 1\n  more\n", "a.ini:3: neither a [section] nor key = value");
    char line[400];
    memset(line, 'x', sizeof line);
    memcpy(line, "[data]\ndir = ", 13);
    line[sizeof line - 1] = 0;
    assert_refused(line, "a.ini:2: the line has more than 198 bytes");
}

static void settings_of_the_command_line_are_read(void **state)
{
    (void)state;
    struct config config;
    struct config_error error;
    config_defaults(&config);
    assert_true(config_set(&config, "postgres.dsn=host=/tmp dbname=a", &error));
    assert_string_equal(config.postgres.dsn, "host=/tmp dbname=a");
    assert_set_refused("server.node=0", "--set server.node: [server] node must be from 1 to 1023");
    assert_set_refused("node=1", "--set node=1: must be section.key=value");
    assert_set_refused("server.node", "--set server.node: must be section.key=value");
    assert_set_refused(
        "server.nod=1", "--set server.nod: unknown key nod in [server]; did you mean node?");
}

static void a_password_on_the_command_line_is_refused(void **state)
{
    (void)state;
    static const char *const sets[] = {"postgres.dsn=host=a password=hush",
        "postgres.dsn=postgresql://bob:hush@a/b", "redis.url=redis://:hush@a"};
    for (size_t i = 0; i < 3; i++) {
        struct config config;
        struct config_error error;
        config_defaults(&config);
        assert_false(config_set(&config, sets[i], &error));
        assert_null(strstr(error.text, "hush"));
        assert_non_null(strstr(error.text, "has a password"));
    }
    struct config config;
    struct config_error error;
    config_defaults(&config);
    assert_true(config_set(&config, "postgres.dsn=postgresql://a:5432/b", &error));
}

static void a_secret_is_not_shown(void **state)
{
    (void)state;
    struct config config = read_good("[postgres]\ndsn = host=a password=hush\n");
    char text[64];
    config_format_value(&config, config_key_find("postgres", "dsn"), text, sizeof text);
    assert_string_equal(text, "***");
}

static void settings_that_cannot_stand_together_are_refused(void **state)
{
    (void)state;
    assert_refused(
        "[data]\ndurability = postgres\n", "[data] durability = postgres needs [postgres] dsn");
    assert_refused("[server]\ntrusted_proxies = 10.0.0.1, gateway\n",
        "[server] trusted_proxies must be addresses, ranges as 10.0.0.0/8, or unix, with commas "
        "between; gateway is none");
    assert_refused("[reservations]\nhold_seconds = 3600\n",
        "[reservations] max_life_seconds must be at least hold_seconds (3600)");
    assert_refused("[capacity]\norders = 100\nclaims = 399\n",
        "[capacity] claims must be at least 4 times orders (400)");
    assert_refused("[auth]\nmode = header\n[server]\nhttp = 0.0.0.0:80\n",
        "[auth] mode = header believes whoever connects: listen on loopback or a Unix socket, or "
        "set [auth] header_anywhere = yes");
    struct config config = read_good("[capacity]\norders = 1000000\n");
    assert_int_equal(config.capacity.claims, 4000000);
}

static void each_source_stands_over_the_one_before(void **state)
{
    (void)state;
    char path[] = "/tmp/hotshelf-config-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    static const char text[] = "[server]\nnode = 2\nshards = 2\n[postgres]\ndsn = from file\n";
    assert_int_equal(write(file, text, sizeof text - 1), sizeof text - 1);
    close(file);
    setenv("HOTSHELF_POSTGRES_DSN", "from environment", 1);
    static const char *const sets[] = {"server.node=3", "server.node=4"};
    struct config config;
    struct config_error error;
    assert_true(config_load(&config, path, sets, 2, &error));
    unsetenv("HOTSHELF_POSTGRES_DSN");
    unlink(path);
    assert_int_equal(config.policy.node, 4);
    assert_int_equal(config.server.shards, 2);
    assert_string_equal(config.postgres.dsn, "from environment");
    assert_false(config_load(&config, path, NULL, 0, &error));
    assert_non_null(strstr(error.text, "No such file"));
    assert_false(config_load(&config, "/tmp", NULL, 0, &error));
    assert_non_null(strstr(error.text, "directory"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_contract),
        cmocka_unit_test(every_default_is_a_value_of_its_key),
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(names_that_do_not_exist_are_refused),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(addresses_are_refused_with_a_reason),
        cmocka_unit_test(what_is_no_ini_is_refused),
        cmocka_unit_test(settings_of_the_command_line_are_read),
        cmocka_unit_test(a_password_on_the_command_line_is_refused),
        cmocka_unit_test(a_secret_is_not_shown),
        cmocka_unit_test(settings_that_cannot_stand_together_are_refused),
        cmocka_unit_test(each_source_stands_over_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
