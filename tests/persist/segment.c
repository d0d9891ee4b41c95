/* SPDX-License-Identifier: Apache-2.0 */
/* Segment files and the data directory that names them. */
#include "tests/persist/ledger.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "persist/current.h"

static const struct journal_origin origin = {.directory = 0xabcdef,
    .generation = 1,
    .segment_size = LEDGER_SEGMENT_SIZE,
    .batch_size = LEDGER_BATCH_SIZE,
    .node = 7,
    .shard = 1,
    .shard_count = 2};

static int setup(void **state)
{
    *state = ledger_create(2, 3, false);
    return 0;
}

static int teardown(void **state)
{
    ledger_destroy(*state);
    return 0;
}

static const char *file_in(struct ledger *ledger, char path[256], const char *name)
{
    (void)snprintf(path, 256, "%s/%s", ledger->root, name);
    return path;
}

static void a_new_segment_is_a_header_and_zeros(void **state)
{
    char path[256];
    static uint8_t bytes[LEDGER_SEGMENT_SIZE + 1];
    struct segment_header header;
    file_in(*state, path, "segment");
    assert_int_equal(segment_create(path, &origin, 3, 5, NULL, NULL), 0);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, bytes, sizeof(bytes)), LEDGER_SEGMENT_SIZE);
    assert_int_equal(segment_check(bytes, &origin, 3, &header), SEGMENT_VALID);
    assert_int_equal(header.number, 5);
    assert_int_equal(header.walk.number, 0);
    for (uint32_t i = SEGMENT_HEADER_SIZE; i < LEDGER_SEGMENT_SIZE; i++)
        assert_int_equal(bytes[i], 0);
    struct stat status;
    assert_int_equal(fstat(fd, &status), 0);
    assert_true(status.st_blocks * 512 >= LEDGER_SEGMENT_SIZE); /* no hole is left to fill later */
    close(fd);
}

static void each_field_of_a_header_is_checked(void **state)
{
    char path[256];
    uint8_t block[SEGMENT_HEADER_SIZE];
    struct segment_header header;
    file_in(*state, path, "segment");
    assert_int_equal(segment_create(path, &origin, 3, 5, NULL, NULL), 0);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, block, sizeof(block)), sizeof(block));
    close(fd);
    struct journal_origin other = origin;
    other.directory++;
    assert_int_equal(segment_check(block, &other, 3, &header), SEGMENT_OTHER_DIRECTORY);
    other = origin;
    other.generation++;
    assert_int_equal(segment_check(block, &other, 3, &header), SEGMENT_OTHER_DIRECTORY);
    other = origin;
    other.node++;
    assert_int_equal(segment_check(block, &other, 3, &header), SEGMENT_OTHER_NODE);
    other = origin;
    other.shard--;
    assert_int_equal(segment_check(block, &other, 3, &header), SEGMENT_OTHER_SHARD);
    other = origin;
    other.shard_count++;
    assert_int_equal(segment_check(block, &other, 3, &header), SEGMENT_OTHER_SHARD);
    other = origin;
    other.segment_size += BATCH_BLOCK_SIZE;
    assert_int_equal(segment_check(block, &other, 3, &header), SEGMENT_OTHER_GEOMETRY);
    other = origin;
    other.batch_size += BATCH_BLOCK_SIZE;
    assert_int_equal(segment_check(block, &other, 3, &header), SEGMENT_OTHER_GEOMETRY);
    assert_int_equal(segment_check(block, &origin, 4, &header), SEGMENT_OTHER_SLOT);
    for (uint32_t i = 0; i < sizeof(block); i++) {
        block[i] ^= 1;
        assert_int_equal(segment_check(block, &origin, 3, &header), SEGMENT_DAMAGED);
        block[i] ^= 1;
    }
}

static void what_is_written_is_read_direct_or_buffered(void **state)
{
    char path[256];
    static _Alignas(BATCH_BLOCK_SIZE) uint8_t block[BATCH_BLOCK_SIZE];
    file_in(*state, path, "segment");
    assert_int_equal(segment_create(path, &origin, 1, 1, NULL, NULL), 0);
    for (uint32_t buffered = 0; buffered < 2; buffered++) {
        struct segment_file file;
        assert_int_equal(segment_open(&file, path, SEGMENT_WRITE, buffered == 1), 0);
        if (buffered == 1)
            assert_false(file.direct);
        memset(block, 'a' + (int)buffered, sizeof(block));
        assert_int_equal(pwrite(file.fd, block, sizeof(block), 8192), sizeof(block));
        memset(block, 0, sizeof(block));
        assert_int_equal(segment_read(&file, block, sizeof(block), 8192), 0);
        assert_int_equal(block[4095], 'a' + buffered);
        assert_int_equal(segment_read(&file, block, sizeof(block), LEDGER_SEGMENT_SIZE), -EIO);
        segment_close(&file);
        assert_int_equal(file.fd, -1);
    }
}

/* The lock stays with the descriptor as long as anything uses it: a write in flight of a process
 * that was killed, here a second process that inherited it. */
static void a_writer_is_waited_for_as_long_as_its_descriptor_lives(void **state)
{
    char path[256];
    struct segment_file file, again;
    int go[2];
    char token = 'x';
    file_in(*state, path, "segment");
    assert_int_equal(segment_create(path, &origin, 1, 1, NULL, NULL), 0);
    assert_int_equal(segment_open(&file, path, SEGMENT_WRITE, true), 0);
    assert_int_equal(pipe(go), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) { /* holds the same descriptor, writes late, and ends */
        close(go[1]);
        (void)!read(go[0], &token, 1);
        (void)!pwrite(file.fd, "late", 4, 8192);
        _exit(0);
    }
    segment_close(&file); /* the process that wrote is gone, its write is not */
    int raw = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(raw, LOCK_EX | LOCK_NB), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    close(raw);
    assert_int_equal(write(go[1], &token, 1), 1);
    assert_int_equal(segment_open(&again, path, SEGMENT_WRITE, true), 0);
    char late[4];
    assert_int_equal(pread(again.fd, late, 4, 8192), 4);
    assert_memory_equal(late, "late", 4);
    segment_close(&again);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(go[0]);
    close(go[1]);
}

static void a_file_that_cannot_be_made_is_an_errno(void **state)
{
    char path[256];
    struct rlimit was, small = {LEDGER_SEGMENT_SIZE / 2, LEDGER_SEGMENT_SIZE / 2};
    file_in(*state, path, "no/segment");
    assert_int_equal(segment_create(path, &origin, 1, 1, NULL, NULL), -ENOENT);
    file_in(*state, path, "segment");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_IGN);
    small.rlim_max = was.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int result = segment_create(path, &origin, 1, 1, NULL, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_int_equal(result, -EFBIG);
}

struct progress {
    uint64_t done, total;
    uint32_t calls;
};

static void note(void *context, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    assert_true(done > progress->done);
    *progress = (struct progress){done, total, progress->calls + 1};
}

static void the_first_start_makes_all_files_and_says_how_far_it_is(void **state)
{
    struct ledger *ledger = *state;
    struct progress progress = {0};
    ledger->options.progress = note;
    ledger->options.context = &progress;
    assert_int_equal(ledger_recover(ledger), 0);
    assert_int_equal(progress.total, 6 * LEDGER_SEGMENT_SIZE);
    assert_int_equal(progress.done, progress.total);
    assert_true(ledger->directory.directory != 0);
    assert_int_equal(ledger->directory.geometry.segments, 3);
    datadir_close(&ledger->directory);
    assert_int_equal(ledger_recover(ledger), 0);
    assert_int_equal(progress.calls, 6);
    datadir_close(&ledger->directory);
}

static void two_servers_cannot_use_one_directory(void **state)
{
    struct ledger *ledger = *state;
    struct datadir second, reader;
    assert_int_equal(ledger_recover(ledger), 0);
    assert_int_equal(
        datadir_open(&second, &ledger->options, ledger->error, sizeof(ledger->error)), -EBUSY);
    assert_non_null(strstr(ledger->error, "is in use by another hotshelf"));
    assert_int_equal(datadir_read(&reader, ledger->path, ledger->error, sizeof(ledger->error)), 0);
    assert_true(reader.directory == ledger->directory.directory);
    datadir_close(&ledger->directory);
    assert_int_equal(
        datadir_open(&second, &ledger->options, ledger->error, sizeof(ledger->error)), 0);
    datadir_close(&second);
}

static int lock_of(const struct ledger *ledger)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/LOCK", ledger->path);
    return open(path, O_RDWR | O_CLOEXEC);
}

/* As a server that was killed does, until the kernel is done with it. */
static void a_start_waits_for_a_server_that_is_ending(void **state)
{
    struct ledger *ledger = *state;
    int held[2];
    char token = 'x';
    assert_int_equal(ledger_recover(ledger), 0);
    datadir_close(&ledger->directory);
    assert_int_equal(pipe(held), 0);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool locked = flock(lock_of(ledger), LOCK_EX | LOCK_NB) == 0;
        (void)!write(held[1], &token, locked ? 1 : 0);
        close(held[1]);
        nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
        _exit(0);
    }
    close(held[1]);
    assert_int_equal(read(held[0], &token, 1), 1);
    struct datadir second;
    assert_int_equal(
        datadir_open(&second, &ledger->options, ledger->error, sizeof(ledger->error)), 0);
    clock_gettime(CLOCK_MONOTONIC, &after);
    int64_t waited_ms =
        (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    assert_true(waited_ms >= 300); /* it sleeps no less once it is there, whoever has the core */
    datadir_close(&second);
    close(held[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void another_node_or_number_of_shards_is_refused(void **state)
{
    struct ledger *ledger = *state;
    assert_int_equal(ledger_recover(ledger), 0);
    datadir_close(&ledger->directory);
    ledger->options.shards = 4;
    assert_int_equal(ledger_recover(ledger), -EINVAL);
    assert_non_null(strstr(ledger->error, "was written by 2 shards, and server.shards is 4: start "
                                          "with server.shards = 2"));
    ledger->options.shards = 2;
    ledger->options.node = 8;
    assert_int_equal(ledger_recover(ledger), -EINVAL);
    assert_non_null(strstr(ledger->error, "belongs to node 7, and server.node is 8"));
}

static void a_current_that_was_changed_is_refused(void **state)
{
    struct ledger *ledger = *state;
    char path[256], text[512], changed[512];
    struct datadir directory;
    assert_int_equal(ledger_recover(ledger), 0);
    datadir_close(&ledger->directory);
    (void)snprintf(path, sizeof(path), "%s/CURRENT", ledger->path);
    int fd = open(path, O_RDWR);
    ssize_t got = read(fd, text, sizeof(text));
    assert_true(got > 100 && got < 512);
    uint32_t size = (uint32_t)got & 511;
    for (uint32_t i = 0; i < size; i++) {
        memcpy(changed, text, sizeof(text));
        changed[i] ^= 1;
        assert_int_equal(pwrite(fd, changed, size, 0), size);
        assert_int_equal(
            datadir_read(&directory, ledger->path, ledger->error, sizeof(ledger->error)), -EBADMSG);
        assert_non_null(strstr(ledger->error, "CURRENT is damaged"));
    }
    assert_int_equal(pwrite(fd, text, size, 0), size);
    for (uint32_t i = 0; i < size; i++) {
        assert_int_equal(ftruncate(fd, size - 1 - i), 0);
        assert_int_equal(
            datadir_read(&directory, ledger->path, ledger->error, sizeof(ledger->error)), -EBADMSG);
    }
    close(fd);
}

static void a_start_cut_short_is_made_again(void **state)
{
    struct ledger *ledger = *state;
    char path[256];
    assert_int_equal(ledger_recover(ledger), 0);
    uint64_t first = ledger->directory.directory;
    datadir_close(&ledger->directory);
    (void)snprintf(path, sizeof(path), "%s/CURRENT", ledger->path);
    assert_int_equal(unlink(path), 0);
    (void)snprintf(path, sizeof(path), "%s/g1/shard-01/segment-000003", ledger->path);
    assert_int_equal(truncate(path, 10000), 0);
    assert_int_equal(ledger_start(ledger), 0);
    assert_true(ledger->directory.created);
    assert_true(ledger->directory.directory != first);
}

static void a_journal_without_its_current_is_not_overwritten(void **state)
{
    struct ledger *ledger = *state;
    char path[256];
    assert_int_equal(ledger_start(ledger), 0);
    ledger_append(ledger, 1, 0);
    ledger_write(ledger, 1);
    ledger_crash(ledger);
    (void)snprintf(path, sizeof(path), "%s/CURRENT", ledger->path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ledger_start(ledger), -EBADMSG);
    assert_non_null(strstr(ledger->error, "CURRENT is missing, but"));
    assert_non_null(strstr(ledger->error, "shard-01 holds a journal with records"));
}

static void a_larger_budget_adds_segments_and_keeps_the_records(void **state)
{
    struct ledger *ledger = *state;
    assert_int_equal(ledger_start(ledger), 0);
    while (!journal_exhausted(&ledger->journals[0])) {
        ledger_append(ledger, 0, 4000);
        ledger_append(ledger, 0, 4000);
        ledger_write(ledger, 0);
    }
    uint64_t appended = ledger->appended[0];
    ledger_crash(ledger);
    ledger->options.journal_bytes *= 2;
    assert_int_equal(ledger_start(ledger), 0);
    assert_int_equal(ledger->directory.geometry.segments, 6);
    ledger_assert_replayed(ledger, 0, appended);
    assert_false(journal_exhausted(&ledger->journals[0]));
    ledger_append(ledger, 0, 4000);
    ledger_write(ledger, 0);
    ledger->options.journal_bytes /= 4; /* a smaller one changes nothing */
    ledger_restart(ledger);
    assert_int_equal(ledger->directory.geometry.segments, 6);
    ledger_assert_replayed(ledger, 0, appended + 1);
}

static void a_budget_is_divided_or_refused_with_the_least(void **state)
{
    struct datadir_geometry geometry;
    uint64_t least;
    (void)state;
    assert_int_equal(datadir_divide(UINT64_C(1) << 30, 2, &geometry, &least), 0);
    assert_int_equal(geometry.segment_size, SEGMENT_SIZE_DEFAULT);
    assert_int_equal(geometry.segments, 32);
    assert_int_equal(datadir_divide(4 * SEGMENT_SIZE_MIN, 2, &geometry, &least), 0);
    assert_int_equal(geometry.segments, 2);
    assert_int_equal(datadir_divide(4 * SEGMENT_SIZE_MIN - 1, 2, &geometry, &least), -EINVAL);
    assert_int_equal(least, 4 * SEGMENT_SIZE_MIN);
    for (uint32_t shards = 1; shards <= SHARDS_MAX; shards++)
        for (uint64_t bytes = UINT64_C(1) << 22; bytes < UINT64_C(1) << 40; bytes *= 3)
            if (datadir_divide(bytes, shards, &geometry, &least) == 0) {
                uint64_t used = (uint64_t)geometry.segments * geometry.segment_size * shards;
                assert_true(used <= bytes);
                assert_true(geometry.segments >= DATADIR_SEGMENTS_MIN);
                assert_true(geometry.segments <= DATADIR_SEGMENTS_WANTED);
            }
}

static void a_data_directory_that_cannot_be_is_refused(void **state)
{
    struct ledger *ledger = *state;
    char path[256];
    ledger->options.path = file_in(ledger, path, "not/there");
    assert_int_equal(ledger_recover(ledger), -ENOENT);
    assert_non_null(strstr(ledger->error, "cannot make the data directory"));
    ledger->options.path = ledger->path;
    ledger->options.segment_size = 0;
    assert_int_equal(ledger_recover(ledger), -EINVAL);
    assert_non_null(strstr(ledger->error, "data.journal_bytes = 393216 is too small: 2 shards need "
                                          "at least 8388608"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_segment_is_a_header_and_zeros, setup, teardown),
        cmocka_unit_test_setup_teardown(each_field_of_a_header_is_checked, setup, teardown),
        cmocka_unit_test_setup_teardown(
            what_is_written_is_read_direct_or_buffered, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_writer_is_waited_for_as_long_as_its_descriptor_lives, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_cannot_be_made_is_an_errno, setup, teardown),
        cmocka_unit_test_setup_teardown(
            the_first_start_makes_all_files_and_says_how_far_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(two_servers_cannot_use_one_directory, setup, teardown),
        cmocka_unit_test_setup_teardown(a_start_waits_for_a_server_that_is_ending, setup, teardown),
        cmocka_unit_test_setup_teardown(
            another_node_or_number_of_shards_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_current_that_was_changed_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_start_cut_short_is_made_again, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_journal_without_its_current_is_not_overwritten, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_larger_budget_adds_segments_and_keeps_the_records, setup, teardown),
        cmocka_unit_test(a_budget_is_divided_or_refused_with_the_least),
        cmocka_unit_test_setup_teardown(
            a_data_directory_that_cannot_be_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
