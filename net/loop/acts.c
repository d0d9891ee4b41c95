/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring between two threads: each writes one of the two counters, and a place is the reader's from
 * `put` being stored until `taken` is.
 */
#include "net/loop/acts.h"

#include <stdio.h>
#include <time.h>

#include "core/check.h"

void acts_init(struct acts *acts, struct arena *arena)
{
    *acts = (struct acts){0};
    acts->ring = arena_take(arena, "acts of admins", ACTS_MAX, sizeof(struct act));
}

/* What others have written stays on its line, and shows what it is. */
static uint8_t copy(uint8_t *to, uint32_t size_max, struct bytes from)
{
    uint32_t size = from.size < size_max ? from.size : size_max;
    for (uint32_t i = 0; i < size; i++)
        to[i] = from.data[i] > 0x20 && from.data[i] < 0x7f ? from.data[i] : '_';
    return (uint8_t)size;
}

void act_begin(struct act *act, enum role role, struct bytes actor)
{
    CHECK(actor.size > 0);
    act->role = (uint8_t)role;
    act->subject_size = 0;
    act->actor_size = copy(act->actor, sizeof(act->actor), actor);
}

void act_add(struct act *act, struct bytes word)
{
    uint32_t used = act->subject_size;
    if (word.size == 0)
        return;
    if (used > 0 && used < sizeof(act->subject))
        act->subject[used++] = ' ';
    act->subject_size =
        (uint8_t)(used + copy(act->subject + used, sizeof(act->subject) - used, word));
}

bool act_is_refused(const struct act *act)
{
    return act->role == ROLE_SERVICE ? act->status == ACT_REFUSED : act->status >= 400;
}

void acts_put(struct acts *acts, const struct act *act)
{
    uint64_t put = atomic_load_explicit(&acts->put, memory_order_relaxed);
    uint64_t most = act_is_refused(act) ? ACTS_REFUSED_MAX : ACTS_MAX;
    if (put - atomic_load_explicit(&acts->taken, memory_order_acquire) >= most) {
        atomic_fetch_add_explicit(&acts->missing, 1, memory_order_relaxed);
        return;
    }
    acts->ring[put % ACTS_MAX] = *act;
    atomic_store_explicit(&acts->put, put + 1, memory_order_release);
}

bool acts_take(struct acts *acts, struct act *act)
{
    uint64_t taken = atomic_load_explicit(&acts->taken, memory_order_relaxed);
    if (taken == atomic_load_explicit(&acts->put, memory_order_acquire))
        return false;
    *act = acts->ring[taken % ACTS_MAX];
    atomic_store_explicit(&acts->taken, taken + 1, memory_order_release);
    return true;
}

uint64_t acts_missing(struct acts *acts)
{
    uint64_t missing = atomic_load_explicit(&acts->missing, memory_order_relaxed);
    uint64_t more = missing - acts->told;
    acts->told = missing;
    return more;
}

static const char *role_name(uint8_t role)
{
    return role == ROLE_OPERATOR ? "operator" : "viewer";
}

/* Who did what, and what came of it. */
static int write_deed(const struct act *act, char *text, size_t size)
{
    if (act->role == ROLE_SERVICE)
        return snprintf(text, size, "back end %.*s %.*s: %s", act->actor_size,
            (const char *)act->actor, act->subject_size, (const char *)act->subject,
            act->status == ACT_DONE ? "done" : "refused");
    return snprintf(text, size, "admin %.*s (%s) %.*s: %u, request %.*s", act->actor_size,
        (const char *)act->actor, role_name(act->role), act->subject_size,
        (const char *)act->subject, act->status, act->request_size, (const char *)act->request);
}

uint32_t act_write(const struct act *act, char line[ACT_LINE_SIZE])
{
    char moment[24] = "", deed[ACT_LINE_SIZE];
    time_t second = act->wall_ms / 1000;
    struct tm parts;
    if (gmtime_r(&second, &parts) != NULL)
        strftime(moment, sizeof(moment), "%Y-%m-%dT%H:%M:%S", &parts);
    int size = write_deed(act, deed, sizeof(deed));
    CHECK(size > 0);
    CHECK(size < ACT_LINE_SIZE);
    size = snprintf(line, ACT_LINE_SIZE, "%s.%03dZ %s\n", moment, (int)(act->wall_ms % 1000), deed);
    CHECK(size > 0);
    CHECK(size < ACT_LINE_SIZE);
    return (uint32_t)size;
}
