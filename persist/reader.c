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
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/bugs.h"
#include "core/check.h"
#include "persist/journal_shared.h"
#include "persist/record.h"

static uint32_t window_size(const struct datadir *directory)
{
    uint32_t batch_size = directory->geometry.batch_size;
    return batch_size > READER_CHUNK_SIZE ? batch_size : READER_CHUNK_SIZE;
}

uint32_t reader_buffer_size(const struct datadir *directory)
{
    uint64_t map = segment_map_size(&directory->geometry) + BATCH_BLOCK_SIZE - 1;
    return window_size(directory) + (uint32_t)(map / BATCH_BLOCK_SIZE * BATCH_BLOCK_SIZE);
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
        .buffer_size = window_size(directory),
    };
    reader->map.slots = (void *)(reader->buffer + reader->buffer_size);
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

static int complain_of_file(struct reader *reader, uint32_t slot, int result, const char *text)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    datadir_segment_path(reader->directory, reader->origin.shard, slot, path);
    (void)snprintf(reader->problem, sizeof(reader->problem), "%.400s %s", path, text);
    return result;
}

static int read_map(struct reader *reader)
{
    reader->window_size = 0; /* the buffer is used */
    return segment_map_read(&reader->map, reader->directory, reader->origin.shard, SEGMENT_MAP_LOOK,
        reader->buffer, reader->problem, sizeof(reader->problem));
}

/* The number in the header of the open file; 0 when it cannot be read now. */
static int number_in_file(struct reader *reader, uint32_t slot, uint32_t *number)
{
    struct segment_header header;
    reader->window_size = 0;
    int result = segment_read(&reader->file, reader->buffer, SEGMENT_HEADER_SIZE, 0);
    bool valid = result == 0 &&
                 segment_check(reader->buffer, &reader->origin, slot, &header) == SEGMENT_VALID;
    *number = valid ? header.number : 0;
    return result;
}

/* Opens what the map knows as `segment`: 1, or 0 when it is something else by now. */
static int open_slot(struct reader *reader, uint32_t slot, uint32_t segment)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    uint32_t number = 0;
    close_file(reader);
    datadir_segment_path(reader->directory, reader->origin.shard, slot, path);
    int result = segment_open(&reader->file, path, SEGMENT_READ, reader->directory->buffered);
    if (result == 0)
        result = number_in_file(reader, slot, &number);
    if (result == 0 && number == segment) {
        reader->file_segment = segment;
        reader->file_slot = slot;
        return 1;
    }
    close_file(reader);
    return result == 0 ? 0 : complain_of_file(reader, slot, result, strerror(-result));
}

static int complain_of_range(struct reader *reader, uint32_t segment)
{
    (void)snprintf(reader->problem, sizeof(reader->problem),
        "segment %" PRIu32 " of shard %u is no longer kept: its file is used again", segment,
        (unsigned)reader->origin.shard);
    return -ERANGE;
}

/* 1: the segment is open. 0: there is none with this number. */
static int open_segment(struct reader *reader, uint32_t segment)
{
    if (reader->file_segment == segment)
        return 1;
    for (uint32_t fresh = 0; fresh < 2; fresh++) {
        uint32_t slot = segment_map_find(&reader->map, segment);
        int result = slot != 0 ? open_slot(reader, slot, segment) : 0;
        if (result != 0)
            return result;
        if (fresh == 0)
            result = read_map(reader);
        if (result != 0)
            return result;
    }
    return segment < segment_map_oldest(&reader->map) && segment_map_damaged(&reader->map) == 0
               ? complain_of_range(reader, segment)
               : 0;
}

/* The segment that the chain has got to must be there. */
static int open_current(struct reader *reader)
{
    int result = open_segment(reader, reader->chain.segment);
    if (result != 0)
        return result;
    return segment_map_missing(&reader->map, reader->directory, reader->origin.shard,
        reader->chain.segment, reader->problem, sizeof(reader->problem));
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
        return complain_of_file(reader, reader->file_slot, result, strerror(-result));
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

/* Judges what stands at a place of the open file; BATCH_VALID: it is the next batch and in the
 * window. Answers 0 or an error, and notes where the journal ends if it is here. */
static int look(struct reader *reader, uint32_t offset, uint64_t limit, enum batch_verdict *verdict)
{
    struct batch_header *header = &reader->header;
    uint32_t segment = reader->file_segment;
    uint32_t end = readable(reader, segment, limit);
    *verdict = BATCH_NO_ROOM;
    if (offset + BATCH_BLOCK_SIZE > end)
        return 0;
    int result = fill(reader, offset, BATCH_BLOCK_SIZE, end);
    if (result != 0)
        return result;
    *verdict = batch_check_header(at(reader, offset), &reader->origin, segment, offset, header);
    /* What is newer than the chain was not written here in an earlier lap. */
    if (*verdict == BATCH_STALE && !reader->unchained && header->number > reader->chain.number)
        *verdict = BATCH_OUT_OF_PLACE;
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

static void note_end(struct reader *reader, enum batch_verdict verdict, uint32_t offset)
{
    reader->end = verdict;
    reader->end_segment = reader->file_segment;
    reader->end_slot = reader->file_slot;
    reader->end_offset = offset;
}

/* The open file is still the segment that it was when it was opened: its header is written anew
 * before anything behind it, so what was read of it until now was its own. */
static int check_file(struct reader *reader)
{
    uint32_t number, segment = reader->file_segment;
    int result = number_in_file(reader, reader->file_slot, &number);
    if (result != 0)
        return complain_of_file(reader, reader->file_slot, result, strerror(-result));
    if (number == segment)
        return 0;
    close_file(reader);
    return complain_of_range(reader, segment);
}

/* No batch at either place: the end, or beside a running server damage. */
static int no_batch(struct reader *reader, uint64_t limit)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    reader->window_size = 0; /* what is there may be written yet */
    if (limit == READER_NO_LIMIT && !reader->unchained)
        return 0;
    datadir_segment_path(reader->directory, reader->origin.shard, reader->end_slot, path);
    (void)snprintf(reader->problem, sizeof(reader->problem),
        "%.300s at offset %" PRIu32 ": the batch after number %" PRIu64 " %s", path,
        reader->end_offset, reader->chain.number, batch_verdict_text(reader->end));
    return -EBADMSG;
}

/* Whether nothing was written there since the slot was begun. */
static bool is_untouched(enum batch_verdict verdict)
{
    return verdict == BATCH_BLANK || verdict == BATCH_STALE;
}

/* Whether the journal ends at the second place rather than at the first: there was no room there,
 * or nothing was ever written there and what stands at the second can have been the next batch. */
static bool is_better_end(enum batch_verdict first, enum batch_verdict second)
{
    return first == BATCH_NO_ROOM ||
           (is_untouched(first) && !is_untouched(second) && second != BATCH_NOT_NEXT);
}

/* Finds the batch after the chain: 1, 0 when there is none. */
static int find_next(struct reader *reader, uint64_t limit)
{
    uint32_t segment = reader->chain.segment;
    enum batch_verdict verdict;
    int result = open_current(reader);
    if (result == 1)
        result = look(reader, reader->chain.offset, limit, &verdict);
    if (result != 0 || verdict == BATCH_VALID)
        return result != 0 ? result : 1;
    note_end(reader, verdict, reader->chain.offset);
    result = check_file(reader);
    if (result != 0)
        return result;
    if (reader->unchained || journal_place(segment + 1, SEGMENT_HEADER_SIZE) >= limit)
        return no_batch(reader, limit);
    result = open_segment(reader, segment + 1);
    if (result < 0)
        return result;
    if (result == 1) {
        result = look(reader, SEGMENT_HEADER_SIZE, limit, &verdict);
        if (result != 0 || verdict == BATCH_VALID)
            return result != 0 ? result : 1;
        if (is_better_end(reader->end, verdict))
            note_end(reader, verdict, SEGMENT_HEADER_SIZE);
    }
    return no_batch(reader, limit);
}

int reader_next_batch(struct reader *reader, uint64_t limit_place)
{
    reader->batch = NULL;
    if (bug(BUG_READS_AHEAD))
        limit_place = READER_NO_LIMIT;
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

void reader_start(struct reader *reader, const struct walk_place *walk)
{
    reader->batch = NULL;
    reader->after_seq = 0;
    reader->chain = chain_start(&reader->origin);
    reader->unchained = walk->number != 0;
    if (!reader->unchained)
        return;
    reader->chain.segment = walk->segment;
    reader->chain.offset = walk->offset;
    reader->chain.number = walk->batch == 0 ? 0 : walk->batch - 1;
}

static void start_segment(struct reader *reader, uint32_t segment)
{
    const struct walk_place start = {
        .number = segment > 1, .segment = segment, .offset = SEGMENT_HEADER_SIZE};
    reader_start(reader, &start);
}

int reader_oldest(struct reader *reader)
{
    int result = read_map(reader);
    if (result == 0)
        start_segment(reader, segment_map_oldest(&reader->map));
    return result;
}

/* The last segment whose first batch begins at or before the number after `after_seq`. */
static uint32_t segment_to_start(const struct reader *reader, uint32_t oldest, uint64_t after_seq)
{
    const struct segment_map *map = &reader->map;
    for (uint32_t segment = oldest;; segment++) {
        uint32_t slot = segment_map_find(map, segment + 1);
        uint64_t first_seq = slot == 0 ? 0 : map->slots[slot - 1].first_seq;
        if (first_seq == 0 || first_seq > after_seq + 1)
            return segment;
    }
}

int reader_seek(struct reader *reader, uint64_t after_seq, uint64_t *oldest_seq)
{
    int result = read_map(reader);
    if (result != 0)
        return result;
    uint32_t oldest = segment_map_oldest(&reader->map);
    uint32_t slot = segment_map_find(&reader->map, oldest);
    *oldest_seq = slot == 0 ? 0 : reader->map.slots[slot - 1].first_seq;
    if (*oldest_seq == 0) /* no batch yet */
        *oldest_seq = 1;
    if (after_seq + 1 < *oldest_seq) {
        (void)snprintf(reader->problem, sizeof(reader->problem),
            "stream number %" PRIu64 " of shard %u is no longer kept, the oldest is %" PRIu64,
            after_seq + 1, (unsigned)reader->origin.shard, *oldest_seq);
        return -ERANGE;
    }
    uint32_t segment = after_seq == 0 ? oldest : segment_to_start(reader, oldest, after_seq);
    /* The first batch of a segment may be one that was torn and then begun elsewhere: start one
     * segment earlier, whose first batch is known to be followed by more. */
    if (segment > oldest)
        segment--;
    start_segment(reader, segment);
    reader->after_seq = after_seq;
    return 0;
}
