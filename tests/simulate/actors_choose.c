/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/simulate/actors_parts.h"
#include "tests/simulate/model_parts.h"

uint32_t below(struct world *world, uint32_t bound)
{
    return dice_below(&world->dice, bound);
}

bool once_in(struct world *world, uint32_t times)
{
    return below(world, times) == 0;
}

int some_sku(struct world *world)
{
    return (int)below(world, world->setting.skus);
}

/* Half of the time one of a few: they have carts, orders, allowances. */
int some_customer(struct world *world)
{
    uint32_t all = world->setting.customers;
    if (world->customer_in_mind != NOBODY && once_in(world, 6))
        return world->customer_in_mind;
    return (int)below(world, all > 64 && once_in(world, 2) ? 64 : all);
}

int some_currency(struct world *world)
{
    return once_in(world, 12) ? 2 : once_in(world, 4) ? 1 : 0;
}

/* An order that is kept, from a random place on; half of the time one that is open. */
static bool kept_order(struct world *world, struct ask *ask)
{
    const struct model *model = &world->model;
    uint32_t shard = below(world, model->shards), most = model->capacity.orders;
    uint32_t slot = below(world, most);
    bool open = once_in(world, 2);
    for (uint32_t i = 0; i < most && i < 32; i++, slot++) {
        const struct sold_order *order = &model->orders[shard][slot % most + 1];
        if (!order->used || (open && !sold_is_open(order)))
            continue;
        memcpy(ask->order_id, order->id, 16);
        ask->order_slot = slot % most + 1;
        return true;
    }
    return false;
}

/* An order that is kept, or was seen before and may be gone, or never was. */
void some_order(struct world *world, struct ask *ask)
{
    if (world->order_slot_in_mind != NO_SLOT && once_in(world, 4)) {
        memcpy(ask->order_id, world->order_in_mind, 16);
        ask->order_slot = world->order_slot_in_mind;
        return;
    }
    if (once_in(world, 2) && kept_order(world, ask))
        return;
    uint64_t known = world->orders_seen_count;
    uint64_t kept = 2 * world->setting.capacity.orders;
    if (known > ORDERS_SEEN_AT_MOST)
        known = ORDERS_SEEN_AT_MOST;
    if (known > kept)
        known = kept;
    if (known == 0 || once_in(world, 100)) {
        memset(ask->order_id, (int)below(world, 256), 16);
        return;
    }
    /* Mostly one of the latest. */
    uint32_t back = below(world, (uint32_t)known);
    if (!once_in(world, 3))
        back = below(world, back + 1);
    uint64_t at = (world->orders_seen_count - 1 - back) % ORDERS_SEEN_AT_MOST;
    memcpy(ask->order_id, world->orders_seen[at].id, 16);
    ask->order_slot = world->orders_seen[at].slot;
}

const struct sold_order *order_asked(const struct world *world, const struct ask *ask)
{
    return model_order(&world->model, ask->order_slot, ask->order_id);
}

/* From now on this order and its customer come more often, so that much happens to one. */
const struct sold_order *bear_in_mind(struct world *world)
{
    struct ask ask = {0};
    if (!kept_order(world, &ask))
        return NULL;
    const struct sold_order *order = order_asked(world, &ask);
    memcpy(world->order_in_mind, ask.order_id, 16);
    world->order_slot_in_mind = ask.order_slot;
    world->customer_in_mind = order->customer;
    return order;
}

uint32_t some_key(struct world *world)
{
    return once_in(world, 6) ? below(world, 20) : 20 + world->keys_given++;
}

struct adjusting some_adjustments(struct world *world)
{
    struct adjusting adjusting = {.set = true};
    adjusting.size = once_in(world, 6) ? 0 : 1 + below(world, once_in(world, 10) ? 1500 : 80);
    if (adjusting.size > 0)
        adjusting.sum = (int64_t)(adjusting.size * 7 % 130) - 60;
    if (adjusting.size % 20 == 19)
        adjusting.sum = adjusting.size % 40 == 19 ? INT64_MAX - 50 : -1000;
    return adjusting;
}
