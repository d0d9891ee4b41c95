/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_image - the facts of the records that a restating walk writes.
 *
 * A walk appends the present image of every entity of a shard to its journal, between a "walk
 * begun" and a "walk ended". From a complete walk on the journal needs nothing that stands before
 * it: an image or the record that created an entity always precedes what changes it. An image
 * creates its entity where there is none and otherwise says what is there already, so that a
 * recovery from an earlier walk runs through it unchanged; anything else is damage. Images use no
 * stream number and move no unit.
 *
 * Several small entities share a record: as lines (allowances, units sold in forgotten orders) or
 * as entries in TEXT_ENTRIES (payments of an order, keys, whom units were handed to, kills).
 *
 * Ownership  Values; lines and texts as in event.h.
 * Threads    As event.h.
 * Units      As event.h. `number` of a walk counts from 1 on each shard.
 * Errors     None; record.h refuses what cannot be one.
 * Cost       Plain memory. The byte table is persist/FORMAT.md.
 */
#ifndef HOTSHELF_CORE_EVENT_IMAGE_H
#define HOTSHELF_CORE_EVENT_IMAGE_H

#include <stdint.h>

#include "core/hash128.h"
#include "core/limits.h"

/* WALK_NAMES: lines of orders have their names, for a PostgreSQL that has none of these orders.
 * WALK_GENESIS: the first record of its journal, written from one of another number of shards; or
 * of a later walk of such a journal. */
enum walk_flag { WALK_NAMES = 1, WALK_GENESIS = 2 };

/* EVENT_WALK_BEGUN: what a shard knows besides its entities. TEXT_ENTRIES, of shard 0 with
 * WALK_GENESIS: the last stream number used under each of SHARDS_MAX shard numbers when its journal
 * began, 8 bytes each; 0: the number was never used. */
struct fact_walk {
    uint64_t number;
    uint64_t stream_seq; /* last used */
    uint64_t system_id;  /* shard 0: of the PostgreSQL that this journal has met; 0 none */
    int64_t now_wall_ms;
    uint32_t customers, holds, orders, lines; /* capacity of this shard's tables */
    uint32_t payments, keys, allowances, gone;
    uint32_t text_blocks;
    uint32_t kill_begun;   /* the last one */
    uint32_t removal_sale; /* whose part of this shard is gone; 0 none */
    uint32_t sku_next;     /* shard 0: sku_numbers below were used */
    uint32_t kill_last;    /* shard 0 */
    uint32_t leaving;      /* shard 0: the sale under removal; 0 none */
    uint8_t flags;         /* enum walk_flag */
    uint8_t reserved[7];
};

/* EVENT_WALK_ENDED */
struct fact_walk_end {
    uint64_t number;
    uint64_t images; /* records of them between begun and ended */
    uint64_t reserved[2];
};

/* EVENT_CUSTOMER_IMAGE: with a cart line and an event_hold each, in the order of the cart. */
struct fact_customer {
    uint64_t touched_shelf_ms;
    uint64_t merge_id; /* 0: no merge */
    uint64_t merge_shelf_ms;
    uint8_t last_order[16];
    uint32_t cart_version;
    uint8_t currency[4];
};

/* EVENT_KEYS_, ALLOWANCES_, GONE_, KILLS_IMAGE: so many entities, of lines or entries. */
struct fact_images {
    uint32_t count;
    uint32_t reserved;
};

/* EVENT_NAME_IMAGE of shard 0: a slot of the catalog's names, and what it stands for. The terms of
 * a sale follow as struct fact_sale of the same event; name in TEXT_SALE. */
struct image_slot {
    uint32_t slot;
    uint32_t number;      /* 0: free */
    uint32_t number_next; /* of the slot: numbers below were used */
    uint32_t free_order;  /* of a free slot: the one given back last has the greatest */
    uint8_t told;         /* enum sale_told */
    uint8_t is_seller;
    uint8_t reserved[6];
};

/* Entries in TEXT_ENTRIES, not aligned. */
struct payment_entry { /* of an order, newest first */
    struct hash128 hash;
    uint8_t results; /* bit mask of enum payment_result, and PAYMENT_DUE_BACK */
    uint8_t reserved[7];
};

struct key_entry {
    struct hash128 key;
    struct hash128 request;
    uint8_t order_id[16]; /* all 0: of no order */
    uint64_t keep_shelf_ms;
    uint32_t allotment, available, held, sold; /* a stock change's reply */
    uint8_t kind;                              /* enum request_kind */
    uint8_t reserved_1;
    uint16_t partition; /* of a merge: its customer's */
    uint8_t reserved[4];
};

struct kill_entry {
    uint64_t released; /* units, so far */
    uint64_t cancelled;
    uint32_t kill;
    uint32_t number;
    uint8_t scope; /* enum switch_scope */
    uint8_t ended; /* this shard's part is over, and its switch may still stand */
    uint8_t reserved[6];
};

/* Of small entities that share a record. */
enum {
    IMAGES_MAX = 64,
    ENTRIES_SIZE_MAX = IMAGES_MAX * (int)sizeof(struct key_entry), /* the largest of them */
};

_Static_assert(sizeof(struct fact_walk) == 96, "layout on disk");
_Static_assert(sizeof(struct fact_walk_end) == 32, "layout on disk");
_Static_assert(sizeof(struct fact_customer) == 48, "layout on disk");
_Static_assert(sizeof(struct fact_images) == 8, "layout on disk");
_Static_assert(sizeof(struct image_slot) == 24, "layout on disk");
_Static_assert(sizeof(struct payment_entry) == 24, "layout on disk");
_Static_assert(sizeof(struct key_entry) == 80, "layout on disk");
_Static_assert(sizeof(struct kill_entry) == 32, "layout on disk");
_Static_assert(8 * SHARDS_MAX <= ENTRIES_SIZE_MAX, "stream numbers of all shards fit");

#endif
