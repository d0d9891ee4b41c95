/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restate_images - images of a shard's own entities, built and applied. See restate.h.
 *
 * Ownership  Built in the engine's second room; the event borrows it.
 * Threads    The engine's own shard.
 * Units      As event.h.
 * Errors     None: an image of something that is there already, and different, is damage (CHECK).
 * Cost       Copies.
 */
#ifndef HOTSHELF_CORE_RESTATE_IMAGES_H
#define HOTSHELF_CORE_RESTATE_IMAGES_H

#include "core/tables.h"

void restate_customer(const struct engine *engine, uint32_t index, struct event *image);
void restate_order(const struct engine *engine, uint32_t index, struct event *image);
/* What is in no table, and comes first of all; false: no more of it. */
bool restate_heads(struct engine *engine, struct event *image);
void restate_kills(const struct engine *engine, const struct kill_entry *entries, uint32_t count,
    struct event *image);
/* At most IMAGES_MAX of them; allowances of one customer. */
void restate_keys(
    const struct engine *engine, const uint32_t *indexes, uint32_t count, struct event *image);
void restate_allowances(
    const struct engine *engine, const uint32_t *indexes, uint32_t count, struct event *image);
void restate_gone(
    const struct engine *engine, const uint32_t *indexes, uint32_t count, struct event *image);

void apply_walk_begun(struct engine *engine, const struct event *event);
void apply_walk_ended(struct engine *engine, const struct event *event);
void apply_kills_image(struct engine *engine, const struct event *event);
void apply_customer_image(struct engine *engine, const struct event *event);
void apply_order_image(struct engine *engine, const struct event *event);
void apply_keys_image(struct engine *engine, const struct event *event);
void apply_allowances_image(struct engine *engine, const struct event *event);
void apply_gone_image(struct engine *engine, const struct event *event);

#endif
