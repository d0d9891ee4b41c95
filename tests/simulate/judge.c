/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulate/judge.h"

#include <stdio.h>

#include "core/engine_steps.h"
#include "core/identities.h"
#include "tests/simulate/model_parts.h"

#define JUDGE(fact)                                                                                \
    do {                                                                                           \
        if (!(fact))                                                                               \
            world_fail(world, #fact);                                                              \
    } while (0)

static const char *const currencies[CURRENCIES] = {"", "GBP", "EUR"};

static struct engine *engine_of(const struct world *world, uint32_t shard)
{
    return world->shop.engines[shard];
}

static uint32_t index_of_sku(const struct world *world, int sku)
{
    char text[8];
    int size = snprintf(text, sizeof(text), "S%d", sku);
    return catalog_find(&world->shop.shelf->catalog, bytes_of(text, (uint32_t)size));
}

static void judge_words(const struct world *world, int sku)
{
    uint32_t index = index_of_sku(world, sku);
    struct numbers want = model_numbers(&world->model, sku);
    JUDGE((index != SKU_NONE) == world->model.shown[sku].visible);
    if (index == SKU_NONE)
        return;
    struct stock_numbers have = stock_numbers(&world->shop.shelf->stock, index);
    JUDGE(have.available == want.available);
    JUDGE(have.held == want.held);
    JUDGE(have.sold == want.sold);
    JUDGE(have.allotment == want.allotment);
}

static int64_t times(int64_t price, uint32_t units)
{
    wide product = (wide)price * units;
    return product > INT64_MAX ? INT64_MAX : (int64_t)product;
}

static void judge_cart_line(const struct world *world, const struct cart_line *want, int currency,
    const struct cart_line_view *have)
{
    int64_t today = world->model.shown[want->sku].terms.price[currency];
    JUDGE(number_of(have->sku) == want->sku);
    JUDGE(have->quantity == want->quantity);
    /* What a merge that a crash ended has moved out is told like a hold that has passed (C4). */
    JUDGE(have->state == (want->state == LINE_MOVED ? LINE_EXPIRED : want->state));
    JUDGE(have->deadline_shelf_ms == want->deadline_shelf_ms);
    if (want->state == LINE_HELD || today == 0)
        JUDGE(have->unit_price == want->price); /* M3 */
    else
        JUDGE(have->unit_price == today);
    JUDGE(have->line_total == times(have->unit_price, have->quantity));
    if (want->state == LINE_HELD)
        JUDGE(have->extensions_left == world->model.policy.max_extensions - want->extensions);
}

static void judge_cart(const struct world *world, int customer)
{
    const struct buyer *buyer = &world->model.buyers[customer];
    const struct engine *engine = engine_of(world, world->model.home[customer]);
    char text[16];
    int size = snprintf(text, sizeof(text), "c%d", customer);
    uint32_t index = customer_find(engine, bytes_of(text, (uint32_t)size));
    struct cart_view view;
    JUDGE((index != NONE) == buyer->known);
    engine_cart(engine, index, &view);
    JUDGE(view.line_count == buyer->line_count);
    JUDGE(view.version == buyer->cart_version);
    JUDGE(strcmp((const char *)view.currency, currencies[buyer->currency]) == 0);
    wide total = 0;
    for (uint32_t i = 0; i < buyer->line_count; i++) {
        judge_cart_line(world, &buyer->lines[i], buyer->currency, &view.lines[i]);
        total += view.lines[i].line_total;
    }
    JUDGE(view.items_total == (total > INT64_MAX ? INT64_MAX : (int64_t)total));
}

static void judge_order_lines(
    const struct world *world, const struct sold_order *want, const struct event *image, bool born)
{
    const struct catalog *catalog = &world->shop.shelf->catalog;
    JUDGE(image->line_count == want->line_count);
    for (uint32_t i = 0; i < want->line_count; i++) {
        const struct sold_line *line = &want->lines[i];
        const struct event_line *have = &image->lines[i];
        uint32_t index = catalog_find_number(catalog, have->sku_number);
        JUDGE(number_of(catalog_sku(catalog, index)) == line->sku);
        JUDGE(number_of(catalog_name(catalog, have->sale_number)) == line->sale);
        JUDGE(have->quantity == line->quantity);
        JUDGE(have->cancelled == (born ? 0 : line->cancelled));
        JUDGE(have->restocked == (born ? 0 : line->restocked));
        JUDGE(have->unit_price == line->price);
        JUDGE(have->limit == line->limit);
    }
}

/* As the checkout made it: what a replay shows. */
static struct sold_order order_born(const struct sold_order *order)
{
    struct sold_order born = *order;
    bool confirmed = order->born == ORDER_CONFIRMED;
    born.status = order->born;
    born.version = order->born == ORDER_PENDING_PAYMENT ? 1 : 2;
    born.total = order->born_total;
    born.adjustment_size = order->adjusted ? order->born_adjustment_size : order->adjustment_size;
    born.paid = born.refund_due = 0;
    born.paid_wall_ms = 0;
    born.reclaimed = false;
    born.due_shelf_ms = order->born_due_shelf_ms;
    born.confirmed_wall_ms = confirmed ? order->confirmed_wall_ms : 0;
    born.cancel_until_wall_ms = confirmed ? order->cancel_until_wall_ms : 0;
    return born;
}

void judge_order(const struct world *world, uint32_t shard, uint32_t slot, bool born)
{
    struct sold_order want = world->model.orders[shard][slot];
    const struct engine *engine = engine_of(world, shard);
    uint32_t index = order_find(engine, want.id);
    JUDGE(index != NONE);
    struct event image;
    engine_order_image(engine, index, born, &image);
    const struct fact_order *have = &image.fact.order;
    judge_order_lines(world, &want, &image, born);
    if (born)
        want = order_born(&want);
    JUDGE(number_of(image.text[TEXT_CUSTOMER]) == want.customer);
    JUDGE(have->status == want.status);
    JUDGE(have->mode == want.mode);
    JUDGE(have->version == want.version);
    JUDGE(have->items_total == want.items_total);
    JUDGE(have->total == want.total);
    JUDGE(have->paid == want.paid);
    JUDGE(have->refund_due == want.refund_due);
    JUDGE(have->reclaimed == want.reclaimed);
    JUDGE(have->payment_due_shelf_ms == want.due_shelf_ms);
    JUDGE(have->created_wall_ms == want.created_wall_ms);
    JUDGE(have->confirmed_wall_ms == want.confirmed_wall_ms);
    JUDGE(have->paid_wall_ms == want.paid_wall_ms);
    JUDGE(have->cancel_until_wall_ms == want.cancel_until_wall_ms);
    JUDGE(strcmp((const char *)have->currency, currencies[want.currency]) == 0);
    JUDGE(image.text[TEXT_REFERENCES].size == want.reference_size);
    JUDGE(image.text[TEXT_IDENTITIES].size == 16 * want.identity_count);
    JUDGE(image.text[TEXT_ADJUSTMENTS].size == want.adjustment_size);
    if (!born)
        JUDGE(have->review_decision == want.review_decision);
}

/* A4: what a refused line tells. */
static void judge_line(
    const struct world *world, const struct expect_line *want, const struct answer_line *have)
{
    JUDGE(want->reasons & BIT(have->outcome));
    if (have->outcome == OUTCOME_INSUFFICIENT)
        JUDGE(have->available == want->available);
    if (have->outcome == OUTCOME_LIMIT_EXCEEDED) {
        JUDGE(have->limit == want->limit);
        JUDGE(have->used == want->used);
    }
    if (have->outcome == OUTCOME_HELD_BY_OTHERS)
        JUDGE(
            have->next_release_shelf_ms == 0 ||
            (have->next_release_shelf_ms > world->model.now.shelf_ms && !world->model.now.frozen));
}

/* K2: every failing line is listed, no other is, and one reason for all is the reply's. */
static void judge_lines(const struct world *world, const struct expect *expect)
{
    const struct answer *answer = &world->shop.answer;
    bool one_reason = true;
    JUDGE(answer->line_count > 0);
    for (uint32_t i = 0; i < expect->line_count; i++) {
        uint32_t listed = 0;
        for (uint32_t j = 0; j < answer->line_count; j++) {
            if (number_of(answer->lines[j].sku) != expect->lines[i].sku)
                continue;
            judge_line(world, &expect->lines[i], &answer->lines[j]);
            listed++;
        }
        JUDGE(listed > 0 || expect->lines[i].may_be_untold);
    }
    for (uint32_t j = 0; j < answer->line_count; j++) {
        bool expected = false;
        for (uint32_t i = 0; i < expect->line_count; i++)
            expected = expected || number_of(answer->lines[j].sku) == expect->lines[i].sku;
        JUDGE(expected);
        one_reason = one_reason && answer->lines[j].outcome == answer->lines[0].outcome;
    }
    JUDGE(answer->outcome == (one_reason ? answer->lines[0].outcome : OUTCOME_LINES_REFUSED));
}

static void judge_refusal(
    const struct world *world, const struct ask *ask, const struct expect *expect)
{
    const struct answer *answer = &world->shop.answer;
    uint64_t of_lines = 0;
    for (uint32_t i = 0; i < expect->line_count; i++)
        of_lines |= expect->lines[i].reasons;
    if (ask->kind == COMMAND_CHECKOUT && answer->line_count > 0)
        judge_lines(world, expect);
    else
        JUDGE(!(of_lines & BIT(answer->outcome)) || answer->outcome == OUTCOME_CURRENCY_MISMATCH);
    if (answer->outcome == OUTCOME_PRICE_CHANGED)
        JUDGE(answer->items_total == expect->total);
    if (answer->outcome == OUTCOME_CART_EMPTY)
        JUDGE(memcmp(answer->order_id, world->model.buyers[ask->customer].last_order, 16) == 0);
    if (ask->kind == COMMAND_CART_SET && answer->outcome == OUTCOME_INSUFFICIENT)
        JUDGE(answer->available == expect->available);
    if (ask->kind == COMMAND_CART_SET && answer->outcome == OUTCOME_LIMIT_EXCEEDED) {
        JUDGE(answer->limit == expect->limit);
        JUDGE(answer->used == expect->used);
    }
    if (ask->kind == COMMAND_STOCK_CHANGE && answer->outcome == OUTCOME_INSUFFICIENT)
        JUDGE(answer->short_units == expect->short_units);
}

static void judge_numbers(const struct world *world, const struct expect *expect)
{
    const struct answer *answer = &world->shop.answer;
    JUDGE(answer->allotment == expect->numbers.allotment);
    JUDGE(answer->stock_available == expect->numbers.available);
    JUDGE(answer->held == expect->numbers.held);
    JUDGE(answer->sold == expect->numbers.sold);
}

void judge_reply(const struct world *world, const struct ask *ask, const struct expect *expect,
    const struct event *event)
{
    const struct answer *answer = &world->shop.answer;
    if (expect->refusals != 0) {
        JUDGE(expect->refusals & BIT(answer->outcome));
        JUDGE(event->kind == EVENT_NONE);
        judge_refusal(world, ask, expect);
        return;
    }
    JUDGE(answer->outcome == expect->success);
    JUDGE(answer->replayed == expect->replayed);
    JUDGE((event->kind != EVENT_NONE) == expect->has_effect);
    if (ask->kind == COMMAND_STOCK_CHANGE || ask->kind == COMMAND_STOCK_READ)
        judge_numbers(world, expect);
    if (ask->kind == COMMAND_STOCK_CHANGE && !expect->replayed)
        JUDGE(answer->short_units == expect->short_units);
    if (ask->kind == COMMAND_PRODUCT_SET) {
        JUDGE(answer->version == expect->version);
        JUDGE(answer->unchanged == expect->unchanged);
        JUDGE(answer->created == !world->model.products[ask->sku].exists);
    }
    if (ask->kind == COMMAND_SWITCH)
        JUDGE(answer->switched == expect->switched);
    if (ask->kind == COMMAND_SALE_SET) {
        JUDGE(answer->version == expect->version);
        JUDGE(answer->unchanged == expect->unchanged);
        JUDGE(answer->created == (world->model.sales[ask->sale].version == 0));
    }
    if (expect->order != NO_SLOT && answer->order_index != NONE) {
        uint32_t shard = world->shop.last_shard;
        const uint8_t *id = order_at(engine_of(world, shard), answer->order_index)->id;
        JUDGE(memcmp(id, world->model.orders[shard][expect->order].id, 16) == 0);
    }
}

void judge_touched(const struct world *world, const struct ask *ask, uint32_t order_slot)
{
    const struct model *model = &world->model;
    uint32_t skus = model->touched_skus;
    if (ask->kind == COMMAND_CART_SET || ask->kind == COMMAND_STOCK_CHANGE ||
        ask->kind == COMMAND_STOCK_READ || ask->kind == COMMAND_PRODUCT_SET)
        skus |= 1u << ask->sku;
    for (uint32_t i = 0; i < ask->item_count && ask->kind == COMMAND_CHECKOUT; i++)
        skus |= 1u << ask->items[i].sku;
    for (int sku = 0; sku < (int)model->skus; sku++) {
        if (skus & 1u << sku)
            judge_words(world, sku);
    }
    for (uint32_t i = 0; i < model->touched_count; i++)
        judge_cart(world, model->touched[i]);
    if (ask->customer != NOBODY)
        judge_cart(world, ask->customer);
    if (order_slot != NO_SLOT)
        judge_order(world, world->shop.last_shard, order_slot, false);
    JUDGE(claims_used(&world->shop.shelf->claims) == model->claims_taken + model->counters_used);
}

/* W6: in force for every shard is what is durable. */
static void judge_switches(const struct world *world)
{
    const struct switches *switches = &world->shop.shelf->switches;
    const struct model *model = &world->model;
    JUDGE(switches_all(switches) == model->stopped_all.in_force);
    for (int sku = 0; sku < (int)model->skus; sku++) {
        uint32_t index = index_of_sku(world, sku);
        if (index != SKU_NONE)
            JUDGE(switches_state(switches, index, 0) == model_stopped(model, sku, 0));
    }
}

/* Q5: every counter of every identity. */
static void judge_identities(const struct world *world)
{
    const struct shelf *shelf = world->shop.shelf;
    struct event_line line = {0};
    for (int sku = 0; sku < (int)world->model.skus; sku++) {
        uint32_t index = index_of_sku(world, sku);
        if (index == SKU_NONE)
            continue;
        line.sku_number = catalog_number(&shelf->catalog, index);
        for (int sale = 0; sale < SALES_AT_MOST; sale++) {
            char text[16];
            int size = snprintf(text, sizeof(text), "sale%d", sale);
            line.sale_number =
                sale == 0 ? 0 : catalog_name_find(&shelf->catalog, bytes_of(text, (uint32_t)size));
            for (int i = 0; i < IDENTITIES && (sale == 0 || line.sale_number != 0); i++) {
                struct hash128 identity = identity_hash(i);
                JUDGE(identities_used(shelf, bytes_of(&identity, sizeof(identity)), &line) ==
                      world->model.counted[i][sku][sale]);
            }
        }
    }
}

static void judge_shard(const struct world *world, uint32_t shard)
{
    const struct engine *engine = engine_of(world, shard);
    const struct used *used = &world->model.used[shard];
    engine_check(engine);
    JUDGE(engine->customers.used == used->customers);
    JUDGE(engine->holds.used == used->holds);
    JUDGE(engine->orders.used == used->orders);
    JUDGE(engine->lines.used == used->lines);
    JUDGE(engine->keys.used == used->keys);
    JUDGE(engine->allowances.used == used->allowances);
    JUDGE(engine->texts.used == used->blocks);
    for (uint32_t slot = 1; slot <= world->model.capacity.orders; slot++) {
        if (world->model.orders[shard][slot].used)
            judge_order(world, shard, slot, false);
    }
}

void judge_everything(const struct world *world)
{
    const char *wrong = model_recount(&world->model);
    if (wrong != NULL)
        world_fail(world, wrong);
    for (uint32_t shard = 0; shard < world->model.shards; shard++)
        judge_shard(world, shard);
    for (int sku = 0; sku < (int)world->model.skus; sku++)
        judge_words(world, sku);
    for (int customer = 0; customer < (int)world->model.customers; customer++)
        judge_cart(world, customer);
    judge_switches(world);
    stock_check(&world->shop.shelf->stock);
    claims_check(&world->shop.shelf->claims);
    judge_identities(world);
}
