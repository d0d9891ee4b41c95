/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proxies - whose word about a client's address is believed: server.trusted_proxies.
 *
 *     trusted_proxies = 10.0.0.0/8, 192.0.2.7, fd00::/8, unix
 *
 * `unix` stands for all who come by a Unix socket.
 *
 * Ownership  A plain value.
 * Threads    Written at start, then read by all.
 * Units      Bits of a prefix.
 * Errors     proxies_parse() is false, with a reason that goes on behind the name of the key.
 * Cost       proxies_trust(): one look at each range.
 */
#ifndef HOTSHELF_NET_PROXIES_H
#define HOTSHELF_NET_PROXIES_H

#include "net/address.h"

enum { PROXIES_MAX = 32 };

struct proxies {
    bool on_unix;
    uint32_t count;
    struct {
        struct address address;
        uint32_t bits;
    } ranges[PROXIES_MAX];
};

bool proxies_parse(struct proxies *proxies, struct bytes text, char *reason, uint32_t reason_size);
bool proxies_trust(const struct proxies *proxies, const struct address *peer);

#endif
