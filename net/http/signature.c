/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sender signed is t as he wrote it, so the text of t is hashed and not its number. The
 * signature is judged before the time is: a clock that is wrong is told of only to who has the key.
 */
#include "net/http/signature.h"

#include "core/check.h"
#include "net/http/syntax.h"
#include "net/http/target.h"

enum { TIME_DIGITS_MAX = 11 };

/* The value of an item `name=value`; false: it is another one. */
static bool item_is(struct bytes item, const char *name, struct bytes *value)
{
    struct bytes wanted = bytes_of_string(name);
    if (item.size < wanted.size || memcmp(item.data, wanted.data, wanted.size) != 0)
        return false;
    *value = bytes_of(item.data + wanted.size, item.size - wanted.size);
    return true;
}

static bool read_time(struct bytes text, int64_t *seconds)
{
    *seconds = 0;
    if (text.size == 0 || text.size > TIME_DIGITS_MAX)
        return false;
    for (uint32_t i = 0; i < text.size; i++) {
        if (!http_is_digit(text.data[i]))
            return false;
        *seconds = *seconds * 10 + (text.data[i] - '0');
    }
    return true;
}

static int32_t digit_of(uint8_t byte)
{
    if (http_is_digit(byte))
        return byte - '0';
    uint8_t small = byte | 0x20;
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

static bool read_sum(struct bytes text, uint8_t sum[HMAC_SIZE])
{
    if (text.size != 2 * HMAC_SIZE)
        return false;
    for (uint32_t i = 0; i < HMAC_SIZE; i++) {
        int32_t high = digit_of(text.data[2 * i]), low = digit_of(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        sum[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* The one t of the field; false when there is none or more than one. */
static bool find_time(struct bytes field, struct bytes *text)
{
    struct bytes item, value;
    uint32_t count = 0;
    while (http_list_next(&field, &item)) {
        if (!item_is(item, "t=", &value))
            continue;
        *text = value;
        count++;
    }
    return count == 1;
}

/* Every v1 is compared with the sum under every key, also after one was found good. */
static bool is_signed(
    const struct hmac_keys *keys, struct bytes field, struct bytes time, struct bytes body)
{
    const struct bytes parts[] = {time, BYTES("."), body};
    uint8_t sums[HMAC_KEYS_MAX][HMAC_SIZE], sent[HMAC_SIZE];
    struct bytes item, value;
    bool good = false;
    CHECK(keys->count <= HMAC_KEYS_MAX);
    for (uint32_t i = 0; i < keys->count; i++)
        hmac_sum(&keys->keys[i], parts, 3, sums[i]);
    while (http_list_next(&field, &item)) {
        if (!item_is(item, "v1=", &value) || !read_sum(value, sent))
            continue;
        for (uint32_t i = 0; i < keys->count; i++)
            good |= hmac_equal(sums[i], sent, HMAC_SIZE);
    }
    return good;
}

/* A second that has begun counts whole, as the sender's clock counts it. */
const char *signature_fault(
    const struct hmac_keys *keys, struct bytes field, struct bytes body, int64_t wall_ms)
{
    struct bytes time = {0};
    int64_t seconds;
    if (keys->count == 0)
        return "This server has no auth.webhook_secret_file to know a signature by.";
    if (!find_time(field, &time) || !read_time(time, &seconds))
        return "Hotshelf-Signature is t=UNIX,v1=HEX, with one t in seconds.";
    if (!is_signed(keys, field, time, body))
        return "No v1 of Hotshelf-Signature is the HMAC-SHA256 of t, a dot and the body.";
    int64_t age = wall_ms / 1000 - seconds;
    if (age > SIGNATURE_WINDOW_SECONDS || age < -SIGNATURE_WINDOW_SECONDS)
        return "The t of Hotshelf-Signature is more than 300 seconds from this server's clock.";
    return NULL;
}
