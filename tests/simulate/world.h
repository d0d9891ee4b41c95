/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world - the engine on its shards and the model beside it, one clock, and disks that are late.
 *
 *     actors --ask--> world --command--> engine --event--> log (one per shard)
 *                       |                   |                  |
 *                       +-----ask-----> model <---settle-------+   in random order between shards
 *                                           |
 *                                         judge   after every step, everything every 1,000
 *
 * Each shard's disk is fast, slow or stuck for a while. A crash loses what no disk had and builds
 * the engines anew from what they had; the model forgets the same records. With a node the log is
 * the real journal, the disk a simulated one (node.h), and a crash what may happen to both.
 *
 * Ownership  world_open() takes heap memory, world_close() gives it back.
 * Threads    One.
 * Units      Milliseconds; a step is one thing that one actor does.
 * Errors     What does not agree is told with seed, step and the command that repeats it, and ends
 *            the process.
 * Cost       A few microseconds per step.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_WORLD_H
#define HOTSHELF_TESTS_SIMULATE_WORLD_H

#include "tests/core/shop.h"
#include "tests/simulate/model.h"
#include "tests/simulate/node.h"

enum {
    ORDERS_SEEN_AT_MOST = 256,
    ASKS_SEEN_AT_MOST = 64,
    CHECK_EVERY = 1000,
    NODE_CRASH_EVERY = 250, /* with a node: a walk is short there */
};

/* What kind of walk it is; chosen by the seed. */
struct setting {
    const char *name;
    uint32_t shards, customers, skus;
    struct capacity capacity;
    struct policy policy;
    uint32_t stock_at_most; /* units of a product when it is made, and of a change */
    uint32_t crash_every;   /* steps, on average; 0 never */
    uint32_t digest_every;  /* refusals whose traces are looked for, one of so many (V5) */
    uint32_t walk_every;    /* steps between restating walks, on average; 0: none, but those that
                             * a node's journal wants */
    bool huge_prices;
};

/* A call that has more shards to visit. */
enum { VISITS_AT_MOST = 4, CARRY_SIZE = 65536 };

struct visit {
    bool used;
    uint32_t shard, step; /* the next one */
    uint32_t after_shard; /* once so many records of that shard are durable */
    uint64_t after;
    uint32_t kill; /* that it waits for; 0 none */
    struct ask ask;
    struct expect expect; /* of its first step */
    struct merging_of merging;
    _Alignas(16) uint8_t carry[CARRY_SIZE];
};

enum disk { DISK_FAST, DISK_SLOW, DISK_STUCK };

struct world {
    uint64_t seed, step, steps;
    struct setting setting;
    struct shop shop;
    struct node *node; /* NULL: logs in memory */
    struct model model;
    struct dice dice;
    struct dice dividing; /* of its own: who walks a seed again without it sees the same */
    enum disk disks[SHARDS_AT_MOST];
    uint64_t made[SHARDS_AT_MOST], settled[SHARDS_AT_MOST]; /* records; and durable ones */
    struct visit visits[VISITS_AT_MOST];

    /* what actors remember */
    struct {
        uint8_t id[16];
        uint32_t slot;
    } orders_seen[ORDERS_SEEN_AT_MOST];
    uint64_t orders_seen_count;
    struct ask asks_seen[ASKS_SEEN_AT_MOST];
    uint64_t asks_seen_count;
    struct ask merge_asked; /* the last one, for who asks again */
    uint32_t keys_given, payments_given;
    int customer_in_mind; /* comes more often than others; NOBODY: none */
    uint8_t order_in_mind[16];
    uint32_t order_slot_in_mind;

    struct ask ask;                       /* of this step, for who has to tell what went wrong */
    uint64_t wall_behind_ms, clock_jumps; /* what the wall clock has to catch up */
    uint64_t trace;                       /* of all that happened */
    uint64_t answers[OUTCOME_COUNT], crashes, replays, walks, divided;
};

struct setting setting_of(uint64_t seed);
void world_open(struct world *world, uint64_t seed, uint64_t steps, bool on_disk);
void world_walk(struct world *world);
void world_close(struct world *world);

/* One ask goes to engine and model, and is judged. */
void world_ask(struct world *world, const struct ask *ask);
/* Time passes, and what is due happens on every shard. */
void world_pass(struct world *world, uint64_t ms);
/* The same, but each shard does at most so much of it: the rest is dead all the same. */
void world_lag(struct world *world, uint64_t ms, uint32_t most);
/* Room in the shard's journal for what a command or what is due may record. */
void world_make_room(struct world *world, uint32_t shard);
/* A command or a passing of time begins: fresh random bits, nothing touched. */
void world_begin(struct world *world);
/* One event of the engine, applied and recorded. */
void world_happened(struct world *world, uint32_t shard, const struct event *event);
/* An event that nobody's ask was made for: the model must find it due. */
void world_observe(struct world *world, uint32_t shard, const struct event *event);
/* What every shard knows, as one number. */
uint64_t world_trace(const struct world *world);
/* Everything recorded becomes durable. */
void world_settle(struct world *world);
/* Time passes on both clocks; somebody may set the wall clock, also between two starts. */
void world_clocks_run(struct world *world, uint64_t ms);
void world_clocks_start(struct world *world);
/* A restating walk of some shard goes on, or begins; all that are under way end; each shard makes
 * one. */
void world_restate(struct world *world);
void world_restate_all(struct world *world);
void world_restate_from_now(struct world *world);
/* V1 to V4, V7: `hotshelf audit` of the records, from the first or from walks on. */
void world_audit(struct world *world);
/* After a crash: the shop starts with another number of shards, then with its own. False: it may
 * not now. */
bool world_divide(struct world *world);
_Noreturn void world_fail(const struct world *world, const char *what);

/* The ask spelled for the engine. The texts live in `spelling`. */
struct spelling {
    struct command command;
    struct command_item items[ITEMS_AT_MOST];
    struct product_image image;
    struct sale_image sale;
    char texts[12][40];
    uint32_t text_count;
    char references[2048], adjustments[2048];
    struct hash128 identities[IDENTITIES_AT_MOST];
};
void spell(const struct ask *ask, struct spelling *spelling);
/* Names that the engine gave, as numbers: of an event, of a SKU ("S3"), of a sale. */
struct seen seen_of(const struct event *event, const struct catalog *catalog);
int number_of(struct bytes text);
struct hash128 identity_hash(int identity);

#endif
