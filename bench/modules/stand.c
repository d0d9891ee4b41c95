/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/modules/stand.h"

#include <stdio.h>

#include "core/check.h"

#define STOCK 2000000000U
#define NOW_WALL_MS 1795230000000 /* 2026-11-21T03:00:00Z */
#define SEED 7
#define DUE_TRIES_MAX 1000

static void build(struct stand *stand)
{
    arena_init(&stand->arena, stand->memory.base, stand->memory.size);
    stand->shelf = (struct shelf){0};
    shelf_init(&stand->shelf, &stand->arena, &stand->plan.capacity);
    stand->engine = engine_create(
        &stand->arena, &stand->shelf, &stand->policy, &stand->plan.capacity, 0, 1, SEED);
    if (stand->plan.furnish != NULL)
        stand->plan.furnish(stand, stand->plan.host);
}

bool stand_open(struct stand *stand, const struct stand_plan *plan)
{
    char error[256];
    *stand = (struct stand){
        .plan = *plan,
        .policy = POLICY_DEFAULT,
        .now = {.shelf_ms = 1000000,
            .monotonic_ms = 1000000,
            .wall_ms = NOW_WALL_MS,
            .random = 1,
            .streamed_seq = UINT64_MAX},
    };
    stand->policy.payment_mode = plan->payment_mode;
    if (memory_measure(&stand->memory, error, sizeof error) == 0) {
        build(stand);
        uint64_t bytes = stand->arena.used;
        memory_give(&stand->memory);
        if (memory_take(&stand->memory, bytes, error, sizeof error) == 0) {
            build(stand);
            return true;
        }
    }
    fprintf(stderr, "hotshelf-bench: %s\n", error);
    return false;
}

void stand_close(struct stand *stand)
{
    engine_check(stand->engine);
    stock_check(&stand->shelf.stock);
    memory_give(&stand->memory);
}

void stand_roll(struct stand *stand)
{
    uint64_t *random = &stand->now.random;
    *random = *random * 6364136223846793005u + 1442695040888963407u;
}

void stand_decide(struct stand *stand, const struct command *command)
{
    struct engine *engine = stand->engine;
    while (engine_due_of(engine, command, &stand->now, &stand->event)) {
        stand_apply(stand);
        stand_settle(stand);
    }
    engine_decide(engine, command, &stand->now, &stand->event, &stand->answer);
    CHECK(stand->answer.outcome == OUTCOME_OK);
    CHECK(stand->event.kind != EVENT_NONE);
}

void stand_due(struct stand *stand, enum event_kind kind)
{
    bool due = false;
    /* It looks at so many timers at once; those that are early are set again. */
    for (uint32_t tries = 0; tries < DUE_TRIES_MAX && !due; tries++)
        due = engine_due(stand->engine, &stand->now, &stand->event);
    CHECK(due);
    CHECK(stand->event.kind == kind);
}

void stand_apply(struct stand *stand)
{
    engine_apply(stand->engine, &stand->event);
}

void stand_settle(struct stand *stand)
{
    engine_settle(stand->engine, &stand->event);
}

void stand_run(struct stand *stand, const struct command *command)
{
    stand_roll(stand);
    stand_decide(stand, command);
    stand_apply(stand);
    stand_settle(stand);
}

void stand_expire(struct stand *stand)
{
    for (uint32_t quiet = 0; quiet < DUE_TRIES_MAX; quiet++) {
        while (engine_due(stand->engine, &stand->now, &stand->event)) {
            stand_apply(stand);
            stand_settle(stand);
            quiet = 0;
        }
    }
}

void stand_pass(struct stand *stand, uint64_t ms)
{
    stand->now.shelf_ms += ms;
    stand->now.monotonic_ms += ms;
    stand->now.wall_ms += (int64_t)ms;
}

void stand_sell(struct stand *stand, const char *sku, uint8_t where)
{
    struct product_image image = {
        .sku = bytes_of_string(sku),
        .title = BYTES("A thing"),
        .category = BYTES("things"),
        .seller = BYTES("seller"),
        .stock = STOCK,
        .reserve_on = where,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = 999}},
    };
    struct command command = {.kind = COMMAND_PRODUCT_SET,
        .role = ROLE_OPERATOR,
        .product = &image,
        .actor = BYTES("bench")};
    stand_run(stand, &command);
    CHECK(!stand->answer.goes_on);
}
