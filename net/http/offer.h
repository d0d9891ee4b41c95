/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offer - what the shelf says of one product now: may it be bought, how many are left, and if not,
 * when (A4, W1). The same for everybody (A6).
 *
 *     not_started | ended | paused | available | held_by_others | sold_out   unknown: no product
 *
 * Ownership  Plain values; `sku` in an item is the caller's.
 * Threads    Any shard: catalog and stock are shared.
 * Units      Wall milliseconds, 0 for none; units of stock.
 * Errors     None.
 * Cost       One look-up, one copy of the product's terms, one load of its stock word.
 */
#ifndef HOTSHELF_NET_HTTP_OFFER_H
#define HOTSHELF_NET_HTTP_OFFER_H

#include "core/json_writer.h"
#include "net/http/http.h"

enum offer_status {
    OFFER_UNKNOWN,
    OFFER_AVAILABLE,
    OFFER_SOLD_OUT,
    OFFER_HELD_BY_OTHERS,
    OFFER_NOT_STARTED,
    OFFER_ENDED,
    OFFER_PAUSED,
};

struct offer {
    enum offer_status status;
    uint32_t available;
    bool is_hidden; /* how many are available is not said (A5): then it is 0 */
    bool is_exact;  /* its merchant looks */
    int64_t next_release_wall_ms;
    int64_t starts_wall_ms;
    int64_t ends_wall_ms;
    uint32_t max_per_customer; /* 0: no limit */
};

enum { OFFER_ITEM_SIZE_MAX = 160 + 2 * SKU_SIZE_MAX }; /* bytes of an item as JSON, with a comma */

/* Of a product whose terms were read: as customers see it, or as its merchant does. */
struct offer offer_of(
    struct http_context *context, uint32_t sku_index, const struct product_terms *terms);
struct offer offer_exact(
    struct http_context *context, uint32_t sku_index, const struct product_terms *terms);

struct bytes offer_status_name(enum offer_status status);

/* The moment is one for all replies of a tick: its text, in quotes. */
struct bytes offer_as_of(struct http_context *context);

/* An item of availability, into a writer that has OFFER_ITEM_SIZE_MAX left. The SKU is one by its
 * form: a backslash is all there is to escape. */
void offer_put_item(struct json_writer *json, struct bytes sku, const struct offer *offer);

/* The product's id as it is asked for: its offer, OFFER_UNKNOWN for an unknown SKU. */
struct offer offer_find(struct http_context *context, struct bytes sku);

#endif
