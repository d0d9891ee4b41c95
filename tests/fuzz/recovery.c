/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recovery of two shards under libFuzzer. The input is a script of records, each with two bytes of
 * flags and two of size before it:
 *
 *     [flags 1][0][size 2][record, see FORMAT.md section 4] ..
 *
 * The harness writes them into journals that are whole: sizes, versions, stream numbers, batches
 * and their hashes are made right, so that what is tried is what records say and not how they lie.
 * A journal that begins with a walk is named by a header, as one whose past is overwritten.
 * The mutator knows of records and changes their fields.
 *
 * Whatever they say: recovery refuses with a sentence, or the state is one that a shop can be in.
 * Then journals are opened, go on and are recovered again to the very same state; and the engines
 * can live on: what is due happens until nothing is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/check.h"
#include "core/engine_steps.h"
#include "core/shelf.h"
#include "persist/journal.h"
#include "persist/recover.h"
#include "tests/fuzz/recovery_items.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned int seed);

enum {
    SEGMENTS = 2,
    SEGMENT_SIZE = 72 << 10,
    BATCH_SIZE = 32 << 10,
    ARENA_SIZE = 4 << 20,
    DUE_MOST = 256, /* events after which an engine must have come to rest for a while */
};

/* The journal of one shard while it is written. */
struct writer {
    struct chain chain;
    uint8_t *batch;
    uint32_t used, records;
    uint64_t seq, durable, shelf_ms;
    bool claims, full;
    uint64_t walk; /* its first record begins it; 0: no walk */
};

struct world {
    struct shelf *shelf;
    struct engine *engines[SHARDS];
};

/* One directory for the whole run; libFuzzer gives no context to pass it in. */
static struct datadir directory;
static struct writer writers[SHARDS];
static int files[SHARDS][SEGMENTS];
static uint32_t written[SHARDS][SEGMENTS]; /* bytes that are not zero, or were not */
static uint64_t arena_used = ARENA_SIZE;
static uint64_t named[SHARDS]; /* the walk in the header of the last segment */
static uint8_t *arena_memory, *journal_memory_at;
static uint8_t zeros[SEGMENT_SIZE];

static void remove_directory(void)
{
    char command[DATADIR_FILE_PATH_SIZE_MAX];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", directory.path);
    (void)!system(command);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static char path[64] = "/dev/shm/hotshelf-fuzz-XXXXXX";
    char error[512];
    (void)argc;
    (void)argv;
    CHECK(mkdtemp(path) != NULL);
    const struct datadir_options options = {.path = path,
        .shards = SHARDS,
        .node = 1,
        .buffered = true,
        .segment_size = SEGMENT_SIZE,
        .batch_size = BATCH_SIZE,
        .journal_bytes = SHARDS * SEGMENTS * SEGMENT_SIZE};
    CHECK(datadir_open(&directory, &options, error, sizeof(error)) == 0);
    CHECK(atexit(remove_directory) == 0);
    for (uint32_t i = 0; i < SHARDS * SEGMENTS; i++) {
        char name[DATADIR_FILE_PATH_SIZE_MAX];
        datadir_segment_path(&directory, i % SHARDS, 1 + i / SHARDS, name);
        files[i % SHARDS][i / SHARDS] = open(name, O_RDWR | O_CLOEXEC);
        CHECK(files[i % SHARDS][i / SHARDS] >= 0);
    }
    for (uint32_t i = 0; i < SHARDS; i++)
        writers[i].batch = aligned_alloc(BATCH_BLOCK_SIZE, BATCH_SIZE);
    arena_memory = aligned_alloc(ARENA_ALIGNMENT, ARENA_SIZE);
    journal_memory_at = aligned_alloc(ARENA_ALIGNMENT, ARENA_SIZE);
    CHECK(arena_memory != NULL);
    CHECK(journal_memory_at != NULL);
    return 0;
}

/* Writing. */

static void put(uint32_t shard, uint32_t segment, const void *bytes, uint32_t size, uint32_t offset)
{
    CHECK(pwrite(files[shard][segment - 1], bytes, size, offset) == (ssize_t)size);
    if (bytes != zeros && written[shard][segment - 1] < offset + size)
        written[shard][segment - 1] = offset + size;
}

static void begin(uint32_t shard)
{
    struct writer *writer = &writers[shard];
    const struct journal_origin origin = datadir_origin(&directory, shard);
    uint8_t *batch = writer->batch;
    *writer = (struct writer){.chain = chain_start(&origin), .batch = batch, .shelf_ms = 1000};
    for (uint32_t i = 1; i <= SEGMENTS; i++) {
        if (written[shard][i - 1] > SEGMENT_HEADER_SIZE)
            put(shard, i, zeros, written[shard][i - 1] - SEGMENT_HEADER_SIZE, SEGMENT_HEADER_SIZE);
        written[shard][i - 1] = 0;
    }
}

static struct walk_place walk_of(uint32_t shard)
{
    if (writers[shard].walk == 0)
        return (struct walk_place){.number = 0};
    return (struct walk_place){
        .number = writers[shard].walk, .segment = 1, .offset = SEGMENT_HEADER_SIZE, .batch = 1};
}

/* The header of the last segment names the walk that the journal begins with, or none. */
static void name_walk(uint32_t shard)
{
    static _Alignas(BATCH_BLOCK_SIZE) uint8_t header[SEGMENT_HEADER_SIZE];
    const struct journal_origin origin = datadir_origin(&directory, shard);
    const struct walk_place walk = walk_of(shard);
    if (walk.number == named[shard])
        return;
    segment_header_put(header, &origin, SEGMENTS, SEGMENTS, &walk, 0);
    CHECK(pwrite(files[shard][SEGMENTS - 1], header, sizeof(header), 0) == sizeof(header));
    named[shard] = walk.number;
}

/* Seals what the shard's batch holds and writes it where it belongs, if there is room. */
static void seal(uint32_t shard)
{
    struct writer *writer = &writers[shard];
    struct chain *chain = &writer->chain;
    const struct journal_origin origin = datadir_origin(&directory, shard);
    uint32_t size = batch_header_size(SHARDS) + writer->used;
    size = (size + BATCH_BLOCK_SIZE - 1) / BATCH_BLOCK_SIZE * BATCH_BLOCK_SIZE;
    if (chain->offset + size > SEGMENT_SIZE) {
        writer->full = writer->full || chain->segment == SEGMENTS;
        chain->segment += chain->segment < SEGMENTS;
        chain->offset = SEGMENT_HEADER_SIZE;
    }
    if (writer->full)
        return;
    struct batch_header header = {.directory = directory.directory,
        .previous = chain->hash,
        .number = chain->number + 1,
        .first_record = chain->record + 1,
        .first_seq = chain->seq + 1,
        .last_seq = writer->seq,
        .shelf_ms = writer->shelf_ms,
        .wall_ms = 1700000000000 + (int64_t)writer->shelf_ms,
        .incarnation = 1,
        .generation = origin.generation,
        .segment = chain->segment,
        .offset = chain->offset,
        .used = writer->used,
        .record_count = writer->records,
        .node = origin.node,
        .shard = origin.shard,
        .shard_count = SHARDS};
    uint64_t durable[SHARDS];
    for (uint32_t i = 0; i < SHARDS; i++)
        durable[i] = writers[i].chain.number + (i != shard && writer->claims);
    CHECK(batch_seal(writer->batch, &header, durable) == size);
    put(shard, header.segment, writer->batch, size, header.offset);
    chain_advance(chain, &header);
    writer->used = 0;
    writer->records = 0;
}

/* What no checksum guards and every record must have: its size, version and stream number. */
static void repair(struct writer *writer, uint8_t *record, uint32_t size, bool keeps_seq)
{
    uint64_t seq = 0;
    memcpy(record, &size, sizeof(size));
    record[6] = RECORD_VERSION;
    record[7] %= STREAM_EVENTS_MAX + 1;
    if (keeps_seq)
        return;
    if (record[7] > 0)
        seq = writer->seq + 1;
    memcpy(record + 8, &seq, sizeof(seq));
    writer->seq += record[7];
}

/* A walk says which stream number was the last: that of the journal, which may begin with it. */
static void repair_walk(struct writer *writer, uint8_t *record)
{
    struct fact_walk fact;
    memcpy(&fact, record + RECORD_HEADER_SIZE, sizeof(fact));
    if (writer->chain.number == 0 && writer->records == 0) {
        writer->walk = fact.number;
        writer->seq = writer->chain.seq = fact.stream_seq &= UINT16_MAX;
    }
    fact.stream_seq = writer->seq;
    memcpy(record + RECORD_HEADER_SIZE, &fact, sizeof(fact));
}

static bool begins_walk(const uint8_t *record, uint32_t size)
{
    uint16_t kind;
    memcpy(&kind, record + 4, sizeof(kind));
    return kind == EVENT_WALK_BEGUN && size >= RECORD_HEADER_SIZE + sizeof(struct fact_walk);
}

static void write_item(const struct item *item)
{
    uint32_t shard = (item->flags & ITEM_SHARD) != 0;
    struct writer *writer = &writers[shard];
    uint32_t size = (item->size + RECORD_ALIGNMENT - 1u) & ~(RECORD_ALIGNMENT - 1u);
    uint32_t room = BATCH_SIZE - batch_header_size(SHARDS);
    if ((item->flags & ITEM_BATCH) != 0 || size > room - writer->used)
        seal(shard);
    if (writer->full || size > room)
        return;
    writer->claims = writer->claims || (item->flags & ITEM_CLAIM) != 0;
    writer->shelf_ms += (item->flags & ITEM_LATER) != 0 ? 60000 : 1;
    uint8_t *record = writer->batch + batch_header_size(SHARDS) + writer->used;
    memset(record + item->size, 0, size - item->size);
    memcpy(record, item->record, item->size);
    if (begins_walk(record, size))
        repair_walk(writer, record);
    repair(writer, record, size, (item->flags & ITEM_SEQ) != 0);
    writer->used += size;
    writer->records++;
}

static void write_journals(const uint8_t *data, size_t size)
{
    struct item item;
    for (uint32_t i = 0; i < SHARDS; i++)
        begin(i);
    while (next_item(&data, &size, &item))
        write_item(&item);
    for (uint32_t i = 0; i < SHARDS; i++) {
        seal(i);
        name_walk(i);
    }
}

/* Recovering. */

static void build(struct world *world)
{
    struct arena arena;
    const struct policy policy = POLICY_DEFAULT;
    memset(arena_memory, 0, arena_used);
    arena_init(&arena, arena_memory, ARENA_SIZE);
    world->shelf = arena_take(&arena, "shelf", 1, sizeof(*world->shelf));
    shelf_init(world->shelf, &arena, &recovery_capacity);
    for (uint32_t i = 0; i < SHARDS; i++)
        world->engines[i] =
            engine_create(&arena, world->shelf, &policy, &recovery_capacity, i, SHARDS, 42 + i);
    arena_used = arena.used;
}

static void replay(void *context, uint32_t shard, const struct event *event)
{
    struct world *world = context;
    engine_replay(world->engines[shard], event);
}

static void prove(void *context)
{
    struct world *world = context;
    shelf_derive(world->shelf, world->engines, SHARDS);
    for (uint32_t i = 0; i < SHARDS; i++)
        engine_check(world->engines[i]);
}

static bool recovers(struct world *world, struct recovery *recovery)
{
    char error[1024];
    const struct recover_options options = {
        .directory = &directory, .replay = replay, .prove = prove, .context = world};
    build(world);
    int result = recover(recovery, &options, error, sizeof(error));
    CHECK((result == 0) == (error[0] == 0));
    CHECK(result == 0 || result == -EBADMSG);
    /* A fact that does not hold is one of core: persist/ was given valid records. */
    CHECK(strstr(error, "persist/") == NULL);
    return result == 0;
}

static uint64_t digest(const struct world *world)
{
    uint64_t sum = claims_digest(&world->shelf->claims);
    for (uint32_t i = 0; i < SHARDS; i++)
        sum = 31 * sum + engine_digest(world->engines[i]);
    for (uint32_t i = 0; i < catalog_walk_end(&world->shelf->catalog); i++) {
        struct stock_numbers numbers = stock_numbers(&world->shelf->stock, i);
        sum = 31 * sum + numbers.allotment;
        sum = 31 * sum + numbers.held;
        sum = 31 * sum + numbers.sold;
    }
    return sum;
}

/* The first batch of the next incarnation. */
static void go_on(const struct recovery *recovery, uint32_t shard, struct journal_shared *shared,
    struct arena *arena)
{
    char error[512];
    struct journal journal;
    struct journal_write write;
    const struct chain *chain = &recovery->shards[shard].chain;
    const struct moment now = {.shelf_ms = recovery->shelf_ms, .wall_ms = recovery->wall_ms};
    const struct journal_options options = {.directory = &directory,
        .shard = shard,
        .start = *chain,
        .walk = walk_of(shard), /* a later one may lack what the first one has */
        .incarnation = recovery->incarnation};
    CHECK(journal_open(&journal, arena, shared, &options, error, sizeof(error)) == 0);
    if (journal_commit(&journal, &now, false, &write)) {
        put(shard, journal.chain.segment, write.data, write.size, (uint32_t)write.offset);
        journal_written(&journal, (int32_t)write.size);
    }
    journal_close(&journal);
}

static void go_on_all(const struct recovery *recovery)
{
    struct arena arena;
    struct journal_shared shared;
    memset(journal_memory_at, 0, SHARDS * journal_memory(&directory.geometry));
    arena_init(&arena, journal_memory_at, ARENA_SIZE);
    CHECK(journal_shared_open(&shared) == 0);
    for (uint32_t i = 0; i < SHARDS; i++)
        go_on(recovery, i, &shared, &arena);
    journal_shared_close(&shared);
}

/* What is due happens, one day on. */
static void live_on(struct world *world, const struct recovery *recovery)
{
    struct event event;
    const struct moment now = {
        .shelf_ms = recovery->shelf_ms + 86400000,
        .wall_ms = recovery->wall_ms + 86400000,
        .streamed_seq = UINT64_MAX,
        .frozen = switches_frozen(&world->shelf->switches),
    };
    for (uint32_t i = 0; i < SHARDS; i++)
        for (uint32_t j = 0; j < DUE_MOST; j++) {
            if (!engine_due(world->engines[i], &now, &event))
                break;
            CHECK(record_valid(&event));
            engine_apply(world->engines[i], &event);
            engine_settle(world->engines[i], &event);
        }
    for (uint32_t i = 0; i < SHARDS; i++)
        engine_check(world->engines[i]);
    stock_check(&world->shelf->stock);
    claims_check(&world->shelf->claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct recovery recovery;
    struct world world;
    write_journals(data, size);
    if (!recovers(&world, &recovery))
        return 0;
    uint64_t first = digest(&world);
    go_on_all(&recovery);
    CHECK(recovers(&world, &recovery));
    CHECK(digest(&world) == first);
    live_on(&world, &recovery);
    return 0;
}

/* Mutating. */

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned int seed)
{
    static uint8_t copy[1 << 20], record[UINT16_MAX + 1];
    struct item items[ITEMS_MAX];
    struct dice dice = dice_of(seed);
    CHECK(size <= sizeof(copy));
    memcpy(copy, data, size);
    uint32_t count = items_of(copy, size, items);
    if (count == 0 || dice_below(&dice, 20) == 0)
        return LLVMFuzzerMutate(data, size, size_max);
    uint32_t chosen = dice_below(&dice, count), other = dice_below(&dice, count);
    uint32_t what = dice_below(&dice, 12);
    size_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct item item = items[i];
        if (what == 0 && i == chosen)
            continue; /* it goes */
        if (what == 1 && (i == chosen || i == other))
            item = items[i == chosen ? other : chosen]; /* two change places */
        if (what == 2 && i == chosen)
            item.flags ^= (uint8_t)(1u << dice_below(&dice, 5));
        if (what == 3 && i == chosen)
            used = append(data, used, size_max, &items[other]); /* another one comes again */
        if (what >= 4 && i == chosen) {
            memcpy(record, item.record, item.size);
            item.record = record;
            if (what == 4)
                item.size = (uint16_t)LLVMFuzzerMutate(record, item.size, UINT16_MAX);
            for (uint32_t j = 0; what > 4 && j < 1 + what % 3; j++)
                change_field(&dice, record, item.size, &items[dice_below(&dice, count)]);
        }
        used = append(data, used, size_max, &item);
    }
    return used;
}
