/* SPDX-License-Identifier: Apache-2.0 */
/* event - which fixed part a kind has. Numbers that are no kind come from the disk: they get 0. */
#include "core/event.h"

#include "core/check.h"

uint32_t event_fact_size(enum event_kind kind)
{
    switch (kind) {
    case EVENT_CART_LINE_SET:
    case EVENT_HOLD_EXPIRED:
    case EVENT_CART_CLEARED:
    case EVENT_CART_EXTENDED:
        return sizeof(struct fact_cart);
    case EVENT_CART_MOVED_OUT:
    case EVENT_CART_MERGED:
    case EVENT_CART_MERGE_ENDED:
        return sizeof(struct fact_merge);
    case EVENT_ORDER_PLACED:
    case EVENT_ORDER_CONFIRMED:
    case EVENT_ORDER_PAYMENT_DECLINED:
    case EVENT_ORDER_LINES_CANCELLED:
    case EVENT_ORDER_CANCELLED:
    case EVENT_ORDER_EXPIRED:
    case EVENT_ORDER_REVIEW:
    case EVENT_ORDER_REFUND_REQUIRED:
    case EVENT_ORDER_REFUNDED:
        return sizeof(struct fact_order);
    case EVENT_PAYMENT_UNMATCHED:
        return sizeof(struct fact_unmatched);
    case EVENT_ORDERS_FORGOTTEN:
    case EVENT_KEYS_FORGOTTEN:
    case EVENT_CUSTOMER_FORGOTTEN:
    case EVENT_ALLOWANCES_FORGOTTEN:
        return sizeof(struct fact_forgotten);
    case EVENT_PRODUCT_SET:
        return sizeof(struct fact_product);
    case EVENT_STOCK_ADJUSTED:
        return sizeof(struct fact_stock);
    case EVENT_SALE_SET:
    case EVENT_SALE_OPENED:
    case EVENT_SALE_CLOSED:
        return sizeof(struct fact_sale);
    case EVENT_SALE_CLOSING:
    case EVENT_SALE_REMOVED:
        return sizeof(struct fact_removal);
    case EVENT_SALE_PART_REMOVED:
        return sizeof(struct fact_part);
    case EVENT_IMPORT_BEGUN:
    case EVENT_IMPORT_DONE:
        return sizeof(struct fact_import);
    case EVENT_SWITCH_SET:
        return sizeof(struct fact_switch);
    case EVENT_KILL_BEGUN:
    case EVENT_KILL_ENDED:
        return sizeof(struct fact_kill);
    case EVENT_STREAM_ATTACHED:
    case EVENT_CLOSED:
        return sizeof(struct fact_mark);
    case EVENT_NONE:
        break;
    }
    return 0;
}

bool event_is_order(enum event_kind kind)
{
    return kind >= EVENT_ORDER_PLACED && kind <= EVENT_ORDER_REFUNDED;
}

struct event_hold event_hold_at(const struct event *event, uint32_t line)
{
    struct event_hold hold;
    struct bytes holds = event->text[TEXT_HOLDS];
    CHECK(line < event->line_count);
    CHECK(holds.size == event->line_count * sizeof(hold));
    memcpy(&hold, holds.data + line * sizeof(hold), sizeof(hold));
    return hold;
}
