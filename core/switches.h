/* SPDX-License-Identifier: Apache-2.0 */
/*
 * switches - what a merchant has stopped: everything, a sale, one SKU (W3 to W6).
 *
 *     decide -> EVENT_SWITCH_SET -> apply: the entry     what is decided next builds on it
 *                                -> settle: the words    in force by each shard's next command
 *
 * A word of bits for everything, one for each sale, one for each SKU. New units of a product need
 * all three of its words to be 0: so what was set on a scope is lifted on exactly that scope. Words
 * are written when the record is durable; then the call that set them visits every shard: what ran
 * there before has ended, what runs there later reads the new word.
 *
 * An entry for each scope that is not open says who, since when, and how far its kill has come. A
 * kill has a number. When it is published each shard records that it has begun, ends what is in
 * scope, records that it has ended, and adds up what came back.
 *
 * Ownership  One struct switches in the shelf, in the shared arena.
 * Threads    Words, kills_published, and of an entry `kill`, `ended`, `released`, `cancelled`: any
 *            shard. scope and number: shard 0, and whoever found a published kill in the entry;
 *            they stay while a shard has not ended it. All else of entries: shard 0.
 * Units      Units of stock, wall milliseconds. number is of a SKU or a sale; 0 for everything.
 * Errors     UINT32_MAX where there is no entry; room is asked before (switches_room).
 * Cost       switches_state(): three loads. What concerns entries walks SWITCHES_MAX of them.
 */
#ifndef HOTSHELF_CORE_SWITCHES_H
#define HOTSHELF_CORE_SWITCHES_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/arena.h"
#include "core/event.h"

struct catalog;

/* Bits of a word. The strongest names the state; each of them stops new units. */
enum switch_bit { SWITCHED_PAUSED = 1, SWITCHED_FROZEN = 2, SWITCHED_KILLED = 4 };

struct switch_entry {
    uint8_t scope; /* enum switch_scope; 0: free */
    uint8_t state; /* bits, of the newest event applied */
    uint8_t actor_size;
    uint8_t actor[ACTOR_SIZE_MAX];
    uint32_t number;
    int64_t since_wall_ms;
    _Atomic uint32_t kill;     /* number of its kill; 0 none */
    _Atomic uint64_t ended;    /* bit per shard: its part of the kill is durable */
    _Atomic uint64_t released; /* units, of the shards in `ended` */
    _Atomic uint64_t cancelled;
};

struct switches {
    _Atomic uint8_t all;
    _Atomic uint8_t *sales; /* slot of the name */
    _Atomic uint8_t *skus;  /* slot of the catalog */
    uint32_t sale_count, sku_count;
    uint32_t used;                    /* entries with a scope; shard 0's */
    uint32_t kill_last;               /* shard 0's: the newest applied */
    _Atomic uint32_t kills_published; /* durable: every shard begins those up to it */
    struct switch_entry *entries;     /* SWITCHES_MAX; the first is that of everything */
};

/* What a kill concerns. */
struct kill_scope {
    uint32_t kill;
    uint32_t number;
    uint8_t scope; /* enum switch_scope */
};

void switches_init(struct switches *switches, struct arena *arena, uint32_t skus, uint32_t sales);

/* What stands against new units of a product, whichever scope it was set on; 0: nothing does. */
uint8_t switches_state(const struct switches *switches, uint32_t sku_index, uint32_t sale_number);
/* What was set on everything; whether the shelf clock stands still. */
uint8_t switches_all(const struct switches *switches);
bool switches_frozen(const struct switches *switches);
/* "open", "paused", "frozen", "killed": the strongest of the bits. */
struct bytes switches_name(uint8_t state);

/* "all", "sale:NAME", "sku:SKU"; answers the size. */
enum { SWITCH_SCOPE_SIZE_MAX = 5 + NAME_SIZE_MAX };
uint32_t switches_scope_text(uint8_t scope, struct bytes name, uint8_t text[SWITCH_SCOPE_SIZE_MAX]);

/* Shard 0. */
uint32_t switches_find(const struct switches *switches, uint8_t scope, uint32_t number);
bool switches_room(const struct switches *switches, uint8_t scope);
void switches_apply(struct switches *switches, const struct event *switch_set);
void switches_publish(
    struct switches *switches, const struct catalog *catalog, const struct event *set_or_image);
/* A SKU or sale is no longer on the shelf: nothing is set on it any more. */
void switches_forget_sku(struct switches *switches, uint32_t sku_index, uint32_t sku_number);
void switches_forget_sale(struct switches *switches, uint32_t sale_number);
/* Whether some shard has not ended the kill of an entry; how many there are of these. */
bool switches_kill_is_under_way(
    const struct switches *switches, uint32_t index, uint32_t shard_count);
uint32_t switches_kills_under_way(const struct switches *switches, uint32_t shard_count);

/* Kills, for any shard. The next one to begin after the one with this number, or false. */
bool switches_next_kill(const struct switches *switches, uint32_t after, struct kill_scope *next);
/* Whether a kill has its switch: it is not resumed. */
bool switches_has_kill(const struct switches *switches, uint32_t kill);
/* Whether its scope is killed, as far as that is durable. */
bool switches_is_killed(const struct switches *switches, const struct catalog *catalog,
    uint8_t scope, uint32_t number);
/* A shard's part is durable. Nothing happens when the kill is no longer known, or the part was told
 * before (recovery). */
void switches_kill_ended(struct switches *switches, uint32_t shard, const struct fact_kill *fact);
/* Whether a shard has ended a kill, which may be resumed since. What the shards that have ended it
 * gave back; false when it is resumed. */
bool switches_kill_has_ended(const struct switches *switches, uint32_t kill, uint32_t shard);
bool switches_kill_totals(
    const struct switches *switches, uint32_t kill, uint64_t *released, uint64_t *cancelled);

/* Images of a restating walk (restate.h): the number of the newest kill; a switch, which is made
 * when it is not there and otherwise is CHECKed to be what is there; a SKU that is on the shelf
 * from now on, and whose switch may have been made before. */
void switches_put_last(struct switches *switches, uint32_t kill_last);
void switches_put(struct switches *switches, const struct event *switch_image);
void switches_put_sku(struct switches *switches, uint32_t sku_index, uint32_t sku_number);

/* A hash of what is decided, with how far kills have come left out, since others settle that. */
uint64_t switches_digest(const struct switches *switches);
/* Proves that words and entries agree. Only while nothing changes. */
void switches_check(const struct switches *switches, const struct catalog *catalog);

#endif
