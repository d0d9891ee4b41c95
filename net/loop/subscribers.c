/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the looks of a call are over, the subscribers of each selection that was stirred by them
 * become due (selections.c), those that are not already or still take their last event.
 *
 * What can go wrong: tables are full, then a join undoes what it has begun. A subscriber leaves in
 * any state; only bytes that the kernel still reads outlive him.
 */
#include "core/check.h"
#include "net/loop/subscribers_parts.h"

#define NONE SUBSCRIBER_NONE

static uint32_t at_least(uint32_t count, uint32_t least)
{
    return count > least ? count : least;
}

void subscribers_init(struct subscribers *subscribers, struct arena *arena, uint32_t count)
{
    uint32_t buckets = 1;
    *subscribers = (struct subscribers){
        .count = count, .due_first = NONE, .due_last = NONE, .stirred_first = NONE};
    if (count == 0)
        return;
    uint32_t watched = at_least(WATCHED_SKUS_EACH * count, WATCHED_SKUS_MIN);
    uint32_t edges = at_least(SELECTED_SKUS_EACH * count, SELECTED_SKUS_MIN);
    while (buckets < watched)
        buckets *= 2;
    subscribers->watched_count = watched;
    subscribers->edge_count = edges;
    subscribers->bucket_mask = buckets - 1;
    subscribers->subscribers = arena_take(arena, "subscribers", count, sizeof(struct subscriber));
    subscribers->buffers = arena_take(arena, "subscribers' events", count, SUBSCRIBER_BUFFER_SIZE);
    subscribers->selections = arena_take(arena, "selections", count, sizeof(struct selection));
    subscribers->selection_buckets =
        arena_take(arena, "selections found", buckets, sizeof(uint32_t));
    subscribers->watched = arena_take(arena, "watched SKUs", watched, sizeof(struct watched));
    subscribers->watched_buckets =
        arena_take(arena, "watched SKUs found", buckets, sizeof(uint32_t));
    subscribers->edges = arena_take(arena, "selected SKUs", edges, sizeof(struct edge));
}

static void make_due(struct subscribers *subscribers, uint32_t index)
{
    struct subscriber *subscriber = &subscribers->subscribers[index];
    if (subscriber->state != SUBSCRIBER_IDLE)
        return;
    subscriber->state = SUBSCRIBER_DUE;
    subscriber->due_next = NONE;
    subscriber->due_previous = subscribers->due_last;
    if (subscribers->due_last == NONE)
        subscribers->due_first = index;
    else
        subscribers->subscribers[subscribers->due_last].due_next = index;
    subscribers->due_last = index;
}

static void take_off_due(struct subscribers *subscribers, uint32_t index)
{
    struct subscriber *subscriber = &subscribers->subscribers[index];
    CHECK(subscriber->state == SUBSCRIBER_DUE);
    if (subscriber->due_previous == NONE)
        subscribers->due_first = subscriber->due_next;
    else
        subscribers->subscribers[subscriber->due_previous].due_next = subscriber->due_next;
    if (subscriber->due_next == NONE)
        subscribers->due_last = subscriber->due_previous;
    else
        subscribers->subscribers[subscriber->due_next].due_previous = subscriber->due_previous;
    subscriber->state = SUBSCRIBER_IDLE;
}

/* Those who watch what has changed. */
static void spread(struct subscribers *subscribers)
{
    while (subscribers->stirred_first != NONE) {
        struct selection *selection = &subscribers->selections[subscribers->stirred_first];
        subscribers->stirred_first = selection->stirred_next;
        selection->stirred = false;
        for (uint32_t at = selection->subscriber_first; at != NONE;
             at = subscribers->subscribers[at].next)
            make_due(subscribers, at);
    }
}

static uint32_t take_subscriber(struct subscribers *subscribers, uint32_t selection_index)
{
    struct selection *selection = &subscribers->selections[selection_index];
    uint32_t index = subscribers->subscriber_free - 1;
    if (subscribers->subscriber_free != 0)
        subscribers->subscriber_free = subscribers->subscribers[index].next;
    else
        index = subscribers->subscribers_used++;
    CHECK(index < subscribers->count);
    subscribers->subscribers[index] = (struct subscriber){.state = SUBSCRIBER_OPENING,
        .connection_index = NONE,
        .selection = selection_index,
        .next = selection->subscriber_first,
        .previous = NONE,
        .told = subscribers->change};
    if (selection->subscriber_first != NONE)
        subscribers->subscribers[selection->subscriber_first].previous = index;
    selection->subscriber_first = index;
    subscribers->open++;
    return index;
}

static void give_subscriber(struct subscribers *subscribers, uint32_t index)
{
    struct subscriber *subscriber = &subscribers->subscribers[index];
    subscriber->state = SUBSCRIBER_FREE;
    subscriber->next = subscribers->subscriber_free;
    subscribers->subscriber_free = index + 1;
    subscribers->open--;
}

static void unlink_subscriber(struct subscribers *subscribers, uint32_t index)
{
    const struct subscriber *subscriber = &subscribers->subscribers[index];
    struct selection *selection = &subscribers->selections[subscriber->selection];
    if (subscriber->previous == NONE)
        selection->subscriber_first = subscriber->next;
    else
        subscribers->subscribers[subscriber->previous].next = subscriber->next;
    if (subscriber->next != NONE)
        subscribers->subscribers[subscriber->next].previous = subscriber->previous;
    if (selection->subscriber_first == NONE)
        selection_give(subscribers, subscriber->selection);
}

uint32_t subscribers_join(struct subscribers *subscribers, struct http_context *context,
    const struct command_item *items, uint32_t item_count, struct sse_event *first)
{
    uint32_t count = 0, selection = NONE, index = NONE;
    bool room = subscribers->open < subscribers->count;
    uint64_t hash = 0;
    CHECK(item_count > 0 && item_count <= DECODE_SKUS_MAX);
    subscribers->join++;
    for (uint32_t i = 0; room && i < item_count; i++)
        room = selection_choose(subscribers, context, items[i].sku, &count, first);
    for (uint32_t i = 0; i < count; i++)
        hash += subscribers->watched[subscribers->chosen[i]].hash;
    if (room)
        selection = selection_find(subscribers, hash, count);
    if (room && selection == NONE)
        selection = selection_take(subscribers, hash, count);
    if (selection != NONE) {
        index = take_subscriber(subscribers, selection);
        subscribers->subscribers[index].chunked = first->chunked;
    }
    selection_give_unused(subscribers, count);
    spread(subscribers);
    return index;
}

void subscribers_leave(struct subscribers *subscribers, uint32_t index)
{
    struct subscriber *subscriber = &subscribers->subscribers[index];
    CHECK(subscriber->state != SUBSCRIBER_FREE);
    CHECK(subscriber->state != SUBSCRIBER_LEFT);
    if (subscriber->state == SUBSCRIBER_DUE)
        take_off_due(subscribers, index);
    unlink_subscriber(subscribers, index);
    if (subscriber->state == SUBSCRIBER_SENDING)
        subscriber->state = SUBSCRIBER_LEFT;
    else
        give_subscriber(subscribers, index);
}

bool subscribers_look(struct subscribers *subscribers, struct http_context *context, bool begin)
{
    subscribers->tick++;
    if (begin)
        subscribers->look_at = 0;
    uint32_t at = subscribers->look_at;
    for (uint32_t looks = 0; at < subscribers->watched_used && looks < LOOKS_PER_TICK; at++) {
        if (subscribers->watched[at].edges == 0)
            continue;
        watched_look(subscribers, context, &subscribers->watched[at]);
        looks++;
    }
    subscribers->look_at = at;
    spread(subscribers);
    return at >= subscribers->watched_used;
}

void subscribers_remind(struct subscribers *subscribers, uint32_t remainder)
{
    CHECK(remainder < COMMENT_LOOKS);
    for (uint32_t i = remainder; i < subscribers->subscribers_used; i += COMMENT_LOOKS) {
        subscribers->subscribers[i].comment_due = true;
        make_due(subscribers, i);
    }
}

void subscribers_end(struct subscribers *subscribers, uint32_t index)
{
    subscribers->subscribers[index].ending = true;
    make_due(subscribers, index);
}

uint32_t subscribers_next(struct subscribers *subscribers)
{
    uint32_t index = subscribers->due_first;
    if (index != NONE)
        take_off_due(subscribers, index);
    return index;
}

static bool has_news(const struct subscribers *subscribers, const struct subscriber *subscriber)
{
    const struct selection *selection = &subscribers->selections[subscriber->selection];
    return watched_of(subscribers, selection->edge_last)->changed > subscriber->told;
}

/* Looks again at what he lacks, where that was not in this tick. What changes by it goes to the end
 * of the list, behind this walk. */
static void look_again(struct subscribers *subscribers, struct http_context *context,
    const struct subscriber *subscriber)
{
    uint32_t at = subscribers->selections[subscriber->selection].edge_last;
    while (at != NONE && watched_of(subscribers, at)->changed > subscriber->told) {
        uint32_t previous = subscribers->edges[at].previous;
        if (watched_of(subscribers, at)->looked != subscribers->tick)
            watched_look(subscribers, context, watched_of(subscribers, at));
        at = previous;
    }
    spread(subscribers);
}

/* The first SKU of which he was not told, and those behind it, as many as fit. */
static uint32_t write_event(struct subscribers *subscribers, struct http_context *context,
    struct subscriber *subscriber, uint8_t *data)
{
    look_again(subscribers, context, subscriber);
    uint32_t at = subscribers->selections[subscriber->selection].edge_last;
    uint32_t previous = subscribers->edges[at].previous;
    while (previous != NONE && watched_of(subscribers, previous)->changed > subscriber->told) {
        at = previous;
        previous = subscribers->edges[at].previous;
    }
    struct sse_event event = sse_begin(data, SUBSCRIBER_BUFFER_SIZE - SSE_COMMENT_SIZE_MAX,
        subscriber->chunked, offer_as_of(context), 0);
    for (; at != NONE; at = subscribers->edges[at].next) {
        const struct watched *watched = watched_of(subscribers, at);
        if (!sse_add(&event, bytes_of(watched->item, watched->item_size)))
            break;
        subscriber->told = watched->changed;
    }
    CHECK(event.items > 0);
    return sse_end(&event);
}

struct bytes subscribers_write(
    struct subscribers *subscribers, struct http_context *context, uint32_t index)
{
    struct subscriber *subscriber = &subscribers->subscribers[index];
    uint8_t *data = subscribers->buffers + (uint64_t)index * SUBSCRIBER_BUFFER_SIZE;
    uint32_t size = 0;
    CHECK(subscriber->state == SUBSCRIBER_IDLE);
    /* From here on: what looks find while the event is put together must not make him due. */
    subscriber->state = SUBSCRIBER_SENDING;
    if (subscriber->ending) {
        subscriber->ended = true;
        size = sse_put_end(data, subscriber->chunked);
    } else {
        if (has_news(subscribers, subscriber))
            size = write_event(subscribers, context, subscriber, data);
        if (subscriber->comment_due || size == 0)
            size += sse_put_comment(data + size, subscriber->chunked);
        subscriber->comment_due = false;
    }
    if (size == 0)
        subscriber->state = SUBSCRIBER_IDLE;
    return bytes_of(data, size);
}

void subscribers_sent(struct subscribers *subscribers, uint32_t index)
{
    struct subscriber *subscriber = &subscribers->subscribers[index];
    if (subscriber->state == SUBSCRIBER_LEFT) {
        give_subscriber(subscribers, index);
        return;
    }
    CHECK(subscriber->state == SUBSCRIBER_OPENING || subscriber->state == SUBSCRIBER_SENDING);
    subscriber->state = SUBSCRIBER_IDLE;
    if (subscriber->ending || subscriber->comment_due || has_news(subscribers, subscriber))
        make_due(subscribers, index);
}

static uint32_t check_selection(const struct subscribers *subscribers, uint32_t index)
{
    const struct selection *selection = &subscribers->selections[index];
    uint32_t count = 0, followers = 0;
    for (uint32_t at = selection->edge_first; at != NONE; at = subscribers->edges[at].next) {
        CHECK(subscribers->edges[at].selection == index);
        CHECK(watched_of(subscribers, at)->edges > 0);
        count++;
    }
    CHECK(count == selection->count);
    CHECK(!selection->stirred);
    for (uint32_t at = selection->subscriber_first; at != NONE;
         at = subscribers->subscribers[at].next) {
        CHECK(subscribers->subscribers[at].selection == index);
        followers++;
    }
    CHECK(followers > 0);
    return followers;
}

void subscribers_check(const struct subscribers *subscribers)
{
    uint64_t edges = 0, of_skus = 0;
    uint32_t followers = 0, left = 0, watched = 0;
    for (uint32_t i = 0; i < subscribers->selections_used; i++) {
        edges += subscribers->selections[i].count;
        if (subscribers->selections[i].count > 0)
            followers += check_selection(subscribers, i);
    }
    for (uint32_t i = 0; i < subscribers->watched_used; i++) {
        of_skus += subscribers->watched[i].edges;
        watched += subscribers->watched[i].edges > 0 ? 1 : 0;
    }
    for (uint32_t i = 0; i < subscribers->subscribers_used; i++)
        left += subscribers->subscribers[i].state == SUBSCRIBER_LEFT ? 1 : 0;
    CHECK(edges == subscribers->edges_open);
    CHECK(of_skus == edges);
    CHECK(watched == subscribers->watched_open);
    CHECK(followers + left == subscribers->open);
}
