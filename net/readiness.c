/* SPDX-License-Identifier: Apache-2.0 */
#include "net/readiness.h"

#include <stdio.h>

#include "core/check.h"
#include "persist/stream.h"

static const char *journal_word(const struct shard *shard)
{
    if (journal_exhausted(&shard->journal))
        return "exhausted";
    return journal_full(&shard->journal) ? "full" : "ok";
}

static const char *postgres_state(const struct shards *shards)
{
    if (shards->stream == NULL)
        return "none";
    if (stream_halted(shards->stream))
        return "halted";
    if (!stream_connected(shards->stream))
        return "degraded";
    return stream_adopting(shards->stream) ? "adopting" : "ok";
}

/* Of everything: what is set on a sale or a SKU is in GET /admin/v1/switches. */
static const char *switches_state_name(const struct shards *shards)
{
    return (const char *)switches_name(switches_all(&shards->shelf->switches)).data;
}

static bool ready(void *host, uint8_t *json, uint32_t size_max, uint32_t *size)
{
    const struct shard *shard = host;
    const struct shards *all = shard->all;
    bool selling = atomic_load(&all->selling);
    bool stopping = atomic_load(&all->stopping);
    bool room = !journal_exhausted(&shard->journal);
    bool is_ready = selling && room && !stopping;
    const char *selling_state = selling ? "ok" : "recovering";
    int written = snprintf((char *)json, size_max,
        "{\"status\":\"%s\",\"checks\":{\"selling\":\"%s\",\"journal\":\"%s\",\"postgres\":\"%s\","
        "\"switches\":\"%s\"},\"io\":\"%s\"}",
        is_ready ? "ready" : "not_ready", stopping ? "stopping" : selling_state,
        journal_word(shard), postgres_state(all), switches_state_name(all), io_name(shard->io));
    CHECK(written > 0);
    CHECK((uint32_t)written < size_max);
    *size = (uint32_t)written;
    return is_ready;
}

void readiness_install(struct shards *shards)
{
    for (uint32_t i = 0; i < shards->count; i++)
        shards->shard[i]->http.ready = ready;
}
