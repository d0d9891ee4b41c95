/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/modules/pair.h"

#include <stdio.h>

#include "bench/process.h"
#include "core/check.h"

enum { CORE_OTHER = 0, CORE_OURS = 1 };

static void *run_other(void *argument)
{
    struct pair *pair = argument;
    pair->run(pair, pair->context);
    return NULL;
}

/* It begins on its own core: on ours, where we wait for it, it might never begin, for under a real
 * time priority nobody makes us let go. */
static void start_other(struct pair *pair)
{
    cpu_set_t other;
    pthread_attr_t attributes;
    CPU_ZERO(&other);
    CPU_SET(CORE_OTHER, &other);
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setaffinity_np(&attributes, sizeof other, &other) == 0);
    CHECK(pthread_create(&pair->thread, &attributes, run_other, pair) == 0);
    pthread_attr_destroy(&attributes);
}

bool pair_start(struct pair *pair, void (*run)(struct pair *pair, void *context), void *context)
{
    *pair = (struct pair){.run = run, .context = context};
    CHECK(sched_getaffinity(0, sizeof pair->before, &pair->before) == 0);
    if (process_pin(CORE_OTHER) < 0 || process_pin(CORE_OURS) < 0) {
        fputs("hotshelf-bench: two cores are needed, 0 and 1\n", stderr);
        return false;
    }
    start_other(pair);
    return true;
}

void pair_stop(struct pair *pair)
{
    atomic_store(&pair->stop, true);
    pthread_join(pair->thread, NULL);
    sched_setaffinity(0, sizeof pair->before, &pair->before);
}
