/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines as a server would have them take the images from PostgreSQL, prove that they add up, and
 * are written as another number of shards would be (core/redivide.h). Nothing of the data directory
 * is touched before all of it is read and proved; PostgreSQL's new epoch stands before CURRENT is
 * there, so a server that still ran has stopped selling by then, or does at its next contact.
 */
#include "net/rebuild_verb.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/check.h"
#include "core/json_writer.h"
#include "core/redivide.h"
#include "core/tables.h"
#include "net/house.h"
#include "net/memory.h"
#include "persist/attempt.h"
#include "persist/disk.h"
#include "persist/generation.h"
#include "persist/put_aside.h"
#include "persist/rebuild.h"

enum { ERROR_SIZE = 1024 };

struct work {
    const struct config *config;
    uint32_t shards;
    int64_t now_wall_ms;
    struct memory memory;
    struct arena arena;
    struct shelf *shelf;
    struct engine *engines[SHARDS_MAX];
    struct engine *share;
    struct rebuild rebuild;
    struct datadir directory;
    struct generation generation;
    char aside[DATADIR_FILE_PATH_SIZE_MAX]; /* what was there before; "": nothing was */
    FILE *out;
    char error[ERROR_SIZE];
};

static int complain(const struct work *work)
{
    fprintf(stderr, "hotshelf recover: %s\n", work->error);
    return 1;
}

static void build(struct work *work)
{
    const struct config *config = work->config;
    arena_init(&work->arena, work->memory.base, work->memory.size);
    work->shelf = arena_take(&work->arena, "shelf", 1, sizeof *work->shelf);
    shelf_init(work->shelf, &work->arena, &config->capacity);
    for (uint32_t i = 0; i < work->shards; i++)
        work->engines[i] = engine_create(
            &work->arena, work->shelf, &config->policy, &config->capacity, i, work->shards, i + 1);
    struct shelf *empty = arena_take(&work->arena, "shelf", 1, sizeof *empty);
    shelf_init(empty, &work->arena, &config->capacity);
    work->share =
        engine_create(&work->arena, empty, &config->policy, &config->capacity, 0, work->shards, 0);
}

/* Blocks of all texts that an image of a customer or an order leaves in memory. */
static uint32_t blocks_of(const struct event *image)
{
    static const enum event_text texts[] = {TEXT_REFERENCES, TEXT_ADJUSTMENTS,
        TEXT_ADJUSTMENTS_BORN, TEXT_IDENTITIES, TEXT_PROVIDER, TEXT_PAYMENT_ID};
    uint32_t blocks = 0;
    if (image->kind == EVENT_CUSTOMER_IMAGE)
        return text_blocks(image->text[TEXT_CUSTOMER].size);
    for (uint32_t i = 0; i < sizeof texts / sizeof *texts; i++)
        blocks += text_blocks(image->text[texts[i]].size);
    return blocks;
}

/* The setting of [capacity] that is too small for one more; NULL: there is room. */
static const char *full_table(const struct engine *engine, const struct event *image)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    bool is_order = image->kind == EVENT_ORDER_IMAGE;
    if (image->kind == EVENT_PRODUCT_IMAGE && !catalog_room(catalog, 1, 0))
        return "skus";
    if (image->kind == EVENT_NAME_IMAGE && !catalog_room(catalog, 0, 1))
        return "names";
    if (image->kind == EVENT_CUSTOMER_IMAGE && pool_room(&engine->customers) == 0)
        return "customers";
    if (is_order && pool_room(&engine->orders) == 0)
        return "orders";
    if (is_order && pool_room(&engine->lines) < image->line_count)
        return "lines";
    if (is_order && pool_room(&engine->payments) < PAYMENTS_PER_ORDER)
        return "claims";
    if (image->kind == EVENT_KEYS_IMAGE && pool_room(&engine->keys) == 0)
        return "idempotency_keys";
    if (image->kind == EVENT_ALLOWANCES_IMAGE && pool_room(&engine->allowances) == 0)
        return "allowances";
    if (image->kind == EVENT_GONE_IMAGE && pool_room(&engine->gone) == 0)
        return "skus";
    bool has_texts = is_order || image->kind == EVENT_CUSTOMER_IMAGE;
    return has_texts && text_room(&engine->texts) < blocks_of(image) ? "text_bytes" : NULL;
}

static int take_image(void *context, uint32_t shard, const struct event *image)
{
    struct work *work = context;
    const char *full = full_table(work->engines[shard], image);
    if (full == NULL) {
        engine_replay(work->engines[shard], image);
        return 0;
    }
    snprintf(work->error, ERROR_SIZE,
        "what PostgreSQL has does not fit the part of capacity.%s that shard %" PRIu32
        " of %" PRIu32 " has; raise capacity.%s",
        full, shard, work->shards, full);
    return -ENOSPC;
}

static void add_up(void *context)
{
    const struct work *work = context;
    shelf_derive(work->shelf, work->engines, work->shards);
    for (uint32_t i = 0; i < work->shards; i++)
        engine_check(work->engines[i]);
}

static int prove(struct work *work)
{
    struct broken_fact broken;
    if (attempt(add_up, work, &broken))
        return 0;
    snprintf(work->error, ERROR_SIZE,
        "the rows in PostgreSQL do not add up to what a shop can have been (%s, %s:%d); nothing "
        "was changed",
        broken.fact, broken.file, broken.line);
    return -EBADMSG;
}

static int read_postgres(struct work *work)
{
    const struct rebuild_options options = {
        .dsn = work->config->postgres.dsn,
        .node = work->config->policy.node,
        .shards = work->shards,
        .policy = &work->config->policy,
        .now_wall_ms = work->now_wall_ms,
        .put = take_image,
        .context = work,
    };
    int result = rebuild_open(&work->rebuild, &options, work->error, ERROR_SIZE);
    if (result == 0)
        result = memory_measure(&work->memory, work->error, ERROR_SIZE);
    if (result != 0)
        return result;
    build(work);
    result = rebuild_read(&work->rebuild);
    return result == 0 ? prove(work) : result;
}

static int put(void *context, uint32_t shard, const struct event *event)
{
    struct work *work = context;
    return generation_put(&work->generation, shard, event, work->error, ERROR_SIZE);
}

static int write_journals(struct work *work)
{
    const struct redivide redivide = {.engines = work->engines,
        .count = work->shards,
        .share = work->share,
        .shares = work->shards,
        .put = put,
        .context = work};
    uint64_t shelf_ms = (uint64_t)work->rebuild.shelf_ms;
    const struct moment now = {.shelf_ms = shelf_ms, .wall_ms = work->now_wall_ms};
    const struct generation_options options = {
        .directory = &work->directory,
        .files = {.shards = work->shards, .journal_bytes = work->config->data.journal_bytes},
        .shelf_ms = shelf_ms,
        .wall_ms = work->now_wall_ms,
        .incarnation = 1, /* of a directory with another identity than any before */
    };
    int result = generation_begin(&work->generation, &options, work->error, ERROR_SIZE);
    if (result == 0)
        result = redivide_write(&redivide, &now, work->rebuild.system_id);
    if (result == 0)
        result = generation_end(&work->generation, work->error, ERROR_SIZE);
    if (result == 0)
        result = rebuild_commit(&work->rebuild);
    if (result != 0)
        generation_drop(&work->generation);
    return result;
}

/* The smallest journal there can be comes first and is replaced: a start that finds it without
 * what follows is refused, since PostgreSQL knows more. */
static int make_directory(struct work *work)
{
    struct datadir_geometry geometry;
    uint64_t least;
    (void)datadir_divide(work->config->data.journal_bytes, work->shards, &geometry, &least);
    const struct datadir_options options = {.path = work->config->data.dir,
        .journal_bytes = least,
        .shards = work->shards,
        .node = work->config->policy.node};
    int result = datadir_open(&work->directory, &options, work->error, ERROR_SIZE);
    if (result == 0)
        result = write_journals(work);
    if (result == 0)
        result = generation_publish(&work->generation.directory, work->error, ERROR_SIZE);
    if (result == 0)
        result = generation_sweep(&work->generation.directory, work->error, ERROR_SIZE);
    return result;
}

static void tell_time(const struct work *work, const char *before, int64_t wall_ms)
{
    char time[JSON_TIME_SIZE];
    json_format_time(time, wall_ms);
    fprintf(work->out, "%s%.24s", before, time);
}

static void tell_rebuilt(const struct work *work)
{
    const struct rebuild *rebuild = &work->rebuild;
    const struct rebuild_counts *counts = &rebuild->counts;
    uint64_t allotment = 0, available = 0, held = 0, sold = 0;
    uint32_t end = catalog_walk_end(&work->shelf->catalog);
    for (uint32_t i = 0; i < end; i++) {
        struct stock_numbers stock = stock_numbers(&work->shelf->stock, i);
        allotment += stock.allotment;
        available += stock.available;
        held += stock.held;
        sold += stock.sold;
    }
    tell_time(work, "Rebuilt in ", rebuild->as_of_ms);
    fprintf(work->out,
        "\n  %" PRIu64 " products in %" PRIu64 " sales; units: %" PRIu64 " allotted, %" PRIu64
        " sold, %" PRIu64 " held, %" PRIu64 " available\n",
        counts->products, counts->sales, allotment, sold, held, available);
    fprintf(work->out,
        "  %" PRIu64 " orders, %" PRIu64 " of them not paid yet, of %" PRIu64 " customers; %" PRIu64
        " older orders are counted and not kept\n",
        counts->orders, counts->open_orders, counts->customers, counts->old_orders);
    fprintf(work->out,
        "  %" PRIu64 " idempotency keys, %" PRIu64 " allowances, %" PRIu64 " switches\n",
        counts->keys, counts->allowances, counts->switches);
    for (uint32_t i = 0; i < SHARDS_MAX; i++)
        if (rebuild->positions[i] > 0)
            fprintf(work->out, "  shard %" PRIu32 " goes on after stream number %" PRIu64 "\n", i,
                rebuild->positions[i]);
}

static void tell_number(const struct work *work, uint64_t number, const char *one, const char *many)
{
    if (number > 0)
        fprintf(work->out, "  %" PRIu64 " %s\n", number, number == 1 ? one : many);
}

/* What the outbox alone told, if it has not everything. */
static void tell_deleted(const struct work *work)
{
    const struct rebuild_counts *counts = &work->rebuild.counts;
    if (counts->outbox_missing > 0)
        fprintf(work->out,
            "  what %" PRIu64 " events said that were deleted from the outbox:\n"
            "    keys of cancels: one that is sent again is carried out again\n"
            "    what a stock change that is sent again answers, but for the allotment\n",
            counts->outbox_missing);
    if (counts->outbox_missing_of_0 > 0)
        fprintf(work->out,
            "    if sale.* events were among them, switches, so that what was paused, frozen or\n"
            "    killed may not be, and the terms of %" PRIu64 " sales, which are paused\n"
            "  The shop is paused as a whole (scope all): look at its switches, then resume it\n",
            counts->unknown_sales);
}

/* What PostgreSQL does not have, with numbers where there are any. */
static void tell_lost(const struct work *work)
{
    const struct rebuild_counts *counts = &work->rebuild.counts;
    fprintf(work->out, "Lost, since PostgreSQL does not have it:\n"
                       "  what was acknowledged and not yet streamed: how much is not known here\n"
                       "  carts and what they held; which guests had become which customers\n");
    tell_number(work, counts->keys_of_any,
        "key whose request is not known: any request with it gets the first answer",
        "keys whose requests are not known: any request with one gets the first answer");
    tell_number(work, counts->unknown_products,
        "product is known by orders alone: look at its price and allotment",
        "products are known by orders alone: look at their prices and allotments");
    tell_number(work, counts->raised_products,
        "product had more units sold and held than allotted, and is allotted so many",
        "products had more units sold and held than allotted, and are allotted so many");
    tell_number(work, counts->killed, "scope was killed and is paused now",
        "scopes were killed and are paused now");
    tell_deleted(work);
}

static int rebuild_it(struct work *work, bool is_needed)
{
    const char *path = work->config->data.dir;
    int result = read_postgres(work);
    if (result == 0 && is_needed)
        result = put_aside(path, work->now_wall_ms, work->aside, work->error, ERROR_SIZE);
    return result;
}

/* Locked while it is looked at and put aside; the new journal's directory is locked anew. */
static int rebuild_locked(struct work *work, bool yes)
{
    const char *path = work->config->data.dir;
    int lock = put_aside_lock(path, work->error, ERROR_SIZE);
    if (lock < 0)
        return lock;
    int needed = put_aside_is_needed(path, work->error, ERROR_SIZE);
    int result = needed < 0 ? needed : 0;
    /* What a start has made that PostgreSQL's position refused is nothing to ask about. */
    if (result == 0 && !yes && datadir_has_records(path) != 0) {
        snprintf(work->error, ERROR_SIZE,
            "%.800s has a journal with records. If it cannot be used any more, --yes moves it to a "
            "directory beside and makes another from what PostgreSQL has; nothing was changed",
            path);
        result = -EEXIST;
    }
    if (result == 0)
        result = rebuild_it(work, needed > 0);
    (void)disk_close(lock);
    return result == 0 ? make_directory(work) : result;
}

static int run(struct work *work, bool yes)
{
    if (work->config->postgres.dsn[0] == '\0') {
        snprintf(work->error, ERROR_SIZE, "postgres.dsn is empty: from where?");
        return complain(work);
    }
    int result = rebuild_locked(work, yes);
    rebuild_close(&work->rebuild);
    datadir_close(&work->directory);
    if (result == 0) {
        tell_rebuilt(work);
        tell_lost(work);
        if (work->aside[0] != '\0')
            fprintf(work->out, "What was there before is in %s\n", work->aside);
    }
    if (work->memory.base != NULL)
        memory_give(&work->memory);
    return result == 0 ? 0 : complain(work);
}

int rebuild_directory(const struct config *config, bool yes, FILE *out)
{
    struct timespec now;
    struct work *work = calloc(1, sizeof *work);
    if (work == NULL) {
        fprintf(stderr, "hotshelf recover: out of memory\n");
        return 1;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    work->config = config;
    work->shards = house_shards(config);
    work->now_wall_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    work->directory.lock_fd = -1;
    work->out = out;
    int status = run(work, yes);
    free(work);
    return status;
}
