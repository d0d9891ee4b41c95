/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader under libFuzzer, beside a reference written from the grammar. What it takes for
 * JSON is written again by the writer and read once more: the same tokens have to come out, so
 * reader and writer check each other. */
#include <stdio.h>

#include "core/check.h"
#include "core/json_writer.h"
#include "net/http/json.h"
#include "net/http/utf8.h"
#include "tests/net/json_reference.h"

enum { TOKENS = 512, TEXT_SIZE = 32768, INPUT_SIZE_MAX = 2048 };

struct side {
    struct json_token tokens[TOKENS];
    uint8_t scratch[TEXT_SIZE];
    struct json_faults faults;
    struct json_document json;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool parse(struct side *side, struct bytes text)
{
    struct json_room room = {.tokens = side->tokens,
        .token_count_max = TOKENS,
        .scratch = side->scratch,
        .scratch_size = sizeof side->scratch,
        .faults = &side->faults};
    return json_parse(&side->json, text, &room);
}

static void check_tokens(const struct json_document *json)
{
    for (uint32_t i = 0; i < json->token_count; i++) {
        const struct json_token *token = &json->tokens[i];
        CHECK(token->start + token->size <= json->text.size);
        CHECK(token->next > i);
        CHECK(token->next <= json->token_count);
        CHECK(i == 0 ? token->parent == JSON_NONE : token->parent < i);
        CHECK(i == 0 || json->tokens[token->parent].next >= token->next);
    }
}

static void read_all_ways(struct json_document *json, uint32_t token)
{
    static const char *const names[] = {"sku", "quantity"};
    static const struct bytes known[] = {JSON_NAMED("sku"), JSON_NAMED("quantity")};
    struct json_members members;
    struct bytes text;
    int64_t number;
    bool yes;
    uint32_t choice;
    if (json_read_int64(json, token, -1000, 1000, &number))
        CHECK(number >= -1000 && number <= 1000);
    if (json_read_string(json, token, 0, 100, &text))
        CHECK(utf8_is_valid(text));
    json_read_boolean(json, token, &yes);
    json_read_choice(json, token, names, 2, &choice);
    json_refuse_unknown(json, token, names, 2);
    json_find_members(json, token, known, 2, &members);
    CHECK(json_needed(json, &members, 0) == json_member(json, token, known[0]));
    CHECK(members.value[1] == json_member(json, token, known[1]));
    for (uint32_t i = 0; i < json->faults->count && i < JSON_FAULTS_MAX; i++)
        CHECK(utf8_is_valid(bytes_of_string(json->faults->list[i].path)));
}

static void close_containers(
    struct json_writer *out, const struct json_document *json, uint32_t token)
{
    uint32_t parent = json->tokens[token].parent;
    bool is_open = json->tokens[token].next == token + 1 && json->tokens[token].type <= JSON_ARRAY;
    uint32_t container = is_open ? token : parent;
    while (container != JSON_NONE && json->tokens[container].next == token + 1) {
        if (json->tokens[container].type == JSON_OBJECT)
            json_close_object(out);
        else
            json_close_array(out);
        container = json->tokens[container].parent;
    }
}

static void write_token(struct json_writer *out, struct json_document *json, uint32_t token)
{
    struct bytes raw =
        bytes_of(json->text.data + json->tokens[token].start, json->tokens[token].size);
    struct bytes text;
    char name[16];
    switch (json_type_of(json, token)) {
    case JSON_OBJECT:
        json_open_object(out);
        break;
    case JSON_ARRAY:
        json_open_array(out);
        break;
    case JSON_STRING:
        if (!json_read_string(json, token, 0, UINT32_MAX, &text))
            text = BYTES("nul");
        json_put_string(out, text);
        break;
    case JSON_NAME:
        snprintf(name, sizeof name, "m%u", token);
        json_put_name(out, name);
        return;
    case JSON_NUMBER:
    case JSON_BOOLEAN:
    case JSON_NULL:
        json_put_raw(out, raw);
        break;
    }
    close_containers(out, json, token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct side first, second;
    static uint8_t written[TEXT_SIZE];
    if (size > INPUT_SIZE_MAX)
        return 0;
    uint32_t count;
    bool is_valid = json_reference_is_valid(bytes_of(data, (uint32_t)size), TOKENS, &count);
    bool is_taken = parse(&first, bytes_of(data, (uint32_t)size));
    CHECK(is_taken == is_valid);
    CHECK(!is_taken || first.json.token_count == count);
    if (!is_taken) {
        CHECK(first.json.error != NULL);
        CHECK(first.json.error_at <= size);
        return 0;
    }
    check_tokens(&first.json);
    struct json_writer out = json_writer_of(written, sizeof written);
    for (uint32_t i = 0; i < first.json.token_count; i++)
        write_token(&out, &first.json, i);
    CHECK(!out.overflow);
    CHECK(parse(&second, json_bytes(&out)));
    CHECK(second.json.token_count == first.json.token_count);
    for (uint32_t i = 0; i < first.json.token_count; i++)
        CHECK(second.tokens[i].type == first.tokens[i].type);
    for (uint32_t i = 0; i < first.json.token_count; i++)
        if (json_type_of(&first.json, i) != JSON_NAME)
            read_all_ways(&first.json, i);
    return 0;
}
