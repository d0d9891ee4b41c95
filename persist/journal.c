/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal - two buffers change places: one fills with records while the other is written, then
 * settled. Events are encoded at once, so the buffer is also the list of what must be settled.
 *
 * A batch is placed when it is sealed: after the one before, or, when it does not fit there, at the
 * start of the next segment. journal_exhausted() is judged at that moment for the batch that fills
 * next, at its largest: so a batch that was allowed to fill always has its place, and after it
 * there is still room for the closing mark.
 *
 * What can go wrong is the disk: fatal(), with file, offset and reason.
 */
#include "persist/journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/check.h"
#include "persist/fatal.h"

/* Bytes of batches that an empty segment holds. */
static uint32_t segment_room(const struct journal *journal)
{
    return journal->origin.segment_size - SEGMENT_HEADER_SIZE;
}

static uint32_t segments(const struct journal *journal)
{
    return journal->directory->geometry.segments;
}

static uint32_t header_size(const struct journal *journal)
{
    return batch_header_size(journal->origin.shard_count);
}

uint64_t journal_memory(const struct datadir_geometry *geometry)
{
    return 2 * (uint64_t)geometry->batch_size + BATCH_BLOCK_SIZE;
}

static void take_buffers(struct journal *journal, struct arena *arena)
{
    uint64_t blocks = 2 * journal->origin.batch_size / BATCH_BLOCK_SIZE + 1;
    uint8_t *base = arena_take(arena, "journal batches", blocks, BATCH_BLOCK_SIZE);
    base += -(uintptr_t)base % BATCH_BLOCK_SIZE; /* what direct I/O asks for */
    journal->filling = base;
    journal->written = base + journal->origin.batch_size;
}

static int open_file(struct journal *journal, uint32_t segment, struct segment_file *file,
    char *error, size_t error_size)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    if (segment > segments(journal))
        return 0;
    datadir_segment_path(journal->directory, journal->origin.shard, segment, path);
    int result = segment_open(file, path, SEGMENT_WRITE, journal->directory->buffered);
    if (result != 0)
        (void)snprintf(error, error_size, "cannot open %s: %s", path, strerror(-result));
    return result;
}

static void publish(struct journal *journal)
{
    journal_shared_publish(journal->shared, journal->origin.shard, journal->chain.number,
        journal_place(journal->chain.segment, journal->chain.offset), journal->chain.seq);
}

int journal_open(struct journal *journal, struct arena *arena, struct journal_shared *shared,
    const struct journal_options *options, char *error, size_t error_size)
{
    *journal = (struct journal){
        .directory = options->directory,
        .shared = shared,
        .origin = datadir_origin(options->directory, options->shard),
        .incarnation = options->incarnation,
        .filling_seq = options->start.seq,
        .chain = options->start,
        .durable = options->start.number,
        .current = {.fd = -1},
        .next = {.fd = -1},
    };
    CHECK(options->start.segment >= 1);
    CHECK(options->start.segment <= segments(journal));
    CHECK(options->incarnation > options->start.incarnation || options->start.number == 0);
    CHECK(segment_room(journal) >= journal->origin.batch_size + JOURNAL_CLOSING_SIZE);
    uint64_t least = (uint64_t)segments(journal) * segment_room(journal) / JOURNAL_RESERVE_DIVISOR;
    journal->reserve_bytes = options->reserve_bytes > least ? options->reserve_bytes : least;
    take_buffers(journal, arena);
    uint32_t segment = journal->chain.segment;
    int result = open_file(journal, segment, &journal->current, error, error_size);
    if (result == 0)
        result = open_file(journal, segment + 1, &journal->next, error, error_size);
    if (result != 0)
        journal_close(journal);
    else
        publish(journal);
    return result;
}

void journal_close(struct journal *journal)
{
    CHECK(journal->phase != JOURNAL_WRITING);
    segment_close(&journal->current);
    segment_close(&journal->next);
}

/* Bytes of records that the filling batch can still take. */
static uint32_t filling_room(const struct journal *journal)
{
    return journal->origin.batch_size - header_size(journal) - journal->filling_used;
}

bool journal_room(const struct journal *journal)
{
    return filling_room(journal) >= JOURNAL_EVENTS_PER_COMMAND_MAX * (uint32_t)RECORD_SIZE_MAX &&
           !journal->closing && !journal_exhausted(journal);
}

/* Encodes at the end of the filling batch. */
static void fill(struct journal *journal, const struct event *event)
{
    uint32_t size = record_size(event);
    CHECK(!journal->closing);
    CHECK(size <= filling_room(journal));
    CHECK(event->stream_count == 0 || event->stream_seq == journal->filling_seq + 1);
    record_encode(event, journal->filling + header_size(journal) + journal->filling_used);
    journal->filling_used += size;
    journal->filling_records++;
    journal->filling_seq += event->stream_count;
}

void journal_append(struct journal *journal, const struct event *event)
{
    CHECK(!journal_exhausted(journal));
    fill(journal, event);
}

uint64_t journal_newest(const struct journal *journal)
{
    return journal->chain.number + (journal->filling_records > 0 ? 1 : 0);
}

uint64_t journal_durable(const struct journal *journal)
{
    return journal->durable;
}

bool journal_idle(const struct journal *journal)
{
    return journal->filling_records == 0 && journal->phase == JOURNAL_FREE;
}

uint64_t journal_next_wake(const struct journal *journal, bool live_holds)
{
    if (journal->closing || journal_exhausted(journal))
        return UINT64_MAX;
    if (journal->phase != JOURNAL_FREE)
        return UINT64_MAX; /* the write's completion comes first, and wakes by itself */
    if (!journal->opened)
        return 0; /* the first batch records the incarnation and covers a torn tail */
    if (journal->unsealed)
        return journal->chain.shelf_ms + JOURNAL_SEAL_MS;
    return live_holds ? journal->chain.shelf_ms + JOURNAL_HEARTBEAT_MS : UINT64_MAX;
}

/* Goes on in the next segment and opens the one after it ahead of its need. */
static void next_segment(struct journal *journal)
{
    char error[DATADIR_FILE_PATH_SIZE_MAX + 128];
    CHECK(journal->chain.segment < segments(journal));
    CHECK(journal->next.fd >= 0);
    segment_close(&journal->current);
    journal->current = journal->next;
    journal->next = (struct segment_file){.fd = -1};
    journal->chain.segment++;
    journal->chain.offset = SEGMENT_HEADER_SIZE;
    if (open_file(journal, journal->chain.segment + 1, &journal->next, error, sizeof(error)) != 0)
        fatal("%s", error);
}

static struct batch_header header_of_filling(
    const struct journal *journal, const struct moment *now)
{
    const struct chain *chain = &journal->chain;
    return (struct batch_header){
        .directory = journal->origin.directory,
        .previous = chain->hash,
        .number = chain->number + 1,
        .first_record = chain->record + 1,
        .first_seq = chain->seq + 1,
        .last_seq = journal->filling_seq,
        .shelf_ms = now->shelf_ms,
        .wall_ms = now->wall_ms > chain->wall_ms ? now->wall_ms : chain->wall_ms,
        .incarnation = journal->incarnation,
        .generation = journal->origin.generation,
        .segment = chain->segment,
        .offset = chain->offset,
        .used = journal->filling_used,
        .record_count = journal->filling_records,
        .node = journal->origin.node,
        .shard = journal->origin.shard,
        .shard_count = journal->origin.shard_count,
    };
}

/* What every shard has on the disk now: this batch vouches for all of it. */
static void read_durable(const struct journal *journal, uint64_t durable[SHARDS_MAX])
{
    for (uint32_t i = 0; i < journal->origin.shard_count; i++)
        durable[i] =
            atomic_load_explicit(&journal->shared->marks[i].durable_batch, memory_order_acquire);
    durable[journal->origin.shard] = journal->durable;
}

static void seal(struct journal *journal, const struct moment *now)
{
    uint64_t durable[SHARDS_MAX];
    uint32_t filled = header_size(journal) + journal->filling_used;
    uint32_t size = (filled + BATCH_BLOCK_SIZE - 1) / BATCH_BLOCK_SIZE * BATCH_BLOCK_SIZE;
    CHECK(journal->durable == journal->chain.number);
    CHECK(now->shelf_ms >= journal->chain.shelf_ms);
    if (size > journal->origin.segment_size - journal->chain.offset)
        next_segment(journal);
    read_durable(journal, durable);
    journal->writing = header_of_filling(journal, now);
    CHECK(batch_seal(journal->filling, &journal->writing, durable) == size);
    CHECK(journal->writing.offset + size <= journal->origin.segment_size);
    chain_advance(&journal->chain, &journal->writing);
}

static void swap_buffers(struct journal *journal)
{
    uint8_t *sealed = journal->filling;
    journal->filling = journal->written;
    journal->written = sealed;
    journal->filling_used = 0;
    journal->filling_records = 0;
    journal->settled = 0;
    journal->phase = JOURNAL_WRITING;
}

bool journal_commit(
    struct journal *journal, const struct moment *now, bool live_holds, struct journal_write *write)
{
    if (journal->phase != JOURNAL_FREE)
        return false;
    /* The clock by which a batch is sealed stands still in a freeze: then it is sealed at once. */
    bool seals = journal->unsealed && now->frozen && !journal_exhausted(journal);
    if (journal->filling_records == 0 && !seals &&
        now->shelf_ms < journal_next_wake(journal, live_holds))
        return false;
    seal(journal, now);
    journal->unsealed = journal->filling_records > 0 && !journal->closing;
    journal->opened = true;
    swap_buffers(journal);
    *write = (struct journal_write){
        .fd = journal->current.fd,
        .direct = journal->current.direct,
        .data = journal->written,
        .size = journal->writing.size,
        .offset = journal->writing.offset,
    };
    return true;
}

void journal_written(struct journal *journal, int32_t result)
{
    CHECK(journal->phase == JOURNAL_WRITING);
    const struct batch_header *header = &journal->writing;
    if (result != (int32_t)header->size) {
        char path[DATADIR_FILE_PATH_SIZE_MAX];
        datadir_segment_path(
            journal->directory, journal->origin.shard, journal->chain.segment, path);
        fatal("cannot write batch %llu, %u bytes at offset %u of %s: %s (what was acknowledged is "
              "safe; this batch was not)",
            (unsigned long long)header->number, header->size, header->offset, path,
            result < 0 ? strerror(-result) : "short write");
    }
    journal->durable = header->number;
    journal->phase = JOURNAL_SETTLING;
    publish(journal);
}

bool journal_settle_next(struct journal *journal, struct event *event)
{
    if (journal->phase != JOURNAL_SETTLING)
        return false;
    uint32_t left = journal->writing.used - journal->settled;
    if (left == 0) {
        journal->phase = JOURNAL_FREE;
        return false;
    }
    uint32_t consumed;
    const uint8_t *records = journal->written + header_size(journal);
    int result = record_decode(bytes_of(records + journal->settled, left), event, &consumed);
    CHECK(result == 0); /* record_encode() wrote it */
    journal->settled += consumed;
    return true;
}

/* Bytes of batches that fit behind the last one. */
static uint64_t room_left(const struct journal *journal)
{
    return (uint64_t)(segments(journal) - journal->chain.segment) * segment_room(journal) +
           (journal->origin.segment_size - journal->chain.offset);
}

uint64_t journal_bytes_left(const struct journal *journal)
{
    uint64_t kept = journal->origin.batch_size + (uint64_t)JOURNAL_CLOSING_SIZE;
    uint64_t left = room_left(journal);
    return left > kept ? left - kept : 0;
}

bool journal_full(const struct journal *journal)
{
    return journal_bytes_left(journal) < journal->reserve_bytes;
}

bool journal_exhausted(const struct journal *journal)
{
    return journal->chain.segment == segments(journal) &&
           journal->origin.segment_size - journal->chain.offset <
               journal->origin.batch_size + (uint32_t)JOURNAL_CLOSING_SIZE;
}

bool journal_close_mark(struct journal *journal, int64_t wall_ms)
{
    CHECK(journal_idle(journal));
    CHECK(!journal->closing);
    if (room_left(journal) < BATCH_BLOCK_SIZE)
        return false;
    const struct event mark = {
        .kind = EVENT_CLOSED,
        .fact.mark.now_wall_ms = wall_ms,
    };
    fill(journal, &mark);
    journal->closing = true;
    return true;
}
