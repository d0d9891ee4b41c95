/* SPDX-License-Identifier: Apache-2.0 */
#include "core/event.h"

#include "core/check.h"

bool event_is_order(enum event_kind kind)
{
    return kind >= EVENT_ORDER_PLACED && kind <= EVENT_ORDER_REFUNDED;
}

bool event_is_image(enum event_kind kind)
{
    return kind >= EVENT_CUSTOMER_IMAGE && kind <= EVENT_IMPORT_IMAGE;
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
