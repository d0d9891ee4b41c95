/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recover - happy path: each shard's batches are read and replayed to the end of its journal, and
 * behind the end there is nothing, or the bytes of one write that was cut short.
 *
 * What can go wrong: a file missing or foreign, a batch that is not valid although something proves
 * that it had been durable. A torn tail is left as it is: the next batch is written over it, and
 * when that write is torn in turn, the batch is a mixture whose hash does not hold, a torn tail as
 * before; numbers go on from the last valid batch, so nothing stale can ever follow it.
 */
#include "persist/recover.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "persist/reader.h"
#include "persist/voucher.h"

/* The highest batch of a shard that any batch calls durable, and which batch that is. */
struct claim {
    uint64_t batch;
    uint64_t named_by_batch;
    uint32_t named_by_shard;
};

struct work {
    struct recovery *recovery;
    const struct recover_options *options;
    struct reader reader;
    uint8_t *buffer;
    struct claim claims[SHARDS_MAX];
    char *error;
    size_t error_size;
};

/* Refuses with the place where a shard's journal ends, the batch missing there, and why. */
static int refuse(struct work *work, uint32_t shard, const char *reason)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    const struct recovered_shard *found = &work->recovery->shards[shard];
    datadir_segment_path(work->options->directory, shard, found->tail_segment, path);
    (void)snprintf(work->error, work->error_size,
        "%s at offset %" PRIu32 ": batch %" PRIu64 " %s, but %s: the journal is damaged, not torn",
        path, found->tail_offset, found->chain.number + 1, batch_verdict_text(found->tail), reason);
    return -EBADMSG;
}

static void note_claims(struct work *work, uint32_t shard)
{
    const struct batch_header *header = &work->reader.header;
    for (uint32_t i = 0; i < header->shard_count; i++) {
        uint64_t durable = batch_durable(work->reader.batch, i);
        if (durable > work->claims[i].batch)
            work->claims[i] = (struct claim){durable, header->number, shard};
    }
}

/* Marks that concern the journal itself; all else is the engine's. */
static void note_event(struct work *work, uint32_t shard, const struct event *event)
{
    work->recovery->shards[shard].closed = event->kind == EVENT_CLOSED;
    if (event->kind == EVENT_STREAM_ATTACHED)
        work->recovery->postgres_system_id = event->fact.mark.system_id;
}

static void replay_batch(struct work *work, uint32_t shard)
{
    struct event event;
    work->recovery->shards[shard].closed = false;
    while (reader_next(&work->reader, &event, NULL)) {
        note_event(work, shard, &event);
        work->options->replay(work->options->context, shard, &event);
        work->recovery->records++;
    }
    work->recovery->bytes += work->reader.header.size;
    note_claims(work, shard);
}

static int complain_of_reader(struct work *work, int result)
{
    (void)snprintf(work->error, work->error_size, "%s", reader_problem(&work->reader));
    return result;
}

static int replay_shard(struct work *work, uint32_t shard)
{
    const struct recover_options *options = work->options;
    uint32_t segment = 1;
    int result;
    while ((result = reader_next_batch(&work->reader, READER_NO_LIMIT)) == 1) {
        if (work->reader.header.segment != segment && options->progress != NULL)
            options->progress(options->context, shard, work->recovery->bytes);
        segment = work->reader.header.segment;
        replay_batch(work, shard);
    }
    return result == 0 ? 0 : complain_of_reader(work, result);
}

/* What stands at the end of the journal can be the remains of one write of this shard, or nothing.
 * Anything that is whole in itself was written by somebody, and not as the next batch. */
static bool can_be_torn(enum batch_verdict verdict)
{
    switch (verdict) {
    case BATCH_BLANK:
    case BATCH_NO_ROOM:
    case BATCH_NOT_A_BATCH:
    case BATCH_HEADER_DAMAGED:
    case BATCH_DAMAGED:
    case BATCH_NOT_NEXT: /* an older batch, never acknowledged; vouchers see a newer one */
        return true;
    case BATCH_VALID:
    case BATCH_OTHER_VERSION:
    case BATCH_OTHER_JOURNAL:
    case BATCH_OUT_OF_PLACE:
    case BATCH_BAD_SIZE:
    case BATCH_BAD_RECORD:
        return false;
    }
    return false;
}

/* Judges the end of a shard's journal by what its own files hold. */
static int judge_end(struct work *work, uint32_t shard)
{
    struct recovered_shard *found = &work->recovery->shards[shard];
    struct batch_header voucher;
    char reason[128];
    found->chain = work->reader.chain;
    found->tail = work->reader.end;
    found->tail_segment = work->reader.end_segment;
    found->tail_offset = work->reader.end_offset;
    found->torn = found->tail != BATCH_BLANK && found->tail != BATCH_NO_ROOM;
    if (!can_be_torn(found->tail))
        return refuse(work, shard, "it is whole");
    int result =
        voucher_find(work->options->directory, shard, &found->chain, work->buffer, &voucher);
    if (result < 0) {
        (void)snprintf(work->error, work->error_size,
            "cannot read the end of the journal of shard %" PRIu32 ": %s", shard,
            strerror(-result));
        return result;
    }
    if (result == 0)
        return 0;
    (void)snprintf(reason, sizeof(reason),
        "batch %" PRIu64 " was begun after it, in segment %" PRIu32 " at offset %" PRIu32,
        voucher.number, voucher.segment, voucher.offset);
    return refuse(work, shard, reason);
}

static int recover_shard(struct work *work, uint32_t shard)
{
    int result = reader_open(&work->reader, work->options->directory, shard, work->buffer);
    CHECK(result == 0);
    work->reader.locks = true;
    result = replay_shard(work, shard);
    if (result == 0)
        result = judge_end(work, shard);
    reader_close(&work->reader);
    return result;
}

/* Every file that CURRENT promises must be there and be the right one, used or not. */
static int check_files(struct work *work, uint32_t shard)
{
    const struct datadir *directory = work->options->directory;
    const struct journal_origin origin = datadir_origin(directory, shard);
    for (uint32_t i = 1; i <= directory->geometry.segments; i++) {
        char path[DATADIR_FILE_PATH_SIZE_MAX];
        struct segment_file file;
        datadir_segment_path(directory, shard, i, path);
        int result = segment_open(&file, path, SEGMENT_READ, directory->buffered);
        if (result == 0)
            result = segment_read(&file, work->buffer, SEGMENT_HEADER_SIZE, 0);
        segment_close(&file);
        enum segment_verdict verdict =
            result == 0 ? segment_check(work->buffer, &origin, i) : SEGMENT_DAMAGED;
        if (verdict == SEGMENT_VALID)
            continue;
        (void)snprintf(work->error, work->error_size, "%s %s", path,
            result == 0         ? segment_verdict_text(verdict)
            : result == -ENOENT ? "is missing"
                                : strerror(-result));
        return result == 0 ? -EBADMSG : result;
    }
    return 0;
}

/* Judges every shard's end by what the other shards' batches say was durable. */
static int compare_claims(struct work *work)
{
    for (uint32_t i = 0; i < work->options->directory->shards; i++) {
        const struct claim *claim = &work->claims[i];
        char reason[128];
        if (claim->batch <= work->recovery->shards[i].chain.number)
            continue;
        (void)snprintf(reason, sizeof(reason),
            "shard %" PRIu32 " wrote in its batch %" PRIu64 " that batch %" PRIu64 " was durable",
            claim->named_by_shard, claim->named_by_batch, claim->batch);
        return refuse(work, i, reason);
    }
    return 0;
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
    recovery->incarnation++;
}

static int recover_all(struct work *work)
{
    uint32_t shards = work->options->directory->shards;
    int result = 0;
    for (uint32_t i = 0; result == 0 && i < shards; i++)
        result = check_files(work, i);
    for (uint32_t i = 0; result == 0 && i < shards; i++)
        result = recover_shard(work, i);
    if (result == 0)
        result = compare_claims(work);
    if (result == 0)
        sum_up(work->recovery, shards);
    return result;
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
        .buffer = aligned_alloc(BATCH_BLOCK_SIZE, reader_buffer_size(options->directory)),
    };
    *recovery = (struct recovery){.empty = true};
    error[0] = 0;
    if (work.buffer == NULL)
        return -ENOMEM;
    int result = recover_all(&work);
    free(work.buffer);
    return result;
}
