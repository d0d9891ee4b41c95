/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop/request.h"

#include <stddef.h>

#include "core/check.h"
#include "core/prefetch.h"

enum {
    PREFETCH_REPLY = 256, /* of a reply's body; then the machine sees where it goes */
};

void requests_init(
    struct requests *requests, struct arena *arena, uint32_t count, uint32_t large_count)
{
    CHECK(count > 0);
    CHECK(large_count > 0);
    *requests = (struct requests){.count = count, .large_count = large_count};
    requests->slots = arena_take(arena, "requests", count, sizeof(struct request));
    struct request_work *works =
        arena_take(arena, "requests to run", count, sizeof(struct request_work));
    requests->works =
        arena_take(arena, "requests to run, free", count, sizeof(struct request_work *));
    while (requests->works_free < count) {
        requests->works[requests->works_free] = &works[count - 1 - requests->works_free];
        requests->works_free++;
    }
    requests->links = arena_take(arena, "requests that wait", count, sizeof(struct request_link));
    requests->large = arena_take(arena, "large replies", large_count, REQUEST_REPLY_LARGE);
    requests->large_next = arena_take(arena, "large replies free", large_count, sizeof(uint32_t));
    for (uint32_t i = 0; i < SHARDS_MAX; i++)
        requests->waiting[i] = requests->unconfirmed[i] =
            (struct request_queue){.first = REQUEST_NONE, .last = REQUEST_NONE};
}

static void give_room(struct request *request, uint8_t *large)
{
    struct reply *reply = &request->reply;
    reply->data = large != NULL ? large : request->small;
    reply->size_max = large != NULL ? (uint32_t)REQUEST_REPLY_LARGE : sizeof request->small;
    reply->start = reply->end = 0;
    reply->overflow = reply->close = false;
}

/* Items, product, act and texts, most of the slot, are not cleared: item_count, command.product,
 * act.actor_size and text_used say what of them is valid. */
void request_reset(struct request *request)
{
    uint8_t *large = request->large != 0 ? request->reply.data : NULL;
    uint32_t large_link = request->large;
    uint32_t connection_index = request->connection_index;
    uint32_t index = request->index;
    uint8_t home = request->home;
    struct request_work *work = request->work;
    memset(request, 0, offsetof(struct request, act));
    memset(work, 0, offsetof(struct request_work, items));
    request->work = work;
    request->act.actor_size = 0;
    request->home = home;
    request->index = index;
    request->connection_index = connection_index;
    request->next = REQUEST_NONE;
    request->wait_next = REQUEST_NONE;
    request->large = large_link;
    give_room(request, large);
}

/* Of the slot that is taken next: what nearly every request writes. With a thousand under way they
 * do not all fit the core's own cache. */
static void prefetch_next(const struct requests *requests)
{
    uint32_t index = requests->free_link != 0 ? requests->free_link - 1 : requests->used;
    if (index == requests->count)
        return;
    const struct request *request = &requests->slots[index];
    prefetch_to_write(request, offsetof(struct request, act));
    prefetch_to_write(request->small + REQUEST_HEAD_SIZE, PREFETCH_REPLY);
}

struct request *request_take(struct requests *requests, uint8_t home)
{
    uint32_t index = requests->free_link - 1;
    if (requests->free_link != 0)
        requests->free_link = requests->slots[index].next;
    else if (requests->used < requests->count)
        index = requests->used++;
    else
        return NULL;
    struct request *request = &requests->slots[index];
    CHECK(request->state == REQUEST_FREE);
    requests->in_use++;
    request->home = home;
    request->index = index;
    request->connection_index = REQUEST_NONE;
    request->large = 0;
    CHECK(requests->works_free > 0);
    request->work = requests->works[--requests->works_free];
    request_reset(request);
    request->state = REQUEST_DECODED;
    prefetch_next(requests);
    return request;
}

void request_drop_work(struct requests *requests, struct request *request)
{
    requests->works[requests->works_free++] = request->work;
    request->work = NULL;
}

void request_give(struct requests *requests, struct request *request)
{
    CHECK(request->state != REQUEST_FREE);
    CHECK(request->state != REQUEST_TRAVELLING);
    if (request->work != NULL)
        request_drop_work(requests, request);
    if (request->large != 0) {
        requests->large_next[request->large - 1] = requests->large_link;
        requests->large_link = request->large;
        request->large = 0;
    }
    request->state = REQUEST_FREE;
    request->next = requests->free_link;
    requests->free_link = request->index + 1;
    requests->in_use--;
}

bool request_has_large(const struct requests *requests)
{
    return requests->large_link != 0 || requests->large_used < requests->large_count;
}

bool request_enlarge(struct requests *requests, struct request *request)
{
    CHECK(request->large == 0);
    uint32_t large = requests->large_link - 1;
    if (requests->large_link != 0)
        requests->large_link = requests->large_next[large];
    else if (requests->large_used < requests->large_count)
        large = requests->large_used++;
    else
        return false;
    request->large = large + 1;
    give_room(request, requests->large + (uint64_t)large * REQUEST_REPLY_LARGE);
    return true;
}

static void queue_push(
    struct requests *requests, struct request_queue *queue, struct request *request)
{
    CHECK(request->state == REQUEST_RUN);
    requests->links[request->index] =
        (struct request_link){.batch = request->wait_batch, .next = REQUEST_NONE};
    if (queue->last == REQUEST_NONE)
        queue->first = request->index;
    else
        requests->links[queue->last].next = request->index;
    queue->last = request->index;
}

/* Of one that is popped soon: what is looked at before it is sent. */
static void prefetch_waiting(const struct requests *requests, uint32_t index)
{
    if (index == REQUEST_NONE)
        return;
    __builtin_prefetch(&requests->slots[index], 1);
    __builtin_prefetch(&requests->slots[index].reply, 1);
}

static struct request *queue_pop(struct requests *requests, struct request_queue *queue)
{
    struct request *request = &requests->slots[queue->first];
    queue->first = requests->links[queue->first].next;
    if (queue->first == REQUEST_NONE)
        queue->last = REQUEST_NONE;
    else
        prefetch_waiting(requests, requests->links[queue->first].next);
    return request;
}

void request_wait(struct requests *requests, struct request *request)
{
    struct request_queue *queue = &requests->waiting[request->wait_shard];
    if (queue->last != REQUEST_NONE)
        CHECK(requests->links[queue->last].batch <= request->wait_batch);
    queue_push(requests, queue, request);
}

struct request *request_next_durable(
    struct requests *requests, uint32_t shard, uint64_t durable_batch)
{
    uint32_t first = requests->waiting[shard].first;
    if (first == REQUEST_NONE || requests->links[first].batch > durable_batch)
        return NULL;
    return queue_pop(requests, &requests->waiting[shard]);
}

uint64_t request_first_batch(const struct requests *requests, uint32_t shard)
{
    uint32_t first = requests->waiting[shard].first;
    return first == REQUEST_NONE ? UINT64_MAX : requests->links[first].batch;
}

void request_wait_confirmed(struct requests *requests, struct request *request)
{
    queue_push(requests, &requests->unconfirmed[request->wait_shard], request);
    requests->unconfirmed_count++;
}

struct request *request_first_unconfirmed(const struct requests *requests, uint32_t shard)
{
    uint32_t first = requests->unconfirmed[shard].first;
    return first == REQUEST_NONE ? NULL : &requests->slots[first];
}

struct request *request_take_unconfirmed(struct requests *requests, uint32_t shard)
{
    CHECK(requests->unconfirmed_count > 0);
    requests->unconfirmed_count--;
    return queue_pop(requests, &requests->unconfirmed[shard]);
}

struct bytes request_keep(struct request *request, struct bytes bytes)
{
    if (bytes.size > REQUEST_TEXT_SIZE - request->work->text_used)
        return (struct bytes){0};
    uint8_t *to = request->work->text + request->work->text_used;
    bytes_copy(to, bytes);
    request->work->text_used += bytes.size;
    return bytes_of(to, bytes.size);
}
