/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sample_events - one event of any kind, at any size, for the tests of the journal.
 *
 * Ownership  Lines and texts live in struct sample, which the event borrows.
 * Threads    None.
 * Units      Bytes; counts of lines.
 * Errors     None.
 * Cost       Fills some 130 KiB.
 */
#ifndef HOTSHELF_TESTS_PERSIST_SAMPLE_EVENTS_H
#define HOTSHELF_TESTS_PERSIST_SAMPLE_EVENTS_H

#include "core/event.h"
#include "core/tables.h"
#include "persist/record.h"

enum sample_size { SAMPLE_EMPTY, SAMPLE_ONE, SAMPLE_LARGEST };

struct sample {
    struct event event;
    struct event_line lines[LINES_PER_ORDER_MAX];
    uint8_t texts[EVENT_TEXTS][EVENT_NAMES_SIZE_MAX];
};

/* Every kind that a record may have: kinds are below this number. */
enum { SAMPLE_KINDS_END = 256 };

static inline bool sample_is_kind(uint32_t kind)
{
    return record_fact_size(kind) > 0;
}

static const uint32_t sample_text_max[EVENT_TEXTS] = {[TEXT_CUSTOMER] = CUSTOMER_SIZE_MAX,
    [TEXT_KEY] = KEY_SIZE_MAX,
    [TEXT_REFERENCES] = REFERENCES_SIZE_MAX,
    [TEXT_PROVIDER] = PAYMENT_TEXT_SIZE_MAX,
    [TEXT_PAYMENT_ID] = PAYMENT_TEXT_SIZE_MAX,
    [TEXT_TOKEN] = TOKEN_SIZE_MAX,
    [TEXT_ADJUSTMENTS] = RECORD_ADJUSTMENTS_SIZE_MAX,
    [TEXT_NAMES] = 0,
    [TEXT_IDS] = 0,
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
    [TEXT_HOLDS] = 0,
    [TEXT_REFUND_ID] = PAYMENT_TEXT_SIZE_MAX,
    [TEXT_ADJUSTMENTS_BORN] = RECORD_ADJUSTMENTS_SIZE_MAX,
    [TEXT_IDENTITIES] = IDENTITIES_SIZE_MAX,
    [TEXT_COUNTS] = RECORD_COUNTS_SIZE_MAX,
    [TEXT_CUSTOMERS] = 0,
    [TEXT_ENTRIES] = 0};

static inline bool sample_is_cart(enum event_kind kind)
{
    return kind == EVENT_CART_LINE_SET || kind == EVENT_HOLD_EXPIRED ||
           kind == EVENT_CART_CLEARED || kind == EVENT_CART_EXTENDED;
}

static inline bool sample_is_merge(enum event_kind kind)
{
    return kind >= EVENT_CART_MOVED_OUT && kind <= EVENT_CART_MERGE_ENDED;
}

/* Carts of many lines: with an event_hold for each. */
static inline bool sample_has_holds(enum event_kind kind)
{
    return kind == EVENT_CART_EXTENDED || sample_is_merge(kind) || kind == EVENT_CUSTOMER_IMAGE;
}

/* Lines of small entities. */
static inline bool sample_has_images(enum event_kind kind)
{
    return kind == EVENT_ALLOWANCES_IMAGE || kind == EVENT_GONE_IMAGE;
}

static inline uint32_t sample_line_count(enum event_kind kind, enum sample_size size)
{
    if (kind == EVENT_CART_LINE_SET || kind == EVENT_HOLD_EXPIRED)
        return 1;
    if (kind == EVENT_ALLOWANCES_FORGOTTEN)
        return size == SAMPLE_LARGEST ? FORGET_MAX : 1;
    if (kind == EVENT_SALE_PART_REMOVED)
        return size == SAMPLE_LARGEST ? PART_LINES_MAX : (uint32_t)size;
    if (sample_has_images(kind))
        return size == SAMPLE_LARGEST ? IMAGES_MAX : 1;
    if (!event_is_order(kind) && kind != EVENT_CART_CLEARED && !sample_has_holds(kind) &&
        kind != EVENT_ORDER_IMAGE)
        return 0;
    if (size == SAMPLE_EMPTY)
        return kind == EVENT_CART_CLEARED ? 0 : 1;
    return size == SAMPLE_ONE ? 1 : LINES_PER_ORDER_MAX;
}

static inline void sample_lines(struct sample *sample, enum sample_size size)
{
    sample->event.line_count = sample_line_count(sample->event.kind, size);
    sample->event.lines = sample->event.line_count > 0 ? sample->lines : NULL;
    for (uint32_t i = 0; i < sample->event.line_count; i++)
        sample->lines[i] = (struct event_line){.sku_number = 1 + i,
            .quantity = 2 + i,
            .unit_price = INT64_C(-7) * i,
            .limit = UINT32_MAX - i,
            .moved = i};
}

static inline void sample_holds(struct sample *sample)
{
    uint32_t count = sample_has_holds(sample->event.kind) ? sample->event.line_count : 0;
    for (uint32_t i = 0; i < count; i++) {
        struct event_hold hold = {.deadline_shelf_ms = 9 + i,
            .created_shelf_ms = 1 + i,
            .state = LINE_HELD,
            .extensions = UINT8_MAX};
        memcpy(sample->texts[TEXT_HOLDS] + i * sizeof(hold), &hold, sizeof(hold));
    }
    sample->event.text[TEXT_HOLDS] =
        bytes_of(sample->texts[TEXT_HOLDS], count * (uint32_t)sizeof(struct event_hold));
}

/* Carts of many lines go without. */
static inline bool sample_has_names(enum event_kind kind)
{
    return !sample_has_holds(kind) && !sample_has_images(kind) && kind != EVENT_SALE_PART_REMOVED;
}

static inline void sample_names(struct sample *sample, enum sample_size size)
{
    static const uint32_t bounds[3] = {SKU_SIZE_MAX, NAME_SIZE_MAX, NAME_SIZE_MAX};
    uint8_t *out = sample->texts[TEXT_NAMES];
    for (uint32_t i = 0; i < 3 * sample->event.line_count; i++) {
        uint32_t name = size == SAMPLE_LARGEST ? bounds[i % 3] : size == SAMPLE_ONE ? 1 : 0;
        *out++ = (uint8_t)name;
        memset(out, 'a' + (int)(i % 26), name);
        out += name;
    }
    sample->event.text[TEXT_NAMES] =
        bytes_of(sample->texts[TEXT_NAMES], (uint32_t)(out - sample->texts[TEXT_NAMES]));
}

static inline void sample_texts(struct sample *sample, enum sample_size size)
{
    for (uint32_t i = 0; i < EVENT_TEXTS; i++) {
        uint32_t wanted = size == SAMPLE_LARGEST ? sample_text_max[i] : size == SAMPLE_ONE ? 1 : 0;
        bool orders = i >= TEXT_REFUND_ID || i < TEXT_SKU;
        bool has_lines = sample_line_count(sample->event.kind, size) > 0;
        if (has_lines && !orders)
            wanted = 0; /* lines have names instead */
        if (i == TEXT_COUNTS && sample->event.kind >= EVENT_WALK_BEGUN)
            wanted = 0;
        if (has_lines && i == TEXT_COUNTS && wanted > COUNTS_SIZE_MAX)
            wanted = COUNTS_SIZE_MAX;
        if (wanted == 1 && (i == TEXT_IDENTITIES || i == TEXT_COUNTS))
            wanted = i == TEXT_IDENTITIES ? 16 : 24;
        if (wanted > sample_text_max[i])
            wanted = sample_text_max[i];
        memset(sample->texts[i], 'A' + (int)i, wanted);
        sample->event.text[i] = bytes_of(sample->texts[i], wanted);
    }
}

/* A line for each customer, whose ids are as long as they can be. */
static inline void sample_part(struct sample *sample)
{
    uint8_t *out = sample->texts[TEXT_CUSTOMERS];
    uint32_t count = sample->event.line_count;
    sample->event.fact.part = (struct fact_part){
        .sale_number = 3, .part = (uint8_t)(count > 0 ? PART_ALLOWANCES : PART_ALL)};
    for (uint32_t i = 0; i < count; i++, out += 1 + CUSTOMER_SIZE_MAX) {
        *out = CUSTOMER_SIZE_MAX;
        memset(out + 1, 'a', CUSTOMER_SIZE_MAX);
    }
    sample->event.text[TEXT_CUSTOMERS] =
        bytes_of(sample->texts[TEXT_CUSTOMERS], count * (1 + CUSTOMER_SIZE_MAX));
}

/* The entries of an image, or of the beginning of a walk: `count` of `size` bytes, all zero but for
 * the kind of a key and the number and scope of a kill. */
static inline void sample_entries(struct sample *sample, uint32_t count, uint32_t size)
{
    uint8_t *out = sample->texts[TEXT_ENTRIES];
    memset(out, 0, count * size);
    for (uint32_t i = 0; i < count; i++, out += size) {
        struct key_entry key = {.kind = REQUEST_CANCEL};
        struct kill_entry kill = {.kill = 1 + i, .number = 2, .scope = SCOPE_SKU, .ended = 1};
        if (sample->event.kind == EVENT_KEYS_IMAGE)
            memcpy(out, &key, sizeof(key));
        if (sample->event.kind == EVENT_KILLS_IMAGE)
            memcpy(out, &kill, sizeof(kill));
    }
    sample->event.text[TEXT_ENTRIES] = bytes_of(sample->texts[TEXT_ENTRIES], count * size);
}

/* The fact of a restating walk's record. */
static inline void sample_walk_fact(struct sample *sample, enum sample_size size)
{
    struct event *event = &sample->event;
    uint32_t many = size == SAMPLE_LARGEST ? IMAGES_MAX : 1;
    if (event->kind == EVENT_WALK_BEGUN) {
        event->fact.walk = (struct fact_walk){.number = 3, .flags = WALK_NAMES, .text_blocks = 9};
        sample_entries(sample, many - 1, sizeof(uint64_t));
    } else if (event->kind == EVENT_WALK_ENDED) {
        event->fact.walk_end = (struct fact_walk_end){.number = 3, .images = 17};
    } else if (event->kind == EVENT_CUSTOMER_IMAGE) {
        event->fact.customer = (struct fact_customer){.merge_id = 5, .currency = "USD"};
    } else if (event->kind == EVENT_ORDER_IMAGE) {
        event->fact.order_image = (struct fact_order_image){.order = {.id = {1},
                                                                .status = ORDER_REVIEW,
                                                                .status_before = ORDER_REVIEW,
                                                                .mode = PAYMENT_EXTERNAL},
            .stream_seq = 8};
        sample_entries(sample, size == SAMPLE_LARGEST ? PAYMENTS_PER_ORDER : size,
            sizeof(struct payment_entry));
    } else if (event->kind == EVENT_KEYS_IMAGE) {
        event->fact.images = (struct fact_images){.count = many};
        sample_entries(sample, many, sizeof(struct key_entry));
    } else if (event->kind == EVENT_KILLS_IMAGE) {
        event->fact.images = (struct fact_images){.count = many};
        sample_entries(sample, many, sizeof(struct kill_entry));
    } else if (sample_has_images(event->kind)) {
        bool handed = event->kind == EVENT_ALLOWANCES_IMAGE && size != SAMPLE_EMPTY;
        event->fact.images = (struct fact_images){.count = event->line_count};
        sample_entries(sample, handed ? event->line_count : 0, sizeof(struct hash128));
    } else if (event->kind == EVENT_NAME_IMAGE) {
        event->fact.name = (struct fact_name){.sale = {.version = 2},
            .slot = {.slot = 4, .number = event->text[TEXT_SALE].size > 0 ? 5 : 0}};
    } else if (event->kind == EVENT_SWITCH_IMAGE) {
        event->fact.switched =
            (struct fact_switch){.number = 5, .kill = 2, .scope = SCOPE_SKU, .state = 4};
    }
    if (size == SAMPLE_EMPTY &&
        (event->kind == EVENT_CUSTOMER_IMAGE || event->kind == EVENT_ORDER_IMAGE ||
            event->kind == EVENT_ALLOWANCES_IMAGE))
        event->text[TEXT_CUSTOMER] = BYTES("c");
}

static inline void sample_fact(struct sample *sample, enum sample_size size)
{
    struct event *event = &sample->event;
    uint32_t ids = size == SAMPLE_LARGEST ? FORGET_MAX : size == SAMPLE_ONE ? 1 : 0;
    if (sample_is_cart(event->kind)) {
        event->fact.cart = (struct fact_cart){
            .deadline_shelf_ms = 77, .currency = "USD", .state = LINE_HELD, .move = MOVE_GIVE};
    } else if (event->kind >= EVENT_WALK_BEGUN && event->kind != EVENT_PRODUCT_IMAGE) {
        sample_walk_fact(sample, size);
    } else if (sample_is_merge(event->kind)) {
        event->fact.merge =
            (struct fact_merge){.merge_id = 7, .currency = "USD", .move = MOVE_GIVE, .returned = 1};
    } else if (event_is_order(event->kind)) {
        event->fact.order = (struct fact_order){.id = {1, 2, 3},
            .total = 4200,
            .version = 9,
            .currency = "JPY",
            .status = ORDER_CONFIRMED,
            .mode = PAYMENT_EXTERNAL,
            .move = MOVE_SELL};
    } else if (event->kind == EVENT_ORDERS_FORGOTTEN || event->kind == EVENT_KEYS_FORGOTTEN) {
        event->fact.forgotten = (struct fact_forgotten){.now_shelf_ms = 3, .count = ids};
        memset(sample->texts[TEXT_IDS], 0x5a, 16 * ids);
        event->text[TEXT_IDS] = bytes_of(sample->texts[TEXT_IDS], 16 * ids);
        event->text[TEXT_CLAIMS] =
            bytes_of(sample->texts[TEXT_CLAIMS], 32 * PAYMENTS_PER_ORDER * ids);
    } else if (event->kind == EVENT_PRODUCT_SET || event->kind == EVENT_PRODUCT_IMAGE) {
        event->fact.product = (struct fact_product){.sku_number = 5,
            .price_count = PRICES_MAX,
            .prices = {{.currency = "EUR", .amount = -1}}};
    } else if (event->kind == EVENT_SWITCH_SET) {
        event->fact.switched = (struct fact_switch){
            .number = 5, .kill = 2, .action = SWITCH_KILL, .scope = SCOPE_SKU, .state = 4};
    } else if (event->kind == EVENT_KILL_BEGUN || event->kind == EVENT_KILL_ENDED) {
        event->fact.kill = (struct fact_kill){.kill = 2, .number = 5, .scope = SCOPE_SALE};
    } else if (event->kind == EVENT_SALE_PART_REMOVED) {
        sample_part(sample);
    } else if (event->kind == EVENT_CLOSED || event->kind == EVENT_STREAM_ATTACHED) {
        event->fact.mark = (struct fact_mark){.system_id = UINT64_MAX, .now_wall_ms = 1};
    } else if (event->kind == EVENT_SALVAGED) {
        event->fact.salvaged = (struct fact_salvaged){
            .from = 7, .to = 9, .seq = 3, .seq_to = 4, .now_wall_ms = 1, .shard = 1};
    }
}

/* Fills the sample with an event of the kind; seq 0: it is not streamed, as those of walks are. */
static inline struct event *sample_event(
    struct sample *sample, enum event_kind kind, enum sample_size size, uint64_t seq)
{
    if (kind >= EVENT_WALK_BEGUN)
        seq = 0;
    sample->event = (struct event){
        .kind = kind, .stream_seq = seq, .stream_count = seq == 0 ? 0 : STREAM_EVENTS_MAX};
    sample_texts(sample, size);
    sample_lines(sample, size);
    if (sample_has_names(kind))
        sample_names(sample, size);
    sample_holds(sample);
    sample_fact(sample, size);
    return &sample->event;
}

#endif
