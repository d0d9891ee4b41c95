/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A refusal names lines by SKU: `insufficient` with units left is lowered to them, everything else
 * is dropped, as a shopper does who will not wait for another's hold to end.
 */
#include "loadtest/answers.h"

#include "loadtest/asking.h"

#include <stdio.h>
#include <string.h>

_Static_assert(sizeof((struct facts *)0)->order_id == sizeof((struct purchase *)0)->order_id &&
                   sizeof((struct facts *)0)->order_status == sizeof((struct purchase *)0)->status,
    "a purchase keeps what an answer tells");

#define SHOWN_MAX 300

void answer_unexpected(struct crowd *crowd, struct buyer *buyer, const char *why)
{
    const struct facts *facts = crowd->facts;
    int shown = facts->text_size < SHOWN_MAX ? (int)facts->text_size : SHOWN_MAX;
    differences_add(crowd->differences, DIFFERENCE_UNEXPECTED_ANSWER,
        "%s, basket %u: %s was answered %d %.*s", why, buyer->basket,
        request_kind_name(asking_kind(buyer->step)), facts->status, shown, facts->text);
}

bool answer_is_done(struct crowd *crowd, struct buyer *buyer)
{
    const struct facts *facts = crowd->facts;
    if (facts->class != FACTS_DONE)
        answer_unexpected(crowd, buyer, facts->wrong != NULL ? facts->wrong : "refused");
    return facts->class == FACTS_DONE;
}

/* The line of the basket with this SKU, or BASKETS_NONE. */
static uint32_t find_line(const struct crowd *crowd, const struct buyer *buyer, const char *text)
{
    uint32_t sku = names_find(&crowd->baskets->skus, text, strlen(text));
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++) {
        if (crowd->baskets->line[at].sku == sku)
            return at;
    }
    return BASKETS_NONE;
}

/* What was last heard of a SKU; `held_by_others` and the like are not the end of it. */
static void note_status(struct crowd *crowd, uint32_t sku, const char *code)
{
    bool is_sold_out = strcmp(code, "sold_out") == 0;
    if (crowd->sold_out[sku] == is_sold_out)
        return;
    crowd->sold_out[sku] = is_sold_out;
    crowd->numbers.sold_out_count =
        is_sold_out ? crowd->numbers.sold_out_count + 1 : crowd->numbers.sold_out_count - 1;
}

static bool is_gone(const struct facts_line *line)
{
    return strcmp(line->code, "sold_out") == 0 || strcmp(line->code, "unknown") == 0 ||
           strcmp(line->code, "ended") == 0;
}

bool answer_look(struct crowd *crowd, struct buyer *buyer)
{
    const struct facts *facts = crowd->facts;
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    uint32_t end = basket->first_line + basket->line_count;
    if (end - buyer->line > QUESTION_LOOK_MAX)
        end = buyer->line + QUESTION_LOOK_MAX;
    uint32_t asked = end - buyer->line;
    for (uint32_t at = 0; at < asked; at++, buyer->line++) {
        uint32_t sku = crowd->baskets->line[buyer->line].sku;
        if (at >= facts->line_count ||
            strcmp(facts->line[at].sku, names_text(&crowd->baskets->skus, sku)) != 0) {
            answer_unexpected(crowd, buyer, "not the SKUs asked for, in order");
            return false;
        }
        note_status(crowd, sku, facts->line[at].code);
        if (buyer->heeds_look && is_gone(&facts->line[at]))
            crowd->ledger.wanted[buyer->line] = 0;
    }
    if (facts->line_count > asked)
        answer_unexpected(crowd, buyer, "more SKUs than asked for");
    return facts->line_count == asked;
}

void answer_tally_code(struct crowd *crowd)
{
    const char *code = crowd->facts->code;
    tally_add(&crowd->numbers.refusals, code[0] != '\0' ? code : "no_code");
}

/* What is left to want of a line that was refused for this reason. */
static uint32_t lowered(const char *code, int64_t available, uint32_t wanted)
{
    bool some_left = strcmp(code, "insufficient") == 0;
    return some_left && available > 0 && available < wanted ? (uint32_t)available : 0;
}

bool answer_refused_lines(struct crowd *crowd, struct buyer *buyer)
{
    const struct facts *facts = crowd->facts;
    for (uint32_t at = 0; at < facts->line_count; at++) {
        const struct facts_line *refused = &facts->line[at];
        uint32_t line = find_line(crowd, buyer, refused->sku);
        if (line == BASKETS_NONE || crowd->ledger.wanted[line] == 0)
            return false;
        tally_add(&crowd->numbers.refusals, refused->code);
        note_status(crowd, crowd->baskets->line[line].sku, refused->code);
        crowd->ledger.wanted[line] =
            lowered(refused->code, refused->available, crowd->ledger.wanted[line]);
    }
    return facts->line_count > 0;
}

void answer_refused_line(struct crowd *crowd, struct buyer *buyer)
{
    const struct facts *facts = crowd->facts;
    answer_tally_code(crowd);
    note_status(crowd, crowd->baskets->line[buyer->line].sku, facts->code);
    int64_t available = facts->line_count > 0 ? facts->line[0].available : facts->available;
    uint32_t *wanted = &crowd->ledger.wanted[buyer->line];
    *wanted = lowered(facts->code, available, *wanted);
}

/* One line of a new order against the line asked for; adds it to the sum. */
static const char *check_line(
    struct crowd *crowd, struct buyer *buyer, const struct facts_line *told, int64_t *sum)
{
    uint32_t line = find_line(crowd, buyer, told->sku);
    if (line == BASKETS_NONE)
        return "a line with a SKU that was not asked for";
    if (told->quantity != crowd->ledger.wanted[line])
        return "a line with another quantity than asked for";
    if (crowd->ledger.line[line].unit_price >= 0)
        return "two lines with the same SKU";
    if (told->unit_price < 0 || told->line_total != told->quantity * told->unit_price)
        return "a line_total that is not quantity x unit_price";
    crowd->ledger.line[line] = (struct ledger_line){
        .unit_price = told->unit_price,
        .seller = ledger_seller(told->seller),
        .number = (uint32_t)told->number,
        .cancelled = (uint32_t)told->cancelled,
    };
    *sum += told->line_total;
    return NULL;
}

static const char *check_lines(struct crowd *crowd, struct buyer *buyer)
{
    const struct facts *facts = crowd->facts;
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    uint32_t missing = 0;
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++) {
        crowd->ledger.line[at].unit_price = -1;
        missing += crowd->ledger.wanted[at] > 0;
    }
    int64_t sum = 0;
    for (uint32_t at = 0; at < facts->line_count; at++) {
        const char *wrong = check_line(crowd, buyer, &facts->line[at], &sum);
        if (wrong != NULL)
            return wrong;
        missing--;
    }
    if (missing != 0)
        return "fewer lines than asked for";
    if (facts->items_total != sum)
        return "an items_total that is not the sum of its lines";
    if (facts->total != sum)
        return "a total that is not the sum of its lines";
    return NULL;
}

/* One line of an order that is known already: as it was but for the units cancelled since. */
static bool take_line_again(
    struct crowd *crowd, const struct buyer *buyer, const struct facts_line *told)
{
    uint32_t at = find_line(crowd, buyer, told->sku);
    struct ledger_line *line = at == BASKETS_NONE ? NULL : &crowd->ledger.line[at];
    if (line == NULL || told->number != line->number || told->unit_price != line->unit_price ||
        told->quantity != crowd->ledger.wanted[at] || ledger_seller(told->seller) != line->seller)
        return false;
    line->cancelled = (uint32_t)told->cancelled;
    return true;
}

static bool take_lines_again(struct crowd *crowd, const struct buyer *buyer)
{
    const struct facts *facts = crowd->facts;
    uint32_t known = ledger_line_count(&crowd->ledger, buyer->basket);
    for (uint32_t at = 0; at < facts->line_count; at++) {
        if (!take_line_again(crowd, buyer, &facts->line[at]))
            return false;
    }
    return facts->line_count == known;
}

/* What each order answer carries. */
static bool take_order(struct crowd *crowd, struct buyer *buyer, struct purchase *purchase)
{
    const struct facts *facts = crowd->facts;
    if (purchase->order_id[0] == '\0')
        memcpy(purchase->order_id, facts->order_id, sizeof purchase->order_id);
    if (strcmp(purchase->order_id, facts->order_id) != 0) {
        answer_unexpected(crowd, buyer, "another order than asked for");
        return false;
    }
    memcpy(purchase->status, facts->order_status, sizeof purchase->status);
    memcpy(purchase->currency, facts->currency, sizeof purchase->currency);
    purchase->version = facts->version;
    purchase->total = facts->total;
    purchase->paid = facts->paid;
    purchase->refund_due = facts->refund_due;
    purchase->was_confirmed = facts->was_confirmed;
    return true;
}

bool answer_order(struct crowd *crowd, struct buyer *buyer)
{
    struct purchase *purchase = &crowd->ledger.purchase[buyer->basket];
    if (!take_order(crowd, buyer, purchase))
        return false;
    if (!take_lines_again(crowd, buyer))
        differences_add(crowd->differences, DIFFERENCE_WRONG_ORDER,
            "basket %u, order %s: its lines are no longer those acknowledged", buyer->basket,
            purchase->order_id);
    ledger_note_status(&crowd->ledger, buyer->basket);
    return true;
}

bool answer_new_order(struct crowd *crowd, struct buyer *buyer)
{
    struct purchase *purchase = &crowd->ledger.purchase[buyer->basket];
    if (!take_order(crowd, buyer, purchase))
        return false;
    const char *wrong = check_lines(crowd, buyer);
    if (wrong != NULL)
        differences_add(crowd->differences, DIFFERENCE_WRONG_ORDER, "basket %u, order %s: %s",
            buyer->basket, purchase->order_id, wrong);
    if (!ledger_acknowledge(&crowd->ledger, buyer->basket)) {
        differences_add(crowd->differences, DIFFERENCE_WRONG_ORDER,
            "basket %u: order %s was already acknowledged for another basket", buyer->basket,
            purchase->order_id);
    }
    /* Only a run of the same name can have sent this key before. */
    if (crowd->facts->replayed && buyer->buy_count == 1)
        differences_add(crowd->differences, DIFFERENCE_WRONG_ORDER,
            "basket %u, order %s: bought before, under a key that this run used for the first "
            "time: was a run named %s here before? take another --run",
            buyer->basket, purchase->order_id, crowd->ledger.run);
    return true;
}

bool answer_same_order(struct crowd *crowd, struct buyer *buyer)
{
    const struct facts *facts = crowd->facts;
    const struct purchase *purchase = &crowd->ledger.purchase[buyer->basket];
    bool is_same = strcmp(facts->order_id, purchase->order_id) == 0 &&
                   strcmp(facts->order_status, purchase->status) == 0 &&
                   facts->total == purchase->total && take_lines_again(crowd, buyer);
    if (!is_same)
        differences_add(crowd->differences, DIFFERENCE_WRONG_ORDER,
            "basket %u: the same key gave order %s (%s, %lld), then order %s (%s, %lld)",
            buyer->basket, purchase->order_id, purchase->status, (long long)purchase->total,
            facts->order_id, facts->order_status, (long long)facts->total);
    return is_same;
}

bool answer_page(struct crowd *crowd, struct buyer *buyer)
{
    const struct facts *facts = crowd->facts;
    uint32_t *page = crowd_page(crowd, buyer);
    buyer->page_count = 0;
    if (facts->line_count > crowd->plan->scenario.page_size) {
        answer_unexpected(crowd, buyer, "more products than a page has");
        return false;
    }
    for (uint32_t at = 0; at < facts->line_count; at++) {
        const char *name = facts->line[at].sku;
        uint32_t sku = names_find(&crowd->baskets->skus, name, strlen(name));
        /* A product that came into the catalog since is nobody's wish. */
        if (sku != NAMES_NONE)
            page[buyer->page_count++] = sku;
    }
    memcpy(crowd->cursor[buyer - crowd->buyer], facts->next_cursor, sizeof facts->next_cursor);
    return true;
}

bool answer_filter(struct crowd *crowd, struct buyer *buyer)
{
    const struct facts *facts = crowd->facts;
    const uint32_t *page = crowd_page(crowd, buyer);
    uint32_t asked = 0;
    for (uint32_t at = 0; at < facts->line_count; at++, asked++) {
        const struct facts_line *line = &facts->line[at];
        uint32_t sku = names_find(&crowd->baskets->skus, line->sku, strlen(line->sku));
        while (asked < buyer->page_count && page[asked] != sku)
            asked++;
        if (asked == buyer->page_count || strcmp(line->code, "available") != 0) {
            answer_unexpected(crowd, buyer, "only_available, but not in order or not to be bought");
            return false;
        }
    }
    return true;
}
