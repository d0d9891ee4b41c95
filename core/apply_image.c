/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply, for the images of a restating walk: what is not there is made, what is there must be what
 * the image says. Live it is, since the image was made of it: only what is read back is compared,
 * with the image of what stands here.
 */
#include "core/check.h"
#include "core/engine_steps.h"
#include "core/kills.h"
#include "core/restate_images.h"

static bool lines_equal(const struct event *a, const struct event *b)
{
    return a->line_count == b->line_count &&
           (a->line_count == 0 ||
               memcmp(a->lines, b->lines, a->line_count * sizeof(a->lines[0])) == 0);
}

/* Whether the image says what another does, which was built of what is here. Names are left out:
 * they are of the catalog. */
static bool is_same(const struct event *a, const struct event *b, size_t fact_size)
{
    bool same = a->kind == b->kind && memcmp(&a->fact, &b->fact, fact_size) == 0;
    for (uint32_t i = 0; i < EVENT_TEXTS; i++)
        same = same && (i == TEXT_NAMES || bytes_equal(a->text[i], b->text[i]));
    return same && lines_equal(a, b);
}

/* What is restated live is what is here. */
static bool is_read_back(const struct engine *engine)
{
    return !engine->walk.under_way;
}

void apply_kills_image(struct engine *engine, const struct event *event)
{
    for (uint32_t i = 0; i < event->fact.images.count; i++) {
        struct kill_entry entry;
        memcpy(&entry, event->text[TEXT_ENTRIES].data + i * sizeof(entry), sizeof(entry));
        kill_restate(engine, &entry);
    }
}

void apply_customer_image(struct engine *engine, const struct event *event)
{
    const struct fact_customer *fact = &event->fact.customer;
    uint32_t index = customer_find(engine, event->text[TEXT_CUSTOMER]);
    if (index != NONE) {
        struct event here;
        pool_walked(&engine->customers, index);
        if (!is_read_back(engine))
            return;
        restate_customer(engine, index, &here);
        CHECK(is_same(event, &here, sizeof(*fact)));
        return;
    }
    index = apply_customer(engine, event, fact->touched_shelf_ms);
    struct customer *customer = customer_at(engine, index);
    for (uint32_t i = 0; i < event->line_count; i++) {
        struct event_hold hold = event_hold_at(event, i);
        hold_write(engine, index, &event->lines[i], &hold);
    }
    customer->merge_id = fact->merge_id;
    engine->promises.merges += fact->merge_id != 0;
    customer->merge_shelf_ms = fact->merge_shelf_ms;
    customer->cart_version = fact->cart_version;
    memcpy(customer->last_order, fact->last_order, 16);
    memcpy(customer->currency, fact->currency, 4);
}

/* Each is put before those that are there: the newest, which is the first entry, comes last. */
static void payments_write(struct engine *engine, uint32_t order_index, struct bytes entries)
{
    for (uint32_t end = entries.size; end > 0; end -= (uint32_t)sizeof(struct payment_entry)) {
        struct payment_entry entry;
        memcpy(&entry, entries.data + end - sizeof(entry), sizeof(entry));
        payment_note(engine, order_index, entry.hash, entry.results);
    }
}

static void texts_write(struct engine *engine, struct order *order, const struct event *event)
{
    struct text_pool *texts = &engine->texts;
    order->references = text_put(texts, event->text[TEXT_REFERENCES]);
    order->adjustments = text_put(texts, event->text[TEXT_ADJUSTMENTS]);
    order->adjustments_born = text_put(texts, event->text[TEXT_ADJUSTMENTS_BORN]);
    order->identities = text_put(texts, event->text[TEXT_IDENTITIES]);
    order->provider = text_put(texts, event->text[TEXT_PROVIDER]);
    order->payment_id = text_put(texts, event->text[TEXT_PAYMENT_ID]);
}

void apply_order_image(struct engine *engine, const struct event *event)
{
    const struct fact_order_image *fact = &event->fact.order_image;
    uint32_t index = order_find(engine, fact->order.id);
    if (index != NONE) {
        struct event here;
        pool_walked(&engine->orders, index);
        if (!is_read_back(engine))
            return;
        restate_order(engine, index, &here);
        CHECK(is_same(event, &here, sizeof(*fact)));
        return;
    }
    uint32_t customer_index = customer_find(engine, event->text[TEXT_CUSTOMER]);
    CHECK(customer_index != NONE);
    index = order_add(engine, customer_index, fact->order.id);
    struct order *order = order_at(engine, index);
    for (uint32_t i = 0; i < event->line_count; i++)
        order_add_line(engine, index, &event->lines[i]);
    order_write_terms(order, &fact->order);
    order->adjusted = fact->order.adjusted;
    order->stream_seq = fact->stream_seq;
    texts_write(engine, order, event);
    payments_write(engine, index, event->text[TEXT_ENTRIES]);
    if (order_is_open(order->status)) {
        customer_at(engine, customer_index)->open_orders++;
        engine->live_holds++;
    }
    promises_add(engine, order);
    order_timer(engine, index);
}

static bool entry_is_key(
    const struct key_entry *entry, const struct request_key *key, uint32_t order_index)
{
    return hash128_equal(entry->request, key->request) && entry->kind == key->kind &&
           entry->partition == key->partition && entry->keep_shelf_ms == key->keep_shelf_ms &&
           order_index == key->order_index && entry->allotment == key->noted.allotment &&
           entry->available == key->noted.available && entry->held == key->noted.held &&
           entry->sold == key->noted.sold;
}

static void key_write(struct engine *engine, const struct key_entry *entry)
{
    static const uint8_t no_order[16] = {0};
    uint32_t order_index = NONE;
    if (memcmp(entry->order_id, no_order, 16) != 0) {
        order_index = order_find(engine, entry->order_id);
        CHECK(order_index != NONE);
    }
    uint32_t index = key_find(engine, entry->key);
    if (index != NONE) {
        CHECK(entry_is_key(entry, pool_at(&engine->keys, index), order_index));
        pool_walked(&engine->keys, index);
        return;
    }
    index = key_add(engine, entry->key);
    struct request_key *key = pool_at(&engine->keys, index);
    key->request = entry->request;
    key->keep_shelf_ms = entry->keep_shelf_ms;
    key->order_index = order_index;
    key->kind = entry->kind;
    key->partition = entry->partition;
    key->noted.allotment = entry->allotment;
    key->noted.available = entry->available;
    key->noted.held = entry->held;
    key->noted.sold = entry->sold;
    if (order_index != NONE)
        order_at(engine, order_index)->key_count++;
    deadlines_set(&engine->deadlines, engine->keys_base + index, entry->keep_shelf_ms);
}

void apply_keys_image(struct engine *engine, const struct event *event)
{
    for (uint32_t i = 0; i < event->fact.images.count; i++) {
        struct key_entry entry;
        memcpy(&entry, event->text[TEXT_ENTRIES].data + i * sizeof(entry), sizeof(entry));
        key_write(engine, &entry);
    }
}

void apply_allowances_image(struct engine *engine, const struct event *event)
{
    struct bytes entries = event->text[TEXT_ENTRIES];
    uint32_t customer_index = customer_find(engine, event->text[TEXT_CUSTOMER]);
    CHECK(customer_index != NONE);
    for (uint32_t i = 0; i < event->line_count; i++) {
        struct hash128 handed_to = {0};
        if (entries.size > 0)
            memcpy(&handed_to, entries.data + i * sizeof(handed_to), sizeof(handed_to));
        allowance_restate(engine, customer_index, &event->lines[i], handed_to);
    }
}

void apply_gone_image(struct engine *engine, const struct event *event)
{
    for (uint32_t i = 0; i < event->line_count; i++)
        gone_restate(engine, event->lines[i].sku_number, (uint64_t)event->lines[i].unit_price);
}
