/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The happy path: a count, then for each argument its length, its bytes and a line end. The length
 * tells how far the next line is, so a large command that comes in pieces is looked at again only
 * when the bytes that are known to be missing have come.
 */
#include "net/resp/parser.h"

#include <strings.h>

enum { LENGTH_LINE_MAX = 12 }; /* "*" or "$", ten digits at most and "\r" */

struct scan {
    struct bytes input;
    uint32_t at;
    uint32_t size_max;
    struct resp_request *request;
};

static enum resp_answer refused(struct scan *scan, const char *reason)
{
    scan->request->reason = reason;
    return RESP_REFUSED;
}

/* The command has `needed` bytes at least. */
static enum resp_answer incomplete(struct scan *scan, uint32_t needed)
{
    if (needed > scan->size_max)
        return refused(scan, "Protocol error: the command is too large");
    scan->request->needed = needed;
    return RESP_INCOMPLETE;
}

/* A line of a sign and a number, RESP_REQUEST when it is whole; a number of no more than `most`. */
static enum resp_answer read_length(
    struct scan *scan, uint32_t most, const char *reason, int64_t *length)
{
    const uint8_t *data = scan->input.data;
    uint32_t at = scan->at + 1;
    bool negative = at < scan->input.size && data[at] == '-';
    int64_t value = 0;
    uint32_t digits = 0;
    for (at += negative; at < scan->input.size && data[at] >= '0' && data[at] <= '9'; at++) {
        value = value * 10 + (data[at] - '0');
        digits++;
        if (value > most || at - scan->at >= LENGTH_LINE_MAX)
            return refused(scan, reason);
    }
    if (at < scan->input.size && (data[at] != '\r' || digits == 0))
        return refused(scan, reason);
    if (at + 1 < scan->input.size && data[at + 1] != '\n')
        return refused(scan, reason);
    if (at + 1 >= scan->input.size)
        return incomplete(scan, at + 2);
    scan->at = at + 2;
    *length = negative ? -value : value;
    return RESP_REQUEST;
}

/* "$14\r\n" without a loop, where nearly all lengths have one digit or two; false: it is another
 * one, and has not been read. */
static bool read_short_length(struct scan *scan, int64_t *length)
{
    if (scan->input.size - scan->at < sizeof("$14\r\n") - 1)
        return false;
    const uint8_t *line = scan->input.data + scan->at;
    uint32_t first = line[1] - (uint32_t)'0', second = line[2] - (uint32_t)'0', size = first;
    uint32_t at = 2;
    if (second <= 9) {
        size = 10 * first + second;
        at = 3;
    }
    if (first > 9 || size > scan->size_max || line[at] != '\r' || line[at + 1] != '\n')
        return false;
    scan->at += at + 2;
    *length = size;
    return true;
}

static enum resp_answer read_bulk(struct scan *scan)
{
    static const char reason[] = "Protocol error: invalid bulk length";
    struct resp_request *request = scan->request;
    int64_t size;
    if (scan->at >= scan->input.size)
        return incomplete(scan, scan->at + 1);
    if (scan->input.data[scan->at] != '$')
        return refused(scan, "Protocol error: expected '$'");
    enum resp_answer answer = RESP_REQUEST;
    if (!read_short_length(scan, &size))
        answer = read_length(scan, scan->size_max, reason, &size);
    if (answer != RESP_REQUEST)
        return answer;
    if (size < 0)
        return refused(scan, reason);
    uint32_t end = scan->at + (uint32_t)size;
    if (end + 2 > scan->input.size)
        return incomplete(scan, end + 2);
    if (scan->input.data[end] != '\r' || scan->input.data[end + 1] != '\n')
        return refused(scan, "Protocol error: a bulk string does not end where it should");
    request->arguments[request->count++] = bytes_of(scan->input.data + scan->at, (uint32_t)size);
    scan->at = end + 2;
    return RESP_REQUEST;
}

static enum resp_answer read_array(struct scan *scan)
{
    int64_t count;
    enum resp_answer answer =
        read_length(scan, RESP_ARGUMENTS_MAX, "Protocol error: invalid multibulk length", &count);
    for (int64_t i = 0; i < count && answer == RESP_REQUEST; i++)
        answer = read_bulk(scan);
    if (answer == RESP_REQUEST && scan->at > scan->size_max)
        return refused(scan, "Protocol error: the command is too large");
    if (answer == RESP_REQUEST && count <= 0)
        return RESP_EMPTY;
    return answer;
}

static int hexadecimal(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* What stands behind a backslash in double quotes; answers how many bytes that is. */
static uint32_t unescape(const uint8_t *at, uint32_t left, uint8_t *byte)
{
    static const char names[] = "nrtba", values[] = "\n\r\t\b\a";
    if (left >= 3 && at[0] == 'x' && hexadecimal(at[1]) >= 0 && hexadecimal(at[2]) >= 0) {
        *byte = (uint8_t)(hexadecimal(at[1]) * 16 + hexadecimal(at[2]));
        return 3;
    }
    const char *name = at[0] == 0 ? NULL : strchr(names, at[0]);
    *byte = name == NULL ? at[0] : (uint8_t)values[name - names];
    return 1;
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* A word in quotes, the first of which stands at *at; false when it does not end as it should. */
static bool read_quoted(struct bytes line, uint32_t *at, uint8_t *room, uint32_t *used)
{
    uint8_t quote = line.data[*at];
    for (uint32_t i = *at + 1; i < line.size; i++) {
        uint8_t byte = line.data[i];
        if (byte == quote) {
            *at = i + 1;
            return *at == line.size || is_space(line.data[*at]);
        }
        bool escapes = byte == '\\' && i + 1 < line.size;
        if (escapes && quote == '"')
            i += unescape(line.data + i + 1, line.size - i - 1, &byte);
        else if (escapes && line.data[i + 1] == '\'')
            byte = line.data[++i];
        room[(*used)++] = byte;
    }
    return false;
}

static bool is_of_http(struct bytes word)
{
    return (word.size == 4 && strncasecmp((const char *)word.data, "POST", 4) == 0) ||
           (word.size == 5 && strncasecmp((const char *)word.data, "Host:", 5) == 0);
}

static enum resp_answer read_words(struct scan *scan, struct bytes line, uint8_t *room)
{
    struct resp_request *request = scan->request;
    uint32_t used = 0, at = 0;
    for (;;) {
        while (at < line.size && is_space(line.data[at]))
            at++;
        if (at == line.size)
            break;
        if (request->count == RESP_ARGUMENTS_MAX)
            return refused(scan, "Protocol error: too many words");
        uint32_t start = used;
        if (line.data[at] == '"' || line.data[at] == '\'') {
            if (!read_quoted(line, &at, room, &used))
                return refused(scan, "Protocol error: unbalanced quotes in request");
        } else {
            while (at < line.size && !is_space(line.data[at]))
                room[used++] = line.data[at++];
        }
        request->arguments[request->count++] = bytes_of(room + start, used - start);
    }
    if (request->count > 0 && is_of_http(request->arguments[0]))
        return refused(scan, "Protocol error: this is not an HTTP server");
    return request->count == 0 ? RESP_EMPTY : RESP_REQUEST;
}

static enum resp_answer read_inline(struct scan *scan, uint8_t *room)
{
    uint32_t most = scan->size_max < RESP_INLINE_SIZE_MAX ? scan->size_max : RESP_INLINE_SIZE_MAX;
    uint32_t seen = scan->input.size < most ? scan->input.size : most;
    const uint8_t *end = memchr(scan->input.data, '\n', seen);
    if (end == NULL && seen == most)
        return refused(scan, "Protocol error: too big inline request");
    if (end == NULL)
        return RESP_INCOMPLETE;
    struct bytes line = bytes_of(scan->input.data, (uint32_t)(end - scan->input.data));
    scan->at = line.size + 1;
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    return read_words(scan, line, room);
}

enum resp_answer resp_parse(
    struct bytes input, uint32_t size_max, uint8_t *room, struct resp_request *request)
{
    struct scan scan = {.input = input, .size_max = size_max, .request = request};
    request->count = 0;
    request->consumed = 0;
    request->needed = 0;
    request->reason = NULL;
    if (input.size == 0)
        return RESP_INCOMPLETE;
    enum resp_answer answer = input.data[0] == '*' ? read_array(&scan) : read_inline(&scan, room);
    if (answer == RESP_REQUEST || answer == RESP_EMPTY)
        request->consumed = scan.at;
    return answer;
}
