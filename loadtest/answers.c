/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A refusal names lines by SKU: `insufficient` with units left is lowered to them, everything else
 * is dropped, as a shopper does who will not wait for another's hold to end.
 */
#include "loadtest/answers.h"

#include "loadtest/buyer.h"

#include <stdio.h>
#include <string.h>

#define SKU_SIZE 256

void answer_unexpected(struct crowd *crowd, struct buyer *buyer, const char *why)
{
    const struct reply *reply = &buyer->connection.reply;
    int shown = reply->body_size < 300 ? (int)reply->body_size : 300;
    const char *line_end = memchr(buyer->connection.out, '\r', buyer->connection.out_size);
    int line_size = line_end == NULL ? 0 : (int)(line_end - buyer->connection.out);
    differences_add(crowd->differences, DIFFERENCE_UNEXPECTED_ANSWER,
        "%s, basket %u: \"%.*s\" answered %d %.*s", why, buyer->basket, line_size,
        buyer->connection.out, reply->status, shown, reply->body);
}

static bool parse(struct crowd *crowd, struct buyer *buyer)
{
    const struct reply *reply = &buyer->connection.reply;
    if (json_parse(&crowd->json, reply->body, reply->body_size))
        return true;
    answer_unexpected(crowd, buyer, "not JSON");
    return false;
}

/* The line of the basket with this SKU, or BASKETS_NONE. */
static uint32_t find_line(struct crowd *crowd, struct buyer *buyer, int sku_value)
{
    char text[SKU_SIZE];
    if (!json_string(&crowd->json, sku_value, text, sizeof text))
        return BASKETS_NONE;
    uint32_t sku = names_find(&crowd->baskets->skus, text, strlen(text));
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++) {
        if (crowd->baskets->line[at].sku == sku)
            return at;
    }
    return BASKETS_NONE;
}

static bool is_gone(struct crowd *crowd, int item)
{
    char status[32];
    if (!json_string(
            &crowd->json, json_member(&crowd->json, item, "status"), status, sizeof status))
        return false;
    return strcmp(status, "sold_out") == 0 || strcmp(status, "unknown") == 0 ||
           strcmp(status, "ended") == 0;
}

static bool sku_is(struct crowd *crowd, int item, const char *wanted)
{
    char sku[SKU_SIZE];
    return json_string(&crowd->json, json_member(&crowd->json, item, "sku"), sku, sizeof sku) &&
           strcmp(sku, wanted) == 0;
}

bool answer_look(struct crowd *crowd, struct buyer *buyer)
{
    if (!parse(crowd, buyer))
        return false;
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    uint32_t end = basket->first_line + basket->line_count;
    if (end - buyer->line > BUYER_LOOK_MAX)
        end = buyer->line + BUYER_LOOK_MAX;
    int items = json_member(&crowd->json, JSON_ROOT, "items");
    int item = json_first(&crowd->json, items);
    for (; buyer->line < end; buyer->line++) {
        uint32_t sku = crowd->baskets->line[buyer->line].sku;
        if (item == JSON_NONE || !sku_is(crowd, item, names_text(&crowd->baskets->skus, sku))) {
            answer_unexpected(crowd, buyer, "not the SKUs asked for, in order");
            return false;
        }
        if (buyer->heeds_look && is_gone(crowd, item))
            crowd->ledger.wanted[buyer->line] = 0;
        item = json_next(&crowd->json, items, item);
    }
    if (item != JSON_NONE)
        answer_unexpected(crowd, buyer, "more SKUs than asked for");
    return item == JSON_NONE;
}

void answer_code(struct crowd *crowd, struct buyer *buyer, char code[ANSWER_CODE_SIZE])
{
    const struct reply *reply = &buyer->connection.reply;
    code[0] = '\0';
    if (!json_parse(&crowd->json, reply->body, reply->body_size))
        return;
    if (!json_string(
            &crowd->json, json_member(&crowd->json, JSON_ROOT, "code"), code, ANSWER_CODE_SIZE))
        code[0] = '\0';
}

/* What is left to want of a line that was refused for this reason. */
static uint32_t lowered(struct crowd *crowd, int problem, const char *code, uint32_t wanted)
{
    int64_t available = 0;
    bool some_left =
        strcmp(code, "insufficient") == 0 &&
        json_integer(&crowd->json, json_member(&crowd->json, problem, "available"), &available);
    return some_left && available > 0 && available < wanted ? (uint32_t)available : 0;
}

bool answer_refused_lines(struct crowd *crowd, struct buyer *buyer)
{
    if (!parse(crowd, buyer))
        return false;
    int lines = json_member(&crowd->json, JSON_ROOT, "lines");
    bool changed = false;
    for (int at = json_first(&crowd->json, lines); at != JSON_NONE;
         at = json_next(&crowd->json, lines, at)) {
        char code[ANSWER_CODE_SIZE];
        uint32_t line = find_line(crowd, buyer, json_member(&crowd->json, at, "sku"));
        if (line == BASKETS_NONE || crowd->ledger.wanted[line] == 0 ||
            !json_string(&crowd->json, json_member(&crowd->json, at, "code"), code, sizeof code))
            return false;
        tally_add(&crowd->numbers.refusals, code);
        crowd->ledger.wanted[line] = lowered(crowd, at, code, crowd->ledger.wanted[line]);
        changed = true;
    }
    return changed;
}

void answer_refused_line(struct crowd *crowd, struct buyer *buyer)
{
    char code[ANSWER_CODE_SIZE];
    answer_code(crowd, buyer, code);
    tally_add(&crowd->numbers.refusals, code[0] != '\0' ? code : "no_code");
    int lines = json_member(&crowd->json, JSON_ROOT, "lines");
    int problem = json_first(&crowd->json, lines);
    uint32_t *wanted = &crowd->ledger.wanted[buyer->line];
    *wanted = lowered(crowd, problem == JSON_NONE ? JSON_ROOT : problem, code, *wanted);
}

static bool integer(struct crowd *crowd, int object, const char *name, int64_t *number)
{
    return json_integer(&crowd->json, json_member(&crowd->json, object, name), number);
}

/* One line of a new order against the line asked for; adds it to the sum. */
static const char *check_line(struct crowd *crowd, struct buyer *buyer, int object, int64_t *sum)
{
    int64_t quantity;
    int64_t unit_price;
    int64_t line_total;
    uint32_t line = find_line(crowd, buyer, json_member(&crowd->json, object, "sku"));
    if (line == BASKETS_NONE)
        return "a line with a SKU that was not asked for";
    if (!integer(crowd, object, "quantity", &quantity) ||
        !integer(crowd, object, "unit_price", &unit_price) ||
        !integer(crowd, object, "line_total", &line_total))
        return "a line without quantity, unit_price or line_total";
    if (quantity != crowd->ledger.wanted[line])
        return "a line with another quantity than asked for";
    if (crowd->ledger.unit_price[line] >= 0)
        return "two lines with the same SKU";
    if (unit_price < 0 || line_total != quantity * unit_price)
        return "a line_total that is not quantity x unit_price";
    crowd->ledger.unit_price[line] = unit_price;
    *sum += line_total;
    return NULL;
}

static const char *check_lines(struct crowd *crowd, struct buyer *buyer)
{
    const struct basket *basket = &crowd->baskets->basket[buyer->basket];
    uint32_t missing = 0;
    for (uint32_t at = basket->first_line; at < basket->first_line + basket->line_count; at++) {
        crowd->ledger.unit_price[at] = -1;
        missing += crowd->ledger.wanted[at] > 0;
    }
    int64_t sum = 0;
    int lines = json_member(&crowd->json, JSON_ROOT, "lines");
    for (int at = json_first(&crowd->json, lines); at != JSON_NONE;
         at = json_next(&crowd->json, lines, at)) {
        const char *wrong = check_line(crowd, buyer, at, &sum);
        if (wrong != NULL)
            return wrong;
        missing--;
    }
    int64_t items_total;
    if (missing != 0)
        return "fewer lines than asked for";
    if (!integer(crowd, JSON_ROOT, "items_total", &items_total) || items_total != sum)
        return "an items_total that is not the sum of its lines";
    if (crowd->ledger.purchase[buyer->basket].total != sum)
        return "a total that is not the sum of its lines";
    return NULL;
}

/* What each order answer carries. */
static bool take_order(struct crowd *crowd, struct buyer *buyer, struct purchase *purchase)
{
    const struct json *json = &crowd->json;
    char id[sizeof purchase->order_id];
    bool whole = json_string(json, json_member(json, JSON_ROOT, "id"), id, sizeof id) &&
                 json_string(json, json_member(json, JSON_ROOT, "status"), purchase->status,
                     sizeof purchase->status) &&
                 json_string(json, json_member(json, JSON_ROOT, "currency"), purchase->currency,
                     sizeof purchase->currency) &&
                 integer(crowd, JSON_ROOT, "version", &purchase->version) &&
                 integer(crowd, JSON_ROOT, "total", &purchase->total) &&
                 integer(crowd, JSON_ROOT, "refund_due", &purchase->refund_due);
    if (!whole)
        answer_unexpected(crowd, buyer, "not an order");
    if (whole && purchase->order_id[0] == '\0')
        memcpy(purchase->order_id, id, sizeof id);
    if (whole && strcmp(purchase->order_id, id) != 0)
        answer_unexpected(crowd, buyer, "another order than asked for");
    return whole && strcmp(purchase->order_id, id) == 0;
}

bool answer_order(struct crowd *crowd, struct buyer *buyer)
{
    struct purchase *purchase = &crowd->ledger.purchase[buyer->basket];
    if (!parse(crowd, buyer) || !take_order(crowd, buyer, purchase))
        return false;
    ledger_note_status(&crowd->ledger, buyer->basket);
    return true;
}

bool answer_new_order(struct crowd *crowd, struct buyer *buyer)
{
    struct purchase *purchase = &crowd->ledger.purchase[buyer->basket];
    if (!parse(crowd, buyer) || !take_order(crowd, buyer, purchase))
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
    return true;
}
