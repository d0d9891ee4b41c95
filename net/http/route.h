/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route - which call a method and a path are: one table for each listener.
 *
 *     GET /v1/orders/0198..  ->  ROUTE_ORDER, capture "0198.."
 *
 * Paths are compared as sent, segment by segment; the captured segment is still percent-encoded.
 * HEAD is served wherever GET is.
 *
 * Ownership  The capture borrows from the path.
 * Threads    Pure functions over constant tables.
 * Units      Sizes in bytes; `allowed` is a bit for each enum http_method.
 * Errors     ROUTE_NONE: with allowed == 0 nobody serves the path (404), otherwise not with this
 *            method (405, Allow).
 * Cost       A length compare for each line of the table, a comparison by words for the line that
 *            matches; the hottest lines come first.
 */
#ifndef HOTSHELF_NET_HTTP_ROUTE_H
#define HOTSHELF_NET_HTTP_ROUTE_H

#include "net/http/parser.h"

enum http_route {
    ROUTE_NONE,
    /* storefront, public */
    ROUTE_PRODUCTS,
    ROUTE_PRODUCT,
    ROUTE_AVAILABILITY,
    ROUTE_AVAILABILITY_POST,
    ROUTE_STREAM,
    ROUTE_OPENAPI,
    ROUTE_GUESTS,
    /* storefront, of a customer */
    ROUTE_CART,
    ROUTE_CART_CLEAR,
    ROUTE_CART_ITEM_PUT,
    ROUTE_CART_ITEM_DELETE,
    ROUTE_CART_EXTEND,
    ROUTE_CART_MERGE,
    ROUTE_CHECKOUT,
    ROUTE_ORDERS,
    ROUTE_ORDER,
    ROUTE_CANCEL,
    /* storefront, role service */
    ROUTE_PAYMENT,
    /* storefront, of who can sign it */
    ROUTE_PAYMENT_EVENT,
    /* admin */
    ROUTE_ADMIN_IMPORT,
    ROUTE_ADMIN_IMPORT_DRY_RUN, /* the same call with dry_run=true */
    ROUTE_ADMIN_PRODUCT,
    ROUTE_ADMIN_PRODUCT_PATCH,
    ROUTE_ADMIN_STOCK_CHANGE,
    ROUTE_ADMIN_STOCK,
    ROUTE_ADMIN_STOCK_LIST,
    ROUTE_ADMIN_SALES,
    ROUTE_ADMIN_SALE,
    ROUTE_ADMIN_SALE_PUT,
    ROUTE_ADMIN_SALE_DELETE,
    ROUTE_ADMIN_PAUSE,
    ROUTE_ADMIN_FREEZE,
    ROUTE_ADMIN_KILL,
    ROUTE_ADMIN_RESUME,
    ROUTE_ADMIN_SWITCHES,
    ROUTE_ADMIN_ORDERS,
    ROUTE_ADMIN_ORDER,
    ROUTE_ADMIN_ORDER_REVIEW,
    ROUTE_ADMIN_ORDER_CANCEL,
    ROUTE_ADMIN_CUSTOMER,
    ROUTE_ADMIN_RESERVATIONS,
    ROUTE_ADMIN_AUDIT,
    ROUTE_ADMIN_HOME,
    /* both */
    ROUTE_LIVEZ,
    ROUTE_READYZ,
    ROUTE_COUNT,
};

enum { ROUTE_ALLOW_SIZE = 64 };

struct route_match {
    enum http_route route;
    struct bytes capture; /* of the one "{}" that a pattern may have */
    uint32_t allowed;     /* of ROUTE_NONE */
};

struct route_match route_find_storefront(enum http_method method, struct bytes path);
struct route_match route_find_admin(enum http_method method, struct bytes path);

/* "GET, HEAD, PUT" for the field Allow. */
struct bytes route_allow(uint32_t allowed, uint8_t text[ROUTE_ALLOW_SIZE]);

#endif
