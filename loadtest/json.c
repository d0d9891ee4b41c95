/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jsmn finds the tokens; parent links keep it linear in the size of the text.
 */
#include "loadtest/json.h"

#include <stdlib.h>
#include <string.h>

#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

struct json_token {
    jsmntok_t jsmn;
};

_Static_assert(
    sizeof(struct json_token) == sizeof(jsmntok_t), "tokens are handed to jsmn as they are");

int json_open(struct json *json)
{
    *json = (struct json){.token = calloc(JSON_TOKENS_MAX, sizeof *json->token)};
    return json->token == NULL ? -1 : 0;
}

void json_close(struct json *json)
{
    free(json->token);
    *json = (struct json){0};
}

static const jsmntok_t *token_of(const struct json *json, int value)
{
    return value < 0 || value >= json->count ? NULL : &json->token[value].jsmn;
}

static bool text_is(const struct json *json, const jsmntok_t *token, const char *text)
{
    size_t size = (size_t)(token->end - token->start);
    return size == strlen(text) && memcmp(json->text + token->start, text, size) == 0;
}

/* jsmn looks at the first character of a bare word only. */
static bool is_word(const struct json *json, const jsmntok_t *token)
{
    char first = json->text[token->start];
    if (first == '-' || (first >= '0' && first <= '9'))
        return true;
    return text_is(json, token, "true") || text_is(json, token, "false") ||
           text_is(json, token, "null");
}

bool json_parse(struct json *json, const char *text, size_t size)
{
    jsmn_parser parser;
    jsmn_init(&parser);
    json->text = text;
    json->count = 0;
    int count = jsmn_parse(&parser, text, size, &json->token[0].jsmn, JSON_TOKENS_MAX);
    if (count <= 0)
        return false;
    json->count = count;
    /* jsmn accepts several values in a row; an answer is one. */
    for (int at = 0; at < count; at++) {
        const jsmntok_t *token = &json->token[at].jsmn;
        if (at > 0 && token->start >= json->token[JSON_ROOT].jsmn.end)
            return false;
        if (token->type == JSMN_PRIMITIVE && !is_word(json, token))
            return false;
    }
    return true;
}

enum json_type json_type(const struct json *json, int value)
{
    const jsmntok_t *token = token_of(json, value);
    if (token == NULL)
        return JSON_ABSENT;
    if (token->type == JSMN_OBJECT)
        return JSON_OBJECT;
    if (token->type == JSMN_ARRAY)
        return JSON_ARRAY;
    return token->type == JSMN_STRING ? JSON_STRING : JSON_WORD;
}

/* The first token after a value and everything inside it. */
static int after(const struct json *json, int value)
{
    int end = json->token[value].jsmn.end;
    int at = value + 1;
    while (at < json->count && json->token[at].jsmn.start < end)
        at++;
    return at;
}

int json_member(const struct json *json, int object, const char *name)
{
    const jsmntok_t *token = token_of(json, object);
    if (token == NULL || token->type != JSMN_OBJECT)
        return JSON_NONE;
    int at = object + 1;
    for (int member = 0; member < token->size && at + 1 < json->count; member++) {
        if (text_is(json, &json->token[at].jsmn, name))
            return at + 1;
        at = after(json, at + 1);
    }
    return JSON_NONE;
}

int json_first(const struct json *json, int array)
{
    const jsmntok_t *token = token_of(json, array);
    if (token == NULL || token->type != JSMN_ARRAY || token->size == 0)
        return JSON_NONE;
    return array + 1;
}

int json_next(const struct json *json, int array, int element)
{
    int at = after(json, element);
    if (at >= json->count || json->token[at].jsmn.start >= json->token[array].jsmn.end)
        return JSON_NONE;
    return at;
}

int json_first_name(const struct json *json, int object)
{
    const jsmntok_t *token = token_of(json, object);
    if (token == NULL || token->type != JSMN_OBJECT || token->size == 0)
        return JSON_NONE;
    return object + 1;
}

int json_next_name(const struct json *json, int object, int name)
{
    return json_next(json, object, name + 1);
}

bool json_integer(const struct json *json, int value, int64_t *number)
{
    const jsmntok_t *token = token_of(json, value);
    if (token == NULL || token->type != JSMN_PRIMITIVE)
        return false;
    const char *at = json->text + token->start;
    const char *end = json->text + token->end;
    bool negative = at < end && *at == '-';
    int64_t sum = 0;
    at += negative;
    if (at == end)
        return false;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9' || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, *at - '0', &sum))
            return false;
    }
    *number = negative ? -sum : sum;
    return true;
}

bool json_number(const struct json *json, int value, double *number)
{
    char text[32];
    const jsmntok_t *token = token_of(json, value);
    if (token == NULL || token->type != JSMN_PRIMITIVE)
        return false;
    size_t size = (size_t)(token->end - token->start);
    if (size >= sizeof text)
        return false;
    memcpy(text, json->text + token->start, size);
    text[size] = '\0';
    if (strspn(text, "-+.0123456789eE") != size)
        return false;
    char *end;
    *number = strtod(text, &end);
    return *end == '\0' && end != text;
}

bool json_boolean(const struct json *json, int value, bool *flag)
{
    const jsmntok_t *token = token_of(json, value);
    if (token == NULL || token->type != JSMN_PRIMITIVE)
        return false;
    *flag = text_is(json, token, "true");
    return *flag || text_is(json, token, "false");
}

static bool hexadecimal(const char *digits, unsigned *number)
{
    char copy[5] = {digits[0], digits[1], digits[2], digits[3], '\0'};
    char *end;
    *number = (unsigned)strtoul(copy, &end, 16);
    return end == copy + 4;
}

/* One escape that starts after its backslash; advances at. Only what fits one byte is undone. */
static bool undo_escape(const char **at, const char *end, char *character)
{
    static const char names[] = "\"\\/bfnrt";
    static const char values[] = "\"\\/\b\f\n\r\t";
    const char *known = *at < end ? strchr(names, **at) : NULL;
    if (known != NULL && *known != '\0') {
        *character = values[known - names];
        *at += 1;
        return true;
    }
    unsigned number;
    if (end - *at < 5 || **at != 'u' || !hexadecimal(*at + 1, &number) || number > 0x7f)
        return false;
    *character = (char)number;
    *at += 5;
    return true;
}

const char *json_raw(const struct json *json, int value, size_t *size)
{
    const jsmntok_t *token = token_of(json, value);
    if (token == NULL)
        return NULL;
    *size = (size_t)(token->end - token->start);
    return json->text + token->start;
}

bool json_string(const struct json *json, int value, char *text, size_t capacity)
{
    const jsmntok_t *token = token_of(json, value);
    if (token == NULL || token->type != JSMN_STRING)
        return false;
    const char *at = json->text + token->start;
    const char *end = json->text + token->end;
    size_t size = 0;
    while (at < end) {
        if (size + 1 >= capacity)
            return false;
        char character = *at++;
        if (character == '\\' && !undo_escape(&at, end, &character))
            return false;
        text[size++] = character;
    }
    text[size] = '\0';
    return true;
}
