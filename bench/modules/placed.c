/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/modules/placed.h"

#include "core/check.h"

/* Sku, seller and no sale of each line, as in TEXT_NAMES. */
static uint32_t write_names(uint8_t *names, uint32_t lines)
{
    uint32_t size = 0;
    for (uint32_t i = 0; i < lines; i++) {
        names[size] = 14;
        memcpy(names + size + 1, "BENCH-CHECKOUT", 14);
        names[size + 15] = 6;
        memcpy(names + size + 16, "seller", 6);
        names[size + 22] = 0;
        size += 23;
    }
    return size;
}

void placed_write(struct placed *placed, uint32_t lines)
{
    struct event *event = &placed->event;
    CHECK(lines <= PLACED_LINES_MAX);
    for (uint32_t i = 0; i < lines; i++)
        placed->lines[i] = (struct event_line){
            .sku_number = 1 + i, .quantity = 1, .unit_price = 999, .seller_number = 1};
    *event = (struct event){.kind = EVENT_ORDER_PLACED,
        .stream_count = 1,
        .stream_seq = 1,
        .lines = placed->lines,
        .line_count = lines};
    event->fact.order = (struct fact_order){.items_total = 999 * lines,
        .total = 999 * lines,
        .born_total = 999 * lines,
        .payment_due_shelf_ms = 601000,
        .born_due_shelf_ms = 601000,
        .now_shelf_ms = 1000,
        .now_wall_ms = 1795230000000,
        .created_wall_ms = 1795230000000,
        .created_shelf_ms = 1000,
        .version = 1,
        .currency = "GBP",
        .status = ORDER_PENDING_PAYMENT,
        .status_born = ORDER_PENDING_PAYMENT,
        .mode = PAYMENT_DEFERRED};
    memcpy(event->fact.order.id, "\x01\x9a\x5d\xac\x00\x00\x70\x00\x80\x00\x00\x00\x00\x00\x00\x01",
        16);
    event->text[TEXT_CUSTOMER] = BYTES("buyer-00000001");
    event->text[TEXT_KEY] = BYTES("order-00000001");
    event->text[TEXT_NAMES] = bytes_of(placed->names, write_names(placed->names, lines));
}
