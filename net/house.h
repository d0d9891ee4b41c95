/* SPDX-License-Identifier: Apache-2.0 */
/*
 * house - everything that lives in the arena, built in one order: once to measure, once to live.
 *
 *     shelf (catalog, stock, claims) | per shard: engine, journal, connections, requests, io
 *
 * Ownership  The house is in the arena; the arena's memory is the caller's (memory.h).
 * Threads    The main thread, before any shard runs.
 * Units      Bytes.
 * Errors     None: what the configuration allows can be built.
 * Cost       Start only.
 */
#ifndef HOTSHELF_NET_HOUSE_H
#define HOTSHELF_NET_HOUSE_H

#include "net/http/rate.h"
#include "net/loop/shard.h"
#include "persist/datadir.h"

struct house {
    struct arena arena;
    struct config config;
    struct identity identities[2]; /* one is in force, the other is for the next, see rotation.h */
    bool identity;                 /* which one; the main thread's */
    struct rates rates;
    struct shelf shelf;
    struct journal_shared journals;
    struct shards *shards;
};

/* The number of shards of a configuration: its own, or one for each core we may use. */
uint32_t house_shards(const struct config *config);

/* Builds in `base`; journal buffers are taken later, by journal_open(). The house's config,
 * identities and arena stay where `house` is. `seed` salts the hash tables. */
void house_build(struct house *house, void *base, uint64_t size, uint32_t shards, uint64_t seed);

/* Whether the journals hold a walk of full tables and what is set aside (S5), judged for the shard
 * that needs most. */
struct house_space {
    uint64_t least, has;    /* bytes of that shard's journal */
    uint64_t journal_bytes; /* of all shards together: so many would do */
    uint64_t rest;          /* bytes of all shards beyond that */
    uint64_t holds;         /* live at once for which the rest can be set aside */
    uint64_t unpaid;        /* orders that can wait for their payment at once */
};

/* Of a house that is built. */
void house_judge_space(const struct house *house, uint32_t shards,
    const struct datadir_geometry *geometry, struct house_space *space);
/* False: it does not fit; `error` says by how much and what to change. */
bool house_fits(const struct house_space *space, const struct config *config, uint32_t shards,
    char *error, size_t error_size);

/* Bytes that house_build() and the journals of that geometry take. `bill`, when not NULL, gets the
 * arena with its lines, and `space`, when not NULL, what its journals hold. */
int house_measure(const struct config *config, uint32_t shards,
    const struct datadir_geometry *geometry, uint64_t *bytes, struct arena *bill,
    struct house_space *space, char *error, size_t error_size);

#endif
