/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and times with their offset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "core/rfc3339.h"

static void assert_time(const char *text, int64_t wanted)
{
    int64_t wall_ms = -1;
    assert_true(rfc3339_read(bytes_of_string(text), &wall_ms));
    assert_true(wall_ms == wanted);
}

static void times_are_read(void **state)
{
    (void)state;
    assert_time("1970-01-01T00:00:00Z", 0);
    assert_time("1970-01-01T01:00:00.001+01:00", 1);
    assert_time("1969-12-31T23:59:59.999Z", -1);
    assert_time("2026-11-27T09:00:00Z", 1795770000000);
    assert_time("2026-11-27t09:00:00z", 1795770000000);
    assert_time("2026-11-27 10:00:00+01:00", 1795770000000);
    assert_time("2026-11-27T03:30:00-05:30", 1795770000000);
    assert_time("2026-11-27T09:00:00.5Z", 1795770000500);
    assert_time("2026-11-27T09:00:00.123456789Z", 1795770000123);
    assert_time("2024-02-29T00:00:00Z", 1709164800000);
    assert_time("2000-02-29T00:00:00-00:00", 951782400000);
    assert_time("9999-12-31T23:59:59Z", 253402300799000);
}

static void every_day_follows_the_one_before(void **state)
{
    (void)state;
    for (time_t day = -86400LL * 365 * 100; day < 86400LL * 365 * 200; day += 86400) {
        struct tm date;
        char text[32];
        gmtime_r(&day, &date);
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &date);
        assert_time(text, (int64_t)day * 1000);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "2026-11-27", "2026-11-27T09:00:00",
        "2026-11-27T09:00Z", "2026-11-27T09:00:00.Z", "2026-11-27T09:00:00.1234567890Z",
        "2026-11-27T09:00:00+1:00", "2026-11-27T09:00:00+0100", "2026-11-27T09:00:00+24:00",
        "2026-11-27T09:00:00+00:60", "2026-11-27T09:00:00ZZ", "2026-11-27T24:00:00Z",
        "2026-11-27T09:60:00Z", "2026-11-27T09:00:60Z", "2026-02-29T09:00:00Z",
        "1900-02-29T09:00:00Z", "2026-13-01T09:00:00Z", "2026-00-01T09:00:00Z",
        "2026-01-00T09:00:00Z", "2026-04-31T09:00:00Z", "0000-01-01T00:00:00Z",
        "26-11-27T09:00:00Z", "2026/11/27T09:00:00Z", "2026-11-27X09:00:00Z",
        " 2026-11-27T09:00:00Z", "2026-11-27T09:00:00 Z", "2026-11-27T09:00:00,5Z",
        "2026-11-27T09:00:00UTC", "+2026-11-27T09:00:00Z", "2026-1a-27T09:00:00Z"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t wall_ms;
        if (rfc3339_read(bytes_of_string(texts[i]), &wall_ms))
            fail_msg("taken for a time: %s", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(every_day_follows_the_one_before),
        cmocka_unit_test(what_is_no_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
