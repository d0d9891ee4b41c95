/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salvage - the plan. Recovery judges; here it is asked again with other limits until what it finds
 * stands by itself. The cut of all shards together is the greatest in which no batch that is kept
 * names one that is not: it is found by cutting, and looking again at what then is named.
 */
#include "persist/salvage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bugs.h"
#include "core/check.h"
#include "core/engine_steps.h"
#include "persist/reader.h"
#include "persist/segment_map.h"

void salvage_prove(struct shelf *shelf, struct engine *const engines[], uint32_t count)
{
    const struct catalog *catalog = &shelf->catalog;
    shelf_derive(shelf, engines, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t removed = engines[i]->removed_sale;
        engine_check(engines[i]);
        CHECK(removed == 0 || removed == catalog->leaving ||
              catalog_sale_reserved(catalog, removed) == 0 ||
              bug(BUG_SALVAGE_TRUSTS_SUMS));
    }
}

static void ignore(void *context, uint32_t shard, const struct event *event)
{
    (void)context, (void)shard, (void)event;
}

/* Reads with the limits of now, to the engines or only to look. */
static int read_all(struct salvage *salvage, bool replays, char *error, size_t error_size)
{
    const struct salvage_options *options = &salvage->options;
    const struct recover_options recover_options = {
        .directory = options->directory,
        .replay = replays ? options->replay : ignore,
        .prove = replays ? options->prove : NULL,
        .progress = options->progress,
        .context = options->context,
        .salvage = &salvage->recover,
    };
    if (replays)
        options->restart(options->context);
    return recover(&salvage->recovery, &recover_options, error, error_size);
}

static uint32_t shard_count(const struct salvage *salvage)
{
    return salvage->options.directory->shards;
}

/* What is damaged ends where it does; answers whether anything is. */
static bool take_losses(struct salvage *salvage)
{
    bool any = false;
    for (uint32_t i = 0; i < shard_count(salvage); i++) {
        const struct recover_loss *loss = &salvage->recover.losses[i];
        struct salvage_shard *shard = &salvage->shards[i];
        if (!loss->damaged)
            continue;
        any = shard->cut = true;
        shard->lost_to = loss->to > shard->lost_to ? loss->to : shard->lost_to;
        if (shard->reason[0] == 0)
            memcpy(shard->reason, loss->reason, sizeof(shard->reason));
        salvage->recover.limits[i] = salvage->recovery.shards[i].chain.number;
    }
    return any;
}

/* Cuts what names more than is kept; answers whether anything did. */
static bool cut_further(struct salvage *salvage)
{
    bool any = false;
    for (uint32_t i = 0; i < shard_count(salvage); i++) {
        uint64_t needs = salvage->recover.needs[i];
        struct salvage_shard *shard = &salvage->shards[i];
        if (needs >= salvage->recover.limits[i])
            continue;
        any = true;
        salvage->recover.limits[i] = needs;
        if (shard->cut)
            continue;
        shard->cut = shard->together = true;
        shard->lost_to = salvage->recovery.shards[i].chain.number;
    }
    return any;
}

static int cut_together(struct salvage *salvage, char *error, size_t error_size)
{
    int result;
    (void)snprintf(salvage->misfit, sizeof(salvage->misfit), "%s", error);
    for (uint32_t i = 0; i < shard_count(salvage); i++)
        salvage->recover.limits[i] = UINT64_MAX;
    result = read_all(salvage, false, error, error_size);
    if (result != 0)
        return result;
    if (!take_losses(salvage)) {
        (void)snprintf(
            error, error_size, "%s; nothing is lost that could be given up", salvage->misfit);
        return -EBADMSG;
    }
    salvage->together = true;
    do {
        result = read_all(salvage, false, error, error_size);
    } while (result == 0 && cut_further(salvage));
    return result == 0 ? read_all(salvage, true, error, error_size) : result;
}

/* A generation that was written from another begins with a walk, and without it means nothing. */
static int check_begins(const struct salvage *salvage, char *error, size_t error_size)
{
    for (uint32_t i = 0; i < shard_count(salvage); i++) {
        const struct chain *chain = &salvage->recovery.shards[i].chain;
        if (chain->number > 0 || salvage->options.directory->generation == 1)
            continue;
        (void)snprintf(error, error_size,
            "nothing is whole of shard %" PRIu32
            ", not even the walk with which its journal begins",
            i);
        return -EBADMSG;
    }
    return 0;
}

/* A block of a shard's files that is the header of a batch after the cut. */
static void note_lost(struct salvage *salvage, uint32_t shard, const struct batch_header *header)
{
    struct salvage_shard *is = &salvage->shards[shard];
    if (header->shard != shard || header->generation != salvage->options.directory->generation)
        return;
    if (header->number > is->lost_to)
        is->lost_to = header->number;
    if (header->last_seq > is->lost_seq)
        is->lost_seq = header->last_seq;
    if (header->wall_ms > is->lost_wall_ms)
        is->lost_wall_ms = header->wall_ms;
}

static int scan_slot(
    struct salvage *salvage, uint32_t shard, uint32_t slot, uint32_t number, uint8_t *buffer)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    struct segment_file file;
    const struct datadir *directory = salvage->options.directory;
    const struct journal_origin origin = datadir_origin(directory, shard);
    uint64_t kept = salvage->recovery.shards[shard].chain.number;
    uint32_t size, end = directory->geometry.segment_size;
    datadir_segment_path(directory, shard, slot, path);
    int result = segment_open(&file, path, SEGMENT_READ, directory->buffered);
    for (uint32_t from = SEGMENT_HEADER_SIZE; result == 0 && from < end; from += size) {
        size = end - from < READER_CHUNK_SIZE ? end - from : READER_CHUNK_SIZE;
        result = segment_read(&file, buffer, size, from);
        for (uint32_t at = 0; result == 0 && at < size; at += BATCH_BLOCK_SIZE) {
            struct batch_header header = {.number = 0};
            (void)batch_check_header(buffer + at, &origin, number, from + at, &header);
            if (header.directory == directory->directory && header.number > kept)
                note_lost(salvage, shard, &header);
        }
    }
    segment_close(&file);
    return result;
}

/* What can be known of what is lost: the headers that are still whole. */
static int scan_shard(
    struct salvage *salvage, uint32_t shard, uint8_t *buffer, char *error, size_t error_size)
{
    const struct datadir *directory = salvage->options.directory;
    struct segment_map map = {.slots = (void *)(buffer + READER_CHUNK_SIZE)};
    const struct chain *chain = &salvage->recovery.shards[shard].chain;
    struct salvage_shard *is = &salvage->shards[shard];
    is->lost_seq = chain->seq;
    if (is->lost_to <= chain->number)
        is->lost_to = chain->number + 1;
    int result =
        segment_map_read(&map, directory, shard, SEGMENT_MAP_LOOK, buffer, error, error_size);
    for (uint32_t slot = 1; result == 0 && slot <= map.count; slot++) {
        result = scan_slot(salvage, shard, slot, map.slots[slot - 1].number, buffer);
        if (result != 0)
            (void)snprintf(error, error_size,
                "cannot read slot %" PRIu32 " of shard %" PRIu32 ": %s", slot, shard,
                strerror(-result));
    }
    return result;
}

static int scan(struct salvage *salvage, char *error, size_t error_size)
{
    uint64_t map_size = segment_map_size(&salvage->options.directory->geometry);
    uint64_t size =
        (READER_CHUNK_SIZE + map_size + BATCH_BLOCK_SIZE - 1) / BATCH_BLOCK_SIZE * BATCH_BLOCK_SIZE;
    uint8_t *buffer = aligned_alloc(BATCH_BLOCK_SIZE, size);
    int result = buffer == NULL ? -ENOMEM : 0;
    for (uint32_t i = 0; result == 0 && i < shard_count(salvage); i++)
        if (salvage->shards[i].cut)
            result = scan_shard(salvage, i, buffer, error, error_size);
    free(buffer);
    return result;
}

int salvage_plan(
    struct salvage *salvage, const struct salvage_options *options, char *error, size_t error_size)
{
    CHECK(options->restart != NULL);
    CHECK(options->replay != NULL);
    memset(salvage, 0, sizeof(*salvage));
    salvage->options = *options;
    memset(salvage->recover.limits, 0xff, sizeof(salvage->recover.limits));
    int result = read_all(salvage, true, error, error_size);
    if (result != 0 && salvage->recover.contradicts)
        result = cut_together(salvage, error, error_size);
    else if (result == 0 && !take_losses(salvage))
        return 0;
    if (result == 0)
        result = check_begins(salvage, error, error_size);
    if (result == 0)
        result = scan(salvage, error, error_size);
    return result == 0 ? 1 : result;
}
