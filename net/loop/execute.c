/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands run on the shard that owns what they change. First what is due by the
 * clock, a bounded number; then the mail of the other shards, then what our own clients sent.
 *
 * Running is decide, apply, append, render, all of it now; only the disk is waited for. A command
 * needs room for its reply and for its events before it runs, so nothing after it can fail. Without
 * room in the batch nothing runs here and the mail stays in its boxes: a write is in flight, and
 * its completion makes room. When the whole journal is full, reads still run and the rest is
 * refused.
 */
#include <time.h>

#include "core/bugs.h"
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

/* In a freeze all shards stand at one moment; one that had read a later clock by then stays there.
 * So the shelf clock never runs back within a shard, and runs on from where it stood (W4). */
static void refresh_shelf(struct shard *shard)
{
    struct shards *all = shard->all;
    struct moment *now = &shard->http.now;
    uint64_t frozen_ms = atomic_load(&all->frozen_ms);
    uint64_t shelf_ms = shard->monotonic_ms - atomic_load(&all->shelf_offset_ms);
    now->frozen = frozen_ms != 0;
    if (now->frozen)
        shelf_ms = frozen_ms;
    /* Signed: who has slept through a freeze between the two loads has looked too far back. */
    if ((int64_t)(shelf_ms - now->shelf_ms) > 0)
        now->shelf_ms = shelf_ms;
}

/* The offset first: who sees the clock run sees from where. */
void shard_follow_freeze(struct shard *shard)
{
    struct shards *all = shard->all;
    struct moment *now = &shard->http.now;
    CHECK(shard->number == 0);
    bool frozen = switches_frozen(&all->shelf->switches);
    uint64_t frozen_ms = atomic_load(&all->frozen_ms);
    if (frozen == (frozen_ms != 0))
        return;
    now->frozen = frozen;
    if (frozen) {
        atomic_store(&all->frozen_ms, now->shelf_ms);
        return;
    }
    atomic_store(&all->shelf_offset_ms, shard->monotonic_ms - frozen_ms);
    atomic_store(&all->frozen_ms, 0);
}

/* Up to where orders count as PostgreSQL's, and may be forgotten. */
static uint64_t rows_streamed(const struct shard *shard)
{
    const struct journal_mark *mark = &shard->all->journals->marks[shard->number];
    return shard->walker.waits ? atomic_load(&mark->streamed_seq)
                               : journal_rows_streamed(mark, shard->monotonic_ms);
}

/* Both clocks tick in milliseconds, at different instants: what lies between them flickers by one.
 * It shall not, or a deadline would, and what a checkout said of its payment could not be said
 * again (I3). */
static int64_t steady_wall(struct shard *shard, int64_t wall_ms)
{
    const struct moment *now = &shard->http.now;
    int64_t steady_ms = (int64_t)now->shelf_ms + shard->wall_offset_ms;
    if (now->frozen)
        return wall_ms;
    if (wall_ms - steady_ms >= -1 && wall_ms - steady_ms <= 1)
        return steady_ms;
    shard->wall_offset_ms = wall_ms - (int64_t)now->shelf_ms;
    return wall_ms;
}

/* The wall clock does not run back within a shard either. */
void shard_refresh_now(struct shard *shard)
{
    struct shards *all = shard->all;
    struct moment *now = &shard->http.now;
    struct io_times times = io_now(shard->io);
    shard->monotonic_ms = times.monotonic_ms;
    shard->connections.now_ms = now->monotonic_ms = times.monotonic_ms;
    refresh_shelf(shard);
    shard->http.clock_ms = times.wall_ms;
    int64_t wall_ms = steady_wall(shard, times.wall_ms);
    if (wall_ms > now->wall_ms)
        now->wall_ms = wall_ms;
    now->streamed_seq = UINT64_MAX;
    if (all->postgres)
        now->streamed_seq = rows_streamed(shard);
    now->journal_full = (uint8_t)journal_state(&shard->journal);
    now->journal_near = journal_near(&shard->journal);
    now->postgres_down = shard_is_unconfirmable(shard);
    shard->http.recovering = !atomic_load(&all->selling);
    if (shard->http.recovering && shard->number == 0)
        open_doors(shard);
    refresh_date(shard, now->wall_ms / 1000);
}

/* Each command has its own dice: 62 bits of them may become an order id that nobody can guess. */
void shard_roll_dice(struct shard *shard)
{
    uint64_t *random = &shard->http.now.random;
    if (shard->random_used == 0)
        io_random(shard->io, shard->random, RANDOM_SIZE);
    memcpy(random, shard->random + shard->random_used, sizeof *random);
    memset(shard->random + shard->random_used, 0, sizeof *random);
    shard->random_used = (shard->random_used + sizeof *random) % RANDOM_SIZE;
}

void shard_note_stream(struct shard *shard)
{
    if (shard->number != 0 || !journal_room(&shard->journal))
        return;
    uint64_t system_id = atomic_exchange(&shard->all->attach, 0);
    if (system_id == 0)
        return;
    struct event event = {.kind = EVENT_STREAM_ATTACHED};
    shard->all->met = system_id;
    event.fact.mark =
        (struct fact_mark){.system_id = system_id, .now_wall_ms = shard->http.now.wall_ms};
    walker_record(&shard->walker, &event);
}

void shard_expire(struct shard *shard)
{
    struct event event;
    for (uint32_t i = 0; i < DUE_PER_TICK; i++) {
        shard->http.now.forgets = walker_spares(&shard->walker);
        shard->http.now.journal_full = (uint8_t)journal_state(&shard->journal);
        if (!journal_room(&shard->journal))
            return;
        if (!engine_due(shard->engine, &shard->http.now, &event))
            return;
        walker_record(&shard->walker, &event);
    }
    shard->expired_late++;
    shard->work_left = true;
}

static bool is_read(enum command_kind kind)
{
    return kind == COMMAND_CART_READ || kind == COMMAND_ORDER_READ || kind == COMMAND_ORDERS_LIST ||
           kind == COMMAND_STOCK_READ || kind == COMMAND_SWITCHES_LIST;
}

/* What the command does is durable; it only waits for every shard to have seen it. */
static bool is_passing_by(const struct command *command)
{
    return command->step > 0 &&
           (command->kind == COMMAND_PRODUCT_SET || command->kind == COMMAND_SALE_SET);
}

/* Nothing that changes anything runs any more; the due holds of a reader stay where they are. A
 * merge under way has units in its slot: it is decided, and gives them back (decide_merge.c). */
static bool refuse_without_journal(struct shard *shard, struct request *request)
{
    const struct command *command = &request->work->command;
    if (is_read(command->kind) || is_passing_by(command) ||
        (command->kind == COMMAND_CART_MERGE && command->step > 0))
        return false;
    shard_refuse(shard, request, 503, "journal_full", "the journal has no room left");
    return true;
}

static bool expire_own(struct shard *shard, const struct command *command)
{
    struct event event;
    while (engine_due_of(shard->engine, command, &shard->http.now, &event)) {
        walker_record(&shard->walker, &event);
        if (!journal_room(&shard->journal))
            return false;
    }
    return true;
}

/* What the event has only now brought into the tables, for the reply to show. */
static void note_born(struct shard *shard, const struct event *event, struct answer *answer)
{
    const struct engine *engine = shard->engine;
    if (answer->order_index == UINT32_MAX && event_is_order(event->kind))
        answer->order_index = engine->applied_order;
    if (answer->customer_index == UINT32_MAX && event->text[TEXT_CUSTOMER].size > 0)
        answer->customer_index = engine->applied_customer;
    if (event->kind == EVENT_ORDER_PLACED)
        answer->placed = event;
}

void shard_decide(
    struct shard *shard, const struct command *command, struct event *event, struct answer *answer)
{
    shard_roll_dice(shard);
    /* What the commands before it in this tick promised counts. */
    shard->http.now.journal_full = (uint8_t)journal_state(&shard->journal);
    engine_decide(shard->engine, command, &shard->http.now, event, answer);
    if (event->kind == EVENT_NONE)
        return;
    walker_record(&shard->walker, event);
    note_born(shard, event, answer);
}

static enum run decide(struct shard *shard, struct request *request)
{
    struct answer answer;
    struct event event;
    struct command *command = &request->work->command;
    command->carry = request->reply.data + REQUEST_HEAD_SIZE;
    command->carry_size_max = request->reply.size_max - REQUEST_HEAD_SIZE;
    /* What this tick still runs after the visit reads the clock that the switch has set. */
    if (command->kind == COMMAND_SWITCH)
        shard_refresh_now(shard);
    shard_decide(shard, command, &event, &answer);
    if (answer.goes_on) {
        CHECK(answer.next_shard < shard->count);
        request->goes_on = true;
        request->target = (uint8_t)answer.next_shard;
        command->step = answer.next_step;
        return RUN_DONE;
    }
    shard_note_unconfirmed(shard, request, &answer);
    if (shard_render(shard, request, &answer))
        return RUN_DONE;
    if (request->large == 0)
        return RUN_NEEDS_LARGE;
    shard_refuse(shard, request, 503, "overloaded", "the reply is larger than any buffer");
    return RUN_DONE;
}

enum run shard_run_command(struct shard *shard, struct request *request)
{
    uint32_t room = request->reply.size_max - REQUEST_HEAD_SIZE;
    engine_bring_near(shard->engine, &request->work->command);
    if (request->large == 0 && shard_reply_bound(shard, request) > room)
        return RUN_NEEDS_LARGE;
    enum run run = RUN_DONE;
    request->goes_on = false;
    if (journal_room(&shard->journal)) {
        if (!expire_own(shard, &request->work->command))
            return RUN_NO_ROOM;
        run = decide(shard, request);
    } else if (!journal_exhausted(&shard->journal)) {
        return RUN_NO_ROOM;
    } else if (!refuse_without_journal(shard, request)) {
        run = decide(shard, request);
    }
    request->wait_shard = (uint8_t)shard->number;
    request->wait_batch = journal_newest(&shard->journal);
    if (bug(BUG_READ_TELLS_EARLY) && is_read(request->work->command.kind))
        request->wait_batch = 0;
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

/* Its connection may be gone: then nobody waits for the reply, but what has more to do goes on, and
 * what an admin did is logged all the same. */
static void end_visit(struct shard *shard, struct request *request)
{
    uint32_t index = request->connection_index;
    if (index != REQUEST_NONE && !request->goes_on) {
        shard->connections.slots[index].unrun = REQUEST_NONE;
        shard->connections.slots[index].last_request |= request->reply.close;
        connection_ready(&shard->connections, index);
    }
    shard_has_run(shard, request);
}

/* Nothing has happened yet to what comes back for a large reply. */
static void come_home(struct shard *shard, struct request *request)
{
    CHECK(request->state == REQUEST_TRAVELLING);
    request->state = REQUEST_DECODED;
    if (!request->needs_room) {
        end_visit(shard, request);
        return;
    }
    CHECK(request->work->command.step == 0);
    if (request->connection_index == REQUEST_NONE)
        request_give(&shard->requests, request);
    else
        shard_wants_large(shard, request);
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

/* The lists of requests that wait at home, linked by wait_next. */
static void push_waiting(struct shard *shard, uint32_t *first, uint32_t *last, uint32_t index)
{
    shard->requests.slots[index].wait_next = REQUEST_NONE;
    if (*last == REQUEST_NONE)
        *first = index;
    else
        shard->requests.slots[*last].wait_next = index;
    *last = index;
}

static void pop_waiting(struct shard *shard, uint32_t *first, uint32_t *last)
{
    *first = shard->requests.slots[*first].wait_next;
    if (*first == REQUEST_NONE)
        *last = REQUEST_NONE;
}

void shard_go_on(struct shard *shard, struct request *request)
{
    CHECK(request->goes_on);
    request->state = REQUEST_DECODED;
    push_waiting(shard, &shard->going_on_first, &shard->going_on_last, request->index);
}

bool shard_sees_going_on(const struct shard *shard)
{
    return shard->going_on_first != REQUEST_NONE && journal_room(&shard->journal);
}

/* Those that were there when we began: what goes on at once comes again in the next tick. */
static void make_next_visits(struct shard *shard)
{
    uint32_t last = shard->going_on_last;
    for (bool more = last != REQUEST_NONE; more;) {
        uint32_t index = shard->going_on_first;
        struct request *request = &shard->requests.slots[index];
        bool here = request->target == shard->number;
        if (here && shard_run_command(shard, request) != RUN_DONE) {
            request->goes_on = true; /* there was no room in the batch: again in a later tick */
            return;
        }
        more = index != last;
        pop_waiting(shard, &shard->going_on_first, &shard->going_on_last);
        if (here)
            end_visit(shard, request);
        else
            shard_send_away(shard, request);
    }
}

void shard_read_mail(struct shard *shard)
{
    for (uint32_t from = 0; from < shard->count; from++) {
        if (from != shard->number)
            read_box(shard, from);
    }
    make_next_visits(shard);
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
    push_waiting(shard, &shard->wants_large_first, &shard->wants_large_last, request->index);
}

void shard_send_enlarged(struct shard *shard)
{
    while (shard->wants_large_first != REQUEST_NONE) {
        struct request *request = &shard->requests.slots[shard->wants_large_first];
        bool gone = request->connection_index == REQUEST_NONE;
        if (!gone && !request_enlarge(&shard->requests, request))
            return;
        pop_waiting(shard, &shard->wants_large_first, &shard->wants_large_last);
        if (gone)
            request_give(&shard->requests, request);
        else
            shard_send_away(shard, request);
    }
}
