/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forwarded - the address of the client behind the proxies that we trust.
 *
 *     X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.2      from the trusted peer 10.0.0.1
 *                      forged   ^ the client  trusted, too
 *
 * Each proxy puts behind the list whom it was called by, so what a trusted one wrote stands at the
 * right, and the first address from there that is not a trusted one is the client's. What stands
 * left of it he may have written himself. `Forwarded: for=` (RFC 7239) says the same in other
 * words.
 *
 *     no field              the proxy speaks for itself: ADDRESS_NONE
 *     all trusted           the one at the left
 *     anything else that cannot be read in one way      the peer's own address: both fields that
 *                           differ, an element that is no address, more elements than MAX
 *
 * Both fields count, since a proxy that writes one of them passes on the other as the client sent
 * it: so they must agree.
 *
 * Ownership  A plain value.
 * Threads    Pure functions.
 * Units      None.
 * Errors     None.
 * Cost       A pass over both fields, only for who is trusted.
 */
#ifndef HOTSHELF_NET_HTTP_FORWARDED_H
#define HOTSHELF_NET_HTTP_FORWARDED_H

#include "net/http/parser.h"
#include "net/proxies.h"

enum {
    FORWARDED_LINES_MAX = 8,     /* of one field: a proxy may add a line instead of an element */
    FORWARDED_ELEMENTS_MAX = 32, /* proxies in a row, with room for what clients add */
};

/* Who is to be counted for a request of `peer`. */
struct address forwarded_client(
    const struct proxies *proxies, const struct address *peer, const struct http_request *parsed);

#endif
