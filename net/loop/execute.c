/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second phase: commands run on the shard that owns what they change. First what is due by the
 * clock, a bounded number; then the mail of the other shards, then what our own clients sent.
 *
 * Running is decide, apply, append, render, all of it now; only the disk is waited for. A command
 * needs room for its reply and for its events before it runs, so nothing after it can fail. Without
 * room in the batch nothing runs here and the mail stays in its boxes: a write is in flight, and
 * its completion makes room. When the whole journal is full, reads still run and the rest is
 * refused.
 */
#include <time.h>

#include "core/check.h"
#include "core/tables.h"
#include "net/loop/shard.h"

/* A letter is a slot's index; of the sender, or of the receiver when it comes home. */
#define LETTER_HOMECOMING 0x80000000U

static struct mailbox *mailbox(const struct shard *shard, uint32_t from, uint32_t to)
{
    return &shard->all->mailboxes[from * shard->count + to];
}

static void refresh_date(struct shard *shard, int64_t wall_second)
{
    if (shard->date_second == wall_second)
        return;
    shard->date_second = wall_second;
    struct tm parts;
    time_t seconds = wall_second;
    gmtime_r(&seconds, &parts);
    char text[sizeof shard->http.date + 1];
    size_t size = strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    CHECK(size > 0);
    memcpy(shard->http.date, text, size);
    shard->http.date_size = (uint32_t)size;
}

/* Shard 0 does for all: a catalog must not be seen in half, and the journal must know for which
 * PostgreSQL it keeps its segments. */
static void open_doors(struct shard *shard)
{
    struct shards *all = shard->all;
    if (!atomic_load(&all->may_sell) || !import_is_idle(shard->import))
        return;
    atomic_store(&all->selling, true);
    shard->http.recovering = false;
}

/* The wall clock does not run back within a shard; the shelf clock cannot. */
void shard_refresh_now(struct shard *shard)
{
    struct shards *all = shard->all;
    struct moment *now = &shard->http.now;
    struct io_times times = io_now(shard->io);
    shard->monotonic_ms = times.monotonic_ms;
    shard->connections.now_ms = times.monotonic_ms;
    now->shelf_ms = times.monotonic_ms - atomic_load(&all->shelf_offset_ms);
    if (times.wall_ms > now->wall_ms)
        now->wall_ms = times.wall_ms;
    now->streamed_seq = UINT64_MAX;
    if (all->postgres)
        now->streamed_seq = atomic_load(&all->journals->marks[shard->number].streamed_seq);
    now->journal_full = journal_full(&shard->journal);
    shard->http.recovering = !atomic_load(&all->selling);
    if (shard->http.recovering && shard->number == 0)
        open_doors(shard);
    refresh_date(shard, now->wall_ms / 1000);
}

/* Each command has its own dice: 62 bits of them may become an order id that nobody can guess. */
static void roll_dice(struct shard *shard)
{
    uint64_t *random = shard->http.now.random;
    if (shard->random_used == 0)
        io_random(shard->io, shard->random, RANDOM_SIZE);
    memcpy(random, shard->random + shard->random_used, sizeof shard->http.now.random);
    memset(shard->random + shard->random_used, 0, sizeof shard->http.now.random);
    shard->random_used = (shard->random_used + sizeof shard->http.now.random) % RANDOM_SIZE;
}

void shard_record(struct shard *shard, const struct event *event)
{
    CHECK(event->kind != EVENT_NONE);
    engine_apply(shard->engine, event);
    journal_append(&shard->journal, event);
}

void shard_note_stream(struct shard *shard)
{
    if (shard->number != 0 || !journal_room(&shard->journal))
        return;
    uint64_t system_id = atomic_exchange(&shard->all->attach, 0);
    if (system_id == 0)
        return;
    struct event event = {.kind = EVENT_STREAM_ATTACHED};
    event.fact.mark =
        (struct fact_mark){.system_id = system_id, .now_wall_ms = shard->http.now.wall_ms};
    shard_record(shard, &event);
}

void shard_expire(struct shard *shard)
{
    struct event event;
    for (uint32_t i = 0; i < DUE_PER_TICK; i++) {
        if (!journal_room(&shard->journal))
            return;
        if (!engine_due(shard->engine, &shard->http.now, &event))
            return;
        shard_record(shard, &event);
    }
    shard->expired_late++;
    shard->work_left = true;
}

static bool is_read(enum command_kind kind)
{
    return kind == COMMAND_CART_READ || kind == COMMAND_ORDER_READ || kind == COMMAND_ORDERS_LIST ||
           kind == COMMAND_STOCK_READ;
}

/* Nothing that changes anything runs any more; the due holds of a reader stay where they are. */
static bool refuse_without_journal(struct shard *shard, struct request *request)
{
    if (is_read(request->command.kind))
        return false;
    http_refuse(&shard->http, request, 503, "journal_full", "the journal has no room left");
    return true;
}

static bool expire_own(struct shard *shard, const struct command *command)
{
    struct event event;
    while (engine_due_of(shard->engine, command, &shard->http.now, &event)) {
        shard_record(shard, &event);
        if (!journal_room(&shard->journal))
            return false;
    }
    return true;
}

/* What the event has only now brought into the tables, for the reply to show. */
static void find_born(struct shard *shard, const struct event *event, struct answer *answer)
{
    struct bytes customer = event->text[TEXT_CUSTOMER];
    if (answer->order_index == UINT32_MAX && event_is_order(event->kind))
        answer->order_index = order_find(shard->engine, event->fact.order.id);
    if (answer->customer_index == UINT32_MAX && customer.size > 0)
        answer->customer_index = customer_find(shard->engine, customer);
}

void shard_decide(struct shard *shard, const struct command *command, struct answer *answer)
{
    struct event event = {0};
    roll_dice(shard);
    engine_decide(shard->engine, command, &shard->http.now, &event, answer);
    if (event.kind == EVENT_NONE)
        return;
    shard_record(shard, &event);
    find_born(shard, &event, answer);
}

static enum run decide(struct shard *shard, struct request *request)
{
    struct answer answer;
    shard_decide(shard, &request->command, &answer);
    if (http_render(&shard->http, shard->engine, request, &answer))
        return RUN_DONE;
    if (request->large == 0)
        return RUN_NEEDS_LARGE;
    http_refuse(&shard->http, request, 503, "overloaded", "the reply is larger than any buffer");
    return RUN_DONE;
}

enum run shard_run_command(struct shard *shard, struct request *request)
{
    uint32_t room = request->reply.size_max - REQUEST_HEAD_SIZE;
    if (request->large == 0 && http_reply_bound(shard->engine, request) > room)
        return RUN_NEEDS_LARGE;
    enum run run = RUN_DONE;
    if (journal_room(&shard->journal)) {
        if (!expire_own(shard, &request->command))
            return RUN_NO_ROOM;
        run = decide(shard, request);
    } else if (!journal_exhausted(&shard->journal)) {
        return RUN_NO_ROOM;
    } else if (!refuse_without_journal(shard, request)) {
        run = decide(shard, request);
    }
    request->wait_shard = (uint8_t)shard->number;
    request->wait_batch = journal_newest(&shard->journal);
    return run;
}

void shard_send_away(struct shard *shard, struct request *request)
{
    CHECK(request->state == REQUEST_DECODED);
    CHECK(request->target != shard->number);
    request->state = REQUEST_TRAVELLING;
    request->needs_room = false;
    mailbox_push(mailbox(shard, shard->number, request->target), request->index);
}

/* Another shard's request: it goes home whatever comes of it. */
static void serve(struct shard *shard, uint32_t home, struct request *request)
{
    CHECK(request->state == REQUEST_TRAVELLING);
    enum run run = shard_run_command(shard, request);
    if (run == RUN_NO_ROOM) {
        CHECK(shard->parked[home] == NULL);
        shard->parked[home] = request;
        return;
    }
    request->needs_room = run == RUN_NEEDS_LARGE;
    if (!request->needs_room && request->wait_batch > atomic_load(&shard->settled_batch)) {
        shard->waiting_homes |= UINT64_C(1) << home;
        shard->waiting_batch[home] = request->wait_batch;
    }
    mailbox_push(mailbox(shard, shard->number, home), request->index | LETTER_HOMECOMING);
}

/* Its connection may be gone; then nobody waits for the reply. */
static void come_home(struct shard *shard, struct request *request)
{
    CHECK(request->state == REQUEST_TRAVELLING);
    request->state = REQUEST_DECODED;
    uint32_t index = request->connection_index;
    if (index == REQUEST_NONE) {
        request_give(&shard->requests, request);
        return;
    }
    if (request->needs_room) {
        shard_wants_large(shard, request);
        return;
    }
    shard->connections.slots[index].unrun = REQUEST_NONE;
    shard->connections.slots[index].last_request |= request->reply.close;
    shard_has_run(shard, request);
    connection_list(&shard->connections, LIST_INTAKE, index);
}

static void open_letter(struct shard *shard, uint32_t from, uint32_t letter)
{
    uint32_t index = letter & ~LETTER_HOMECOMING;
    struct requests *slots = &shard->requests;
    if ((letter & LETTER_HOMECOMING) == 0)
        slots = &shard->all->shard[from]->requests;
    CHECK(index < slots->count);
    if (letter & LETTER_HOMECOMING)
        come_home(shard, &slots->slots[index]);
    else
        serve(shard, from, &slots->slots[index]);
}

/* A request that found no room waits before those behind it in the same box. */
static void read_box(struct shard *shard, uint32_t from)
{
    struct request *parked = shard->parked[from];
    shard->parked[from] = NULL;
    if (parked != NULL)
        serve(shard, from, parked);
    uint32_t letter;
    while (shard->parked[from] == NULL && mailbox_pop(mailbox(shard, from, shard->number), &letter))
        open_letter(shard, from, letter);
}

void shard_read_mail(struct shard *shard)
{
    for (uint32_t from = 0; from < shard->count; from++) {
        if (from != shard->number)
            read_box(shard, from);
    }
    shard_send_enlarged(shard);
}

void shard_publish_mail(struct shard *shard)
{
    for (uint32_t to = 0; to < shard->count; to++) {
        if (to != shard->number && mailbox_publish(mailbox(shard, shard->number, to)))
            shard->bells |= UINT64_C(1) << to;
    }
}

/* Large replies come back with each send that ends: then these go out once more. */
void shard_wants_large(struct shard *shard, struct request *request)
{
    request->wait_next = REQUEST_NONE;
    if (shard->wants_large_last == REQUEST_NONE)
        shard->wants_large_first = request->index;
    else
        shard->requests.slots[shard->wants_large_last].wait_next = request->index;
    shard->wants_large_last = request->index;
}

void shard_send_enlarged(struct shard *shard)
{
    while (shard->wants_large_first != REQUEST_NONE) {
        struct request *request = &shard->requests.slots[shard->wants_large_first];
        bool gone = request->connection_index == REQUEST_NONE;
        if (!gone && !request_enlarge(&shard->requests, request))
            return;
        shard->wants_large_first = request->wait_next;
        if (request->wait_next == REQUEST_NONE)
            shard->wants_large_last = REQUEST_NONE;
        if (gone)
            request_give(&shard->requests, request);
        else
            shard_send_away(shard, request);
    }
}
