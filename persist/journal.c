/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal - two buffers change places: one fills with records while the other is written, then
 * settled. Events are encoded at once, so the buffer is also the list of what must be settled.
 *
 * A batch is placed when it is sealed: after the one before, or, when it does not fit there, at the
 * start of the next segment, whose header was handed out before and is durable by then.
 * journal_exhausted() is judged at that moment for the batch that fills next, at its largest: so a
 * batch that was allowed to fill always has its place, and after it there is still room for the
 * closing mark.
 *
 * What can go wrong is the disk: fatal(), with file, offset and reason.
 */
#include "persist/journal.h"

#include <stdio.h>
#include <string.h>

#include "core/bugs.h"
#include "core/check.h"
#include "persist/fatal.h"
#include "persist/journal_aside.h"

uint32_t journal_segment_room(const struct journal *journal)
{
    return journal->origin.segment_size - SEGMENT_HEADER_SIZE;
}

static uint32_t header_size(const struct journal *journal)
{
    return batch_header_size(journal->origin.shard_count);
}

uint64_t journal_memory(const struct datadir_geometry *geometry)
{
    return 2 * (uint64_t)geometry->batch_size + ring_memory(geometry) + BATCH_BLOCK_SIZE;
}

/* Answers the ring's. */
static void *take_buffers(struct journal *journal, struct arena *arena)
{
    uint64_t blocks = journal_memory(&journal->directory->geometry) / BATCH_BLOCK_SIZE;
    uint8_t *base = arena_take(arena, "journal batches", blocks, BATCH_BLOCK_SIZE);
    base += -(uintptr_t)base % BATCH_BLOCK_SIZE; /* what direct I/O asks for */
    journal->filling = base;
    journal->written = base + journal->origin.batch_size;
    return journal->written + journal->origin.batch_size;
}

/* Blanks the header of a batch that a crash has torn, at either place where it may be. The next
 * batch goes to the same place, and if that write is torn in turn, what it wrote could be just what
 * the first one lacked: its batch would be whole again, after this start has sold what is in it to
 * others. */
static int blank_torn(struct journal *journal, char *error, size_t error_size)
{
    const struct segment_ring *ring = &journal->ring;
    uint32_t slot = ring->slot, offset = journal->chain.offset;
    int result = 0;
    if (bug(BUG_TORN_TAIL_LEFT))
        return 0;
    if (offset < journal->origin.segment_size)
        result = segment_blank(&ring->file, journal->filling, offset);
    if (result == 0 && ring->next_ready) {
        slot = ring->next_slot;
        result = segment_blank(&ring->next, journal->filling, SEGMENT_HEADER_SIZE);
    }
    if (result == 0)
        return 0;
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    datadir_segment_path(journal->directory, journal->origin.shard, slot, path);
    (void)snprintf(
        error, error_size, "cannot overwrite what a crash left in %s: %s", path, strerror(-result));
    return result;
}

static void publish(struct journal *journal)
{
    journal_shared_publish(journal->shared, journal->origin.shard, journal->chain.number,
        journal_place(journal->chain.segment, journal->chain.offset), journal->chain.seq);
}

/* Before the first contact ever nothing waits. What PostgreSQL has lost waits again, but promises
 * count on what was free before (S5): that gives way. */
void journal_look_ahead(struct journal *journal)
{
    struct journal_mark *mark = &journal->shared->marks[journal->origin.shard];
    bool known = atomic_load(&mark->known);
    ring_follow(&journal->ring,
        known || journal->streamed ? atomic_load(&mark->streamed_seq) : UINT64_MAX, known);
    while (journal_bytes_left(journal) < journal->aside.bytes && ring_give_way(&journal->ring))
        continue;
    ring_look_ahead(&journal->ring);
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
        .now_ms = options->start.shelf_ms,
        .durable = options->start.number,
        .streamed = options->streamed,
        .command_size = options->command_size != 0
                            ? options->command_size
                            : JOURNAL_EVENTS_PER_COMMAND_MAX * (uint32_t)RECORD_SIZE_MAX,
    };
    CHECK(options->start.segment >= 1);
    CHECK(options->incarnation > options->start.incarnation || options->start.number == 0);
    CHECK(journal_segment_room(journal) >= journal->origin.batch_size + JOURNAL_CLOSING_SIZE);
    void *memory = take_buffers(journal, arena);
    int result = ring_open(&journal->ring, options->directory, options->shard,
        options->start.segment, &options->walk, memory, error, error_size);
    if (result == 0)
        result = blank_torn(journal, error, error_size);
    if (result != 0) {
        journal_close(journal);
        return result;
    }
    journal_look_ahead(journal);
    publish(journal);
    return 0;
}

void journal_close(struct journal *journal)
{
    CHECK(journal->phase != JOURNAL_WRITING);
    CHECK(journal->phase != JOURNAL_HEADER);
    ring_close(&journal->ring);
}

/* Bytes of records that the filling batch can still take. */
static uint32_t filling_room(const struct journal *journal)
{
    return journal->origin.batch_size - header_size(journal) - journal->filling_used;
}

bool journal_room(const struct journal *journal)
{
    return filling_room(journal) >= journal->command_size && !journal->closing &&
           !journal_exhausted(journal) &&
           !(journal->filling_used >= JOURNAL_FULL_GATHERS && journal_spends(journal));
}

/* Encodes at the end of the filling batch. */
static void fill(struct journal *journal, const struct event *event)
{
    CHECK(!journal->closing);
    CHECK(event->stream_count == 0 || event->stream_seq == journal->filling_seq + 1);
    uint8_t *end = journal->filling + header_size(journal) + journal->filling_used;
    journal->filling_used += record_put(event, end, filling_room(journal));
    journal->filling_records++;
    journal->filling_seq += event->stream_count;
}

void journal_append(struct journal *journal, const struct event *event)
{
    CHECK(!journal_exhausted(journal));
    fill(journal, event);
    if (event->kind == EVENT_WALK_BEGUN)
        journal->walk_begins = event->fact.walk.number;
    if (event->kind == EVENT_WALK_ENDED)
        journal->walk_ends = event->fact.walk_end.number;
}

uint64_t journal_filling(const struct journal *journal)
{
    return journal->chain.number + 1;
}

uint32_t journal_filling_size(const struct journal *journal)
{
    return journal->filling_used;
}

uint32_t journal_written_size(const struct journal *journal)
{
    return journal->writing.used;
}

uint64_t journal_newest(const struct journal *journal)
{
    uint64_t filling = journal->filling_records > 0 && !bug(BUG_REPLY_WAITS_FOR_OLDER) ? 1 : 0;
    return journal->chain.number + filling;
}

uint64_t journal_durable(const struct journal *journal)
{
    return journal->durable;
}

bool journal_is_writing(const struct journal *journal)
{
    return journal->phase == JOURNAL_WRITING || journal->phase == JOURNAL_HEADER;
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
    if (ring_header_due(&journal->ring))
        return 0;
    if (!journal->opened)
        return 0; /* the first batch records the incarnation and covers a torn tail */
    if (journal->filling_records > 0)
        return journal_gathered_at(journal);
    live_holds = live_holds && !bug(BUG_HEARTBEAT_FORGOTTEN);
    uint64_t beat = live_holds ? journal_next_beat(journal) : UINT64_MAX;
    if (journal->unsealed && !(live_holds && journal_spends(journal)))
        return journal->chain.shelf_ms + JOURNAL_SEAL_MS;
    return beat;
}

static void next_segment(struct journal *journal)
{
    ring_begin_next(&journal->ring, journal->chain.seq + 1);
    journal->chain.segment++;
    journal->chain.offset = SEGMENT_HEADER_SIZE;
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

/* A walk ends behind its beginning, in the same batch perhaps. */
static void note_walks(struct journal *journal)
{
    const struct batch_header *header = &journal->writing;
    if (journal->walk_ends != 0 && journal->walk_ends == journal->begun.number)
        journal->ended = journal->begun;
    if (journal->walk_begins != 0)
        journal->begun = (struct walk_place){
            .number = journal->walk_begins,
            .segment = header->segment,
            .offset = header->offset,
            .batch = header->number,
        };
    if (journal->walk_ends != 0 && journal->walk_ends == journal->begun.number)
        journal->ended = journal->begun;
    journal->walk_begins = journal->walk_ends = 0;
}

void journal_resume_walk(struct journal *journal, const struct walk_place *begun)
{
    CHECK(begun->number > journal->ring.walk.number);
    CHECK(journal->begun.number == 0);
    CHECK(journal->walk_begins == 0);
    journal->begun = *begun;
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
    note_walks(journal);
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

/* The closing mark is the last write, but it may need a segment. */
static bool commit_header(struct journal *journal, struct journal_write *write)
{
    journal_look_ahead(journal);
    if (!ring_header_due(&journal->ring) || (journal->closing && journal->filling_records == 0))
        return false;
    *write = (struct journal_write){
        .fd = journal->ring.next.fd,
        .direct = journal->ring.next.direct,
        .data = ring_header(&journal->ring),
        .size = SEGMENT_HEADER_SIZE,
        .offset = 0,
    };
    journal->phase = JOURNAL_HEADER;
    return true;
}

/* The clock by which a batch is sealed stands still in a freeze: then it is written at once. */
static bool batch_is_due(const struct journal *journal, const struct moment *now, bool live_holds)
{
    if (journal->filling_records > 0)
        return journal_is_gathered(journal, now);
    if (journal->unsealed && now->frozen && !journal_exhausted(journal) && !journal_spends(journal))
        return true;
    return now->shelf_ms >= journal_next_wake(journal, live_holds);
}

bool journal_commit(
    struct journal *journal, const struct moment *now, bool live_holds, struct journal_write *write)
{
    journal->now_ms = now->shelf_ms;
    if (journal->phase != JOURNAL_FREE)
        return false;
    if (commit_header(journal, write))
        return true;
    if (!batch_is_due(journal, now, live_holds))
        return false;
    seal(journal, now);
    journal->unsealed =
        journal->filling_records > 0 && !journal->closing && !bug(BUG_SEAL_FORGOTTEN);
    journal->opened = true;
    swap_buffers(journal);
    journal->committed_ms = now->monotonic_ms;
    journal->frozen += now->frozen && journal_spends(journal);
    *write = (struct journal_write){
        .fd = journal->ring.file.fd,
        .direct = journal->ring.file.direct,
        .data = journal->written,
        .size = journal->writing.size,
        .offset = journal->writing.offset,
    };
    return true;
}

static _Noreturn void cannot_write(
    const struct journal *journal, uint32_t slot, const char *what, uint32_t offset, int32_t result)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    datadir_segment_path(journal->directory, journal->origin.shard, slot, path);
    fatal("cannot write %s at offset %u of %s: %s (what was acknowledged is safe; this was not)",
        what, offset, path, result < 0 ? strerror(-result) : "short write");
}

static void header_written(struct journal *journal, int32_t result)
{
    if (result != SEGMENT_HEADER_SIZE)
        cannot_write(journal, journal->ring.next_slot, "a segment's header", 0, result);
    ring_header_written(&journal->ring);
    journal->phase = JOURNAL_FREE;
}

void journal_written(struct journal *journal, int32_t result)
{
    if (journal->phase == JOURNAL_HEADER) {
        header_written(journal, result);
        return;
    }
    CHECK(journal->phase == JOURNAL_WRITING);
    const struct batch_header *header = &journal->writing;
    if (result != (int32_t)header->size && !bug(BUG_FAILED_WRITE_BELIEVED)) {
        char batch[64];
        (void)snprintf(batch, sizeof(batch), "batch %llu, %u bytes,",
            (unsigned long long)header->number, header->size);
        cannot_write(journal, journal->ring.slot, batch, header->offset, result);
    }
    journal->durable = header->number;
    journal->phase = JOURNAL_SETTLING;
    if (journal->ended.number != 0)
        ring_note_walk(&journal->ring, &journal->ended);
    journal->ended = (struct walk_place){.number = 0};
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
    const uint8_t *records = journal->written + header_size(journal);
    uint32_t size = record_read_own(records + journal->settled, event);
    CHECK(size <= left);
    journal->settled += size;
    return true;
}

/* Bytes of batches that fit behind the last one. */
static uint64_t room_left(const struct journal *journal)
{
    return (uint64_t)ring_left(&journal->ring) * journal_segment_room(journal) +
           (journal->origin.segment_size - journal->chain.offset);
}

/* A whole segment is kept empty, since a walk that has ended can be named only in the header of one
 * (two segments are no ring: nothing is ever freed). */
uint64_t journal_bytes_left(const struct journal *journal)
{
    uint64_t kept = journal->origin.batch_size + (uint64_t)JOURNAL_CLOSING_SIZE;
    if (journal->ring.map.count > DATADIR_SEGMENTS_MIN)
        kept += journal_segment_room(journal);
    uint64_t left = room_left(journal);
    return left > kept ? left - kept : 0;
}

bool journal_exhausted(const struct journal *journal)
{
    return journal->ring.next_slot == 0 &&
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
