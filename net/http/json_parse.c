/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop over the grammar: `expect` says what may come next, and each token is written as it is
 * met. There is no recursion: the way back up is in the tokens' parents. A container learns where
 * it ends (next) when its bracket closes, a member's name when its value is complete.
 *
 * What can go wrong is one byte that cannot stand where it stands: json->error names what was
 * wanted and json->error_at is the byte.
 */
#include "core/check.h"
#include "net/http/blocks.h"
#include "net/http/json.h"
#include "net/http/json_text.h"
#include "net/http/utf8.h"

enum expect { VALUE, VALUE_OR_END, NAME, NAME_OR_END, COLON, COMMA_OR_END, NOTHING };

struct scan {
    struct json_document *json;
    const uint8_t *at;
    const uint8_t *end;
    enum expect expect;
    uint32_t container; /* JSON_NONE outside of the root */
    uint32_t depth;
};

static bool fail(struct scan *scan, const char *error)
{
    scan->json->error = error;
    scan->json->error_at = (uint32_t)(scan->at - scan->json->text.data);
    return false;
}

/* What stands there is cut off, or is the wrong thing. */
static bool fail_here(struct scan *scan, const char *error)
{
    return fail(scan, scan->at == scan->end ? "the text ends too early" : error);
}

static bool add_token(struct scan *scan, enum json_type type, uint32_t *index)
{
    struct json_document *json = scan->json;
    if (json->token_count == json->token_count_max)
        return fail(scan, "too many values");
    *index = json->token_count++;
    json->tokens[*index] = (struct json_token){
        .start = (uint32_t)(scan->at - json->text.data),
        .next = json->token_count,
        .parent = scan->container,
        .type = (uint8_t)type,
    };
    return true;
}

static struct bytes raw_text(const struct json_document *json, uint32_t token)
{
    return bytes_of(json->text.data + json->tokens[token].start, json->tokens[token].size);
}

/* A value is complete: note it in its container, and in the name before it. */
static void end_value(struct scan *scan, uint32_t token)
{
    struct json_document *json = scan->json;
    json->tokens[token].next = json->token_count;
    if (scan->container == JSON_NONE) {
        scan->expect = NOTHING;
        return;
    }
    scan->expect = COMMA_OR_END;
    json->tokens[scan->container].count++;
    if (json->tokens[scan->container].type == JSON_OBJECT)
        json->tokens[token - 1].next = json->token_count;
}

static bool open_container(struct scan *scan, enum json_type type)
{
    uint32_t token;
    if (scan->depth == JSON_DEPTH_MAX)
        return fail(scan, "nested too deeply");
    if (!add_token(scan, type, &token))
        return false;
    scan->at++;
    scan->depth++;
    scan->container = token;
    scan->expect = type == JSON_OBJECT ? NAME_OR_END : VALUE_OR_END;
    return true;
}

static void close_container(struct scan *scan)
{
    struct json_token *token = &scan->json->tokens[scan->container];
    uint32_t closed = scan->container;
    scan->at++;
    token->size = (uint32_t)(scan->at - scan->json->text.data) - token->start;
    scan->container = token->parent;
    scan->depth--;
    end_value(scan, closed);
}

/* scan->at stands at the backslash. */
static bool scan_escape(struct scan *scan)
{
    int64_t left = scan->end - scan->at;
    if (left < 2)
        return fail(scan, "the text ends too early");
    if (scan->at[1] != 'u') {
        if (scan->at[1] == 0 || strchr("\"\\/bfnrt", scan->at[1]) == NULL)
            return fail(scan, "unknown escape in a string");
        scan->at += 2;
        return true;
    }
    int32_t unit = left < 6 ? -1 : json_text_hex4(scan->at + 2);
    if (unit < 0)
        return fail(scan, "\\u without four hexadecimal digits");
    if (unit >= 0xdc00 && unit <= 0xdfff)
        return fail(scan, "second half of a surrogate pair without the first");
    if (unit < 0xd800 || unit > 0xdbff) {
        scan->at += 6;
        return true;
    }
    bool has_more = left >= 12 && scan->at[6] == '\\' && scan->at[7] == 'u';
    int32_t low = has_more ? json_text_hex4(scan->at + 8) : -1;
    if (low < 0xdc00 || low > 0xdfff)
        return fail(scan, "first half of a surrogate pair without the second");
    scan->at += 12;
    return true;
}

/* The first byte that is a quote, a backslash, a control character or not ASCII. */
static const uint8_t *plain_end(const uint8_t *at, const uint8_t *end)
{
#ifdef HAVE_BLOCKS
    while (end - at >= 16) {
        __m128i block = block_load(at);
        __m128i marks = _mm_or_si128(block_is(block, '"'), block_is(block, '\\'));
        __m128i controls = block_in_range(block, 0, 0x1f);
        uint32_t stop = block_mask(_mm_or_si128(_mm_or_si128(marks, controls), block));
        if (stop != 0)
            return at + __builtin_ctz(stop);
        at += 16;
    }
#endif
    while (at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
        at++;
    return at;
}

/* scan->at stands at the opening quote; `token` gets what is between the quotes. */
static bool scan_text(struct scan *scan, struct json_token *token)
{
    scan->at++;
    const uint8_t *start = scan->at;
    for (;;) {
        scan->at = plain_end(scan->at, scan->end);
        if (scan->at == scan->end || *scan->at == '"')
            break;
        if (*scan->at == '\\') {
            token->has_escapes = true;
            if (!scan_escape(scan))
                return false;
            continue;
        }
        if (*scan->at < 0x20)
            return fail(scan, "control character in a string");
        uint32_t size = utf8_character_size(scan->at, scan->end);
        if (size == 0)
            return fail(scan, "malformed UTF-8");
        scan->at += size;
    }
    if (scan->at == scan->end)
        return fail(scan, "a string without its closing quote");
    token->start = (uint32_t)(start - scan->json->text.data);
    token->size = (uint32_t)(scan->at - start);
    scan->at++;
    return true;
}

/* FNV-1a of the decoded name, so that two spellings of one name have one hash. */
static uint32_t name_hash(struct bytes raw, bool has_escapes)
{
    uint32_t hash = 2166136261;
    if (!has_escapes) {
        for (uint32_t i = 0; i < raw.size; i++)
            hash = (hash ^ raw.data[i]) * 16777619;
        return hash;
    }
    struct json_text text = json_text_of(raw);
    for (int32_t byte = json_text_next(&text); byte >= 0; byte = json_text_next(&text))
        hash = (hash ^ (uint32_t)byte) * 16777619;
    return hash;
}

static bool is_repeated(const struct json_document *json, uint32_t object, uint32_t name)
{
    for (uint32_t other = object + 1; other < name; other = json->tokens[other].next)
        if (json->tokens[other].count == json->tokens[name].count &&
            json_text_equal(raw_text(json, name), raw_text(json, other)))
            return true;
    return false;
}

static bool scan_name(struct scan *scan)
{
    struct json_document *json = scan->json;
    const uint8_t *start = scan->at;
    uint32_t token;
    if (json->tokens[scan->container].count == JSON_MEMBERS_MAX)
        return fail(scan, "too many members in an object");
    if (!add_token(scan, JSON_NAME, &token) || !scan_text(scan, &json->tokens[token]))
        return false;
    json->tokens[token].count = name_hash(raw_text(json, token), json->tokens[token].has_escapes);
    if (is_repeated(json, scan->container, token)) {
        scan->at = start;
        return fail(scan, "the same member twice in an object");
    }
    scan->expect = COLON;
    return true;
}

static bool scan_digits(struct scan *scan)
{
    const uint8_t *start = scan->at;
    while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
        scan->at++;
    return scan->at > start || fail_here(scan, "a digit is missing in a number");
}

static bool scan_number(struct scan *scan, struct json_token *token)
{
    const uint8_t *start = scan->at;
    if (*scan->at == '-')
        scan->at++;
    bool has_zero = scan->at < scan->end && *scan->at == '0';
    const uint8_t *first = scan->at;
    if (!scan_digits(scan))
        return false;
    if (has_zero && scan->at - first > 1) {
        scan->at = first;
        return fail(scan, "a number with a leading zero");
    }
    if (scan->at < scan->end && *scan->at == '.') {
        scan->at++;
        if (!scan_digits(scan))
            return false;
    }
    if (scan->at < scan->end && (*scan->at | 0x20) == 'e') {
        scan->at++;
        if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
            scan->at++;
        if (!scan_digits(scan))
            return false;
    }
    token->size = (uint32_t)(scan->at - start);
    return true;
}

static bool scan_literal(struct scan *scan, struct json_token *token)
{
    static const struct {
        char text[6];
        uint8_t size;
        uint8_t type;
    } literals[] = {{"true", 4, JSON_BOOLEAN}, {"false", 5, JSON_BOOLEAN}, {"null", 4, JSON_NULL}};
    for (uint32_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        uint32_t size = literals[i].size;
        if (scan->end - scan->at >= (int64_t)size &&
            memcmp(scan->at, literals[i].text, size) == 0) {
            token->type = literals[i].type;
            token->size = size;
            scan->at += size;
            return true;
        }
    }
    return fail(scan, "a value is missing");
}

static bool scan_value(struct scan *scan)
{
    if (*scan->at == '{')
        return open_container(scan, JSON_OBJECT);
    if (*scan->at == '[')
        return open_container(scan, JSON_ARRAY);
    uint32_t index;
    if (!add_token(scan, JSON_STRING, &index))
        return false;
    struct json_token *token = &scan->json->tokens[index];
    bool is_valid;
    if (*scan->at == '"') {
        is_valid = scan_text(scan, token);
    } else if (*scan->at == '-' || (*scan->at >= '0' && *scan->at <= '9')) {
        token->type = JSON_NUMBER;
        is_valid = scan_number(scan, token);
    } else {
        is_valid = scan_literal(scan, token);
    }
    if (is_valid)
        end_value(scan, index);
    return is_valid;
}

static bool scan_comma_or_end(struct scan *scan)
{
    bool is_object = scan->json->tokens[scan->container].type == JSON_OBJECT;
    if (*scan->at == ',') {
        scan->at++;
        scan->expect = is_object ? NAME : VALUE;
        return true;
    }
    if (*scan->at != (is_object ? '}' : ']'))
        return fail(scan, is_object ? "a comma or } is missing" : "a comma or ] is missing");
    close_container(scan);
    return true;
}

/* One step; scan->at stands at a byte that is no white space. */
static bool scan_step(struct scan *scan)
{
    switch (scan->expect) {
    case VALUE_OR_END:
        if (*scan->at == ']') {
            close_container(scan);
            return true;
        }
        return scan_value(scan);
    case VALUE:
        return scan_value(scan);
    case NAME_OR_END:
        if (*scan->at == '}') {
            close_container(scan);
            return true;
        }
        return *scan->at == '"' ? scan_name(scan) : fail(scan, "a member name is missing");
    case NAME:
        return *scan->at == '"' ? scan_name(scan) : fail(scan, "a member name is missing");
    case COLON:
        if (*scan->at != ':')
            return fail(scan, "a colon is missing");
        scan->at++;
        scan->expect = VALUE;
        return true;
    case COMMA_OR_END:
        return scan_comma_or_end(scan);
    case NOTHING:
        return fail(scan, "text after the value");
    }
    return false;
}

static void skip_white_space(struct scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\r' || *scan->at == '\t'))
        scan->at++;
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
    struct scan scan = {
        .json = json,
        .at = text.data,
        .end = text.data + text.size,
        .expect = VALUE,
        .container = JSON_NONE,
    };
    skip_white_space(&scan);
    while (scan.at < scan.end) {
        if (!scan_step(&scan))
            return false;
        skip_white_space(&scan);
    }
    if (scan.expect != NOTHING)
        return fail(&scan, text.size == 0 ? "the body is empty" : "the text ends too early");
    return true;
}
