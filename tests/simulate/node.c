/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of a shard without its network: reap, settle, execute (the world's), commit. Only here
 * the completion of a write comes when the dice say so.
 */
#include "tests/simulate/node.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/engine_steps.h"
#include "core/restate.h"
#include "persist/audit_journal.h"
#include "persist/record.h"
#include "tests/simulate/fatal_sim.h"

enum {
    SEGMENTS = 4,
    EVENTS_SIZE = 32 << 10,     /* of a command */
    BATCH_SIZE_MORE = 20 << 10, /* than a command takes at most */
};

_Noreturn void node_fail(const struct node *node, const char *what)
{
    printf("FAILED: %s\n", what);
    for (uint32_t i = 0; i < node->shop->shards; i++)
        printf("    shard %u: %llu records, %llu durable, on the way to %llu, replayed %llu\n", i,
            (unsigned long long)node->appended[i], (unsigned long long)node->durable[i],
            (unsigned long long)node->on_way[i], (unsigned long long)node->replayed[i]);
    printf("    said: %s\n", node->error);
    fflush(stdout);
    abort();
}

/* Counts what the filling batch has more than so many records; only the last may be an event. */
static uint32_t note_appended(struct node *node, uint32_t shard, uint32_t before, bool with_event)
{
    uint32_t count = node->journals[shard].filling_records - before;
    for (uint32_t i = 1; i <= count; i++)
        node->is_image[shard][node->appended[shard]++ % NODE_UNSETTLED_MAX] =
            !with_event || i < count;
    if (node->appended[shard] - node->durable[shard] > NODE_UNSETTLED_MAX)
        node_fail(node, "more records wait for the disk than anybody counts");
    return count;
}

bool node_is_image(const struct node *node, uint32_t shard, uint64_t record)
{
    return node->is_image[shard][record % NODE_UNSETTLED_MAX];
}

/* What the journal is given must be what was decided: nothing of the event may lie in what apply
 * changes. */
static uint32_t record(void *context, uint32_t shard, const struct event *event)
{
    struct node *node = context;
    struct journal *journal = &node->journals[shard];
    uint32_t before = journal->filling_records, size = record_size(event);
    disk_sim_use(node->disk);
    record_encode(event, node->record);
    walker_record(&node->walkers[shard], event);
    const uint8_t *end =
        journal->filling + batch_header_size(node->shop->shards) + journal->filling_used;
    if (memcmp(end - size, node->record, size) != 0)
        node_fail(node, "what is recorded is not what was decided");
    return note_appended(node, shard, before, true);
}

uint32_t node_restate(struct node *node, uint32_t shard, uint32_t images, bool begins)
{
    const struct engine *engine = node->shop->engines[shard];
    struct journal *journal = &node->journals[shard];
    struct walker *walker = &node->walkers[shard];
    uint32_t before = journal->filling_records;
    bool was_under_way = restate_is_under_way(engine);
    disk_sim_use(node->disk);
    walker->step_images = images;
    uint64_t met = shard == 0 ? node->met : 0;
    bool adopting = node->shared.marks[shard].adopting != 0; /* the walker's own walks only */
    if (begins && !adopting && restate_may_begin(engine) && journal_room(journal))
        walker_begin(walker, &node->shop->now, met);
    else
        (void)walker_step(walker, &node->shop->now, met);
    if (!was_under_way && journal->filling_records > before)
        node->begun_at[shard][engine->walk.number % NODE_WALKS_KEPT] = node->appended[shard];
    return note_appended(node, shard, before, false);
}

static bool next_durable(void *context, uint32_t shard, struct event *event)
{
    struct node *node = context;
    while (journal_settle_next(&node->journals[shard], event)) {
        node->met_is_durable = node->met_is_durable || event->kind == EVENT_STREAM_ATTACHED;
        if (event->kind == EVENT_CLOSED || event->kind == EVENT_STREAM_ATTACHED)
            continue;
        node->durable[shard]++;
        streaming_note(node->streaming, shard, event);
        return true;
    }
    return false;
}

bool node_has_durable(const struct node *node, uint32_t shard)
{
    return node->durable[shard] < node->on_way[shard] && node->flights[shard] == DISK_NO_FLIGHT;
}

bool node_has_room(const struct node *node, uint32_t shard)
{
    return journal_room(&node->journals[shard]);
}

uint64_t node_laps(const struct node *node)
{
    uint64_t laps = 0;
    for (uint32_t i = 0; i < node->shop->shards; i++)
        laps += (node->journals[i].ring.number - 1) / node->directory.geometry.segments;
    return laps;
}

static void commit(struct node *node, uint32_t shard)
{
    struct journal_write write;
    struct event event;
    bool live = engine_has_live_holds(node->shop->engines[shard]);
    if (node->flights[shard] != DISK_NO_FLIGHT || node_has_durable(node, shard))
        return;
    if (next_durable(node, shard, &event)) /* it frees the buffer, too */
        node_fail(node, "a batch has more records than were written");
    if (!journal_commit(&node->journals[shard], &node->shop->now, live, &write))
        return;
    if (node->journals[shard].phase == JOURNAL_WRITING) /* else it is a header */
        node->on_way[shard] = node->appended[shard];
    node->flights[shard] =
        disk_sim_submit(node->disk, write.fd, write.data, write.size, write.offset);
    node->batches++;
}

/* The process ends in journal_written() unless all was written: false. */
static bool land(struct node *node, uint32_t shard, enum landing landing)
{
    int32_t result = disk_sim_land(node->disk, node->flights[shard], landing);
    node->flights[shard] = DISK_NO_FLIGHT;
    if (setjmp(fatal_sim_land) != 0)
        return false;
    fatal_sim_armed = true;
    journal_written(&node->journals[shard], result);
    fatal_sim_armed = false;
    return true;
}

void node_turn(struct node *node, uint32_t shard, bool disk_is_ready)
{
    disk_sim_use(node->disk);
    if (disk_is_ready && node->flights[shard] != DISK_NO_FLIGHT)
        CHECK(land(node, shard, LANDS_WHOLE));
    commit(node, shard);
}

static void open_journals(struct node *node)
{
    CHECK(journal_shared_open(&node->shared) == 0);
    memset(node->arena.base, 0, node->memory_size);
    arena_init(&node->arena, node->arena.base, node->memory_size);
    for (uint32_t i = 0; i < node->shop->shards; i++) {
        const struct journal_options options = {.directory = &node->directory,
            .shard = i,
            .start = node->recovery.shards[i].chain,
            .walk = node->recovery.shards[i].walk,
            .command_size = node->command_size,
            .streamed = true,
            .incarnation = node->recovery.incarnation};
        if (journal_open(&node->journals[i], &node->arena, &node->shared, &options, node->error,
                sizeof(node->error)) != 0)
            node_fail(node, "a journal cannot be opened");
        walker_open(&node->walkers[i], node->shop->engines[i], &node->journals[i]);
        node->walkers[i].sets_aside = false; /* these journals are small; see persist/space.c */
        if (!node->shop->forgets_walks)
            node->shop->resumed += walker_resume(&node->walkers[i], &node->recovery.shards[i].cut);
        node->appended[i] = node->durable[i] = node->on_way[i] = node->replayed[i];
        node->flights[i] = DISK_NO_FLIGHT;
    }
    node->met = node->recovery.postgres_system_id;
    if (node->met == 0 && node->met_is_durable && !node->is_old)
        node_fail(node, "a start forgets which PostgreSQL the journal has met");
    streaming_open(node->streaming, &node->directory, &node->shared, node->met, node->is_old);
}

static void close_journals(struct node *node)
{
    streaming_close(node->streaming);
    for (uint32_t i = 0; i < node->shop->shards; i++) {
        node->journals[i].phase = JOURNAL_FREE;
        journal_close(&node->journals[i]);
    }
    journal_shared_close(&node->shared);
    datadir_close(&node->directory);
}

/* Recovery may begin with a walk: so many records came before it. */
static void replay_walk(struct node *node, uint32_t shard, const struct event *event)
{
    uint64_t begun_at = node->begun_at[shard][event->fact.walk.number % NODE_WALKS_KEPT];
    if (node->replayed[shard] == 0)
        node->replayed[shard] = begun_at;
    if (node->replayed[shard] != begun_at)
        node_fail(node, "a walk is not where it was");
}

static void replay(void *context, uint32_t shard, const struct event *event)
{
    struct node *node = context;
    if (event->kind == EVENT_WALK_BEGUN && !node->is_old)
        replay_walk(node, shard, event);
    if (!node->is_old)
        streaming_note(node->streaming, shard, event);
    engine_replay(node->shop->engines[shard], event);
    node->replayed[shard] += event->kind != EVENT_CLOSED && event->kind != EVENT_STREAM_ATTACHED;
}

static int start(struct node *node)
{
    const struct recover_options options = {
        .directory = &node->directory, .replay = replay, .context = node};
    memset(node->replayed, 0, sizeof(node->replayed));
    node->error[0] = 0;
    node->recoveries++;
    int result = datadir_open(&node->directory, &node->options, node->error, sizeof(node->error));
    if (result != 0)
        return result;
    result = recover(&node->recovery, &options, node->error, sizeof(node->error));
    if (result != 0)
        datadir_close(&node->directory);
    return result;
}

static uint64_t digest(const struct node *node)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < node->shop->shards; i++)
        sum = 31 * sum + engine_digest(node->shop->engines[i]);
    return sum;
}

static void start_must_work(struct node *node)
{
    if (start(node) != 0)
        node_fail(node, "a crash was taken for damage");
    for (uint32_t i = 0; i < node->shop->shards; i++) {
        uint64_t on_way = node->on_way[i];
        if (node->replayed[i] != node->durable[i] && node->replayed[i] != on_way)
            node_fail(node, node->replayed[i] < node->durable[i] ? "what was durable is lost"
                                                                 : "half of a batch is there");
    }
}

/* A start that is cut in the middle. */
static void start_and_cut(struct node *node)
{
    node->disk->power_off_at = node->disk->operations + 1 + dice_below(&node->dice, 40);
    if (start(node) == 0)
        datadir_close(&node->directory);
    disk_sim_cut(node->disk, disk_sim_any, node->disk);
    shop_empty(node->shop);
    node->cut_starts++;
}

static uint32_t some_flight(struct node *node)
{
    uint32_t shard = dice_below(&node->dice, node->shop->shards);
    for (uint32_t i = 0; i < node->shop->shards; i++)
        if (node->flights[(shard + i) % node->shop->shards] != DISK_NO_FLIGHT)
            return (shard + i) % node->shop->shards;
    return UINT32_MAX;
}

/* How it ends; the power may go with it. */
static void end(struct node *node)
{
    enum node_crash how = (enum node_crash)dice_below(&node->dice, NODE_CRASHES);
    uint32_t shard = some_flight(node);
    bool is_cut = how == NODE_CUT || dice_below(&node->dice, 2) == 0;
    if (shard == UINT32_MAX && how >= NODE_FAILED_WRITE)
        how = NODE_CUT;
    if (how == NODE_FAILED_WRITE)
        CHECK(!land(node, shard, LANDS_FAILED));
    if (how == NODE_SHORT_WRITE)
        CHECK(!land(node, shard, LANDS_SHORT));
    if (how == NODE_FULL_DISK)
        CHECK(!land(node, shard, LANDS_FULL));
    node->crashes[how]++;
    close_journals(node);
    if (is_cut && how != NODE_KILLED)
        disk_sim_cut(node->disk, disk_sim_any, node->disk);
    else
        disk_sim_kill(node->disk);
}

/* V1 to V4, V7: what `hotshelf audit` says of the files, beside the running node or without it. */
static void audit(struct node *node, enum audit_from from)
{
    char *said = NULL;
    size_t said_size = 0;
    struct datadir directory;
    struct walk_place starts[SHARDS_MAX];
    struct audit_findings findings = {.out = open_memstream(&said, &said_size)};
    struct audit_model model;
    CHECK(findings.out != NULL);
    audit_model_init(&model, &findings);
    if (datadir_read(&directory, node->options.path, node->error, sizeof(node->error)) != 0 ||
        audit_journal(&directory, from, &model, starts, node->error, sizeof(node->error)) != 0)
        node_fail(node, "files cannot be audited");
    audit_model_check(&model);
    audit_model_free(&model);
    datadir_close(&directory);
    fclose(findings.out);
    (void)snprintf(node->error, sizeof(node->error), "%s", said);
    for (uint32_t i = 0; i < AUDIT_VIOLATIONS; i++)
        if (findings.counts[i] != 0)
            node_fail(node, "an audit of the files finds something");
    free(said);
    node->audits++;
}

/* What the disk had some time ago is started; PostgreSQL may know more since. */
static void start_old(struct node *node)
{
    disk_sim_use(node->old);
    disk_sim_cut(node->old, disk_sim_any, node->old);
    if (start(node) != 0)
        node_fail(node, "an old directory cannot be read");
    bool is_behind = false;
    for (uint32_t i = 0; i < node->shop->shards; i++)
        is_behind =
            is_behind || streaming_is_ahead(node->streaming, i, node->recovery.shards[i].chain.seq);
    if (!is_behind) {
        datadir_close(&node->directory);
        return;
    }
    open_journals(node);
    if (!streaming_is_refused(node->streaming))
        node_fail(node, "an old directory sells again (S1)");
    node->old_refused++;
    close_journals(node);
}

static void try_old(struct node *node)
{
    uint64_t durable[SHOP_SHARDS_MAX], on_way[SHOP_SHARDS_MAX];
    memcpy(durable, node->durable, sizeof(durable));
    memcpy(on_way, node->on_way, sizeof(on_way));
    node->is_old = true;
    start_old(node);
    node->is_old = false;
    memcpy(node->durable, durable, sizeof(durable));
    memcpy(node->on_way, on_way, sizeof(on_way));
    shop_empty(node->shop);
    disk_sim_destroy(node->old);
    node->old = NULL;
    disk_sim_use(node->disk);
}

static void reopen(void *context, struct shop *shop)
{
    struct node *node = context;
    CHECK(shop == node->shop);
    disk_sim_use(node->disk);
    if (dice_below(&node->dice, 4) == 0)
        audit(node, AUDIT_FROM_OLDEST);
    end(node);
    if (node->old != NULL && dice_below(&node->dice, 3) == 0)
        try_old(node);
    if (dice_below(&node->dice, 4) == 0)
        start_and_cut(node);
    start_must_work(node);
    uint64_t once = digest(node);
    datadir_close(&node->directory);
    audit(node, dice_below(&node->dice, 2) == 0 ? AUDIT_FROM_OLDEST : AUDIT_FROM_LATEST);
    shop_empty(shop);
    start_must_work(node);
    if (digest(node) != once)
        node_fail(node, "a recovery of a recovery is not the same");
    open_journals(node);
}

/* The largest walk that a shard can make. */
static uint64_t walk_size(const struct shop *shop)
{
    const struct capacity *most = &shop->capacity;
    uint64_t sum = (uint64_t)most->customers * 160 + (uint64_t)most->holds * 80 +
                   (uint64_t)most->orders * 400 + (uint64_t)most->lines * 48 +
                   (uint64_t)most->idempotency_keys * 150 + (uint64_t)most->allowances * 150 +
                   most->text_bytes;
    return sum / shop->shards + (uint64_t)most->skus * 2048 + (uint64_t)most->names * 1024;
}

/* As small as may be, so that rings go round. A command makes no more images than a walk. */
static struct datadir_options options_of(struct node *node, struct shop *shop)
{
    uint64_t most = JOURNAL_EVENTS_PER_COMMAND_MAX * (uint64_t)RECORD_SIZE_MAX;
    uint64_t command = EVENTS_SIZE + walk_size(shop);
    node->command_size = (uint32_t)(command < most ? command : most);
    uint32_t batch = node->command_size / BATCH_BLOCK_SIZE * BATCH_BLOCK_SIZE + BATCH_SIZE_MORE;
    uint32_t segment = SEGMENT_HEADER_SIZE + batch + JOURNAL_CLOSING_SIZE;
    uint64_t segments = SEGMENTS + 5 * walk_size(shop) / batch;
    return (struct datadir_options){.path = "/sim/data",
        .shards = shop->shards,
        .node = shop->policy.node,
        .segment_size = segment,
        .batch_size = batch,
        .journal_bytes = segments * segment * shop->shards};
}

void node_open(struct node *node, struct shop *shop, uint64_t seed)
{
    *node = (struct node){
        .books = {node, record, next_durable, NULL, reopen},
        .shop = shop,
        .disk = disk_sim_create(seed),
        .record = malloc(RECORD_SIZE_MAX),
        .streaming = streaming_create(seed),
        .dice = dice_of(seed ^ 0xd15c),
    };
    CHECK(node->record != NULL);
    node->options = options_of(node, shop);
    disk_sim_use(node->disk);
    start_must_work(node);
    node->memory_size =
        shop->shards * (journal_memory(&node->directory.geometry) + ARENA_ALIGNMENT);
    node->memory_size =
        (node->memory_size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    node->arena.base = aligned_alloc(ARENA_ALIGNMENT, node->memory_size);
    CHECK(node->arena.base != NULL);
    open_journals(node);
    shop->books = &node->books;
}

void node_close(struct node *node)
{
    disk_sim_use(node->disk);
    close_journals(node);
    free(node->arena.base);
    free(node->record);
    node->shop->books = NULL;
    streaming_destroy(node->streaming);
    if (node->old != NULL)
        disk_sim_destroy(node->old);
    disk_sim_destroy(node->disk);
}
