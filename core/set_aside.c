/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of orders (references, adjustments, identities) are counted apart, because the pool bounds
 * them all together: a checkout finds room there or is refused. What the pool has free is written
 * with the checkout, with both events after it, and with the walk.
 *
 * A walk: each image alone in its record, as when an event asks for it. Texts that an entity owns
 * are counted as blocks of the pool; the customer's id, which is in the image of each of his orders
 * and allowances, as the engine counts it.
 */
#include "core/set_aside.h"

#include <stdatomic.h>

#include "core/check.h"
#include "core/engine_steps.h"

enum {
    /* Head of a record, zeros behind it, and what comes before each text. */
    RECORD_HEAD = 24 + 7,
    TEXT_HEAD = 4,

    WALK_BEGUN_BYTES = RECORD_HEAD + sizeof(struct fact_walk) + TEXT_HEAD + 8 * SHARDS_MAX,
    WALK_ENDED_BYTES = RECORD_HEAD + sizeof(struct fact_walk_end),
    CUSTOMER_BYTES = RECORD_HEAD + sizeof(struct fact_customer) + 2 * TEXT_HEAD,
    HOLD_BYTES = sizeof(struct event_line) + sizeof(struct event_hold),
    ORDER_BYTES = RECORD_HEAD + sizeof(struct fact_order_image) + 8 * TEXT_HEAD,
    KEY_BYTES = RECORD_HEAD + sizeof(struct fact_images) + TEXT_HEAD + sizeof(struct key_entry),
    ALLOWANCE_BYTES = RECORD_HEAD + sizeof(struct fact_images) + sizeof(struct event_line) +
                      2 * TEXT_HEAD + sizeof(struct hash128),
    GONE_BYTES = RECORD_HEAD + sizeof(struct fact_images) + sizeof(struct event_line),
    KILLS_BYTES = RECORD_HEAD + sizeof(struct fact_images) + TEXT_HEAD,
    NAME_BYTES = RECORD_HEAD + sizeof(struct fact_name) + TEXT_HEAD + NAME_SIZE_MAX,
    PRODUCT_BYTES = RECORD_HEAD + sizeof(struct fact_product) + 8 * TEXT_HEAD + SKU_SIZE_MAX +
                    2 * TITLE_SIZE_MAX + 5 * NAME_SIZE_MAX,
    SWITCH_BYTES =
        RECORD_HEAD + sizeof(struct fact_switch) + 2 * TEXT_HEAD + ACTOR_SIZE_MAX + NAME_SIZE_MAX,
    IMPORT_BYTES = RECORD_HEAD + sizeof(struct fact_import) + TEXT_HEAD + ACTOR_SIZE_MAX,
};

/* What a walk restates. */
struct kept {
    uint64_t customers, holds, orders, lines, payments, keys, allowances, gone;
    uint64_t text_blocks, id_bytes, kills;
    uint64_t products, names, switches; /* on shard 0 */
};

static uint64_t walk_bytes(const struct engine *engine, const struct kept *kept)
{
    uint64_t bytes = WALK_BEGUN_BYTES + WALK_ENDED_BYTES;
    bytes += kept->customers * CUSTOMER_BYTES + kept->holds * HOLD_BYTES;
    bytes += kept->orders * ORDER_BYTES + kept->lines * sizeof(struct event_line);
    bytes += kept->payments * sizeof(struct payment_entry) + kept->keys * KEY_BYTES;
    bytes += kept->allowances * ALLOWANCE_BYTES + kept->gone * GONE_BYTES;
    bytes += kept->text_blocks * TEXT_PAYLOAD_SIZE + kept->id_bytes;
    bytes += kept->kills * sizeof(struct kill_entry) + (kept->kills / IMAGES_MAX + 1) * KILLS_BYTES;
    if (engine->shard != 0)
        return bytes;
    return bytes + kept->products * PRODUCT_BYTES + kept->names * NAME_BYTES +
           kept->switches * SWITCH_BYTES + IMPORT_BYTES;
}

uint64_t engine_names_bytes(const struct engine *engine, uint64_t stream_seq)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < engine->orders.fresh; i++) {
        const struct order *order = pool_at(&engine->orders, i);
        if (pool_is_used(&engine->orders, i) && order->stream_seq <= stream_seq)
            bytes += TEXT_HEAD + order->line_count * (3 + SKU_SIZE_MAX + 2 * NAME_SIZE_MAX);
    }
    return bytes;
}

uint64_t engine_walk_bytes(const struct engine *engine)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    const struct kept kept = {
        .customers = engine->customers.used,
        .holds = engine->holds.used,
        .orders = engine->orders.used,
        .lines = engine->lines.used,
        .payments = engine->payments.used,
        .keys = engine->keys.used,
        .allowances = engine->allowances.used,
        .gone = engine->gone.used,
        .text_blocks = engine->texts.used,
        .id_bytes = engine->id_bytes,
        .kills = engine->kill_count + engine->ended_count,
        .products = engine->shard == 0 ? catalog_walk_end(catalog) : 0,
        .names = engine->shard == 0 ? catalog_name_slots(catalog) : 0,
        .switches = engine->shard == 0 ? engine->shelf->switches.used : 0,
    };
    return walk_bytes(engine, &kept);
}

uint64_t engine_walk_bytes_max(const struct engine *engine)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    const struct kept kept = {
        .customers = engine->customers.capacity,
        .holds = engine->holds.capacity,
        .orders = engine->orders.capacity,
        .lines = engine->lines.capacity,
        .payments = engine->payments.capacity,
        .keys = engine->keys.capacity,
        .allowances = engine->allowances.capacity,
        .gone = engine->gone.capacity,
        .text_blocks = engine->texts.capacity,
        .id_bytes =
            ((uint64_t)engine->orders.capacity + engine->allowances.capacity) * CUSTOMER_SIZE_MAX,
        .kills = KILLS_MAX + ENDED_KILLS_MAX,
        .products = catalog->capacity,
        .names = catalog->names_capacity,
        .switches = SWITCHES_MAX,
    };
    return walk_bytes(engine, &kept);
}

enum {
    /* An order's record without its lines, its texts and its customer's references: what belongs to
     * the checkout, and to any event after it: the report's two texts, or key, actor and reason. */
    PLACED_BYTES = RECORD_HEAD + sizeof(struct fact_order) + 7 * TEXT_HEAD + CUSTOMER_SIZE_MAX +
                   KEY_SIZE_MAX + TOKEN_SIZE_MAX,
    PLACED_LINE_BYTES = sizeof(struct event_line) + 3 + SKU_SIZE_MAX + 2 * NAME_SIZE_MAX,
    ENDED_BYTES = RECORD_HEAD + sizeof(struct fact_order) + 13 * TEXT_HEAD + CUSTOMER_SIZE_MAX +
                  2 * PAYMENT_TEXT_SIZE_MAX + KEY_SIZE_MAX + ACTOR_SIZE_MAX + REASON_SIZE_MAX,
    ENDED_LINE_BYTES = PLACED_LINE_BYTES + sizeof(struct identity_count),
    ORDER_TEXTS_MAX = REFERENCES_SIZE_MAX + ADJUSTMENTS_SIZE_MAX + IDENTITIES_SIZE_MAX,
    BLOCK_REST = TEXT_PAYLOAD_SIZE - 1,

    /* What an event adds to a walk: the payment, its two texts, the key of a cancel. */
    REPORT_BLOCKS = 2 * ((PAYMENT_TEXT_SIZE_MAX + TEXT_PAYLOAD_SIZE - 1) / TEXT_PAYLOAD_SIZE),
    ENDED_WALK_BYTES = sizeof(struct payment_entry) + KEY_BYTES + REPORT_BLOCKS * TEXT_PAYLOAD_SIZE,

    OPEN_ORDER_BYTES = ENDED_BYTES + ENDED_WALK_BYTES + BLOCK_REST,
    LIVE_HOLD_BYTES = PLACED_BYTES + PLACED_LINE_BYTES + 2 * (ENDED_BYTES + ENDED_LINE_BYTES) +
                      ENDED_WALK_BYTES + ORDER_BYTES + CUSTOMER_SIZE_MAX +
                      sizeof(struct event_line) + KEY_BYTES + 4 * BLOCK_REST,
    LIVE_HOLD_RECORDS = 3,

    /* A merge that ends, with lines that the guest has changed meanwhile. */
    MERGE_BYTES = RECORD_HEAD + sizeof(struct fact_merge) + 3 * TEXT_HEAD + 2 * CUSTOMER_SIZE_MAX +
                  LINES_PER_ORDER_MAX * HOLD_BYTES,
    MOVED_LINE_BYTES = LIVE_HOLD_BYTES + ALLOWANCE_BYTES + CUSTOMER_SIZE_MAX,

    /* Of switches, and on each shard of the two ends of kills; each is in a walk, too. */
    SWITCH_RECORDS = 96,
};

static struct order_sums sums_of(const struct order *order)
{
    return (struct order_sums){
        .orders = 1,
        .lines = order->line_count,
        .text_bytes = (uint64_t)order->references.size + order->adjustments.size +
                      order->adjustments_born.size + order->identities.size,
    };
}

void promises_add(struct engine *engine, const struct order *order)
{
    struct promises *promises = &engine->promises;
    const struct order_sums sums = sums_of(order);
    if (!order_is_open(order->status))
        return;
    bool in_review = order->status == ORDER_REVIEW;
    promises->open.orders += sums.orders;
    promises->open.lines += sums.lines;
    promises->open.text_bytes += sums.text_bytes;
    uint64_t *latest = in_review ? &promises->review_shelf_ms : &promises->latest_shelf_ms;
    if (order->payment_due_shelf_ms > *latest)
        *latest = order->payment_due_shelf_ms;
    if (!in_review)
        return;
    promises->in_review.orders += sums.orders;
    promises->in_review.lines += sums.lines;
    promises->in_review.text_bytes += sums.text_bytes;
}

void promises_take(struct engine *engine, const struct order *order)
{
    struct promises *promises = &engine->promises;
    const struct order_sums sums = sums_of(order);
    if (!order_is_open(order->status))
        return;
    promises->open.orders -= sums.orders;
    promises->open.lines -= sums.lines;
    promises->open.text_bytes -= sums.text_bytes;
    if (order->status != ORDER_REVIEW)
        return;
    promises->in_review.orders -= sums.orders;
    promises->in_review.lines -= sums.lines;
    promises->in_review.text_bytes -= sums.text_bytes;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t events_of_orders(const struct order_sums *sums, uint64_t each)
{
    return sums->orders * each + (uint64_t)sums->lines * ENDED_LINE_BYTES + sums->text_bytes;
}

/* Texts that checkouts and reports may still bring, in every record that they will be in. What
 * reports free of the pool by replacing texts is counted as free. */
static uint64_t new_text_bytes(const struct engine *engine, uint64_t holds)
{
    uint64_t orders = holds + engine->promises.open.orders;
    uint64_t room = (text_room(&engine->texts) + REPORT_BLOCKS * orders) * TEXT_PAYLOAD_SIZE;
    uint64_t placed = least(holds * ORDER_TEXTS_MAX, room);
    uint64_t adjusted = least(orders * ADJUSTMENTS_SIZE_MAX, room);
    return 4 * placed + 2 * adjusted;
}

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t longest_ms(const _Atomic uint32_t *of_sales, uint32_t configured)
{
    return 1000 * later(atomic_load_explicit(of_sales, memory_order_relaxed), configured);
}

/* How long what lives now can live: a hold may become an order on its last day, and an approved
 * order has its whole time to pay. */
static void set_ends(const struct engine *engine, uint64_t holds, struct set_aside *aside)
{
    const struct promises *promises = &engine->promises;
    const struct catalog *catalog = &engine->shelf->catalog;
    const struct policy *policy = &engine->policy;
    uint64_t payment_ms = longest_ms(&catalog->payment_seconds_max, policy->payment_seconds);
    uint64_t review_ms = longest_ms(&catalog->review_seconds_max, policy->review_seconds);
    uint64_t hold_ms = longest_ms(&catalog->hold_seconds_max, policy->hold_seconds);
    aside->new_ms = hold_ms + payment_ms;
    aside->approved_ms = promises->in_review.orders > 0 ? payment_ms : 0;
    if (holds > 0) {
        aside->live_until_ms = promises->latest_shelf_ms + payment_ms;
        aside->review_until_ms = promises->latest_shelf_ms + review_ms;
    } else if (promises->open.orders > promises->in_review.orders) {
        aside->live_until_ms = promises->latest_shelf_ms;
    }
    if (promises->in_review.orders > 0)
        aside->review_until_ms = later(aside->review_until_ms, promises->review_shelf_ms);
}

struct set_aside engine_set_aside(const struct engine *engine)
{
    const struct promises *promises = &engine->promises;
    CHECK(engine->live_holds >= promises->open.orders);
    uint64_t live = engine->live_holds - promises->open.orders;
    uint64_t holds = live + promises->moved_lines;
    struct set_aside aside = {
        .switch_records = SWITCH_RECORDS,
        .switch_bytes = (uint64_t)SWITCH_RECORDS * 2 * SWITCH_BYTES,
    };
    aside.bytes = aside.switch_bytes + live * LIVE_HOLD_BYTES +
                  (uint64_t)promises->moved_lines * MOVED_LINE_BYTES +
                  (uint64_t)promises->merges * MERGE_BYTES;
    /* A cart is cleared with what holds nothing in it. */
    aside.bytes += (uint64_t)engine->holds.used * sizeof(struct event_line);
    aside.bytes += events_of_orders(&promises->open, OPEN_ORDER_BYTES);
    aside.bytes += events_of_orders(&promises->in_review, ENDED_BYTES);
    aside.bytes += new_text_bytes(engine, holds);
    aside.records = aside.switch_records + holds * LIVE_HOLD_RECORDS + promises->merges +
                    promises->open.orders + promises->in_review.orders;
    aside.paced_records = promises->open.orders - promises->in_review.orders;
    set_ends(engine, holds, &aside);
    return aside;
}

struct set_aside set_aside_of_orders(uint64_t orders, uint64_t text_bytes)
{
    uint64_t room = text_bytes + orders * REPORT_BLOCKS * TEXT_PAYLOAD_SIZE;
    return (struct set_aside){
        .bytes = orders * (OPEN_ORDER_BYTES + ENDED_LINE_BYTES + sizeof(struct event_line)) +
                 2 * least(orders * ADJUSTMENTS_SIZE_MAX, room),
        .records = orders,
        .paced_records = orders,
    };
}

/* Ids of customers as long as a UUID. */
uint64_t walk_bytes_of_orders(uint64_t orders)
{
    enum { ID_SIZE = 36, ID_BLOCKS = (ID_SIZE + TEXT_PAYLOAD_SIZE - 1) / TEXT_PAYLOAD_SIZE };
    return orders * (CUSTOMER_BYTES + ORDER_BYTES + sizeof(struct event_line) + KEY_BYTES +
                        ID_SIZE + ID_BLOCKS * TEXT_PAYLOAD_SIZE);
}

struct set_aside set_aside_of_holds(uint32_t holds)
{
    return (struct set_aside){
        .bytes =
            (uint64_t)holds * (LIVE_HOLD_BYTES + 4 * ORDER_TEXTS_MAX + 2 * ADJUSTMENTS_SIZE_MAX),
        .records = (uint64_t)holds * LIVE_HOLD_RECORDS,
    };
}
