/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Journals of three shards written beside those of two, on a simulated disk: whatever happens, the
 * two stand as they were or the three are whole, and nothing else is left (V1, FORMAT U3).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/check.h"
#include "persist/generation.h"
#include "tests/simulate/journals.h"

enum {
    BEFORE = 2,
    AFTER = 3,
    SEGMENTS = 5,
    IMAGES = 500, /* of each new shard: more than one segment */
    CUTS = 2,
    SHELF_MS = 5000,
    SEQ = 1000, /* last used by each new shard, and its number */
};

struct bench {
    struct disk_sim *disk, *spare;
    struct journals *old;
    uint64_t events[BEFORE]; /* of the old journals */
    struct datadir directory;
    struct recovery recovery;
    uint32_t images; /* of each new shard, if it is in force */
    uint64_t seen_events[SHARDS_MAX], seen_images[SHARDS_MAX], seen_ends;
    char error[1024];
};

static const struct datadir_options any = {
    .path = "/sim/data",
    .shards = AFTER,
    .node = 7,
    .any_shards = true,
    .segment_size = JOURNALS_SEGMENT_SIZE,
    .batch_size = JOURNALS_BATCH_SIZE,
    .journal_bytes = (uint64_t)AFTER * SEGMENTS * JOURNALS_SEGMENT_SIZE,
};

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    assert_non_null(bench);
    bench->disk = disk_sim_create(11);
    bench->spare = disk_sim_create(12);
    bench->images = IMAGES;
    bench->old = journals_create(bench->disk, BEFORE, SEGMENTS);
    assert_int_equal(journals_recover(bench->old), 0);
    journals_go_on(bench->old);
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t shard = i % 3 == 0;
        assert_true(journals_append(bench->old, shard));
        journals_pass(bench->old, 1);
        while (journals_commit(bench->old, shard))
            assert_true(journals_land(bench->old, shard, LANDS_WHOLE));
    }
    for (uint32_t i = 0; i < BEFORE; i++)
        bench->events[i] = bench->old->promises[i].durable;
    journals_down(bench->old);
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    journals_destroy(bench->old);
    disk_sim_destroy(bench->spare);
    disk_sim_destroy(bench->disk);
    free(bench);
    return 0;
}

static void image_of(struct event *event, uint32_t shard, uint32_t number, char name[256])
{
    int size = snprintf(name, 256, "customer %u of %u %*u", number, shard, (int)(number % 90), 0);
    *event = (struct event){.kind = EVENT_CUSTOMER_IMAGE,
        .fact.customer = {.touched_shelf_ms = number, .cart_version = shard}};
    event->text[TEXT_CUSTOMER] = bytes_of(name, (uint32_t)size);
}

static void replay(void *context, uint32_t shard, const struct event *event)
{
    struct bench *bench = context;
    if (event->kind == EVENT_STOCK_ADJUSTED)
        bench->seen_events[shard]++;
    if (event->kind == EVENT_WALK_BEGUN)
        assert_int_equal(event->fact.walk.stream_seq, SEQ + shard);
    if (event->kind == EVENT_WALK_ENDED) {
        assert_int_equal(event->fact.walk_end.images, bench->images);
        bench->seen_ends++;
    }
    if (event->kind != EVENT_CUSTOMER_IMAGE)
        return;
    char name[256];
    struct event wanted;
    image_of(&wanted, shard, (uint32_t)bench->seen_images[shard]++, name);
    assert_true(bytes_equal(event->text[TEXT_CUSTOMER], wanted.text[TEXT_CUSTOMER]));
    assert_int_equal(event->fact.customer.touched_shelf_ms, wanted.fact.customer.touched_shelf_ms);
}

static int recover_it(struct bench *bench)
{
    const struct recover_options options = {
        .directory = &bench->directory, .replay = replay, .context = bench};
    memset(bench->seen_events, 0, sizeof(bench->seen_events));
    memset(bench->seen_images, 0, sizeof(bench->seen_images));
    bench->seen_ends = 0;
    return recover(&bench->recovery, &options, bench->error, sizeof(bench->error));
}

static int start(struct bench *bench)
{
    int result = datadir_open(&bench->directory, &any, bench->error, sizeof(bench->error));
    if (result != 0)
        return result;
    result = recover_it(bench);
    if (result != 0)
        datadir_close(&bench->directory);
    return result;
}

static int put_all(struct bench *bench, struct generation *generation, uint32_t images)
{
    char *error = bench->error;
    int result = 0;
    for (uint32_t shard = 0; result == 0 && shard < AFTER; shard++) {
        const struct event begun = {.kind = EVENT_WALK_BEGUN,
            .fact.walk = {.number = 1, .stream_seq = SEQ + shard, .flags = WALK_GENESIS}};
        result = generation_put(generation, shard, &begun, error, sizeof(bench->error));
    }
    for (uint32_t i = 0; result == 0 && i < images * AFTER; i++) {
        char name[256];
        struct event event;
        image_of(&event, i % AFTER, i / AFTER, name);
        result = generation_put(generation, i % AFTER, &event, error, sizeof(bench->error));
    }
    return result;
}

/* As a start with another number of shards does it; the directory is open and recovered. */
static int change(struct bench *bench, uint32_t images)
{
    const struct generation_options options = {
        .directory = &bench->directory,
        .files = any,
        .shelf_ms = SHELF_MS,
        .wall_ms = 1700000005000,
        .incarnation = bench->recovery.incarnation,
    };
    struct generation *generation = calloc(1, sizeof(*generation));
    char *error = bench->error;
    assert_non_null(generation);
    int result = generation_begin(generation, &options, error, sizeof(bench->error));
    if (result == 0)
        result = put_all(bench, generation, images);
    if (result == 0)
        result = generation_end(generation, error, sizeof(bench->error));
    if (result != 0)
        generation_drop(generation);
    else
        result = generation_publish(&generation->directory, error, sizeof(bench->error));
    if (result == 0) {
        bench->directory = generation->directory;
        result = generation_sweep(&bench->directory, error, sizeof(bench->error));
    }
    free(generation);
    return result;
}

static void must_be_old(const struct bench *bench)
{
    assert_int_equal(bench->directory.shards, BEFORE);
    for (uint32_t i = 0; i < BEFORE; i++) {
        assert_int_equal(bench->seen_events[i], bench->events[i]);
        assert_int_equal(bench->seen_images[i], 0);
    }
}

static void must_be_new(const struct bench *bench)
{
    assert_int_equal(bench->directory.shards, AFTER);
    assert_int_equal(bench->seen_ends, AFTER);
    assert_true(bench->recovery.clean);
    assert_int_equal(bench->recovery.shelf_ms, SHELF_MS);
    for (uint32_t i = 0; i < AFTER; i++) {
        assert_int_equal(bench->seen_images[i], IMAGES);
        assert_int_equal(bench->seen_events[i], 0);
        assert_int_equal(bench->recovery.shards[i].chain.seq, SEQ + i);
        assert_int_equal(bench->recovery.shards[i].walk.number, 1);
    }
}

static void must_be_whole(const struct bench *bench)
{
    if (bench->directory.shards == BEFORE)
        must_be_old(bench);
    else
        must_be_new(bench);
}

struct names {
    uint32_t generation, others;
};

static void count_name(void *context, const char *name)
{
    struct names *names = context;
    uint32_t generation = datadir_generation_of(name);
    names->others += generation != 0 && generation != names->generation;
}

/* Nothing of another generation is in the directory. */
static void must_be_alone(const struct bench *bench)
{
    struct names names = {.generation = bench->directory.generation};
    assert_int_equal(disk_list("/sim/data", count_name, &names), 0);
    assert_int_equal(names.others, 0);
}

/* As a start does it once it has recovered. */
static void sweep(struct bench *bench)
{
    assert_int_equal(generation_sweep(&bench->directory, bench->error, sizeof(bench->error)), 0);
    must_be_alone(bench);
}

static void use_copy(struct bench *bench)
{
    disk_sim_copy(bench->spare, bench->disk);
    disk_sim_use(bench->spare);
}

static void what_was_put_is_recovered_and_goes_on(void **state)
{
    struct bench *bench = *state;
    use_copy(bench);
    assert_int_equal(start(bench), 0);
    must_be_old(bench);
    uint64_t incarnation = bench->recovery.incarnation, identity = bench->directory.directory;
    assert_int_equal(change(bench, IMAGES), 0);
    datadir_close(&bench->directory);
    assert_int_equal(start(bench), 0);
    must_be_new(bench);
    must_be_alone(bench);
    assert_true(bench->recovery.incarnation > incarnation);
    assert_true(bench->directory.directory == identity);
    assert_int_equal(bench->directory.generation, 2);
    datadir_close(&bench->directory);
}

/* Opened as it always was, another number of shards is refused. */
static void who_does_not_ask_for_it_is_refused(void **state)
{
    struct bench *bench = *state;
    struct datadir_options options = any;
    options.any_shards = false;
    use_copy(bench);
    assert_int_equal(
        datadir_open(&bench->directory, &options, bench->error, sizeof(bench->error)), -EINVAL);
    assert_non_null(strstr(bench->error, "2 shards"));
}

/* One change on a copy, in which one operation fails or the power goes; false: it was not reached.
 */
static bool change_badly(struct bench *bench, uint64_t operation, int failure)
{
    use_copy(bench);
    assert_int_equal(start(bench), 0);
    uint64_t at = bench->spare->operations + operation;
    if (failure == 0)
        bench->spare->power_off_at = at;
    else
        bench->spare->fails_at = at;
    bench->spare->failure = failure;
    int result = change(bench, IMAGES);
    bool reached = bench->spare->operations >= at;
    assert_true(result == 0 || reached);
    assert_true(result == 0 || bench->error[0] != 0);
    return reached;
}

static void a_cut_at_any_operation_leaves_the_old_or_the_new(void **state)
{
    struct bench *bench = *state;
    uint32_t kept[2] = {0};
    bool more = true;
    for (uint64_t operation = 1; more; operation++) {
        for (uint32_t i = 0; i < CUTS; i++) {
            more = change_badly(bench, operation, 0);
            if (i == 0)
                disk_sim_kill(bench->spare);
            else
                disk_sim_cut(bench->spare, disk_sim_any, bench->spare);
            assert_int_equal(start(bench), 0);
            must_be_whole(bench);
            sweep(bench);
            kept[bench->directory.shards == AFTER]++;
            if (bench->directory.shards == BEFORE)
                assert_int_equal(change(bench, IMAGES), 0);
            datadir_close(&bench->directory);
            assert_int_equal(start(bench), 0);
            must_be_new(bench);
            datadir_close(&bench->directory);
        }
    }
    assert_true(kept[0] > 60);
    assert_true(kept[1] > 10);
}

static void a_failing_operation_leaves_the_old_and_the_next_attempt_works(void **state)
{
    struct bench *bench = *state;
    bool more = true;
    for (uint64_t operation = 1; more; operation++) {
        more = change_badly(bench, operation, -EIO);
        datadir_close(&bench->directory);
        assert_int_equal(start(bench), 0);
        must_be_whole(bench);
        sweep(bench);
        datadir_close(&bench->directory);
    }
}

static void a_full_disk_is_told_with_what_is_missing(void **state)
{
    struct bench *bench = *state;
    uint32_t told = 0;
    bool more = true;
    for (uint64_t operation = 1; more && operation < 100; operation++) {
        more = change_badly(bench, operation, -ENOSPC);
        told += strstr(bench->error, "are missing on its disk") != NULL;
        datadir_close(&bench->directory);
        assert_int_equal(start(bench), 0);
        must_be_old(bench);
        must_be_alone(bench);
        datadir_close(&bench->directory);
        bench->error[0] = 0;
    }
    assert_true(told > AFTER * SEGMENTS);
}

/* What fits leaves the journal a segment to go on in. */
static void what_does_not_fit_is_refused(void **state)
{
    struct bench *bench = *state;
    char said[sizeof(bench->error)];
    int result = 0;
    for (uint32_t images = IMAGES; result == 0; images += IMAGES / 2) {
        use_copy(bench);
        assert_int_equal(start(bench), 0);
        result = change(bench, images);
        memcpy(said, bench->error, sizeof(said));
        must_be_alone(bench);
        datadir_close(&bench->directory);
        bench->images = result == 0 ? images : 0;
        assert_int_equal(start(bench), 0);
        for (uint32_t i = 0; i < bench->directory.shards; i++)
            assert_true(bench->recovery.shards[i].chain.segment < SEGMENTS);
        datadir_close(&bench->directory);
    }
    assert_int_equal(result, -EFBIG);
    assert_non_null(strstr(said, "data.journal_bytes"));
    must_be_old(bench);
}

/* Blanks a shard's last batches: nothing vouches for them but that the walk has to end. */
static void blank_from(struct bench *bench, uint32_t shard, const struct chain *chain)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    uint32_t size;
    datadir_segment_path(&bench->directory, shard, chain->segment, path);
    uint8_t *bytes = disk_sim_bytes(bench->spare, path, &size);
    assert_non_null(bytes);
    memset(bytes + SEGMENT_HEADER_SIZE, 0, size - SEGMENT_HEADER_SIZE);
}

static void a_walk_that_has_lost_its_end_is_damage(void **state)
{
    struct bench *bench = *state;
    use_copy(bench);
    assert_int_equal(start(bench), 0);
    assert_int_equal(change(bench, IMAGES), 0);
    datadir_close(&bench->directory);
    assert_int_equal(start(bench), 0);
    for (uint32_t i = 0; i < AFTER; i++)
        assert_true(bench->recovery.shards[i].chain.segment > 1);
    for (uint32_t i = 0; i < AFTER; i++)
        blank_from(bench, i, &bench->recovery.shards[i].chain);
    datadir_close(&bench->directory);
    assert_int_equal(start(bench), -EBADMSG);
    assert_non_null(strstr(bench->error, "does not end"));
}

static void a_lost_current_of_a_later_generation_is_not_a_first_start(void **state)
{
    struct bench *bench = *state;
    use_copy(bench);
    assert_int_equal(start(bench), 0);
    assert_int_equal(change(bench, IMAGES), 0);
    datadir_close(&bench->directory);
    assert_int_equal(disk_remove("/sim/data/CURRENT"), 0);
    assert_int_equal(start(bench), -EBADMSG);
    assert_non_null(strstr(bench->error, "g2"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_put_is_recovered_and_goes_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_does_not_ask_for_it_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_cut_at_any_operation_leaves_the_old_or_the_new, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_failing_operation_leaves_the_old_and_the_next_attempt_works, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_full_disk_is_told_with_what_is_missing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_walk_that_has_lost_its_end_is_damage, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_lost_current_of_a_later_generation_is_not_a_first_start, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
