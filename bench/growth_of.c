/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables: three servers whose tables are alike, filled to 1, 50 and 95 %. A turn of checkouts adds
 * to them, four percent of the places over all rounds: so they are measured from 1 to 5 % and from
 * 95 to 99.
 *
 * Connections: one server, more and more clients, each with a request in flight.
 *
 * Shards: one has core 0 and the generator core 1; two have both cores, and the generator shares
 * the second one with its shard. That is no server that scales to two cores, it shows what hops and
 * sharing a core cost.
 */
#include "bench/growth_turns.h"

#include <stdio.h>
#include <stdlib.h>

/* Those of the turn before may still be there. */
enum { CONNECTIONS_PLACES = 1024 };

/* A hundred keep a server busy; with fewer it sleeps between them. */
enum { BESIDE_CROWD = 2 };

enum { CORE_SERVER = 0, PLACES_PER_SKU = 16, CART_REQUESTS_MAX = 60000, CHECKOUT_PERCENT = 4 };

struct growth_turns {
    struct sandbox sandbox[GROWTH_SIZES_MAX];
    struct growth_traffic traffic[GROWTH_SIZES_MAX][GROWTH_KINDS];
    struct growth_side side[GROWTH_SIZES_MAX];
};

static struct growth_turns *make(void)
{
    struct growth_turns *turns = calloc(1, sizeof *turns);
    if (turns == NULL)
        abort(); /* some megabytes */
    for (int at = 0; at < GROWTH_SIZES_MAX; at++) {
        turns->sandbox[at] = (struct sandbox){.server = {.pidfd = -1, .output = -1}};
        turns->side[at].sandbox = &turns->sandbox[at];
        turns->side[at].traffic = turns->traffic[at];
        turns->side[at].connections = GROWTH_CONNECTIONS;
    }
    return turns;
}

static void unmake(struct growth_turns *turns)
{
    for (int at = 0; at < GROWTH_SIZES_MAX; at++)
        sandbox_close(&turns->sandbox[at]);
    free(turns);
}

static void bound(struct growth_side *side, const struct growth_options *options)
{
    side->requests_max[GROWTH_CART] = CART_REQUESTS_MAX;
    side->requests_max[GROWTH_CHECKOUT] =
        (uint64_t)options->places * CHECKOUT_PERCENT / 100 / options->rounds;
}

bool growth_of_tables(const struct growth_options *options, struct growth_rows *rows)
{
    static const uint32_t percents[GROWTH_LEVELS] = {1, 50, 95};
    struct growth_turns *turns = make();
    bool done = true;
    for (int at = 0; at < GROWTH_LEVELS && done; at++) {
        struct growth_side *side = &turns->side[at];
        uint32_t sku_places = options->places / PLACES_PER_SKU;
        struct growth_server server = {
            .places = options->places,
            .sku_places = sku_places,
            .skus = (uint32_t)((uint64_t)sku_places * percents[at] / 100),
            .connections = CONNECTIONS_PLACES,
            .shards = 1,
            .core = CORE_SERVER,
        };
        side->size = percents[at];
        bound(side, options);
        done = growth_open(side->sandbox, options, &server) &&
               growth_fill_side(
                   side, (uint32_t)((uint64_t)options->places * percents[at] / 100), server.skus);
    }
    const struct growth_turns_plan plan = {
        .sides = turns->side, .count = GROWTH_LEVELS, .kinds = GROWTH_MEASURED};
    done = done && growth_play(options, &plan, rows);
    unmake(turns);
    return done;
}

bool growth_of_connections(const struct growth_options *options, struct growth_rows *rows)
{
    static const uint32_t crowds[GROWTH_CROWDS] = {1, 10, 100, 1000, 10000};
    struct growth_turns *turns = make();
    uint32_t count = 0, customers = options->places / 2;
    const struct growth_server server = {
        .places = options->places,
        .sku_places = options->places / PLACES_PER_SKU,
        .skus = options->places / PLACES_PER_SKU / 2,
        .connections = options->connections_max + CONNECTIONS_PLACES,
        .shards = 1,
        .core = CORE_SERVER,
    };
    for (int at = 0; at < GROWTH_CROWDS; at++) {
        if (crowds[at] > options->connections_max)
            continue;
        struct growth_side *side = &turns->side[count++];
        side->size = side->connections = crowds[at];
        side->sandbox = &turns->sandbox[0];
        side->traffic = turns->traffic[0];
        bound(side, options);
    }
    bool done = count > BESIDE_CROWD && growth_open(&turns->sandbox[0], options, &server) &&
                growth_fill_side(&turns->side[0], customers, server.skus);
    /* No checkouts: the places would not last. */
    const struct growth_turns_plan plan = {
        .sides = turns->side, .count = count, .beside = BESIDE_CROWD, .kinds = GROWTH_CHECKOUT};
    done = done && growth_play(options, &plan, rows);
    unmake(turns);
    return done;
}

bool growth_of_shards(const struct growth_options *options, struct growth_rows *rows)
{
    struct growth_turns *turns = make();
    bool done = true;
    for (int at = 0; at < GROWTH_SHARDS && done; at++) {
        struct growth_side *side = &turns->side[at];
        uint32_t shards = (uint32_t)at + 1;
        const struct growth_server server = {
            .places = options->places,
            .sku_places = options->places / PLACES_PER_SKU,
            .skus = options->places / PLACES_PER_SKU / 2,
            .connections = CONNECTIONS_PLACES,
            .shards = shards,
            .core = shards == 1 ? CORE_SERVER : PROCESS_ANY_CORE,
        };
        side->size = shards;
        bound(side, options);
        done = growth_open(side->sandbox, options, &server) &&
               growth_fill_side(side, options->places / 2, server.skus);
    }
    const struct growth_turns_plan plan = {
        .sides = turns->side, .count = GROWTH_SHARDS, .kinds = GROWTH_MEASURED};
    done = done && growth_play(options, &plan, rows);
    unmake(turns);
    return done;
}
