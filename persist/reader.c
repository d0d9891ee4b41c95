/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader - looks for the next batch where the last one ended, or else at the start of the next
 * segment: a batch that did not fit was written there. Whatever stands at the other place, an old
 * torn batch perhaps, does not continue the chain.
 *
 * The buffer is a window on the open file; it holds a chunk of many small batches or one large one.
 */
#include "persist/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/check.h"
#include "persist/journal_shared.h"
#include "persist/record.h"

uint32_t reader_buffer_size(const struct datadir *directory)
{
    uint32_t batch_size = directory->geometry.batch_size;
    return batch_size > READER_CHUNK_SIZE ? batch_size : READER_CHUNK_SIZE;
}

int reader_open(
    struct reader *reader, const struct datadir *directory, uint32_t shard, void *buffer)
{
    CHECK((uintptr_t)buffer % BATCH_BLOCK_SIZE == 0);
    CHECK(shard < directory->shards);
    *reader = (struct reader){
        .directory = directory,
        .origin = datadir_origin(directory, shard),
        .file = {.fd = -1},
        .buffer = buffer,
        .buffer_size = reader_buffer_size(directory),
    };
    reader->chain = chain_start(&reader->origin);
    return 0;
}

static void close_file(struct reader *reader)
{
    segment_close(&reader->file);
    reader->file_segment = 0;
    reader->window_size = 0;
}

void reader_close(struct reader *reader)
{
    close_file(reader);
    reader->batch = NULL;
}

const char *reader_problem(const struct reader *reader)
{
    return reader->problem;
}

static int complain_of_file(struct reader *reader, uint32_t segment, int result, const char *text)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    datadir_segment_path(reader->directory, reader->origin.shard, segment, path);
    (void)snprintf(reader->problem, sizeof(reader->problem), "%.400s %s", path, text);
    return result;
}

/* Recovery only: what is read next is what the disk will still have after a power cut. */
static int settle_file(const struct reader *reader)
{
    if (fdatasync(reader->file.fd) != 0)
        return -errno;
    if (!reader->file.direct)
        (void)posix_fadvise(reader->file.fd, 0, 0, POSIX_FADV_DONTNEED);
    return 0;
}

static int open_segment(struct reader *reader, uint32_t segment)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    if (reader->file_segment == segment)
        return 0;
    close_file(reader);
    datadir_segment_path(reader->directory, reader->origin.shard, segment, path);
    int result = segment_open(&reader->file, path, reader->locks ? SEGMENT_WRITE : SEGMENT_READ,
        reader->directory->buffered);
    if (result == 0 && reader->locks)
        result = settle_file(reader);
    if (result == 0)
        result = segment_read(&reader->file, reader->buffer, SEGMENT_HEADER_SIZE, 0);
    if (result != 0) {
        close_file(reader);
        return complain_of_file(
            reader, segment, result, result == -ENOENT ? "is missing" : strerror(-result));
    }
    enum segment_verdict verdict = segment_check(reader->buffer, &reader->origin, segment);
    if (verdict != SEGMENT_VALID) {
        close_file(reader);
        return complain_of_file(reader, segment, -EBADMSG, segment_verdict_text(verdict));
    }
    reader->file_segment = segment;
    return 0;
}

/* Bytes of the segment that may be read. */
static uint32_t readable(const struct reader *reader, uint32_t segment, uint64_t limit)
{
    return journal_place(segment, reader->origin.segment_size) <= limit
               ? reader->origin.segment_size
               : (uint32_t)limit;
}

/* Brings `size` bytes at `offset` into the window, and more if there are more. */
static int fill(struct reader *reader, uint32_t offset, uint32_t size, uint32_t end)
{
    CHECK(size <= reader->buffer_size);
    CHECK(offset + size <= end);
    if (offset >= reader->window_offset &&
        offset + size <= reader->window_offset + reader->window_size)
        return 0;
    uint32_t wanted = size > READER_CHUNK_SIZE ? size : READER_CHUNK_SIZE;
    if (wanted > end - offset)
        wanted = end - offset;
    reader->window_size = 0;
    int result = segment_read(&reader->file, reader->buffer, wanted, offset);
    if (result != 0)
        return complain_of_file(reader, reader->file_segment, result, strerror(-result));
    reader->window_offset = offset;
    reader->window_size = wanted;
    return 0;
}

static const uint8_t *at(const struct reader *reader, uint32_t offset)
{
    return reader->buffer + (offset - reader->window_offset);
}

/* The chain that the header continues, taken from the header itself: after a seek. */
static struct chain chain_before(const struct batch_header *header)
{
    return (struct chain){
        .hash = header->previous,
        .number = header->number - 1,
        .record = header->first_record - 1,
        .seq = header->first_seq - 1,
        .shelf_ms = header->shelf_ms,
        .wall_ms = header->wall_ms,
        .incarnation = header->incarnation,
        .segment = header->segment,
        .offset = header->offset,
    };
}

/* Judges what stands at a place; BATCH_VALID: it is the next batch and in the window. */
static int look(struct reader *reader, uint32_t segment, uint32_t offset, uint64_t limit,
    enum batch_verdict *verdict)
{
    struct batch_header *header = &reader->header;
    uint32_t end = readable(reader, segment, limit);
    *verdict = BATCH_NO_ROOM;
    if (offset + BATCH_BLOCK_SIZE > end)
        return 0;
    int result = open_segment(reader, segment);
    if (result == 0)
        result = fill(reader, offset, BATCH_BLOCK_SIZE, end);
    if (result != 0)
        return result;
    *verdict = batch_check_header(at(reader, offset), &reader->origin, segment, offset, header);
    if (*verdict == BATCH_VALID && !reader->unchained)
        *verdict = chain_check(&reader->chain, header);
    if (*verdict != BATCH_VALID)
        return 0;
    if (offset + header->size > end) {
        *verdict = BATCH_BAD_SIZE;
        return 0;
    }
    result = fill(reader, offset, header->size, end);
    if (result != 0)
        return result;
    *verdict = batch_check_body(at(reader, offset), header);
    if (*verdict == BATCH_VALID)
        *verdict = batch_check_records(at(reader, offset), header);
    return 0;
}

/* No batch at either place: the end, or beside a running server damage. */
static int no_batch(struct reader *reader, uint64_t limit)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    reader->window_size = 0; /* what is there may be written yet */
    if (limit == READER_NO_LIMIT && !reader->unchained)
        return 0;
    datadir_segment_path(reader->directory, reader->origin.shard, reader->end_segment, path);
    (void)snprintf(reader->problem, sizeof(reader->problem),
        "%.300s at offset %" PRIu32 ": the batch after number %" PRIu64 " %s", path,
        reader->end_offset, reader->chain.number, batch_verdict_text(reader->end));
    return -EBADMSG;
}

/* Finds the batch after the chain. */
static int find_next(struct reader *reader, uint64_t limit)
{
    uint32_t segment = reader->chain.segment;
    enum batch_verdict verdict;
    int result = look(reader, segment, reader->chain.offset, limit, &verdict);
    if (result != 0)
        return result;
    if (verdict == BATCH_VALID)
        return 1;
    reader->end = verdict;
    reader->end_segment = segment;
    reader->end_offset = reader->chain.offset;
    if (!reader->unchained && segment < reader->directory->geometry.segments &&
        journal_place(segment + 1, SEGMENT_HEADER_SIZE) < limit) {
        result = look(reader, segment + 1, SEGMENT_HEADER_SIZE, limit, &verdict);
        if (result != 0)
            return result;
        if (verdict == BATCH_VALID)
            return 1;
        if (reader->end == BATCH_NO_ROOM) {
            reader->end = verdict;
            reader->end_segment = segment + 1;
            reader->end_offset = SEGMENT_HEADER_SIZE;
        }
    }
    return no_batch(reader, limit);
}

int reader_next_batch(struct reader *reader, uint64_t limit_place)
{
    reader->batch = NULL;
    for (;;) {
        if (journal_place(reader->chain.segment, reader->chain.offset) >= limit_place)
            return 0;
        int result = find_next(reader, limit_place);
        if (result != 1)
            return result;
        if (reader->unchained)
            reader->chain = chain_before(&reader->header);
        reader->unchained = false;
        chain_advance(&reader->chain, &reader->header);
        if (reader->after_seq == 0 || reader->header.last_seq > reader->after_seq)
            break;
    }
    reader->batch = at(reader, reader->header.offset);
    reader->next = 0;
    reader->next_index = 0;
    return 1;
}

static struct reader_place place_of(const struct reader *reader, uint32_t position, uint32_t index)
{
    const struct batch_header *header = &reader->header;
    return (struct reader_place){
        .batch = header->number,
        .record = header->first_record + index,
        .shelf_ms = header->shelf_ms,
        .wall_ms = header->wall_ms,
        .incarnation = header->incarnation,
        .segment = header->segment,
        .offset = header->offset + batch_header_size(header->shard_count) + position,
        .node = header->node,
        .shard = header->shard,
    };
}

/* Whether the record comes before the position that reader_seek() asked for. */
static bool passed_over(struct reader *reader, const struct event *event)
{
    if (reader->after_seq == 0)
        return false;
    if (event->stream_count == 0 ||
        event->stream_seq + event->stream_count - 1 <= reader->after_seq)
        return true;
    reader->after_seq = 0;
    return false;
}

bool reader_next(struct reader *reader, struct event *event, struct reader_place *place)
{
    CHECK(reader->batch != NULL);
    const uint8_t *records = reader->batch + batch_header_size(reader->header.shard_count);
    while (reader->next < reader->header.used) {
        uint32_t consumed;
        uint32_t position = reader->next;
        int result = record_decode(
            bytes_of(records + position, reader->header.used - position), event, &consumed);
        CHECK(result == 0); /* batch_check_records() has decoded it before */
        reader->next += consumed;
        reader->next_index++;
        if (passed_over(reader, event))
            continue;
        if (place != NULL)
            *place = place_of(reader, position, reader->next_index - 1);
        return true;
    }
    return false;
}

/* Whether a segment begins with a batch, and with which; its header alone is judged. */
static int first_header(struct reader *reader, uint32_t segment, struct batch_header *header)
{
    int result = open_segment(reader, segment);
    if (result == 0)
        result = fill(reader, SEGMENT_HEADER_SIZE, BATCH_BLOCK_SIZE, reader->origin.segment_size);
    if (result != 0)
        return result;
    enum batch_verdict verdict = batch_check_header(
        at(reader, SEGMENT_HEADER_SIZE), &reader->origin, segment, SEGMENT_HEADER_SIZE, header);
    reader->window_size = 0;
    return verdict == BATCH_VALID ? 1 : 0;
}

/* The last segment whose first batch begins at or before the number after `after_seq`. */
static int segment_to_start(struct reader *reader, uint64_t after_seq, uint32_t *segment)
{
    struct batch_header header;
    *segment = 1;
    for (uint32_t i = 2; i <= reader->directory->geometry.segments; i++) {
        int result = first_header(reader, i, &header);
        if (result < 0)
            return result;
        if (result == 0 || header.first_seq > after_seq + 1)
            return 0;
        *segment = i;
    }
    return 0;
}

int reader_seek(struct reader *reader, uint64_t after_seq, uint64_t *oldest)
{
    uint32_t segment = 1;
    *oldest = 1; /* segments are not used again yet: everything is kept */
    int result = after_seq == 0 ? 0 : segment_to_start(reader, after_seq, &segment);
    if (result != 0)
        return result;
    reader->batch = NULL;
    reader->after_seq = after_seq;
    reader->chain = chain_start(&reader->origin);
    /* The first batch of a segment may be one that was torn and then begun elsewhere: start one
     * segment earlier, whose first batch is known to be followed by more. */
    if (segment > 2)
        reader->chain.segment = segment - 1;
    reader->unchained = reader->chain.segment > 1;
    return 0;
}
