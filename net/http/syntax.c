/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything here is a look at a table. Field names are found by their size first: most fields
 * that browsers send and this server does not read have a size that none of ours has.
 */
#include "net/http/syntax.h"

enum { FIELD_NAME_SIZE_MAX = 18 };

/* RFC 9110 token, the characters of RFC 3986 in a path, query or authority, a registered name. */
const uint8_t http_character_class[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* control */
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* control */
    0, 3, 0, 1, 3, 1, 3, 3, 2, 2, 3, 3, 2, 7, 7, 2, /* space to slash */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 2, 2, 0, 2, 0, 2, /* 0 to ? */
    2, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* @ to O */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0, 0, 1, 7, /* P to _ */
    1, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, /* ` to o */
    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 1, 0, 7, 0, /* p to DEL; the rest is zero */
};

static const char field_names[HTTP_FIELD_COUNT][FIELD_NAME_SIZE_MAX + 1] = {
    [HTTP_FIELD_HOST] = "host",
    [HTTP_FIELD_CONTENT_LENGTH] = "content-length",
    [HTTP_FIELD_TRANSFER_ENCODING] = "transfer-encoding",
    [HTTP_FIELD_CONNECTION] = "connection",
    [HTTP_FIELD_CONTENT_TYPE] = "content-type",
    [HTTP_FIELD_CONTENT_ENCODING] = "content-encoding",
    [HTTP_FIELD_EXPECT] = "expect",
    [HTTP_FIELD_ACCEPT] = "accept",
    [HTTP_FIELD_AUTHORIZATION] = "authorization",
    [HTTP_FIELD_IDEMPOTENCY_KEY] = "idempotency-key",
    [HTTP_FIELD_IF_MATCH] = "if-match",
    [HTTP_FIELD_IF_NONE_MATCH] = "if-none-match",
    [HTTP_FIELD_X_CUSTOMER_ID] = "x-customer-id",
    [HTTP_FIELD_X_ROLE] = "x-role",
    [HTTP_FIELD_X_REQUEST_ID] = "x-request-id",
    [HTTP_FIELD_X_FORWARDED_FOR] = "x-forwarded-for",
    [HTTP_FIELD_HOTSHELF_SIGNATURE] = "hotshelf-signature",
    [HTTP_FIELD_LAST_EVENT_ID] = "last-event-id",
    [HTTP_FIELD_TRACEPARENT] = "traceparent",
};

/* Which fields have a name of that size: most fields of a browser are settled by this look. */
static const uint32_t fields_by_name_size[FIELD_NAME_SIZE_MAX + 1] = {
    [4] = HTTP_FIELD_BIT(HTTP_FIELD_HOST),
    [6] = HTTP_FIELD_BIT(HTTP_FIELD_EXPECT) | HTTP_FIELD_BIT(HTTP_FIELD_ACCEPT) |
          HTTP_FIELD_BIT(HTTP_FIELD_X_ROLE),
    [8] = HTTP_FIELD_BIT(HTTP_FIELD_IF_MATCH),
    [10] = HTTP_FIELD_BIT(HTTP_FIELD_CONNECTION),
    [11] = HTTP_FIELD_BIT(HTTP_FIELD_TRACEPARENT),
    [12] = HTTP_FIELD_BIT(HTTP_FIELD_CONTENT_TYPE) | HTTP_FIELD_BIT(HTTP_FIELD_X_REQUEST_ID),
    [13] = HTTP_FIELD_BIT(HTTP_FIELD_AUTHORIZATION) | HTTP_FIELD_BIT(HTTP_FIELD_IF_NONE_MATCH) |
           HTTP_FIELD_BIT(HTTP_FIELD_X_CUSTOMER_ID) | HTTP_FIELD_BIT(HTTP_FIELD_LAST_EVENT_ID),
    [14] = HTTP_FIELD_BIT(HTTP_FIELD_CONTENT_LENGTH),
    [15] = HTTP_FIELD_BIT(HTTP_FIELD_IDEMPOTENCY_KEY) | HTTP_FIELD_BIT(HTTP_FIELD_X_FORWARDED_FOR),
    [16] = HTTP_FIELD_BIT(HTTP_FIELD_CONTENT_ENCODING),
    [17] = HTTP_FIELD_BIT(HTTP_FIELD_TRANSFER_ENCODING),
    [18] = HTTP_FIELD_BIT(HTTP_FIELD_HOTSHELF_SIGNATURE),
};

bool http_equals_ignoring_case(const uint8_t *bytes, const char *small, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        uint8_t byte = bytes[i];
        if (byte >= 'A' && byte <= 'Z')
            byte |= 0x20;
        if (byte != (uint8_t)small[i])
            return false;
    }
    return true;
}

bool http_host_is_valid(struct bytes host)
{
    uint32_t i = 0;
    if (host.size > 0 && host.data[0] == '[') {
        for (i = 1; i < host.size && host.data[i] != ']'; i++)
            if (!http_is_class(host.data[i], HTTP_CLASS_HOST) && host.data[i] != ':')
                return false;
        if (i == host.size || i == 1)
            return false;
        i++;
    } else {
        while (i < host.size && http_is_class(host.data[i], HTTP_CLASS_HOST))
            i++;
        if (i == 0)
            return false;
    }
    if (i == host.size)
        return true;
    if (host.data[i++] != ':' || host.size - i > 5)
        return false;
    while (i < host.size && http_is_digit(host.data[i]))
        i++;
    return i == host.size;
}

enum http_field http_field_find(struct bytes name)
{
    if (name.size > FIELD_NAME_SIZE_MAX)
        return HTTP_FIELD_COUNT;
    uint32_t candidates = fields_by_name_size[name.size];
    for (; candidates != 0; candidates &= candidates - 1) {
        uint32_t field = (uint32_t)__builtin_ctz(candidates);
        if (http_equals_ignoring_case(name.data, field_names[field], name.size))
            return (enum http_field)field;
    }
    return HTTP_FIELD_COUNT;
}
