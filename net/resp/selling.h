/* SPDX-License-Identifier: Apache-2.0 */
/*
 * selling - what a back end asks of the engine: each command's arguments become the same struct
 * command that the route of HTTP makes of its body, so a key that was used over one protocol is the
 * same request over the other (I2, I3).
 *
 *     HS.CHECKOUT     POST /v1/checkout
 *     HS.ORDER        GET  /v1/orders/ID
 *     HS.PAY          POST /v1/orders/ID/payment
 *     HS.CANCEL       POST /v1/orders/ID/cancel
 *     HS.STOCK        GET  /admin/v1/stock/SKU
 *     HS.STOCK.ADD    POST /admin/v1/products/SKU/stock
 *     HS.CART.*       /v1/cart
 *
 * Ownership  What the command needs is kept in the request's slot.
 * Threads    The shard the request arrived at.
 * Units      Whole units, minor units of money.
 * Errors     RESP_ANSWERED with a complete error reply; an unknown order is nothing.
 * Cost       One pass over the arguments.
 */
#ifndef HOTSHELF_NET_RESP_SELLING_H
#define HOTSHELF_NET_RESP_SELLING_H

#include "net/resp/command.h"

enum resp_verdict selling_stock(struct resp_call *call);
enum resp_verdict selling_stock_add(struct resp_call *call);
enum resp_verdict selling_cart_get(struct resp_call *call);
enum resp_verdict selling_cart_set(struct resp_call *call);
enum resp_verdict selling_cart_clear(struct resp_call *call);
enum resp_verdict selling_checkout(struct resp_call *call);
enum resp_verdict selling_order(struct resp_call *call);
enum resp_verdict selling_pay(struct resp_call *call);
enum resp_verdict selling_cancel(struct resp_call *call);

#endif
