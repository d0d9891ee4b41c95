/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partition - the hash of a customer, and the bits of an order id (RFC 9562, section 5.7).
 *
 * An id is 16 bytes, most significant first. Bytes 0-5 are the time, the high half of byte 6 is the
 * version, its low half and byte 7 are the partition, the top two bits of byte 8 the variant.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/check.h"
#include "core/limits.h"
#include "core/partition.h"

enum { VERSION = 7 };

_Static_assert(PARTITIONS == 1 << 12, "a partition is the 12 bits of rand_a");

uint32_t partition_of_customer(struct bytes customer)
{
    return (uint32_t)(XXH3_64bits(customer.data, customer.size) % PARTITIONS);
}

uint32_t partition_of_order(const uint8_t order_id[16])
{
    return (uint32_t)(order_id[6] & 0x0f) << 8 | order_id[7];
}

void order_id_make(uint8_t order_id[16], int64_t wall_ms, uint32_t partition, uint64_t random)
{
    CHECK(wall_ms >= 0);
    CHECK(wall_ms < INT64_C(1) << 48);
    CHECK(partition < PARTITIONS);

    uint64_t first = __builtin_bswap64((uint64_t)wall_ms << 16 | VERSION << 12 | partition);
    uint64_t second = __builtin_bswap64((random & UINT64_MAX >> 2) | UINT64_C(2) << 62);
    memcpy(order_id, &first, sizeof(first));
    memcpy(order_id + sizeof(first), &second, sizeof(second));
}

static bool is_dash_place(uint32_t place)
{
    return place == 8 || place == 13 || place == 18 || place == 23;
}

/* -1 for what is no hexadecimal digit. */
static int digit_value(uint8_t character)
{
    if (character >= '0' && character <= '9')
        return character - '0';
    uint8_t lower = character | 0x20;
    if (lower >= 'a' && lower <= 'f')
        return lower - 'a' + 10;
    return -1;
}

bool order_id_parse(struct bytes text36, uint8_t order_id[16])
{
    if (text36.size != ORDER_ID_TEXT_SIZE)
        return false;

    uint8_t id[ORDER_ID_SIZE] = {0};
    uint32_t digits = 0;
    for (uint32_t place = 0; place < ORDER_ID_TEXT_SIZE; place++) {
        if (is_dash_place(place)) {
            if (text36.data[place] != '-')
                return false;
            continue;
        }
        int value = digit_value(text36.data[place]);
        if (value < 0)
            return false;
        id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | value);
        digits++;
    }
    CHECK(digits == 2 * ORDER_ID_SIZE);

    if (id[6] >> 4 != VERSION || id[8] >> 6 != 2)
        return false;
    memcpy(order_id, id, sizeof id);
    return true;
}

bool order_id_is_none(const uint8_t order_id[16])
{
    static const uint8_t none[16];
    return memcmp(order_id, none, sizeof none) == 0;
}
