/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims - what no single customer owns, for all shards at once: payment id -> order, and how many
 * units an identity key has of a SKU (identities.h).
 *
 *     (free) --take--> pending --settle--> durable --drop--> (free)
 *                         \--------------drop-----------------^
 *
 * A fixed table from a 128-bit hash to one word, the owner. The law of stock holds here too: take
 * before the record is written, settle and drop once it is durable; a claim taken for a record that
 * will not be written is dropped at once.
 *
 *     (free) --count_take--> units, more units .. --count_give--> fewer units --> (free)
 *
 * A counter is an entry whose word is a number: taken within a bound before the record is written,
 * given back once it is durable, or at once for a record that will not be written. Counters have
 * entries of their own number and can use no more: the entries of owners stay set aside for them.
 *
 *     buckets  [sequence | head] -> entry -> entry -> 0     capacity entries, chained by index
 *
 * A bucket's sequence is odd while a shard changes its chain, for a few instructions, and no call
 * ever holds two. Readers take nothing and look again when the sequence moved.
 *
 * Ownership  One struct claims for the process, in the shared arena; never freed.
 * Threads    Every shard calls all but init, digest and check at once. Settle and drop of one claim
 *            come from the shard that took it.
 * Units      owner is a 63-bit hash; its top bit is ours: set once the claim is durable.
 * Errors     enum claim_answer. Settling or dropping another's claim is a bug (check.h).
 * Cost       One or two cache lines and one compare-and-swap; chains average at most one entry.
 *            claims_check(): O(capacity).
 */
#ifndef HOTSHELF_CORE_CLAIMS_H
#define HOTSHELF_CORE_CLAIMS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/event.h"

enum claim_answer {
    CLAIM_TAKEN,         /* yours now, pending */
    CLAIM_OWN,           /* yours already, pending or durable */
    CLAIM_OTHER,         /* durable, and another's */
    CLAIM_OTHER_PENDING, /* another's, whose record may yet fail to become durable: try again */
    CLAIM_FULL,
};

enum count_answer {
    COUNT_TAKEN,
    COUNT_EXCEEDED, /* the bound would be passed */
    COUNT_FULL,     /* no entry is left for one more counter */
};

struct claim_bucket {
    _Atomic uint32_t sequence; /* odd: being changed */
    _Atomic uint32_t head;     /* entry + 1; 0 none */
};

struct claim_entry {
    _Atomic uint64_t key_low, key_high;
    _Atomic uint64_t word; /* owner, and the durable bit; of a counter: its units */
    _Atomic uint32_t next; /* entry + 1, of the bucket or of the free list; 0 none */
};

/* What takes and drops of all buckets meet on: a cache line of its own, since the arena says so. */
struct claim_supply {
    _Atomic uint64_t free_head; /* entry + 1 below, a tag against ABA above */
    _Atomic uint32_t fresh;     /* entries taken at least once */
    _Atomic uint32_t used;
    _Atomic uint32_t counts; /* of used: counters */
};

struct claims {
    struct claim_bucket *buckets;
    struct claim_entry *entries;
    struct claim_supply *supply;
    uint32_t mask; /* buckets - 1 */
    uint32_t capacity;
    uint32_t counts_max; /* of capacity: what counters may use */
};

/* Entries for so many owners and so many counters. */
void claims_init(struct claims *claims, struct arena *arena, uint32_t owners, uint32_t counts);

/* Pending until settled. */
enum claim_answer claims_take(struct claims *claims, struct hash128 key, uint64_t owner);

/* The record that took the claim is durable. Again is the same. */
void claims_settle(struct claims *claims, struct hash128 key, uint64_t owner);

void claims_drop(struct claims *claims, struct hash128 key, uint64_t owner);

/* Whether the key is claimed; then by whom, and whether for good. */
bool claims_find(const struct claims *claims, struct hash128 key, uint64_t *owner, bool *durable);

/* Counts `units` (above 0) more under the key unless there were more than `limit` then; *used is
 * how many there were. */
enum count_answer claims_count_take(
    struct claims *claims, struct hash128 key, uint64_t units, uint64_t limit, uint64_t *used);

/* Units that were counted are no longer. */
void claims_count_give(struct claims *claims, struct hash128 key, uint64_t units);

/* The units of a counter now. */
uint64_t claims_count(const struct claims *claims, struct hash128 key);

/* A hash of all keys with their owners and units, however they were reached. As claims_check(). */
uint64_t claims_digest(const struct claims *claims);

uint32_t claims_used(const struct claims *claims);

/* Proves that every entry is either in the chain of its bucket or free. Only while nobody takes. */
void claims_check(const struct claims *claims);

#endif
