/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of what is watched. A SKU is there as long as a selection has it, a selection as long
 * as somebody has asked for it. A change is noted once, whoever watches: the item is rendered, the
 * SKU goes to the end of each selection that has it, and the selection is stirred.
 *
 * A join chooses SKUs, one after another, then looks for a selection of just these: the sum of
 * their hashes finds candidates, and the mark that the join has left on each SKU decides.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/check.h"
#include "net/loop/subscribers_parts.h"

#define NONE SUBSCRIBER_NONE

/* --- A selection's SKUs, in the order of their changes --- */

static void append_edge(struct subscribers *subscribers, struct selection *selection, uint32_t at)
{
    struct edge *edge = &subscribers->edges[at];
    edge->next = NONE;
    edge->previous = selection->edge_last;
    if (selection->edge_last == NONE)
        selection->edge_first = at;
    else
        subscribers->edges[selection->edge_last].next = at;
    selection->edge_last = at;
}

static void unlink_edge(struct subscribers *subscribers, struct selection *selection, uint32_t at)
{
    const struct edge *edge = &subscribers->edges[at];
    if (edge->previous == NONE)
        selection->edge_first = edge->next;
    else
        subscribers->edges[edge->previous].next = edge->next;
    if (edge->next == NONE)
        selection->edge_last = edge->previous;
    else
        subscribers->edges[edge->next].previous = edge->previous;
}

static void stir(struct subscribers *subscribers, uint32_t selection_index)
{
    struct selection *selection = &subscribers->selections[selection_index];
    if (selection->stirred)
        return;
    selection->stirred = true;
    selection->stirred_next = subscribers->stirred_first;
    subscribers->stirred_first = selection_index;
}

static void note_change(struct subscribers *subscribers, struct watched *watched)
{
    watched->changed = ++subscribers->change;
    uint32_t at = watched->edges > 0 ? watched->edge_first : NONE;
    for (; at != NONE; at = subscribers->edges[at].of_sku_next) {
        uint32_t selection_index = subscribers->edges[at].selection;
        struct selection *selection = &subscribers->selections[selection_index];
        unlink_edge(subscribers, selection, at);
        append_edge(subscribers, selection, at);
        stir(subscribers, selection_index);
    }
}

/* --- Watched SKUs --- */

/* What an audience can see, but for next_release_at: a hint that moves with the clocks. */
static bool is_same(const struct offer *a, const struct offer *b)
{
    return a->status == b->status && a->available == b->available && a->is_hidden == b->is_hidden &&
           a->starts_wall_ms == b->starts_wall_ms;
}

void watched_look(
    struct subscribers *subscribers, struct http_context *context, struct watched *watched)
{
    struct bytes sku = bytes_of(watched->sku, watched->sku_size);
    struct offer offer = offer_find(context, sku);
    watched->looked = subscribers->tick;
    if (watched->item_size != 0 && is_same(&watched->offer, &offer))
        return;
    struct json_writer json = json_writer_of(watched->item, sizeof(watched->item));
    offer_put_item(&json, sku, &offer);
    CHECK(!json.overflow);
    watched->offer = offer;
    watched->item_size = json.size;
    note_change(subscribers, watched);
}

static uint32_t find_watched(const struct subscribers *subscribers, struct bytes sku, uint64_t hash)
{
    uint32_t at = subscribers->watched_buckets[hash & subscribers->bucket_mask];
    for (; at != 0; at = subscribers->watched[at - 1].next) {
        const struct watched *watched = &subscribers->watched[at - 1];
        if (watched->hash == hash && bytes_equal(bytes_of(watched->sku, watched->sku_size), sku))
            return at - 1;
    }
    return NONE;
}

static uint32_t take_watched(struct subscribers *subscribers, struct bytes sku, uint64_t hash)
{
    uint32_t index = subscribers->watched_free - 1;
    if (subscribers->watched_free != 0)
        subscribers->watched_free = subscribers->watched[index].next;
    else if (subscribers->watched_used < subscribers->watched_count)
        index = subscribers->watched_used++;
    else
        return NONE;
    struct watched *watched = &subscribers->watched[index];
    uint32_t *bucket = &subscribers->watched_buckets[hash & subscribers->bucket_mask];
    CHECK(sku.size <= SKU_SIZE_MAX);
    watched->edges = 0;
    watched->edge_first = NONE;
    watched->item_size = 0;
    watched->joined = 0;
    watched->hash = hash;
    watched->sku_size = (uint8_t)sku.size;
    memcpy(watched->sku, sku.data, sku.size);
    watched->next = *bucket;
    *bucket = index + 1;
    subscribers->watched_open++;
    return index;
}

static void give_watched(struct subscribers *subscribers, uint32_t index)
{
    struct watched *watched = &subscribers->watched[index];
    uint32_t *link = &subscribers->watched_buckets[watched->hash & subscribers->bucket_mask];
    CHECK(watched->edges == 0);
    while (*link != index + 1)
        link = &subscribers->watched[*link - 1].next;
    *link = watched->next;
    watched->next = subscribers->watched_free;
    subscribers->watched_free = index + 1;
    subscribers->watched_open--;
}

/* --- Edges --- */

static void connect(struct subscribers *subscribers, uint32_t selection_index, uint32_t sku)
{
    struct watched *watched = &subscribers->watched[sku];
    uint32_t at = subscribers->edge_free - 1;
    if (subscribers->edge_free != 0)
        subscribers->edge_free = subscribers->edges[at].next;
    else
        at = subscribers->edges_used++;
    CHECK(at < subscribers->edge_count);
    subscribers->edges[at] = (struct edge){.watched = sku,
        .selection = selection_index,
        .of_sku_next = watched->edge_first,
        .of_sku_previous = NONE};
    if (watched->edge_first != NONE)
        subscribers->edges[watched->edge_first].of_sku_previous = at;
    watched->edge_first = at;
    watched->edges++;
    append_edge(subscribers, &subscribers->selections[selection_index], at);
    subscribers->edges_open++;
}

static void disconnect(struct subscribers *subscribers, uint32_t at)
{
    struct edge *edge = &subscribers->edges[at];
    struct watched *watched = &subscribers->watched[edge->watched];
    if (edge->of_sku_previous == NONE)
        watched->edge_first = edge->of_sku_next;
    else
        subscribers->edges[edge->of_sku_previous].of_sku_next = edge->of_sku_next;
    if (edge->of_sku_next != NONE)
        subscribers->edges[edge->of_sku_next].of_sku_previous = edge->of_sku_previous;
    CHECK(watched->edges > 0);
    watched->edges--;
    if (watched->edges == 0)
        give_watched(subscribers, edge->watched);
    edge->next = subscribers->edge_free;
    subscribers->edge_free = at + 1;
    subscribers->edges_open--;
}

/* --- Selections --- */

/* Whether it is just what the join under way has counted: as many, and each of them. */
static bool is_chosen(
    const struct subscribers *subscribers, const struct selection *selection, uint32_t count)
{
    uint32_t at = selection->count == count ? selection->edge_first : NONE;
    bool same = at != NONE;
    for (; same && at != NONE; at = subscribers->edges[at].next)
        same = subscribers->watched[subscribers->edges[at].watched].joined == subscribers->join;
    return same;
}

uint32_t selection_find(const struct subscribers *subscribers, uint64_t hash, uint32_t count)
{
    uint32_t at = subscribers->selection_buckets[hash & subscribers->bucket_mask];
    for (; at != 0; at = subscribers->selections[at - 1].next) {
        const struct selection *selection = &subscribers->selections[at - 1];
        if (selection->hash == hash && is_chosen(subscribers, selection, count))
            return at - 1;
    }
    return NONE;
}

/* There are as many selections as subscribers, so only edges can be missing. */
uint32_t selection_take(struct subscribers *subscribers, uint64_t hash, uint32_t count)
{
    if (count > subscribers->edge_count - subscribers->edges_open)
        return NONE;
    uint32_t index = subscribers->selection_free - 1;
    if (subscribers->selection_free != 0)
        subscribers->selection_free = subscribers->selections[index].next;
    else
        index = subscribers->selections_used++;
    CHECK(index < subscribers->count);
    uint32_t *bucket = &subscribers->selection_buckets[hash & subscribers->bucket_mask];
    subscribers->selections[index] = (struct selection){.hash = hash,
        .count = count,
        .next = *bucket,
        .edge_first = NONE,
        .edge_last = NONE,
        .subscriber_first = NONE,
        .stirred_next = NONE};
    *bucket = index + 1;
    for (uint32_t i = 0; i < count; i++)
        connect(subscribers, index, subscribers->chosen[i]);
    return index;
}

void selection_give(struct subscribers *subscribers, uint32_t index)
{
    struct selection *selection = &subscribers->selections[index];
    uint32_t *link = &subscribers->selection_buckets[selection->hash & subscribers->bucket_mask];
    CHECK(selection->subscriber_first == NONE);
    CHECK(!selection->stirred);
    for (uint32_t at = selection->edge_first, next; at != NONE; at = next) {
        next = subscribers->edges[at].next;
        disconnect(subscribers, at);
    }
    while (*link != index + 1)
        link = &subscribers->selections[*link - 1].next;
    *link = selection->next;
    selection->count = 0;
    selection->next = subscribers->selection_free;
    subscribers->selection_free = index + 1;
}

bool selection_choose(struct subscribers *subscribers, struct http_context *context,
    struct bytes sku, uint32_t *count, struct sse_event *first)
{
    uint64_t hash = XXH3_64bits_withSeed(sku.data, sku.size, subscribers->seed);
    uint32_t index = find_watched(subscribers, sku, hash);
    if (index == NONE)
        index = take_watched(subscribers, sku, hash);
    if (index == NONE)
        return false;
    struct watched *watched = &subscribers->watched[index];
    if (watched->joined == subscribers->join)
        return true;
    watched->joined = subscribers->join;
    subscribers->chosen[(*count)++] = index;
    watched_look(subscribers, context, watched);
    bool fits = sse_add(first, bytes_of(watched->item, watched->item_size));
    CHECK(fits);
    return true;
}

void selection_give_unused(struct subscribers *subscribers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (subscribers->watched[subscribers->chosen[i]].edges == 0)
            give_watched(subscribers, subscribers->chosen[i]);
    }
}
