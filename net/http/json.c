/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at the tokens of a parsed body. Paths are made only when there is a fault to report, by
 * climbing from the token to the root; so a body without faults pays nothing for them.
 */
#include "net/http/json.h"

#include <stdio.h>

#include "core/check.h"
#include "net/http/json_text.h"
#include "net/http/utf8.h"
#include "net/http/words.h"

static struct bytes raw_text(const struct json_document *json, uint32_t token)
{
    CHECK(token < json->token_count);
    return bytes_of(json->text.data + json->tokens[token].start, json->tokens[token].size);
}

static bool is_object(const struct json_document *json, uint32_t token)
{
    return token != JSON_NONE && json_type_of(json, token) == JSON_OBJECT;
}

uint32_t json_first(const struct json_document *json, uint32_t container)
{
    CHECK(container < json->token_count);
    return json->tokens[container].count == 0 ? JSON_NONE : container + 1;
}

uint32_t json_next(const struct json_document *json, uint32_t token)
{
    CHECK(token < json->token_count);
    uint32_t parent = json->tokens[token].parent;
    uint32_t next = json->tokens[token].next;
    if (parent == JSON_NONE || next >= json->tokens[parent].next)
        return JSON_NONE;
    return next;
}

bool json_token_is(const struct json_document *json, uint32_t token, struct bytes text)
{
    struct bytes raw = raw_text(json, token);
    if (!json->tokens[token].has_escapes)
        return raw.size == text.size && words_equal(raw.data, text.data, text.size);
    struct json_text decoded = json_text_of(raw);
    for (uint32_t i = 0; i < text.size; i++)
        if (json_text_next(&decoded) != text.data[i])
            return false;
    return json_text_next(&decoded) < 0;
}

uint32_t json_member(const struct json_document *json, uint32_t object, struct bytes name)
{
    if (!is_object(json, object))
        return JSON_NONE;
    for (uint32_t i = json_first(json, object); i != JSON_NONE; i = json_next(json, i))
        if (json_token_is(json, i, name))
            return i + 1;
    return JSON_NONE;
}

/* A path under construction; what does not fit is cut between characters. */
struct path {
    char *text;
    uint32_t size;
};

static void path_add(struct path *path, struct bytes part)
{
    uint32_t size = utf8_cut(part, JSON_PATH_SIZE - 1 - path->size);
    memcpy(path->text + path->size, part.data, size);
    path->size += size;
    path->text[path->size] = 0;
}

static void path_add_name(struct path *path, struct bytes name)
{
    if (path->size > 0)
        path_add(path, BYTES("."));
    path_add(path, name);
}

static void path_add_index(const struct json_document *json, struct path *path, uint32_t element)
{
    uint32_t index = 0;
    uint32_t i = json_first(json, json->tokens[element].parent);
    for (; i != element; i = json_next(json, i))
        index++;
    char text[16];
    int size = snprintf(text, sizeof text, "[%u]", index);
    path_add(path, bytes_of(text, (uint32_t)size));
}

static struct path path_of(const struct json_document *json, uint32_t token, char *text)
{
    uint32_t chain[JSON_DEPTH_MAX + 1];
    uint32_t count = 0;
    for (uint32_t i = token; json->tokens[i].parent != JSON_NONE; i = json->tokens[i].parent) {
        CHECK(count <= JSON_DEPTH_MAX);
        chain[count++] = i;
    }
    struct path path = {.text = text};
    text[0] = 0;
    while (count > 0) {
        uint32_t i = chain[--count];
        bool in_array = json_type_of(json, json->tokens[i].parent) == JSON_ARRAY;
        uint32_t name = json_type_of(json, i) == JSON_NAME ? i : i - 1;
        if (in_array)
            path_add_index(json, &path, i);
        else
            path_add_name(&path, raw_text(json, name));
    }
    return path;
}

static struct json_fault *fault_take(struct json_document *json, enum json_fault_kind kind)
{
    uint32_t index = json->faults->count++;
    if (index >= JSON_FAULTS_MAX)
        return NULL;
    json->faults->list[index].kind = kind;
    return &json->faults->list[index];
}

void json_add_fault(
    struct json_document *json, uint32_t token, enum json_fault_kind kind, const char *reason)
{
    CHECK(token < json->token_count);
    struct json_fault *fault = fault_take(json, kind);
    if (fault == NULL)
        return;
    path_of(json, token, fault->path);
    snprintf(fault->reason, sizeof fault->reason, "%s", reason);
}

RARELY static void add_missing(struct json_document *json, uint32_t object, struct bytes name)
{
    if (!is_object(json, object))
        return; /* json_expect() has named that fault */
    struct json_fault *fault = fault_take(json, JSON_FAULT_MISSING);
    if (fault == NULL)
        return;
    struct path path = path_of(json, object, fault->path);
    path_add_name(&path, name);
    snprintf(fault->reason, sizeof fault->reason, "is required");
}

RARELY static void add_unknown(struct json_document *json, uint32_t member)
{
    json_add_fault(json, member, JSON_FAULT_UNKNOWN, "is not a known member");
}

bool json_refuse_unknown(
    struct json_document *json, uint32_t object, const char *const *names, uint32_t count)
{
    if (!is_object(json, object))
        return false;
    bool all_known = true;
    for (uint32_t i = json_first(json, object); i != JSON_NONE; i = json_next(json, i)) {
        uint32_t known = 0;
        while (known < count && !json_token_is(json, i, bytes_of_string(names[known])))
            known++;
        if (known < count)
            continue;
        add_unknown(json, i);
        all_known = false;
    }
    return all_known;
}

RARELY static uint32_t find_escaped_name(
    const struct json_document *json, uint32_t member, const struct bytes *names, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (json_token_is(json, member, names[i]))
            return i;
    return count;
}

/* Which of the names the member has; `count` for none. */
static inline uint32_t find_name(
    const struct json_document *json, uint32_t member, const struct bytes *names, uint32_t count)
{
    if (json->tokens[member].has_escapes)
        return find_escaped_name(json, member, names, count);
    struct bytes raw = raw_text(json, member);
    for (uint32_t i = 0; i < count; i++)
        if (raw.size == names[i].size && words_equal(raw.data, names[i].data, raw.size))
            return i;
    return count;
}

void json_find_members(struct json_document *json, uint32_t object, const struct bytes *names,
    uint32_t count, struct json_members *members)
{
    CHECK(count <= JSON_NAMES_MAX);
    members->object = object;
    members->names = names;
    for (uint32_t i = 0; i < count; i++)
        members->value[i] = JSON_NONE;
    if (!is_object(json, object))
        return;
    uint32_t end = json->tokens[object].next;
    for (uint32_t at = object + 1; at < end; at = json->tokens[at].next) {
        uint32_t found = find_name(json, at, names, count);
        if (found < count)
            members->value[found] = at + 1;
        else
            add_unknown(json, at);
    }
}

uint32_t json_given(
    const struct json_document *json, const struct json_members *members, uint32_t index)
{
    uint32_t token = members->value[index];
    return token != JSON_NONE && json_type_of(json, token) != JSON_NULL ? token : JSON_NONE;
}

uint32_t json_needed(struct json_document *json, const struct json_members *members, uint32_t index)
{
    if (members->value[index] == JSON_NONE)
        add_missing(json, members->object, members->names[index]);
    return members->value[index];
}

static const char *type_wanted(enum json_type type)
{
    switch (type) {
    case JSON_OBJECT:
        return "must be an object";
    case JSON_ARRAY:
        return "must be an array";
    case JSON_STRING:
        return "must be a string";
    case JSON_NUMBER:
        return "must be an integer";
    case JSON_BOOLEAN:
        return "must be true or false";
    case JSON_NULL:
        return "must be null";
    case JSON_NAME:
        return "must be a member";
    }
    return "";
}

RARELY static void refuse_type(struct json_document *json, uint32_t token, enum json_type type)
{
    json_add_fault(json, token, JSON_FAULT_TYPE, type_wanted(type));
}

bool json_expect(struct json_document *json, uint32_t token, enum json_type type)
{
    if (token == JSON_NONE)
        return false;
    if (json_type_of(json, token) == type)
        return true;
    refuse_type(json, token, type);
    return false;
}

static bool has_fraction_or_exponent(struct bytes text)
{
    for (uint32_t i = 0; i < text.size; i++)
        if (text.data[i] == '.' || (text.data[i] | 0x20) == 'e')
            return true;
    return false;
}

/* A number token, as far as it is an integer of 64 bits. The sum is a negative one, since those
 * reach one further. */
static bool number_integer(struct bytes text, int64_t *value)
{
    bool is_negative = text.data[0] == '-';
    int64_t sum = 0;
    for (uint32_t i = is_negative ? 1 : 0; i < text.size; i++) {
        int64_t digit = text.data[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_sub_overflow(sum, digit, &sum))
            return false;
    }
    *value = sum;
    return is_negative || !__builtin_sub_overflow(0, sum, value);
}

RARELY static void refuse_number(struct json_document *json, uint32_t token, struct bytes text)
{
    if (has_fraction_or_exponent(text))
        json_add_fault(
            json, token, JSON_FAULT_FRACTION, "must be an integer, without fraction or exponent");
    else
        json_add_fault(json, token, JSON_FAULT_OVERFLOW, "does not fit a signed 64-bit integer");
}

RARELY static void refuse_range(
    struct json_document *json, uint32_t token, int64_t min, int64_t max)
{
    char reason[JSON_REASON_SIZE];
    snprintf(reason, sizeof reason, "must be from %lld to %lld", (long long)min, (long long)max);
    json_add_fault(json, token, JSON_FAULT_RANGE, reason);
}

bool json_read_int64(
    struct json_document *json, uint32_t token, int64_t min, int64_t max, int64_t *value)
{
    CHECK(min <= max);
    if (!json_expect(json, token, JSON_NUMBER))
        return false;
    struct bytes text = raw_text(json, token);
    int64_t number;
    if (!number_integer(text, &number)) {
        refuse_number(json, token, text);
        return false;
    }
    if (number < min || number > max) {
        refuse_range(json, token, min, max);
        return false;
    }
    *value = number;
    return true;
}

bool json_read_uint32(
    struct json_document *json, uint32_t token, uint32_t min, uint32_t max, uint32_t *value)
{
    int64_t wide;
    if (!json_read_int64(json, token, min, max, &wide))
        return false;
    *value = (uint32_t)wide;
    return true;
}

bool json_read_boolean(struct json_document *json, uint32_t token, bool *value)
{
    if (!json_expect(json, token, JSON_BOOLEAN))
        return false;
    *value = json->text.data[json->tokens[token].start] == 't';
    return true;
}

RARELY static void refuse_size(
    struct json_document *json, uint32_t token, uint32_t size_min, uint32_t size_max)
{
    char reason[JSON_REASON_SIZE];
    snprintf(reason, sizeof reason, "must have %u to %u bytes", size_min, size_max);
    json_add_fault(json, token, JSON_FAULT_SIZE, reason);
}

/* False and a fault when the text holds U+0000, or when scratch has no room for it. */
RARELY static bool decode(struct json_document *json, uint32_t token, struct bytes *value)
{
    struct json_text text = json_text_of(raw_text(json, token));
    uint32_t size = 0;
    uint8_t *start = json->scratch + json->scratch_used;
    for (;;) {
        int32_t byte = json_text_next(&text);
        if (byte < 0)
            break;
        if (byte == 0) {
            json_add_fault(json, token, JSON_FAULT_VALUE, "must not contain U+0000");
            return false;
        }
        if (size == json->scratch_size - json->scratch_used) {
            json_add_fault(json, token, JSON_FAULT_SIZE, "is too long");
            return false;
        }
        start[size++] = (uint8_t)byte;
    }
    json->scratch_used += size;
    *value = bytes_of(start, size);
    return true;
}

bool json_read_string(struct json_document *json, uint32_t token, uint32_t size_min,
    uint32_t size_max, struct bytes *value)
{
    CHECK(size_min <= size_max);
    if (!json_expect(json, token, JSON_STRING))
        return false;
    struct bytes text = raw_text(json, token);
    if (json->tokens[token].has_escapes && !decode(json, token, &text))
        return false;
    if (text.size < size_min || text.size > size_max) {
        refuse_size(json, token, size_min, size_max);
        return false;
    }
    *value = text;
    return true;
}

bool json_read_choice(struct json_document *json, uint32_t token, const char *const *choices,
    uint32_t count, uint32_t *choice)
{
    if (!json_expect(json, token, JSON_STRING))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (json_token_is(json, token, bytes_of_string(choices[i]))) {
            *choice = i;
            return true;
        }
    }
    char reason[JSON_REASON_SIZE] = "must be";
    size_t size = strlen(reason);
    for (uint32_t i = 0; i < count && size < sizeof reason; i++)
        size += (size_t)snprintf(reason + size, sizeof reason - size, "%s %s",
            i == 0           ? ""
            : i + 1 == count ? " or"
                             : ",",
            choices[i]);
    json_add_fault(json, token, JSON_FAULT_VALUE, reason);
    return false;
}
