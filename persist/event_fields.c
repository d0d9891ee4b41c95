/* SPDX-License-Identifier: Apache-2.0 */
/* Names are those of event.h, so that the tables and the code say the same words. */
#include "persist/event_fields.h"

#include <stddef.h>

#define ROW(type, member, form, words)                                                             \
    {                                                                                              \
#member, offsetof(type, member), sizeof(((type *)0)->member), form, words                  \
    }
/* The fields of a struct within a struct. */
#define INNER(name, type, member, form, words)                                                     \
    {                                                                                              \
        name, offsetof(type, member), sizeof(((type *)0)->member), form, words                     \
    }
#define NUMBER(type, member) ROW(type, member, FIELD_UNSIGNED, NULL)
#define SIGNED(type, member) ROW(type, member, FIELD_SIGNED, NULL)
#define FLAG(type, member) ROW(type, member, FIELD_FLAG, NULL)
#define TIME(type, member) ROW(type, member, FIELD_TIME, NULL)
#define UUID(type, member) ROW(type, member, FIELD_UUID, NULL)
#define HASH(type, member) ROW(type, member, FIELD_HASH, NULL)
#define CURRENCY(type, member) ROW(type, member, FIELD_CURRENCY, NULL)
#define WORD(type, member, words) ROW(type, member, FIELD_WORD, &words)
#define FIELDS(fields, type)                                                                       \
    {                                                                                              \
        fields, sizeof(fields) / sizeof(fields[0]), sizeof(type)                                   \
    }
#define WORDS(name, ...)                                                                           \
    static const char *const name##_list[] = {__VA_ARGS__};                                        \
    static const struct field_words name = {name##_list, sizeof(name##_list) / sizeof(char *)}

WORDS(move_words, "", "give", "sell", "restock");
WORDS(status_words, "", "pending_payment", "review", "confirmed", "cancelled", "expired",
    "refund_required", "refunded");
WORDS(mode_words, "", "external", "deferred");
WORDS(risk_words, "", "approve", "review", "decline");
WORDS(result_words, "", "pending", "authorized", "captured", "declined", "cancelled", "refunded");
WORDS(part_words, "", "cart_lines", "allowances", "gone", "all");
WORDS(line_words, "", "held", "expired", "moved");
WORDS(counts_words, "exact", "capped", "boolean");
WORDS(guests_words, "allowed", "refused");
WORDS(action_words, "", "resume", "pause", "freeze", "kill");
WORDS(scope_words, "", "all", "sale", "sku");
WORDS(reserve_words, "", "cart", "checkout");
WORDS(told_words, "", "open", "closed");
WORDS(request_words, "", "checkout", "cancel", "stock", "merge");

static const struct field line_fields[] = {
    NUMBER(struct event_line, sku_number),
    NUMBER(struct event_line, quantity),
    NUMBER(struct event_line, cancelled),
    NUMBER(struct event_line, restocked),
    SIGNED(struct event_line, unit_price),
    NUMBER(struct event_line, seller_number),
    NUMBER(struct event_line, sale_number),
    NUMBER(struct event_line, limit),
    NUMBER(struct event_line, moved),
    NUMBER(struct event_line, from_hold),
    NUMBER(struct event_line, uncounted),
};

static const struct field hold_fields[] = {
    NUMBER(struct event_hold, deadline_shelf_ms),
    NUMBER(struct event_hold, created_shelf_ms),
    NUMBER(struct event_hold, taken),
    NUMBER(struct event_hold, handed),
    WORD(struct event_hold, state, line_words),
    NUMBER(struct event_hold, extensions),
};

static const struct field cart_fields[] = {
    NUMBER(struct fact_cart, deadline_shelf_ms),
    NUMBER(struct fact_cart, created_shelf_ms),
    NUMBER(struct fact_cart, now_shelf_ms),
    NUMBER(struct fact_cart, cart_version),
    CURRENCY(struct fact_cart, currency),
    WORD(struct fact_cart, state, line_words),
    NUMBER(struct fact_cart, extensions),
    WORD(struct fact_cart, move, move_words),
    NUMBER(struct fact_cart, taken),
};

static const struct field merge_fields[] = {
    HASH(struct fact_merge, key_hash),
    NUMBER(struct fact_merge, merge_id),
    NUMBER(struct fact_merge, keep_shelf_ms),
    NUMBER(struct fact_merge, now_shelf_ms),
    NUMBER(struct fact_merge, cart_version),
    CURRENCY(struct fact_merge, currency),
    WORD(struct fact_merge, move, move_words),
    FLAG(struct fact_merge, returned),
};

/* The whole order: of an event, and of an image with what else it says. */
#define ORDER_FIELDS                                                                               \
    UUID(struct fact_order, id), HASH(struct fact_order, key_hash),                                \
        HASH(struct fact_order, request_hash), HASH(struct fact_order, payment_hash),              \
        SIGNED(struct fact_order, items_total), SIGNED(struct fact_order, total),                  \
        SIGNED(struct fact_order, paid), SIGNED(struct fact_order, refund_due),                    \
        SIGNED(struct fact_order, amount), NUMBER(struct fact_order, payment_due_shelf_ms),        \
        NUMBER(struct fact_order, born_due_shelf_ms), NUMBER(struct fact_order, keep_shelf_ms),    \
        NUMBER(struct fact_order, now_shelf_ms), TIME(struct fact_order, now_wall_ms),             \
        TIME(struct fact_order, payment_due_wall_ms), TIME(struct fact_order, created_wall_ms),    \
        TIME(struct fact_order, confirmed_wall_ms), TIME(struct fact_order, paid_wall_ms),         \
        TIME(struct fact_order, cancel_until_wall_ms), NUMBER(struct fact_order, version),         \
        NUMBER(struct fact_order, cart_version), CURRENCY(struct fact_order, currency),            \
        WORD(struct fact_order, status, status_words),                                             \
        WORD(struct fact_order, status_before, status_words),                                      \
        WORD(struct fact_order, status_born, status_words),                                        \
        WORD(struct fact_order, mode, mode_words), WORD(struct fact_order, move, move_words),      \
        FLAG(struct fact_order, reclaimed), FLAG(struct fact_order, from_cart),                    \
        WORD(struct fact_order, result, result_words), FLAG(struct fact_order, adjusted),          \
        FLAG(struct fact_order, extended), WORD(struct fact_order, review_decision, risk_words),   \
        NUMBER(struct fact_order, texts_lost), NUMBER(struct fact_order, payment_seconds),         \
        NUMBER(struct fact_order, created_shelf_ms), SIGNED(struct fact_order, born_total)

static const struct field order_fields[] = {ORDER_FIELDS};

static const struct field order_image_fields[] = {
    ORDER_FIELDS, NUMBER(struct fact_order_image, stream_seq)};

static const struct field product_fields[] = {
    NUMBER(struct fact_product, sku_number),
    NUMBER(struct fact_product, version),
    NUMBER(struct fact_product, seller_number),
    NUMBER(struct fact_product, sale_number),
    NUMBER(struct fact_product, max_per_customer),
    NUMBER(struct fact_product, hold_seconds),
    NUMBER(struct fact_product, allotment),
    FLAG(struct fact_product, created),
    WORD(struct fact_product, reserve_on, reserve_words),
    FLAG(struct fact_product, in_import),
    NUMBER(struct fact_product, price_count),
    TIME(struct fact_product, starts_wall_ms),
    TIME(struct fact_product, ends_wall_ms),
    TIME(struct fact_product, now_wall_ms),
};

static const struct field price_fields[] = {
    {"currency", 0, 4, FIELD_CURRENCY, NULL},
    {"amount", 8, 8, FIELD_SIGNED, NULL},
};

_Static_assert(sizeof(((struct fact_product *)0)->prices[0]) == 16, "as price_fields has it");

static const struct field stock_fields[] = {
    HASH(struct fact_stock, key_hash),
    HASH(struct fact_stock, request_hash),
    NUMBER(struct fact_stock, keep_shelf_ms),
    SIGNED(struct fact_stock, delta),
    TIME(struct fact_stock, now_wall_ms),
    NUMBER(struct fact_stock, sku_number),
    NUMBER(struct fact_stock, allotment),
    NUMBER(struct fact_stock, available),
    NUMBER(struct fact_stock, held),
    NUMBER(struct fact_stock, sold),
};

#define SALE_FIELDS                                                                                \
    NUMBER(struct fact_sale, sale_number), NUMBER(struct fact_sale, hold_seconds),                 \
        NUMBER(struct fact_sale, payment_seconds), NUMBER(struct fact_sale, review_seconds),       \
        NUMBER(struct fact_sale, max_per_customer),                                                \
        WORD(struct fact_sale, reserve_on, reserve_words),                                         \
        WORD(struct fact_sale, payment_mode, mode_words),                                          \
        WORD(struct fact_sale, counts, counts_words),                                              \
        WORD(struct fact_sale, guests, guests_words), NUMBER(struct fact_sale, counts_cap),        \
        NUMBER(struct fact_sale, version), TIME(struct fact_sale, starts_wall_ms),                 \
        TIME(struct fact_sale, ends_wall_ms), TIME(struct fact_sale, now_wall_ms)

static const struct field sale_fields[] = {SALE_FIELDS};

_Static_assert(offsetof(struct fact_name, sale) == 0, "as name_fields has it");

static const struct field name_fields[] = {
    SALE_FIELDS,
    INNER("slot", struct fact_name, slot.slot, FIELD_UNSIGNED, NULL),
    INNER("number", struct fact_name, slot.number, FIELD_UNSIGNED, NULL),
    INNER("number_next", struct fact_name, slot.number_next, FIELD_UNSIGNED, NULL),
    INNER("free_order", struct fact_name, slot.free_order, FIELD_UNSIGNED, NULL),
    INNER("told", struct fact_name, slot.told, FIELD_WORD, &told_words),
    INNER("is_seller", struct fact_name, slot.is_seller, FIELD_FLAG, NULL),
};

static const struct field removal_fields[] = {
    TIME(struct fact_removal, now_wall_ms),
    NUMBER(struct fact_removal, sale_number),
};

static const struct field part_fields[] = {
    NUMBER(struct fact_part, now_shelf_ms),
    NUMBER(struct fact_part, sale_number),
    WORD(struct fact_part, part, part_words),
};

static const struct field forgotten_fields[] = {
    NUMBER(struct fact_forgotten, now_shelf_ms),
    NUMBER(struct fact_forgotten, count),
};

static const struct field unmatched_fields[] = {
    UUID(struct fact_unmatched, order_id),
    HASH(struct fact_unmatched, payment_hash),
    SIGNED(struct fact_unmatched, amount),
    TIME(struct fact_unmatched, now_wall_ms),
    CURRENCY(struct fact_unmatched, currency),
    WORD(struct fact_unmatched, result, result_words),
};

static const struct field import_fields[] = {
    HASH(struct fact_import, hash),
    NUMBER(struct fact_import, size),
    NUMBER(struct fact_import, rows),
    TIME(struct fact_import, now_wall_ms),
};

static const struct field switch_fields[] = {
    TIME(struct fact_switch, now_wall_ms),
    NUMBER(struct fact_switch, number),
    NUMBER(struct fact_switch, kill),
    WORD(struct fact_switch, action, action_words),
    WORD(struct fact_switch, scope, scope_words),
    NUMBER(struct fact_switch, state),
};

static const struct field kill_fields[] = {
    NUMBER(struct fact_kill, released),
    NUMBER(struct fact_kill, cancelled),
    NUMBER(struct fact_kill, kill),
    NUMBER(struct fact_kill, number),
    WORD(struct fact_kill, scope, scope_words),
};

static const struct field mark_fields[] = {
    NUMBER(struct fact_mark, system_id),
    TIME(struct fact_mark, now_wall_ms),
};

static const struct field salvaged_fields[] = {
    NUMBER(struct fact_salvaged, shard),
    NUMBER(struct fact_salvaged, from),
    NUMBER(struct fact_salvaged, to),
    NUMBER(struct fact_salvaged, seq),
    NUMBER(struct fact_salvaged, seq_to),
    TIME(struct fact_salvaged, now_wall_ms),
};

static const struct field walk_fields[] = {
    NUMBER(struct fact_walk, number),
    NUMBER(struct fact_walk, stream_seq),
    NUMBER(struct fact_walk, system_id),
    TIME(struct fact_walk, now_wall_ms),
    NUMBER(struct fact_walk, customers),
    NUMBER(struct fact_walk, holds),
    NUMBER(struct fact_walk, orders),
    NUMBER(struct fact_walk, lines),
    NUMBER(struct fact_walk, payments),
    NUMBER(struct fact_walk, keys),
    NUMBER(struct fact_walk, allowances),
    NUMBER(struct fact_walk, gone),
    NUMBER(struct fact_walk, text_blocks),
    NUMBER(struct fact_walk, kill_begun),
    NUMBER(struct fact_walk, removal_sale),
    NUMBER(struct fact_walk, sku_next),
    NUMBER(struct fact_walk, kill_last),
    NUMBER(struct fact_walk, leaving),
    NUMBER(struct fact_walk, flags),
};

static const struct field walk_end_fields[] = {
    NUMBER(struct fact_walk_end, number),
    NUMBER(struct fact_walk_end, images),
};

static const struct field customer_fields[] = {
    NUMBER(struct fact_customer, touched_shelf_ms),
    NUMBER(struct fact_customer, merge_id),
    NUMBER(struct fact_customer, merge_shelf_ms),
    UUID(struct fact_customer, last_order),
    NUMBER(struct fact_customer, cart_version),
    CURRENCY(struct fact_customer, currency),
};

static const struct field images_fields[] = {NUMBER(struct fact_images, count)};

#define CART FIELDS(cart_fields, struct fact_cart)
#define MERGE FIELDS(merge_fields, struct fact_merge)
#define ORDER FIELDS(order_fields, struct fact_order)
#define FORGOTTEN FIELDS(forgotten_fields, struct fact_forgotten)
#define SALE FIELDS(sale_fields, struct fact_sale)
#define REMOVAL FIELDS(removal_fields, struct fact_removal)
#define IMPORT FIELDS(import_fields, struct fact_import)
#define PRODUCT FIELDS(product_fields, struct fact_product)
#define SWITCHED FIELDS(switch_fields, struct fact_switch)
#define IMAGES FIELDS(images_fields, struct fact_images)
#define KILL FIELDS(kill_fields, struct fact_kill)
#define MARK FIELDS(mark_fields, struct fact_mark)

static const struct kind_row kind_rows[] = {
    [EVENT_CART_LINE_SET] = {"cart_line_set", CART},
    [EVENT_HOLD_EXPIRED] = {"hold_expired", CART},
    [EVENT_CART_CLEARED] = {"cart_cleared", CART},
    [EVENT_ORDER_PLACED] = {"order_placed", ORDER},
    [EVENT_ORDER_CONFIRMED] = {"order_confirmed", ORDER},
    [EVENT_ORDER_PAYMENT_DECLINED] = {"order_payment_declined", ORDER},
    [EVENT_ORDER_LINES_CANCELLED] = {"order_lines_cancelled", ORDER},
    [EVENT_ORDER_CANCELLED] = {"order_cancelled", ORDER},
    [EVENT_ORDER_EXPIRED] = {"order_expired", ORDER},
    [EVENT_ORDER_REVIEW] = {"order_review", ORDER},
    [EVENT_ORDER_REFUND_REQUIRED] = {"order_refund_required", ORDER},
    [EVENT_ORDER_REFUNDED] = {"order_refunded", ORDER},
    [EVENT_PAYMENT_UNMATCHED] = {"payment_unmatched",
        FIELDS(unmatched_fields, struct fact_unmatched)},
    [EVENT_ORDERS_FORGOTTEN] = {"orders_forgotten", FORGOTTEN},
    [EVENT_KEYS_FORGOTTEN] = {"keys_forgotten", FORGOTTEN},
    [EVENT_CUSTOMER_FORGOTTEN] = {"customer_forgotten", FORGOTTEN},
    [EVENT_CART_EXTENDED] = {"cart_extended", CART},
    [EVENT_CART_MOVED_OUT] = {"cart_moved_out", MERGE},
    [EVENT_CART_MERGED] = {"cart_merged", MERGE},
    [EVENT_CART_MERGE_ENDED] = {"cart_merge_ended", MERGE},
    [EVENT_ALLOWANCES_FORGOTTEN] = {"allowances_forgotten", FORGOTTEN},
    [EVENT_KILL_BEGUN] = {"kill_begun", KILL},
    [EVENT_KILL_ENDED] = {"kill_ended", KILL},
    [EVENT_SALE_PART_REMOVED] = {"sale_part_removed", FIELDS(part_fields, struct fact_part)},
    [EVENT_PRODUCT_SET] = {"product_set", PRODUCT},
    [EVENT_STOCK_ADJUSTED] = {"stock_adjusted", FIELDS(stock_fields, struct fact_stock)},
    [EVENT_SALE_SET] = {"sale_set", SALE},
    [EVENT_IMPORT_BEGUN] = {"import_begun", IMPORT},
    [EVENT_IMPORT_DONE] = {"import_done", IMPORT},
    [EVENT_SWITCH_SET] = {"switch_set", SWITCHED},
    [EVENT_SALE_CLOSING] = {"sale_closing", REMOVAL},
    [EVENT_SALE_REMOVED] = {"sale_removed", REMOVAL},
    [EVENT_SALE_OPENED] = {"sale_opened", SALE},
    [EVENT_SALE_CLOSED] = {"sale_closed", SALE},
    [EVENT_STREAM_ATTACHED] = {"stream_attached", MARK},
    [EVENT_CLOSED] = {"closed", MARK},
    [EVENT_SALVAGED] = {"salvaged", FIELDS(salvaged_fields, struct fact_salvaged)},
    [EVENT_WALK_BEGUN] = {"walk_begun", FIELDS(walk_fields, struct fact_walk)},
    [EVENT_WALK_ENDED] = {"walk_ended", FIELDS(walk_end_fields, struct fact_walk_end)},
    [EVENT_CUSTOMER_IMAGE] = {"customer_image", FIELDS(customer_fields, struct fact_customer)},
    [EVENT_ORDER_IMAGE] = {"order_image", FIELDS(order_image_fields, struct fact_order_image)},
    [EVENT_KEYS_IMAGE] = {"keys_image", IMAGES},
    [EVENT_ALLOWANCES_IMAGE] = {"allowances_image", IMAGES},
    [EVENT_GONE_IMAGE] = {"gone_image", IMAGES},
    [EVENT_KILLS_IMAGE] = {"kills_image", IMAGES},
    [EVENT_NAME_IMAGE] = {"name_image", FIELDS(name_fields, struct fact_name)},
    [EVENT_PRODUCT_IMAGE] = {"product_image", PRODUCT},
    [EVENT_SWITCH_IMAGE] = {"switch_image", SWITCHED},
    [EVENT_IMPORT_IMAGE] = {"import_image", IMPORT},
};

struct id_element {
    uint8_t id[16];
};

struct key_element {
    struct hash128 key;
};

struct claim_element {
    uint8_t order_id[16];
    struct hash128 payment_hash;
};

static const struct field id_fields[] = {UUID(struct id_element, id)};
static const struct field key_fields[] = {HASH(struct key_element, key)};
static const struct field claim_fields[] = {
    UUID(struct claim_element, order_id), HASH(struct claim_element, payment_hash)};
static const struct field count_fields[] = {
    HASH(struct identity_count, key), NUMBER(struct identity_count, units)};

struct seq_element {
    uint64_t seq;
};

static const struct field seq_fields[] = {NUMBER(struct seq_element, seq)};
static const struct field payment_fields[] = {
    HASH(struct payment_entry, hash),
    NUMBER(struct payment_entry, results),
};
static const struct field request_fields[] = {
    HASH(struct key_entry, key),
    HASH(struct key_entry, request),
    UUID(struct key_entry, order_id),
    NUMBER(struct key_entry, keep_shelf_ms),
    NUMBER(struct key_entry, allotment),
    NUMBER(struct key_entry, available),
    NUMBER(struct key_entry, held),
    NUMBER(struct key_entry, sold),
    WORD(struct key_entry, kind, request_words),
    NUMBER(struct key_entry, partition),
};
static const struct field kill_entry_fields[] = {
    NUMBER(struct kill_entry, released),
    NUMBER(struct kill_entry, cancelled),
    NUMBER(struct kill_entry, kill),
    NUMBER(struct kill_entry, number),
    WORD(struct kill_entry, scope, scope_words),
    FLAG(struct kill_entry, ended),
};

#define ARRAY(name, fields, type)                                                                  \
    {                                                                                              \
        name, TEXT_IS_ARRAY, FIELDS(fields, type)                                                  \
    }

static const struct text_row text_rows[EVENT_TEXTS] = {
    [TEXT_CUSTOMER] = {.name = "customer", .form = TEXT_IS_CUSTOMER},
    [TEXT_KEY] = {.name = "key"},
    [TEXT_REFERENCES] = {.name = "references"},
    [TEXT_PROVIDER] = {.name = "provider"},
    [TEXT_PAYMENT_ID] = {.name = "payment_id"},
    [TEXT_TOKEN] = {.name = "token_size", .form = TEXT_IS_SECRET},
    [TEXT_ADJUSTMENTS] = {.name = "adjustments"},
    [TEXT_NAMES] = {.name = "names", .form = TEXT_IS_OF_LINES},
    [TEXT_IDS] = ARRAY("ids", id_fields, struct id_element),
    [TEXT_ACTOR] = {.name = "actor"},
    [TEXT_REASON] = {.name = "reason"},
    [TEXT_SKU] = {.name = "sku"},
    [TEXT_TITLE] = {.name = "title"},
    [TEXT_CATEGORY] = {.name = "category"},
    [TEXT_SELLER] = {.name = "seller"},
    [TEXT_SALE] = {.name = "sale"},
    [TEXT_GROUP] = {.name = "group"},
    [TEXT_OPTION] = {.name = "option"},
    [TEXT_IMAGE] = {.name = "image"},
    [TEXT_CLAIMS] = ARRAY("claims", claim_fields, struct claim_element),
    [TEXT_HOLDS] = {.name = "holds", .form = TEXT_IS_OF_LINES},
    [TEXT_REFUND_ID] = {.name = "refund_id"},
    [TEXT_ADJUSTMENTS_BORN] = {.name = "adjustments_born"},
    [TEXT_IDENTITIES] = ARRAY("identities", key_fields, struct key_element),
    [TEXT_COUNTS] = ARRAY("counts", count_fields, struct identity_count),
    [TEXT_CUSTOMERS] = {.name = "customers", .form = TEXT_IS_OF_LINES},
    [TEXT_ENTRIES] = ARRAY("entries", key_fields, struct key_element),
};

/* Texts that a kind uses in its own way. */
static const struct {
    enum event_kind kind;
    enum event_text text;
    struct text_row row;
} own_rows[] = {
    {EVENT_KEYS_FORGOTTEN, TEXT_IDS, ARRAY("keys", key_fields, struct key_element)},
    {EVENT_WALK_BEGUN, TEXT_ENTRIES, ARRAY("seqs", seq_fields, struct seq_element)},
    {EVENT_ORDER_IMAGE, TEXT_ENTRIES, ARRAY("payments", payment_fields, struct payment_entry)},
    {EVENT_KEYS_IMAGE, TEXT_ENTRIES, ARRAY("keys", request_fields, struct key_entry)},
    {EVENT_ALLOWANCES_IMAGE, TEXT_ENTRIES, ARRAY("handed_to", key_fields, struct key_element)},
    {EVENT_KILLS_IMAGE, TEXT_ENTRIES, ARRAY("kills", kill_entry_fields, struct kill_entry)},
};

const struct kind_row *event_fields_of_kind(enum event_kind kind)
{
    uint32_t count = sizeof(kind_rows) / sizeof(kind_rows[0]);
    return &kind_rows[(uint32_t)kind < count ? kind : EVENT_NONE];
}

const struct text_row *event_fields_of_text(enum event_kind kind, enum event_text text)
{
    for (uint32_t i = 0; i < sizeof(own_rows) / sizeof(own_rows[0]); i++)
        if (own_rows[i].kind == kind && own_rows[i].text == text)
            return &own_rows[i].row;
    return &text_rows[text];
}

struct fields event_fields_of_line(void)
{
    return (struct fields)FIELDS(line_fields, struct event_line);
}

struct fields event_fields_of_hold(void)
{
    return (struct fields)FIELDS(hold_fields, struct event_hold);
}

struct fields event_fields_of_price(void)
{
    return (struct fields){price_fields, 2, 16};
}
