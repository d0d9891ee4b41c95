/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulate/streaming.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/view.h"
#include "persist/stream_state.h"

enum {
    TURNS_MAX = 20000,
    FAULT_EVERY = 10,
    TURN_MS_MAX = 400,
    AWAY_MS_MAX = 40000,
    COPY_EVENTS_MAX = 12,
};

const char *streaming_fault_name(enum postgres_fault fault)
{
    static const char *const names[POSTGRES_FAULTS] = {[POSTGRES_ERROR] = "errors",
        [POSTGRES_CUT_BEFORE] = "cut before a commit",
        [POSTGRES_CUT_COMMITTED] = "cut in a commit",
        [POSTGRES_CUT_WAITS] = "committed later",
        [POSTGRES_CUT_ABORTED] = "aborted later",
        [POSTGRES_CUT_LATE] = "read later",
        [POSTGRES_CUT_AFTER] = "cut after a commit",
        [POSTGRES_DENIED] = "denied",
        [POSTGRES_AWAY] = "away",
        [POSTGRES_FAILOVER] = "failovers",
        [POSTGRES_NO_COPY] = "no COPY"};
    return names[fault];
}

struct streaming *streaming_create(uint64_t seed)
{
    struct streaming *streaming = calloc(1, sizeof(*streaming));
    CHECK(streaming != NULL);
    streaming->postgres = postgres_sim_create(seed ^ 0x9e);
    streaming->dice = dice_of(seed ^ 0x57e4);
    return streaming;
}

void streaming_destroy(struct streaming *streaming)
{
    CHECK(streaming->stream == NULL);
    postgres_sim_destroy(streaming->postgres);
    rows_free(&streaming->wanted);
    free(streaming->memory);
    free(streaming);
}

void streaming_open(struct streaming *streaming, const struct datadir *directory,
    struct journal_shared *shared, uint64_t attached_id, bool must_be_refused)
{
    const struct stream_options options = {.directory = directory,
        .shared = shared,
        .dsn = "",
        .attached_id = attached_id,
        .copy_events = 1 + (uint32_t)dice_below(&streaming->dice, COPY_EVENTS_MAX)};
    CHECK(streaming->stream == NULL);
    if (streaming->memory == NULL)
        streaming->memory = aligned_alloc(BATCH_BLOCK_SIZE, stream_size(directory));
    CHECK(streaming->memory != NULL);
    streaming->shards = directory->shards;
    streaming->shared = shared;
    postgres_sim_use(streaming->postgres);
    CHECK(stream_open(&streaming->stream, streaming->memory, &options) == 0);
    streaming->stream->selling = !must_be_refused; /* then a refusal ends the process */
}

void streaming_close(struct streaming *streaming)
{
    postgres_sim_use(streaming->postgres);
    stream_close(streaming->stream);
    streaming->stream = NULL;
}

void streaming_note(struct streaming *streaming, uint32_t shard, const struct event *event)
{
    if (event->stream_count == 0)
        return;
    bool is_order = event_is_order(event->kind);
    const struct fact_order *order = &event->fact.order;
    for (uint32_t i = 0; i < event->stream_count; i++)
        rows_put_event(&streaming->wanted, shard, event->stream_seq + i,
            is_order ? rows_whose(order->id) : ROWS_NO_ORDER);
    if (!is_order)
        return;
    struct order_row row = {
        .status = rows_hash(order_status_name(order->status)), .version = order->version};
    memcpy(row.id, order->id, sizeof(row.id));
    rows_put_order(&streaming->wanted, &row);
}

static const char *turn(struct streaming *streaming)
{
    postgres_sim_use(streaming->postgres);
    (void)stream_turn(streaming->stream);
    return stream_halted(streaming->stream) ? "a stream has stopped for good" : NULL;
}

static bool has_backlog(const struct streaming *streaming)
{
    for (uint32_t i = 0; i < streaming->shards; i++) {
        const struct journal_mark *mark = &streaming->shared->marks[i];
        if (mark->durable_seq != streaming->postgres->now.positions[i].seq ||
            mark->durable_seq != mark->streamed_seq)
            return true;
    }
    return !stream_connected(streaming->stream);
}

const char *streaming_catch_up(struct streaming *streaming)
{
    struct postgres_sim *postgres = streaming->postgres;
    const char *wrong = NULL;
    postgres->fault_every = 0;
    postgres->away_until_ms = 0;
    for (uint32_t i = 0; wrong == NULL && has_backlog(streaming); i++) {
        if (i == TURNS_MAX)
            return "the stream comes to no end";
        postgres_sim_pass(postgres, TURN_MS_MAX);
        wrong = turn(streaming);
    }
    return wrong;
}

static void something_happens(struct streaming *streaming)
{
    struct postgres_sim *postgres = streaming->postgres;
    if (dice_below(&streaming->dice, 40) == 0)
        postgres_sim_go_away(postgres, dice_below(&streaming->dice, AWAY_MS_MAX));
    if (dice_below(&streaming->dice, 8) == 0)
        postgres_sim_replicate(postgres);
}

const char *streaming_turn(struct streaming *streaming)
{
    struct postgres_sim *postgres = streaming->postgres;
    postgres->fault_every = FAULT_EVERY;
    something_happens(streaming);
    postgres_sim_pass(postgres, dice_below(&streaming->dice, TURN_MS_MAX));
    return turn(streaming);
}

bool streaming_is_refused(struct streaming *streaming)
{
    struct postgres_sim *postgres = streaming->postgres;
    postgres->fault_every = 0;
    postgres->away_until_ms = 0;
    for (uint32_t i = 0; streaming->stream->contact == STREAM_CONTACT_NONE && i < 100; i++) {
        postgres_sim_pass(postgres, TURN_MS_MAX);
        (void)turn(streaming);
    }
    return streaming->stream->contact == STREAM_CONTACT_REFUSED;
}

bool streaming_is_ahead(const struct streaming *streaming, uint32_t shard, uint64_t seq)
{
    return streaming->postgres->now.positions[shard].seq > seq;
}

const char *streaming_judge(const struct streaming *streaming)
{
    return rows_differ(&streaming->postgres->now.rows, &streaming->wanted);
}
