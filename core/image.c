/* SPDX-License-Identifier: Apache-2.0 */
#include "core/image.h"

#include "core/check.h"
#include "core/view.h"

void room_reset(struct image_room *room, struct event *event)
{
    room->text_used = 0;
    *event = (struct event){.kind = EVENT_NONE};
}

static uint8_t *room_take(struct image_room *room, uint32_t size)
{
    CHECK(size <= sizeof(room->text) - room->text_used);
    uint8_t *taken = room->text + room->text_used;
    room->text_used += size;
    return taken;
}

struct bytes room_bytes(struct image_room *room, const void *data, uint32_t size)
{
    uint8_t *copy = room_take(room, size);
    if (size > 0)
        memcpy(copy, data, size);
    return bytes_of(copy, size);
}

struct bytes room_text(struct image_room *room, const struct text_pool *texts, struct text text)
{
    uint8_t *copy = room_take(room, text.size);
    text_copy(texts, text, copy);
    return bytes_of(copy, text.size);
}

void image_reset(const struct engine *engine, struct event *event)
{
    room_reset(&engine->scratch->room, event);
}

struct bytes image_bytes(const struct engine *engine, const void *data, uint32_t size)
{
    return room_bytes(&engine->scratch->room, data, size);
}

struct bytes image_text(const struct engine *engine, struct text text)
{
    return room_text(&engine->scratch->room, &engine->texts, text);
}

static uint8_t *name_append(uint8_t *out, struct bytes name)
{
    CHECK(name.size <= NAME_SIZE_MAX);
    *out++ = (uint8_t)name.size;
    bytes_copy(out, name);
    return out + name.size;
}

void room_names(struct image_room *room, const struct catalog *catalog, struct event *event)
{
    uint8_t *begin = room->text + room->text_used;
    CHECK(event->line_count * (3u + SKU_SIZE_MAX + 2u * NAME_SIZE_MAX) <=
          sizeof(room->text) - room->text_used);
    uint8_t *end = begin;
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        uint32_t sku_index = catalog_find_number(catalog, line->sku_number);
        /* A product stays on the shelf while an order or hold of it is kept. */
        CHECK(sku_index != SKU_NONE);
        end = name_append(end, catalog_sku(catalog, sku_index));
        end = name_append(end, catalog_name(catalog, line->seller_number));
        end = name_append(end, catalog_name(catalog, line->sale_number));
    }
    event->text[TEXT_NAMES] = bytes_of(begin, (uint32_t)(end - begin));
    room->text_used += event->text[TEXT_NAMES].size;
}

void image_names(const struct engine *engine, struct event *event)
{
    room_names(&engine->scratch->room, &engine->shelf->catalog, event);
}

static void order_fact(const struct order *order, struct fact_order *fact)
{
    *fact = (struct fact_order){
        .items_total = order->items_total,
        .total = order->total,
        .paid = order->paid,
        .refund_due = order->refund_due,
        .payment_due_shelf_ms = order->payment_due_shelf_ms,
        .born_due_shelf_ms = order->born_due_shelf_ms,
        .created_shelf_ms = order->created_shelf_ms,
        .payment_seconds = order->payment_seconds,
        .born_total = order->born_total,
        .created_wall_ms = order->created_wall_ms,
        .confirmed_wall_ms = order->confirmed_wall_ms,
        .paid_wall_ms = order->paid_wall_ms,
        .cancel_until_wall_ms = order->cancel_until_wall_ms,
        .version = order->version,
        .status = order->status,
        .status_before = order->status,
        .status_born = order->status_born,
        .mode = order->mode,
        .reclaimed = order->reclaimed,
        .adjusted = order->adjusted,
        .extended = order->extended,
        .review_decision = order->review_decision,
    };
    memcpy(fact->id, order->id, 16);
    memcpy(fact->currency, order->currency, 4);
}

static uint32_t order_lines(
    const struct engine *engine, const struct order *order, struct event_line *lines)
{
    uint32_t link = order->lines_first;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = line_at(engine, link - 1);
        lines[i] = (struct event_line){
            .sku_number = line->sku_number,
            .quantity = line->quantity,
            .cancelled = line->cancelled,
            .restocked = line->restocked,
            .unit_price = line->unit_price,
            .seller_number = line->seller_number,
            .sale_number = line->sale_number,
            .limit = line->limit,
        };
        link = line->next;
    }
    CHECK(link == 0);
    return order->line_count;
}

void room_order(
    const struct engine *engine, uint32_t order_index, struct image_room *room, struct event *event)
{
    const struct order *order = order_at(engine, order_index);
    const struct text_pool *texts = &engine->texts;
    room_reset(room, event);
    order_fact(order, &event->fact.order);
    event->lines = room->lines;
    event->line_count = order_lines(engine, order, room->lines);
    event->text[TEXT_CUSTOMER] =
        room_text(room, texts, customer_at(engine, order->customer_index)->id);
    event->text[TEXT_REFERENCES] = room_text(room, texts, order->references);
    event->text[TEXT_ADJUSTMENTS] = room_text(room, texts, order->adjustments);
    event->text[TEXT_ADJUSTMENTS_BORN] = room_text(room, texts, order->adjustments_born);
    event->text[TEXT_IDENTITIES] = room_text(room, texts, order->identities);
    event->text[TEXT_PROVIDER] = room_text(room, texts, order->provider);
    event->text[TEXT_PAYMENT_ID] = room_text(room, texts, order->payment_id);
}

void image_order(const struct engine *engine, uint32_t order_index, struct event *event)
{
    room_order(engine, order_index, &engine->scratch->room, event);
    image_names(engine, event);
}

struct event_line image_hold_line(const struct hold *hold)
{
    return (struct event_line){
        .sku_number = hold->sku_number,
        .quantity = hold->quantity,
        .unit_price = hold->unit_price,
        .seller_number = hold->seller_number,
        .sale_number = hold->sale_number,
        .limit = hold->limit,
    };
}
