/* SPDX-License-Identifier: Apache-2.0 */
/* Files that say what a crowd does, and everything that can be wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "loadtest/scenario.h"

static char path[] = "/tmp/hotshelf-scenario-XXXXXX";
static char told_path[] = "/tmp/hotshelf-scenario-told-XXXXXX";
static char told[4096];
static int stderr_kept;

static int make_files(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    int told_fd = mkstemp(told_path);
    return fd < 0 || told_fd < 0 || close(fd) < 0 || close(told_fd) < 0 ? -1 : 0;
}

static int remove_files(void **state)
{
    (void)state;
    return unlink(path) < 0 || unlink(told_path) < 0 ? -1 : 0;
}

static void listen_to_stderr(void)
{
    stderr_kept = dup(STDERR_FILENO);
    int fd = open(told_path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_true(stderr_kept >= 0 && fd >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    close(fd);
}

static void listen_no_more(void)
{
    fflush(stderr);
    dup2(stderr_kept, STDERR_FILENO);
    close(stderr_kept);
    int fd = open(told_path, O_RDONLY | O_CLOEXEC);
    ssize_t size = read(fd, told, sizeof told - 1);
    close(fd);
    assert_true(size >= 0);
    told[size] = '\0';
}

static int read_text(struct scenario *scenario, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return scenario_read(scenario, path);
}

static void every_key_goes_where_it_belongs(void **state)
{
    (void)state;
    struct scenario scenario;
    assert_int_equal(
        read_text(&scenario,
            "[scenario]\ndescription = a test, of it all\nconnections = 12\nmode = external\n"
            "give_up_seconds = 27\n"
            "[arrivals]\nkind = drop\nrate = 2.5\nrate_end = 3\nseconds = 4\nvisits = 5\n"
            "first_percent = 70\nfirst_seconds = 0.5\n"
            "[visitors]\nbuyer = 1\nabandoner = 2\nbot = 3\nrefresher = 4\nsearcher = 5\n"
            "impatient = 6\n"
            "[baskets]\nskus = A,B\nsale = spring\nhot_skus = 7\nhot_percent = 8\nzipf = 0.9\n"
            "lines_max = 10\nquantity_max = 11\ncustomers = 12\norders_max = 13\n"
            "[buyer]\nlook_percent = 14\nheed_percent = 15\ncart_percent = 16\n"
            "cancel_percent = 17\n[bot]\ncart_percent = 18\ncustomers = 19\n"
            "[refresher]\ninterval_ms = 20\nlooks_max = 21\n"
            "[searcher]\npages_max = 22\npage_size = 23\n"
            "[impatient]\nhang_up_percent = 24\nhang_up_ms = 25\n"
            "  [think]\n  kind = exponential\n  ms = 26 ; to themselves\n"),
        0);
    assert_string_equal(scenario.description, "a test, of it all");
    assert_string_equal(scenario.mode, "external");
    assert_int_equal(scenario.connections, 12);
    const struct arrivals_plan *arrivals = &scenario.arrivals;
    assert_int_equal(arrivals->kind, ARRIVALS_DROP);
    assert_true(arrivals->rate == 2.5 && arrivals->rate_end == 3 && arrivals->seconds == 4);
    assert_true(arrivals->first_percent == 70 && arrivals->first_seconds == 0.5);
    assert_int_equal(arrivals->visits, 5);
    for (uint32_t kind = 0; kind < BEHAVIOURS; kind++)
        assert_int_equal(scenario.share[kind], kind + 1);
    assert_string_equal(scenario.baskets.skus, "A,B");
    assert_string_equal(scenario.baskets.sale, "spring");
    assert_true(scenario.baskets.zipf == 0.9);
    const uint32_t numbers[] = {scenario.baskets.hot_skus, 7, scenario.baskets.hot_percent, 8,
        scenario.baskets.lines_max, 10, scenario.baskets.quantity_max, 11,
        scenario.baskets.customers, 12, scenario.baskets.orders_max, 13, scenario.look_percent, 14,
        scenario.heed_percent, 15, scenario.cart_percent, 16, scenario.cancel_percent, 17,
        scenario.bot_cart_percent, 18, scenario.bot_customers, 19, scenario.refresh_ms, 20,
        scenario.refresh_max, 21, scenario.pages_max, 22, scenario.page_size, 23,
        scenario.hang_up_percent, 24, scenario.hang_up_ms, 25, scenario.think_ms, 26,
        scenario.give_up_seconds, 27};
    for (size_t at = 0; at < sizeof numbers / sizeof numbers[0]; at += 2)
        assert_int_equal(numbers[at], numbers[at + 1]);
    assert_int_equal(scenario.think, THINK_EXPONENTIAL);
}

static void a_file_of_baskets_is_found_beside_the_scenario(void **state)
{
    (void)state;
    struct scenario scenario;
    assert_int_equal(read_text(&scenario, "[baskets]\nfile = ../data/orders.csv\n"), 0);
    assert_string_equal(scenario.baskets.file, "/tmp/../data/orders.csv");
    assert_int_equal(read_text(&scenario, "[baskets]\nfile = /srv/orders.csv\n"), 0);
    assert_string_equal(scenario.baskets.file, "/srv/orders.csv");
}

static void a_mistake_is_told_with_file_line_and_the_nearest_name(void **state)
{
    (void)state;
    const char *const mistakes[][3] = {
        {"[arrivals]\n\nrat = 5\n", ":3:", "unknown key rat in [arrivals]; did you mean rate?"},
        {"[arrival]\nrate = 5\n", ":2:", "unknown section [arrival]; did you mean [arrivals]?"},
        {"[weather]\nrain = 5\n", ":2:", "unknown section [weather]\n"},
        {"rate = 5\n", ":1:", "unknown section []"},
        {"[buyer]\nrate = 5\n", ":2:", "unknown key rate in [buyer]; it belongs to [arrivals]"},
        {"[buyer]\nxyzzyx = 5\n", ":2:", "unknown key xyzzyx in [buyer]\n"},
        {"[arrivals]\nrate = fast\n", ":2:", "[arrivals] rate must be a number from 0 to 10000000"},
        {"[arrivals]\nrate = 5 a second\n", ":2:", "must be a number"},
        {"[arrivals]\nrate = -1\n", ":2:", "must be a number"},
        {"[arrivals]\nrate = nan\n", ":2:", "must be a number"},
        {"[arrivals]\nrate =\n", ":2:", "must be a number"},
        {"[arrivals]\nrate = 5\nrate = 6\n", ":3:", "[arrivals] rate is given twice"},
        {"[arrivals]\nkind = flood\n",
            ":2:", "[arrivals] kind must be at_once, constant, ramp, poisson or drop"},
        {"[think]\nkind = long\n", ":2:", "[think] kind must be none, constant or exponential"},
        {"[scenario]\nmode = later\n", ":2:", "[scenario] mode must be deferred or external"},
        {"[visitors]\nbuyer = 1.5\n", ":2:", "must be a whole number from 0 to 10000"},
        {"[visitors]\nbuyer = 10001\n", ":2:", "must be a whole number from 0 to 10000"},
        {"[scenario]\nconnections = 0\n", ":2:", "must be a whole number from 1 to 60000"},
        {"[baskets]\nsale = 0123456789012345678901234567890123456789012345678901234567890123\n",
            ":2:", "[baskets] sale has more than 63 bytes"},
        {"[scenario]\nrubbish\n", ":2:", "neither a [section] nor key = value"},
        {"[scenario\nmode = external\n", ":1:", "neither a [section] nor key = value"},
    };
    for (size_t at = 0; at < sizeof mistakes / sizeof mistakes[0]; at++) {
        struct scenario scenario;
        listen_to_stderr();
        int result = read_text(&scenario, mistakes[at][0]);
        listen_no_more();
        if (result == 0 || strstr(told, path) == NULL || strstr(told, mistakes[at][1]) == NULL ||
            strstr(told, mistakes[at][2]) == NULL)
            fail_msg("%s: %d, %s", mistakes[at][0], result, told);
    }
}

static void a_line_that_is_too_long_is_a_mistake(void **state)
{
    (void)state;
    char text[600] = "[scenario]\ndescription = ";
    memset(text + strlen(text), 'x', 500);
    struct scenario scenario;
    listen_to_stderr();
    assert_int_equal(read_text(&scenario, text), -1);
    listen_no_more();
    assert_non_null(strstr(told, ":2: the line is too long"));
}

static void what_only_all_keys_together_say_is_checked(void **state)
{
    (void)state;
    const char *const mistakes[][2] = {
        {"[arrivals]\nrate = 5\nseconds = 5\n", "nobody comes"},
        {"[visitors]\nbuyer = 1\n", "a rate is missing"},
        {"[arrivals]\nrate = 5\n[visitors]\nbuyer = 1\n", "it would never end"},
        {"[arrivals]\nrate = 5\nseconds = 5\n[visitors]\nbuyer = 1\n[think]\nkind = constant\n",
            "[think] ms is missing"},
        {"[arrivals]\nrate = 5\nseconds = 5\n[visitors]\nbuyer = 1\n[baskets]\nfile = a\nskus = "
         "b\n",
            "only one of them"},
    };
    for (size_t at = 0; at < sizeof mistakes / sizeof mistakes[0]; at++) {
        struct scenario scenario;
        assert_int_equal(read_text(&scenario, mistakes[at][0]), 0);
        listen_to_stderr();
        assert_int_equal(scenario_check(&scenario), -1);
        listen_no_more();
        assert_non_null(strstr(told, mistakes[at][1]));
    }
}

static void a_file_that_is_not_there_is_told(void **state)
{
    (void)state;
    struct scenario scenario;
    listen_to_stderr();
    assert_int_equal(scenario_read(&scenario, "/nonexistent/drop.ini"), -1);
    listen_no_more();
    assert_non_null(strstr(told, "/nonexistent/drop.ini: No such file"));
}

static void a_shipped_scenario_is_found_by_its_name(void **state)
{
    (void)state;
    char found[PATH_MAX];
    struct scenario scenario;
    assert_int_equal(scenario_find(found, "drop"), 0);
    assert_int_equal(scenario_read(&scenario, found), 0);
    assert_string_equal(scenario.name, "drop");
    assert_int_equal(scenario_find(found, "./mine.ini"), 0);
    assert_string_equal(found, "./mine.ini");
    listen_to_stderr();
    assert_int_equal(scenario_find(found, "sold_out_tale"), -1);
    listen_no_more();
    assert_non_null(strstr(told, "no scenario sold_out_tale; did you mean sold_out_tail?"));
}

static void every_shipped_scenario_can_be_run(void **state)
{
    (void)state;
    const char *const shipped[] = {"bots", "carts", "checkout_only", "drop", "mixed", "ramp",
        "real_baskets", "refresh_storm", "search", "sold_out_tail", "steady"};
    for (size_t at = 0; at < sizeof shipped / sizeof shipped[0]; at++) {
        char found[PATH_MAX];
        struct scenario scenario;
        assert_int_equal(scenario_find(found, shipped[at]), 0);
        assert_int_equal(scenario_read(&scenario, found), 0);
        assert_int_equal(scenario_check(&scenario), 0);
        assert_true(strlen(scenario.description) > 20);
    }
    FILE *list = tmpfile();
    assert_non_null(list);
    scenario_list(list);
    rewind(list);
    char line[256];
    for (size_t at = 0; at < sizeof shipped / sizeof shipped[0]; at++) {
        assert_non_null(fgets(line, sizeof line, list));
        assert_memory_equal(line, shipped[at], strlen(shipped[at]));
    }
    assert_null(fgets(line, sizeof line, list));
    fclose(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_goes_where_it_belongs),
        cmocka_unit_test(a_file_of_baskets_is_found_beside_the_scenario),
        cmocka_unit_test(a_mistake_is_told_with_file_line_and_the_nearest_name),
        cmocka_unit_test(a_line_that_is_too_long_is_a_mistake),
        cmocka_unit_test(what_only_all_keys_together_say_is_checked),
        cmocka_unit_test(a_file_that_is_not_there_is_told),
        cmocka_unit_test(a_shipped_scenario_is_found_by_its_name),
        cmocka_unit_test(every_shipped_scenario_can_be_run),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
