/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench records: what the journal does with an event: write it, seal the batch it is in
 * (two hashes, XXH3), read its own record to settle it; and what recovery does with one, decode.
 * (`hotshelf-bench journal` has the disk.)
 *
 * A batch of one order is padded to a block of the disk and hashed with its zeros; one of a hundred
 * costs each of them a hundredth.
 */
#include <stdlib.h>

#include "bench/modules/core_module.h"
#include "bench/modules/placed.h"
#include "core/check.h"
#include "persist/batch.h"
#include "persist/record.h"

enum { RECORDS = 20000, SEALS = 2000, MANY = 100, LINES = 4, BATCH_SIZE = 1 << 18 };

struct records {
    _Alignas(BATCH_BLOCK_SIZE) uint8_t batch[BATCH_SIZE];
    struct placed placed;
    uint32_t size;     /* of its record */
    uint32_t in_batch; /* bytes of records */
    uint64_t sealed;   /* batches */
    uint64_t hash;     /* of the last one */
    uint64_t durable[1];
};

static void *open_records(const struct measure_case *own)
{
    struct records *records = aligned_alloc(BATCH_BLOCK_SIZE, sizeof *records);
    CHECK(records != NULL);
    memset(records, 0, sizeof *records);
    placed_write(&records->placed, own->kind);
    CHECK(record_valid(&records->placed.event));
    records->size = record_size(&records->placed.event);
    uint8_t *at = records->batch + batch_header_size(1);
    for (uint32_t i = 0; i < own->scale; i++, at += records->size) {
        CHECK(records->in_batch + records->size < BATCH_SIZE - BATCH_BLOCK_SIZE);
        record_encode(&records->placed.event, at);
        records->in_batch += records->size;
    }
    return records;
}

static void close_records(void *context)
{
    free(context);
}

static void encode(void *context, uint32_t first, uint32_t count)
{
    struct records *records = context;
    uint8_t *at = records->batch + batch_header_size(1);
    for (uint32_t i = first; i < first + count; i++) {
        measure_keep(record_put(&records->placed.event, at + i % MANY * records->size, BATCH_SIZE));
    }
}

static void decode(void *context, uint32_t first, uint32_t count)
{
    struct records *records = context;
    const uint8_t *at = records->batch + batch_header_size(1);
    for (uint32_t i = first; i < first + count; i++) {
        struct event event;
        uint32_t consumed;
        struct bytes rest = bytes_of(at + i % MANY * records->size, records->size);
        CHECK(record_decode(rest, &event, &consumed) == 0);
        measure_keep(event.line_count);
    }
}

static void read_own(void *context, uint32_t first, uint32_t count)
{
    struct records *records = context;
    const uint8_t *at = records->batch + batch_header_size(1);
    for (uint32_t i = first; i < first + count; i++) {
        struct event event;
        measure_keep(record_read_own(at + i % MANY * records->size, &event));
        measure_keep(event.line_count);
    }
}

static void seal(void *context, uint32_t first, uint32_t count)
{
    struct records *records = context;
    for (uint32_t i = first; i < first + count; i++) {
        struct batch_header header = {
            .directory = 1,
            .previous = records->hash,
            .number = ++records->sealed,
            .first_record = 1,
            .first_seq = 1,
            .used = records->in_batch,
            .record_count = records->in_batch / records->size,
            .shard_count = 1,
        };
        measure_keep(batch_seal(records->batch, &header, records->durable));
        records->hash = header.hash;
    }
}

/* kind: lines of the order; scale: records in the batch. */
#define RECORD(title, what, lines, records, times, how)                                            \
    {                                                                                              \
        .name = (title), .operation = (what), .kind = (lines), .scale = (records),                 \
        .count = (times), .open = open_records, .close = close_records, .parts = {                 \
            {.run = (how)}                                                                         \
        }                                                                                          \
    }

static const struct measure_case cases[] = {
    RECORD("encode", "an order of one line", 1, MANY, RECORDS, encode),
    RECORD("encode_4", "an order of four lines", LINES, MANY, RECORDS, encode),
    RECORD("read_own", "an order of one line, to settle it", 1, MANY, RECORDS, read_own),
    RECORD("read_own_4", "an order of four lines, to settle it", LINES, MANY, RECORDS, read_own),
    RECORD("decode", "an order of one line, to recover it", 1, MANY, RECORDS, decode),
    RECORD("decode_4", "an order of four lines, to recover it", LINES, MANY, RECORDS, decode),
    RECORD("seal", "a batch of one order", 1, 1, SEALS, seal),
    RECORD("seal_100", "a batch of a hundred orders", 1, MANY, SEALS, seal),
};

const struct core_module records_module = {
    .name = "records",
    .summary = "events as the journal's bytes and back, batches sealed",
    .cases = cases,
    .count = sizeof cases / sizeof cases[0],
};
