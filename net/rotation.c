/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shard looks at `identity` at the start of a tick and nowhere else, so what a request was judged
 * by stays the same until its decoding is over, and nothing of it points into the slot afterwards:
 * names are kept in the request.
 */
#include "net/rotation.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ERROR_SIZE = 1024, LOOK_NS = 1000000 };

static bool all_use(const struct shards *shards, const struct identity *identity)
{
    for (uint32_t i = 0; i < shards->count; i++) {
        if (atomic_load(&shards->shard[i]->uses) != identity)
            return false;
    }
    return true;
}

static void put_in_force(struct shards *shards, const struct identity *identity)
{
    const struct timespec look = {.tv_nsec = LOOK_NS};
    atomic_store(&shards->identity, identity);
    shards_wake(shards);
    while (!all_use(shards, identity))
        nanosleep(&look, NULL);
}

bool rotation_run(struct house *house)
{
    char error[ERROR_SIZE] = "";
    struct identity *old = &house->identities[house->identity];
    struct identity *fresh = &house->identities[!house->identity];
    fresh->epoch = old->epoch + 1;
    fresh->guests = old->guests;
    if (identity_load(fresh, &house->config, error, sizeof(error)) != 0) {
        explicit_bzero(fresh, sizeof(*fresh));
        fprintf(stderr, "hotshelf: keys and tokens stay as they were: %s\n", error);
        return false;
    }
    if (error[0] != 0)
        fprintf(stderr, "hotshelf: %s\n", error);
    put_in_force(house->shards, fresh);
    house->identity = !house->identity;
    explicit_bzero(old, sizeof(*old));
    fprintf(stderr, "hotshelf: keys and tokens were read anew\n");
    return true;
}
