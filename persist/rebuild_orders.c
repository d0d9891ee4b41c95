/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What hangs on customers: themselves, their orders with lines and payments, what counts against
 * limits, keys; and the units in orders that are too old to be kept.
 *
 * Lists within a row are text of numbers, each list with its own end: no value in them is anything
 * but digits, so nothing needs to be quoted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/key_hash.h"
#include "persist/order_kept.h"
#include "persist/rebuild_rows.h"

enum { CART_VERSION_SHIFT = 8 }; /* as in decide_cart.c: greater than any seen before */

static const char customers_sql[] =
    "SELECT o.customer, max(pg_temp.ms(o.updated_at)), "
    "(array_agg(o.order_id ORDER BY o.order_id DESC))[1] FROM rebuild_orders o "
    "GROUP BY o.customer HAVING bool_or(o.is_kept) OR EXISTS ("
    "SELECT FROM rebuild_allowances a WHERE a.customer = o.customer)";

/* An empty cart says what it became last (K6); that it was a cart is a guess. */
static void take_customer(struct rebuild *rebuild, const PGresult *row)
{
    struct event image = {.kind = EVENT_CUSTOMER_IMAGE};
    image.text[TEXT_CUSTOMER] = row_text(row, 0);
    image.fact.customer = (struct fact_customer){
        .touched_shelf_ms = row_shelf_ms(rebuild, row, 1),
        .cart_version = (uint32_t)(rebuild->as_of_ms >> CART_VERSION_SHIFT) + 1,
    };
    (void)row_order_id(row, 2, image.fact.customer.last_order);
    rebuild->counts.customers++;
    rebuild_put(rebuild, rebuild_shard_of(rebuild, image.text[TEXT_CUSTOMER]), &image,
        image.text[TEXT_CUSTOMER]);
}

/* Newest first: an order is put behind those of its customer that are there. */
static const char orders_sql[] =
    "SELECT o.order_id, o.customer, o.status, o.order_version, o.currency, o.items_total, "
    "o.adjustments, o.total, o.paid, o.refund_due, o.refs, o.payment_mode, o.provider, "
    "o.payment_id, o.reclaimed::integer, pg_temp.ms(o.payment_due_at), pg_temp.ms(o.cancel_until), "
    "pg_temp.ms(o.created_at), pg_temp.ms(o.confirmed_at), pg_temp.ms(o.paid_at), "
    "pg_temp.ms(o.updated_at), o.keep_ms, o.left_ms, encode(o.identities, 'hex'), encode(o.kept, "
    "'hex'), "
    "(SELECT string_agg(concat_ws(' ', t.number, l.quantity, l.cancelled, l.restocked, "
    "l.unit_price, coalesce(n.number, 0), t.sale_number, "
    "coalesce(l.max_per_customer, t.max_per_customer)), ';' ORDER BY l.line) "
    "FROM rebuild_lines l JOIN rebuild_terms t ON t.sku = l.sku AND t.sale = coalesce(l.sale, '') "
    "LEFT JOIN rebuild_names n ON n.name = l.seller WHERE l.order_id = o.order_id), "
    "(SELECT string_agg(p.text, ';' ORDER BY p.refunded, p.seq DESC) FROM ("
    "SELECT concat_ws(' ', bit_or(CASE p.result WHEN 'pending' THEN 2 WHEN 'authorized' THEN 4 "
    "WHEN 'captured' THEN 8 WHEN 'declined' THEN 16 WHEN 'cancelled' THEN 32 ELSE 64 END "
    "| CASE WHEN x.type = 'order.refund_required.v1' THEN 1 ELSE 0 END), "
    "encode(convert_to(p.provider, 'UTF8'), 'hex'), encode(convert_to(p.payment_id, 'UTF8'), "
    "'hex'), encode(convert_to(p.refund_id, 'UTF8'), 'hex')) AS text, min(p.seq) AS seq, "
    "bool_or(p.result = 'refunded') AS refunded "
    "FROM hotshelf.payments p LEFT JOIN hotshelf.outbox x "
    "ON (x.node, x.shard, x.seq) = (p.node, p.shard, p.seq) "
    "LEFT JOIN hotshelf.payment_owner w "
    "ON (w.provider, w.payment_id) = (p.provider, p.payment_id) WHERE p.order_id = o.order_id "
    "AND (p.result = 'refunded' OR w.order_id = o.order_id) "
    "GROUP BY p.provider, p.payment_id, p.refund_id) p) "
    "FROM rebuild_orders o WHERE o.is_kept ORDER BY o.order_id DESC";

enum order_column {
    ORDER_ID,
    ORDER_CUSTOMER,
    ORDER_STATUS,
    ORDER_VERSION,
    ORDER_CURRENCY,
    ORDER_ITEMS_TOTAL,
    ORDER_ADJUSTMENTS,
    ORDER_TOTAL,
    ORDER_PAID,
    ORDER_REFUND_DUE,
    ORDER_REFS,
    ORDER_MODE,
    ORDER_PROVIDER,
    ORDER_PAYMENT_ID,
    ORDER_RECLAIMED,
    ORDER_DUE,
    ORDER_CANCEL_UNTIL,
    ORDER_CREATED,
    ORDER_CONFIRMED_AT,
    ORDER_PAID_AT,
    ORDER_UPDATED,
    ORDER_KEEP,
    ORDER_LEFT,
    ORDER_IDENTITIES,
    ORDER_KEPT,
    ORDER_LINES,
    ORDER_PAYMENTS,
};

static uint8_t status_of(struct bytes name)
{
    static const char *const names[] = {
        [ORDER_PENDING_PAYMENT] = "pending_payment",
        [ORDER_REVIEW] = "review",
        [ORDER_CONFIRMED] = "confirmed",
        [ORDER_CANCELLED] = "cancelled",
        [ORDER_EXPIRED] = "expired",
        [ORDER_REFUND_REQUIRED] = "refund_required",
        [ORDER_REFUNDED] = "refunded",
    };
    for (uint8_t i = ORDER_PENDING_PAYMENT; i <= ORDER_REFUNDED; i++)
        if (bytes_equal(name, bytes_of_string(names[i])))
            return i;
    return 0;
}

/* The next number of a list. */
static int64_t next_number(const char **list)
{
    char *end;
    int64_t number = strtoll(*list, &end, 10);
    *list = end;
    return number;
}

static void take_lines(struct rebuild *rebuild, const char *list, struct event *image)
{
    while (*list != '\0' && image->line_count < LINES_PER_ORDER_MAX) {
        struct event_line *line = &rebuild->lines[image->line_count++];
        *line = (struct event_line){.sku_number = (uint32_t)next_number(&list)};
        line->quantity = (uint32_t)next_number(&list);
        line->cancelled = (uint32_t)next_number(&list);
        line->restocked = (uint32_t)next_number(&list);
        line->unit_price = next_number(&list);
        line->seller_number = (uint32_t)next_number(&list);
        line->sale_number = (uint32_t)next_number(&list);
        line->limit = (uint32_t)next_number(&list);
        list += *list == ';';
    }
    image->lines = rebuild->lines;
}

/* The next text of a list, of hexadecimal digits behind a blank; there may be none. */
static struct bytes next_hex(struct rebuild *rebuild, const char **list)
{
    if (**list != ' ')
        return (struct bytes){0};
    const char *digits = ++*list;
    uint32_t count = (uint32_t)strspn(digits, "0123456789abcdef");
    *list += count;
    return row_hex(rebuild, digits, count);
}

/* Refunds behind the rest, newest first: what an order has no place for is PostgreSQL's, and it
 * must know its own payments (P3). */
static struct bytes take_payments(
    struct rebuild *rebuild, const char *list, struct payment_entry entries[PAYMENTS_PER_ORDER])
{
    uint32_t count = 0;
    for (; *list != '\0' && count < PAYMENTS_PER_ORDER; list += *list == ';') {
        uint8_t results = (uint8_t)next_number(&list);
        struct bytes provider = next_hex(rebuild, &list), payment = next_hex(rebuild, &list);
        struct bytes refund = next_hex(rebuild, &list);
        bool refunded = results & 1u << RESULT_REFUNDED;
        entries[count++] = (struct payment_entry){
            .hash = refunded ? hash_of_refund(provider, payment, refund)
                             : hash_of_payment(provider, payment),
            .results = results,
        };
    }
    return bytes_of(entries, count * (uint32_t)sizeof(entries[0]));
}

/* How it was born, for rows that do not say: as it is. */
static struct order_kept kept_of_old_row(
    const struct rebuild *rebuild, const struct fact_order *order)
{
    return (struct order_kept){
        .born_total = order->total,
        .due_ms = rebuild->options.policy->payment_seconds * 1000ull,
        .payment_seconds = rebuild->options.policy->payment_seconds,
        .status_born = order->mode == PAYMENT_DEFERRED ? ORDER_CONFIRMED : ORDER_PENDING_PAYMENT,
    };
}

/* Rows of schemas before version 4 have wall times, which outages take from; those of a freeze have
 * not even them, and none has passed since (W4). */
static void take_due(const struct rebuild *rebuild, const PGresult *row,
    const struct order_kept *kept, struct fact_order *order)
{
    bool is_open = order_is_open(order->status);
    if (is_open && !row_is_null(row, ORDER_LEFT))
        order->payment_due_shelf_ms = (uint64_t)(rebuild->shelf_ms + row_number(row, ORDER_LEFT));
    else if (!row_is_null(row, ORDER_DUE))
        order->payment_due_shelf_ms = row_shelf_ms(rebuild, row, ORDER_DUE);
    else if (is_open)
        order->payment_due_shelf_ms = (uint64_t)rebuild->shelf_ms + kept->due_ms;
}

static void take_kept(struct rebuild *rebuild, const PGresult *row, struct event *image)
{
    struct fact_order *order = &image->fact.order;
    struct order_kept kept = kept_of_old_row(rebuild, order);
    struct bytes bytes = row_text(row, ORDER_KEPT);
    bytes = row_hex(rebuild, (const char *)bytes.data, bytes.size);
    if (bytes.size >= sizeof(kept)) {
        memcpy(&kept, bytes.data, sizeof(kept));
        image->text[TEXT_ADJUSTMENTS_BORN] =
            bytes_of(bytes.data + sizeof(kept), bytes.size - (uint32_t)sizeof(kept));
    }
    order->born_total = kept.born_total;
    order->status_born = kept.status_born;
    order->extended = kept.extended;
    order->adjusted = kept.adjusted;
    order->review_decision = kept.review_decision;
    order->payment_seconds = kept.payment_seconds;
    order->born_due_shelf_ms =
        kept.born_due_ms == 0 ? 0 : order->created_shelf_ms + kept.born_due_ms;
    if (bytes.size < sizeof(kept) && order->status_born == ORDER_PENDING_PAYMENT)
        order->born_due_shelf_ms = order->created_shelf_ms + kept.payment_seconds * 1000ull;
    take_due(rebuild, row, &kept, order);
}

static void take_fact(const struct rebuild *rebuild, const PGresult *row, struct fact_order *order)
{
    bool deferred = bytes_equal(row_text(row, ORDER_MODE), BYTES("deferred"));
    *order = (struct fact_order){
        .items_total = row_number(row, ORDER_ITEMS_TOTAL),
        .total = row_number(row, ORDER_TOTAL),
        .paid = row_number(row, ORDER_PAID),
        .refund_due = row_number(row, ORDER_REFUND_DUE),
        .keep_shelf_ms = row_shelf_ms(rebuild, row, ORDER_KEEP),
        .now_shelf_ms = row_shelf_ms(rebuild, row, ORDER_UPDATED),
        .created_shelf_ms = row_shelf_ms(rebuild, row, ORDER_CREATED),
        .created_wall_ms = row_number(row, ORDER_CREATED),
        .confirmed_wall_ms = row_number(row, ORDER_CONFIRMED_AT),
        .paid_wall_ms = row_number(row, ORDER_PAID_AT),
        .cancel_until_wall_ms = row_number(row, ORDER_CANCEL_UNTIL),
        .version = (uint32_t)row_number(row, ORDER_VERSION),
        .status = status_of(row_text(row, ORDER_STATUS)),
        .mode = deferred ? PAYMENT_DEFERRED : PAYMENT_EXTERNAL,
        .reclaimed = row_number(row, ORDER_RECLAIMED) != 0,
    };
    order->status_before = order->status;
    memcpy(order->currency, PQgetvalue(row, 0, ORDER_CURRENCY), 3);
}

/* What an engine proves of an order (engine_check.c): asked here, where its row has a name. */
static bool adds_up(const struct event *image)
{
    const struct fact_order *order = &image->fact.order;
    int64_t total = 0, price;
    for (uint32_t i = 0; i < image->line_count; i++)
        if (__builtin_mul_overflow(image->lines[i].unit_price, image->lines[i].quantity, &price) ||
            __builtin_add_overflow(total, price, &total))
            return false;
    return total == order->items_total && order->total >= 0 && order->paid >= 0 &&
           order->refund_due >= 0 &&
           (!order_is_open(order->status) || order->confirmed_wall_ms == 0) &&
           (order->adjusted ||
               (order->born_total == order->total && image->text[TEXT_ADJUSTMENTS_BORN].size == 0));
}

static void take_order(struct rebuild *rebuild, const PGresult *row)
{
    struct event image = {.kind = EVENT_ORDER_IMAGE};
    struct payment_entry payments[PAYMENTS_PER_ORDER];
    struct bytes identities = row_text(row, ORDER_IDENTITIES);
    take_fact(rebuild, row, &image.fact.order);
    take_kept(rebuild, row, &image);
    take_lines(rebuild, PQgetvalue(row, 0, ORDER_LINES), &image);
    image.text[TEXT_CUSTOMER] = row_text(row, ORDER_CUSTOMER);
    image.text[TEXT_REFERENCES] = row_json(rebuild, row, ORDER_REFS, "{}");
    image.text[TEXT_ADJUSTMENTS] = row_json(rebuild, row, ORDER_ADJUSTMENTS, "[]");
    image.text[TEXT_IDENTITIES] = row_hex(rebuild, (const char *)identities.data, identities.size);
    image.text[TEXT_PROVIDER] = row_text(row, ORDER_PROVIDER);
    image.text[TEXT_PAYMENT_ID] = row_text(row, ORDER_PAYMENT_ID);
    image.text[TEXT_ENTRIES] = take_payments(rebuild, PQgetvalue(row, 0, ORDER_PAYMENTS), payments);
    if (!row_order_id(row, ORDER_ID, image.fact.order.id) || !adds_up(&image))
        image.kind = EVENT_NONE; /* not a record: refused as such */
    rebuild_put(rebuild, rebuild_shard_of(rebuild, image.text[TEXT_CUSTOMER]), &image,
        row_text(row, ORDER_ID));
}

static void take_allowance(struct rebuild *rebuild, const PGresult *row)
{
    struct event image = {.kind = EVENT_ALLOWANCES_IMAGE, .line_count = 1};
    rebuild->lines[0] = (struct event_line){
        .sku_number = (uint32_t)row_number(row, 1),
        .sale_number = (uint32_t)row_number(row, 2),
        .quantity = (uint32_t)row_number(row, 3),
    };
    image.fact.images.count = 1;
    image.lines = rebuild->lines;
    image.text[TEXT_CUSTOMER] = row_text(row, 0);
    rebuild_put(rebuild, rebuild_shard_of(rebuild, image.text[TEXT_CUSTOMER]), &image,
        image.text[TEXT_CUSTOMER]);
}

/* Of one entry: an order's go to its shard. */
static void take_key(struct rebuild *rebuild, const PGresult *row)
{
    struct event image = {.kind = EVENT_KEYS_IMAGE, .fact.images.count = 1};
    struct bytes customer = row_text(row, 2), key = row_text(row, 4), hex = row_text(row, 5);
    struct bytes request = row_hex(rebuild, (const char *)hex.data, hex.size);
    struct key_entry entry = {
        .keep_shelf_ms = row_shelf_ms(rebuild, row, 6),
        .allotment = (uint32_t)row_number(row, 7),
        .available = (uint32_t)row_number(row, 8),
        .held = (uint32_t)row_number(row, 9),
        .sold = (uint32_t)row_number(row, 10),
        .kind = (uint8_t)row_number(row, 0),
    };
    bool is_of_order = row_order_id(row, 1, entry.order_id);
    uint32_t shard = is_of_order ? rebuild_shard_of(rebuild, customer) : 0;
    entry.key = entry.kind == REQUEST_STOCK    ? key_of_stock((uint32_t)row_number(row, 3), key)
                : entry.kind == REQUEST_CANCEL ? key_of_cancel(entry.order_id, key)
                                               : key_of_checkout(customer, key);
    if (request.size == sizeof(entry.request))
        memcpy(&entry.request, request.data, sizeof(entry.request));
    image.text[TEXT_ENTRIES] = bytes_of(&entry, sizeof(entry));
    rebuild_put(rebuild, shard, &image, key);
}

/* Any one shard has them. */
static void take_gone(struct rebuild *rebuild, const PGresult *row)
{
    struct event image = {.kind = EVENT_GONE_IMAGE, .line_count = 1};
    rebuild->lines[0] = (struct event_line){
        .sku_number = (uint32_t)row_number(row, 0), .unit_price = row_number(row, 1)};
    image.fact.images.count = 1;
    image.lines = rebuild->lines;
    rebuild_put(rebuild, rebuild->lines[0].sku_number % rebuild->options.shards, &image,
        BYTES("old orders"));
}

int rebuild_orders(struct rebuild *rebuild)
{
    (void)rebuild_each(rebuild, customers_sql, take_customer);
    (void)rebuild_each(rebuild, orders_sql, take_order);
    (void)rebuild_each(rebuild,
        "SELECT customer, number, sale_number, used FROM rebuild_allowances ORDER BY 1, 2, 3",
        take_allowance);
    (void)rebuild_each(rebuild,
        "SELECT kind, order_id, customer, sku_number, key, request, keep_ms, allotment, available, "
        "held, sold FROM rebuild_keys WHERE kind = 3 OR order_id IN "
        "(SELECT order_id FROM rebuild_orders WHERE is_kept)",
        take_key);
    return rebuild_each(rebuild,
        "SELECT p.number, sum(l.quantity - l.restocked) FROM rebuild_orders o "
        "JOIN rebuild_lines l USING (order_id) JOIN rebuild_products p USING (sku) "
        "WHERE NOT o.is_kept AND l.sold GROUP BY 1 HAVING sum(l.quantity - l.restocked) > 0",
        take_gone);
}
