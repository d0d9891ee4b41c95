/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_parts - how the parts of audit_model work on what it knows: audit_state.c keeps it,
 * audit_model.c is told events, audit_walks.c restating walks.
 *
 * Ownership  The model's.
 * Threads    One.
 * Units      As audit_model.h.
 * Errors     Out of memory ends the process.
 * Cost       O(1) each, but for the end of a walk.
 */
#ifndef HOTSHELF_PERSIST_AUDIT_PARTS_H
#define HOTSHELF_PERSIST_AUDIT_PARTS_H

#include "core/json_writer.h"
#include "persist/audit_model.h"

/* Where the event that is looked at comes from. */
struct audit_shard *audit_here(struct audit_model *model);

struct audit_sku *audit_sku_at(struct audit_model *model, uint32_t number);
/* Whether its number was used before shard 0 was read, and is no product's any more. */
bool audit_sku_is_removed(const struct audit_model *model, const struct audit_sku *sku);

/* NULL: nobody has said anything of it. */
struct audit_hold *audit_hold_find(
    struct audit_model *model, struct bytes customer, uint32_t sku_number);
/* What the cart holds of it now. */
void audit_hold_set(
    struct audit_model *model, struct bytes customer, uint32_t sku_number, uint64_t units);

/* Of this shard; `added` tells whether it was not there. */
struct audit_gone *audit_gone_of(struct audit_model *model, uint32_t sku_number, bool *added);

struct audit_order *audit_order_add(struct audit_model *model, const struct event *event);
/* Adds (sign 1) or takes away (-1) what the order keeps of each SKU. */
void audit_order_count(struct audit_model *model, const struct audit_order *order, int64_t sign);
/* The order is now as the event or image says, which is the one with this stream number. */
void audit_order_write(struct audit_model *model, struct audit_order *order,
    const struct event *event, uint64_t stream_seq);
/* Of all that an event and an image of an order both say. */
uint64_t audit_terms_hash(const struct event *event);

uint32_t audit_key_add(struct audit_model *model, uint64_t keep_shelf_ms, uint32_t order);

bool audit_order_is_open(uint8_t status);
struct hash128 audit_hash(const void *data, size_t size, uint64_t seed);
/* Answers `text`. */
const char *audit_id(char text[JSON_UUID_SIZE + 1], const uint8_t id[16]);

void audit_walk_begun(struct audit_model *model, const struct event *event);
void audit_walk_ended(struct audit_model *model, const struct event *event);
void audit_image(struct audit_model *model, const struct event *event);

#endif
