/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another number of shards, and back at once: then every shard has what it had, in other slots,
 * and all that was written of it has gone through the images twice. The model notices nothing but
 * that orders have no stream number any more, and that units sold in forgotten orders are with
 * another shard, all of them.
 */
#include "core/engine_steps.h"
#include "tests/core/redivided.h"
#include "tests/simulate/world.h"

static void forget_numbers(struct model *model)
{
    for (uint32_t shard = 0; shard < model->shards; shard++)
        for (uint32_t slot = 1; slot <= model->capacity.orders; slot++)
            model->orders[shard][slot].stream_seq = 0;
}

static void move_gone(struct world *world, uint32_t index)
{
    const struct catalog *catalog = &world->shop.shelf->catalog;
    struct units *units = &world->model.units[number_of(catalog_sku(catalog, index))];
    uint64_t sum = 0, sum_now = 0;
    for (uint32_t shard = 0; shard < world->setting.shards; shard++) {
        uint64_t now = gone_units(world->shop.engines[shard], catalog_number(catalog, index));
        sum += units->gone_sold[shard];
        sum_now += now;
        units->gone_sold[shard] = (uint32_t)now;
    }
    if (sum != sum_now)
        world_fail(world, "units sold in forgotten orders are not all there");
}

bool world_divide(struct world *world)
{
    uint32_t shards = world->setting.shards, others = 1 + dice_below(&world->dividing, 4);
    uint64_t seqs[SHARDS_AT_MOST];
    for (uint32_t i = 0; i < shards; i++)
        seqs[i] = engine_stream_seq(world->shop.engines[i]);
    if (!shop_redivide(&world->shop, others))
        return false;
    if (!shop_redivide(&world->shop, shards))
        world_fail(world, "what fitted these shards does not fit them again");
    for (uint32_t i = 0; i < shards; i++)
        if (seqs[i] != engine_stream_seq(world->shop.engines[i]))
            world_fail(world, "stream numbers do not go on");
    forget_numbers(&world->model);
    for (uint32_t i = 0; i < catalog_walk_end(&world->shop.shelf->catalog); i++)
        if (catalog_number(&world->shop.shelf->catalog, i) != 0)
            move_gone(world, i);
    world->divided++;
    return true;
}
