/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader - the records of one shard's journal in order, each batch verified before its first event
 * is shown. The stream, `hotshelf orders`, `audit`, `journal verify|dump` and recovery all read
 * through it.
 *
 * Segments are found by their numbers; the map of the slots is read when one is not found. A
 * segment whose slot has been used again while it was read, or before, is no longer kept: -ERANGE.
 *
 *     while (reader_next_batch(&reader, limit) == 1)
 *         while (reader_next(&reader, &event, &place))
 *             ...
 *
 * Beside a running server in its process, `limit` is the shard's durable_place: what is not durable
 * is never seen, and what is durable but not valid is damage. From another process, or offline,
 * READER_NO_LIMIT: the reader stops at the first batch that is not (yet) valid, and may be asked
 * again later.
 *
 * Ownership  The caller's buffer, reader_buffer_size() bytes aligned to 4 KiB, from open to close.
 *            Events borrow it until the next reader_next_batch().
 * Threads    One per reader.
 * Units      Places are segment << 32 | offset (journal_shared.h).
 * Errors     -EBADMSG damage, -ERANGE no longer kept, -errno of the disk; reader_problem() is a
 *            sentence.
 * Cost       Reads of 256 KiB or one batch; one hash per batch, each record decoded twice. The map:
 *            two blocks of every slot.
 */
#ifndef HOTSHELF_PERSIST_READER_H
#define HOTSHELF_PERSIST_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "persist/batch.h"
#include "persist/datadir.h"
#include "persist/segment.h"
#include "persist/segment_map.h"

#define READER_NO_LIMIT UINT64_MAX

enum { READER_CHUNK_SIZE = 256 << 10 };

/* What a record's batch says about it. */
struct reader_place {
    uint64_t batch;
    uint64_t record;
    uint64_t shelf_ms;
    int64_t wall_ms;
    uint64_t incarnation;
    uint32_t segment;
    uint32_t offset; /* of the record in its segment */
    uint16_t node;
    uint16_t shard;
};

struct reader {
    const struct datadir *directory;
    struct journal_origin origin;
    struct segment_file file;
    uint32_t file_segment; /* number of the open file; 0 none */
    uint32_t file_slot;
    struct segment_map map; /* in the caller's buffer, behind the window */
    uint8_t *buffer;
    uint32_t buffer_size;   /* of the window */
    uint32_t window_offset; /* what the buffer holds of the open file */
    uint32_t window_size;
    struct chain chain;         /* after the batch shown now */
    bool unchained;             /* after a seek: the next batch's predecessor was not read */
    uint64_t after_seq;         /* batches and records up to it are passed over */
    struct batch_header header; /* of the batch shown now */
    const uint8_t *batch;
    uint32_t next;          /* bytes of its records already shown */
    uint32_t next_index;    /* records already shown */
    enum batch_verdict end; /* why there was no next batch */
    uint32_t end_segment;
    uint32_t end_slot;
    uint32_t end_offset;
    char problem[512];
};

uint32_t reader_buffer_size(const struct datadir *directory);

/* Positions at segment 1, with which every journal has begun. `directory` outlives the reader. */
int reader_open(
    struct reader *reader, const struct datadir *directory, uint32_t shard, void *buffer);
void reader_close(struct reader *reader);

/* Positions at a walk, or at segment 1 when its number is 0. The first batch is then not known to
 * follow another. */
void reader_start(struct reader *reader, const struct walk_place *walk);

/* Positions at the oldest segment kept. */
int reader_oldest(struct reader *reader);

/* Positions after a stream number: the next record shown is the first one whose last stream number
 * is greater (0: the oldest kept). A record that carries several numbers is shown whole.
 * -ERANGE: the number is older than what is kept; `oldest_seq` is then the oldest kept. */
int reader_seek(struct reader *reader, uint64_t after_seq, uint64_t *oldest_seq);

/* 1: a batch is ready for reader_next(). 0: no further batch now; `end` says why. */
int reader_next_batch(struct reader *reader, uint64_t limit_place);

/* The next event of the batch, or false after its last. `place` may be NULL. */
bool reader_next(struct reader *reader, struct event *event, struct reader_place *place);

/* A sentence about the last negative answer. */
const char *reader_problem(const struct reader *reader);

#endif
