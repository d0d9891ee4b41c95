/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restating walks. Each shard walks at its own pace while everybody goes on; an image changes
 * nothing that a shard knows.
 */
#include "core/engine_steps.h"
#include "tests/simulate/world.h"

/* How many records a walk makes at once: soon over, but in the midst of what others do. With real
 * journals they must end before the ring is full. */
static uint32_t pace(struct world *world, uint32_t shard)
{
    const struct engine *engine = world->shop.engines[shard];
    uint32_t most = 1 + dice_below(&world->dice, 6);
    return world->node == NULL ? most : most + (engine->customers.used + engine->keys.used) / 32;
}

static void restate(struct world *world, uint32_t shard, bool begins)
{
    uint32_t most = pace(world, shard);
    if (world->node != NULL) {
        world->made[shard] += node_restate(world->node, shard, most, begins);
        return;
    }
    while (most-- > 0 && shop_restate(&world->shop, shard)) {
        world->made[shard]++;
        if (!world->shop.engines[shard]->walk.under_way)
            break;
    }
}

void world_restate(struct world *world)
{
    const struct setting *setting = &world->setting;
    uint32_t shard = dice_below(&world->dice, setting->shards);
    const struct engine *engine = world->shop.engines[shard];
    bool begins = !engine->walk.under_way && setting->walk_every != 0 &&
                  dice_below(&world->dice, setting->walk_every) == 0;
    bool goes_on =
        engine->walk.under_way ? dice_below(&world->dice, 4) == 0 : begins || world->node != NULL;
    if (!goes_on)
        return;
    bool traced = dice_below(&world->dice, setting->digest_every) == 0;
    uint64_t before = traced ? world_trace(world) : 0;
    restate(world, shard, begins);
    if (traced && before != world_trace(world))
        world_fail(world, "what was restated is not what was there");
}

void world_restate_all(struct world *world)
{
    for (uint32_t shard = 0; shard < world->setting.shards; shard++) {
        while (world->shop.engines[shard]->walk.under_way) {
            uint64_t made = world->made[shard];
            restate(world, shard, false);
            if (world->made[shard] == made)
                world_settle(world);
        }
    }
}

void world_restate_from_now(struct world *world)
{
    world_restate_all(world);
    world_settle(world);
    for (uint32_t shard = 0; shard < world->setting.shards; shard++)
        restate(world, shard, true);
    world_restate_all(world);
    world_settle(world);
    for (uint32_t i = 0; world->node != NULL && i < 2 * world->setting.shards; i++)
        node_turn(world->node, i / 2, true); /* a header names the walk */
}
