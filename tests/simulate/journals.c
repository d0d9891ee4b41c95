/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event carries its number, the incarnation that wrote it and a filler whose length follows from
 * both. So an event that a crash has undone and that was made again is told from its earlier self.
 */
#include "tests/simulate/journals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "tests/simulate/fatal_sim.h"

_Noreturn void journals_fail(const struct journals *journals, const char *what)
{
    printf("FAILED: %s\n", what);
    for (uint32_t i = 0; i < journals->shards; i++) {
        const struct promises *promises = &journals->promises[i];
        printf("    shard %u: appended %llu, durable %llu, on the way to %llu, expected %llu, "
               "replayed %llu\n",
            i, (unsigned long long)promises->appended, (unsigned long long)promises->durable,
            (unsigned long long)promises->on_way, (unsigned long long)promises->expected,
            (unsigned long long)promises->replayed);
    }
    printf("    recovery said: %s\n", journals->error);
    fflush(stdout);
    abort();
}

static void note(struct journals *journals, uint64_t value)
{
    journals->trace = (journals->trace ^ value) * UINT64_C(0x100000001b3);
}

struct journals *journals_create(struct disk_sim *disk, uint32_t shards, uint32_t segments)
{
    struct journals *journals = calloc(1, sizeof(*journals));
    CHECK(journals != NULL);
    journals->disk = disk;
    journals->shards = shards;
    journals->options = (struct datadir_options){
        .path = "/sim/data",
        .shards = shards,
        .node = 7,
        .segment_size = JOURNALS_SEGMENT_SIZE,
        .batch_size = JOURNALS_BATCH_SIZE,
        .journal_bytes = (uint64_t)shards * segments * JOURNALS_SEGMENT_SIZE,
    };
    journals->now = (struct moment){.shelf_ms = 1000, .wall_ms = 1700000000000};
    const struct datadir_geometry geometry = {
        .segments = segments, .batch_size = JOURNALS_BATCH_SIZE};
    journals->memory_size = shards * (journal_memory(&geometry) + 64);
    journals->memory = aligned_alloc(64, journals->memory_size);
    CHECK(journals->memory != NULL);
    memset(journals->memory, 0, journals->memory_size);
    for (uint32_t i = 0; i < shards; i++)
        journals->promises[i].flight = DISK_NO_FLIGHT;
    return journals;
}

void journals_destroy(struct journals *journals)
{
    journals_down(journals);
    free(journals->memory);
    free(journals);
}

void journals_twin(struct journals *to, const struct journals *from, struct disk_sim *disk)
{
    CHECK(!to->is_open);
    CHECK(to->shards == from->shards);
    to->disk = disk;
    to->options = from->options;
    to->now = from->now;
    to->damaged = from->damaged;
    memcpy(to->promises, from->promises, sizeof(to->promises));
    for (uint32_t i = 0; i < to->shards; i++)
        to->promises[i].flight = DISK_NO_FLIGHT;
}

static uint32_t filler_size(uint64_t number, uint64_t incarnation)
{
    uint64_t bits = number * UINT64_C(0x9e3779b97f4a7c15) + incarnation * 77;
    bits ^= bits >> 29;
    return (uint32_t)(bits % 16 == 0 ? bits / 16 % 4000 : bits % 300);
}

static void replay_walk(
    const struct journals *journals, struct promises *promises, const struct event *event)
{
    uint64_t restated = event->fact.walk.stream_seq;
    if (promises->replayed == 0)
        promises->replayed = restated;
    if (promises->replayed != restated || restated > promises->appended)
        journals_fail(journals, "a walk is not where it was");
    promises->walk = event->fact.walk.number;
}

static void replay(void *context, uint32_t shard, const struct event *event)
{
    struct journals *journals = context;
    struct promises *promises = &journals->promises[shard];
    if (event->kind == EVENT_WALK_BEGUN)
        replay_walk(journals, promises, event);
    if (event->kind != EVENT_STOCK_ADJUSTED)
        return;
    uint64_t number = ++promises->replayed;
    if (number > JOURNALS_EVENTS_MAX || number > promises->appended)
        journals_fail(journals, "an event that nobody made");
    if (event->fact.stock.keep_shelf_ms != number)
        journals_fail(journals, "events are not in their order");
    if ((uint64_t)event->fact.stock.delta != promises->born[number])
        journals_fail(journals, "an event that a crash had undone is back");
    if (event->text[TEXT_ADJUSTMENTS].size != filler_size(number, promises->born[number]))
        journals_fail(journals, "an event is not what it was");
}

int journals_recover(struct journals *journals)
{
    const struct recover_options options = {
        .directory = &journals->directory, .replay = replay, .context = journals};
    CHECK(!journals->is_open);
    journals->error[0] = 0;
    for (uint32_t i = 0; i < journals->shards; i++)
        journals->promises[i].replayed = 0;
    disk_sim_use(journals->disk);
    journals->recoveries++;
    int result = datadir_open(
        &journals->directory, &journals->options, journals->error, sizeof(journals->error));
    if (result != 0)
        return result;
    result = recover(&journals->recovery, &options, journals->error, sizeof(journals->error));
    note(journals, (uint64_t)(int64_t)result);
    if (result != 0)
        datadir_close(&journals->directory);
    journals->is_open = result == 0;
    return result;
}

/* A batch that was on its way counts if it is there, to the last byte. */
static uint64_t expected_of(const struct journals *journals, const struct promises *promises)
{
    if (promises->on_way == promises->durable)
        return promises->durable;
    const struct inode *inode = &journals->disk->inodes[promises->way_inode];
    bool is_there =
        inode->used && promises->way_offset + promises->way_size <= inode->size &&
        memcmp(inode->data + promises->way_offset, promises->way, promises->way_size) == 0;
    return is_there ? promises->on_way : promises->durable;
}

void journals_check(struct journals *journals)
{
    for (uint32_t i = 0; i < journals->shards; i++) {
        struct promises *promises = &journals->promises[i];
        promises->expected = expected_of(journals, promises);
        if (promises->replayed == promises->expected || journals->damaged)
            continue;
        journals_fail(journals, promises->replayed < promises->expected
                                    ? "what was durable is lost"
                                    : "what never became durable is there");
    }
    if (journals->recovery.shelf_ms > journals->now.shelf_ms)
        journals_fail(journals, "the shelf clock is ahead");
}

void journals_go_on(struct journals *journals)
{
    CHECK(journals->is_open && !journals->is_running);
    disk_sim_use(journals->disk);
    CHECK(journal_shared_open(&journals->shared) == 0);
    memset(journals->memory, 0, journals->memory_size);
    arena_init(&journals->arena, journals->memory, journals->memory_size);
    for (uint32_t i = 0; i < journals->shards; i++) {
        struct promises *promises = &journals->promises[i];
        const struct journal_options options = {.directory = &journals->directory,
            .shard = i,
            .start = journals->recovery.shards[i].chain,
            .walk = journals->recovery.shards[i].walk,
            .incarnation = journals->recovery.incarnation};
        if (journal_open(&journals->journal[i], &journals->arena, &journals->shared, &options,
                journals->error, sizeof(journals->error)) != 0)
            journals_fail(journals, "a journal cannot be opened");
        promises->appended = promises->durable = promises->on_way = promises->replayed;
        promises->flight = DISK_NO_FLIGHT;
        const struct walk_place *cut = &journals->recovery.shards[i].cut.begun;
        promises->walking = cut->number != 0 && cut->number % 4 != 0;
        if (promises->walking)
            journal_resume_walk(&journals->journal[i], cut);
        note(journals, promises->replayed);
        note(journals, journals->recovery.shards[i].chain.number);
    }
    journals->is_running = true;
}

bool journals_append(struct journals *journals, uint32_t shard)
{
    static const uint8_t filler[8192];
    struct journal *journal = &journals->journal[shard];
    struct promises *promises = &journals->promises[shard];
    uint64_t number = promises->appended + 1;
    struct event event = {.kind = EVENT_STOCK_ADJUSTED,
        .fact.stock = {.keep_shelf_ms = number, .delta = (int64_t)journals->recovery.incarnation}};
    event.text[TEXT_ADJUSTMENTS] =
        bytes_of(filler, filler_size(number, journals->recovery.incarnation));
    if (number % 3 == 0) {
        event.stream_count = 1 + (number % 2 == 0);
        event.stream_seq = journal->filling_seq + 1;
    }
    uint32_t room = JOURNALS_BATCH_SIZE - batch_header_size(journals->shards);
    if (number > JOURNALS_EVENTS_MAX || journal_exhausted(journal) ||
        journal->filling_used + record_size(&event) > room)
        return false;
    promises->born[number] = (uint16_t)journals->recovery.incarnation;
    promises->appended = number;
    journal_append(journal, &event);
    return true;
}

bool journals_walk(struct journals *journals, uint32_t shard)
{
    struct journal *journal = &journals->journal[shard];
    struct promises *promises = &journals->promises[shard];
    struct event event = {.kind = EVENT_WALK_BEGUN,
        .fact.walk = {.number = promises->walk + 1, .stream_seq = promises->appended}};
    if (promises->walking)
        event =
            (struct event){.kind = EVENT_WALK_ENDED, .fact.walk_end = {.number = promises->walk}};
    uint32_t room = JOURNALS_BATCH_SIZE - batch_header_size(journals->shards);
    if (journal_exhausted(journal) || journal->filling_used + record_size(&event) > room)
        return false;
    journal_append(journal, &event);
    promises->walk += !promises->walking;
    promises->walking = !promises->walking;
    return true;
}

bool journals_commit(struct journals *journals, uint32_t shard)
{
    struct promises *promises = &journals->promises[shard];
    struct journal_write write;
    disk_sim_use(journals->disk);
    if (promises->flight != DISK_NO_FLIGHT ||
        !journal_commit(&journals->journal[shard], &journals->now, false, &write))
        return false;
    bool is_header = write.offset == 0;
    promises->on_way = is_header ? promises->durable : promises->appended;
    promises->way_offset = (uint32_t)write.offset;
    promises->way_size = write.size;
    memcpy(promises->way, write.data, write.size);
    promises->way_inode = journals->disk->handles[write.fd - DISK_HANDLE_FIRST].inode;
    promises->flight =
        disk_sim_submit(journals->disk, write.fd, write.data, write.size, write.offset);
    return true;
}

static void settle(struct journals *journals, uint32_t shard)
{
    struct promises *promises = &journals->promises[shard];
    struct event event;
    uint64_t number = promises->durable;
    while (journal_settle_next(&journals->journal[shard], &event))
        if (event.kind == EVENT_STOCK_ADJUSTED && event.fact.stock.keep_shelf_ms != ++number)
            journals_fail(journals, "events settle out of their order");
    if (number != promises->on_way)
        journals_fail(journals, "not every event of the batch was settled");
    promises->durable = number;
}

bool journals_land(struct journals *journals, uint32_t shard, enum landing landing)
{
    struct promises *promises = &journals->promises[shard];
    CHECK(promises->flight != DISK_NO_FLIGHT);
    int32_t result = disk_sim_land(journals->disk, promises->flight, landing);
    promises->flight = DISK_NO_FLIGHT;
    if (setjmp(fatal_sim_land) != 0) {
        journals_down(journals);
        return false;
    }
    fatal_sim_armed = true;
    journal_written(&journals->journal[shard], result);
    fatal_sim_armed = false;
    if (landing != LANDS_WHOLE && landing != LANDS_LIED)
        journals_fail(journals, "a write that failed was believed");
    settle(journals, shard);
    return true;
}

bool journals_close_marks(struct journals *journals)
{
    for (uint32_t i = 0; i < journals->shards; i++)
        if (!journal_close_mark(&journals->journal[i], journals->now.wall_ms))
            return false;
    return true;
}

void journals_pass(struct journals *journals, uint64_t ms)
{
    journals->now.shelf_ms += ms;
    journals->now.wall_ms += (int64_t)ms;
}

void journals_down(struct journals *journals)
{
    disk_sim_use(journals->disk);
    if (journals->is_running) {
        for (uint32_t i = 0; i < journals->shards; i++) {
            journals->journal[i].phase = JOURNAL_FREE;
            journal_close(&journals->journal[i]);
        }
        journal_shared_close(&journals->shared);
    }
    if (journals->is_open)
        datadir_close(&journals->directory);
    journals->is_running = journals->is_open = false;
}
