/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's reader and the search for vouchers under libFuzzer. The input is what lies in a
 * segment after its header; magic, identity and hashes are repaired where a batch header seems to
 * be meant (first byte of the input: whether), so that the fuzzer gets past them. Whatever the
 * bytes: reading ends, and never outside of the buffer; the batches shown are a chain that holds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "core/check.h"
#include "persist/reader.h"
#include "persist/record.h"
#include "persist/segment.h"
#include "persist/voucher.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SEGMENT_SIZE = 64 << 10, BATCH_SIZE = 16 << 10, HASHED_FROM = 24 };

/* One directory for the whole run; libFuzzer gives no context to pass it in. */
static struct datadir directory;
static uint8_t *buffer;

static void make_segments(void)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    const struct journal_origin origin = datadir_origin(&directory, 0);
    for (uint32_t i = 1; i <= directory.geometry.segments; i++) {
        datadir_segment_path(&directory, 0, i, path);
        CHECK(segment_create(path, &origin, i, i, NULL, NULL) == 0);
    }
}

static void remove_directory(void)
{
    char command[DATADIR_FILE_PATH_SIZE_MAX];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", directory.path);
    (void)!system(command);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    char shard[DATADIR_FILE_PATH_SIZE_MAX];
    (void)argc;
    (void)argv;
    directory = (struct datadir){.path = "/dev/shm/hotshelf-fuzz-XXXXXX",
        .lock_fd = -1,
        .directory = 0x0123456789abcdef,
        .generation = 1,
        .shards = 1,
        .node = 1,
        .geometry = {.segments = 2, .segment_size = SEGMENT_SIZE, .batch_size = BATCH_SIZE}};
    CHECK(mkdtemp(directory.path) != NULL);
    CHECK(atexit(remove_directory) == 0);
    (void)snprintf(shard, sizeof(shard), "%s/g1", directory.path);
    CHECK(mkdir(shard, 0700) == 0);
    (void)snprintf(shard, sizeof(shard), "%s/g1/shard-00", directory.path);
    CHECK(mkdir(shard, 0700) == 0);
    make_segments();
    buffer = aligned_alloc(BATCH_BLOCK_SIZE, reader_buffer_size(&directory));
    CHECK(buffer != NULL);
    return 0;
}

static uint64_t hash_of(const uint8_t *batch, uint32_t size)
{
    return XXH3_64bits(batch + HASHED_FROM, size - HASHED_FROM);
}

/* Makes what stands at `offset` of the segment a batch of this journal, the next one of the chain
 * where the input does not say otherwise; answers where it ends. */
static uint32_t repair(uint8_t *segment, uint32_t offset, struct chain *chain)
{
    uint8_t *bytes = segment + offset;
    struct batch_header header;
    struct batch_header sealed = {.number = 1, .shard_count = 1};
    uint8_t seal[BATCH_BLOCK_SIZE];
    memcpy(&header, bytes, sizeof(header));
    batch_seal(seal, &sealed, &(uint64_t){0}); /* for the magic and the version */
    header.magic = sealed.magic;
    header.version = sealed.version;
    header.directory = directory.directory;
    header.generation = 1;
    header.node = 1;
    header.shard = 0;
    header.shard_count = 1;
    header.segment = 1;
    header.offset = offset;
    header.previous = chain->hash;
    header.number = chain->number + 1;
    header.first_record = chain->record + 1;
    header.first_seq = chain->seq + 1;
    header.last_seq = chain->seq + header.last_seq % 8;
    header.shelf_ms = chain->shelf_ms;
    header.wall_ms = chain->wall_ms;
    header.incarnation = 1;
    uint32_t room = SEGMENT_SIZE - offset < BATCH_SIZE ? SEGMENT_SIZE - offset : BATCH_SIZE;
    header.used = header.used % (room - batch_header_size(1)) / 8 * 8;
    header.size = (header.used + batch_header_size(1) + BATCH_BLOCK_SIZE - 1) / BATCH_BLOCK_SIZE *
                  BATCH_BLOCK_SIZE;
    header.record_count %= 64;
    memcpy(bytes, &header, sizeof(header));
    header.hash = hash_of(bytes, header.size);
    header.header_hash = hash_of(bytes, batch_header_size(1));
    memcpy(bytes, &header, sizeof(header));
    *chain = (struct chain){.hash = header.hash,
        .number = header.number,
        .record = chain->record + header.record_count,
        .seq = header.last_seq};
    return offset + header.size;
}

static void put_segment(const uint8_t *data, size_t size, bool repaired)
{
    static uint8_t segment[SEGMENT_SIZE];
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    const struct journal_origin origin = datadir_origin(&directory, 0);
    struct chain chain = chain_start(&origin);
    uint32_t room = SEGMENT_SIZE - SEGMENT_HEADER_SIZE;
    uint32_t used = size < room ? (uint32_t)size : room;
    memset(segment, 0, sizeof(segment));
    memcpy(segment + SEGMENT_HEADER_SIZE, data, used);
    for (uint32_t offset = SEGMENT_HEADER_SIZE; repaired && offset < SEGMENT_HEADER_SIZE + used;)
        offset = repair(segment, offset, &chain);
    datadir_segment_path(&directory, 0, 1, path);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    CHECK(pwrite(fd, segment + SEGMENT_HEADER_SIZE, room, SEGMENT_HEADER_SIZE) == room);
    close(fd);
}

/* Reads all there is; every batch must follow the one before, every event must be one. */
static void read_all(struct reader *reader)
{
    struct event event;
    struct reader_place place;
    uint64_t batches = 0, records = 0;
    while (reader_next_batch(reader, READER_NO_LIMIT) == 1) {
        CHECK(reader->header.number == ++batches);
        CHECK(batches <= 2 * SEGMENT_SIZE / BATCH_BLOCK_SIZE);
        while (reader_next(reader, &event, &place)) {
            CHECK(record_valid(&event));
            CHECK(place.record == ++records);
        }
        CHECK(reader->chain.record == records);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reader reader;
    struct batch_header found;
    uint64_t oldest;
    if (size == 0)
        return 0;
    put_segment(data + 1, size - 1, data[0] % 2 == 1);
    CHECK(reader_open(&reader, &directory, 0, buffer) == 0);
    read_all(&reader);
    struct chain end = reader.chain;
    if (reader_seek(&reader, data[0] / 2, &oldest) == 0)
        (void)reader_next_batch(&reader, READER_NO_LIMIT);
    reader_close(&reader);
    CHECK(voucher_find(&directory, 0, &reader.map, &end, buffer, &found) >= 0);
    return 0;
}
