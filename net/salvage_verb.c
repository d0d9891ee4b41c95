/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engines are built as a server builds them, because what is kept must add up in them. Nobody
 * asks twice: without --yes all is told and nothing changed, and with it the same is told and done.
 */
#include "net/salvage_verb.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/json_writer.h"
#include "core/tables.h"
#include "net/house.h"
#include "net/memory.h"
#include "persist/postgres_positions.h"
#include "persist/salvage.h"

enum { ERROR_SIZE = 1024 };

struct work {
    const struct config *config;
    struct house *house;
    struct memory memory;
    struct datadir directory;
    struct salvage *salvage;
    uint64_t positions[SHARDS_MAX]; /* of PostgreSQL */
    bool compared;
    bool yes;
    FILE *out;
    char error[ERROR_SIZE];
};

static int complain(const char *error)
{
    fprintf(stderr, "hotshelf recover: %s\n", error);
    return 1;
}

static void restart(void *context)
{
    struct work *work = context;
    memset(work->memory.base, 0, work->memory.size);
    memset(work->house, 0, sizeof *work->house);
    work->house->config = *work->config;
    house_build(work->house, work->memory.base, work->memory.size, work->directory.shards, 0);
}

static void replay(void *context, uint32_t shard, const struct event *event)
{
    struct work *work = context;
    engine_replay(work->house->shards->shard[shard]->engine, event);
}

/* What is kept must add up. */
static void prove(void *context)
{
    struct work *work = context;
    struct engine *engines[SHARDS_MAX] = {NULL};
    uint32_t count = work->directory.shards;
    for (uint32_t i = 0; i < count; i++)
        engines[i] = work->house->shards->shard[i]->engine;
    salvage_prove(&work->house->shelf, engines, count);
}

/* Takes the lock, and memory for engines of that directory. */
static int open_all(struct work *work)
{
    uint64_t bytes;
    int result = datadir_read(&work->directory, work->config->data.dir, work->error, ERROR_SIZE);
    if (result != 0)
        return result;
    if (!datadir_try_lock(&work->directory)) {
        snprintf(work->error, ERROR_SIZE,
            "a server is using %.800s: stop it first, there is nothing to salvage while it runs",
            work->directory.path);
        return -1;
    }
    result = house_measure(work->config, work->directory.shards, &work->directory.geometry, &bytes,
        NULL, NULL, work->error, ERROR_SIZE);
    return result == 0 ? memory_take(&work->memory, bytes, work->error, ERROR_SIZE) : result;
}

static int make_plan(struct work *work)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const struct salvage_options options = {
        .directory = &work->directory,
        .restart = restart,
        .replay = replay,
        .prove = prove,
        .context = work,
        .now_wall_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000,
        .streamed = work->config->postgres.dsn[0] == '\0' ? NULL : work->positions,
    };
    return salvage_plan(work->salvage, &options, work->error, ERROR_SIZE);
}

static void tell_lost(const struct work *work, uint32_t shard)
{
    const struct salvage_shard *is = &work->salvage->shards[shard];
    const struct chain *chain = &work->salvage->recovery.shards[shard].chain;
    char time[JSON_TIME_SIZE];
    fprintf(work->out, "  lost: batches %" PRIu64 " to %" PRIu64, chain->number + 1, is->lost_to);
    if (is->lost_seq > chain->seq)
        fprintf(
            work->out, ", stream numbers %" PRIu64 " to %" PRIu64, chain->seq + 1, is->lost_seq);
    json_format_time(time, is->lost_wall_ms);
    if (is->lost_wall_ms != 0)
        fprintf(work->out, ", the last of them of %.24s", time);
    fprintf(work->out, "\n");
}

static void tell_shard(const struct work *work, uint32_t shard)
{
    const struct salvage_shard *is = &work->salvage->shards[shard];
    const struct chain *chain = &work->salvage->recovery.shards[shard].chain;
    char time[JSON_TIME_SIZE];
    fprintf(work->out, "shard %" PRIu32 ": %s\n", shard,
        !is->cut       ? "whole"
        : is->together ? "whole, but its last batches were written after what others have lost"
                       : is->reason);
    json_format_time(time, chain->wall_ms);
    if (chain->number == 0)
        fprintf(work->out, "  kept: nothing\n");
    else
        fprintf(work->out,
            "  kept: batches up to %" PRIu64 " of %.24s, stream numbers up to %" PRIu64 "\n",
            chain->number, time, chain->seq);
    if (is->cut)
        tell_lost(work, shard);
}

static void tell_plan(const struct work *work)
{
    const struct salvage *salvage = work->salvage;
    if (salvage->together)
        fprintf(work->out,
            "What is whole of each shard does not fit together (%s). So all shards go back to "
            "the last moment at which it did.\n",
            salvage->misfit);
    for (uint32_t i = 0; i < work->directory.shards; i++)
        tell_shard(work, i);
    fprintf(work->out,
        "What customers and merchants were told in the batches that are lost is forgotten: their "
        "holds end, orders and payments there are unknown, and the units are for sale again.\n");
}

/* Whether PostgreSQL has orders that would be unknown here (S1). */
static int compare_postgres(struct work *work)
{
    const char *dsn = work->config->postgres.dsn;
    if (dsn[0] == '\0') {
        fprintf(work->out, "PostgreSQL: not configured%s\n",
            work->salvage->recovery.postgres_system_id == 0
                ? ""
                : ", although the journal has met one: what that has is not compared");
        return 0;
    }
    char problem[512];
    if (postgres_positions(dsn, work->directory.node, work->positions, problem, sizeof problem) !=
        0) {
        fprintf(work->out, "PostgreSQL: not reached (%s), so not compared\n", problem);
        return 0;
    }
    work->compared = true;
    const uint64_t *gone = work->house->shards->shard[0]->engine->seqs;
    for (uint32_t i = 0; i < SHARDS_MAX; i++) {
        bool is_used = i < work->directory.shards;
        uint64_t seq = is_used ? work->salvage->recovery.shards[i].chain.seq : gone[i];
        if (work->positions[i] <= seq)
            continue;
        snprintf(work->error, ERROR_SIZE,
            "PostgreSQL has stream numbers up to %" PRIu64 " of shard %" PRIu32
            ", and what is whole ends at %" PRIu64 ": orders that it has would be unknown here, "
            "and their units sold twice. Use hotshelf recover --from-postgres",
            work->positions[i], i, seq);
        return -1;
    }
    fprintf(work->out, "PostgreSQL: has nothing of what is lost\n");
    return 0;
}

static int carry_out(struct work *work)
{
    if (!work->yes) {
        fprintf(work->out,
            "Nothing was changed. Copy %s, since this cannot be undone; then "
            "hotshelf recover --salvage --yes cuts off what is lost.\n",
            work->directory.path);
        return 1;
    }
    if (work->config->postgres.dsn[0] != '\0' && !work->compared)
        return complain("PostgreSQL is not reached, and whether it has what is lost is not known: "
                        "nothing was changed. Start it, or decide without it by "
                        "--set postgres.dsn=");
    if (salvage_carry_out(work->salvage, work->error, ERROR_SIZE) != 0)
        return complain(work->error);
    fprintf(work->out,
        "Cut. The next start goes on from what is kept; hotshelf journal dump shows what was lost "
        "as records of kind salvaged.\n");
    return 0;
}

static int refuse(const struct work *work)
{
    fprintf(stderr,
        "hotshelf recover: %s\nThis cannot be salvaged, and nothing was changed. If the disk "
        "fails, "
        "copy the directory to another one and try there; else use hotshelf recover "
        "--from-postgres\n",
        work->error);
    return 1;
}

static int salvage_it(struct work *work)
{
    if (open_all(work) != 0)
        return complain(work->error);
    int answer = make_plan(work);
    if (answer < 0)
        return refuse(work);
    if (answer == 0) {
        fprintf(work->out, "The journal is whole: there is nothing to salvage.\n");
        return 0;
    }
    tell_plan(work);
    return compare_postgres(work) == 0 ? carry_out(work) : complain(work->error);
}

int salvage_journal(const struct config *config, bool yes, FILE *out)
{
    struct work *work = calloc(1, sizeof *work);
    struct house *house = calloc(1, sizeof *house);
    struct salvage *salvage = calloc(1, sizeof *salvage);
    int status = 1;
    if (work == NULL || house == NULL || salvage == NULL) {
        (void)complain("out of memory");
    } else {
        work->config = config;
        work->house = house;
        work->salvage = salvage;
        work->yes = yes;
        work->out = out;
        work->directory.lock_fd = -1;
        status = salvage_it(work);
        if (work->memory.base != NULL)
            memory_give(&work->memory);
        datadir_close(&work->directory);
    }
    free(salvage);
    free(house);
    free(work);
    return status;
}
