/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two proofs for tests and recovery: that the tables agree with themselves and with one another,
 * and one number that is the same for the same state however it was reached.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/check.h"
#include "core/engine_steps.h"
#include "core/kills.h"

/* How many of a customer's orders are open; they stand in one order, both ways (O4). */
static uint32_t open_orders_of(const struct engine *engine, uint32_t customer_index)
{
    const struct customer *customer = customer_at(engine, customer_index);
    uint32_t open = 0, before = 0, link = customer->orders_newest;
    for (uint32_t i = 0; i < customer->order_count; i++) {
        const struct order *order = order_at(engine, link - 1);
        CHECK(order->customer_index == customer_index);
        CHECK(order->prev == before);
        CHECK(before == 0 || memcmp(order_at(engine, before - 1)->id, order->id, 16) > 0);
        open += order_is_open(order->status);
        before = link;
        link = order->next;
    }
    CHECK(link == 0);
    CHECK(before == customer->orders_oldest);
    return open;
}

static void check_customer(const struct engine *engine, uint32_t index)
{
    const struct customer *customer = customer_at(engine, index);
    CHECK(customer->touched_shelf_ms < DEADLINE_END / 2);
    uint32_t live = 0, link = customer->holds_first;
    for (uint32_t i = 0; i < customer->hold_count; i++) {
        const struct hold *hold = hold_at(engine, link - 1);
        CHECK(hold->customer_index == index);
        CHECK(hold->quantity > 0);
        /* A limit counts whoever holds. */
        CHECK(hold->state != LINE_HELD || hold->limit == 0 ||
              allowance_find(engine, index, hold->sku_number, hold->sale_number) != NONE);
        live += hold->state == LINE_HELD;
        link = hold->next;
    }
    CHECK(link == 0);
    CHECK(live == customer->live_holds);
    CHECK(open_orders_of(engine, index) == customer->open_orders);
    uint8_t id[CUSTOMER_SIZE_MAX];
    uint32_t size = text_copy(&engine->texts, customer->id, id);
    CHECK(customer_find(engine, bytes_of(id, size)) == index);
    CHECK(partition_of_customer(bytes_of(id, size)) % engine->shard_count == engine->shard);
}

static void check_order(const struct engine *engine, uint32_t index)
{
    const struct order *order = order_at(engine, index);
    CHECK(order_find(engine, order->id) == index);
    CHECK(order->payment_count <= PAYMENTS_PER_ORDER);
    CHECK(!order_is_open(order->status) || order->confirmed_wall_ms == 0);
    CHECK(order->keep_shelf_ms < DEADLINE_END / 2);
    CHECK(order->changed_shelf_ms < DEADLINE_END / 2);
    int64_t total = 0, price;
    uint32_t link = order->lines_first;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = line_at(engine, link - 1);
        CHECK(line->cancelled <= line->quantity);
        CHECK(line->restocked <= line->cancelled);
        CHECK(!__builtin_mul_overflow(line->unit_price, (int64_t)line->quantity, &price));
        CHECK(!__builtin_add_overflow(total, price, &total));
        CHECK(line->limit == 0 || order_line_counts(order, line) == 0 ||
              allowance_find(engine, order->customer_index, line->sku_number, line->sale_number) !=
                  NONE);
        link = line->next;
    }
    CHECK(link == 0);
    CHECK(total == order->items_total);
    CHECK(order->total >= 0);
    CHECK(order->paid >= 0);
    CHECK(order->refund_due >= 0);
    CHECK(order->adjusted ||
          (order->born_total == order->total && order->adjustments_born.size == 0));
    CHECK(order->identities.size % sizeof(struct hash128) == 0);
}

/* Q1: what is used is what the customer's holds and orders say, and what forgotten ones said. */
static void check_allowance(const struct engine *engine, const struct allowance *allowance)
{
    uint64_t sum = allowance_shown(engine, allowance);
    CHECK(allowance->used > 0);
    CHECK(allowance->used >= sum);
    /* What is forgotten of it is with another shard perhaps. */
    if (engine->gone.used == 0 && !engine->divided)
        CHECK(allowance->used == sum);
    CHECK(allowance->handed <= allowance_bought(engine, allowance));
}

static void check_allowances(const struct engine *engine)
{
    for (uint32_t i = 0; i < engine->allowances.fresh; i++) {
        if (pool_is_used(&engine->allowances, i))
            check_allowance(engine, pool_at(&engine->allowances, i));
    }
}

static void check_key(const struct engine *engine, const struct request_key *key)
{
    if (key->kind == REQUEST_STOCK || key->kind == REQUEST_MERGE) {
        CHECK(key->order_index == NONE);
        return;
    }
    /* A replay shows its order: it must outlive its keys. */
    CHECK(pool_is_used(&engine->orders, key->order_index));
    CHECK(order_at(engine, key->order_index)->keep_shelf_ms >= key->keep_shelf_ms);
}

/* What hangs on the entities is all that was ever taken from the pools. */
static void check_sums(const struct engine *engine)
{
    uint32_t blocks = 0, lines = 0, payments = 0, holds = 0, allowances = 0;
    uint64_t id_bytes = 0;
    for (uint32_t i = 0; i < engine->customers.fresh; i++) {
        if (!pool_is_used(&engine->customers, i))
            continue;
        const struct customer *customer = customer_at(engine, i);
        blocks += text_blocks(customer->id.size);
        holds += customer->hold_count;
        allowances += customer->allowance_count;
        id_bytes +=
            (uint64_t)customer->id.size * (customer->order_count + customer->allowance_count);
        CHECK(deadlines_get(&engine->deadlines, engine->customers_base + i) != UINT64_MAX);
    }
    for (uint32_t i = 0; i < engine->orders.fresh; i++) {
        if (!pool_is_used(&engine->orders, i))
            continue;
        const struct order *order = order_at(engine, i);
        blocks += text_blocks(order->references.size) + text_blocks(order->provider.size) +
                  text_blocks(order->payment_id.size) + text_blocks(order->adjustments.size) +
                  text_blocks(order->adjustments_born.size) + text_blocks(order->identities.size);
        lines += order->line_count;
        payments += order->payment_count;
    }
    CHECK(blocks == engine->texts.used);
    CHECK(id_bytes == engine->id_bytes);
    CHECK(holds == engine->holds.used);
    CHECK(allowances == engine->allowances.used);
    CHECK(lines == engine->lines.used);
    CHECK(payments == engine->payments.used);
}

/* What is promised, counted anew. */
static void check_promises(const struct engine *engine)
{
    struct engine counted = {.shelf = engine->shelf};
    const struct promises *promises = &engine->promises;
    for (uint32_t i = 0; i < engine->orders.fresh; i++) {
        if (pool_is_used(&engine->orders, i))
            promises_add(&counted, order_at(engine, i));
    }
    for (uint32_t i = 0; i < engine->holds.fresh; i++) {
        if (!pool_is_used(&engine->holds, i))
            continue;
        counted.promises.moved_lines += hold_at(engine, i)->state == LINE_MOVED;
        if (hold_at(engine, i)->state == LINE_HELD)
            CHECK(hold_at(engine, i)->deadline_shelf_ms <= promises->latest_shelf_ms);
    }
    for (uint32_t i = 0; i < engine->customers.fresh; i++)
        counted.promises.merges +=
            pool_is_used(&engine->customers, i) && customer_at(engine, i)->merge_id != 0;
    CHECK(counted.promises.latest_shelf_ms <= promises->latest_shelf_ms);
    CHECK(counted.promises.review_shelf_ms <= promises->review_shelf_ms);
    counted.promises.latest_shelf_ms = promises->latest_shelf_ms;
    counted.promises.review_shelf_ms = promises->review_shelf_ms;
    CHECK(memcmp(&counted.promises, promises, sizeof(*promises)) == 0);
}

void engine_check(const struct engine *engine)
{
    check_promises(engine);
    kill_check(engine);
    check_allowances(engine);
    check_sums(engine);
    for (uint32_t i = 0; i < engine->keys.fresh; i++) {
        if (pool_is_used(&engine->keys, i))
            check_key(engine, pool_at(&engine->keys, i));
    }
    uint32_t live = 0;
    for (uint32_t i = 0; i < engine->customers.fresh; i++) {
        if (!pool_is_used(&engine->customers, i))
            continue;
        check_customer(engine, i);
        live += customer_at(engine, i)->live_holds + customer_at(engine, i)->open_orders;
    }
    CHECK(live == engine->live_holds);
    for (uint32_t i = 0; i < engine->orders.fresh; i++) {
        if (pool_is_used(&engine->orders, i))
            check_order(engine, i);
    }
    pool_check(&engine->customers);
    pool_check(&engine->holds);
    pool_check(&engine->orders);
    pool_check(&engine->lines);
    pool_check(&engine->payments);
    pool_check(&engine->keys);
    pool_check(&engine->allowances);
    pool_check(&engine->gone);
    table_check(&engine->customer_table);
    table_check(&engine->order_table);
    table_check(&engine->key_table);
    table_check(&engine->allowance_table);
    table_check(&engine->gone_table);
    text_check(&engine->texts);
    deadlines_check(&engine->deadlines);
}

/* Entities are hashed one by one and summed, so that slots and order do not matter. */
static uint64_t digest_of(const void *data, uint32_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

static uint64_t digest_customer(const struct engine *engine, const struct customer *customer)
{
    uint8_t id[CUSTOMER_SIZE_MAX];
    uint32_t size = text_copy(&engine->texts, customer->id, id);
    uint64_t name = digest_of(id, size, 1), sum = name;
    uint64_t facts[8] = {customer->hold_count, customer->order_count, customer->open_orders,
        customer->live_holds, customer->allowance_count, customer->cart_version, customer->merge_id,
        customer->merge_shelf_ms};
    sum += digest_of(facts, sizeof(facts), name);
    sum += digest_of(customer->last_order, 16, name);
    sum += digest_of(&customer->touched_shelf_ms, 8, name) + digest_of(customer->currency, 4, name);
    uint32_t link = customer->holds_first;
    for (uint32_t i = 0; i < customer->hold_count; i++) {
        const struct hold *hold = hold_at(engine, link - 1);
        uint64_t parts[10] = {hold->sku_number, hold->quantity, (uint64_t)hold->unit_price,
            hold->deadline_shelf_ms, hold->state, hold->limit, hold->created_shelf_ms,
            hold->extensions, hold->sale_number, hold->seller_number};
        sum += digest_of(parts, sizeof(parts), name + i);
        link = hold->next;
    }
    return sum;
}

static uint64_t digest_text(const struct engine *engine, struct text text, uint64_t seed)
{
    uint8_t bytes[ADJUSTMENTS_SIZE_MAX];
    _Static_assert((int)ADJUSTMENTS_SIZE_MAX >= (int)REFERENCES_SIZE_MAX, "the longest text");
    CHECK(text.size <= sizeof(bytes));
    return digest_of(bytes, text_copy(&engine->texts, text, bytes), seed);
}

static uint64_t digest_hangings(
    const struct engine *engine, const struct order *order, uint64_t name)
{
    uint64_t sum = 0;
    uint32_t link = order->lines_first;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = line_at(engine, link - 1);
        uint64_t parts[8] = {line->sku_number, line->quantity, line->cancelled, line->restocked,
            (uint64_t)line->unit_price, line->limit, line->sale_number, line->seller_number};
        sum += digest_of(parts, sizeof(parts), name + i);
        link = line->next;
    }
    link = order->payments_first;
    for (uint32_t i = 0; i < order->payment_count; i++) {
        const struct payment *payment = pool_at(&engine->payments, link - 1);
        sum += digest_of(&payment->hash, sizeof(payment->hash), name + i + payment->results);
        link = payment->next;
    }
    return sum + digest_text(engine, order->references, name) +
           digest_text(engine, order->provider, name + 1) +
           digest_text(engine, order->payment_id, name + 2) +
           digest_text(engine, order->adjustments, name + 3) +
           digest_text(engine, order->adjustments_born, name + 4) +
           digest_text(engine, order->identities, name + 5);
}

static uint64_t digest_order(const struct engine *engine, const struct order *order)
{
    uint64_t name = digest_of(order->id, 16, 2);
    uint64_t facts[] = {order->version, order->status, order->reclaimed, order->status_born,
        order->mode, (uint64_t)order->items_total, (uint64_t)order->total, (uint64_t)order->paid,
        (uint64_t)order->refund_due, order->payment_due_shelf_ms, order->born_due_shelf_ms,
        order->keep_shelf_ms, order->changed_shelf_ms, (uint64_t)order->created_wall_ms,
        (uint64_t)order->confirmed_wall_ms, (uint64_t)order->paid_wall_ms,
        (uint64_t)order->cancel_until_wall_ms, order->stream_seq, order->adjusted, order->extended,
        order->review_decision, order->payment_seconds, (uint64_t)order->born_total,
        order->created_shelf_ms};
    return name + digest_of(facts, sizeof(facts), name) + digest_hangings(engine, order, name);
}

static uint64_t digest_keys(const struct engine *engine)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < engine->keys.fresh; i++) {
        const struct request_key *key = pool_at(&engine->keys, i);
        if (!pool_is_used(&engine->keys, i))
            continue;
        uint64_t name =
            digest_of(&key->key, 32, 3) + key->keep_shelf_ms + key->kind + 8ull * key->partition;
        if (key->order_index != NONE)
            name += digest_of(order_at(engine, key->order_index)->id, 16, 5);
        sum += name + digest_of(&key->noted, sizeof(key->noted), 6);
    }
    return sum;
}

static uint64_t digest_allowances(const struct engine *engine)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < engine->allowances.fresh; i++) {
        const struct allowance *allowance = pool_at(&engine->allowances, i);
        if (!pool_is_used(&engine->allowances, i))
            continue;
        uint64_t parts[6] = {allowance->sku_number, allowance->sale_number, allowance->used,
            allowance->handed, allowance->handed_to.low, allowance->handed_to.high};
        uint8_t id[CUSTOMER_SIZE_MAX];
        struct text name = customer_at(engine, allowance->customer_index)->id;
        sum +=
            digest_of(parts, sizeof(parts), digest_of(id, text_copy(&engine->texts, name, id), 7));
    }
    return sum;
}

/* That a shard has its part of the sale that is leaving behind it. */
static uint64_t digest_part(const struct engine *engine)
{
    const struct removal *removal = &engine->removal;
    uint32_t closing = catalog_closing(&engine->shelf->catalog);
    return removal->done && removal->sale_number == closing ? removal->sale_number : 0;
}

uint64_t engine_digest(const struct engine *engine)
{
    uint64_t sum =
        engine->stream_seq + engine->live_holds + kill_digest(engine) + digest_part(engine);
    if (engine->shard == 0)
        sum += switches_digest(&engine->shelf->switches) + catalog_digest(&engine->shelf->catalog);
    for (uint32_t i = 0; i < engine->customers.fresh; i++) {
        if (pool_is_used(&engine->customers, i))
            sum += digest_customer(engine, customer_at(engine, i));
    }
    for (uint32_t i = 0; i < engine->orders.fresh; i++) {
        if (pool_is_used(&engine->orders, i))
            sum += digest_order(engine, order_at(engine, i));
    }
    sum += digest_keys(engine) + digest_allowances(engine);
    for (uint32_t i = 0; i < engine->gone.fresh; i++) {
        if (!pool_is_used(&engine->gone, i))
            continue;
        sum += digest_of(pool_at(&engine->gone, i), sizeof(struct gone), 4);
    }
    return sum;
}
