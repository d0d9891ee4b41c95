/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch - sealing writes the header, zeroes the padding and computes two hashes: one over the whole
 * batch, which the next batch names, and one over the header alone.
 *
 * The header's own hash is for the day when two things go wrong at once: the last acknowledged
 * batch has rotted and the one after it was torn. Its header, in the first sector, then still
 * proves that the lost one had been acknowledged.
 */
#include "persist/batch.h"

#include <string.h>
#include <xxhash.h>

#include "core/bugs.h"
#include "core/check.h"
#include "persist/record.h"

/* No text holds these bytes, so nothing a customer sends can look like a header. */
#define BATCH_MAGIC UINT64_C(0x01316863746162fe) /* fe "batch1" 01 */

/* What the hashes cover begins with `directory`. */
enum { HASHED_FROM = 24 };
_Static_assert(offsetof(struct batch_header, directory) == HASHED_FROM, "the hashes come before");
_Static_assert(offsetof(struct batch_header, previous) == 32, "layout on disk");
_Static_assert(offsetof(struct batch_header, number) == 40, "layout on disk");
_Static_assert(offsetof(struct batch_header, first_record) == 48, "layout on disk");
_Static_assert(offsetof(struct batch_header, first_seq) == 56, "layout on disk");
_Static_assert(offsetof(struct batch_header, last_seq) == 64, "layout on disk");
_Static_assert(offsetof(struct batch_header, shelf_ms) == 72, "layout on disk");
_Static_assert(offsetof(struct batch_header, wall_ms) == 80, "layout on disk");
_Static_assert(offsetof(struct batch_header, incarnation) == 88, "layout on disk");
_Static_assert(offsetof(struct batch_header, generation) == 96, "layout on disk");
_Static_assert(offsetof(struct batch_header, size) == 108, "layout on disk");
_Static_assert(offsetof(struct batch_header, version) == 120, "layout on disk");
_Static_assert(BATCH_HEADER_SIZE_MAX <= BATCH_BLOCK_SIZE, "a header is read in one block");

const char *batch_verdict_text(enum batch_verdict verdict)
{
    switch (verdict) {
    case BATCH_VALID:
        return "is valid";
    case BATCH_BLANK:
        return "was never written: its first block is all zero";
    case BATCH_STALE:
        return "was never written: what stands there is from an earlier use of the file";
    case BATCH_NO_ROOM:
        return "has no room: the last segment ends here";
    case BATCH_NOT_A_BATCH:
        return "does not begin with a batch header";
    case BATCH_HEADER_DAMAGED:
        return "has a damaged header: its hash does not match";
    case BATCH_OTHER_VERSION:
        return "has a format version that this program does not know";
    case BATCH_OTHER_JOURNAL:
        return "belongs to another data directory, node, shard or generation";
    case BATCH_OUT_OF_PLACE:
        return "was written for another place";
    case BATCH_BAD_SIZE:
        return "has sizes that cannot be";
    case BATCH_DAMAGED:
        return "is damaged: its hash does not match";
    case BATCH_NOT_NEXT:
        return "does not follow the batch before it";
    case BATCH_BAD_RECORD:
        return "holds a record that cannot be understood";
    }
    return "";
}

bool batch_can_be_torn(enum batch_verdict verdict)
{
    switch (verdict) {
    case BATCH_BLANK:
    case BATCH_STALE:
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

uint32_t batch_header_size(uint32_t shard_count)
{
    return (uint32_t)sizeof(struct batch_header) + 8 * shard_count;
}

static uint32_t padded(uint32_t size)
{
    return (size + BATCH_BLOCK_SIZE - 1) / BATCH_BLOCK_SIZE * BATCH_BLOCK_SIZE;
}

static uint64_t hash_of(const uint8_t *batch, uint32_t size)
{
    return XXH3_64bits(batch + HASHED_FROM, size - HASHED_FROM);
}

uint32_t batch_seal(uint8_t *buffer, struct batch_header *header, const uint64_t *durable)
{
    uint32_t header_size = batch_header_size(header->shard_count);
    uint32_t filled = header_size + header->used;
    CHECK(header->shard < header->shard_count);
    CHECK(header->number > 0);
    header->magic = BATCH_MAGIC;
    header->version = BATCH_VERSION;
    header->size = padded(filled);
    memcpy(buffer, header, sizeof(*header));
    memcpy(buffer + sizeof(*header), durable, header_size - sizeof(*header));
    memset(buffer + filled, 0, header->size - filled);
    header->hash = hash_of(buffer, header->size);
    header->header_hash = hash_of(buffer, header_size);
    memcpy(buffer, header, sizeof(*header));
    return header->size;
}

static bool block_is_zero(const uint8_t *block)
{
    uint64_t seen = 0;
    for (uint32_t i = 0; i < BATCH_BLOCK_SIZE; i += 8) {
        uint64_t word;
        memcpy(&word, block + i, sizeof(word));
        seen |= word;
    }
    return seen == 0;
}

static bool sizes_valid(const struct batch_header *header, const struct journal_origin *origin)
{
    uint32_t header_size = batch_header_size(header->shard_count);
    if (header->size < BATCH_BLOCK_SIZE || header->size > origin->batch_size)
        return false;
    if (header->used % RECORD_ALIGNMENT != 0 || header->used > header->size - header_size)
        return false;
    return header->size == padded(header_size + header->used) &&
           header->size <= origin->segment_size - header->offset;
}

enum batch_verdict batch_check_header(const uint8_t *block, const struct journal_origin *origin,
    uint32_t segment, uint32_t offset, struct batch_header *out)
{
    struct batch_header header;
    CHECK(offset <= origin->segment_size - BATCH_BLOCK_SIZE);
    memcpy(&header, block, sizeof(header));
    if (block_is_zero(block))
        return BATCH_BLANK;
    if (header.magic != BATCH_MAGIC)
        return BATCH_NOT_A_BATCH;
    if (header.shard_count == 0 || header.shard_count > SHARDS_MAX ||
        header.header_hash != hash_of(block, batch_header_size(header.shard_count)))
        return BATCH_HEADER_DAMAGED;
    *out = header;
    if (header.version != BATCH_VERSION)
        return BATCH_OTHER_VERSION;
    if (header.directory != origin->directory || header.generation != origin->generation ||
        header.node != origin->node || header.shard != origin->shard ||
        header.shard_count != origin->shard_count)
        return BATCH_OTHER_JOURNAL;
    if (header.segment < segment && header.offset == offset && !bug(BUG_EARLIER_LAP_REFUSED))
        return BATCH_STALE;
    if (header.segment != segment || header.offset != offset)
        return BATCH_OUT_OF_PLACE;
    return sizes_valid(&header, origin) ? BATCH_VALID : BATCH_BAD_SIZE;
}

enum batch_verdict batch_check_body(const uint8_t *batch, const struct batch_header *header)
{
    bool holds = hash_of(batch, header->size) == header->hash || bug(BUG_TORN_BATCH_BELIEVED);
    return holds ? BATCH_VALID : BATCH_DAMAGED;
}

enum batch_verdict batch_check_records(const uint8_t *batch, const struct batch_header *header)
{
    const uint8_t *records = batch + batch_header_size(header->shard_count);
    uint32_t position = 0;
    uint64_t seq = header->first_seq - 1;
    struct event event;
    for (uint32_t i = 0; i < header->record_count; i++) {
        uint32_t consumed;
        if (record_decode(
                bytes_of(records + position, header->used - position), &event, &consumed) != 0)
            return BATCH_BAD_RECORD;
        if (event.stream_count > 0 && event.stream_seq != seq + 1)
            return BATCH_BAD_RECORD;
        position += consumed;
        seq += event.stream_count;
    }
    return position == header->used && seq == header->last_seq ? BATCH_VALID : BATCH_BAD_RECORD;
}

struct chain chain_start(const struct journal_origin *origin)
{
    return (struct chain){
        .hash = origin->directory,
        .segment = 1,
        .offset = BATCH_BLOCK_SIZE, /* after the segment's header */
    };
}

enum batch_verdict chain_check(const struct chain *chain, const struct batch_header *header)
{
    bool named = header->previous == chain->hash || bug(BUG_CHAIN_NOT_CHECKED);
    /* A journal that begins with what another has kept goes on with the numbers of that. */
    bool counts = chain->number == 0 || header->first_seq == chain->seq + 1;
    bool follows = named && counts && header->number == chain->number + 1 &&
                   header->first_record == chain->record + 1 && header->first_seq > chain->seq &&
                   header->last_seq >= header->first_seq - 1 &&
                   header->shelf_ms >= chain->shelf_ms && header->wall_ms >= chain->wall_ms &&
                   header->incarnation >= chain->incarnation;
    return follows ? BATCH_VALID : BATCH_NOT_NEXT;
}

void chain_advance(struct chain *chain, const struct batch_header *header)
{
    CHECK(chain_check(chain, header) == BATCH_VALID);
    *chain = (struct chain){
        .hash = header->hash,
        .number = header->number,
        .record = header->first_record + header->record_count - 1,
        .seq = header->last_seq,
        .shelf_ms = header->shelf_ms,
        .wall_ms = header->wall_ms,
        .incarnation = header->incarnation,
        .segment = header->segment,
        .offset = header->offset + header->size,
    };
}

uint64_t batch_durable(const uint8_t *batch, uint32_t shard)
{
    uint64_t number;
    memcpy(&number, batch + sizeof(struct batch_header) + 8 * shard, sizeof(number));
    return number;
}
