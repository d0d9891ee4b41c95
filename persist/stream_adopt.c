/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PostgreSQL that is added to a journal whose first events are overwritten: what is live from
 * then comes from the images of a walk with names.
 *
 *     adopting  -> a walk is asked for (journal_mark.adopting) -> WALK_BEGUN: `walk`
 *               -> images: rows, in the transactions of the events around them
 *               -> WALK_ENDED: in its transaction PostgreSQL says that it has everything
 *
 * Images are written in their place among the events, so a row is never older than the position
 * says. They have no stream number: within a connection they are told apart by their place, after
 * another connect all of the walk are written again, since who has lost the last transaction does
 * not show in the position. A row that is newer than its image stays as it is.
 *
 * What becomes a row like that is in no event: a failover that loses the row again asks for another
 * walk, and finds only what is kept by then. So no order is forgotten in the time after an adoption
 * in which PostgreSQL may lose commits (journal_rows_streamed()).
 *
 * The position moves on meanwhile, and segments become free as ever, but for those of the walk:
 * no other walk begins until this one is written (walker.h).
 */
#include <stdio.h>

#include "persist/stream_state.h"

static int64_t latest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* What an image does not tell: wall times, as the clocks stood when it was written. */
static void complete_order(struct stream_shard *shard)
{
    struct fact_order *order = &shard->next.fact.order_image.order;
    const struct batch_header *header = &shard->reader.header;
    int64_t shelf_to_wall = header->wall_ms - (int64_t)header->shelf_ms;
    int64_t changed = (int64_t)order->now_shelf_ms + shelf_to_wall;
    changed = latest(changed, order->created_wall_ms);
    changed = latest(changed, order->confirmed_wall_ms);
    order->now_wall_ms = latest(changed, order->paid_wall_ms);
    if (order->payment_due_shelf_ms > header->shelf_ms)
        order->payment_due_wall_ms = (int64_t)order->payment_due_shelf_ms + shelf_to_wall;
}

static void note_begun(struct stream_shard *shard)
{
    const struct fact_walk *walk = &shard->next.fact.walk;
    shard->walk = walk->flags & WALK_NAMES ? walk->number : 0;
    shard->walk_begins = shard->next_place.batch;
    shard->walk_seq = shard->passed_seq;
}

bool stream_adopt_wants(struct stream_shard *shard)
{
    struct event *event = &shard->next;
    if (event->kind == EVENT_WALK_BEGUN)
        note_begun(shard);
    if (shard->walk == 0 || shard->next_place.record <= shard->sent_place.record)
        return false;
    event->stream_seq = shard->passed_seq;
    if (event->kind == EVENT_ORDER_IMAGE && event->text[TEXT_NAMES].size == 0) {
        /* An event makes it a row; or the walk was asked for when that was still to come. */
        if (event->fact.order_image.stream_seq <= shard->adopting_from)
            shard->walk = 0;
        return false;
    }
    if (event->kind == EVENT_ORDER_IMAGE)
        complete_order(shard);
    else if (event->kind == EVENT_PRODUCT_IMAGE)
        event->fact.product.now_wall_ms = shard->reader.header.wall_ms;
    else
        return event->kind == EVENT_WALK_ENDED && event->fact.walk_end.number == shard->walk;
    return true;
}

/* That long ago PostgreSQL got what was live. */
static void hold_rows(struct stream *stream, uint32_t number, uint64_t age_ms)
{
    uint64_t settles_ms = stream->options.settles_ms;
    uint64_t rest_ms = age_ms < settles_ms ? settles_ms - age_ms : 0;
    atomic_store(&stream->options.shared->marks[number].rows_from_ms,
        rest_ms == 0 ? 0 : postgres_clock_ms() + rest_ms);
}

static void end(struct stream *stream, uint32_t number)
{
    struct stream_shard *shard = &stream->shards[number];
    shard->adopting = false;
    shard->walk = 0;
    shard->event_count_max = 0;
    atomic_store(&stream->options.shared->marks[number].adopting, 0);
}

/* From the first image of the walk on, if PostgreSQL has what is before it; else after its
 * position. */
static void go_back(struct stream_shard *shard)
{
    bool has_begun = shard->walk != 0 && shard->streamed >= shard->walk_seq;
    shard->sent_place = (struct stream_place){.record = 0};
    if (has_begun)
        shard->sent_place.batch = shard->walk_begins;
    else
        shard->walk = 0;
}

void stream_adopt_contact(struct stream *stream, uint32_t number, bool adopting, uint64_t age_ms)
{
    struct stream_shard *shard = &stream->shards[number];
    struct journal_mark *mark = &stream->options.shared->marks[number];
    if (adopting && !shard->adopting) {
        shard->walk = 0;
        shard->adopting_from = shard->streamed;
        atomic_store(&mark->adopting_from, shard->streamed);
        atomic_store(&mark->adopting, ++stream->adoptions);
    }
    if (!adopting)
        hold_rows(stream, number, age_ms);
    if (!adopting && shard->adopting)
        end(stream, number);
    shard->adopting = adopting;
    go_back(shard);
}

int stream_adopt_send_end(struct stream *stream)
{
    char node[8], shard[8];
    (void)snprintf(node, sizeof(node), "%u", stream->batch.node);
    (void)snprintf(shard, sizeof(shard), "%u", stream->batch.shard);
    const char *parameters[] = {node, shard};
    return postgres_send_text(&stream->postgres,
        "UPDATE hotshelf.stream_position SET adopting = false, adopted_at = clock_timestamp() "
        "WHERE node = $1 AND shard = $2",
        2, parameters);
}

void stream_adopt_committed(struct stream *stream, uint32_t number)
{
    struct stream_shard *shard = &stream->shards[number];
    shard->sent_place = shard->taken_place;
    if (!stream->batch.adopted)
        return;
    hold_rows(stream, number, 0);
    end(stream, number);
    fprintf(stderr, "hotshelf: stream: PostgreSQL has what is live of shard %u\n", number);
}

bool stream_adopting(const struct stream *stream)
{
    bool adopting = false;
    for (uint32_t i = 0; i < stream->options.directory->shards; i++)
        adopting = adopting || atomic_load(&stream->options.shared->marks[i].adopting) != 0;
    return adopting;
}
