/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/growth_turns.h"

#include "bench/median.h"

#include <stdio.h>
#include <stdlib.h>

#define SETS_MAX 16
#define SET_SIZE 64
#define JOURNAL_BYTES_PER_PLACE 4096 /* two records, and those of all turns */
#define JOURNAL_BYTES_PER_SHARD (UINT64_C(256) << 20)
#define TEXT_BYTES_PER_PLACE 128
#define UNUSED_PLACES 1024
#define LONGER_MAX 64

struct sets {
    char text[SETS_MAX][SET_SIZE];
    const char *all[SETS_MAX + 1];
    uint32_t count;
};

static void set(struct sets *sets, const char *key, uint64_t value)
{
    if (sets->count == SETS_MAX)
        abort(); /* more keys than SETS_MAX stand below */
    char *text = sets->text[sets->count];
    snprintf(text, SET_SIZE, "%s=%llu", key, (unsigned long long)value);
    sets->all[sets->count++] = text;
}

bool growth_open(struct sandbox *sandbox, const struct growth_options *options,
    const struct growth_server *server)
{
    static const char *const tables[] = {"capacity.customers", "capacity.orders", "capacity.holds",
        "capacity.lines", "capacity.idempotency_keys"};
    struct sets sets = {.count = 0};
    for (size_t at = 0; at < sizeof tables / sizeof tables[0]; at++)
        set(&sets, tables[at], server->places);
    set(&sets, "capacity.claims", 4 * (uint64_t)server->places);
    set(&sets, "capacity.text_bytes", TEXT_BYTES_PER_PLACE * (uint64_t)server->places);
    set(&sets, "capacity.skus", server->sku_places);
    set(&sets, "capacity.connections", server->connections);
    set(&sets, "capacity.requests", server->connections);
    set(&sets, "capacity.subscribers", 0);
    set(&sets, "capacity.allowances", UNUSED_PLACES);
    set(&sets, "capacity.identities", UNUSED_PLACES);
    set(&sets, "limits.connections_per_address", 0);
    set(&sets, "server.shards", server->shards);
    const struct sandbox_plan plan = {
        .server_path = options->server_path,
        .parent = options->parent,
        .journal_bytes = JOURNAL_BYTES_PER_PLACE * (uint64_t)server->places +
                         server->shards * JOURNAL_BYTES_PER_SHARD,
        .skus = server->skus,
        .sets = sets.all,
        .core = server->core,
    };
    return sandbox_open(sandbox, &plan);
}

static bool play_turn(const struct growth_options *options, struct growth_side *side,
    enum growth_kind kind, struct floor_turn *turn)
{
    bool fills = kind >= GROWTH_MEASURED;
    char whom[16];
    struct generator_plan plan = {
        .port = side->sandbox->port,
        .connections = fills ? GROWTH_CONNECTIONS : side->connections,
        .expected_status = growth_status(kind),
        .warm_seconds = fills ? 0 : options->seconds / 10,
        .seconds = fills ? 600 : options->seconds,
        .requests_max = fills ? side->traffic[kind].customers : side->requests_max[kind],
        .fill = growth_fill,
        .context = &side->traffic[kind],
        .server = &side->sandbox->server,
    };
    snprintf(whom, sizeof whom, "%u", side->size);
    /* A turn can be shorter than one write of a disk that others keep busy. */
    for (double most = plan.seconds * LONGER_MAX; plan.seconds <= most; plan.seconds *= 4) {
        if (floor_turn_play(turn, &plan, growth_name(kind), whom))
            return true;
        if (turn->result.completed > 0)
            break;
    }
    sandbox_tell_log(side->sandbox);
    return false;
}

bool growth_fill_side(struct growth_side *side, uint32_t customers, uint32_t skus)
{
    const struct growth_options options = {.seconds = 0};
    struct floor_turn turn;
    for (int kind = 0; kind < GROWTH_KINDS; kind++)
        side->traffic[kind] = (struct growth_traffic){
            .kind = (enum growth_kind)kind, .customers = customers, .skus = skus};
    return play_turn(&options, side, GROWTH_FILL_ORDERS, &turn) &&
           play_turn(&options, side, GROWTH_FILL_CARTS, &turn);
}

static void add_row(struct growth_rows *rows, const struct growth_side *side,
    const struct growth_side *beside, enum growth_kind kind, uint32_t rounds)
{
    double value[4][FLOOR_ROUNDS_MAX];
    for (uint32_t round = 0; round < rounds; round++) {
        const struct floor_turn *turn = &side->turn[kind][round];
        value[0][round] = turn->sched_us;
        value[1][round] = turn->requests_per_second;
        value[2][round] = turn->busy;
        value[3][round] = turn->sched_us / beside->turn[kind][round].sched_us;
    }
    struct growth_row row = {
        .kind = kind,
        .size = side->size,
        .us = median(value[0], rounds),
        .per_second = median(value[1], rounds),
        .busy = median(value[2], rounds),
        .ratio = median(value[3], rounds), /* sorts */
    };
    row.ratio_least = value[3][0];
    row.ratio_most = value[3][rounds - 1];
    rows->all[rows->count++] = row;
}

bool growth_play(const struct growth_options *options, const struct growth_turns_plan *plan,
    struct growth_rows *rows)
{
    struct growth_side *sides = plan->sides;
    for (uint32_t round = 0; round < options->rounds; round++)
        for (uint32_t kind = 0; kind < plan->kinds; kind++)
            for (uint32_t at = 0; at < plan->count; at++)
                if (!play_turn(
                        options, &sides[at], (enum growth_kind)kind, &sides[at].turn[kind][round]))
                    return false;
    for (uint32_t kind = 0; kind < plan->kinds; kind++)
        for (uint32_t at = 0; at < plan->count; at++)
            add_row(
                rows, &sides[at], &sides[plan->beside], (enum growth_kind)kind, options->rounds);
    return true;
}
