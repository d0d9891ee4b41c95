/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a merchant looks up: orders and reservations over all shards, one customer, the audit.
 */
#include "core/look.h"
#include "net/http/decode.h"

enum { LIST_DEFAULT = 50 };

_Static_assert(LOOK_ORDERS_MAX == LOOK_RESERVATIONS_MAX, "one bound for the limit of both lists");

/* A filter by customer makes him the command's: the list then visits his shard alone. */
static void read_filters(struct decoder *decoder, struct bytes customer, struct bytes sku)
{
    struct command *command = &decoder->request->work->command;
    if (customer.data != NULL && !identity_customer_is_valid(customer))
        decode_fault(decoder, "customer", "must have 1 to 127 bytes of printable ASCII");
    else
        command->customer = decode_keep(decoder, customer);
    if (sku.data != NULL && !catalog_sku_is_valid(sku))
        decode_fault(decoder, "sku", "must be a SKU");
    else
        command->sku = decode_keep(decoder, sku);
}

static void read_status(struct decoder *decoder, struct bytes value)
{
    static const char *const names[] = {"pending_payment", "review", "confirmed", "cancelled",
        "expired", "refund_required", "refunded"};
    _Static_assert(ORDER_PENDING_PAYMENT == 1 && ORDER_REFUNDED == 7, "statuses in their order");
    if (value.data == NULL)
        return;
    for (uint8_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (bytes_equal(bytes_of_string(names[i]), value))
            decoder->request->work->command.order_status = (uint8_t)(i + 1);
    }
    if (decoder->request->work->command.order_status == 0)
        decode_fault(decoder, "status", "must be a status of orders, as pending_payment");
}

static void read_limit(struct decoder *decoder, struct bytes value)
{
    uint64_t limit = LIST_DEFAULT;
    decode_number(decoder, "limit", value, 1, LOOK_ORDERS_MAX, &limit);
    decoder->request->work->command.limit = (uint32_t)limit;
}

bool decode_orders_find(struct decoder *decoder)
{
    static const char *const names[] = {
        "customer", "sku", "status", "from", "to", "cursor", "limit"};
    enum { CUSTOMER, SKU, STATUS, FROM, TO, CURSOR, LIMIT, COUNT };
    struct bytes values[COUNT];
    struct command *command = &decoder->request->work->command;
    command->kind = COMMAND_ORDERS_FIND;
    if (!decode_query(decoder, names, COUNT, values))
        return false;
    read_filters(decoder, values[CUSTOMER], values[SKU]);
    read_status(decoder, values[STATUS]);
    decode_time(decoder, "from", values[FROM], &command->from_wall_ms);
    decode_time(decoder, "to", values[TO], &command->to_wall_ms);
    decode_order_cursor(decoder, values[CURSOR]);
    read_limit(decoder, values[LIMIT]);
    return decode_end(decoder);
}

bool decode_reservations(struct decoder *decoder)
{
    static const char *const names[] = {"customer", "sku", "cursor", "limit"};
    enum { CUSTOMER, SKU, CURSOR, LIMIT, COUNT };
    struct bytes values[COUNT];
    struct command *command = &decoder->request->work->command;
    command->kind = COMMAND_RESERVATIONS;
    if (!decode_query(decoder, names, COUNT, values))
        return false;
    read_filters(decoder, values[CUSTOMER], values[SKU]);
    decode_number(decoder, "cursor", values[CURSOR], 1, LOOK_CURSOR_MAX, &command->cursor);
    read_limit(decoder, values[LIMIT]);
    return decode_end(decoder);
}

bool decode_customer(struct decoder *decoder)
{
    struct command *command = &decoder->request->work->command;
    command->kind = COMMAND_CUSTOMER_READ;
    if (!identity_customer_is_valid(decoder->capture))
        return decode_refuse(decoder, PROBLEM_NOT_FOUND, "There is no such customer.");
    command->customer = decode_keep(decoder, decoder->capture);
    return decode_end(decoder);
}

bool decode_audit(struct decoder *decoder)
{
    decoder->request->work->command.kind = COMMAND_AUDIT;
    return decode_end(decoder);
}
