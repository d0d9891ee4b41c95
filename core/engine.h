/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine - one shard's customers, carts, holds, orders, keys and allowances, and the rules.
 *
 *     command --decide--> event --apply--> own tables
 *                           |--append--> journal --durable--> settle --> shared stock and claims
 *
 * engine_decide() checks every rule and, last, claims what all shards share; it changes no table
 * and leaves nothing claimed when it refuses. engine_apply() changes the shard's own tables only
 * and cannot fail. engine_settle() moves the shared words that had to wait for the disk. Recovery
 * is engine_replay() of every journal, shard 0 first, then shelf_derive() (shelf.h).
 *
 * Before a command the caller runs engine_due_of() for it until it answers false, so
 * that no command sees a dead hold of its own; at the start of each tick engine_due() the same way,
 * a bounded number of times. Each of these events goes decide's road: apply, append, settle.
 *
 * Ownership  The engine's tables live in the arena it was made in; events and answers borrow the
 *            engine's scratch until the next decide or due.
 * Threads    One shard each; only stock, claims, catalog and names are shared (shelf.h).
 * Units      See moment.h; order_index, customer_index are slots of this engine's tables.
 * Errors     enum outcome. A broken invariant is CHECK.
 * Cost       Look-ups and a compare-and-swap per line; no allocation, no system call.
 */
#ifndef HOTSHELF_CORE_ENGINE_H
#define HOTSHELF_CORE_ENGINE_H

#include "core/arena.h"
#include "core/command.h"
#include "core/moment.h"
#include "core/outcome.h"
#include "core/partition.h"
#include "core/policy.h"

struct shelf;
struct engine;

/* Why one line of a cart, checkout or cancel failed. */
struct answer_line {
    struct bytes sku; /* borrowed from the command or the catalog */
    enum outcome outcome;
    uint32_t available;
    uint32_t quantity;              /* merge: units dropped */
    uint32_t limit, used;           /* LIMIT_EXCEEDED */
    uint64_t next_release_shelf_ms; /* 0 unknown */
    int64_t starts_wall_ms;         /* SALE_NOT_STARTED */
};

/* What keeps a sale that shall be removed. */
struct removal_counts {
    uint32_t not_final, not_streamed; /* orders */
    uint32_t shared;                  /* final orders with lines of something else */
    uint32_t held;                    /* cart lines with a live hold */
};

struct answer {
    enum outcome outcome;
    /* The command has more to do: once what it recorded here is durable, run it again on next_shard
     * (it may be this one) with command.step = next_step. Until then there is no reply. */
    bool goes_on;
    uint32_t next_shard;
    uint32_t next_step;
    bool replayed; /* the same key had its effect before: render the order as it was born */
    bool created;  /* product: new */
    bool unchanged;
    bool stock_ignored;
    uint32_t version;           /* product: once this is durable; STALE_VERSION: the cart's now */
    uint32_t order_index;       /* UINT32_MAX none */
    uint32_t customer_index;    /* UINT32_MAX none */
    const struct event *placed; /* what has just made the order; NULL: look at its image */
    uint8_t order_id[16];       /* CART_EMPTY: what the cart became last; zero: never */
    const char *bound; /* the limit or table that refused, as configured: "lines_per_cart" */
    uint64_t bound_value;
    int64_t items_total; /* PRICE_CHANGED: the new quote */
    uint8_t currency[4];
    uint32_t available; /* single-SKU refusals */
    uint32_t limit, used;
    uint64_t next_release_shelf_ms;
    int64_t starts_wall_ms;
    uint32_t allotment, stock_available, held, sold, short_units; /* stock calls */
    uint8_t switched;             /* switch: the state of its scope after it, bits of switches.h */
    uint64_t released, cancelled; /* kill: units and orders, on all shards */
    struct removal_counts removal;
    int64_t
        removable_wall_ms; /* not before; INT64_MAX: it has no end; 0: the conflict is another */
    const struct answer_line *lines; /* every failing line, in the order asked */
    uint32_t line_count;
};

/* Bytes of arena that an engine takes, and the engine in it. Capacities are of the whole process
 * and divided here by shard_count. */
struct engine *engine_create(struct arena *arena, struct shelf *shelf, const struct policy *policy,
    const struct capacity *capacity, uint32_t shard, uint32_t shard_count, uint64_t seed);

/* What a command looks up first comes from memory meanwhile: for a command that is decided soon.
 * The hash of its key is kept in it. */
void engine_bring_near(const struct engine *engine, struct command *command);
void engine_decide(struct engine *engine, const struct command *command, const struct moment *now,
    struct event *event, struct answer *answer);
void engine_apply(struct engine *engine, const struct event *event);
void engine_settle(struct engine *engine, const struct event *event);
/* apply of a durable record at recovery; catalog records become visible at once. */
void engine_replay(struct engine *engine, const struct event *event);

/* The next due event in deadline order, or false. Apply and append it before asking again. */
bool engine_due(struct engine *engine, const struct moment *now, struct event *event);
/* The next due hold or order of the customer that the command is about, or false. */
bool engine_due_of(struct engine *engine, const struct command *command, const struct moment *now,
    struct event *event);
/* Shelf time at which engine_due() may have something; UINT64_MAX for nothing. */
uint64_t engine_next_due(const struct engine *engine);
/* Whether a hold or unpaid order is alive: then a batch a second carries the shelf clock. */
bool engine_has_live_holds(const struct engine *engine);

/* The last stream number used by this shard; 0 for none. Set by replay. */
uint64_t engine_stream_seq(const struct engine *engine);

/* Proves the invariants of the shard's own tables in O(n). */
void engine_check(const struct engine *engine);
/* A hash of the whole state that replay must reproduce. */
uint64_t engine_digest(const struct engine *engine);

#endif
