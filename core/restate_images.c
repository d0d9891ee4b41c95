/* SPDX-License-Identifier: Apache-2.0 */
#include "core/restate_images.h"

#include "core/check.h"
#include "core/image.h"
#include "core/restate.h"

static void image_begin(const struct engine *engine, enum event_kind kind, struct event *image)
{
    room_reset(engine->restating, image);
    image->kind = kind;
    image->lines = engine->restating->lines;
}

static struct bytes customer_id(const struct engine *engine, uint32_t customer_index)
{
    return room_text(engine->restating, &engine->texts, customer_at(engine, customer_index)->id);
}

void restate_kills(const struct engine *engine, const struct kill_entry *entries, uint32_t count,
    struct event *image)
{
    image_begin(engine, EVENT_KILLS_IMAGE, image);
    image->fact.images.count = count;
    image->text[TEXT_ENTRIES] =
        room_bytes(engine->restating, entries, count * (uint32_t)sizeof(entries[0]));
}

void restate_customer(const struct engine *engine, uint32_t index, struct event *image)
{
    const struct customer *customer = customer_at(engine, index);
    struct image_room *room = engine->restating;
    uint32_t link = customer->holds_first;
    image_begin(engine, EVENT_CUSTOMER_IMAGE, image);
    image->fact.customer = (struct fact_customer){
        .touched_shelf_ms = customer->touched_shelf_ms,
        .merge_id = customer->merge_id,
        .merge_shelf_ms = customer->merge_shelf_ms,
        .cart_version = customer->cart_version,
    };
    memcpy(image->fact.customer.last_order, customer->last_order, 16);
    memcpy(image->fact.customer.currency, customer->currency, 4);
    CHECK(customer->hold_count <= LINES_PER_ORDER_MAX);
    for (uint32_t i = 0; i < customer->hold_count; i++) {
        const struct hold *hold = hold_at(engine, link - 1);
        room->lines[i] = image_hold_line(hold);
        room->images[i] = (struct event_hold){
            .deadline_shelf_ms = hold->deadline_shelf_ms,
            .created_shelf_ms = hold->created_shelf_ms,
            .state = hold->state,
            .extensions = hold->extensions,
        };
        link = hold->next;
    }
    image->line_count = customer->hold_count;
    image->text[TEXT_CUSTOMER] = customer_id(engine, index);
    image->text[TEXT_HOLDS] =
        bytes_of(room->images, customer->hold_count * (uint32_t)sizeof(struct event_hold));
}

static struct bytes payments_of(const struct engine *engine, const struct order *order)
{
    struct payment_entry entries[PAYMENTS_PER_ORDER];
    uint32_t link = order->payments_first;
    CHECK(order->payment_count <= PAYMENTS_PER_ORDER);
    for (uint32_t i = 0; i < order->payment_count; i++) {
        const struct payment *payment = pool_at(&engine->payments, link - 1);
        entries[i] = (struct payment_entry){.hash = payment->hash, .results = payment->results};
        link = payment->next;
    }
    return room_bytes(
        engine->restating, entries, order->payment_count * (uint32_t)sizeof(entries[0]));
}

void restate_order(const struct engine *engine, uint32_t index, struct event *image)
{
    const struct order *order = order_at(engine, index);
    room_order(engine, index, engine->restating, image);
    image->kind = EVENT_ORDER_IMAGE;
    image->fact.order_image.order.keep_shelf_ms = order->keep_shelf_ms;
    image->fact.order_image.order.now_shelf_ms = order->changed_shelf_ms;
    image->fact.order_image.stream_seq = order->stream_seq;
    image->text[TEXT_ENTRIES] = payments_of(engine, order);
    if (restate_has_names(engine) && order->stream_seq <= engine->walk.names_to)
        room_names(engine->restating, &engine->shelf->catalog, image);
}

void restate_keys(
    const struct engine *engine, const uint32_t *indexes, uint32_t count, struct event *image)
{
    struct key_entry entries[IMAGES_MAX];
    CHECK(count >= 1 && count <= IMAGES_MAX);
    image_begin(engine, EVENT_KEYS_IMAGE, image);
    for (uint32_t i = 0; i < count; i++) {
        const struct request_key *key = pool_at(&engine->keys, indexes[i]);
        entries[i] = (struct key_entry){
            .key = key->key,
            .request = key->request,
            .keep_shelf_ms = key->keep_shelf_ms,
            .allotment = key->noted.allotment,
            .available = key->noted.available,
            .held = key->noted.held,
            .sold = key->noted.sold,
            .kind = key->kind,
            .partition = key->partition,
        };
        if (key->order_index != NONE)
            memcpy(entries[i].order_id, order_at(engine, key->order_index)->id, 16);
    }
    image->fact.images.count = count;
    image->text[TEXT_ENTRIES] =
        room_bytes(engine->restating, entries, count * (uint32_t)sizeof(entries[0]));
}

void restate_allowances(
    const struct engine *engine, const uint32_t *indexes, uint32_t count, struct event *image)
{
    struct hash128 handed_to[IMAGES_MAX];
    bool is_handed = false;
    CHECK(count >= 1 && count <= IMAGES_MAX);
    image_begin(engine, EVENT_ALLOWANCES_IMAGE, image);
    const struct allowance *first = pool_at(&engine->allowances, indexes[0]);
    for (uint32_t i = 0; i < count; i++) {
        const struct allowance *allowance = pool_at(&engine->allowances, indexes[i]);
        CHECK(allowance->customer_index == first->customer_index);
        engine->restating->lines[i] = (struct event_line){
            .sku_number = allowance->sku_number,
            .sale_number = allowance->sale_number,
            .quantity = allowance->used,
            .moved = allowance->handed,
        };
        handed_to[i] = allowance->handed_to;
        is_handed = is_handed || hash128_is_set(allowance->handed_to);
    }
    image->fact.images.count = image->line_count = count;
    image->text[TEXT_CUSTOMER] = customer_id(engine, first->customer_index);
    if (is_handed)
        image->text[TEXT_ENTRIES] =
            room_bytes(engine->restating, handed_to, count * (uint32_t)sizeof(handed_to[0]));
}

void restate_gone(
    const struct engine *engine, const uint32_t *indexes, uint32_t count, struct event *image)
{
    CHECK(count >= 1 && count <= IMAGES_MAX);
    image_begin(engine, EVENT_GONE_IMAGE, image);
    for (uint32_t i = 0; i < count; i++) {
        const struct gone *gone = pool_at(&engine->gone, indexes[i]);
        CHECK(gone->units <= INT64_MAX);
        engine->restating->lines[i] =
            (struct event_line){.sku_number = gone->sku_number, .unit_price = (int64_t)gone->units};
    }
    image->fact.images.count = image->line_count = count;
}
