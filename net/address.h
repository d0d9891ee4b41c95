/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address - who is at the other end of a connection, as a value: an address of the internet, a peer
 * on a Unix socket, or nobody known.
 *
 *     ADDRESS_IP     16 bytes; of IPv4 ::ffff:a.b.c.d, so that both spellings are one address
 *
 * Ownership  A plain value; a name borrows from it.
 * Threads    Pure functions.
 * Units      Bytes; prefixes in bits of the 16 bytes.
 * Errors     address_parse() is false for all that is not one address in digits.
 * Cost       A pass over at most 45 characters.
 */
#ifndef HOTSHELF_NET_ADDRESS_H
#define HOTSHELF_NET_ADDRESS_H

#include "core/bytes.h"

enum address_kind { ADDRESS_NONE, ADDRESS_UNIX, ADDRESS_IP };

enum {
    ADDRESS_SIZE = 16,
    ADDRESS_BITS = 8 * ADDRESS_SIZE,
    ADDRESS_BITS_BEFORE_IPV4 = 96, /* of ::ffff:0:0/96 */
    ADDRESS_SITE_SIZE = 8,         /* of IPv6: what one customer of a provider is given, a /64 */
};

struct address {
    uint8_t kind; /* enum address_kind */
    uint8_t bytes[ADDRESS_SIZE];
};

/* 1.2.3.4 or 2001:db8::1; no zone, no port, no brackets, no leading zeros in IPv4. */
bool address_parse(struct bytes text, struct address *address);
struct address address_of_ipv4(const uint8_t bytes[4]);
struct address address_of_ipv6(const uint8_t bytes[ADDRESS_SIZE]);

bool address_is_ipv4(const struct address *address);
bool address_equal(const struct address *a, const struct address *b);
/* Whether the first `bits` of both are alike. */
bool address_shares(const struct address *a, const struct address *b, uint32_t bits);

/* What is counted as one: the whole of IPv4, the site of IPv6, all peers on Unix sockets together.
 * Empty: nobody. */
struct bytes address_name(const struct address *address);

#endif
