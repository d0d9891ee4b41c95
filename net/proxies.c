/* SPDX-License-Identifier: Apache-2.0 */
#include "net/proxies.h"

#include <stdarg.h>
#include <stdio.h>

#include "net/http/target.h"

__attribute__((format(printf, 3, 4))) static bool fail(
    char *reason, uint32_t reason_size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, reason_size, format, arguments);
    va_end(arguments);
    return false;
}

/* "0" to "128" without leading zeros. */
static bool read_bits(struct bytes text, uint32_t *bits)
{
    *bits = 0;
    if (text.size == 0 || text.size > 3 || (text.size > 1 && text.data[0] == '0'))
        return false;
    for (uint32_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *bits = *bits * 10 + (uint32_t)(text.data[i] - '0');
    }
    return *bits <= ADDRESS_BITS;
}

/* An address written behind a prefix is most likely one that was meant alone. */
static bool is_beginning(const struct address *address, uint32_t bits)
{
    for (uint32_t bit = bits; bit < ADDRESS_BITS; bit++)
        if (address->bytes[bit / 8] >> (7 - bit % 8) & 1)
            return false;
    return true;
}

static bool read_range(struct bytes item, struct address *address, uint32_t *bits)
{
    const uint8_t *slash = memchr(item.data, '/', item.size);
    uint32_t size = slash == NULL ? item.size : (uint32_t)(slash - item.data);
    *bits = ADDRESS_BITS;
    if (!address_parse(bytes_of(item.data, size), address))
        return false;
    if (slash == NULL)
        return true;
    bool dotted = memchr(item.data, ':', size) == NULL;
    if (!read_bits(bytes_of(slash + 1, item.size - size - 1), bits))
        return false;
    if (dotted && *bits > ADDRESS_BITS - ADDRESS_BITS_BEFORE_IPV4)
        return false;
    if (dotted)
        *bits += ADDRESS_BITS_BEFORE_IPV4;
    return is_beginning(address, *bits);
}

bool proxies_parse(struct proxies *proxies, struct bytes text, char *reason, uint32_t reason_size)
{
    struct bytes item;
    *proxies = (struct proxies){.count = 0};
    while (http_list_next(&text, &item)) {
        if (bytes_equal(item, BYTES("unix"))) {
            proxies->on_unix = true;
            continue;
        }
        if (proxies->count == PROXIES_MAX)
            return fail(reason, reason_size, "must be at most %d ranges", PROXIES_MAX);
        uint32_t i = proxies->count++;
        if (!read_range(item, &proxies->ranges[i].address, &proxies->ranges[i].bits))
            return fail(reason, reason_size,
                "must be addresses, ranges as 10.0.0.0/8, or unix, with commas between; %.*s is "
                "none",
                item.size < 64 ? (int)item.size : 64, (const char *)item.data);
    }
    return true;
}

bool proxies_trust(const struct proxies *proxies, const struct address *peer)
{
    if (peer->kind == ADDRESS_UNIX)
        return proxies->on_unix;
    for (uint32_t i = 0; i < proxies->count; i++)
        if (address_shares(&proxies->ranges[i].address, peer, proxies->ranges[i].bits))
            return true;
    return false;
}
