/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate - whether a request may be asked now: its address has an allowance, and so has its customer.
 *
 *     address, before anything is read of who calls   products, availability, .. and guests, whose
 *                                                     own allowance is always there
 *     customer, once he is known                      carts, checkouts, orders
 *     nobody                                          back ends (role service), payment events,
 *                                                     probes, admins: payments must come through
 *
 * A token is not verified before its address may ask, or verifying would be what floods us; so a
 * back end is known here by a token that was verified before.
 *
 * Who goes on asking is not read from for a moment, if nobody else can be on his connection: what
 * he sends meanwhile costs nothing but his own wait.
 *
 * What is left goes into the reply: RateLimit-Policy and RateLimit of the allowance that has less
 * (draft-ietf-httpapi-ratelimit-headers), and of a refusal Retry-After, later by chance, that a
 * crowd turned away at once does not come back at once.
 *
 * Ownership  struct rates is in the house, its table in the arena.
 * Threads    rate_*(): the shard that decodes; they share the table.
 * Units      Requests, seconds.
 * Errors     A refusal is a complete reply: 429 rate_limited.
 * Cost       Nothing while a limit is off; else one cache line for each allowance asked.
 */
#ifndef HOTSHELF_NET_HTTP_RATE_H
#define HOTSHELF_NET_HTTP_RATE_H

#include "net/http/decode.h"
#include "net/limit.h"
#include "net/proxies.h"

enum {
    /* 512 KiB: while guests alone are limited. */
    RATE_WORDS_OF_GUESTS = 1 << 16,
};

enum rate_policy { RATE_NONE, RATE_ADDRESS, RATE_CUSTOMER, RATE_GUESTS };

struct rates {
    struct limit limit;
    struct limit_rate requests; /* of an address, and of a customer */
    struct limit_rate guests;   /* that one address may make */
    struct proxies proxies;
};

/* `key`: as of limit_init(). */
void rates_init(
    struct rates *rates, struct arena *arena, const struct config *config, uint64_t key);

/* Both: true, or the reply is complete. A request that is decoded again has asked already. */
bool rate_ask_address(struct decoder *decoder);
bool rate_ask_customer(struct decoder *decoder);

/* Whether an address may have one more connection now: as many a second as it may ask requests, for
 * noise that is refused before it is a request costs a connection each time. */
bool rate_ask_connection(struct http_context *context, const struct address *peer);

enum { RATE_FIELDS_SIZE_MAX = 112 };

/* The fields of a reply with CR LF before each; answers their size, 0 without a limit. */
uint32_t rate_fields(const struct config *config, const struct request *request, char *text);

#endif
