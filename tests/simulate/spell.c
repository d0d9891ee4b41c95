/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers become texts on the way to the engine, and texts numbers on the way back: customer 7 is
 * "c7", SKU 3 "S3", sale 1 "sale1", payment 9 the id "p4" of provider "card".
 */
#include <stdarg.h>

#include "core/check.h"
#include "core/line_names.h"
#include "tests/simulate/world.h"

static const char currencies[CURRENCIES][4] = {"", "GBP", "EUR"};

static struct bytes text(struct spelling *spelling, const char *prefix, uint32_t number)
{
    CHECK(spelling->text_count < sizeof(spelling->texts) / sizeof(spelling->texts[0]));
    char *out = spelling->texts[spelling->text_count++];
    uint32_t size = 0, begin;
    for (; prefix[size] != 0; size++)
        out[size] = prefix[size];
    begin = size;
    do {
        out[size++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    for (uint32_t i = begin, j = size - 1; i < j; i++, j--) {
        char digit = out[i];
        out[i] = out[j];
        out[j] = digit;
    }
    return bytes_of(out, size);
}

int number_of(struct bytes name)
{
    int number = 0;
    for (uint32_t i = 0; i < name.size; i++) {
        if (name.data[i] >= '0' && name.data[i] <= '9')
            number = 10 * number + (name.data[i] - '0');
    }
    return number;
}

static void spell_product(const struct ask *ask, struct spelling *spelling)
{
    struct product_image *image = &spelling->image;
    const struct terms *terms = &ask->terms;
    *image = (struct product_image){
        .sku = text(spelling, "S", (uint32_t)ask->sku),
        .title = BYTES("A thing"),
        .stock = ask->stock,
        .expected_version = ask->expected_version,
        .max_per_customer = terms->limit,
        .hold_seconds = terms->hold_seconds,
        .reserve_on = terms->reserve_on,
        .in_import = ask->in_import,
        .starts_wall_ms = terms->starts_wall_ms,
        .ends_wall_ms = terms->ends_wall_ms,
    };
    if (terms->sale != 0)
        image->sale = text(spelling, "sale", (uint32_t)terms->sale);
    if (terms->seller != 0)
        image->seller = text(spelling, "seller", (uint32_t)terms->seller);
    for (int i = 0; i < CURRENCIES; i++) {
        int currency = i == 0 ? terms->own_currency : i;
        if (terms->price[currency] == 0 || (i != 0 && currency == terms->own_currency))
            continue;
        memcpy(image->prices[image->price_count].currency, currencies[currency], 4);
        image->prices[image->price_count++].amount = terms->price[currency];
    }
    spelling->command.product = image;
}

static void spell_sale(const struct ask *ask, struct spelling *spelling)
{
    const struct sale_terms *terms = &ask->sale_terms;
    spelling->sale = (struct sale_image){
        .hold_seconds = terms->hold_seconds,
        .payment_seconds = terms->payment_seconds,
        .review_seconds = terms->review_seconds,
        .max_per_customer = terms->limit,
        .reserve_on = terms->reserve_on,
        .payment_mode = terms->payment_mode,
        .counts = terms->counts,
        .counts_cap = terms->counts_cap,
        .starts_wall_ms = terms->starts_wall_ms,
        .ends_wall_ms = terms->ends_wall_ms,
        .expected_version = ask->expected_version,
    };
    spelling->command.sale = text(spelling, "sale", (uint32_t)ask->sale);
    spelling->command.sale_image = &spelling->sale;
}

static void spell_switch(const struct ask *ask, struct spelling *spelling)
{
    struct command *command = &spelling->command;
    command->switch_action = ask->switch_action;
    command->switch_scope = ask->switch_scope;
    if (ask->switch_scope == SCOPE_SALE)
        command->sale = text(spelling, "sale", (uint32_t)ask->sale);
    if (ask->switch_scope == SCOPE_SKU)
        command->sku = text(spelling, "S", (uint32_t)ask->sku);
}

struct hash128 identity_hash(int identity)
{
    return (struct hash128){.low = 1 + (uint64_t)identity, .high = 99};
}

/* What only role service says. */
static void spell_service(const struct ask *ask, struct spelling *spelling)
{
    struct command *command = &spelling->command;
    command->adjustments_set = ask->adjusting.set;
    command->adjustments_sum = ask->adjusting.sum;
    if (ask->adjusting.size > 0) {
        CHECK(ask->adjusting.size <= sizeof(spelling->adjustments));
        memset(spelling->adjustments, 'a', ask->adjusting.size);
        command->adjustments = bytes_of(spelling->adjustments, ask->adjusting.size);
    }
    if (ask->kind == COMMAND_CHECKOUT) {
        command->risk_decision = ask->risk;
        command->risk_score = ask->score;
        command->identities = spelling->identities;
        command->identity_count = ask->identity_count;
        for (uint32_t i = 0; i < ask->identity_count; i++)
            spelling->identities[i] = identity_hash(ask->identities[i]);
    }
}

static void spell_items(const struct ask *ask, struct spelling *spelling)
{
    for (uint32_t i = 0; i < ask->item_count; i++) {
        spelling->items[i] =
            (struct command_item){.quantity = ask->items[i].quantity, .line = ask->items[i].line};
        if (ask->kind == COMMAND_CHECKOUT)
            spelling->items[i].sku = text(spelling, "S", (uint32_t)ask->items[i].sku);
    }
    spelling->command.items = spelling->items;
    spelling->command.item_count = ask->item_count;
}

static void spell_payment(const struct ask *ask, struct spelling *spelling)
{
    struct command *command = &spelling->command;
    command->provider = ask->payment % 2 ? BYTES("card") : BYTES("bank");
    command->payment_id = text(spelling, "p", ask->payment / 2);
    command->result = ask->result;
    command->amount = ask->amount;
    if (ask->result == RESULT_REFUNDED)
        command->refund_id = text(spelling, "r", ask->refund);
}

void spell(const struct ask *ask, struct spelling *spelling)
{
    struct command *command = &spelling->command;
    spelling->text_count = 0;
    *command = (struct command){
        .kind = ask->kind,
        .role = ask->role,
        .quantity = ask->quantity,
        .expected_total_set = ask->expected_total_set,
        .expected_total = ask->expected_total,
        .mode = ask->mode,
        .restock_none = ask->restock_none,
        .stock_set = ask->stock_set,
        .stock_floor = ask->stock_floor,
        .stock_delta = ask->stock_delta,
        .stock_value = ask->stock_value,
        .stock_compare = ask->stock_compare,
        .actor = BYTES("ops"),
        .review_decision = ask->kind == COMMAND_REVIEW ? ask->risk : (uint8_t)RISK_NONE,
        .if_version_set = ask->if_version_set,
        .if_version_count = ask->if_version_set ? 1 : 0,
        .if_versions = {ask->if_version},
    };
    memcpy(command->order_id, ask->order_id, 16);
    memcpy(command->currency, currencies[ask->currency], 4);
    if (ask->customer != NOBODY)
        command->customer = text(spelling, "c", (uint32_t)ask->customer);
    if (ask->kind == COMMAND_CHECKOUT || ask->kind == COMMAND_CANCEL ||
        ask->kind == COMMAND_STOCK_CHANGE)
        command->key = text(spelling, "k", ask->key);
    if (ask->kind == COMMAND_CART_SET || ask->kind == COMMAND_STOCK_CHANGE ||
        ask->kind == COMMAND_STOCK_READ)
        command->sku = text(spelling, "S", (uint32_t)ask->sku);
    if (ask->kind == COMMAND_PRODUCT_SET)
        spell_product(ask, spelling);
    if (ask->kind == COMMAND_CART_MERGE)
        command->guest_id = text(spelling, "c", (uint32_t)ask->guest);
    if (ask->kind == COMMAND_PAYMENT)
        spell_payment(ask, spelling);
    if (ask->kind == COMMAND_SALE_SET)
        spell_sale(ask, spelling);
    if (ask->kind == COMMAND_SALE_REMOVE)
        command->sale = text(spelling, "sale", (uint32_t)ask->sale);
    if (ask->kind == COMMAND_SWITCH)
        spell_switch(ask, spelling);
    spell_service(ask, spelling);
    spell_items(ask, spelling);
    if (ask->reference_size > 0) {
        CHECK(ask->reference_size <= sizeof(spelling->references));
        memset(spelling->references, 'r', ask->reference_size);
        command->references = bytes_of(spelling->references, ask->reference_size);
    }
}

/* Lines of what a sale leaves behind: whose, of which SKU. */
static void see_parts(const struct event *event, const struct catalog *catalog, struct seen *seen)
{
    struct bytes customers = event->text[TEXT_CUSTOMERS];
    uint32_t at = 0;
    seen->part = event->fact.part.part;
    seen->part_count = event->line_count;
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        uint32_t index = catalog_find_number(catalog, line->sku_number);
        seen->parts[i].customer = NOBODY;
        seen->parts[i].sku = number_of(catalog_sku(catalog, index));
        seen->parts[i].sale = number_of(catalog_name(catalog, line->sale_number));
        seen->parts[i].quantity = line->quantity;
        if (at == customers.size)
            continue;
        seen->parts[i].customer = number_of(bytes_of(customers.data + at + 1, customers.data[at]));
        at += 1 + customers.data[at];
    }
}

struct seen seen_of(const struct event *event, const struct catalog *catalog)
{
    struct seen seen = {.kind = event->kind, .customer = NOBODY, .sku = NOBODY, .sale = NOBODY};
    if (event->text[TEXT_CUSTOMER].size > 0)
        seen.customer = number_of(event->text[TEXT_CUSTOMER]);
    if (event->stream_count > 0)
        seen.stream_seq = event->stream_seq + event->stream_count - 1;
    if (event_is_order(event->kind)) {
        memcpy(seen.order_id, event->fact.order.id, 16);
        seen.key = event->fact.order.key_hash;
    } else if (event->kind == EVENT_CART_MOVED_OUT || event->kind == EVENT_CART_MERGED) {
        seen.merge_id = event->fact.merge.merge_id;
        seen.key = event->fact.merge.key_hash;
    } else if (event->kind == EVENT_STOCK_ADJUSTED) {
        seen.key = event->fact.stock.key_hash;
    } else if (event->kind == EVENT_SALE_OPENED || event->kind == EVENT_SALE_CLOSED ||
               event->kind == EVENT_SALE_CLOSING || event->kind == EVENT_SALE_REMOVED) {
        seen.sale = number_of(event->text[TEXT_SALE]);
    } else if (event->kind == EVENT_SALE_PART_REMOVED) {
        seen.sale = number_of(catalog_name(catalog, event->fact.part.sale_number));
        see_parts(event, catalog, &seen);
    } else if (event->kind == EVENT_KILL_BEGUN || event->kind == EVENT_KILL_ENDED) {
        seen.killing.kill = event->fact.kill.kill;
        seen.killing.released = event->fact.kill.released;
        seen.killing.cancelled = event->fact.kill.cancelled;
    } else if (event->kind == EVENT_HOLD_EXPIRED) {
        struct bytes names = event->text[TEXT_NAMES];
        seen.sku = number_of(bytes_of(names.data + 1, names.data[0]));
    } else if (event->kind == EVENT_ALLOWANCES_FORGOTTEN) {
        struct bytes rest = event->text[TEXT_NAMES];
        struct line_names names;
        CHECK(event->line_count == 1 && line_names_next(&rest, &names));
        seen.sku = number_of(names.sku);
        seen.sale = names.sale.size > 0 ? number_of(names.sale) : 0;
    } else if (event->kind == EVENT_ORDERS_FORGOTTEN) {
        CHECK(event->fact.forgotten.count == 1);
        memcpy(seen.order_id, event->text[TEXT_IDS].data, 16);
    } else if (event->kind == EVENT_KEYS_FORGOTTEN) {
        seen.key_count = event->fact.forgotten.count;
        memcpy(seen.keys, event->text[TEXT_IDS].data, 16 * (size_t)seen.key_count);
    }
    return seen;
}
