/* SPDX-License-Identifier: Apache-2.0 */
#include "core/command.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Every member with its size before it, in a fixed order: two requests that differ in anything that
 * can change the effect have different hashes. */
static void add(XXH3_state_t *state, const void *data, uint32_t size)
{
    XXH3_128bits_update(state, &size, sizeof(size));
    if (size > 0)
        XXH3_128bits_update(state, data, size);
}

static void add_text(XXH3_state_t *state, struct bytes bytes)
{
    add(state, bytes.data, bytes.size);
}

static void add_number(XXH3_state_t *state, int64_t number)
{
    add(state, &number, sizeof(number));
}

struct hash128 command_hash(const struct command *command)
{
    XXH3_state_t state;
    XXH3_128bits_reset(&state);
    add_number(&state, command->kind);
    add_text(&state, command->customer);
    add_text(&state, command->sku);
    add(&state, command->currency, 4);
    add(&state, command->order_id, 16);
    add_number(&state, command->item_count);
    for (uint32_t i = 0; i < command->item_count; i++) {
        add_text(&state, command->items[i].sku);
        add_number(&state, command->items[i].quantity);
        add_number(&state, command->items[i].line);
    }
    add_number(&state, command->expected_total_set);
    add_number(&state, command->expected_total);
    add_number(&state, command->mode);
    add_text(&state, command->token);
    add_text(&state, command->references);
    add_number(&state, command->restock_none);
    add_text(&state, command->reason);
    add_number(&state, command->stock_set);
    add_number(&state, command->stock_floor);
    add_number(&state, command->stock_delta);
    add_number(&state, command->stock_value);
    add_number(&state, command->stock_compare);
    XXH128_hash_t hash = XXH3_128bits_digest(&state);
    return (struct hash128){.low = hash.low64, .high = hash.high64};
}
