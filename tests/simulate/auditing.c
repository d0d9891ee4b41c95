/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit of what is durable: of all records, and of those from one of the last complete walks of
 * each shard on. It must find nothing, and tell what walks restate as what happened.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/check.h"
#include "persist/audit_model.h"
#include "persist/record.h"
#include "tests/simulate/world.h"

static void feed(struct audit_model *model, const struct shop_log *log, uint32_t shard, size_t at)
{
    while (at < log->settled) {
        struct event event;
        uint32_t consumed;
        struct bytes rest = bytes_of(log->data + at, (uint32_t)(log->settled - at));
        CHECK(record_decode(rest, &event, &consumed) == 0);
        audit_model_event(model, shard, &event);
        at += consumed;
    }
}

/* One of the last, or the beginning. */
static size_t some_start(struct world *world, const struct shop_log *log)
{
    uint32_t back = dice_below(&world->dice, SHOP_STARTS_MAX);
    if (back > log->start_count)
        return 0;
    return log->starts[(log->start_count - back) % SHOP_STARTS_MAX];
}

static void audit(struct world *world, bool from_walks)
{
    char *said = NULL;
    size_t said_size = 0, begin[SHOP_SHARDS_MAX] = {0};
    struct audit_findings findings = {.out = open_memstream(&said, &said_size)};
    struct audit_model model;
    uint64_t violations = 0;
    CHECK(findings.out != NULL);
    audit_model_init(&model, &findings);
    for (uint32_t shard = 0; shard < world->setting.shards; shard++) {
        const struct shop_log *log = &world->shop.logs[shard];
        begin[shard] = from_walks ? some_start(world, log) : 0;
        feed(&model, log, shard, begin[shard]);
    }
    audit_model_check(&model);
    audit_model_free(&model);
    fclose(findings.out);
    for (uint32_t i = 0; i < AUDIT_VIOLATIONS; i++)
        violations += findings.counts[i];
    if (violations > 0)
        printf(
            "audit from %zu %zu %zu %zu:\n%.4000s", begin[0], begin[1], begin[2], begin[3], said);
    free(said);
    if (violations > 0)
        world_fail(world, "an audit finds something");
}

void world_audit(struct world *world)
{
    if (world->node != NULL)
        return;
    audit(world, false);
    for (uint32_t i = 0; i < SHOP_STARTS_MAX; i++)
        audit(world, true);
}
