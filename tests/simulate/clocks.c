/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shelf clock runs evenly. The wall clock is set now and then: forwards it jumps; set back, it
 * stands still for a shard until it has caught up, since a shard never lets it run back.
 */
#include "tests/simulate/world.h"

enum { JUMP_ONCE_IN = 60, FORWARDS_MS_MAX = 6 * 3600 * 1000, BACK_MS_MAX = 3600 * 1000 };

static void set_wall_clock(struct world *world)
{
    world->clock_jumps++;
    if (dice_below(&world->dice, 2) == 0)
        world->shop.now.wall_ms += dice_below(&world->dice, FORWARDS_MS_MAX);
    else
        world->wall_behind_ms += dice_below(&world->dice, BACK_MS_MAX);
}

void world_clocks_run(struct world *world, uint64_t ms)
{
    struct moment *now = &world->shop.now;
    if (!(world->model.stopped_all.in_force & SWITCHED_FROZEN)) /* W4 */
        now->shelf_ms += ms;
    now->monotonic_ms += ms;
    if (ms > 0 && dice_below(&world->dice, JUMP_ONCE_IN) == 0)
        set_wall_clock(world);
    uint64_t caught_up = ms < world->wall_behind_ms ? ms : world->wall_behind_ms;
    world->wall_behind_ms -= caught_up;
    now->wall_ms += (int64_t)(ms - caught_up);
}

/* A start knows no later wall clock than the journals'. */
void world_clocks_start(struct world *world)
{
    if (world->node == NULL || world->node->recovery.empty || dice_below(&world->dice, 2) == 0)
        return;
    world->wall_behind_ms = 0;
    world->shop.now.wall_ms = world->node->recovery.wall_ms;
    set_wall_clock(world);
}
