/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json - reads a JSON body strictly (RFC 8259), without allocation and without floating point.
 *
 *     json_parse()  ->  tokens          a body that is no JSON: one error with its offset (400)
 *     json_read_..  ->  typed values    a value of the wrong kind: a fault with its path (422)
 *
 *     {"items":[{"sku":"A"}]}    token 0 object, 1 name "items", 2 array, 3 object, 4 name, 5 "A"
 *
 * Refused while parsing: anything outside the grammar, text after the value, more than
 * JSON_DEPTH_MAX levels, more than JSON_MEMBERS_MAX members in one object, a member name twice in
 * one object, malformed UTF-8, a lone surrogate. The scan writes the tokens itself: a tokenizer
 * that does not check the grammar (jsmn) would need all of this as a second pass.
 *
 * Faults collect, so that one reply can name all of them:
 *
 *     json_find_members(&json, JSON_ROOT, names, MEMBERS, &members);
 *     json_read_int64(&json, json_needed(&json, &members, QUANTITY), 0, 100, &units);
 *     if (json.faults->count > 0) ...                    422, faults->list[i].path and .reason
 *
 * A getter given JSON_NONE answers false and adds nothing: a missing member is one fault, not two.
 *
 * Ownership  Tokens, scratch and faults are the caller's; the document borrows them and the text.
 *            Strings borrow from the text, or from scratch when they had escapes.
 * Threads    None.
 * Units      Sizes and offsets in bytes. A token is named by its index.
 * Errors     json_parse() false: `error` and `error_at`. Getters false: a fault was added (the
 *            first JSON_FAULTS_MAX are kept, all are counted).
 * Cost       O(size) to parse; a look-up is O(members), json_find_members() is one pass for all of
 *            them. Scratch as large as the text always suffices; half as many tokens as bytes do.
 */
#ifndef HOTSHELF_NET_HTTP_JSON_H
#define HOTSHELF_NET_HTTP_JSON_H

#include "core/bytes.h"

enum {
    JSON_DEPTH_MAX = 8,    /* our deepest body has 3 */
    JSON_MEMBERS_MAX = 64, /* our widest object has 20; bounds the search for a repeated name */
    JSON_NAMES_MAX = 8,    /* of struct json_members */
    JSON_FAULTS_MAX = 16,
    JSON_PATH_SIZE = 96,
    JSON_REASON_SIZE = 96,
};

#define JSON_ROOT 0U
#define JSON_NONE UINT32_MAX

enum json_type {
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_BOOLEAN,
    JSON_NULL,
    JSON_NAME, /* of a member; its value is the next token */
};

struct json_token {
    uint32_t start; /* of a string or name: behind the quote */
    uint32_t size;
    uint32_t next;   /* the first token that does not belong to this one */
    uint32_t parent; /* JSON_NONE for the root */
    uint32_t count;  /* members of an object, elements of an array; of a name: its hash */
    uint8_t type;    /* enum json_type */
    bool has_escapes;
};

enum json_fault_kind {
    JSON_FAULT_MISSING,
    JSON_FAULT_UNKNOWN, /* a member that nobody asked for */
    JSON_FAULT_TYPE,
    JSON_FAULT_FRACTION, /* a number with a fraction or an exponent (M2) */
    JSON_FAULT_OVERFLOW, /* a number beyond 64 bits (M2) */
    JSON_FAULT_RANGE,
    JSON_FAULT_SIZE,  /* a string too short or too long */
    JSON_FAULT_VALUE, /* of the right kind, but not one that is known */
};

struct json_fault {
    enum json_fault_kind kind;
    char path[JSON_PATH_SIZE]; /* "items[3].quantity", "" for the body itself; UTF-8 */
    char reason[JSON_REASON_SIZE];
};

struct json_faults {
    uint32_t count; /* of all faults; list holds the first JSON_FAULTS_MAX */
    struct json_fault list[JSON_FAULTS_MAX];
};

/* What parsing needs of its caller. `faults` is emptied by json_parse(). */
struct json_room {
    struct json_token *tokens;
    uint32_t token_count_max;
    uint8_t *scratch;
    uint32_t scratch_size;
    struct json_faults *faults;
};

struct json_document {
    struct bytes text;
    struct json_token *tokens;
    uint32_t token_count;
    uint32_t token_count_max;
    uint8_t *scratch;
    uint32_t scratch_size;
    uint32_t scratch_used;
    struct json_faults *faults;
    const char *error; /* static text; NULL when json_parse() said true */
    uint32_t error_at; /* offset of the byte that cannot stand there */
};

bool json_parse(struct json_document *json, struct bytes text, const struct json_room *room);

/* Walking. json_first(): the first element, or the first JSON_NAME of an object. json_next(): the
 * element or JSON_NAME behind this one. JSON_NONE: there is none. The value of a name is name + 1.
 */
uint32_t json_first(const struct json_document *json, uint32_t container);
uint32_t json_next(const struct json_document *json, uint32_t token);

static inline enum json_type json_type_of(const struct json_document *json, uint32_t token)
{
    return (enum json_type)json->tokens[token].type;
}

/* The value of a member; JSON_NONE when there is none, or `object` is JSON_NONE or no object. */
uint32_t json_member(const struct json_document *json, uint32_t object, struct bytes name);

/* A fault for each member whose name is not in `names`. */
bool json_refuse_unknown(
    struct json_document *json, uint32_t object, const char *const *names, uint32_t count);

/* The members of one object, all found in one pass: value[i] is that of the one called names[i]. */
struct json_members {
    uint32_t object;
    const struct bytes *names;
    uint32_t value[JSON_NAMES_MAX]; /* JSON_NONE: left out */
};
#define JSON_NAMED(literal)                                                                        \
    {                                                                                              \
        (const uint8_t *)(literal), (uint32_t)sizeof(literal) - 1                                  \
    }

/* A fault for each member whose name is not in `names`, which `members` borrows. */
void json_find_members(struct json_document *json, uint32_t object, const struct bytes *names,
    uint32_t count, struct json_members *members);
/* A value that may be left out; null counts as left out. */
uint32_t json_given(
    const struct json_document *json, const struct json_members *members, uint32_t index);
/* A value that is required: one that is missing is a fault. */
uint32_t json_needed(
    struct json_document *json, const struct json_members *members, uint32_t index);

/* A fault unless the token has that type. */
bool json_expect(struct json_document *json, uint32_t token, enum json_type type);

bool json_read_int64(
    struct json_document *json, uint32_t token, int64_t min, int64_t max, int64_t *value);
bool json_read_uint32(
    struct json_document *json, uint32_t token, uint32_t min, uint32_t max, uint32_t *value);
bool json_read_boolean(struct json_document *json, uint32_t token, bool *value);

/* A string of size_min to size_max bytes, decoded; U+0000 in it is a fault. */
bool json_read_string(struct json_document *json, uint32_t token, uint32_t size_min,
    uint32_t size_max, struct bytes *value);

/* A string that is one of `choices`; *choice is its index. */
bool json_read_choice(struct json_document *json, uint32_t token, const char *const *choices,
    uint32_t count, uint32_t *choice);

/* A fault that the caller found in a value of the right kind. */
void json_add_fault(
    struct json_document *json, uint32_t token, enum json_fault_kind kind, const char *reason);

/* Whether a string or name, escapes decoded, is `text`. */
bool json_token_is(const struct json_document *json, uint32_t token, struct bytes text);

#endif
