/* SPDX-License-Identifier: Apache-2.0 */
#include "net/house.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/check.h"
#include "core/set_aside.h"
#include "net/memory.h"
#include "persist/space.h"

/* Tables have the seed itself. */
#define KEY_OF_PLACES UINT64_C(0xc2b2ae3d27d4eb4f)
#define KEY_OF_RATES UINT64_C(0x9e3779b97f4a7c15)

uint32_t house_shards(const struct config *config)
{
    if (config->server.shards > 0)
        return config->server.shards;
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) != 0)
        return 1;
    uint32_t cores = (uint32_t)CPU_COUNT(&allowed);
    return cores < SHARDS_MAX ? cores : SHARDS_MAX;
}

/* On the request's home shard. */
static bool enlarge(void *host, struct request *request, uint32_t bytes)
{
    struct shard *shard = host;
    if (bytes + REQUEST_HEAD_SIZE > REQUEST_REPLY_LARGE)
        return false;
    return request->large != 0 || request_enlarge(&shard->requests, request);
}

static void roll(void *host)
{
    shard_roll_dice(host);
}

static void peer(void *host, const struct request *request, struct address *address)
{
    *address = shard_peer_of(host, request->connection_index);
}

static void furnish(struct house *house, struct shard *shard, uint64_t seed)
{
    const struct config *config = &house->config;
    shard->engine = engine_create(&house->arena, &house->shelf, &config->policy, &config->capacity,
        shard->number, shard->count, seed);
    http_init(&shard->http, &house->arena, config, &house->shelf, &house->identities[0],
        shard->number, shard->count);
    shard->http.enlarge = enlarge;
    shard->http.roll = roll;
    shard->http.rates = &house->rates;
    shard->http.peer = peer;
    shard->http.subscribe = shard_subscribe;
    shard->subscribers.seed = seed;
    shard->http.host = shard;
    if (shard->number == 0)
        shard->import = import_create(&house->arena, config, &house->shelf, config->data.dir);
}

void house_build(struct house *house, void *base, uint64_t size, uint32_t shards, uint64_t seed)
{
    const struct config *config = &house->config;
    arena_init(&house->arena, base, size);
    shelf_init(&house->shelf, &house->arena, &config->capacity);
    rates_init(&house->rates, &house->arena, config, seed ^ KEY_OF_RATES);
    struct shards_options options = {
        .config = config,
        .shelf = &house->shelf,
        .journals = &house->journals,
        .count = shards,
        .connections = config->capacity.connections,
        .requests = config->capacity.requests,
        .subscribers = config->capacity.subscribers,
        .header_bytes = config->limits.header_bytes,
        .body_bytes = config->limits.body_bytes,
        .drain_ms = config->server.drain_seconds * 1000,
        .postgres = config->postgres.dsn[0] != '\0',
        .confirms = config->data.durability == DURABILITY_POSTGRES,
    };
    house->shards = shards_create(&house->arena, &options);
    places_init(&house->shards->places, &house->arena, config->limits.connections_per_address,
        seed ^ KEY_OF_PLACES);
    atomic_store(&house->shards->identity, &house->identities[0]);
    for (uint32_t i = 0; i < shards; i++)
        furnish(house, house->shards->shard[i], seed + i);
}

static uint64_t least_of(const struct house *house, uint32_t shard, uint32_t shards,
    const struct datadir_geometry *geometry)
{
    const struct policy *policy = &house->config.policy;
    uint64_t live_ms = 1000 * ((uint64_t)policy->hold_seconds + policy->payment_seconds);
    return space_least(engine_walk_bytes_max(house->shards->shard[shard]->engine), live_ms,
        1000 * (uint64_t)policy->review_seconds, geometry, shards);
}

static uint64_t least_of_all(
    const struct house *house, uint32_t shards, const struct datadir_geometry *geometry)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < shards; i++) {
        uint64_t least = least_of(house, i, shards, geometry);
        most = least > most ? least : most;
    }
    return most;
}

static uint64_t size_of(const struct datadir_geometry *geometry)
{
    return (uint64_t)geometry->segments * geometry->segment_size;
}

/* Larger budgets have larger segments, of which two are counted. */
static uint64_t journal_bytes_for(const struct house *house, uint32_t shards)
{
    struct datadir_geometry geometry = {
        .segment_size = SEGMENT_SIZE_MIN, .batch_size = BATCH_SIZE_DEFAULT};
    uint64_t wanted = least_of_all(house, shards, &geometry), least;
    for (uint32_t i = 0; i < 64; i++) {
        if (datadir_divide(wanted * shards, shards, &geometry, &least) == 0 &&
            size_of(&geometry) >= least_of_all(house, shards, &geometry))
            break;
        wanted += wanted / 16;
    }
    return ((wanted * shards >> 20) + 1) << 20;
}

void house_judge_space(const struct house *house, uint32_t shards,
    const struct datadir_geometry *geometry, struct house_space *space)
{
    *space = (struct house_space){
        .least = least_of_all(house, shards, geometry),
        .has = size_of(geometry),
        .journal_bytes = journal_bytes_for(house, shards),
    };
    struct set_aside hold = set_aside_of_holds(1);
    for (uint32_t i = 0; i < shards; i++) {
        uint64_t least = least_of(house, i, shards, geometry);
        space->rest += space->has > least ? space->has - least : 0;
    }
    const struct policy *policy = &house->config.policy;
    uint64_t payment_ms = 1000 * (uint64_t)policy->payment_seconds;
    uint64_t unpaid = space_unpaid(payment_ms, 1000 * (uint64_t)policy->hold_seconds + payment_ms,
        house->config.capacity.text_bytes / shards, geometry, shards);
    space->unpaid = unpaid * shards;
    space->holds = space->rest / space_of(&hold, shards);
}

bool house_fits(const struct house_space *space, const struct config *config, uint32_t shards,
    char *error, size_t error_size)
{
    if (space->has >= space->least)
        return true;
    snprintf(error, error_size,
        "data.journal_bytes = %llu is too small for these tables: a shard of %u has %llu MiB and "
        "needs %llu for a walk of them when they are full and for what is promised; use %llu, or "
        "lower capacity.orders, customers, holds, lines, text_bytes, idempotency_keys, allowances "
        "or skus, or reservations.hold_seconds and payment_seconds",
        (unsigned long long)config->data.journal_bytes, shards,
        (unsigned long long)space->has >> 20, (unsigned long long)(space->least >> 20) + 1,
        (unsigned long long)space->journal_bytes);
    return false;
}

int house_measure(const struct config *config, uint32_t shards,
    const struct datadir_geometry *geometry, uint64_t *bytes, struct arena *bill,
    struct house_space *space, char *error, size_t error_size)
{
    struct memory memory;
    int result = memory_measure(&memory, error, error_size);
    if (result != 0)
        return result;
    struct house *house = calloc(1, sizeof *house);
    CHECK(house != NULL);
    house->config = *config;
    house_build(house, memory.base, memory.size, shards, 0);
    uint64_t journal = journal_memory(geometry);
    for (uint32_t i = 0; i < shards; i++)
        arena_take(&house->arena, "journal batches", journal / BATCH_BLOCK_SIZE, BATCH_BLOCK_SIZE);
    *bytes = house->arena.used;
    if (space != NULL)
        house_judge_space(house, shards, geometry, space);
    if (bill != NULL)
        *bill = house->arena;
    free(house);
    memory_give(&memory);
    return 0;
}
