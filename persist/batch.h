/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch - what one write of the journal carries, and the chain that orders batches.
 *
 *     [header 128 + 8 x shards][record][record]..[zeros to 4 KiB]
 *          |  hash of the batch before  <------ chain ------>  |
 *
 * Every batch names the one before by its hash, so an old batch, a misplaced one or one that was
 * never acknowledged cannot be taken for the next. A batch that is not valid is a torn tail only if
 * nothing vouches for it; recover.h judges that with the functions here. Bytes: FORMAT.md.
 *
 * Ownership  The caller's buffer, aligned to 4 KiB; headers are copied in and out.
 * Threads    None: pure functions.
 * Units      Bytes; shelf and wall clock in milliseconds; numbers count from 1.
 * Errors     enum batch_verdict: the first rule of FORMAT.md that a batch breaks.
 * Cost       One XXH3 over the batch to seal and to check.
 */
#ifndef HOTSHELF_PERSIST_BATCH_H
#define HOTSHELF_PERSIST_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/limits.h"

enum {
    BATCH_VERSION = 1,
    BATCH_BLOCK_SIZE = 4096,      /* what a write is padded to; the largest sector of a disk */
    BATCH_SIZE_DEFAULT = 1 << 20, /* 1 MiB is written in 3 times the time of 4 KiB */
    BATCH_HEADER_SIZE_MAX = 128 + 8 * SHARDS_MAX,
};

/* As on disk; after it the durable batch number of every shard, 8 bytes each. */
struct batch_header {
    uint64_t magic;
    uint64_t hash;        /* XXH3-64 of the whole padded batch from `directory` on */
    uint64_t header_hash; /* XXH3-64 of the header alone from `directory` on */
    uint64_t directory;   /* identity of the data directory, random */
    uint64_t previous;    /* hash of the batch before; of the first: directory */
    uint64_t number;
    uint64_t first_record; /* number of the first record in it, or of the next one to come */
    uint64_t first_seq;    /* stream number of the first streamed event, or of the next to come */
    uint64_t last_seq;     /* last stream number used up to the end of this batch */
    uint64_t shelf_ms;
    int64_t wall_ms;
    uint64_t incarnation;
    uint32_t generation;
    uint32_t segment; /* where it was written: a misdirected write does not fit */
    uint32_t offset;
    uint32_t size; /* padded */
    uint32_t used; /* bytes of records */
    uint32_t record_count;
    uint16_t version;
    uint16_t node;
    uint16_t shard;
    uint16_t shard_count;
};

_Static_assert(sizeof(struct batch_header) == 128, "layout on disk");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the disk is little-endian");

/* Whose journal it is: what every segment and batch header repeats, and the bounds of both. */
struct journal_origin {
    uint64_t directory;
    uint32_t generation;
    uint32_t segment_size;
    uint32_t batch_size; /* largest batch */
    uint16_t node;
    uint16_t shard;
    uint16_t shard_count;
};

/* Where a shard's chain of batches has got to. */
struct chain {
    uint64_t hash;   /* of the last batch */
    uint64_t number; /* of the last batch; 0 before the first */
    uint64_t record; /* number of the last record */
    uint64_t seq;    /* last stream number used */
    uint64_t shelf_ms;
    int64_t wall_ms;
    uint64_t incarnation;
    uint32_t segment; /* where the last batch ends */
    uint32_t offset;
};

enum batch_verdict {
    BATCH_VALID,
    BATCH_BLANK,   /* the first block is all zero: nothing was ever written here */
    BATCH_STALE,   /* of an earlier segment in the same slot */
    BATCH_NO_ROOM, /* the segment ends here */
    BATCH_NOT_A_BATCH,
    BATCH_HEADER_DAMAGED,
    BATCH_OTHER_VERSION,
    BATCH_OTHER_JOURNAL,
    BATCH_OUT_OF_PLACE,
    BATCH_BAD_SIZE,
    BATCH_DAMAGED,
    BATCH_NOT_NEXT,
    BATCH_BAD_RECORD,
};

/* The verdict as the end of a sentence about a batch. */
const char *batch_verdict_text(enum batch_verdict verdict);

/* Whether what stands at the end of a journal can be the remains of one write of its shard, or
 * nothing. What is whole in itself was written by somebody, and not as the next batch. */
bool batch_can_be_torn(enum batch_verdict verdict);

uint32_t batch_header_size(uint32_t shard_count);

/* Completes the batch in `buffer`, whose records lie after the header: writes header and durable
 * numbers, zeroes the padding, computes the hashes. `header` has every field but magic, hashes,
 * size and version; they are filled in. Answers the padded size. */
uint32_t batch_seal(uint8_t *buffer, struct batch_header *header, const uint64_t *durable);

/* Judges the header in the first block of a batch; `out` is filled when the bytes are a header
 * whose own hash holds, whatever else is wrong with it. */
enum batch_verdict batch_check_header(const uint8_t *block, const struct journal_origin *origin,
    uint32_t segment, uint32_t offset, struct batch_header *out);
/* Judges the whole batch, header.size bytes, after its header was found valid. */
enum batch_verdict batch_check_body(const uint8_t *batch, const struct batch_header *header);
/* Walks the records: each must decode and carry the next stream number. */
enum batch_verdict batch_check_records(const uint8_t *batch, const struct batch_header *header);

/* The chain before the first batch of a journal. */
struct chain chain_start(const struct journal_origin *origin);
/* Whether the batch is the next one: BATCH_VALID or BATCH_NOT_NEXT. */
enum batch_verdict chain_check(const struct chain *chain, const struct batch_header *header);
/* The chain after the batch. */
void chain_advance(struct chain *chain, const struct batch_header *header);

/* The durable batch number of a shard, as the batch's header has it. */
uint64_t batch_durable(const uint8_t *batch, uint32_t shard);

#endif
