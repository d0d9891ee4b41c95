/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subscribers_parts - what subscribers.c and selections.c share: the tables of what is watched.
 *
 * Ownership  Everything is in struct subscribers.
 * Threads    The shard's own.
 * Units      Indexes are slots, SUBSCRIBER_NONE is no slot.
 * Errors     SUBSCRIBER_NONE or false: a table is full.
 * Cost       See subscribers.h.
 */
#ifndef HOTSHELF_NET_LOOP_SUBSCRIBERS_PARTS_H
#define HOTSHELF_NET_LOOP_SUBSCRIBERS_PARTS_H

#include "net/loop/subscribers.h"

/* Compares the SKU with what was seen of it last, and notes a change: its selections are stirred.
 */
void watched_look(
    struct subscribers *subscribers, struct http_context *context, struct watched *watched);

/* The SKU becomes one of those that the join under way has chosen, unless it is already: it is
 * looked at now, and goes into the first event. */
bool selection_choose(struct subscribers *subscribers, struct http_context *context,
    struct bytes sku, uint32_t *count, struct sse_event *first);
/* The selection of just those SKUs; `hash` is the sum of theirs. */
uint32_t selection_find(const struct subscribers *subscribers, uint64_t hash, uint32_t count);
/* A new one of them. */
uint32_t selection_take(struct subscribers *subscribers, uint64_t hash, uint32_t count);
/* Those that no selection has got are watched no more. */
void selection_give_unused(struct subscribers *subscribers, uint32_t count);
/* Nobody asks for it any more. */
void selection_give(struct subscribers *subscribers, uint32_t index);

static inline struct watched *watched_of(const struct subscribers *subscribers, uint32_t edge)
{
    return &subscribers->watched[subscribers->edges[edge].watched];
}

#endif
