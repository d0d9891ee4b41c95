/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restate_catalog - what shard 0 restates besides its tables: catalog, switches, an import.
 *
 *     heads          right behind "walk begun", before anything else is recorded: the import under
 *                    way, every switch
 *     names          slots of sellers and sales, with the terms of sales; also those that are free
 *     products       behind the names that they name
 *
 * Switches stand before the products that they are set on, so that a kill that ends meanwhile finds
 * its switch. While a walk of shard 0 is under way no sale is removed.
 *
 * Ownership  Images are built in the engine's second room; the event borrows it.
 * Threads    Shard 0.
 * Units      As event.h.
 * Errors     None: an image of something that is there already, and different, is damage (CHECK).
 * Cost       Copies; restate_products() looks at each slot of the catalog once in a walk.
 */
#ifndef HOTSHELF_CORE_RESTATE_CATALOG_H
#define HOTSHELF_CORE_RESTATE_CATALOG_H

#include "core/tables.h"

/* A walk is to begin: what the catalog, which must be settled (catalog.h), knows besides its
 * entities. */
void restate_catalog_begin(struct engine *engine, struct fact_walk *fact);
/* The next image of each kind, from *at on; false when there is none any more. */
bool restate_catalog_heads(const struct engine *engine, uint32_t *at, struct event *image);
bool restate_names(const struct engine *engine, uint32_t *at, struct event *image);
bool restate_products(const struct engine *engine, uint32_t *at, struct event *image);
/* The next image that must stand before an event that changes the catalog; false: none. */
bool restate_catalog_before(
    const struct engine *engine, const struct event *about, struct event *image);

void apply_catalog_begun(struct engine *engine, const struct event *walk_begun);
void apply_name_image(struct engine *engine, const struct event *event);
void apply_product_image(struct engine *engine, const struct event *event);
void apply_switch_image(struct engine *engine, const struct event *event);
void apply_import_image(struct engine *engine, const struct event *event);

#endif
