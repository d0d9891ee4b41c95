/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image - builds the parts of an event: texts, names of lines, whole orders.
 *
 *     image_*   in the engine's scratch, for an event that is decided
 *     room_*    in any room: also in the engine's second one, while an event lives in the first
 *
 * Ownership  What is built lives in its room until room_reset(); each decide begins with
 *            image_reset().
 * Threads    The engine's own shard.
 * Units      See event.h.
 * Errors     A room holds the largest event; more is a bug.
 * Cost       Copies.
 */
#ifndef HOTSHELF_CORE_IMAGE_H
#define HOTSHELF_CORE_IMAGE_H

#include "core/tables.h"

/* Empties the scratch; the event becomes EVENT_NONE. */
void image_reset(const struct engine *engine, struct event *event);
/* A copy in the scratch: apply changes the tables before the journal reads the event. */
struct bytes image_bytes(const struct engine *engine, const void *data, uint32_t size);
/* A copy in the scratch of a text kept in the tables. */
struct bytes image_text(const struct engine *engine, struct text text);
/* TEXT_NAMES for the event's lines: sku, seller, sale of each. */
void image_names(const struct engine *engine, struct event *event);
/* The order as it is now: fact, lines, texts, names. Moves nothing. */
void image_order(const struct engine *engine, uint32_t order_index, struct event *event);
/* The same in any room; the order without names. */
void room_reset(struct image_room *room, struct event *event);
struct bytes room_bytes(struct image_room *room, const void *data, uint32_t size);
struct bytes room_text(struct image_room *room, const struct text_pool *texts, struct text text);
void room_names(struct image_room *room, const struct catalog *catalog, struct event *event);
void room_order(const struct engine *engine, uint32_t order_index, struct image_room *room,
    struct event *event);
/* The line of a hold, with its frozen terms; moves nothing. */
struct event_line image_hold_line(const struct hold *hold);

#endif
