/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head is complete with its first empty line; nothing is looked at before. Then header lines
 * are read one by one, the few that matter are kept, and the body is complete when its length is.
 */
#include "loadtest/reply.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#define HEAD_SIZE_MAX 16384
#define BODY_SIZE_UNKNOWN SIZE_MAX

static bool parse_number(const char *text, size_t size, size_t *number)
{
    *number = 0;
    for (size_t at = 0; at < size; at++) {
        if (text[at] < '0' || text[at] > '9' || *number > SIZE_MAX / 20)
            return false;
        *number = *number * 10 + (size_t)(text[at] - '0');
    }
    return size > 0;
}

static bool is_word(const char *text, size_t size, const char *word)
{
    return size == strlen(word) && strncasecmp(text, word, size) == 0;
}

static bool take_header(struct reply *reply, const char *line, size_t size)
{
    const char *colon = memchr(line, ':', size);
    if (colon == NULL || colon == line)
        return false;
    size_t name_size = (size_t)(colon - line);
    const char *value = colon + 1;
    const char *end = line + size;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    size_t value_size = (size_t)(end - value);
    size_t number = 0;
    if (is_word(line, name_size, "content-length"))
        return parse_number(value, value_size, &reply->body_size);
    if (is_word(line, name_size, "transfer-encoding"))
        return false;
    if (is_word(line, name_size, "connection"))
        reply->closes = is_word(value, value_size, "close");
    if (is_word(line, name_size, "idempotency-replayed"))
        reply->replayed = is_word(value, value_size, "true");
    if (is_word(line, name_size, "retry-after") && parse_number(value, value_size, &number))
        reply->retry_after = (long)number;
    return true;
}

static bool take_status(struct reply *reply, const char *line, size_t size)
{
    if (size < 12 || memcmp(line, "HTTP/1.1 ", 9) != 0 || (size > 12 && line[12] != ' '))
        return false;
    size_t status;
    if (!parse_number(line + 9, 3, &status) || status < 200)
        return false;
    reply->status = (int)status;
    return true;
}

static bool take_head(struct reply *reply, const char *data, size_t size)
{
    bool first = true;
    for (const char *at = data; at < data + size; first = false) {
        const char *end = memchr(at, '\n', (size_t)(data + size - at));
        if (end == NULL || end == at || end[-1] != '\r')
            return false;
        size_t line_size = (size_t)(end - at) - 1;
        bool taken = first ? take_status(reply, at, line_size) : take_header(reply, at, line_size);
        if (!taken)
            return false;
        at = end + 1;
    }
    return true;
}

enum reply_result reply_parse(struct reply *reply, const char *data, size_t size)
{
    const char *blank = memmem(data, size < HEAD_SIZE_MAX ? size : HEAD_SIZE_MAX, "\r\n\r\n", 4);
    if (blank == NULL)
        return size < HEAD_SIZE_MAX ? REPLY_INCOMPLETE : REPLY_BROKEN;
    size_t head_size = (size_t)(blank - data) + 4;
    *reply = (struct reply){.retry_after = -1, .body_size = BODY_SIZE_UNKNOWN};
    if (!take_head(reply, data, head_size - 2))
        return REPLY_BROKEN;
    if (reply->status == 204 || reply->status == 304)
        reply->body_size = 0;
    if (reply->body_size == BODY_SIZE_UNKNOWN)
        return REPLY_BROKEN;
    if (size - head_size < reply->body_size)
        return REPLY_INCOMPLETE;
    reply->body = data + head_size;
    reply->size = head_size + reply->body_size;
    return REPLY_COMPLETE;
}
