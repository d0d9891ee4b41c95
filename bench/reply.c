/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/reply.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What follows "Content-Length:" in a whole head; NULL when it has none. */
static const char *find_length(const char *head, uint32_t size)
{
    const char *end = head + size;
    const char *line = memchr(head, '\n', size);
    while (line != NULL && strncasecmp(line + 1, "content-length:", 15) != 0)
        line = memchr(line + 1, '\n', (size_t)(end - line - 1));
    return line == NULL ? NULL : line + 16;
}

uint32_t reply_of_http(const char *data, uint32_t size, int expected_status, const char **complaint)
{
    const char *blank = memmem(data, size, "\r\n\r\n", 4);
    if (blank == NULL)
        return 0;
    uint32_t head_size = (uint32_t)(blank - data) + 4;
    const char *length = find_length(data, head_size);
    if (size < 16 || memcmp(data, "HTTP/1.1 ", 9) != 0 || length == NULL) {
        *complaint = "no HTTP reply with a length: ";
        return 0;
    }
    uint32_t reply_size = head_size + (uint32_t)strtoul(length, NULL, 10);
    if (reply_size > size)
        return 0;
    if (strtol(data + 9, NULL, 10) != expected_status)
        *complaint = "unexpected reply: ";
    return reply_size;
}

/* Sign, number and line end at the start of data, as far as they have come; answers their size. The
 * number of what is not "*" or "$" is nothing. */
static uint32_t read_line(const char *data, uint32_t size, uint32_t *number)
{
    uint32_t at = 1;
    for (*number = 0; at < size && data[at] >= '0' && data[at] <= '9'; at++)
        *number = *number * 10 + (uint32_t)(data[at] - '0');
    while (at < size && data[at] != '\n')
        at++;
    return at < size ? at + 1 : 0;
}

/* An array counts its members; "$-1", which is nothing, reads as a string of no bytes without a
 * line of its own. */
uint32_t reply_of_resp(const char *data, uint32_t size, const char **complaint)
{
    uint32_t at = 0, left = 1;
    for (; left > 0; left--) {
        uint32_t number, line = at < size ? read_line(data + at, size - at, &number) : 0;
        if (line == 0)
            return 0;
        char kind = data[at];
        bool is_nothing = data[at + 1] == '-';
        at += line;
        if (kind == '*')
            left += number;
        else if (kind == '$' && !is_nothing)
            at += number + 2;
        else if (kind != '$' && kind != '+' && kind != ':')
            *complaint = "unexpected reply: ";
    }
    return at <= size ? at : 0;
}
