/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The beginning of every shard, and what shard 0 has: names with the terms of sales, products,
 * switches. A killed scope comes back paused: what the kill had in its scope is dead or was never
 * known here, and whoever resumes it decides anew.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/switches.h"
#include "persist/rebuild_rows.h"

static void put_begun(struct rebuild *rebuild)
{
    struct event begun = {.kind = EVENT_WALK_BEGUN};
    for (uint32_t i = 0; i < rebuild->options.shards; i++) {
        begun.fact.walk = (struct fact_walk){
            .number = 1,
            .stream_seq = rebuild->positions[i],
            .now_wall_ms = rebuild->as_of_ms,
            .sku_next = i == 0 ? rebuild->sku_next : 0,
            .flags = WALK_GENESIS,
        };
        begun.text[TEXT_ENTRIES] =
            i == 0 ? bytes_of(rebuild->positions, sizeof(rebuild->positions)) : (struct bytes){0};
        rebuild_put(rebuild, i, &begun, BYTES("positions"));
    }
}

static uint8_t reserve_of(struct bytes name)
{
    if (name.size == 0)
        return RESERVE_UNSET;
    return bytes_equal(name, BYTES("cart")) ? RESERVE_CART : RESERVE_CHECKOUT;
}

static uint8_t mode_of(struct bytes name)
{
    if (name.size == 0)
        return 0;
    return bytes_equal(name, BYTES("deferred")) ? PAYMENT_DEFERRED : PAYMENT_EXTERNAL;
}

/* exact, boolean, capped:N */
static void take_counts(struct bytes text, struct fact_sale *sale)
{
    const struct bytes capped = BYTES("capped:");
    sale->counts = bytes_equal(text, BYTES("boolean")) ? COUNTS_BOOLEAN : COUNTS_EXACT;
    if (text.size <= capped.size || memcmp(text.data, capped.data, capped.size) != 0)
        return;
    sale->counts = COUNTS_CAPPED;
    sale->counts_cap = (uint32_t)strtoul((const char *)text.data + capped.size, NULL, 10);
}

static const char names_sql[] =
    "SELECT n.number, n.name, n.is_seller::integer, n.is_sale::integer, coalesce(s.told, 0), "
    "s.terms ->> 'hold_seconds', s.terms ->> 'payment_seconds', s.terms ->> 'review_seconds', "
    "s.terms ->> 'max_per_customer', s.terms ->> 'reserve_on', s.terms ->> 'payment_mode', "
    "s.terms ->> 'counts', coalesce(s.terms ->> 'guests', 'true'), "
    "coalesce(s.terms ->> 'version', '1'), pg_temp.ms((s.terms ->> 'starts_at')::timestamptz), "
    "pg_temp.ms((s.terms ->> 'ends_at')::timestamptz) "
    "FROM rebuild_names n LEFT JOIN rebuild_sales s ON n.is_sale AND s.sale = n.name ORDER BY 1";

static void take_name(struct rebuild *rebuild, const PGresult *row)
{
    struct event image = {.kind = EVENT_NAME_IMAGE};
    uint32_t number = (uint32_t)row_number(row, 0);
    struct fact_name *fact = &image.fact.name;
    fact->slot.slot = number - 1;
    fact->slot.number = number;
    fact->slot.is_seller = row_number(row, 2) != 0;
    fact->slot.told = (uint8_t)row_number(row, 4);
    image.text[TEXT_SALE] = row_text(row, 1);
    if (row_number(row, 3) != 0) {
        fact->sale = (struct fact_sale){
            .sale_number = number,
            .hold_seconds = (uint32_t)row_number(row, 5),
            .payment_seconds = (uint32_t)row_number(row, 6),
            .review_seconds = (uint32_t)row_number(row, 7),
            .max_per_customer = (uint32_t)row_number(row, 8),
            .reserve_on = reserve_of(row_text(row, 9)),
            .payment_mode = mode_of(row_text(row, 10)),
            .guests =
                bytes_equal(row_text(row, 12), BYTES("true")) ? GUESTS_ALLOWED : GUESTS_REFUSED,
            .version = (uint32_t)row_number(row, 13),
            .starts_wall_ms = row_number(row, 14),
            .ends_wall_ms = row_number(row, 15),
        };
        take_counts(row_text(row, 11), &fact->sale);
    }
    rebuild_put(rebuild, 0, &image, image.text[TEXT_SALE]);
}

/* The product's own currency first. Prices: "GBP 4500;USD 5200". */
static const char products_sql[] =
    "SELECT p.number, p.version, coalesce(s.number, 0), coalesce(n.number, 0), p.max_per_customer, "
    "p.hold_seconds, p.allotment, p.reserve_on, p.starts_ms, p.ends_ms, p.sku, p.title, "
    "p.category, p.seller, p.sale, p.\"group\", p.option, p.image, "
    "(SELECT string_agg(e.key || ' ' || e.value, ';' ORDER BY e.key <> p.currency, e.key) "
    "FROM jsonb_each_text(p.prices) e) "
    "FROM rebuild_products p LEFT JOIN rebuild_names s ON s.name = p.seller "
    "LEFT JOIN rebuild_names n ON n.name = p.sale ORDER BY 1";

static void take_prices(const char *text, struct fact_product *product)
{
    while (text != NULL && *text != '\0' && product->price_count < PRICES_MAX) {
        uint32_t i = product->price_count++;
        memcpy(product->prices[i].currency, text, 3);
        product->prices[i].amount = strtoll(text + 3, NULL, 10);
        text = strchr(text, ';');
        text = text == NULL ? NULL : text + 1;
    }
}

static void take_product(struct rebuild *rebuild, const PGresult *row)
{
    static const enum event_text texts[] = {TEXT_SKU, TEXT_TITLE, TEXT_CATEGORY, TEXT_SELLER,
        TEXT_SALE, TEXT_GROUP, TEXT_OPTION, TEXT_IMAGE};
    struct event image = {.kind = EVENT_PRODUCT_IMAGE};
    image.fact.product = (struct fact_product){
        .sku_number = (uint32_t)row_number(row, 0),
        .version = (uint32_t)row_number(row, 1),
        .seller_number = (uint32_t)row_number(row, 2),
        .sale_number = (uint32_t)row_number(row, 3),
        .max_per_customer = (uint32_t)row_number(row, 4),
        .hold_seconds = (uint32_t)row_number(row, 5),
        .allotment = (uint32_t)row_number(row, 6),
        .created = 1,
        .reserve_on = reserve_of(row_text(row, 7)),
        .starts_wall_ms = row_number(row, 8),
        .ends_wall_ms = row_number(row, 9),
    };
    for (uint32_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        image.text[texts[i]] = row_text(row, 10 + (int)i);
    take_prices(PQgetvalue(row, 0, 18), &image.fact.product);
    rebuild_put(rebuild, 0, &image, image.text[TEXT_SKU]);
}

/* If events of shard 0 were deleted from the outbox, switches may have gone with them, and what was
 * paused, frozen or killed would be sold: the shop waits as a whole until somebody has looked. So
 * does each sale whose terms have gone, for somebody who knows them. `all` comes first, since
 * there is room for so many switches only. */
static const char switches_sql[] =
    "SELECT s.scope, s.state, s.actor, s.since_ms, "
    "CASE WHEN s.scope LIKE 'sale:%' THEN n.number WHEN s.scope LIKE 'sku:%' THEN p.number "
    "ELSE 0 END FROM (SELECT scope, state, actor, since_ms FROM rebuild_switches "
    "WHERE type <> 'sale.resumed.v1' UNION ALL "
    "SELECT 'all', 'paused', 'recover', t.ms FROM rebuild_moment t, rebuild_outbox o "
    "WHERE o.missing_of_0 > 0 AND NOT EXISTS (SELECT FROM rebuild_switches x "
    "WHERE x.scope = 'all' AND x.type <> 'sale.resumed.v1') UNION ALL "
    "SELECT 'sale:' || n.name, 'paused', 'recover', t.ms FROM rebuild_names n, rebuild_moment t "
    "WHERE n.is_sale AND (SELECT missing_of_0 > 0 FROM rebuild_outbox) "
    "AND NOT EXISTS (SELECT FROM rebuild_sales s WHERE s.sale = n.name) "
    "AND NOT EXISTS (SELECT FROM rebuild_switches x WHERE x.scope = 'sale:' || n.name "
    "AND x.type <> 'sale.resumed.v1')) s "
    "LEFT JOIN rebuild_names n ON n.is_sale AND s.scope = 'sale:' || n.name "
    "LEFT JOIN rebuild_products p ON s.scope = 'sku:' || p.sku "
    "ORDER BY s.scope <> 'all', s.actor = 'recover'";

static void take_switch(struct rebuild *rebuild, const PGresult *row)
{
    struct event image = {.kind = EVENT_SWITCH_IMAGE};
    struct bytes scope = row_text(row, 0), state = row_text(row, 1);
    const struct bytes sale = BYTES("sale:"), sku = BYTES("sku:");
    bool is_killed = bytes_equal(state, BYTES("killed"));
    if (row_is_null(row, 4) || rebuild->counts.switches == SWITCHES_MAX)
        return; /* of a sale or a SKU that is gone */
    image.fact.switched = (struct fact_switch){
        .now_wall_ms = row_number(row, 3),
        .number = (uint32_t)row_number(row, 4),
        .scope = SCOPE_ALL,
        .state = bytes_equal(state, BYTES("frozen")) ? SWITCHED_FROZEN : SWITCHED_PAUSED,
    };
    image.text[TEXT_ACTOR] = row_text(row, 2);
    if (scope.size > sale.size && memcmp(scope.data, sale.data, sale.size) == 0) {
        image.fact.switched.scope = SCOPE_SALE;
        image.text[TEXT_SALE] = bytes_of(scope.data + sale.size, scope.size - sale.size);
    } else if (scope.size > sku.size && memcmp(scope.data, sku.data, sku.size) == 0) {
        image.fact.switched.scope = SCOPE_SKU;
        image.text[TEXT_SKU] = bytes_of(scope.data + sku.size, scope.size - sku.size);
    }
    rebuild->counts.switches++;
    rebuild->counts.killed += is_killed;
    rebuild_put(rebuild, 0, &image, scope);
}

int rebuild_catalog(struct rebuild *rebuild)
{
    put_begun(rebuild);
    (void)rebuild_each(rebuild, switches_sql, take_switch);
    (void)rebuild_each(rebuild, names_sql, take_name);
    return rebuild_each(rebuild, products_sql, take_product);
}
