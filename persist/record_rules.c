/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an event must be to stand in the journal, kind by kind: the rules R2 to R13 of FORMAT.md.
 * The same are asked of what is written and of what is read.
 */
#include <stddef.h>

#include "core/line_names.h"
#include "core/switches.h"
#include "core/tables.h"
#include "persist/record.h"

/* Header, sizes of texts, padding: what a record adds to its parts. */
enum { RECORD_OVERHEAD_MAX = 24 + RECORD_TEXT_SIZES_MAX + RECORD_ALIGNMENT };

/* Bytes of a fact that must be zero. */
struct reserved_range {
    uint8_t offset, size;
};

static bool all_zero(const void *data, uint32_t size)
{
    const uint8_t *bytes = data;
    uint8_t seen = 0;
    for (uint32_t i = 0; i < size; i++)
        seen |= bytes[i];
    return seen == 0;
}

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
    [TEXT_ENTRIES] = ENTRIES_SIZE_MAX,
};

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
    bool has_holds =
        (event->kind >= EVENT_CART_EXTENDED && event->kind <= EVENT_CART_MERGE_ENDED) ||
        event->kind == EVENT_CUSTOMER_IMAGE;
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

static bool cart_valid(const struct event *event)
{
    const struct fact_cart *cart = &event->fact.cart;
    return cart->state <= LINE_EXPIRED && cart->move <= MOVE_RESTOCK;
}

static bool merge_valid(const struct event *event)
{
    const struct fact_merge *merge = &event->fact.merge;
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
           order->review_decision <= RISK_DECLINE && order->texts_lost <= ORDER_TEXTS_ALL &&
           (order->texts_lost == 0 || order->result != RESULT_NONE);
}

static bool product_valid(const struct event *event)
{
    const struct fact_product *product = &event->fact.product;
    if (product->price_count > PRICES_MAX || product->created > 1 || product->in_import > 1 ||
        product->reserve_on > RESERVE_CHECKOUT)
        return false;
    for (uint32_t i = 0; i < PRICES_MAX; i++)
        if (!all_zero(product->prices[i].reserved, sizeof(product->prices[i].reserved)))
            return false;
    return true;
}

static bool terms_valid(const struct fact_sale *sale)
{
    return sale->reserve_on <= RESERVE_CHECKOUT && sale->payment_mode <= PAYMENT_DEFERRED &&
           sale->counts <= COUNTS_BOOLEAN && sale->guests <= GUESTS_REFUSED;
}

static bool sale_valid(const struct event *event)
{
    return terms_valid(&event->fact.sale);
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

static bool switched_valid(const struct fact_switch *fact)
{
    return scope_valid(fact->scope, fact->number) &&
           fact->state <= (SWITCHED_PAUSED | SWITCHED_FROZEN | SWITCHED_KILLED);
}

static bool switch_valid(const struct event *event)
{
    const struct fact_switch *fact = &event->fact.switched;
    return switched_valid(fact) && fact->action >= SWITCH_RESUME && fact->action <= SWITCH_KILL &&
           (fact->kill == 0 || fact->action == SWITCH_KILL) &&
           (fact->state == 0) == (fact->action == SWITCH_RESUME);
}

static bool kill_valid(const struct event *event)
{
    const struct fact_kill *fact = &event->fact.kill;
    return scope_valid(fact->scope, fact->number) && fact->kill > 0;
}

static bool unmatched_valid(const struct event *event)
{
    return event->fact.unmatched.result <= RESULT_REFUNDED;
}

static bool ended_valid(const struct event *event)
{
    return event->fact.walk_end.number > 0 &&
           all_zero(event->fact.walk_end.reserved, sizeof(event->fact.walk_end.reserved));
}

static bool walk_valid(const struct event *event)
{
    const struct fact_walk *fact = &event->fact.walk;
    return fact->number > 0 && fact->flags <= (WALK_NAMES | WALK_GENESIS) &&
           event->text[TEXT_ENTRIES].size % sizeof(uint64_t) == 0;
}

static bool customer_valid(const struct event *event)
{
    return event->text[TEXT_CUSTOMER].size > 0;
}

static bool order_image_valid(const struct event *event)
{
    const struct fact_order *fact = &event->fact.order;
    struct bytes payments = event->text[TEXT_ENTRIES];
    for (uint32_t i = 0; i < payments.size / sizeof(struct payment_entry); i++) {
        struct payment_entry entry;
        memcpy(&entry, payments.data + i * sizeof(entry), sizeof(entry));
        if (!all_zero(entry.reserved, sizeof(entry.reserved)))
            return false;
    }
    return customer_valid(event) && order_valid(event) && fact->move == MOVE_NONE &&
           fact->status_before == fact->status && fact->result == RESULT_NONE &&
           payments.size % sizeof(struct payment_entry) == 0 &&
           payments.size <= PAYMENTS_PER_ORDER * sizeof(struct payment_entry);
}

static bool keys_valid(const struct event *event)
{
    struct bytes keys = event->text[TEXT_ENTRIES];
    uint32_t count = event->fact.images.count;
    struct key_entry entry;
    if (count == 0 || count > IMAGES_MAX || keys.size != count * sizeof(entry))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(&entry, keys.data + i * sizeof(entry), sizeof(entry));
        if (entry.kind == 0 || entry.kind > REQUEST_MERGE || entry.reserved_1 != 0 ||
            entry.partition >= (entry.kind == REQUEST_MERGE ? PARTITIONS : 1) ||
            !all_zero(entry.reserved, sizeof(entry.reserved)))
            return false;
    }
    return true;
}

static bool allowances_valid(const struct event *event)
{
    uint32_t handed = event->text[TEXT_ENTRIES].size;
    return customer_valid(event) && event->fact.images.count == event->line_count &&
           (handed == 0 || handed == event->line_count * sizeof(struct hash128));
}

static bool gone_valid(const struct event *event)
{
    return event->fact.images.count == event->line_count;
}

static bool kills_valid(const struct event *event)
{
    struct bytes kills = event->text[TEXT_ENTRIES];
    uint32_t count = event->fact.images.count;
    struct kill_entry entry;
    if (count == 0 || count > IMAGES_MAX || kills.size != count * sizeof(entry))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(&entry, kills.data + i * sizeof(entry), sizeof(entry));
        if (entry.kill == 0 || !scope_valid(entry.scope, entry.number) || entry.ended > 1 ||
            !all_zero(entry.reserved, sizeof(entry.reserved)))
            return false;
    }
    return true;
}

static bool name_valid(const struct event *event)
{
    const struct fact_name *fact = &event->fact.name;
    return terms_valid(&fact->sale) && fact->slot.told <= SALE_TOLD_CLOSED &&
           fact->slot.is_seller <= 1 &&
           all_zero(fact->slot.reserved, sizeof(fact->slot.reserved)) &&
           (fact->slot.number == 0) == (event->text[TEXT_SALE].size == 0);
}

static bool switch_image_valid(const struct event *event)
{
    const struct fact_switch *fact = &event->fact.switched;
    return switched_valid(fact) && fact->action == 0 && fact->state != 0;
}

static bool any_valid(const struct event *event)
{
    (void)event;
    return true;
}

/* Rule: what is lost is a range of one shard. */
static bool salvaged_valid(const struct event *event)
{
    const struct fact_salvaged *fact = &event->fact.salvaged;
    return fact->shard < SHARDS_MAX && fact->from > 0 && fact->to >= fact->from &&
           fact->seq_to >= fact->seq;
}

struct kind_rule {
    uint16_t fact_size; /* 0: no such kind */
    uint16_t lines_min, lines_max;
    struct reserved_range reserved[2];
    bool (*fact_valid)(const struct event *event); /* what its fields can be at all */
};

#define RESERVED(type, member)                                                                     \
    {                                                                                              \
        offsetof(struct type, member), sizeof(((struct type *)0)->member)                          \
    }
#define NO_RESERVED                                                                                \
    {                                                                                              \
        0, 0                                                                                       \
    }
#define RULE(type, lines_min, lines_max, reserved_1, reserved_2, valid)                            \
    {                                                                                              \
        sizeof(struct type), lines_min, lines_max, {reserved_1, reserved_2}, valid                 \
    }
#define RULE_ORDER                                                                                 \
    RULE(fact_order, 1, LINES_PER_ORDER_MAX, RESERVED(fact_order, reserved2), NO_RESERVED,         \
        order_valid)
#define RULE_CART(lines_min, lines_max)                                                            \
    RULE(fact_cart, lines_min, lines_max, RESERVED(fact_cart, reserved),                           \
        RESERVED(fact_cart, reserved2), cart_valid)
#define RULE_MERGE(lines_min)                                                                      \
    RULE(fact_merge, lines_min, LINES_PER_ORDER_MAX, RESERVED(fact_merge, reserved), NO_RESERVED,  \
        merge_valid)
/* Of many small entities, at most lines_max of them in lines. */
#define RULE_IMAGES(lines_min, lines_max, valid)                                                   \
    RULE(fact_images, lines_min, lines_max, RESERVED(fact_images, reserved), NO_RESERVED, valid)
/* Without lines. */
#define RULE_PLAIN(type, valid) RULE(type, 0, 0, RESERVED(type, reserved), NO_RESERVED, valid)
#define RULE_WHOLE(type, valid) RULE(type, 0, 0, NO_RESERVED, NO_RESERVED, valid)

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
    [EVENT_PAYMENT_UNMATCHED] = RULE_PLAIN(fact_unmatched, unmatched_valid),
    [EVENT_ORDERS_FORGOTTEN] = RULE_PLAIN(fact_forgotten, forgotten_valid),
    [EVENT_KEYS_FORGOTTEN] = RULE_PLAIN(fact_forgotten, forgotten_valid),
    [EVENT_CUSTOMER_FORGOTTEN] = RULE_PLAIN(fact_forgotten, any_valid),
    [EVENT_ALLOWANCES_FORGOTTEN] = RULE(
        fact_forgotten, 1, FORGET_MAX, RESERVED(fact_forgotten, reserved), NO_RESERVED, any_valid),
    [EVENT_KILL_BEGUN] = RULE_PLAIN(fact_kill, kill_valid),
    [EVENT_KILL_ENDED] = RULE_PLAIN(fact_kill, kill_valid),
    [EVENT_SALE_PART_REMOVED] =
        RULE(fact_part, 0, PART_LINES_MAX, RESERVED(fact_part, reserved), NO_RESERVED, part_valid),
    [EVENT_PRODUCT_SET] = RULE_WHOLE(fact_product, product_valid),
    [EVENT_STOCK_ADJUSTED] = RULE_PLAIN(fact_stock, any_valid),
    [EVENT_SALE_SET] = RULE_WHOLE(fact_sale, sale_valid),
    [EVENT_SALE_OPENED] = RULE_WHOLE(fact_sale, sale_valid),
    [EVENT_SALE_CLOSED] = RULE_WHOLE(fact_sale, sale_valid),
    [EVENT_SALE_CLOSING] = RULE_PLAIN(fact_removal, any_valid),
    [EVENT_SALE_REMOVED] = RULE_PLAIN(fact_removal, any_valid),
    [EVENT_IMPORT_BEGUN] = RULE_PLAIN(fact_import, any_valid),
    [EVENT_IMPORT_DONE] = RULE_PLAIN(fact_import, any_valid),
    [EVENT_SWITCH_SET] = RULE_PLAIN(fact_switch, switch_valid),
    [EVENT_STREAM_ATTACHED] = RULE_WHOLE(fact_mark, any_valid),
    [EVENT_CLOSED] = RULE_WHOLE(fact_mark, any_valid),
    [EVENT_SALVAGED] = RULE_PLAIN(fact_salvaged, salvaged_valid),
    [EVENT_WALK_BEGUN] = RULE_PLAIN(fact_walk, walk_valid),
    [EVENT_WALK_ENDED] = RULE_WHOLE(fact_walk_end, ended_valid),
    [EVENT_CUSTOMER_IMAGE] =
        RULE(fact_customer, 0, LINES_PER_ORDER_MAX, NO_RESERVED, NO_RESERVED, customer_valid),
    [EVENT_ORDER_IMAGE] = RULE(fact_order_image, 1, LINES_PER_ORDER_MAX,
        RESERVED(fact_order, reserved2), NO_RESERVED, order_image_valid),
    [EVENT_KEYS_IMAGE] = RULE_IMAGES(0, 0, keys_valid),
    [EVENT_ALLOWANCES_IMAGE] = RULE_IMAGES(1, IMAGES_MAX, allowances_valid),
    [EVENT_GONE_IMAGE] = RULE_IMAGES(1, IMAGES_MAX, gone_valid),
    [EVENT_KILLS_IMAGE] = RULE_IMAGES(0, 0, kills_valid),
    [EVENT_NAME_IMAGE] = RULE_WHOLE(fact_name, name_valid),
    [EVENT_PRODUCT_IMAGE] = RULE_WHOLE(fact_product, product_valid),
    [EVENT_SWITCH_IMAGE] = RULE_PLAIN(fact_switch, switch_image_valid),
    [EVENT_IMPORT_IMAGE] = RULE_PLAIN(fact_import, any_valid),
};

/* The rule of a kind as read, or one with fact_size 0. */
static const struct kind_rule *rule_of(uint32_t kind)
{
    uint32_t count = sizeof(kind_rules) / sizeof(kind_rules[0]);
    return &kind_rules[kind < count ? kind : EVENT_NONE];
}

/* Rule: entries are of records of a walk. */
static bool entries_valid(const struct event *event)
{
    return event->text[TEXT_ENTRIES].size == 0 || event->kind == EVENT_WALK_BEGUN ||
           event->kind == EVENT_ORDER_IMAGE || event->kind == EVENT_KEYS_IMAGE ||
           event->kind == EVENT_ALLOWANCES_IMAGE || event->kind == EVENT_KILLS_IMAGE;
}

/* Bounds of each text and of the whole record; only order lines and names can make it too large. */
static bool texts_valid(const struct event *event, const struct kind_rule *rule)
{
    uint32_t size = rule->fact_size + event->line_count * (uint32_t)sizeof(struct event_line);
    for (uint32_t mask = record_texts(event); mask != 0; mask &= mask - 1) {
        uint32_t text = (uint32_t)__builtin_ctz(mask);
        if (event->text[text].size > text_size_max[text])
            return false;
        size += event->text[text].size;
    }
    return size <= RECORD_SIZE_MAX - RECORD_OVERHEAD_MAX && names_valid(event) &&
           event->text[TEXT_COUNTS].size % sizeof(struct identity_count) == 0 &&
           holds_valid(event) && customers_valid(event) && entries_valid(event);
}

static bool lines_valid(const struct event *event, const struct kind_rule *rule)
{
    if (event->line_count < rule->lines_min || event->line_count > rule->lines_max)
        return false;
    return true;
}

uint32_t record_fact_size(uint32_t kind)
{
    return rule_of(kind)->fact_size;
}

bool record_valid(const struct event *event)
{
    const struct kind_rule *rule = rule_of(event->kind);
    if (rule->fact_size == 0 || !rule->fact_valid(event))
        return false;
    for (uint32_t i = 0; i < 2; i++)
        if (!all_zero(
                (const uint8_t *)&event->fact + rule->reserved[i].offset, rule->reserved[i].size))
            return false;
    if (event->stream_count > (event->kind < EVENT_WALK_BEGUN ? STREAM_EVENTS_MAX : 0) ||
        (event->stream_count > 0) != (event->stream_seq > 0))
        return false;
    return lines_valid(event, rule) && texts_valid(event, rule);
}
