/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_model - what the events of all journals add up to, counted in two ways that must agree.
 *
 *     by moves    what each event says it took, gave back, sold, restocked
 *     by state    what lives at the end: cart lines with a hold, unpaid orders, confirmed orders
 *
 * A unit that moved into `held` and belongs to nobody is stranded; one that somebody has and that
 * never moved is promised twice. It knows nothing of the engine's tables and is not in its way.
 *
 * A shard's events may begin with a restating walk: then both counts begin with what it restates,
 * and its events with the stream number that it says. Every later walk is an examination: each
 * image must be what the events before it have made, and nothing that lives may be missing. Shards
 * may begin at different times: what one shard took and gave back balances by itself. Allowances
 * and names are not counted here.
 *
 * Ownership  Heap memory, for a command that ends; audit_model_free() gives it back.
 * Threads    One.
 * Units      Units of stock, minor units, stream numbers.
 * Errors     Violations are printed and counted in struct audit_findings. Out of memory ends the
 *            process (fatal.h).
 * Cost       O(events + lines).
 */
#ifndef HOTSHELF_PERSIST_AUDIT_MODEL_H
#define HOTSHELF_PERSIST_AUDIT_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/event.h"
#include "persist/audit_index.h"

enum audit_violation {
    AUDIT_OVERSOLD,
    AUDIT_STRANDED,
    AUDIT_LOST,
    AUDIT_DUPLICATED,
    AUDIT_GAPS,
    AUDIT_DIFFERENT,
    AUDIT_VIOLATIONS,
};

struct audit_findings {
    FILE *out;
    uint64_t counts[AUDIT_VIOLATIONS];
};

/* Prints "oversold: ..." and counts it. */
__attribute__((format(printf, 3, 4))) void audit_find(
    struct audit_findings *findings, enum audit_violation violation, const char *format, ...);

/* In what follows `walk` is the number of its shard's last walk when it was last seen. */
struct audit_sku {
    bool known;
    bool leaving; /* the removal of its sale has begun */
    uint32_t sale_number;
    char name[SKU_SIZE_MAX + 1];
    int64_t allotment;
    int64_t held_by_moves, sold_by_moves;
    int64_t held_by_state, sold_by_state;
    uint64_t gone; /* units in orders forgotten before what was read */
    uint64_t walk;
};

struct audit_line {
    uint32_t sku_number;
    uint32_t quantity;
    uint32_t restocked;
};

/* What a customer's cart holds of a SKU. */
struct audit_hold {
    uint64_t units;
    uint64_t walk;
    uint32_t sku_number;
    uint16_t shard;
};

/* Units of a SKU sold in orders that a shard has forgotten. */
struct audit_gone {
    uint64_t units;
    uint64_t walk;
    uint32_t sku_number;
    uint16_t shard;
};

/* A checkout key; 0: it is forgotten. */
struct audit_key {
    uint64_t keep_shelf_ms;
    uint64_t walk;
    uint32_t order;
    uint16_t shard;
};

/* What PostgreSQL's row must show. */
struct audit_row {
    uint32_t version; /* 0: nothing of it is streamed yet */
    uint8_t status;
    int64_t total;
    uint64_t lines_hash; /* of the text that audit_postgres.c asks for */
};

struct audit_order {
    uint8_t id[16];
    uint16_t shard;
    uint8_t status;
    bool sold;     /* was confirmed: its units are sold but for the restocked ones */
    bool seen;     /* in PostgreSQL */
    bool key_went; /* before its time */
    bool forgotten;
    bool row_unknown; /* its image is younger than the stream's position */
    uint32_t version;
    uint32_t line_count;
    struct audit_line *lines;
    struct audit_row streamed; /* as of the stream's position */
    uint64_t terms_hash;       /* of what an image must say, too */
    uint64_t stream_seq;
    uint64_t walk;
};

/* Where a shard is. */
struct audit_shard {
    bool begun;        /* an event was seen */
    bool is_base;      /* in the walk it began with: what is unknown begins the counts */
    uint64_t walk;     /* number of the last one begun; 0 none */
    uint64_t images;   /* records of it so far */
    uint64_t seq;      /* last stream number seen */
    uint64_t base_seq; /* the one before its first event */
    uint64_t position; /* PostgreSQL's; UINT64_MAX without it */
};

struct audit_model {
    struct audit_findings *findings;
    struct audit_sku *skus; /* by number */
    uint32_t sku_count;
    struct audit_order *orders;
    uint32_t order_count;
    struct audit_index order_index; /* id -> orders */
    struct audit_hold *holds;
    uint32_t hold_count;
    struct audit_index hold_index; /* customer and SKU -> holds */
    struct audit_gone *gone;
    uint32_t gone_count;
    struct audit_index gone_index; /* shard and SKU -> gone */
    struct audit_key *keys;
    uint32_t key_count;
    struct audit_index key_index;  /* customer and key -> keys */
    struct audit_index hash_index; /* as it is forgotten -> keys */
    uint32_t sku_next;             /* numbers below may be of products removed before */
    uint32_t leaving;              /* the sale under removal when shard 0 began */
    uint32_t shard;                /* of the event that is looked at */
    struct audit_shard shards[SHARDS_MAX];
    uint64_t events;
};

void audit_model_init(struct audit_model *model, struct audit_findings *findings);
void audit_model_free(struct audit_model *model);

/* Events of one shard in its order; shard 0's products before lines of them. */
void audit_model_event(struct audit_model *model, uint32_t shard, const struct event *event);
/* V1 to V4, when all events are in. */
void audit_model_check(struct audit_model *model);

struct audit_order *audit_model_order(struct audit_model *model, const uint8_t id[16]);

#endif
