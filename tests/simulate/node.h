/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node - the journals of a simulated server: the shop's records go through the real journal to the
 * simulated disk, and come back through the real recovery.
 *
 *     shop_happen -> journal_append -> commit -> write in flight -> lands -> written -> settle
 *                                          (node_turn, in the order of the server's loop)
 *
 * The shards restate by the real walker, which is also told to walk more often and more slowly than
 * it would: journals are small, so that their rings go round. Recovery begins at the last walk that
 * a header names; what was recorded before it is counted by where that walk had begun.
 *
 * A crash cuts the power, kills the process or lets a write fail; the start after it may be cut in
 * turn. Then it is recovered twice. What had been told to be durable must be there, and of the
 * batch in flight all records or none.
 *
 * Beside it the stream runs to a simulated PostgreSQL, which fails, is away, or goes back to what a
 * replica had. An old copy of the disk may be put in the place of the real one: then the start must
 * be refused, since PostgreSQL knows more (S1).
 *
 * Ownership  node_open() takes heap memory, node_close() gives it back. The shop is the caller's.
 * Threads    One.
 * Units      Records are counted from the first start of the node.
 * Errors     What may not be is told and ends the process.
 * Cost       A batch is some 10 us; a recovery reads what a few walks have written.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_NODE_H
#define HOTSHELF_TESTS_SIMULATE_NODE_H

#include "persist/journal.h"
#include "persist/recover.h"
#include "persist/walker.h"
#include "tests/core/shop.h"
#include "tests/simulate/disk_sim.h"
#include "tests/simulate/streaming.h"

enum { NODE_UNSETTLED_MAX = 1 << 14, NODE_WALKS_KEPT = 64 };

enum node_crash {
    NODE_CUT,
    NODE_KILLED,
    NODE_FAILED_WRITE,
    NODE_SHORT_WRITE,
    NODE_FULL_DISK,
    NODE_CRASHES
};

struct node {
    struct shop_books books; /* for shop->books */
    struct shop *shop;
    struct disk_sim *disk;
    struct datadir_options options;
    struct datadir directory;
    struct journal_shared shared;
    struct journal journals[SHOP_SHARDS_MAX];
    struct walker walkers[SHOP_SHARDS_MAX];
    int flights[SHOP_SHARDS_MAX];
    uint64_t appended[SHOP_SHARDS_MAX];                  /* records */
    uint64_t durable[SHOP_SHARDS_MAX];                   /* of them, told to be and settled */
    uint64_t on_way[SHOP_SHARDS_MAX];                    /* last record of the batch in flight */
    uint64_t replayed[SHOP_SHARDS_MAX];                  /* by the last recovery */
    uint64_t begun_at[SHOP_SHARDS_MAX][NODE_WALKS_KEPT]; /* records before a walk, by its number */
    bool is_image[SHOP_SHARDS_MAX][NODE_UNSETTLED_MAX];  /* by the number of the record */
    uint32_t command_size; /* bytes of records that a command makes at most */
    uint8_t *record;       /* as it was to be written */
    struct recovery recovery;
    struct streaming *streaming;
    uint64_t met; /* the PostgreSQL that the journal of shard 0 says it has met */
    bool met_is_durable;
    struct disk_sim *old; /* a copy of the disk, from some time ago; NULL: none */
    bool is_old;          /* the copy is being started */
    uint64_t old_refused;
    struct arena arena;
    uint64_t memory_size;
    struct dice dice;
    uint64_t recoveries, batches, audits;
    uint64_t crashes[NODE_CRASHES], cut_starts;
    char error[1024];
};

/* For a shop without records. */
void node_open(struct node *node, struct shop *shop, uint64_t seed);
void node_close(struct node *node);

/* One turn of a shard's loop: what is in flight lands if the disk is ready, and a batch is handed
 * out if one is to be written. Durable records then wait in shop_settle_one(). */
void node_turn(struct node *node, uint32_t shard, bool disk_is_ready);
/* The stream goes on. */
void node_stream(struct node *node);
/* Whether a journal is soon full; PostgreSQL is there and gets all that is durable. */
bool node_is_short(const struct node *node);
void node_catch_up(struct node *node);
/* When all is durable: whether PostgreSQL has it. */
void node_judge_stream(struct node *node);
/* Whether the next record of the shard can be settled now. */
bool node_has_durable(const struct node *node, uint32_t shard);
/* Whether commands may run on the shard. */
bool node_has_room(const struct node *node, uint32_t shard);
/* A walk of the shard goes on by so many images; without one, begins if that pays, or if it is
 * asked for. Answers how many records that made. */
uint32_t node_restate(struct node *node, uint32_t shard, uint32_t images, bool begins);
/* Whether that record, not yet settled or just read back, changes nothing. */
bool node_is_image(const struct node *node, uint32_t shard, uint64_t record);
/* How often the journals have gone round, all shards together. */
uint64_t node_laps(const struct node *node);
_Noreturn void node_fail(const struct node *node, const char *what);

#endif
