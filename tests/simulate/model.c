/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model's memory, its look-ups and its sums. Rules stand in model_cart.c, model_checkout.c,
 * model_payment.c, model_cancel.c, model_shelf.c; what the clock may do in model_clock.c.
 */
#include "tests/simulate/model.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/partition.h"
#include "tests/simulate/model_parts.h"

bool ask_same(const struct ask *a, const struct ask *b)
{
    bool same = a->kind == b->kind && a->customer == b->customer && a->sku == b->sku &&
                memcmp(a->order_id, b->order_id, 16) == 0 && a->currency == b->currency &&
                a->item_count == b->item_count && a->expected_total_set == b->expected_total_set &&
                a->expected_total == b->expected_total && a->mode == b->mode &&
                a->reference_size == b->reference_size && a->adjusting.size == b->adjusting.size &&
                a->risk == b->risk && a->score == b->score &&
                a->identity_count == b->identity_count &&
                memcmp(a->identities, b->identities, sizeof(a->identities)) == 0 &&
                a->restock_none == b->restock_none && a->stock_set == b->stock_set &&
                a->stock_floor == b->stock_floor && a->stock_delta == b->stock_delta &&
                a->stock_value == b->stock_value && a->stock_compare == b->stock_compare;
    /* Whoever cancels: a customer or a service (I2). */
    if (a->kind == COMMAND_CANCEL && b->kind == COMMAND_CANCEL)
        same = memcmp(a->order_id, b->order_id, 16) == 0 && a->item_count == b->item_count &&
               a->restock_none == b->restock_none;
    for (uint32_t i = 0; same && i < a->item_count; i++)
        same = a->items[i].sku == b->items[i].sku && a->items[i].quantity == b->items[i].quantity &&
               a->items[i].line == b->items[i].line;
    return same;
}

static void *zeros(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    CHECK(memory != NULL);
    return memory;
}

void model_open(struct model *model)
{
    CHECK(model->shards <= SHARDS_AT_MOST);
    CHECK(model->skus <= SKUS_AT_MOST);
    model->buyers = zeros(model->customers, sizeof(struct buyer));
    model->home = zeros(model->customers, sizeof(uint32_t));
    model->counted = zeros(1, counters_size(model));
    model->uncounted = zeros(1, counters_size(model));
    model->recounted = zeros(1, counters_size(model));
    for (uint32_t shard = 0; shard < model->shards; shard++) {
        model->orders[shard] = zeros(model->capacity.orders + 1, sizeof(struct sold_order));
        model->keys[shard] = zeros(model->capacity.idempotency_keys + 1, sizeof(struct used_key));
    }
    for (uint32_t customer = 0; customer < model->customers; customer++) {
        char text[16];
        int size = snprintf(text, sizeof(text), "c%u", customer);
        model->home[customer] =
            partition_of_customer(bytes_of(text, (uint32_t)size)) % model->shards;
    }
    history_open(model);
}

void model_close(struct model *model)
{
    history_close(model);
    for (uint32_t shard = 0; shard < model->shards; shard++) {
        free(model->orders[shard]);
        free(model->keys[shard]);
    }
    free(model->counted);
    free(model->uncounted);
    free(model->recounted);
    free(model->buyers);
    free(model->home);
}

void model_begin(struct model *model, const struct moment *now)
{
    model->now = *now;
    model->touched_skus = 0;
    model->touched_count = 0;
}

void touch_sku(struct model *model, int sku)
{
    model->touched_skus |= 1u << sku;
}

void touch_customer(struct model *model, int customer)
{
    for (uint32_t i = 0; i < model->touched_count; i++) {
        if (model->touched[i] == customer)
            return;
    }
    if (model->touched_count < TOUCHED_AT_MOST)
        model->touched[model->touched_count++] = customer;
}

uint32_t blocks_of(uint32_t size)
{
    return (size + 27) / 28; /* text.h: 28 bytes to a block */
}

uint32_t customer_text_size(int customer)
{
    return (uint32_t)snprintf(NULL, 0, "c%d", customer);
}

struct buyer *buyer_change(struct model *model, uint32_t shard, int customer)
{
    struct buyer *buyer = &model->buyers[customer];
    CHECK(model->home[customer] == shard);
    keep(model, shard, buyer, sizeof(*buyer));
    touch_customer(model, customer);
    if (!buyer->known) {
        /* Who was forgotten and comes back has another version than before (C5). */
        uint32_t version = (uint32_t)(model->now.shelf_ms / 256);
        *buyer = (struct buyer){.known = true, .cart_version = version};
        model->used[shard].customers++;
        model->used[shard].blocks += blocks_of(customer_text_size(customer));
    }
    buyer->touched_shelf_ms = model->now.shelf_ms;
    return buyer;
}

struct sold_order *order_change(struct model *model, uint32_t shard, uint32_t slot)
{
    struct sold_order *order = &model->orders[shard][slot];
    keep(model, shard, order, sizeof(*order));
    return order;
}

bool sold_is_open(const struct sold_order *order)
{
    return order->status == ORDER_PENDING_PAYMENT || order->status == ORDER_REVIEW;
}

uint32_t model_shard_of_order(const struct model *model, const uint8_t id[16])
{
    return partition_of_order(id) % model->shards;
}

const struct sold_order *model_order(const struct model *model, uint32_t slot, const uint8_t id[16])
{
    if (slot == NO_SLOT || slot > model->capacity.orders)
        return NULL;
    const struct sold_order *order = &model->orders[model_shard_of_order(model, id)][slot];
    return order->used && memcmp(order->id, id, 16) == 0 ? order : NULL;
}

struct cart_line *line_of(const struct model *model, int customer, int sku)
{
    struct buyer *buyer = &model->buyers[customer];
    for (uint32_t i = 0; i < buyer->line_count; i++) {
        if (buyer->lines[i].sku == sku)
            return &buyer->lines[i];
    }
    return NULL;
}

/* The caller changed what it held; the line itself goes. */
void line_remove(struct model *model, uint32_t shard, int customer, int sku)
{
    struct buyer *buyer = &model->buyers[customer];
    struct cart_line *line = line_of(model, customer, sku);
    CHECK(line != NULL);
    uint32_t index = (uint32_t)(line - buyer->lines);
    memmove(line, line + 1, (buyer->line_count - index - 1) * sizeof(*line));
    buyer->line_count--;
    model->used[shard].holds--;
    if (buyer->line_count == 0)
        buyer->currency = 0;
}

static struct allowance_of *allowance_find_of(
    const struct model *model, int customer, int sku, int sale)
{
    struct buyer *buyer = &model->buyers[customer];
    for (uint32_t i = 0; i < buyer->allowance_count; i++) {
        if (buyer->allowances[i].sku == sku && buyer->allowances[i].sale == sale)
            return &buyer->allowances[i];
    }
    return NULL;
}

uint32_t allowance_of(const struct model *model, int customer, int sku, int sale)
{
    const struct allowance_of *found = allowance_find_of(model, customer, sku, sale);
    return found == NULL ? 0 : found->used;
}

void allowance_more(struct model *model, uint32_t shard, int customer, int sku, int sale,
    uint32_t limit, uint32_t units)
{
    struct buyer *buyer = &model->buyers[customer];
    struct allowance_of *found = allowance_find_of(model, customer, sku, sale);
    if (limit == 0 || units == 0)
        return;
    if (found == NULL) {
        CHECK(buyer->allowance_count < ALLOWANCES_AT_MOST);
        found = &buyer->allowances[buyer->allowance_count++];
        *found = (struct allowance_of){.sku = sku, .sale = sale};
        model->used[shard].allowances++;
    }
    found->used += units;
}

/* Q4. */
void allowance_less(struct model *model, uint32_t shard, int customer, int sku, int sale,
    uint32_t limit, uint32_t units)
{
    struct buyer *buyer = &model->buyers[customer];
    struct allowance_of *found = allowance_find_of(model, customer, sku, sale);
    if (limit == 0 || units == 0)
        return;
    CHECK(found != NULL);
    CHECK(found->used >= units);
    found->used -= units;
    if (found->used > 0)
        return;
    *found = buyer->allowances[--buyer->allowance_count];
    model->used[shard].allowances--;
}

uint32_t key_of(const struct model *model, uint32_t shard, uint32_t first, uint32_t number)
{
    uint32_t slot = first;
    while (slot != NO_SLOT && model->keys[shard][slot].ask.key != number)
        slot = model->keys[shard][slot].next;
    return slot;
}

struct used_key *key_note(struct model *model, uint32_t shard, uint32_t *first,
    const struct ask *ask, const struct seen *seen, uint64_t keep_shelf_ms)
{
    uint32_t slot = model->key_last[shard];
    CHECK(model->used[shard].keys < model->capacity.idempotency_keys);
    do
        slot = slot % model->capacity.idempotency_keys + 1;
    while (model->keys[shard][slot].used);
    model->key_last[shard] = slot;
    struct used_key *key = &model->keys[shard][slot];
    keep(model, shard, key, sizeof(*key));
    *key = (struct used_key){
        .used = true,
        .next = *first,
        .hash = seen->key,
        .ask = *ask,
        .keep_shelf_ms = keep_shelf_ms,
    };
    *first = slot;
    model->used[shard].keys++;
    return key;
}

uint64_t stock_reason(
    const struct model *model, int sku, uint32_t units, uint32_t own, uint32_t *available)
{
    struct numbers numbers = model_numbers(model, sku);
    *available = numbers.available + own;
    if (numbers.available >= units)
        return 0;
    if (numbers.available + own > 0)
        return BIT(OUTCOME_INSUFFICIENT);
    return numbers.held > 0 ? BIT(OUTCOME_HELD_BY_OTHERS) : BIT(OUTCOME_SOLD_OUT);
}

/* I6: at least a day, and a day past the end of the sale. */
uint64_t keep_until(const struct model *model, int64_t ends_wall_ms)
{
    uint64_t day = 24 * 3600 * UINT64_C(1000);
    uint64_t seconds = model->policy.idempotency_seconds * UINT64_C(1000);
    uint64_t most = seconds > day ? seconds : day;
    if (ends_wall_ms > model->now.wall_ms) {
        uint64_t sale = (uint64_t)(ends_wall_ms - model->now.wall_ms) + day;
        most = sale > most ? sale : most;
    }
    return model->now.shelf_ms + most;
}

struct numbers model_numbers(const struct model *model, int sku)
{
    const struct units *units = &model->units[sku];
    uint32_t held = units->live + units->moving + units->freeing + units->selling + units->lowering;
    CHECK(units->bought + units->restocking >= units->selling);
    uint32_t sold = units->bought + units->restocking - units->selling;
    CHECK(held + sold <= units->allotment);
    return (struct numbers){units->allotment, units->allotment - held - sold, held, sold};
}

static bool has_live_hold(const struct buyer *buyer)
{
    for (uint32_t i = 0; i < buyer->line_count; i++) {
        if (buyer->lines[i].state == LINE_HELD)
            return true;
    }
    return false;
}

static void expect_clear(const struct model *model, const struct ask *ask, struct expect *expect)
{
    expect->has_effect = model->buyers[ask->customer].line_count > 0;
    if (cart_is_old(model, ask))
        expect->refusals = BIT(OUTCOME_STALE_VERSION);
    else if (model->now.journal_full && expect->has_effect &&
             !has_live_hold(&model->buyers[ask->customer]))
        expect->refusals = BIT(OUTCOME_JOURNAL_FULL); /* it ends no hold (S5) */
}

static void expect_order_read(
    const struct model *model, const struct ask *ask, struct expect *expect)
{
    const struct sold_order *order = model_order(model, ask->order_slot, ask->order_id);
    expect->order = ask->order_slot;
    if (order == NULL || (ask->customer != NOBODY && ask->customer != order->customer))
        expect->refusals = BIT(OUTCOME_NOT_FOUND);
}

/* Always answered. */
static void expect_read(const struct model *model, const struct ask *ask, struct expect *expect)
{
    (void)model;
    (void)ask;
    CHECK(expect->refusals == 0);
}

/* Every command that the walk asks. */
static void (*const expects[])(const struct model *, const struct ask *, struct expect *) = {
    [COMMAND_CART_READ] = expect_read,
    [COMMAND_ORDERS_LIST] = expect_read,
    [COMMAND_ORDER_READ] = expect_order_read,
    [COMMAND_CART_SET] = expect_cart_set,
    [COMMAND_CART_CLEAR] = expect_clear,
    [COMMAND_CART_EXTEND] = expect_extend,
    [COMMAND_CART_MERGE] = expect_merge,
    [COMMAND_CHECKOUT] = expect_checkout,
    [COMMAND_PAYMENT] = expect_payment,
    [COMMAND_CANCEL] = expect_cancel,
    [COMMAND_REVIEW] = expect_review,
    [COMMAND_PRODUCT_SET] = expect_product,
    [COMMAND_IMPORT_BEGIN] = expect_product,
    [COMMAND_IMPORT_END] = expect_product,
    [COMMAND_SALE_SET] = expect_sale,
    [COMMAND_SALE_REMOVE] = expect_removal,
    [COMMAND_STOCK_CHANGE] = expect_stock,
    [COMMAND_STOCK_READ] = expect_stock,
    [COMMAND_SWITCH] = expect_switch,
};

void model_expect(const struct model *model, const struct ask *ask, struct expect *expect)
{
    CHECK(ask->kind < sizeof(expects) / sizeof(expects[0]));
    CHECK(expects[ask->kind] != NULL);
    *expect = (struct expect){.success = OUTCOME_OK, .order = NO_SLOT};
    expects[ask->kind](model, ask, expect);
}

void model_happen(struct model *model, uint32_t shard, const struct ask *ask,
    const struct expect *expect, const struct seen *seen)
{
    struct record *record = record_begin(model, shard);
    switch (ask->kind) {
    case COMMAND_CART_SET:
        happen_cart_set(model, shard, ask);
        return;
    case COMMAND_CART_CLEAR:
        happen_cart_clear(model, shard, ask);
        return;
    case COMMAND_CART_EXTEND:
        happen_extend(model, shard, ask);
        return;
    case COMMAND_CHECKOUT:
        happen_checkout(model, shard, ask, expect, seen);
        return;
    case COMMAND_PAYMENT:
        happen_payment(model, shard, record, ask, expect, seen);
        return;
    case COMMAND_CANCEL:
        happen_cancel(model, shard, ask, seen);
        return;
    case COMMAND_REVIEW:
        happen_review(model, shard, ask, seen);
        return;
    case COMMAND_SALE_SET:
        happen_sale(model, record, ask);
        return;
    case COMMAND_PRODUCT_SET:
    case COMMAND_IMPORT_BEGIN:
    case COMMAND_IMPORT_END:
        happen_product(model, record, ask);
        return;
    case COMMAND_STOCK_CHANGE:
        happen_stock(model, ask, expect, seen);
        return;
    case COMMAND_SWITCH:
        happen_switch(model, record, ask, expect);
        return;
    case COMMAND_CART_MERGE:
    case COMMAND_SALE_REMOVE:
    case COMMAND_CUSTOMER_READ:
    case COMMAND_SWITCHES_LIST:
    case COMMAND_ORDERS_FIND:
    case COMMAND_RESERVATIONS:
    case COMMAND_AUDIT:
    case COMMAND_NONE:
    case COMMAND_CART_READ:
    case COMMAND_ORDER_READ:
    case COMMAND_ORDERS_LIST:
    case COMMAND_STOCK_READ:
        break;
    }
    CHECK(!"a read has no effect");
}
