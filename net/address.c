/* SPDX-License-Identifier: Apache-2.0 */
#include "net/address.h"

#include <arpa/inet.h>

enum { TEXT_SIZE_MAX = 45 };

static const uint8_t before_ipv4[ADDRESS_BITS_BEFORE_IPV4 / 8] = {[10] = 0xff, [11] = 0xff};

struct address address_of_ipv6(const uint8_t bytes[ADDRESS_SIZE])
{
    struct address address = {.kind = ADDRESS_IP};
    memcpy(address.bytes, bytes, ADDRESS_SIZE);
    return address;
}

struct address address_of_ipv4(const uint8_t bytes[4])
{
    struct address address = {.kind = ADDRESS_IP};
    memcpy(address.bytes, before_ipv4, sizeof(before_ipv4));
    memcpy(address.bytes + sizeof(before_ipv4), bytes, 4);
    return address;
}

bool address_parse(struct bytes text, struct address *address)
{
    char string[TEXT_SIZE_MAX + 1];
    uint8_t read[ADDRESS_SIZE];
    *address = (struct address){.kind = ADDRESS_NONE};
    if (text.size == 0 || text.size > TEXT_SIZE_MAX || memchr(text.data, 0, text.size) != NULL)
        return false;
    memcpy(string, text.data, text.size);
    string[text.size] = 0;
    if (inet_pton(AF_INET, string, read) == 1)
        *address = address_of_ipv4(read);
    else if (inet_pton(AF_INET6, string, read) == 1)
        *address = address_of_ipv6(read);
    return address->kind == ADDRESS_IP;
}

bool address_is_ipv4(const struct address *address)
{
    return address->kind == ADDRESS_IP &&
           memcmp(address->bytes, before_ipv4, sizeof(before_ipv4)) == 0;
}

bool address_equal(const struct address *a, const struct address *b)
{
    return a->kind == b->kind && memcmp(a->bytes, b->bytes, ADDRESS_SIZE) == 0;
}

bool address_shares(const struct address *a, const struct address *b, uint32_t bits)
{
    if (a->kind != ADDRESS_IP || b->kind != ADDRESS_IP)
        return false;
    uint32_t whole = bits / 8, rest = bits % 8;
    if (memcmp(a->bytes, b->bytes, whole) != 0)
        return false;
    return rest == 0 || ((a->bytes[whole] ^ b->bytes[whole]) >> (8 - rest)) == 0;
}

struct bytes address_name(const struct address *address)
{
    if (address->kind == ADDRESS_NONE)
        return (struct bytes){0};
    if (address->kind == ADDRESS_UNIX)
        return BYTES("unix");
    bool whole = address_is_ipv4(address);
    return bytes_of(address->bytes, whole ? ADDRESS_SIZE : ADDRESS_SITE_SIZE);
}
