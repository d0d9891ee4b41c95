/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass, in which `at` goes from byte to byte and each token is written as it is met. Two steps
 * take turns:
 *
 *     scan_value      a text, number or literal whole; of an object or array its bracket
 *     find_value      what stands before the next value: brackets that close, a comma, a name
 *
 * There is no recursion: the way back up is in the tokens' parents. A container learns where it
 * ends (next) when its bracket closes, a member's name when its value is complete. Each step
 * answers where the pass goes on, or NULL.
 *
 * What can go wrong is one byte that cannot stand where it stands: json->error names what was
 * wanted and json->error_at is the byte.
 */
#include "core/check.h"
#include "net/http/blocks.h"
#include "net/http/json.h"
#include "net/http/json_text.h"
#include "net/http/utf8.h"
#include "net/http/words.h"

struct scan {
    struct json_document *json;
    const uint8_t *end;
    uint32_t container; /* the innermost that is open; JSON_NONE: none is */
    uint32_t depth;
};

RARELY static const uint8_t *fail(struct json_document *json, const uint8_t *at, const char *error)
{
    json->error = error;
    json->error_at = (uint32_t)(at - json->text.data);
    return NULL;
}

RARELY static const uint8_t *fail_early(struct json_document *json)
{
    return fail(json, json->text.data + json->text.size, "the text ends too early");
}

static const uint8_t *skip_white_space(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
        at++;
    return at;
}

/* The next byte that is no white space, where something more has to stand. */
static inline const uint8_t *find_more(struct scan *scan, const uint8_t *at)
{
    if (at<scan->end && * at> ' ')
        return at;
    at = skip_white_space(at, scan->end);
    return at < scan->end ? at : fail_early(scan->json);
}

/* NULL: there is no room for it. */
static inline struct json_token *add_token(
    struct json_document *json, uint32_t container, const uint8_t *at, enum json_type type)
{
    if (json->token_count == json->token_count_max) {
        fail(json, at, "too many values");
        return NULL;
    }
    struct json_token *token = &json->tokens[json->token_count++];
    *token = (struct json_token){
        .start = (uint32_t)(at - json->text.data),
        .next = json->token_count,
        .parent = container,
        .type = (uint8_t)type,
    };
    return token;
}

/* A value is complete: note it in its container, and in the name before it. */
static inline void end_value(struct scan *scan, struct json_token *token)
{
    struct json_document *json = scan->json;
    token->next = json->token_count;
    if (scan->container == JSON_NONE)
        return;
    struct json_token *container = &json->tokens[scan->container];
    container->count++;
    if (container->type == JSON_OBJECT)
        token[-1].next = json->token_count;
}

static inline const uint8_t *open_container(
    struct scan *scan, const uint8_t *at, enum json_type type)
{
    if (scan->depth == JSON_DEPTH_MAX)
        return fail(scan->json, at, "nested too deeply");
    if (add_token(scan->json, scan->container, at, type) == NULL)
        return NULL;
    scan->depth++;
    scan->container = scan->json->token_count - 1;
    return at + 1;
}

static inline const uint8_t *close_container(struct scan *scan, const uint8_t *at)
{
    struct json_token *token = &scan->json->tokens[scan->container];
    at++;
    token->size = (uint32_t)(at - scan->json->text.data) - token->start;
    scan->container = token->parent;
    scan->depth--;
    end_value(scan, token);
    return at;
}

/* `at` stands at the backslash. */
RARELY static const uint8_t *scan_escape(
    struct json_document *json, const uint8_t *at, const uint8_t *end)
{
    int64_t left = end - at;
    if (left < 2)
        return fail(json, at, "the text ends too early");
    if (at[1] != 'u') {
        if (at[1] == 0 || strchr("\"\\/bfnrt", at[1]) == NULL)
            return fail(json, at, "unknown escape in a string");
        return at + 2;
    }
    int32_t unit = left < 6 ? -1 : json_text_hex4(at + 2);
    if (unit < 0)
        return fail(json, at, "\\u without four hexadecimal digits");
    if (unit >= 0xdc00 && unit <= 0xdfff)
        return fail(json, at, "second half of a surrogate pair without the first");
    if (unit < 0xd800 || unit > 0xdbff)
        return at + 6;
    bool has_more = left >= 12 && at[6] == '\\' && at[7] == 'u';
    int32_t low = has_more ? json_text_hex4(at + 8) : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return fail(json, at, "first half of a surrogate pair without the second");
    return at + 12;
}

#ifdef HAVE_BLOCKS
/* A bit for each byte that is a quote, a backslash, a control character or not ASCII. */
static inline uint32_t not_plain(__m128i block)
{
    __m128i marks = _mm_or_si128(block_is(block, '"'), block_is(block, '\\'));
    return block_mask(_mm_or_si128(_mm_or_si128(marks, block_in_range(block, 0, 0x1f)), block));
}
#endif

/* The first such byte. */
static inline const uint8_t *plain_end(const uint8_t *at, const uint8_t *end)
{
#ifdef HAVE_BLOCKS
    for (; end - at >= 16; at += 16) {
        uint32_t stop = not_plain(block_load(at));
        if (stop != 0)
            return at + __builtin_ctz(stop);
    }
    if (end - at >= 8) {
        uint32_t stop = not_plain(block_load_half(at)) & 0xff;
        if (stop != 0)
            return at + __builtin_ctz(stop);
        at += 8;
    }
#endif
    while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* What stands in a text and is not plain; goes on behind it. */
RARELY static const uint8_t *scan_unusual(
    struct json_document *json, const uint8_t *at, const uint8_t *end, struct json_token *token)
{
    if (*at == '\\') {
        token->has_escapes = true;
        return scan_escape(json, at, end);
    }
    if (*at < 0x20)
        return fail(json, at, "control character in a string");
    uint32_t size = utf8_character_size(at, end);
    return size > 0 ? at + size : fail(json, at, "malformed UTF-8");
}

/* `at` stands at the opening quote; `token` gets what is between the quotes. */
static const uint8_t *scan_text(
    struct json_document *json, const uint8_t *at, const uint8_t *end, struct json_token *token)
{
    const uint8_t *start = at + 1;
    for (at = plain_end(start, end); at < end && *at != '"'; at = plain_end(at, end)) {
        at = scan_unusual(json, at, end, token);
        if (at == NULL)
            return NULL;
    }
    if (at == end)
        return fail(json, at, "a string without its closing quote");
    token->start = (uint32_t)(start - json->text.data);
    token->size = (uint32_t)(at - start);
    return at + 1;
}

static struct bytes raw_text(const struct json_document *json, const struct json_token *token)
{
    return bytes_of(json->text.data + token->start, token->size);
}

static uint64_t hash_word(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* By words of eight bytes. */
static uint32_t hash_plain(struct bytes name)
{
    uint64_t hash = 0;
    for (; name.size > 8; name = bytes_of(name.data + 8, name.size - 8))
        hash = hash_word(hash, word_load_8(name.data));
    return (uint32_t)hash_word(hash, word_of(name.data, name.size));
}

/* The same of the decoded name, so that two spellings of one name have one hash. */
RARELY static uint32_t hash_decoded(struct bytes name)
{
    uint64_t hash = 0, word = 0;
    uint32_t size = 0;
    struct json_text text = json_text_of(name);
    for (int32_t byte = json_text_next(&text); byte >= 0; byte = json_text_next(&text)) {
        if (size == 8) {
            hash = hash_word(hash, word);
            word = size = 0;
        }
        word |= (uint64_t)byte << size++ * 8;
    }
    return (uint32_t)hash_word(hash, word);
}

/* Of two names that have the same hash. */
RARELY static bool is_same_name(
    const struct json_document *json, const struct json_token *a, const struct json_token *b)
{
    if (a->has_escapes || b->has_escapes)
        return json_text_equal(raw_text(json, a), raw_text(json, b));
    return bytes_equal(raw_text(json, a), raw_text(json, b));
}

static inline bool is_repeated(
    const struct json_document *json, uint32_t container, const struct json_token *name)
{
    const struct json_token *other = &json->tokens[container + 1];
    for (; other != name; other = &json->tokens[other->next])
        if (other->count == name->count && is_same_name(json, name, other))
            return true;
    return false;
}

/* A name and its colon; goes on where the value stands. */
static inline const uint8_t *scan_name(struct scan *scan, const uint8_t *at)
{
    struct json_document *json = scan->json;
    if (*at != '"')
        return fail(json, at, "a member name is missing");
    if (json->tokens[scan->container].count == JSON_MEMBERS_MAX)
        return fail(json, at, "too many members in an object");
    struct json_token *token = add_token(json, scan->container, at, JSON_NAME);
    const uint8_t *end = token == NULL ? NULL : scan_text(json, at, scan->end, token);
    if (end == NULL)
        return NULL;
    struct bytes name = raw_text(json, token);
    token->count = token->has_escapes ? hash_decoded(name) : hash_plain(name);
    if (is_repeated(json, scan->container, token))
        return fail(json, at, "the same member twice in an object");
    end = find_more(scan, end);
    if (end != NULL && *end != ':')
        return fail(json, end, "a colon is missing");
    return end == NULL ? NULL : find_more(scan, end + 1);
}

static inline const uint8_t *scan_digits(
    struct json_document *json, const uint8_t *at, const uint8_t *end)
{
    const uint8_t *start = at;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    if (at > start)
        return at;
    return at == end ? fail_early(json) : fail(json, at, "a digit is missing in a number");
}

/* A fraction and an exponent, one of which begins here. */
RARELY static const uint8_t *scan_fraction(
    struct json_document *json, const uint8_t *at, const uint8_t *end)
{
    if (*at == '.') {
        at = scan_digits(json, at + 1, end);
        if (at == NULL)
            return NULL;
    }
    if (at == end || (*at | 0x20) != 'e')
        return at;
    at++;
    if (at < end && (*at == '+' || *at == '-'))
        at++;
    return scan_digits(json, at, end);
}

static inline const uint8_t *scan_number(
    struct json_document *json, const uint8_t *at, const uint8_t *end, struct json_token *token)
{
    const uint8_t *start = at, *first = *at == '-' ? at + 1 : at;
    at = scan_digits(json, first, end);
    if (at == NULL)
        return NULL;
    if (*first == '0' && at - first > 1)
        return fail(json, first, "a number with a leading zero");
    if (at < end && (*at == '.' || (*at | 0x20) == 'e'))
        at = scan_fraction(json, at, end);
    if (at == NULL)
        return NULL;
    token->type = JSON_NUMBER;
    token->size = (uint32_t)(at - start);
    return at;
}

static const uint8_t *scan_literal(
    struct json_document *json, const uint8_t *at, const uint8_t *end, struct json_token *token)
{
    static const struct {
        char text[6];
        uint8_t size;
        uint8_t type;
    } literals[] = {{"true", 4, JSON_BOOLEAN}, {"false", 5, JSON_BOOLEAN}, {"null", 4, JSON_NULL}};
    for (uint32_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        uint32_t size = literals[i].size;
        if (end - at >= (int64_t)size && memcmp(at, literals[i].text, size) == 0) {
            token->type = literals[i].type;
            token->size = size;
            return at + size;
        }
    }
    return fail(json, at, "a value is missing");
}

static inline const uint8_t *scan_value(struct scan *scan, const uint8_t *at)
{
    struct json_document *json = scan->json;
    if (*at == '{')
        return open_container(scan, at, JSON_OBJECT);
    if (*at == '[')
        return open_container(scan, at, JSON_ARRAY);
    struct json_token *token = add_token(json, scan->container, at, JSON_STRING);
    if (token == NULL)
        return NULL;
    if (*at == '"')
        at = scan_text(json, at, scan->end, token);
    else if (*at == '-' || (*at >= '0' && *at <= '9'))
        at = scan_number(json, at, scan->end, token);
    else
        at = scan_literal(json, at, scan->end, token);
    if (at != NULL)
        end_value(scan, token);
    return at;
}

/* NULL without an error: there is no further value. */
static inline const uint8_t *find_value(struct scan *scan, const uint8_t *at)
{
    struct json_document *json = scan->json;
    while (scan->container != JSON_NONE) {
        const struct json_token *container = &json->tokens[scan->container];
        bool is_object = container->type == JSON_OBJECT;
        at = find_more(scan, at);
        if (at == NULL)
            return NULL;
        if (*at == (is_object ? '}' : ']')) {
            at = close_container(scan, at);
            continue;
        }
        if (container->count > 0) {
            if (*at != ',')
                return fail(
                    json, at, is_object ? "a comma or } is missing" : "a comma or ] is missing");
            at = find_more(scan, at + 1);
        }
        return is_object && at != NULL ? scan_name(scan, at) : at;
    }
    at = skip_white_space(at, scan->end);
    return at == scan->end ? NULL : fail(json, at, "text after the value");
}

static void scan_all(struct json_document *json)
{
    struct scan scan = {
        .json = json,
        .end = json->text.data + json->text.size,
        .container = JSON_NONE,
    };
    const uint8_t *at = skip_white_space(json->text.data, scan.end);
    if (json->text.size == 0)
        at = fail(json, at, "the body is empty");
    else if (at == scan.end)
        at = fail_early(json);
    while (at != NULL) {
        at = scan_value(&scan, at);
        if (at != NULL)
            at = find_value(&scan, at);
    }
}

bool json_parse(struct json_document *json, struct bytes text, const struct json_room *room)
{
    CHECK(room->faults != NULL);
    CHECK(room->token_count_max > 0);
    room->faults->count = 0;
    *json = (struct json_document){
        .text = text,
        .tokens = room->tokens,
        .token_count_max = room->token_count_max,
        .scratch = room->scratch,
        .scratch_size = room->scratch_size,
        .faults = room->faults,
    };
    scan_all(json);
    return json->error == NULL;
}
