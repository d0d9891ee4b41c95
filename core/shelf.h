/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shelf - what all shards share: catalog, names, sales, stock, claims, switches. Nothing else is.
 *
 * Ownership  One struct shelf in the shared arena.
 * Threads    Every shard reads all of it; catalog, names and sales are written by shard 0 alone.
 * Units      sku_index is a slot of the catalog and of stock alike.
 * Errors     None.
 * Cost       See each module.
 */
#ifndef HOTSHELF_CORE_SHELF_H
#define HOTSHELF_CORE_SHELF_H

#include "core/arena.h"
#include "core/catalog.h"
#include "core/claims.h"
#include "core/limits.h"
#include "core/stock.h"
#include "core/switches.h"

struct engine;

struct shelf {
    struct catalog catalog;
    struct stock stock;
    struct claims claims;
    struct switches switches;
};

void shelf_init(struct shelf *shelf, struct arena *arena, const struct capacity *capacity);

/* After every journal is replayed: derives stock and claims once, from the tables of all shards,
 * and CHECKs them. */
void shelf_derive(struct shelf *shelf, struct engine *const engines[], uint32_t engine_count);

#endif
