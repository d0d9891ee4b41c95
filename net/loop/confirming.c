/* SPDX-License-Identifier: Apache-2.0 */
/*
 * durability = postgres: a checkout's 201 waits twice (K5), for our disk like any other reply, and
 * then for the commit of PostgreSQL that has its order.
 *
 *     run -> durable here -> confirmed: the stream's mark has reached the order's number -> 201
 *                      \-> wait_ms are over, or a stop cannot wait -> 503 unconfirmed
 *
 * The order stands either way: the same key finds it, and waits again. Only the reply waits, units
 * move when our own disk has the record.
 *
 * A shard shows, in `awaits`, for whose events it waits; the stream, after a commit, looks there
 * and alarms those that sleep. The shard shows, lies down, and looks at the mark; the stream moves
 * the mark, and looks at both: sequentially consistent, so one of them sees the other (mailbox.h).
 *
 * A list is in the order in which its requests have joined it. So its first one is the first whose
 * time is over, and all that have run since wait for later numbers; a replay may wait for an
 * earlier one, and then a little longer than it must.
 */
#include "core/bugs.h"
#include "core/check.h"
#include "core/tables.h"
#include "net/loop/shard.h"
#include "persist/stream.h"

/* So long before the end of a drain the last ones are told that they must ask again. */
enum { FAREWELL_MS = 200 };

static uint64_t streamed_of(const struct shard *shard, uint32_t number)
{
    return atomic_load(&shard->all->journals->marks[number].streamed_seq);
}

bool shard_is_unconfirmable(const struct shard *shard)
{
    const struct shards *all = shard->all;
    return all->confirms && !bug(BUG_SELLS_UNCONFIRMABLE) &&
           !stream_takes(all->stream, shard->number);
}

/* An order found by its key counts as confirmed when its latest change is: its first number is not
 * kept. */
void shard_note_unconfirmed(
    const struct shard *shard, struct request *request, const struct answer *answer)
{
    if (!shard->all->confirms)
        return;
    bool is_order =
        request->work->command.kind == COMMAND_CHECKOUT && answer->outcome == OUTCOME_OK;
    request->wait_seq = is_order ? order_at(shard->engine, answer->order_index)->stream_seq : 0;
}

bool shard_is_confirmed(const struct shard *shard, const struct request *request)
{
    return request->wait_seq == 0 || bug(BUG_REPLY_BEFORE_POSTGRES) ||
           request->wait_seq <= streamed_of(shard, request->wait_shard);
}

void shard_await_confirmation(struct shard *shard, struct request *request)
{
    request->wait_until_ms = shard->monotonic_ms + shard->all->config->postgres.wait_ms;
    request_wait_confirmed(&shard->requests, request);
    atomic_fetch_or(&shard->awaits, UINT64_C(1) << request->wait_shard);
}

/* Slots that wait for PostgreSQL must not be all there are: the shop would stand still with it. */
bool shard_confirms_no_more(const struct shard *shard, const struct request *request)
{
    return shard->requests.unconfirmed_count > shard->requests.count / 2 &&
           request->work->command.kind == COMMAND_CHECKOUT;
}

static uint64_t waits_until(const struct shard *shard, const struct request *request)
{
    uint64_t until = request->wait_until_ms;
    if (shard->phase == SHARD_RUNNING || until + FAREWELL_MS <= shard->drain_until_ms)
        return until;
    return shard->drain_until_ms > FAREWELL_MS ? shard->drain_until_ms - FAREWELL_MS : 0;
}

/* The next one of a list that waits no longer; NULL: the first one still does, or there is none. */
static struct request *next_released(struct shard *shard, uint32_t number)
{
    const struct request *first = request_first_unconfirmed(&shard->requests, number);
    if (first == NULL)
        return NULL;
    if (!shard_is_confirmed(shard, first) && waits_until(shard, first) > shard->monotonic_ms)
        return NULL;
    return request_take_unconfirmed(&shard->requests, number);
}

void shard_release_confirmed(struct shard *shard)
{
    uint64_t awaits = atomic_load_explicit(&shard->awaits, memory_order_relaxed);
    for (; awaits != 0; awaits &= awaits - 1) {
        uint32_t number = (uint32_t)__builtin_ctzll(awaits);
        struct request *request;
        while ((request = next_released(shard, number)) != NULL) {
            if (!shard_is_confirmed(shard, request) && !bug(BUG_PUT_OFF_IS_CONFIRMED))
                shard_refuse(shard, request, 503, "unconfirmed",
                    "The order stands, but PostgreSQL has not confirmed it yet: send the same "
                    "request with the same key again.");
            shard_may_send(shard, request);
        }
        if (request_first_unconfirmed(&shard->requests, number) == NULL)
            atomic_fetch_and(&shard->awaits, ~(UINT64_C(1) << number));
    }
}

bool shard_sees_confirmed(const struct shard *shard)
{
    uint64_t awaits = atomic_load_explicit(&shard->awaits, memory_order_relaxed);
    for (; awaits != 0; awaits &= awaits - 1) {
        uint32_t number = (uint32_t)__builtin_ctzll(awaits);
        if (shard_is_confirmed(shard, request_first_unconfirmed(&shard->requests, number)))
            return true;
    }
    return false;
}

uint64_t shard_confirm_wait_ms(const struct shard *shard)
{
    uint64_t least = UINT64_MAX;
    uint64_t awaits = atomic_load_explicit(&shard->awaits, memory_order_relaxed);
    for (; awaits != 0; awaits &= awaits - 1) {
        uint32_t number = (uint32_t)__builtin_ctzll(awaits);
        const struct request *first = request_first_unconfirmed(&shard->requests, number);
        uint64_t until = waits_until(shard, first);
        uint64_t wait = until > shard->monotonic_ms ? until - shard->monotonic_ms : 0;
        if (wait < least)
            least = wait;
    }
    return least;
}

void shards_confirmed(void *context, uint32_t number)
{
    struct shards *all = context;
    for (uint32_t i = 0; i < all->count; i++) {
        struct shard *shard = all->shard[i];
        bool waits = atomic_load(&shard->awaits) >> number & 1;
        if (waits && sleeper_needs_bell(&shard->sleeper))
            io_alarm(shard->io);
    }
}
