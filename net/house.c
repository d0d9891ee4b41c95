/* SPDX-License-Identifier: Apache-2.0 */
#include "net/house.h"

#include <sched.h>
#include <stdlib.h>

#include "core/check.h"
#include "net/memory.h"

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

static void furnish(struct house *house, struct shard *shard, uint64_t seed)
{
    const struct config *config = &house->config;
    shard->engine = engine_create(&house->arena, &house->shelf, &config->policy, &config->capacity,
        shard->number, shard->count, seed);
    http_init(&shard->http, &house->arena, config, &house->shelf, &house->identity, shard->number,
        shard->count);
    shard->http.enlarge = enlarge;
    shard->http.roll = roll;
    shard->http.host = shard;
    if (shard->number == 0)
        shard->import = import_create(&house->arena, config, &house->shelf, config->data.dir);
}

void house_build(struct house *house, void *base, uint64_t size, uint32_t shards, uint64_t seed)
{
    const struct config *config = &house->config;
    arena_init(&house->arena, base, size);
    shelf_init(&house->shelf, &house->arena, &config->capacity);
    struct shards_options options = {
        .config = config,
        .shelf = &house->shelf,
        .journals = &house->journals,
        .count = shards,
        .connections = config->capacity.connections,
        .requests = config->capacity.requests,
        .header_bytes = config->limits.header_bytes,
        .body_bytes = config->limits.body_bytes,
        .drain_ms = config->server.drain_seconds * 1000,
        .postgres = config->postgres.dsn[0] != '\0',
    };
    house->shards = shards_create(&house->arena, &options);
    for (uint32_t i = 0; i < shards; i++)
        furnish(house, house->shards->shard[i], seed + i);
}

int house_measure(const struct config *config, uint32_t shards,
    const struct datadir_geometry *geometry, uint64_t *bytes, struct arena *bill, char *error,
    size_t error_size)
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
    if (bill != NULL)
        *bill = house->arena;
    free(house);
    memory_give(&memory);
    return 0;
}
