/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reply is a row of values, in which an array announces how many more come: whether it is whole
 * is a count, and takes no tree. The tree is made once, when all of it is there.
 */
#include "loadtest/resp.h"

#include <stdlib.h>
#include <string.h>

#define LINE_SIZE_MAX (64 * 1024) /* a refusal names up to 512 lines */
#define DIGITS_MAX 20

/* One value without what is in it. */
struct element {
    enum resp_type type;
    size_t start;
    size_t size;
    uint64_t count;
    size_t after;
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Decimal, as the protocol writes it: no plus, no leading zero, no minus zero. */
static bool read_number(const char *text, size_t size, int64_t *number)
{
    bool negative = size > 0 && text[0] == '-';
    size_t at = negative;
    int64_t sum = 0;
    if (size == at || size > DIGITS_MAX || (text[at] == '0' && size > 1))
        return false;
    for (; at < size; at++) {
        if (!is_digit(text[at]) || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_sub_overflow(sum, text[at] - '0', &sum))
            return false;
    }
    if (!negative && sum == INT64_MIN)
        return false;
    *number = negative ? sum : -sum;
    return true;
}

/* The line that begins at `at` with its sign; its text goes to `element`. */
static enum resp_result take_line(const char *data, size_t size, size_t at, struct element *element)
{
    size_t rest = size - at;
    const char *end = memchr(data + at, '\n', rest < LINE_SIZE_MAX ? rest : LINE_SIZE_MAX);
    if (end == NULL)
        return rest < LINE_SIZE_MAX ? RESP_INCOMPLETE : RESP_BROKEN;
    size_t line_size = (size_t)(end - data) - at;
    if (line_size < 2 || end[-1] != '\r' || memchr(data + at, '\r', line_size - 1) != NULL)
        return RESP_BROKEN;
    *element =
        (struct element){.start = at + 1, .size = line_size - 2, .after = (size_t)(end - data) + 1};
    return RESP_WHOLE;
}

static enum resp_result take_bytes(
    const char *data, size_t size, int64_t bytes, struct element *element)
{
    element->type = bytes < 0 ? RESP_NULL : RESP_TEXT;
    if (bytes < 0)
        return bytes == -1 ? RESP_WHOLE : RESP_BROKEN;
    if (bytes > RESP_SIZE_MAX)
        return RESP_BROKEN;
    element->start = element->after;
    element->size = (size_t)bytes;
    element->after += element->size + 2;
    if (element->after > size)
        return RESP_INCOMPLETE;
    return memcmp(data + element->after - 2, "\r\n", 2) == 0 ? RESP_WHOLE : RESP_BROKEN;
}

static enum resp_result take_count(int64_t count, uint64_t each, struct element *element)
{
    element->type = count < 0 ? RESP_NULL : RESP_ARRAY;
    if (count < 0)
        return count == -1 && each == 1 ? RESP_WHOLE : RESP_BROKEN;
    element->count = (uint64_t)count * each;
    return count > RESP_TOKENS_MAX ? RESP_BROKEN : RESP_WHOLE;
}

/* Most numbers by far: one or two digits, nothing to be refused. Else false. */
static bool take_short_number(
    const char *data, size_t size, size_t at, struct element *element, int64_t *number)
{
    const char *text = data + at + 1;
    if (size - at < 5 || !is_digit(text[0]))
        return false;
    size_t digits = is_digit(text[1]) && text[0] != '0' ? 2 : 1;
    if (text[digits] != '\r' || text[digits + 1] != '\n')
        return false;
    *number = digits == 2 ? (text[0] - '0') * 10 + (text[1] - '0') : text[0] - '0';
    *element = (struct element){.start = at + 1, .size = digits, .after = at + 1 + digits + 2};
    return true;
}

static enum resp_result take_number(
    const char *data, size_t size, size_t at, struct element *element, int64_t *number)
{
    if (take_short_number(data, size, at, element, number))
        return RESP_WHOLE;
    size_t first = at + 1, end = first;
    while (end < size && end - first < DIGITS_MAX && (data[end] == '-' || is_digit(data[end])))
        end++;
    if (end == size)
        return RESP_INCOMPLETE;
    if (data[end] != '\r' || !read_number(data + first, end - first, number))
        return RESP_BROKEN;
    if (end + 1 == size)
        return RESP_INCOMPLETE;
    *element = (struct element){.start = first, .size = end - first, .after = end + 2};
    return data[end + 1] == '\n' ? RESP_WHOLE : RESP_BROKEN;
}

static enum resp_result take_counted(
    const char *data, size_t size, size_t at, struct element *element)
{
    int64_t number;
    enum resp_result result = take_number(data, size, at, element, &number);
    if (result != RESP_WHOLE)
        return result;
    if (data[at] == '$')
        return take_bytes(data, size, number, element);
    if (data[at] != ':')
        return take_count(number, data[at] == '%' ? 2 : 1, element);
    element->type = RESP_NUMBER;
    return RESP_WHOLE;
}

static enum resp_result take_element(
    const char *data, size_t size, size_t at, struct element *element)
{
    char sign = data[at];
    if (sign == '$' || sign == ':' || sign == '*' || sign == '%')
        return take_counted(data, size, at, element);
    if (sign != '+' && sign != '-' && sign != '_')
        return RESP_BROKEN;
    enum resp_result result = take_line(data, size, at, element);
    element->type = sign == '+' ? RESP_LINE : sign == '-' ? RESP_ERROR : RESP_NULL;
    if (result == RESP_WHOLE && sign == '_' && element->size > 0)
        return RESP_BROKEN;
    return result;
}

enum resp_result resp_scan(size_t *at, uint64_t *missing, const char *data, size_t size)
{
    if (*at == 0)
        *missing = 1;
    while (*missing > 0) {
        struct element element;
        if (*at == size)
            return RESP_INCOMPLETE;
        enum resp_result result = take_element(data, size, *at, &element);
        if (result != RESP_WHOLE)
            return result;
        *at = element.after;
        *missing += element.count - 1;
        if (*missing > RESP_TOKENS_MAX)
            return RESP_BROKEN;
    }
    return RESP_WHOLE;
}

int resp_open(struct resp *resp)
{
    *resp = (struct resp){.token = calloc(RESP_TOKENS_MAX, sizeof *resp->token)};
    return resp->token == NULL ? -1 : 0;
}

void resp_close(struct resp *resp)
{
    free(resp->token);
    resp->token = NULL;
}

/* The arrays that are open, innermost last. */
struct nest {
    uint32_t token[RESP_DEPTH_MAX];
    uint64_t left[RESP_DEPTH_MAX];
    uint32_t depth;
};

/* One value was passed: whatever is whole with it is closed. */
static void close_whole(struct resp *resp, struct nest *nest)
{
    while (nest->depth > 0 && --nest->left[nest->depth - 1] == 0) {
        nest->depth--;
        resp->token[nest->token[nest->depth]].after = resp->count;
    }
}

bool resp_parse(struct resp *resp, const char *text, size_t size)
{
    struct nest nest = {0};
    size_t at = 0;
    resp->text = text;
    resp->count = 0;
    do {
        struct element element;
        if (at == size || resp->count == RESP_TOKENS_MAX || size > UINT32_MAX ||
            take_element(text, size, at, &element) != RESP_WHOLE)
            return false;
        at = element.after;
        uint32_t number = resp->count++;
        resp->token[number] = (struct resp_token){
            .type = element.type,
            .start = (uint32_t)element.start,
            .size = (uint32_t)element.size,
            .count = (uint32_t)element.count,
            .after = resp->count,
        };
        if (element.count == 0) {
            close_whole(resp, &nest);
            continue;
        }
        if (nest.depth == RESP_DEPTH_MAX)
            return false;
        nest.token[nest.depth] = number;
        nest.left[nest.depth++] = element.count;
    } while (nest.depth > 0);
    return at == size;
}

static const struct resp_token *token_of(const struct resp *resp, int value)
{
    return value < 0 || (uint32_t)value >= resp->count ? NULL : &resp->token[value];
}

static bool text_is(const struct resp *resp, const struct resp_token *token, const char *text)
{
    return (token->type == RESP_TEXT || token->type == RESP_LINE) && token->size == strlen(text) &&
           memcmp(resp->text + token->start, text, token->size) == 0;
}

int resp_member(const struct resp *resp, int map, const char *name)
{
    const struct resp_token *token = token_of(resp, map);
    if (token == NULL || token->type != RESP_ARRAY || token->count % 2 != 0)
        return RESP_NONE;
    uint32_t at = (uint32_t)map + 1;
    for (uint32_t member = 0; member < token->count; member += 2) {
        uint32_t value = resp->token[at].after;
        if (text_is(resp, &resp->token[at], name))
            return (int)value;
        at = resp->token[value].after;
    }
    return RESP_NONE;
}

int resp_first(const struct resp *resp, int array)
{
    const struct resp_token *token = token_of(resp, array);
    return token == NULL || token->type != RESP_ARRAY || token->count == 0 ? RESP_NONE : array + 1;
}

int resp_next(const struct resp *resp, int array, int element)
{
    uint32_t at = resp->token[element].after;
    return at < resp->token[array].after ? (int)at : RESP_NONE;
}

bool resp_integer(const struct resp *resp, int value, int64_t *number)
{
    const struct resp_token *token = token_of(resp, value);
    return token != NULL && token->type == RESP_NUMBER &&
           read_number(resp->text + token->start, token->size, number);
}

bool resp_text(const struct resp *resp, int value, char *text, size_t capacity)
{
    const struct resp_token *token = token_of(resp, value);
    if (token == NULL || (token->type != RESP_TEXT && token->type != RESP_LINE) ||
        token->size >= capacity || memchr(resp->text + token->start, '\0', token->size) != NULL)
        return false;
    memcpy(text, resp->text + token->start, token->size);
    text[token->size] = '\0';
    return true;
}
