/* SPDX-License-Identifier: Apache-2.0 */
/* A directory whose journal is put aside: what goes, what stays, and a crash in the middle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "persist/disk.h"
#include "persist/put_aside.h"

struct place {
    char path[64], error[256];
};

static int make_place(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    snprintf(place->path, sizeof(place->path), "/tmp/put_aside_XXXXXX");
    *state = place;
    return mkdtemp(place->path) == NULL;
}

static int remove_place(void **state)
{
    struct place *place = *state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", place->path);
    int result = system(command);
    free(place);
    return result;
}

static void make(const struct place *place, const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", place->path, name);
    int file = disk_create(path);
    assert_true(file >= 0);
    assert_int_equal(disk_close(file), 0);
}

static bool exists(const char *directory, const char *name)
{
    char path[2 * DATADIR_FILE_PATH_SIZE_MAX];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

static void what_a_start_needs_goes_and_the_secret_stays(void **state)
{
    struct place *place = *state;
    char aside[DATADIR_FILE_PATH_SIZE_MAX];
    int lock = put_aside_lock(place->path, place->error, sizeof(place->error));
    assert_true(lock >= 0);
    assert_int_equal(put_aside_is_needed(place->path, place->error, sizeof(place->error)), 0);
    make(place, "CURRENT");
    make(place, "g12");
    make(place, "spool");
    make(place, "guest-secret");
    make(place, "aside-20200101-000000");
    assert_int_equal(put_aside_is_needed(place->path, place->error, sizeof(place->error)), 1);
    assert_int_equal(
        put_aside(place->path, 1767323045678, aside, place->error, sizeof(place->error)), 0);
    assert_non_null(strstr(aside, "/aside-20260102-030405"));
    assert_true(exists(aside, "CURRENT") && exists(aside, "g12") && exists(aside, "spool"));
    assert_false(exists(place->path, "CURRENT") || exists(place->path, "g12"));
    assert_true(exists(place->path, "guest-secret") && exists(place->path, "LOCK"));
    assert_true(exists(place->path, "aside-20200101-000000"));
    assert_int_equal(put_aside_is_needed(place->path, place->error, sizeof(place->error)), 0);
    assert_int_equal(disk_close(lock), 0);
}

/* CURRENT is gone first: what is left is no data directory, and can be put aside again. */
static void half_of_it_is_put_aside_again(void **state)
{
    struct place *place = *state;
    char aside[DATADIR_FILE_PATH_SIZE_MAX];
    make(place, "g1");
    assert_int_equal(put_aside_is_needed(place->path, place->error, sizeof(place->error)), 1);
    assert_int_equal(put_aside(place->path, 0, aside, place->error, sizeof(place->error)), 0);
    assert_true(exists(aside, "g1"));
}

static void a_directory_in_use_is_refused(void **state)
{
    struct place *place = *state;
    int lock = put_aside_lock(place->path, place->error, sizeof(place->error));
    assert_true(lock >= 0);
    assert_true(put_aside_lock(place->path, place->error, sizeof(place->error)) < 0);
    assert_non_null(strstr(place->error, "a server is using"));
    assert_int_equal(disk_close(lock), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            what_a_start_needs_goes_and_the_secret_stays, make_place, remove_place),
        cmocka_unit_test_setup_teardown(half_of_it_is_put_aside_again, make_place, remove_place),
        cmocka_unit_test_setup_teardown(a_directory_in_use_is_refused, make_place, remove_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
