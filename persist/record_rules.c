/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an event must be to stand in the journal, kind by kind: the rules R3 to R11 of FORMAT.md.
 * The same are asked of what is written and of what is read.
 */
#include <stddef.h>

#include "core/line_names.h"
#include "core/switches.h"
#include "persist/record.h"

/* Header, sizes of texts, padding: what a record adds to its parts. */
enum { RECORD_OVERHEAD_MAX = 24 + RECORD_TEXT_SIZES_MAX + RECORD_ALIGNMENT };

/* Bytes of a fact that must be zero. */
struct reserved_range {
    uint8_t offset, size;
};

struct kind_rule {
    uint16_t fact_size; /* 0: no such kind */
    uint16_t lines_min, lines_max;
    struct reserved_range reserved[2];
};

#define RESERVED(type, member)                                                                     \
    {                                                                                              \
        offsetof(struct type, member), sizeof(((struct type *)0)->member)                          \
    }
#define RULE_ORDER                                                                                 \
    {                                                                                              \
        sizeof(struct fact_order), 1, LINES_PER_ORDER_MAX,                                         \
        {                                                                                          \
            RESERVED(fact_order, reserved), RESERVED(fact_order, reserved2)                        \
        }                                                                                          \
    }
#define RULE_CART(lines_min, lines_max)                                                            \
    {                                                                                              \
        sizeof(struct fact_cart), lines_min, lines_max,                                            \
        {                                                                                          \
            RESERVED(fact_cart, reserved), RESERVED(fact_cart, reserved2)                          \
        }                                                                                          \
    }
#define RULE_MERGE(lines_min)                                                                      \
    {                                                                                              \
        sizeof(struct fact_merge), lines_min, LINES_PER_ORDER_MAX,                                 \
        {                                                                                          \
            RESERVED(fact_merge, reserved)                                                         \
        }                                                                                          \
    }
#define RULE_PLAIN(type)                                                                           \
    {                                                                                              \
        sizeof(struct type), 0, 0,                                                                 \
        {                                                                                          \
            RESERVED(type, reserved)                                                               \
        }                                                                                          \
    }

#define RULE_SALE                                                                                  \
    {                                                                                              \
        sizeof(struct fact_sale), 0, 0,                                                            \
        {                                                                                          \
            {                                                                                      \
                0, 0                                                                               \
            }                                                                                      \
        }                                                                                          \
    }

static const struct kind_rule kind_rules[] = {
    [EVENT_CART_LINE_SET] = RULE_CART(1, 1),
    [EVENT_HOLD_EXPIRED] = RULE_CART(1, 1),
    [EVENT_CART_CLEARED] = RULE_CART(0, LINES_PER_ORDER_MAX),
    [EVENT_CART_EXTENDED] = RULE_CART(1, LINES_PER_ORDER_MAX),
    [EVENT_CART_MOVED_OUT] = RULE_MERGE(1),
    [EVENT_CART_MERGED] = RULE_MERGE(0),
    [EVENT_CART_MERGE_ENDED] = RULE_MERGE(0),
    [EVENT_ORDER_PLACED] = RULE_ORDER,
    [EVENT_ORDER_CONFIRMED] = RULE_ORDER,
    [EVENT_ORDER_PAYMENT_DECLINED] = RULE_ORDER,
    [EVENT_ORDER_LINES_CANCELLED] = RULE_ORDER,
    [EVENT_ORDER_CANCELLED] = RULE_ORDER,
    [EVENT_ORDER_EXPIRED] = RULE_ORDER,
    [EVENT_ORDER_REVIEW] = RULE_ORDER,
    [EVENT_ORDER_REFUND_REQUIRED] = RULE_ORDER,
    [EVENT_ORDER_REFUNDED] = RULE_ORDER,
    [EVENT_PAYMENT_UNMATCHED] = RULE_PLAIN(fact_unmatched),
    [EVENT_ORDERS_FORGOTTEN] = RULE_PLAIN(fact_forgotten),
    [EVENT_KEYS_FORGOTTEN] = RULE_PLAIN(fact_forgotten),
    [EVENT_CUSTOMER_FORGOTTEN] = RULE_PLAIN(fact_forgotten),
    [EVENT_ALLOWANCES_FORGOTTEN] = {sizeof(struct fact_forgotten), 1, FORGET_MAX,
        {RESERVED(fact_forgotten, reserved)}},
    [EVENT_PRODUCT_SET] = {sizeof(struct fact_product), 0, 0, {{0, 0}}},
    [EVENT_STOCK_ADJUSTED] = RULE_PLAIN(fact_stock),
    [EVENT_SALE_CLOSING] = RULE_PLAIN(fact_removal),
    [EVENT_SALE_REMOVED] = RULE_PLAIN(fact_removal),
    [EVENT_SALE_PART_REMOVED] = {sizeof(struct fact_part), 0, PART_LINES_MAX,
        {RESERVED(fact_part, reserved)}},
    [EVENT_SALE_SET] = RULE_SALE,
    [EVENT_SALE_OPENED] = RULE_SALE,
    [EVENT_SALE_CLOSED] = RULE_SALE,
    [EVENT_IMPORT_BEGUN] = RULE_PLAIN(fact_import),
    [EVENT_IMPORT_DONE] = RULE_PLAIN(fact_import),
    [EVENT_SWITCH_SET] = RULE_PLAIN(fact_switch),
    [EVENT_KILL_BEGUN] = RULE_PLAIN(fact_kill),
    [EVENT_KILL_ENDED] = RULE_PLAIN(fact_kill),
    [EVENT_STREAM_ATTACHED] = {sizeof(struct fact_mark), 0, 0, {{0, 0}}},
    [EVENT_CLOSED] = {sizeof(struct fact_mark), 0, 0, {{0, 0}}},
};

static const uint32_t text_size_max[EVENT_TEXTS] = {
    [TEXT_CUSTOMER] = CUSTOMER_SIZE_MAX,
    [TEXT_KEY] = KEY_SIZE_MAX,
    [TEXT_REFERENCES] = REFERENCES_SIZE_MAX,
    [TEXT_PROVIDER] = PAYMENT_TEXT_SIZE_MAX,
    [TEXT_PAYMENT_ID] = PAYMENT_TEXT_SIZE_MAX,
    [TEXT_TOKEN] = TOKEN_SIZE_MAX,
    [TEXT_ADJUSTMENTS] = RECORD_ADJUSTMENTS_SIZE_MAX,
    [TEXT_NAMES] = EVENT_NAMES_SIZE_MAX,
    [TEXT_IDS] = RECORD_IDS_SIZE_MAX,
    [TEXT_ACTOR] = RECORD_ACTOR_SIZE_MAX,
    [TEXT_REASON] = RECORD_REASON_SIZE_MAX,
    [TEXT_SKU] = SKU_SIZE_MAX,
    [TEXT_TITLE] = TITLE_SIZE_MAX,
    [TEXT_CATEGORY] = NAME_SIZE_MAX,
    [TEXT_SELLER] = NAME_SIZE_MAX,
    [TEXT_SALE] = NAME_SIZE_MAX,
    [TEXT_GROUP] = NAME_SIZE_MAX,
    [TEXT_OPTION] = NAME_SIZE_MAX,
    [TEXT_IMAGE] = RECORD_IMAGE_SIZE_MAX,
    [TEXT_CLAIMS] = RECORD_CLAIMS_SIZE_MAX,
    [TEXT_HOLDS] = RECORD_HOLDS_SIZE_MAX,
    [TEXT_REFUND_ID] = PAYMENT_TEXT_SIZE_MAX,
    [TEXT_ADJUSTMENTS_BORN] = RECORD_ADJUSTMENTS_SIZE_MAX,
    [TEXT_IDENTITIES] = IDENTITIES_SIZE_MAX,
    [TEXT_COUNTS] = RECORD_COUNTS_SIZE_MAX,
    [TEXT_CUSTOMERS] = RECORD_CUSTOMERS_SIZE_MAX,
};

/* The rule of a kind as read, or one with fact_size 0. */
static const struct kind_rule *rule_of(uint32_t kind)
{
    uint32_t count = sizeof(kind_rules) / sizeof(kind_rules[0]);
    return &kind_rules[kind < count ? kind : EVENT_NONE];
}

static bool all_zero(const void *data, uint32_t size)
{
    const uint8_t *bytes = data;
    uint8_t seen = 0;
    for (uint32_t i = 0; i < size; i++)
        seen |= bytes[i];
    return seen == 0;
}

/* Rule: a text of names is three for each line, each within its bound, and nothing after. */
static bool names_valid(const struct event *event)
{
    struct bytes rest = event->text[TEXT_NAMES];
    struct line_names names;
    if (rest.size == 0)
        return true;
    for (uint32_t i = 0; i < event->line_count; i++) {
        if (!line_names_next(&rest, &names))
            return false;
        if (names.sku.size > SKU_SIZE_MAX || names.seller.size > NAME_SIZE_MAX ||
            names.sale.size > NAME_SIZE_MAX)
            return false;
    }
    return rest.size == 0;
}

/* Rule: holds are one for each line of the kinds that have any, and none else. */
static bool holds_valid(const struct event *event)
{
    bool has_holds = event->kind >= EVENT_CART_EXTENDED && event->kind <= EVENT_CART_MERGE_ENDED;
    uint32_t count = has_holds ? event->line_count : 0;
    if (event->text[TEXT_HOLDS].size != count * sizeof(struct event_hold))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        struct event_hold hold = event_hold_at(event, i);
        if (hold.state > LINE_MOVED || !all_zero(hold.reserved, sizeof(hold.reserved)))
            return false;
    }
    return true;
}

/* Rule: customers are one for each line of a part's cart lines or allowances, and none else. */
static bool customers_valid(const struct event *event)
{
    struct bytes rest = event->text[TEXT_CUSTOMERS];
    bool has_customers =
        event->kind == EVENT_SALE_PART_REMOVED && event->fact.part.part <= PART_ALLOWANCES;
    for (uint32_t i = 0; has_customers && i < event->line_count; i++) {
        if (rest.size < 2 || rest.data[0] == 0 || rest.data[0] > CUSTOMER_SIZE_MAX ||
            rest.data[0] >= rest.size)
            return false;
        rest = bytes_of(rest.data + 1 + rest.data[0], rest.size - 1 - rest.data[0]);
    }
    return rest.size == 0;
}

/* Bounds of each text and of the whole record; only order lines and names can make it too large. */
static bool texts_valid(const struct event *event, const struct kind_rule *rule)
{
    uint32_t size = rule->fact_size + event->line_count * (uint32_t)sizeof(struct event_line);
    for (uint32_t i = 0; i < EVENT_TEXTS; i++) {
        if (event->text[i].size > text_size_max[i])
            return false;
        size += event->text[i].size;
    }
    return size <= RECORD_SIZE_MAX - RECORD_OVERHEAD_MAX && names_valid(event) &&
           event->text[TEXT_COUNTS].size % sizeof(struct identity_count) == 0 &&
           holds_valid(event) && customers_valid(event);
}

static bool lines_valid(const struct event *event, const struct kind_rule *rule)
{
    if (event->line_count < rule->lines_min || event->line_count > rule->lines_max)
        return false;
    return true;
}

static bool cart_valid(const struct fact_cart *cart)
{
    return cart->state <= LINE_EXPIRED && cart->move <= MOVE_RESTOCK;
}

static bool merge_valid(const struct fact_merge *merge)
{
    return merge->merge_id != 0 && merge->move <= MOVE_GIVE && merge->returned <= 1;
}

static bool order_valid(const struct event *event)
{
    const struct fact_order *order = &event->fact.order;
    return event->text[TEXT_IDENTITIES].size % 16 == 0 && order->status >= ORDER_PENDING_PAYMENT &&
           order->status <= ORDER_REFUNDED && order->status_before <= ORDER_REFUNDED &&
           order->status_born <= ORDER_REFUNDED && order->mode <= PAYMENT_DEFERRED &&
           order->move <= MOVE_RESTOCK && order->reclaimed <= 1 && order->from_cart <= 1 &&
           order->result <= RESULT_REFUNDED && order->adjusted <= 1 && order->extended <= 1 &&
           order->review_decision <= RISK_DECLINE;
}

static bool product_valid(const struct fact_product *product)
{
    if (product->price_count > PRICES_MAX || product->created > 1 || product->in_import > 1 ||
        product->reserve_on > RESERVE_CHECKOUT)
        return false;
    for (uint32_t i = 0; i < PRICES_MAX; i++)
        if (!all_zero(product->prices[i].reserved, sizeof(product->prices[i].reserved)))
            return false;
    return true;
}

static bool sale_valid(const struct fact_sale *sale)
{
    return sale->reserve_on <= RESERVE_CHECKOUT && sale->payment_mode <= PAYMENT_DEFERRED &&
           sale->counts <= COUNTS_BOOLEAN && sale->guests <= GUESTS_REFUSED;
}

static bool part_valid(const struct event *event)
{
    uint8_t part = event->fact.part.part;
    return part >= PART_CART_LINES && part <= PART_ALL &&
           (event->line_count == 0) == (part == PART_ALL);
}

static bool forgotten_valid(const struct event *event)
{
    return event->fact.forgotten.count <= FORGET_MAX &&
           event->text[TEXT_IDS].size == 16 * event->fact.forgotten.count &&
           event->text[TEXT_CLAIMS].size % 32 == 0;
}

static bool scope_valid(uint8_t scope, uint32_t number)
{
    return scope >= SCOPE_ALL && scope <= SCOPE_SKU && (scope == SCOPE_ALL) == (number == 0);
}

static bool switch_valid(const struct fact_switch *fact)
{
    return fact->action >= SWITCH_RESUME && fact->action <= SWITCH_KILL &&
           scope_valid(fact->scope, fact->number) &&
           (fact->kill == 0 || fact->action == SWITCH_KILL) &&
           fact->state <= (SWITCHED_PAUSED | SWITCHED_FROZEN | SWITCHED_KILLED) &&
           (fact->state == 0) == (fact->action == SWITCH_RESUME);
}

/* What the fields of a kind can be at all; what they mean is the engine's. */
static bool fact_valid(const struct event *event)
{
    switch (event->kind) {
    case EVENT_CART_LINE_SET:
    case EVENT_HOLD_EXPIRED:
    case EVENT_CART_CLEARED:
    case EVENT_CART_EXTENDED:
        return cart_valid(&event->fact.cart);
    case EVENT_CART_MOVED_OUT:
    case EVENT_CART_MERGED:
    case EVENT_CART_MERGE_ENDED:
        return merge_valid(&event->fact.merge);
    case EVENT_ORDER_PLACED:
    case EVENT_ORDER_CONFIRMED:
    case EVENT_ORDER_PAYMENT_DECLINED:
    case EVENT_ORDER_LINES_CANCELLED:
    case EVENT_ORDER_CANCELLED:
    case EVENT_ORDER_EXPIRED:
    case EVENT_ORDER_REVIEW:
    case EVENT_ORDER_REFUND_REQUIRED:
    case EVENT_ORDER_REFUNDED:
        return order_valid(event);
    case EVENT_ORDERS_FORGOTTEN:
    case EVENT_KEYS_FORGOTTEN:
        return forgotten_valid(event);
    case EVENT_SALE_PART_REMOVED:
        return part_valid(event);
    case EVENT_SALE_SET:
    case EVENT_SALE_OPENED:
    case EVENT_SALE_CLOSED:
        return sale_valid(&event->fact.sale);
    case EVENT_PRODUCT_SET:
        return product_valid(&event->fact.product);
    case EVENT_PAYMENT_UNMATCHED:
        return event->fact.unmatched.result <= RESULT_REFUNDED;
    case EVENT_SWITCH_SET:
        return switch_valid(&event->fact.switched);
    case EVENT_KILL_BEGUN:
    case EVENT_KILL_ENDED:
        return scope_valid(event->fact.kill.scope, event->fact.kill.number) &&
               event->fact.kill.kill > 0;
    case EVENT_CUSTOMER_FORGOTTEN:
    case EVENT_ALLOWANCES_FORGOTTEN:
    case EVENT_STOCK_ADJUSTED:
    case EVENT_SALE_CLOSING:
    case EVENT_SALE_REMOVED:
    case EVENT_IMPORT_BEGUN:
    case EVENT_IMPORT_DONE:
    case EVENT_STREAM_ATTACHED:
    case EVENT_CLOSED:
        return true;
    case EVENT_NONE:
        break;
    }
    return false;
}

uint32_t record_fact_size(uint32_t kind)
{
    return rule_of(kind)->fact_size;
}

bool record_valid(const struct event *event)
{
    const struct kind_rule *rule = rule_of(event->kind);
    if (rule->fact_size == 0 || !fact_valid(event))
        return false;
    for (uint32_t i = 0; i < 2; i++)
        if (!all_zero(
                (const uint8_t *)&event->fact + rule->reserved[i].offset, rule->reserved[i].size))
            return false;
    if (event->stream_count > STREAM_EVENTS_MAX ||
        (event->stream_count > 0) != (event->stream_seq > 0))
        return false;
    return lines_valid(event, rule) && texts_valid(event, rule);
}
