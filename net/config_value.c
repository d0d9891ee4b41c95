/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One value between its text and its member of struct config, by the key's kind. Whatever is not
 * exactly of that kind is refused with a reason that tells what would have been right.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/check.h"
#include "net/config.h"

struct reason {
    char *text;
    uint32_t size;
};

__attribute__((format(printf, 2, 3))) static bool refuse(
    struct reason reason, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason.text, reason.size, format, arguments);
    va_end(arguments);
    return false;
}

static void store_number(void *member, uint32_t size, uint64_t number)
{
    if (size == 1)
        *(uint8_t *)member = (uint8_t)number;
    else if (size == 2)
        *(uint16_t *)member = (uint16_t)number;
    else if (size == 4)
        *(uint32_t *)member = (uint32_t)number;
    else
        *(uint64_t *)member = number;
}

static uint64_t load_number(const void *member, uint32_t size)
{
    CHECK(size == 1 || size == 2 || size == 4 || size == 8);
    if (size == 1)
        return *(const uint8_t *)member;
    if (size == 2)
        return *(const uint16_t *)member;
    if (size == 4)
        return *(const uint32_t *)member;
    return *(const uint64_t *)member;
}

/* Decimal digits at the head of *text, moved behind them; false for none or too many. */
static bool take_digits(const char **text, uint64_t *number)
{
    const char *start = *text;
    *number = 0;
    for (; **text >= '0' && **text <= '9'; (*text)++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, (uint64_t)(**text - '0'), number))
            return false;
    return *text > start;
}

static bool parse_count(const char *value, uint64_t *number, struct reason reason)
{
    const char *at = value;
    if (!take_digits(&at, number) || *at != 0)
        return refuse(reason, "must be a whole number in digits");
    return true;
}

static bool parse_size(const char *value, uint64_t *number, struct reason reason)
{
    static const char suffixes[4][4] = {"KiB", "MiB", "GiB", "TiB"};
    const char *at = value;
    if (!take_digits(&at, number))
        return refuse(reason, "must be a number of bytes, or of KiB, MiB, GiB, TiB");
    while (*at == ' ')
        at++;
    if (*at == 0)
        return true;
    for (uint32_t i = 0; i < 4; i++)
        if (strcmp(at, suffixes[i]) == 0)
            return !__builtin_mul_overflow(*number, 1ULL << (10 * (i + 1)), number) ||
                   refuse(reason, "is too large");
    return refuse(reason, "has a unit other than KiB, MiB, GiB, TiB");
}

static bool parse_number(
    const struct config_key *key, void *member, const char *value, struct reason reason)
{
    uint64_t number = 0;
    bool is_auto = key->kind == CONFIG_COUNT && strcmp(value, "auto") == 0;
    bool is_valid = is_auto || (key->kind == CONFIG_BYTES ? parse_size(value, &number, reason)
                                                          : parse_count(value, &number, reason));
    if (!is_valid)
        return false;
    if (!is_auto && (number < key->min || number > key->max))
        return refuse(reason, "must be %sfrom %llu to %llu%s%s",
            key->kind == CONFIG_COUNT ? "auto or " : "", (unsigned long long)key->min,
            (unsigned long long)key->max, key->unit[0] == 0 ? "" : " ", key->unit);
    store_number(member, key->size, number);
    return true;
}

static bool parse_boolean(void *member, const char *value, struct reason reason)
{
    static const char *const names[] = {"no", "yes", "false", "true", "off", "on"};
    for (uint32_t i = 0; i < 6; i++) {
        if (strcmp(value, names[i]) == 0) {
            *(bool *)member = i % 2 == 1;
            return true;
        }
    }
    return refuse(reason, "must be yes or no");
}

static bool parse_choice(
    const struct config_key *key, void *member, const char *value, struct reason reason)
{
    for (uint32_t i = 0; i < CONFIG_CHOICES_MAX && key->choices[i] != NULL; i++) {
        if (strcmp(value, key->choices[i]) == 0) {
            store_number(member, key->size, key->choice_values[i]);
            return true;
        }
    }
    if (key->choices[2] == NULL)
        return refuse(reason, "must be %s or %s", key->choices[0], key->choices[1]);
    return refuse(
        reason, "must be %s, %s or %s", key->choices[0], key->choices[1], key->choices[2]);
}

static bool parse_text(
    const struct config_key *key, char *member, const char *value, struct reason reason)
{
    size_t size = strlen(value);
    if (size > key->max)
        return refuse(reason, "must have at most %llu bytes", (unsigned long long)key->max);
    memset(member, 0, key->size);
    memcpy(member, value, size);
    return true;
}

static bool is_address(int family, const char *text)
{
    uint8_t binary[16];
    return inet_pton(family, text, binary) == 1;
}

static bool parse_address(struct config_address *member, const char *value, struct reason reason)
{
    if (strcmp(value, "off") == 0) {
        *member = (struct config_address){.is_off = true};
        return true;
    }
    struct config_address address = {.is_unix = strncmp(value, "unix:", 5) == 0};
    const char *start = address.is_unix ? value + 5 : value;
    const char *colon = strrchr(value, ':');
    if (colon == NULL)
        return refuse(reason, "must be ADDRESS:PORT or unix:PATH");
    const char *end = address.is_unix ? start + strlen(start) : colon;
    if (!address.is_unix && *start == '[' && end > start && end[-1] == ']') {
        address.is_ipv6 = true;
        start++;
        end--;
    }
    size_t size = (size_t)(end - start);
    if (size == 0 || size >= sizeof address.host)
        return refuse(reason, "must have an address of 1 to %zu bytes", sizeof address.host - 1);
    memcpy(address.host, start, size);
    if (!address.is_unix) {
        uint64_t port;
        const char *digits = colon + 1;
        if (!take_digits(&digits, &port) || *digits != 0 || port > 65535)
            return refuse(reason, "must end in a port from 0 to 65535");
        address.port = (uint16_t)port;
        if (!is_address(address.is_ipv6 ? AF_INET6 : AF_INET, address.host))
            return refuse(reason, "must be an address in digits, as 127.0.0.1:80 or [::1]:80");
    }
    *member = address;
    return true;
}

bool config_parse_value(struct config *config, const struct config_key *key, const char *value,
    char *reason_text, uint32_t reason_size)
{
    CHECK(key->offset + key->size <= sizeof *config);
    struct reason reason = {reason_text, reason_size};
    void *member = (uint8_t *)config + key->offset;
    switch (key->kind) {
    case CONFIG_NUMBER:
    case CONFIG_BYTES:
    case CONFIG_COUNT:
        return parse_number(key, member, value, reason);
    case CONFIG_BOOLEAN:
        return parse_boolean(member, value, reason);
    case CONFIG_CHOICE:
        return parse_choice(key, member, value, reason);
    case CONFIG_TEXT:
    case CONFIG_SECRET:
        return parse_text(key, member, value, reason);
    case CONFIG_ADDRESS:
        return parse_address(member, value, reason);
    }
    return false;
}

static int format_number(
    const struct config_key *key, const void *member, char *text, uint32_t size)
{
    static const char *const suffixes[5] = {"", " KiB", " MiB", " GiB", " TiB"};
    uint64_t number = load_number(member, key->size);
    uint32_t suffix = 0;
    if (key->kind == CONFIG_COUNT && number == 0)
        return snprintf(text, size, "auto");
    while (key->kind == CONFIG_BYTES && number > 0 && number % 1024 == 0 && suffix < 4) {
        number /= 1024;
        suffix++;
    }
    return snprintf(text, size, "%llu%s", (unsigned long long)number, suffixes[suffix]);
}

static int format_choice(
    const struct config_key *key, const void *member, char *text, uint32_t size)
{
    uint64_t number = load_number(member, key->size);
    uint32_t i = 0;
    while (i < CONFIG_CHOICES_MAX - 1 && key->choice_values[i] != number)
        i++;
    return snprintf(text, size, "%s", key->choices[i]);
}

static int format_address(const struct config_address *address, char *text, uint32_t size)
{
    if (address->is_off)
        return snprintf(text, size, "off");
    if (address->is_unix)
        return snprintf(text, size, "unix:%s", address->host);
    const char *form = address->is_ipv6 ? "[%s]:%u" : "%s:%u";
    return snprintf(text, size, form, address->host, address->port);
}

uint32_t config_format_value(
    const struct config *config, const struct config_key *key, char *text, uint32_t text_size)
{
    CHECK(text_size > 0);
    const void *member = (const uint8_t *)config + key->offset;
    int size = 0;
    switch (key->kind) {
    case CONFIG_NUMBER:
    case CONFIG_BYTES:
    case CONFIG_COUNT:
        size = format_number(key, member, text, text_size);
        break;
    case CONFIG_BOOLEAN:
        size = snprintf(text, text_size, "%s", *(const bool *)member ? "yes" : "no");
        break;
    case CONFIG_CHOICE:
        size = format_choice(key, member, text, text_size);
        break;
    case CONFIG_TEXT:
        size = snprintf(text, text_size, "%s", (const char *)member);
        break;
    case CONFIG_SECRET:
        size = snprintf(text, text_size, "%s", *(const char *)member == 0 ? "" : "***");
        break;
    case CONFIG_ADDRESS:
        size = format_address(member, text, text_size);
        break;
    }
    return (uint32_t)size < text_size ? (uint32_t)size : text_size - 1;
}
