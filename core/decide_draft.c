/* SPDX-License-Identifier: Apache-2.0 */
#include "core/decide_draft.h"

#include "core/check.h"
#include "core/counts.h"
#include "core/handed.h"

static struct draft *draft_at(const struct decision *decision, uint32_t index)
{
    return &decision->engine->scratch->drafts[index];
}

static bool number_before(const struct scratch *scratch, uint16_t a, uint16_t b)
{
    uint32_t left = scratch->numbers[a], right = scratch->numbers[b];
    return left != right ? left < right : a < b;
}

/* Shell sort with the gaps of Ciura (2001): no recursion, no memory, at most 512 entries. */
void sort_by_number(struct scratch *scratch, uint32_t count)
{
    static const uint32_t gaps[] = {301, 132, 57, 23, 10, 4, 1};
    CHECK(count <= LINES_PER_ORDER_MAX);
    for (uint32_t i = 0; i < count; i++)
        scratch->by_number[i] = (uint16_t)i;
    for (uint32_t g = 0; count > 1 && g < sizeof(gaps) / sizeof(gaps[0]); g++) {
        uint32_t gap = gaps[g];
        for (uint32_t i = gap; i < count; i++) {
            uint16_t moving = scratch->by_number[i];
            uint32_t at = i;
            while (at >= gap && number_before(scratch, moving, scratch->by_number[at - gap])) {
                scratch->by_number[at] = scratch->by_number[at - gap];
                at -= gap;
            }
            scratch->by_number[at] = moving;
        }
    }
}

/* The order of claiming; a draft with an unknown SKU is the last. */
static void sort_drafts(struct scratch *scratch, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        scratch->numbers[i] = scratch->drafts[i].number;
    sort_by_number(scratch, count);
}

static enum outcome drafts_from_items(struct decision *decision, struct basket *basket)
{
    const struct command *command = decision->command;
    const struct engine *engine = decision->engine;
    const struct catalog *catalog = &engine->shelf->catalog;
    if (command->item_count > engine->policy.lines_per_order)
        return decision_bound(
            decision, OUTCOME_TOO_MANY_LINES, "lines_per_order", engine->policy.lines_per_order);
    for (uint32_t i = 0; i < command->item_count; i++) {
        struct draft *draft = draft_at(decision, i);
        CHECK(command->items[i].quantity > 0);
        if (command->items[i].quantity > engine->policy.units_per_line)
            return decision_bound(decision, OUTCOME_QUANTITY_TOO_LARGE, "units_per_line",
                engine->policy.units_per_line);
        *draft = (struct draft){
            .sku = command->items[i].sku,
            .sku_index = catalog_find(catalog, command->items[i].sku),
            .quantity = command->items[i].quantity,
            .hold_index = NONE,
            .number = UINT32_MAX,
        };
        if (draft->sku_index == SKU_NONE)
            draft->outcome = OUTCOME_UNKNOWN_SKU;
        else
            draft->number = catalog_number(catalog, draft->sku_index);
    }
    basket->draft_count = command->item_count;
    return OUTCOME_OK;
}

/* A live hold on the same SKU is used first, at its price (K8, A6). */
static void draft_use_hold(const struct engine *engine, struct draft *draft, uint32_t hold_index)
{
    const struct hold *hold = hold_at(engine, hold_index);
    if (hold->state != LINE_HELD)
        return;
    draft->hold_index = hold_index;
    draft->from_hold = hold->quantity < draft->quantity ? hold->quantity : draft->quantity;
    draft->hold_price = hold->unit_price;
}

static enum outcome drafts_from_cart(struct decision *decision, struct basket *basket)
{
    const struct engine *engine = decision->engine;
    if (decision->customer_index == NONE)
        return OUTCOME_CART_EMPTY;
    const struct customer *customer = customer_at(engine, decision->customer_index);
    memcpy(decision->answer->order_id, customer->last_order, 16);
    if (customer->hold_count == 0)
        return OUTCOME_CART_EMPTY;
    if (customer->hold_count > engine->policy.lines_per_order)
        return decision_bound(
            decision, OUTCOME_TOO_MANY_LINES, "lines_per_order", engine->policy.lines_per_order);
    uint32_t link = customer->holds_first;
    for (uint32_t i = 0; i < customer->hold_count; i++) {
        const struct hold *hold = hold_at(engine, link - 1);
        struct draft *draft = draft_at(decision, i);
        uint32_t sku_index = catalog_find_number(&engine->shelf->catalog, hold->sku_number);
        CHECK(sku_index != SKU_NONE);
        if (customer->merging && hold->state == LINE_MOVED)
            return OUTCOME_VERSION_CONFLICT; /* one cart, one order: where it goes is not known */
        *draft = (struct draft){
            .sku = catalog_sku(&engine->shelf->catalog, sku_index),
            .sku_index = sku_index,
            .number = hold->sku_number,
            .quantity = hold->quantity,
            .hold_index = NONE,
        };
        draft_use_hold(engine, draft, link - 1);
        link = hold->next;
    }
    basket->draft_count = customer->hold_count;
    basket->from_cart = 1;
    return OUTCOME_OK;
}

/* Drafts of one SKU become the first of them; the others vanish. */
static enum outcome drafts_merge(struct decision *decision, struct basket *basket)
{
    struct scratch *scratch = decision->engine->scratch;
    uint32_t most = decision->engine->policy.units_per_line;
    sort_drafts(scratch, basket->draft_count);
    if (basket->draft_count == 1)
        return OUTCOME_OK;
    for (uint32_t i = 1; i < basket->draft_count; i++) {
        struct draft *before = &scratch->drafts[scratch->by_number[i - 1]];
        struct draft *draft = &scratch->drafts[scratch->by_number[i]];
        if (draft->sku_index == SKU_NONE || draft->sku_index != before->sku_index)
            continue;
        uint64_t sum = (uint64_t)before->quantity + draft->quantity;
        if (sum > most)
            return decision_bound(decision, OUTCOME_QUANTITY_TOO_LARGE, "units_per_line", most);
        /* The sum moves on along the run; its first place is kept by swapping the drafts. */
        before->quantity = (uint32_t)sum;
        draft->quantity = 0;
        uint16_t first = scratch->by_number[i - 1];
        scratch->by_number[i - 1] = scratch->by_number[i];
        scratch->by_number[i] = first;
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < basket->draft_count; i++) {
        if (scratch->drafts[i].quantity > 0)
            scratch->drafts[kept++] = scratch->drafts[i];
    }
    basket->draft_count = kept;
    sort_drafts(scratch, kept);
    return OUTCOME_OK;
}

static void drafts_use_holds(struct decision *decision, struct basket *basket)
{
    const struct engine *engine = decision->engine;
    if (decision->customer_index == NONE)
        return;
    const struct customer *customer = customer_at(engine, decision->customer_index);
    if (customer->live_holds == 0)
        return;
    for (uint32_t i = 0; i < basket->draft_count; i++) {
        struct draft *draft = draft_at(decision, i);
        uint32_t index = NONE;
        if (draft->sku_index != SKU_NONE)
            index = hold_find(engine, customer, draft->number);
        if (index != NONE)
            draft_use_hold(engine, draft, index);
    }
}

/* The cart's currency, else the one named; else the first product's own, see basket_judge(). */
static void basket_currency(const struct decision *decision, struct basket *basket)
{
    const struct command *command = decision->command;
    memcpy(basket->currency, command->currency, 4);
    if (decision->customer_index == NONE)
        return;
    const struct customer *customer = customer_at(decision->engine, decision->customer_index);
    if (customer->currency[0] != 0 && (basket->from_cart || command->currency[0] == 0))
        memcpy(basket->currency, customer->currency, 4);
}

enum outcome basket_build(struct decision *decision, struct basket *basket)
{
    bool from_items = decision->command->item_count > 0;
    enum outcome outcome =
        from_items ? drafts_from_items(decision, basket) : drafts_from_cart(decision, basket);
    if (outcome == OUTCOME_OK)
        outcome = drafts_merge(decision, basket);
    if (outcome != OUTCOME_OK)
        return outcome;
    if (from_items)
        drafts_use_holds(decision, basket);
    basket_currency(decision, basket);
    const uint8_t *named = decision->command->currency;
    if (basket->from_cart && named[0] != 0 && memcmp(named, basket->currency, 3) != 0)
        return OUTCOME_CURRENCY_MISMATCH;
    return OUTCOME_OK;
}

/* Q1: what is held and bought counts; a hold from before the SKU had a limit is in no allowance. */
static bool draft_within_limit(
    struct decision *decision, struct basket *basket, struct draft *draft, uint32_t limit)
{
    const struct engine *engine = decision->engine;
    draft->limit = limit;
    if (limit == 0)
        return true;
    const struct event_line line = {.sku_number = draft->number, .sale_number = draft->sale_number};
    uint32_t index = decision->customer_index;
    basket->allowances_new += allowance_used(engine, index, draft->number, draft->sale_number) == 0;
    draft->used = limit_used(engine, index, decision->command->customer, &line);
    if (draft->hold_index != NONE)
        draft->used += hold_uncounted(hold_at(engine, draft->hold_index));
    return (uint64_t)draft->used + draft->quantity - draft->from_hold <= limit;
}

static enum outcome draft_judge(struct decision *decision, struct basket *basket,
    const struct selling *selling, struct draft *draft)
{
    const uint8_t *cart = NULL;
    if (selling_refuses(selling, decision->command))
        return OUTCOME_FORBIDDEN;
    if (draft->from_hold > 0)
        cart = customer_at(decision->engine, decision->customer_index)->currency;
    if (cart != NULL && memcmp(cart, basket->currency, 3) != 0)
        return OUTCOME_CURRENCY_MISMATCH;
    if (draft->quantity == draft->from_hold)
        return OUTCOME_OK;
    if (!product_price(&selling->terms, basket->currency, &draft->unit_price))
        return OUTCOME_CURRENCY_MISMATCH;
    enum outcome window = selling_opens(
        decision->engine, draft->sku_index, selling, decision->now, &draft->starts_wall_ms);
    if (window != OUTCOME_OK)
        return window;
    return draft_within_limit(decision, basket, draft, selling->limit) ? OUTCOME_OK
                                                                       : OUTCOME_LIMIT_EXCEEDED;
}

static uint32_t shortest(uint32_t seconds, uint32_t other)
{
    return seconds == 0 || other < seconds ? other : seconds;
}

/* In a basket over several sales external stands over deferred, the shortest time to pay and to
 * review and the latest end count (P1). */
static void basket_add_terms(struct basket *basket, const struct selling *selling)
{
    if (basket->payment_mode != PAYMENT_EXTERNAL)
        basket->payment_mode = selling->payment_mode;
    basket->payment_seconds = shortest(basket->payment_seconds, selling->payment_seconds);
    basket->review_seconds = shortest(basket->review_seconds, selling->review_seconds);
    int64_t ends = selling_ends(selling);
    if (ends > basket->ends_wall_ms)
        basket->ends_wall_ms = ends;
    if (basket->currency[0] == 0)
        memcpy(basket->currency, selling->terms.prices[0].currency, 4);
}

bool basket_judge(struct decision *decision, struct basket *basket)
{
    bool good = true;
    for (uint32_t i = 0; i < basket->draft_count; i++) {
        struct draft *draft = draft_at(decision, i);
        if (draft->sku_index == SKU_NONE) {
            good = false;
            continue;
        }
        struct selling selling;
        selling_terms(decision->engine, draft->sku_index, &selling);
        draft->seller_number = selling.terms.seller_number;
        draft->sale_number = selling.terms.sale_number;
        draft->known = counts_known(&selling.sale);
        basket->hides_counts |= draft->known != UINT32_MAX;
        basket_add_terms(basket, &selling);
        draft->outcome = draft_judge(decision, basket, &selling, draft);
        good = good && draft->outcome == OUTCOME_OK;
        uint32_t fresh = draft->quantity - draft->from_hold;
        basket->line_count += (draft->from_hold > 0 ? 1u : 0u) + (fresh > 0 ? 1u : 0u);
        basket->fresh_units |= fresh > 0;
    }
    if (basket->payment_mode == 0)
        basket->payment_mode = decision->engine->policy.payment_mode;
    return good;
}

static bool add_product(int64_t *sum, int64_t price, uint32_t units)
{
    int64_t total;
    return !__builtin_mul_overflow(price, (int64_t)units, &total) &&
           !__builtin_add_overflow(*sum, total, sum);
}

enum outcome basket_total(struct decision *decision, struct basket *basket)
{
    for (uint32_t i = 0; i < basket->draft_count; i++) {
        const struct draft *draft = draft_at(decision, i);
        uint32_t fresh = draft->quantity - draft->from_hold;
        if (!add_product(&basket->items_total, draft->hold_price, draft->from_hold) ||
            !add_product(&basket->items_total, draft->unit_price, fresh))
            return decision_bound(decision, OUTCOME_INVALID, "items_total", INT64_MAX);
    }
    if (basket->line_count > LINES_PER_ORDER_MAX)
        return decision_bound(
            decision, OUTCOME_TOO_MANY_LINES, "lines_per_order", LINES_PER_ORDER_MAX);
    return OUTCOME_OK;
}

enum outcome basket_refused(struct decision *decision, const struct basket *basket)
{
    struct answer_line *out = decision->engine->scratch->answers;
    uint32_t count = 0;
    bool one_reason = true;
    for (uint32_t i = 0; i < basket->draft_count; i++) {
        const struct draft *draft = draft_at(decision, i);
        if (draft->outcome == OUTCOME_OK)
            continue;
        out[count] = (struct answer_line){
            .sku = draft->sku,
            .outcome = draft->outcome,
            .available = draft->available,
            .limit = draft->limit,
            .used = draft->used,
            .next_release_shelf_ms = draft->next_release_shelf_ms,
            .starts_wall_ms = draft->starts_wall_ms,
        };
        one_reason = one_reason && out[count].outcome == out[0].outcome;
        count++;
    }
    CHECK(count > 0);
    struct answer *answer = decision->answer;
    answer->lines = out;
    answer->line_count = count;
    answer->available = out[0].available;
    answer->limit = out[0].limit;
    answer->used = out[0].used;
    answer->next_release_shelf_ms = out[0].next_release_shelf_ms;
    answer->starts_wall_ms = out[0].starts_wall_ms;
    return one_reason ? out[0].outcome : OUTCOME_LINES_REFUSED;
}
