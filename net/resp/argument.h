/* SPDX-License-Identifier: Apache-2.0 */
/*
 * argument - one argument of a command: read, checked as HTTP checks it, and kept in the slot.
 *
 *     HS.CHECKOUT   anna      key-1   ITEM S1 2      EXPECT 900
 *                   customer  key          sku, quantity    number
 *
 * `at` counts from the command's name, which is 0. The texts of one command share the slot's room.
 *
 * Ownership  What is kept lives as long as the request.
 * Threads    The shard the request arrived at.
 * Units      Bytes, whole units, minor units of money.
 * Errors     false: the whole error reply is written.
 * Cost       One pass over the argument.
 */
#ifndef HOTSHELF_NET_RESP_ARGUMENT_H
#define HOTSHELF_NET_RESP_ARGUMENT_H

#include "net/resp/command.h"

/* Always false, when "-WORD text" is written: `name` is what the argument is called. */
bool argument_refuse(struct resp_call *call, const char *word, const char *name, const char *why);

/* Whose cart or order it is; a guest is one by a token that we signed. */
bool argument_customer(struct resp_call *call, uint32_t at);
/* I7: bare or in quotes, as in the field of HTTP. */
bool argument_key(struct resp_call *call, uint32_t at);
/* False also for an id that no order of ours can have: the reply is that of an unknown one (O4). */
bool argument_order_id(struct resp_call *call, uint32_t at);
bool argument_sku(struct resp_call *call, uint32_t at, struct bytes *sku);
/* Up to limits.units_per_line. */
bool argument_quantity(struct resp_call *call, uint32_t at, uint32_t least, uint32_t *quantity);
/* Decimal, with a sign where `least` is negative. */
bool argument_number(struct resp_call *call, uint32_t at, const char *name, int64_t least,
    int64_t most, int64_t *value);
bool argument_currency(struct resp_call *call, uint32_t at, uint8_t currency[4]);
bool argument_choice(struct resp_call *call, uint32_t at, const char *name,
    const char *const *choices, uint32_t count, uint32_t *choice);
/* UTF-8 without U+0000, which PostgreSQL could not keep. One of no bytes is not there. */
bool argument_text(struct resp_call *call, uint32_t at, const char *name, uint32_t size_min,
    uint32_t size_max, struct bytes *text);
/* The same, but not kept. */
bool argument_is_text(
    struct resp_call *call, uint32_t at, const char *name, uint32_t size_min, uint32_t size_max);
bool argument_keep(struct resp_call *call, struct bytes bytes, struct bytes *kept);

#endif
