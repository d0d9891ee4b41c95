/* SPDX-License-Identifier: Apache-2.0 */
/* Checkouts, and all that befalls an order afterwards. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/line_names.h"
#include "core/tables.h"
#include "tests/core/rules_play.h"

static struct play_order *find_name(struct play *play, const char *name)
{
    for (uint32_t i = 0; i < play->order_count; i++) {
        if (strcmp(play->orders[i].name, name) == 0)
            return &play->orders[i];
    }
    return NULL;
}

struct play_order *play_order_of(struct play *play, struct table_line *line)
{
    const char *name = line_word(line);
    struct play_order *order = find_name(play, name);
    if (order == NULL)
        line_fail(line, "no order is called %s", name);
    return order;
}

static struct bytes name_of(const struct play *play, const uint8_t id[16])
{
    for (uint32_t i = 0; i < play->order_count; i++) {
        if (memcmp(play->orders[i].id, id, 16) == 0)
            return bytes_of_string(play->orders[i].name);
    }
    return BYTES("unnamed");
}

static void see_line(struct seen *seen, uint32_t number, const struct event_line *line,
    const struct line_names *names)
{
    char text[8];
    (void)snprintf(text, sizeof(text), "%u", number);
    struct bytes what = bytes_of_string(text);
    seen_text_of(seen, what, "sku", names->sku);
    seen_text_of(seen, what, "sale", names->sale);
    seen_number_of(seen, what, "quantity", line->quantity);
    seen_number_of(seen, what, "cancelled", line->cancelled);
    seen_number_of(seen, what, "unit_price", line->unit_price);
    seen_number_of(seen, what, "line_total", line->unit_price * (int64_t)line->quantity);
}

static void see_lines(struct seen *seen, const struct event *event)
{
    struct bytes rest = event->text[TEXT_NAMES];
    struct line_names names = {0};
    seen_number(seen, "lines", event->line_count);
    for (uint32_t i = 0; i < event->line_count && i < 4; i++) {
        bool named = line_names_next(&rest, &names);
        CHECK(named);
        see_line(seen, i + 1, &event->lines[i], &names);
    }
}

static void see_image(struct play *play, struct seen *seen, bool born)
{
    const struct shop *shop = &play->shop;
    struct event event;
    engine_order_image(shop->engines[shop->last_shard], shop->answer.order_index, born, &event);
    const struct fact_order *fact = &event.fact.order;
    char status[SEEN_SIZE_MAX];
    struct bytes name = order_status_name(fact->status);
    (void)snprintf(status, sizeof(status), "%.*s", (int)name.size, (const char *)name.data);
    seen_word(seen, status);
    seen_text(seen, "status", name);
    seen_number(seen, "total", fact->total);
    seen_number(seen, "items_total", fact->items_total);
    seen_number(seen, "paid", fact->paid);
    seen_number(seen, "refund_due", fact->refund_due);
    seen_number(seen, "version", fact->version);
    seen_text(seen, "currency", bytes_of(fact->currency, 3));
    seen_text(seen, "reclaimed", fact->reclaimed ? BYTES("yes") : BYTES("no"));
    seen_text(seen, "customer", event.text[TEXT_CUSTOMER]);
    seen_text(seen, "references", event.text[TEXT_REFERENCES]);
    play_see_adjustments(seen, event.text[TEXT_ADJUSTMENTS]);
    if (fact->payment_due_shelf_ms != 0 && !switches_frozen(&shop->shelf->switches))
        seen_number(seen, "payment_due_in",
            (int64_t)fact->payment_due_shelf_ms - (int64_t)shop->now.shelf_ms);
    if (fact->cancel_until_wall_ms != 0)
        seen_number(seen, "cancel_within", fact->cancel_until_wall_ms - shop->now.wall_ms);
    see_lines(seen, &event);
}

/* What a refusal tells of the order that it is about. */
static void see_refused(struct play *play, struct seen *seen)
{
    static const uint8_t none[16] = {0};
    struct shop *shop = &play->shop;
    struct event event;
    if (shop->answer.outcome == OUTCOME_CART_EMPTY && memcmp(shop->answer.order_id, none, 16) != 0)
        seen_text(seen, "order", name_of(play, shop->answer.order_id));
    if (shop->answer.order_index == UINT32_MAX || shop->answer.outcome == OUTCOME_NOT_FOUND)
        return;
    engine_order_image(shop->engines[shop->last_shard], shop->answer.order_index, false, &event);
    seen_text(seen, "order", name_of(play, event.fact.order.id));
    seen_text(seen, "order_status", order_status_name(event.fact.order.status));
    seen_number(seen, "total", event.fact.order.total);
    seen_number(seen, "refund_due", event.fact.order.refund_due);
}

static bool run(struct play *play, const struct command *command, struct seen *seen, bool born)
{
    if (!play_run(play, command, seen)) {
        see_refused(play, seen);
        return false;
    }
    see_image(play, seen, born && play->shop.answer.replayed);
    return true;
}

void play_run_order(struct play *play, const struct command *command, struct seen *seen)
{
    (void)run(play, command, seen, false);
}

/* `-> .. as A`: A is this order, now and later. */
static void name_it(struct play *play, struct table_line *line, const char *customer)
{
    const char *name = NULL;
    for (uint32_t i = 0; i + 1 < line->answer_count; i++) {
        if (strcmp(line->answer[i], "as") == 0)
            name = line->answer[i + 1];
    }
    if (name == NULL)
        return;
    const uint8_t *id = shop_order_id(&play->shop);
    struct play_order *known = find_name(play, name);
    if (known != NULL && memcmp(known->id, id, 16) != 0)
        line_fail(line, "this is another order than %s", name);
    if (known != NULL)
        return;
    CHECK(play->order_count < PLAY_ORDERS_MAX);
    known = &play->orders[play->order_count++];
    (void)snprintf(known->name, sizeof(known->name), "%s", name);
    (void)snprintf(known->customer, sizeof(known->customer), "%s", customer);
    memcpy(known->id, id, 16);
}

static enum role role_of(struct table_line *line, const char *by)
{
    if (strcmp(by, "service") == 0)
        return ROLE_SERVICE;
    if (strcmp(by, "operator") == 0)
        return ROLE_OPERATOR;
    if (strcmp(by, "customer") == 0)
        return ROLE_CUSTOMER;
    line_fail(line, "nobody is called '%s'", by);
}

/* token t, reference cart_id=7 */
static void read_texts(struct table_line *line, struct command *command, char references[128])
{
    const char *reference = line_option(line, "reference");
    command->token = play_bytes(line_option(line, "token"));
    if (reference == NULL)
        return;
    size_t name = strcspn(reference, "=");
    CHECK(reference[name] == '=');
    (void)snprintf(
        references, 128, "{\"%.*s\":\"%s\"}", (int)name, reference, reference + name + 1);
    command->references = bytes_of_string(references);
}

static uint8_t mode_of(const char *mode)
{
    if (mode == NULL)
        return 0;
    return strcmp(mode, "deferred") == 0 ? PAYMENT_DEFERRED : PAYMENT_EXTERNAL;
}

void play_checkout(struct play *play, struct table_line *line, struct seen *seen)
{
    static struct command_item items[LINES_PER_ORDER_MAX];
    char references[128];
    const char *by = line_option(line, "by"), *expecting = line_option(line, "expecting");
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = by == NULL ? ROLE_CUSTOMER : role_of(line, by),
        .key = play_key(play, line),
        .mode = mode_of(line_option(line, "mode")),
        .expected_total_set = expecting != NULL,
        .expected_total = expecting == NULL ? 0 : line_number(line, expecting),
        .items = items,
    };
    play_currency(line_option(line, "currency"), command.currency);
    play_if(play, line, &command);
    read_texts(line, &command, references);
    bool fits = play_service(play, line, &command);
    const char *who = line_word(line);
    command.customer = bytes_of_string(who);
    while (line_has_more(line)) {
        struct command_item *item = &items[command.item_count++];
        *item = (struct command_item){.sku = bytes_of_string(line_word(line))};
        item->quantity = (uint32_t)line_number(line, line_word(line));
    }
    if (!fits) {
        seen_word(seen, "invalid");
        return;
    }
    if (!run(play, &command, seen, true))
        return;
    seen->is_replayed = play->shop.answer.replayed;
    name_it(play, line, who);
}

/* Who asks about an order: its own customer unless the line says `by`. */
static void asked_by(
    struct table_line *line, const struct play_order *order, struct command *command)
{
    const char *by = line_option(line, "by");
    command->role = ROLE_CUSTOMER;
    command->customer = bytes_of_string(by == NULL ? order->customer : by);
    memcpy(command->order_id, order->id, 16);
    if (by == NULL || (strcmp(by, "service") != 0 && strcmp(by, "operator") != 0))
        return;
    command->role = role_of(line, by);
    command->customer = bytes_of_string(order->customer);
    if (command->role == ROLE_OPERATOR)
        command->customer = (struct bytes){0};
}

void play_order(struct play *play, struct table_line *line, struct seen *seen)
{
    struct command command = {.kind = COMMAND_ORDER_READ};
    asked_by(line, play_order_of(play, line), &command);
    (void)run(play, &command, seen, false);
}

void play_orders(struct play *play, struct table_line *line, struct seen *seen)
{
    struct shop *shop = &play->shop;
    struct command command = {
        .kind = COMMAND_ORDERS_LIST,
        .role = ROLE_CUSTOMER,
        .customer = bytes_of_string(line_word(line)),
        .limit = 200,
        .to_wall_ms = INT64_MAX,
    };
    if (!play_run(play, &command, seen))
        return;
    uint8_t cursor[16] = {0};
    uint32_t indexes[PLAY_ORDERS_MAX], count = 0;
    char list[SEEN_SIZE_MAX] = "";
    if (shop->answer.customer_index != UINT32_MAX)
        count = engine_orders_of(shop->engines[shop->last_shard], shop->answer.customer_index, 0,
            INT64_MAX, cursor, PLAY_ORDERS_MAX, indexes);
    for (uint32_t i = 0; i < count; i++) {
        struct bytes name =
            name_of(play, order_at(shop->engines[shop->last_shard], indexes[i])->id);
        size_t size = strlen(list);
        (void)snprintf(list + size, sizeof(list) - size, "%s%.*s", i > 0 ? "," : "", (int)name.size,
            (const char *)name.data);
    }
    seen_number(seen, "count", count);
    seen_text(seen, "list", bytes_of_string(list));
}

static uint8_t result_of(struct table_line *line, const char *word)
{
    static const char *const names[] = {
        "pending", "authorized", "captured", "declined", "cancelled", "refunded"};
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], word) == 0)
            return (uint8_t)(RESULT_PENDING + i);
    }
    line_fail(line, "'%s' is no result of a payment", word);
}

/* The order as it is now, for what a line leaves out; all zero for one that is gone. */
static struct fact_order fact_of(struct play *play, const struct play_order *order)
{
    struct shop *shop = &play->shop;
    struct engine *engine = shop->engines[partition_of_order(order->id) % shop->shards];
    uint32_t index = order_find(engine, order->id);
    struct event event = {.kind = EVENT_NONE};
    if (index != NONE)
        engine_order_image(engine, index, false, &event);
    return event.fact.order;
}

static void report(struct play *play, struct table_line *line, struct play_order *order,
    struct command *command, struct seen *seen)
{
    struct fact_order fact = fact_of(play, order);
    const char *amount = line_option(line, "amount"), *currency = line_option(line, "currency");
    const char *provider = line_option(line, "provider"), *by = line_option(line, "by");
    command->kind = COMMAND_PAYMENT;
    command->role = by == NULL ? ROLE_SERVICE : role_of(line, by);
    command->customer = bytes_of_string(order->customer);
    command->provider = provider == NULL ? BYTES("bank") : bytes_of_string(provider);
    if (amount != NULL)
        command->amount = line_number(line, amount);
    else if (command->result != RESULT_REFUNDED)
        command->amount = fact.total;
    memcpy(command->currency, fact.currency[0] != 0 ? fact.currency : (const uint8_t *)"GBP", 4);
    if (currency != NULL)
        play_currency(currency, command->currency);
    if (!play_adjustments(play, line, command))
        line_fail(line, "a report has at most %d adjustments", ADJUSTMENTS_MAX);
    memcpy(command->order_id, order->id, 16);
    (void)run(play, command, seen, false);
}

void play_pay(struct play *play, struct table_line *line, struct seen *seen)
{
    struct command command = {.refund_id = play_bytes(line_option(line, "refund"))};
    struct play_order *order = play_order_of(play, line);
    command.result = result_of(line, line_word(line));
    const char *payment_id = line_word(line);
    command.payment_id = bytes_of_string(payment_id);
    report(play, line, order, &command, seen);
    if (command.result == RESULT_AUTHORIZED || command.result == RESULT_CAPTURED)
        (void)snprintf(order->payment_id, sizeof(order->payment_id), "%s", payment_id);
}

/* refund A 250 r1: of the money reported last, unless it says `of p1`. */
void play_refund(struct play *play, struct table_line *line, struct seen *seen)
{
    const char *of = line_option(line, "of");
    struct play_order *order = play_order_of(play, line);
    struct command command = {
        .result = RESULT_REFUNDED,
        .payment_id = bytes_of_string(of == NULL ? order->payment_id : of),
    };
    command.amount = line_number(line, line_word(line));
    command.refund_id = bytes_of_string(line_word(line));
    report(play, line, order, &command, seen);
}

/* lines 1:2,3:1 */
static uint32_t read_lines(
    const struct table_line *line, const char *lines, struct command_item *items)
{
    uint32_t count = 0;
    for (const char *at = lines; at != NULL && *at != 0; count++) {
        char *end;
        CHECK(count < LINE_WORDS_MAX);
        items[count].line = (uint32_t)strtoul(at, &end, 10);
        if (*end != ':')
            line_fail(line, "'%s' does not say line:quantity", lines);
        items[count].quantity = (uint32_t)strtoul(end + 1, &end, 10);
        at = *end == ',' ? end + 1 : NULL;
    }
    return count;
}

void play_cancel(struct play *play, struct table_line *line, struct seen *seen)
{
    struct command_item items[LINE_WORDS_MAX] = {0};
    const char *restock = line_option(line, "restock");
    struct command command = {
        .kind = COMMAND_CANCEL,
        .key = play_key(play, line),
        .restock_none = restock != NULL && strcmp(restock, "none") == 0,
        .reason = play_bytes(line_option(line, "reason")),
        .actor = BYTES("tests"),
        .items = items,
    };
    command.item_count = read_lines(line, line_option(line, "lines"), items);
    asked_by(line, play_order_of(play, line), &command);
    if (run(play, &command, seen, false))
        seen->is_replayed = play->shop.answer.replayed;
}
