/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary heap by heaped_ns. A thing whose alarm was moved to later, or cleared, stays where it is
 * until it comes to the top; only there it is looked at whether it is really wanted now.
 */
#include "loadtest/alarms.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int alarms_open(struct alarms *alarms, uint32_t count)
{
    *alarms = (struct alarms){
        .wanted_ns = malloc(count * sizeof(uint64_t)),
        .heaped_ns = malloc(count * sizeof(uint64_t)),
        .heap = malloc(count * sizeof(uint32_t)),
        .place = malloc(count * sizeof(uint32_t)),
        .count = count,
    };
    if (alarms->wanted_ns == NULL || alarms->heaped_ns == NULL || alarms->heap == NULL ||
        alarms->place == NULL) {
        alarms_close(alarms);
        return -ENOMEM;
    }
    memset(alarms->wanted_ns, 0xff, count * sizeof(uint64_t));
    memset(alarms->place, 0xff, count * sizeof(uint32_t));
    return 0;
}

void alarms_close(struct alarms *alarms)
{
    free(alarms->wanted_ns);
    free(alarms->heaped_ns);
    free(alarms->heap);
    free(alarms->place);
    *alarms = (struct alarms){0};
}

static bool is_before(const struct alarms *alarms, uint32_t a, uint32_t b)
{
    return alarms->heaped_ns[alarms->heap[a]] < alarms->heaped_ns[alarms->heap[b]];
}

static void swap(struct alarms *alarms, uint32_t a, uint32_t b)
{
    uint32_t kept = alarms->heap[a];
    alarms->heap[a] = alarms->heap[b];
    alarms->heap[b] = kept;
    alarms->place[alarms->heap[a]] = a;
    alarms->place[alarms->heap[b]] = b;
}

static void rise(struct alarms *alarms, uint32_t at)
{
    for (; at > 0 && is_before(alarms, at, (at - 1) / 2); at = (at - 1) / 2)
        swap(alarms, at, (at - 1) / 2);
}

static void sink(struct alarms *alarms, uint32_t at)
{
    for (uint32_t child = 2 * at + 1; child < alarms->heap_count; child = 2 * at + 1) {
        if (child + 1 < alarms->heap_count && is_before(alarms, child + 1, child))
            child++;
        if (!is_before(alarms, child, at))
            return;
        swap(alarms, at, child);
        at = child;
    }
}

void alarms_set(struct alarms *alarms, uint32_t thing, uint64_t at_ns)
{
    alarms->wanted_ns[thing] = at_ns;
    if (at_ns == ALARMS_NEVER)
        return;
    if (alarms->place[thing] == ALARMS_NONE) {
        alarms->place[thing] = alarms->heap_count;
        alarms->heap[alarms->heap_count++] = thing;
    } else if (at_ns >= alarms->heaped_ns[thing]) {
        return;
    }
    alarms->heaped_ns[thing] = at_ns;
    rise(alarms, alarms->place[thing]);
}

static void remove_top(struct alarms *alarms)
{
    alarms->place[alarms->heap[0]] = ALARMS_NONE;
    alarms->heap_count--;
    if (alarms->heap_count == 0)
        return;
    alarms->heap[0] = alarms->heap[alarms->heap_count];
    alarms->place[alarms->heap[0]] = 0;
    sink(alarms, 0);
}

uint32_t alarms_take(struct alarms *alarms, uint64_t now_ns)
{
    while (alarms->heap_count > 0 && alarms->heaped_ns[alarms->heap[0]] <= now_ns) {
        uint32_t thing = alarms->heap[0];
        uint64_t wanted_ns = alarms->wanted_ns[thing];
        if (wanted_ns == ALARMS_NEVER) {
            remove_top(alarms);
        } else if (wanted_ns > now_ns) {
            alarms->heaped_ns[thing] = wanted_ns;
            sink(alarms, 0);
        } else {
            alarms->wanted_ns[thing] = ALARMS_NEVER;
            remove_top(alarms);
            return thing;
        }
    }
    return ALARMS_NONE;
}

uint64_t alarms_next_ns(const struct alarms *alarms)
{
    return alarms->heap_count == 0 ? ALARMS_NEVER : alarms->heaped_ns[alarms->heap[0]];
}
