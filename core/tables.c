/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each kind of entity is a pool slot, an entry in its table and links in its customer's lists.
 * Whoever removes one gives back what hangs on it: lines, texts, payments, its timer.
 */
#include "core/tables.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/check.h"

/* The longest: what is changed, the action and the key; or a provider and two ids. */
enum { HASH_PARTS_SIZE_MAX = 64 + CUSTOMER_SIZE_MAX + KEY_SIZE_MAX + PAYMENT_TEXT_SIZE_MAX };

_Static_assert(3 * PAYMENT_TEXT_SIZE_MAX + 64 <= HASH_PARTS_SIZE_MAX, "a refund fits");

static uint32_t hash_bytes(const struct engine *engine, struct bytes bytes)
{
    return (uint32_t)XXH3_64bits_withSeed(bytes.data, bytes.size, engine->seed);
}

static uint32_t hash_key(const struct engine *engine, struct hash128 key)
{
    return (uint32_t)(key.low ^ (engine->seed * 0x9e3779b97f4a7c15u) ^ (key.high >> 32));
}

struct hash128 hash_parts(const struct bytes *parts, uint32_t count)
{
    uint8_t text[HASH_PARTS_SIZE_MAX];
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = parts[i].size;
        CHECK(size + sizeof(size) <= sizeof(text) - used);
        memcpy(text + used, &size, sizeof(size));
        used += (uint32_t)sizeof(size);
        bytes_copy(text + used, parts[i]);
        used += size;
    }
    XXH128_hash_t hash = XXH3_128bits(text, used);
    return (struct hash128){.low = hash.low64, .high = hash.high64};
}

uint64_t order_owner(const uint8_t id[16])
{
    return XXH3_64bits(id, 16) >> 1;
}

/* Customers. */

void customer_prefetch(const struct engine *engine, struct bytes id)
{
    table_prefetch(&engine->customer_table, hash_bytes(engine, id));
}

uint32_t customer_find(const struct engine *engine, struct bytes id)
{
    uint32_t hash = hash_bytes(engine, id);
    uint32_t position = table_start(&engine->customer_table, hash);
    uint32_t index;
    while ((index = table_next(&engine->customer_table, hash, &position)) != TABLE_NONE) {
        if (text_equal(&engine->texts, customer_at(engine, index)->id, id))
            return index;
    }
    return NONE;
}

uint32_t customer_next(const struct engine *engine, struct bytes *rest)
{
    CHECK(rest->size > 0);
    uint32_t size = rest->data[0];
    CHECK(size < rest->size);
    uint32_t index = customer_find(engine, bytes_of(rest->data + 1, size));
    *rest = bytes_of(rest->data + 1 + size, rest->size - 1 - size);
    CHECK(index != NONE);
    return index;
}

uint32_t customer_add(struct engine *engine, struct bytes id, uint64_t now_shelf_ms)
{
    CHECK(id.size > 0);
    CHECK(id.size <= CUSTOMER_SIZE_MAX);
    uint32_t index = pool_take(&engine->customers);
    struct customer *customer = customer_at(engine, index);
    *customer = (struct customer){
        .id = text_put(&engine->texts, id),
        .hash = hash_bytes(engine, id),
        .touched_shelf_ms = now_shelf_ms,
    };
    table_insert(&engine->customer_table, customer->hash, index);
    return index;
}

void customer_remove(struct engine *engine, uint32_t index)
{
    struct customer *customer = customer_at(engine, index);
    CHECK(customer->order_count == 0);
    CHECK(customer->allowance_count == 0);
    CHECK(customer->live_holds == 0);
    while (customer->holds_first != 0)
        hold_remove(engine, customer->holds_first - 1);
    engine->promises.merges -= customer->merge_id != 0;
    table_remove(&engine->customer_table, customer->hash, index);
    deadlines_clear(&engine->deadlines, engine->customers_base + index);
    text_give(&engine->texts, &customer->id);
    pool_give(&engine->customers, index);
}

/* Cart lines. */

uint32_t hold_find(const struct engine *engine, const struct customer *customer, uint32_t number)
{
    uint32_t link = customer->holds_first;
    for (uint32_t i = 0; i < customer->hold_count; i++) {
        const struct hold *hold = hold_at(engine, link - 1);
        if (hold->sku_number == number)
            return link - 1;
        link = hold->next;
    }
    CHECK(link == 0);
    return NONE;
}

uint32_t hold_add(struct engine *engine, uint32_t customer_index, uint32_t sku_number)
{
    struct customer *customer = customer_at(engine, customer_index);
    uint32_t index = pool_take(&engine->holds);
    *hold_at(engine, index) = (struct hold){
        .customer_index = customer_index,
        .sku_number = sku_number,
        .prev = customer->holds_last,
    };
    if (customer->holds_last != 0)
        hold_at(engine, customer->holds_last - 1)->next = index + 1;
    else
        customer->holds_first = index + 1;
    customer->holds_last = index + 1;
    customer->hold_count++;
    return index;
}

void hold_remove(struct engine *engine, uint32_t index)
{
    struct hold *hold = hold_at(engine, index);
    struct customer *customer = customer_at(engine, hold->customer_index);
    CHECK(hold->state != LINE_HELD);
    CHECK(customer->hold_count > 0);
    if (hold->prev != 0)
        hold_at(engine, hold->prev - 1)->next = hold->next;
    else
        customer->holds_first = hold->next;
    if (hold->next != 0)
        hold_at(engine, hold->next - 1)->prev = hold->prev;
    else
        customer->holds_last = hold->prev;
    customer->hold_count--;
    engine->promises.moved_lines -= hold->state == LINE_MOVED;
    deadlines_clear(&engine->deadlines, engine->holds_base + index);
    pool_give(&engine->holds, index);
}

/* Orders. */

static uint32_t hash_order(const struct engine *engine, const uint8_t id[16])
{
    return hash_bytes(engine, bytes_of(id, 16));
}

uint32_t order_find(const struct engine *engine, const uint8_t id[16])
{
    uint32_t hash = hash_order(engine, id);
    uint32_t position = table_start(&engine->order_table, hash);
    uint32_t index;
    while ((index = table_next(&engine->order_table, hash, &position)) != TABLE_NONE) {
        if (memcmp(order_at(engine, index)->id, id, 16) == 0)
            return index;
    }
    return NONE;
}

void order_prefetch(const struct engine *engine, const uint8_t id[16])
{
    table_prefetch(&engine->order_table, hash_order(engine, id));
}

/* Whether the order belongs before the one of a link, towards newer ones. */
static bool order_is_newer(const struct engine *engine, const struct order *order, uint32_t link)
{
    return link == 0 || memcmp(order->id, order_at(engine, link - 1)->id, 16) > 0;
}

/* The link of the newest that is older. */
static uint32_t order_place(const struct engine *engine, const struct order *order, uint32_t link)
{
    while (!order_is_newer(engine, order, link))
        link = order_at(engine, link - 1)->next;
    return link;
}

/* Newest first, and those of one millisecond by their ids (O4): time does not run back within a
 * shard, so the place is the first but for those; and the last when the orders of a customer are
 * put back one by one, newest first. */
static void order_link(struct engine *engine, struct customer *customer, uint32_t index)
{
    struct order *order = order_at(engine, index);
    if (order_is_newer(engine, order, customer->orders_newest))
        order->next = customer->orders_newest;
    else if (order_is_newer(engine, order, customer->orders_oldest))
        order->next = order_place(engine, order, customer->orders_newest);
    order->prev =
        order->next != 0 ? order_at(engine, order->next - 1)->prev : customer->orders_oldest;
    if (order->next != 0)
        order_at(engine, order->next - 1)->prev = index + 1;
    else
        customer->orders_oldest = index + 1;
    if (order->prev != 0)
        order_at(engine, order->prev - 1)->next = index + 1;
    else
        customer->orders_newest = index + 1;
    customer->order_count++;
}

uint32_t order_add(struct engine *engine, uint32_t customer_index, const uint8_t id[16])
{
    struct customer *customer = customer_at(engine, customer_index);
    uint32_t index = pool_take(&engine->orders);
    struct order *order = order_at(engine, index);
    *order = (struct order){.customer_index = customer_index};
    memcpy(order->id, id, 16);
    order_link(engine, customer, index);
    engine->id_bytes += customer->id.size;
    table_insert(&engine->order_table, hash_order(engine, id), index);
    return index;
}

void order_add_line(struct engine *engine, uint32_t order_index, const struct event_line *from)
{
    struct order *order = order_at(engine, order_index);
    uint32_t index = pool_take(&engine->lines);
    *line_at(engine, index) = (struct order_line){
        .sku_number = from->sku_number,
        .quantity = from->quantity,
        .cancelled = from->cancelled,
        .restocked = from->restocked,
        .seller_number = from->seller_number,
        .sale_number = from->sale_number,
        .limit = from->limit,
        .unit_price = from->unit_price,
    };
    if (order->lines_last != 0)
        line_at(engine, order->lines_last - 1)->next = index + 1;
    else
        order->lines_first = index + 1;
    order->lines_last = index + 1;
    order->line_count++;
}

static void order_unlink(struct engine *engine, const struct order *order)
{
    struct customer *customer = customer_at(engine, order->customer_index);
    if (order->prev != 0)
        order_at(engine, order->prev - 1)->next = order->next;
    else
        customer->orders_newest = order->next;
    if (order->next != 0)
        order_at(engine, order->next - 1)->prev = order->prev;
    else
        customer->orders_oldest = order->prev;
    CHECK(customer->order_count > 0);
    customer->order_count--;
    engine->id_bytes -= customer->id.size;
}

void order_remove(struct engine *engine, uint32_t index)
{
    struct order *order = order_at(engine, index);
    CHECK(order->key_count == 0);
    order_unlink(engine, order);
    for (uint32_t link = order->lines_first; link != 0;) {
        uint32_t next = line_at(engine, link - 1)->next;
        pool_give(&engine->lines, link - 1);
        link = next;
    }
    for (uint32_t link = order->payments_first; link != 0;) {
        uint32_t next = ((struct payment *)pool_at(&engine->payments, link - 1))->next;
        pool_give(&engine->payments, link - 1);
        link = next;
    }
    text_give(&engine->texts, &order->references);
    text_give(&engine->texts, &order->adjustments);
    text_give(&engine->texts, &order->adjustments_born);
    text_give(&engine->texts, &order->identities);
    text_give(&engine->texts, &order->provider);
    text_give(&engine->texts, &order->payment_id);
    table_remove(&engine->order_table, hash_order(engine, order->id), index);
    deadlines_clear(&engine->deadlines, engine->orders_base + index);
    pool_give(&engine->orders, index);
}

uint32_t payment_find(const struct engine *engine, const struct order *order, struct hash128 hash)
{
    uint32_t link = order->payments_first;
    for (uint32_t i = 0; i < order->payment_count; i++) {
        const struct payment *payment = pool_at(&engine->payments, link - 1);
        if (hash128_equal(payment->hash, hash))
            return link - 1;
        link = payment->next;
    }
    CHECK(link == 0);
    return NONE;
}

bool payment_is_claim(const struct payment *payment)
{
    return payment->results != 1u << RESULT_REFUNDED;
}

bool payment_fits(const struct engine *engine, const struct order *order, uint8_t result)
{
    bool money = result == RESULT_AUTHORIZED || result == RESULT_CAPTURED;
    uint32_t claims = 0, link = order->payments_first;
    for (uint32_t i = 0; i < order->payment_count; i++) {
        const struct payment *payment = pool_at(&engine->payments, link - 1);
        claims += payment_is_claim(payment);
        link = payment->next;
    }
    return result == RESULT_REFUNDED || claims < PAYMENTS_PER_ORDER - (money ? 1 : 2);
}

/* Takes the oldest refund out of a full list: its slot is the new one's. */
static uint32_t payment_replace(struct engine *engine, struct order *order)
{
    uint32_t *found = NULL, *link = &order->payments_first;
    for (uint32_t i = 0; i < order->payment_count; i++) {
        struct payment *payment = pool_at(&engine->payments, *link - 1);
        if (!payment_is_claim(payment))
            found = link;
        link = &payment->next;
    }
    CHECK(found != NULL);
    uint32_t index = *found - 1;
    *found = ((struct payment *)pool_at(&engine->payments, index))->next;
    return index;
}

void payment_note(struct engine *engine, uint32_t order_index, struct hash128 hash, uint8_t results)
{
    struct order *order = order_at(engine, order_index);
    uint32_t index = payment_find(engine, order, hash);
    if (index == NONE) {
        bool full = order->payment_count == PAYMENTS_PER_ORDER;
        index = full ? payment_replace(engine, order) : pool_take(&engine->payments);
        *(struct payment *)pool_at(&engine->payments, index) =
            (struct payment){.hash = hash, .next = order->payments_first};
        order->payments_first = index + 1;
        order->payment_count += !full;
    }
    struct payment *payment = pool_at(&engine->payments, index);
    payment->results |= results;
}

/* Idempotency keys. */

void key_prefetch(const struct engine *engine, struct hash128 key)
{
    table_prefetch(&engine->key_table, hash_key(engine, key));
}

uint32_t key_find(const struct engine *engine, struct hash128 key)
{
    uint32_t hash = hash_key(engine, key);
    uint32_t position = table_start(&engine->key_table, hash);
    uint32_t index;
    while ((index = table_next(&engine->key_table, hash, &position)) != TABLE_NONE) {
        const struct request_key *entry = pool_at(&engine->keys, index);
        if (hash128_equal(entry->key, key))
            return index;
    }
    return NONE;
}

uint32_t key_add(struct engine *engine, struct hash128 key)
{
    CHECK(key_find(engine, key) == NONE);
    uint32_t index = pool_take(&engine->keys);
    *(struct request_key *)pool_at(&engine->keys, index) = (struct request_key){.key = key};
    table_insert(&engine->key_table, hash_key(engine, key), index);
    return index;
}

void key_remove(struct engine *engine, uint32_t index)
{
    const struct request_key *entry = pool_at(&engine->keys, index);
    if (entry->order_index != NONE) {
        CHECK(pool_is_used(&engine->orders, entry->order_index));
        CHECK(order_at(engine, entry->order_index)->key_count > 0);
        order_at(engine, entry->order_index)->key_count--;
    }
    table_remove(&engine->key_table, hash_key(engine, entry->key), index);
    deadlines_clear(&engine->deadlines, engine->keys_base + index);
    pool_give(&engine->keys, index);
}
