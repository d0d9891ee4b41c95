/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - looks things up in one JSON answer, without copying it.
 *
 * A value is the number of a token. Looking for something that is not there answers JSON_NONE, and
 * every call takes JSON_NONE, so a chain of look-ups is checked once, at its end.
 *
 * Ownership  The tokens belong to the struct json (json_open/json_close); the text is the caller's
 *            and must stay until the next json_parse().
 * Threads    One at a time.
 * Units      Bytes and tokens. Numbers are whole (M2), but for json_number().
 * Errors     json_parse(): false when the text is not one JSON value or has more tokens than fit.
 * Cost       parse: O(bytes); member and next: O(tokens passed over).
 */
#ifndef HOTSHELF_LOADTEST_JSON_H
#define HOTSHELF_LOADTEST_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An order of 512 lines has about 20 tokens a line, an availability of 500 SKUs about 11 each, the
 * result of a run up to 30,000. */
#define JSON_TOKENS_MAX 65536

#define JSON_ROOT 0
#define JSON_NONE (-1)

enum json_type { JSON_ABSENT, JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_WORD };

struct json_token;

struct json {
    const char *text;
    struct json_token *token;
    int count;
};

int json_open(struct json *json);
void json_close(struct json *json);

bool json_parse(struct json *json, const char *text, size_t size);

/* JSON_WORD: a number, true, false or null. */
enum json_type json_type(const struct json *json, int value);

/* The value of a member of an object. */
int json_member(const struct json *json, int object, const char *name);

/* The first element of an array, and the one after an element; JSON_NONE when there is no more. */
int json_first(const struct json *json, int array);
int json_next(const struct json *json, int array, int element);

/* The name of the first member of an object, and of the one after the named one. */
int json_first_name(const struct json *json, int object);
int json_next_name(const struct json *json, int object, int name);

bool json_integer(const struct json *json, int value, int64_t *number);
/* Any number of JSON, with a fraction or an exponent, too: for measures, never for money. */
bool json_number(const struct json *json, int value, double *number);
bool json_boolean(const struct json *json, int value, bool *flag);

/* The text of a string, its escapes undone, NUL-terminated; false when it is none or too long. */
bool json_string(const struct json *json, int value, char *text, size_t capacity);

/* Any value as it is written, of a string what stands between its quotes; NULL: there is none. */
const char *json_raw(const struct json *json, int value, size_t *size);

#endif
