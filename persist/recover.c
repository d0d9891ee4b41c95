/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recover - happy path: each shard's batches are read and replayed to the end of its journal, and
 * behind the end there is nothing, or the bytes of one write that was cut short.
 *
 * What can go wrong: a file missing or foreign, a batch that is not valid although something proves
 * that it had been durable. Recovery leaves a torn tail as it is and may be called again; journal.c
 * blanks the header of it before the next batch is written there, so that no mixture of the two can
 * be the first one; numbers go on from the last valid batch, so nothing stale can ever follow it.
 */
#include "persist/recover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bugs.h"
#include "core/check.h"
#include "persist/attempt.h"
#include "persist/event_fields.h"
#include "persist/reader.h"
#include "persist/record.h"
#include "persist/testimony.h"
#include "persist/voucher.h"

struct work {
    struct recovery *recovery;
    const struct recover_options *options;
    struct reader reader;
    uint8_t *buffer;
    struct testimony testimony;
    uint64_t segments, segments_done; /* to read, of all shards */
    struct walk_place begun;          /* the last walk seen to begin in this shard */
    uint64_t walk_bytes;              /* of its records */
    struct walk_place born; /* the one with which its journal began; number 0: with none */
    char *error;
    size_t error_size;
};

/* Damage at the end of a shard's journal, told in `error`: refused, or noted for salvage. */
static int damaged(struct work *work, uint32_t shard, uint64_t to)
{
    struct recover_salvage *salvage = work->options->salvage;
    if (salvage == NULL)
        return -EBADMSG;
    struct recover_loss *loss = &salvage->losses[shard];
    if (loss->reason[0] == 0)
        (void)snprintf(loss->reason, sizeof(loss->reason), "%s", work->error);
    loss->damaged = true;
    loss->to = to > loss->to ? to : loss->to;
    work->error[0] = 0;
    return 0;
}

/* Refuses with the place where a shard's journal ends, the batch missing there, and why; `to` is
 * the highest batch that is known of. */
static int refuse(struct work *work, uint32_t shard, uint64_t to, const char *reason)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    const struct recovered_shard *found = &work->recovery->shards[shard];
    datadir_segment_path(work->options->directory, shard, found->tail_slot, path);
    (void)snprintf(work->error, work->error_size,
        "%s at offset %" PRIu32 ": batch %" PRIu64 " %s, but %s: the journal is damaged, not torn",
        path, found->tail_offset, found->chain.number + 1, batch_verdict_text(found->tail), reason);
    return damaged(work, shard, to);
}

static void note_walk_begun(struct work *work, const struct event *event)
{
    const struct batch_header *header = &work->reader.header;
    work->begun = (struct walk_place){
        .number = event->fact.walk.number,
        .segment = header->segment,
        .offset = header->offset,
        .batch = header->number,
    };
    work->walk_bytes = record_size(event);
    if (event->fact.walk.number == 1 && event->fact.walk.flags & WALK_GENESIS)
        work->born = work->begun;
    if (event->fact.walk.system_id != 0)
        work->recovery->postgres_system_id = event->fact.walk.system_id;
}

/* Marks that concern the journal itself; all else is the engine's. */
static void note_event(struct work *work, uint32_t shard, const struct event *event)
{
    struct recovered_shard *found = &work->recovery->shards[shard];
    found->closed = event->kind == EVENT_CLOSED;
    if (event->kind == EVENT_STREAM_ATTACHED && !bug(BUG_ATTACHED_FORGOTTEN))
        work->recovery->postgres_system_id = event->fact.mark.system_id;
    testimony_note_event(
        &work->testimony, work->reader.batch, shard, event, work->recovery->shards[0].chain.number);
    if (event->kind == EVENT_WALK_BEGUN)
        note_walk_begun(work, event);
    if (event_is_image(event->kind))
        work->walk_bytes += record_size(event);
    if (event->kind == EVENT_WALK_ENDED && event->fact.walk_end.number == work->begun.number)
        found->walk = work->begun;
}

/* Whether the walk that a header names begins with this event. */
static bool is_start(const struct walk_place *start, const struct event *event)
{
    return event->kind == EVENT_WALK_BEGUN && event->fact.walk.number == start->number;
}

/* One event on its way to the caller. */
struct delivery {
    const struct recover_options *options;
    uint32_t shard;
    struct event event;
    struct reader_place place;
};

static void deliver(void *context)
{
    const struct delivery *delivery = context;
    delivery->options->replay(delivery->options->context, delivery->shard, &delivery->event);
}

/* The file that holds a segment now. */
static void path_of_segment(
    struct work *work, uint32_t shard, uint32_t segment, char path[DATADIR_FILE_PATH_SIZE_MAX])
{
    uint32_t slot = segment_map_find(&work->reader.map, segment);
    datadir_segment_path(work->options->directory, shard, slot == 0 ? 1 : slot, path);
}

/* The records themselves cannot be, as `error` says. */
static int contradiction(struct work *work)
{
    if (work->options->salvage != NULL)
        work->options->salvage->contradicts = true;
    return -EBADMSG;
}

/* Refuses a record that what came before it does not allow. */
static int refuse_record(
    struct work *work, const struct delivery *delivery, const struct broken_fact *broken)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    const struct reader_place *place = &delivery->place;
    path_of_segment(work, delivery->shard, place->segment, path);
    (void)snprintf(work->error, work->error_size,
        "%s at offset %" PRIu32 ": record %" PRIu64 ", in batch %" PRIu64
        ", %s, contradicts the records before it (%s, %s:%d): the journal is damaged",
        path, place->offset, place->record, place->batch,
        event_fields_of_kind(delivery->event.kind)->name, broken->fact, broken->file, broken->line);
    return contradiction(work);
}

static int replay_batch(struct work *work, uint32_t shard, const struct walk_place *start)
{
    struct delivery delivery = {.options = work->options, .shard = shard};
    struct broken_fact broken;
    work->recovery->shards[shard].closed = false;
    while (reader_next(&work->reader, &delivery.event, &delivery.place)) {
        /* What comes before the walk in its batch was there before it. */
        if (work->begun.number == 0 && start->number != 0 && !is_start(start, &delivery.event))
            continue;
        note_event(work, shard, &delivery.event);
        if (bug(BUG_SHARD_NOT_REPLAYED) && shard + 1 == work->options->directory->shards)
            continue;
        if (!attempt(deliver, &delivery, &broken))
            return refuse_record(work, &delivery, &broken);
        work->recovery->records++;
    }
    work->recovery->bytes += work->reader.header.size;
    testimony_note_batch(&work->testimony, work->reader.batch, shard, &work->reader.header);
    return 0;
}

static int complain_of_reader(struct work *work, int result)
{
    (void)snprintf(work->error, work->error_size, "%s", reader_problem(&work->reader));
    return result;
}

/* A header was written only when the walk it names was durable to its end. */
static int refuse_walk(
    struct work *work, uint32_t shard, const struct walk_place *start, const char *what)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    path_of_segment(work, shard, start->segment, path);
    (void)snprintf(work->error, work->error_size,
        "%s at offset %" PRIu32 ": walk %" PRIu64 ", from which the journal is read, %s: the "
        "journal is damaged",
        path, start->offset, start->number, what);
    return -EBADMSG;
}

/* From the walk that is named on. */
static void count_segments(struct work *work)
{
    const struct segment_map *map = &work->reader.map;
    for (uint32_t i = 0; i < map->count; i++)
        if (map->slots[i].first_seq != 0 && map->slots[i].number >= map->named.segment)
            work->segments++;
}

static void note_progress(struct work *work)
{
    const struct recover_options *options = work->options;
    uint64_t size = options->directory->geometry.segment_size;
    work->segments_done++;
    if (options->progress != NULL)
        options->progress(options->context, size * work->segments_done, size * work->segments);
}

/* 1: the next batch was read. 0: the journal ends, or is not to be read further. */
static int next_batch(struct work *work, uint32_t shard)
{
    const struct recover_salvage *salvage = work->options->salvage;
    struct reader *reader = &work->reader;
    if (salvage == NULL || reader->chain.number < salvage->limits[shard])
        return reader_next_batch(reader, READER_NO_LIMIT);
    reader->end = BATCH_VALID;
    reader->end_slot = segment_map_find(&reader->map, reader->chain.segment);
    reader->end_offset = reader->chain.offset;
    return 0;
}

static int replay_shard(struct work *work, uint32_t shard, const struct walk_place *start)
{
    uint32_t segment = 0;
    int result;
    work->begun = work->born = (struct walk_place){.number = 0};
    testimony_begin_shard(&work->testimony);
    while ((result = next_batch(work, shard)) == 1) {
        if (segment != 0 && segment != work->reader.header.segment)
            note_progress(work);
        segment = work->reader.header.segment;
        result = replay_batch(work, shard, start);
        if (result != 0)
            return result;
        if (start->number != 0 && work->begun.number == 0)
            return refuse_walk(work, shard, start, "does not begin there");
        if (bug(BUG_CLOSING_MARK_BELIEVED) && work->recovery->shards[shard].closed) {
            work->reader.end = BATCH_BLANK;
            return 0;
        }
    }
    if (result != 0)
        return complain_of_reader(work, result);
    if (segment != 0)
        note_progress(work);
    struct recovered_shard *found = &work->recovery->shards[shard];
    if (work->begun.number > found->walk.number)
        found->cut = (struct walk_cut){.begun = work->begun, .bytes = work->walk_bytes};
    return 0;
}

/* Every number from the oldest kept to the last is in some file. */
static int check_numbers(struct work *work, uint32_t shard)
{
    const struct segment_map *map = &work->reader.map;
    uint32_t last = work->recovery->shards[shard].chain.segment;
    for (uint32_t i = segment_map_oldest(map); i < last; i++)
        if (segment_map_find(map, i) == 0)
            return segment_map_missing(
                map, work->options->directory, shard, i, work->error, work->error_size);
    return 0;
}

/* Something in the shard's files proves that more was durable. */
static int refuse_voucher(struct work *work, uint32_t shard, const struct batch_header *voucher)
{
    char reason[128];
    if (segment_map_find(&work->reader.map, voucher->segment) == 0) {
        (void)segment_map_missing(&work->reader.map, work->options->directory, shard,
            voucher->segment, work->error, work->error_size);
        return damaged(work, shard, voucher->number);
    }
    (void)snprintf(reason, sizeof(reason),
        "batch %" PRIu64 " was begun after it, in segment %" PRIu32 " at offset %" PRIu32,
        voucher->number, voucher->segment, voucher->offset);
    return refuse(work, shard, voucher->number, reason);
}

/* Judges the end of a shard's journal by what its own files hold. */
static int judge_end(struct work *work, uint32_t shard)
{
    struct recovered_shard *found = &work->recovery->shards[shard];
    struct batch_header voucher;
    found->chain = work->reader.chain;
    found->tail = work->reader.end;
    found->tail_slot = work->reader.end_slot;
    found->tail_offset = work->reader.end_offset;
    found->torn =
        found->tail != BATCH_BLANK && found->tail != BATCH_STALE && found->tail != BATCH_NO_ROOM;
    if (found->tail == BATCH_VALID) { /* the limit, where salvage wants it to end */
        work->options->salvage->losses[shard].damaged = true;
        return check_numbers(work, shard);
    }
    if (!batch_can_be_torn(found->tail))
        return refuse(work, shard, found->chain.number + 1, "it is whole");
    int result = voucher_find(
        work->options->directory, shard, &work->reader.map, &found->chain, work->buffer, &voucher);
    if (result < 0) {
        (void)snprintf(work->error, work->error_size,
            "cannot read the end of the journal of shard %" PRIu32 ": %s", shard,
            strerror(-result));
        return result;
    }
    if (result == 1)
        result = refuse_voucher(work, shard, &voucher);
    return result == 0 ? check_numbers(work, shard) : result;
}

static int open_reader(struct work *work, uint32_t shard, enum segment_map_care care)
{
    const struct datadir *directory = work->options->directory;
    int result = reader_open(&work->reader, directory, shard, work->buffer);
    CHECK(result == 0);
    return segment_map_read(
        &work->reader.map, directory, shard, care, work->buffer, work->error, work->error_size);
}

/* For salvage that proves what it keeps: the sums would not show it. */
static int refuse_unknown(struct work *work, uint32_t shard)
{
    (void)snprintf(work->error, work->error_size,
        "batch %" PRIu64 " of shard %" PRIu32 " records what became of a kill or of a removed sale "
        "that shard 0 has lost",
        work->testimony.unknown, shard);
    return contradiction(work);
}

static int recover_shard(struct work *work, uint32_t shard)
{
    int result = open_reader(work, shard, SEGMENT_MAP_LOOK);
    if (result != 0)
        return result;
    const struct walk_place start = work->reader.map.named;
    reader_start(&work->reader, &start);
    result = replay_shard(work, shard, &start);
    if (result == 0)
        result = judge_end(work, shard);
    testimony_end_shard(&work->testimony, shard);
    if (result == 0 && work->testimony.unknown != 0 && work->options->salvage != NULL &&
        work->options->prove != NULL && !bug(BUG_SALVAGE_TRUSTS_SUMS))
        result = refuse_unknown(work, shard);
    /* CURRENT named the journal only when the walk with which it begins was there. */
    const struct walk_place *ended = start.number == 0 ? &work->born : &start;
    if (result == 0 && work->recovery->shards[shard].walk.number < ended->number &&
        !bug(BUG_WALK_END_BELIEVED))
        result = refuse_walk(work, shard, ended, "does not end before the journal does");
    reader_close(&work->reader);
    return result;
}

/* Judges every shard's end by what the other shards' batches say was durable. */
static int compare_claims(struct work *work)
{
    for (uint32_t i = 0; i < work->options->directory->shards; i++) {
        const struct claim *claim = &work->testimony.claims[i];
        char reason[128];
        if (claim->batch <= work->recovery->shards[i].chain.number || bug(BUG_CLAIMS_NOT_COMPARED))
            continue;
        (void)snprintf(reason, sizeof(reason),
            "shard %" PRIu32 " wrote in its batch %" PRIu64 " that batch %" PRIu64 " was durable",
            claim->named_by_shard, claim->named_by_batch, claim->batch);
        int result = refuse(work, i, claim->batch, reason);
        if (result != 0)
            return result;
    }
    return 0;
}

/* What all records add up to must be a state that the shop can have been in. */
static int prove(struct work *work)
{
    const struct recover_options *options = work->options;
    struct broken_fact broken;
    if (options->prove == NULL || attempt(options->prove, options->context, &broken))
        return 0;
    (void)snprintf(work->error, work->error_size,
        "%s: the records of all shards do not add up (%s, %s:%d): the journal is damaged",
        options->directory->path, broken.fact, broken.file, broken.line);
    return contradiction(work);
}

static void sum_up(struct recovery *recovery, uint32_t shards)
{
    recovery->clean = true;
    recovery->empty = true;
    for (uint32_t i = 0; i < shards; i++) {
        const struct recovered_shard *shard = &recovery->shards[i];
        const struct chain *chain = &shard->chain;
        recovery->shelf_ms =
            chain->shelf_ms > recovery->shelf_ms ? chain->shelf_ms : recovery->shelf_ms;
        recovery->wall_ms = chain->wall_ms > recovery->wall_ms ? chain->wall_ms : recovery->wall_ms;
        recovery->incarnation =
            chain->incarnation > recovery->incarnation ? chain->incarnation : recovery->incarnation;
        recovery->empty = recovery->empty && chain->number == 0;
        recovery->clean = recovery->clean && (shard->closed || chain->number == 0);
    }
    if (bug(BUG_SHELF_CLOCK_FORGOTTEN))
        recovery->shelf_ms = 0;
    recovery->incarnation += bug(BUG_INCARNATION_STANDS) && recovery->incarnation > 0 ? 0 : 1;
}

static int recover_all(struct work *work)
{
    uint32_t shards = work->options->directory->shards;
    int result = 0;
    /* Every file that CURRENT promises must be there and be the right one, used or not. */
    for (uint32_t i = 0; result == 0 && i < shards; i++) {
        result = open_reader(work, i, SEGMENT_MAP_SETTLE);
        if (result == 0)
            count_segments(work);
    }
    for (uint32_t i = 0; result == 0 && i < shards; i++)
        result = recover_shard(work, i);
    if (result == 0)
        result = compare_claims(work);
    if (result == 0)
        result = prove(work);
    if (result == 0)
        sum_up(work->recovery, shards);
    return result;
}

static void begin_salvage(struct recover_salvage *salvage)
{
    memset(salvage->losses, 0, sizeof(salvage->losses));
    memset(salvage->needs, 0xff, sizeof(salvage->needs));
    salvage->contradicts = false;
}

int recover(struct recovery *recovery, const struct recover_options *options, char *error,
    size_t error_size)
{
    CHECK(options->replay != NULL);
    CHECK(error_size > 0);
    struct work work = {
        .recovery = recovery,
        .options = options,
        .error = error,
        .error_size = error_size,
        .testimony = {.salvage = options->salvage},
        .buffer = aligned_alloc(BATCH_BLOCK_SIZE, reader_buffer_size(options->directory)),
    };
    *recovery = (struct recovery){.empty = true};
    error[0] = 0;
    if (options->salvage != NULL)
        begin_salvage(options->salvage);
    if (work.buffer == NULL)
        return -ENOMEM;
    int result = recover_all(&work);
    free(work.buffer);
    return result;
}
