/* SPDX-License-Identifier: Apache-2.0 */
/* Strict JSON: what is valid, what is not, and what the getters say about values of a wrong kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "net/http/json.h"
#include "tests/lib/dice.h"
#include "tests/net/json_reference.h"

enum { TOKENS = 40000, SCRATCH = 65536 };

struct fixture {
    struct json_token tokens[TOKENS];
    uint8_t scratch[SCRATCH];
    struct json_faults faults;
    struct json_document json;
    uint8_t *copy;
};

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct fixture));
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    free(f->copy);
    free(f);
    return 0;
}

/* An exact copy on the heap, so that AddressSanitizer sees a read past the end. */
static bool parse(struct fixture *f, struct bytes text, uint32_t token_count_max)
{
    struct json_room room = {.tokens = f->tokens,
        .token_count_max = token_count_max,
        .scratch = f->scratch,
        .scratch_size = SCRATCH,
        .faults = &f->faults};
    free(f->copy);
    f->copy = malloc(text.size + 1U);
    assert_non_null(f->copy);
    memcpy(f->copy + 1, text.data, text.size);
    return json_parse(&f->json, bytes_of(f->copy + 1, text.size), &room);
}

static struct json_document *open_text(void **state, const char *text)
{
    struct fixture *f = *state;
    if (!parse(f, bytes_of_string(text), TOKENS))
        fail_msg("%s: %s at %u", text, f->json.error, f->json.error_at);
    return &f->json;
}

static void compare(struct fixture *f, struct bytes text)
{
    uint32_t count;
    bool is_valid = json_reference_is_valid(text, 64, &count);
    if (parse(f, text, 64) != is_valid)
        fail_msg("the reference says %d: %.*s", is_valid, (int)text.size, text.data);
    if (is_valid)
        assert_int_equal(f->json.token_count, count);
}

static void valid_texts_are_read(void **state)
{
    static const char *const texts[] = {"{}", "[]", " [ ] ", "0", "-0", "1", "-1", "10", "1.5",
        "-0.0", "1e5", "1E+5", "1e-5", "0e0", "1.25e10", "1e999", "123456789012345678901234567890",
        "true", "false", "null", "\"\"", "\"a\"", "\t\r\n 1 \t\r\n", "[1,2]", "[[[[[[[[]]]]]]]]",
        "{\"a\":1}", "{\"a\":1,\"b\":[{\"c\":null}]}", "{\"\":0}", "[true,false,null]",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0041\\u00e9\\u20AC\"", "\"\\ud83d\\ude00\"",
        "\"\\u0000\"", "\"\\uFFFF\"", "\"\x7f\"", "\"\xc3\xa9\"", "\"\xe2\x82\xac\"",
        "\"\xf0\x9f\x98\x80\"", "\"\xf4\x8f\xbf\xbf\"", "\"\xed\x9f\xbf\"", "\"\xee\x80\x80\"",
        "\"\xef\xbf\xbf\"", "[\"a\",{\"a\":[],\"A\":{}}]", "{\"a\":{\"a\":{\"a\":1}}}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        open_text(state, texts[i]);
        compare(*state, bytes_of_string(texts[i]));
    }
}

#define T(literal)                                                                                 \
    {                                                                                              \
        (const uint8_t *)(literal), sizeof(literal) - 1                                            \
    }

static void invalid_texts_are_refused(void **state)
{
    static const struct bytes texts[] = {T(""), T(" "), T("{"), T("}"), T("["), T("]"), T("\""),
        T("[1"), T("[1,"), T("[1,]"), T("[,1]"), T("[1 2]"), T("[1,,2]"), T("[1}"), T("{1}"),
        T("{\"a\"}"), T("{\"a\":}"), T("{\"a\":1"), T("{\"a\":1,}"), T("{\"a\" 1}"),
        T("{\"a\":1 \"b\":2}"), T("{,}"), T("{a:1}"), T("{'a':1}"), T("{\"a\":1]"), T("{1:2}"),
        T("{\"a\":1,,\"b\":2}"), T("{\"a\"::1}"), T("{null:1}"), T("1 2"), T("1,"), T("{}{}"),
        T("[]]"), T("\"a\"b"), T("{}x"), T("{}\0"), T("\0"), T("[\0]"), T("'a'"), T("\"a"), T("01"),
        T("-"), T("-01"), T("00"), T("+1"), T(".5"), T("1."), T("1.e5"), T("1e"), T("1e+"),
        T("1e-"), T("0x10"), T("1_000"), T("--1"), T("1e5.5"), T("NaN"), T("Infinity"),
        T("-Infinity"), T("1a"), T("-a"), T("1,000"), T("\xd9\xa3"), T("tru"), T("True"), T("nul"),
        T("nullx"), T("truefalse"), T("undefined"), T("// c\n1"), T("/* c */1"), T("1#"),
        T("\xef\xbb\xbf{}"), T("\xff\xfe{\0}\0"), T("\v1"),
        T("\xc2\xa0"
          "1"),
        T("\"\n\""), T("\"\t\""), T("\"\0\""), T("\"\x1f\""), T("\"\\"), T("\"\\\""),
        T("\"\\x41\""), T("\"\\a\""), T("\"\\'\""), T("\"\\\0\""), T("\"\\U0041\""), T("\"\\u\""),
        T("\"\\u1\""), T("\"\\u12\""), T("\"\\u123\""), T("\"\\u123g\""), T("\"\\u 123\""),
        T("\"\\u"), T("\"\\u12"), T("\"\\ud800\""), T("\"\\ud800a\""), T("\"\\ud800\\n\""),
        T("\"\\ud800\\u0041\""), T("\"\\ud800\\ud800\""), T("\"\\ud800\\ue000\""), T("\"\\udc00\""),
        T("\"\\ude00\\ud83d\""), T("\"\\ud83d\\ude0\""), T("\"\\ud83d\\u"), T("\"\x80\""),
        T("\"\xbf\""), T("\"\xc0\x80\""), T("\"\xc1\xbf\""), T("\"\xc3\""), T("\"\xc3"),
        T("\"\xc3(\""), T("\"\xe0\x80\x80\""), T("\"\xe0\x9f\xbf\""), T("\"\xe2\x82\""),
        T("\"\xe2\x28\xa1\""), T("\"\xed\xa0\x80\""), T("\"\xed\xbf\xbf\""),
        T("\"\xf0\x80\x80\x80\""), T("\"\xf0\x8f\xbf\xbf\""), T("\"\xf0\x9f\x98\""),
        T("\"\xf0\x9f\x98"), T("\"\xf4\x90\x80\x80\""), T("\"\xf5\x80\x80\x80\""), T("\"\xfe\""),
        T("\"\xff\""), T("{\"a\":1,\"a\":2}"), T("{\"a\":1,\"b\":2,\"a\":3}"),
        T("{\"a\":1,\"\\u0061\":2}"), T("{\"\\u00e9\":1,\"\xc3\xa9\":2}"), T("{\"\":1,\"\":2}"),
        T("[[[[[[[[[]]]]]]]]]"),
        T("{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}"), T("[1\r\n2]")};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (parse(f, texts[i], TOKENS))
            fail_msg("taken for JSON: %.*s", (int)texts[i].size, texts[i].data);
        assert_non_null(f->json.error);
        assert_in_range(f->json.error_at, 0, texts[i].size);
        compare(f, texts[i]);
    }
}

/* Cut, one byte changed, and put together at random: what no table thought of. */
static void the_reference_says_the_same_of_any_mixture(void **state)
{
    static const char *const pieces[] = {"{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"\\u0061\"",
        "1", "-", "0", ".5", "e+1", "true", "nul", "null", " ", "\n", "\\", "\\ud83d", "\\ude00",
        "\xc3\xa9", "\xed\xa0\x80", "\xf4\x8f\xbf\xbf", "\x80", "\x1f", "\x7f", "0123456789abcdef",
        "{\"a\":", "[1,", "\"k\":", "\\\"", "\xef\xbb\xbf", "[[[[[[[[", "]]]]]]]]"};
    struct dice dice = dice_of(0x5eed);
    for (uint32_t round = 0; round < 50000; round++) {
        uint8_t text[256];
        uint32_t size = 0;
        for (uint32_t i = dice_below(&dice, 12); i > 0; i--) {
            const char *piece = pieces[dice_below(&dice, sizeof pieces / sizeof pieces[0])];
            memcpy(text + size, piece, strlen(piece));
            size += (uint32_t)strlen(piece);
        }
        if (size > 0 && dice_below(&dice, 4) == 0)
            text[dice_below(&dice, size)] = (uint8_t)dice_next(&dice);
        compare(*state, bytes_of(text, size));
    }
}

/* A mark at each place of a string of each length: wherever a block of sixteen bytes ends. */
static void every_byte_of_a_string_is_looked_at(void **state)
{
    static const char *const marks[] = {"\"", "\\", "\x1f", "\0", "\x80", "\xff", "\x7f",
        "\xc3\xa9", "\xc3", "\\n", "\\x", "\xf0\x9f\x98\x80", "\xf0\x9f\x98"};
    for (uint32_t size = 1; size < 40; size++) {
        for (uint32_t at = 1; at <= size; at++) {
            for (uint32_t mark = 0; mark < sizeof marks / sizeof marks[0]; mark++) {
                uint8_t text[64];
                uint32_t wide = marks[mark][0] == 0 ? 1 : (uint32_t)strlen(marks[mark]);
                memset(text, 'x', sizeof text);
                text[0] = '"';
                memcpy(text + at, marks[mark], wide);
                text[size + wide] = '"';
                compare(*state, bytes_of(text, size + wide + 1));
            }
        }
    }
}

static void an_error_names_the_place(void **state)
{
    struct fixture *f = *state;
    assert_false(parse(f, BYTES("{\"quantity\":01}"), TOKENS));
    assert_string_equal(f->json.error, "a number with a leading zero");
    assert_int_equal(f->json.error_at, 12);
    assert_false(parse(f, BYTES("{\"a\":1, \"a\":2}"), TOKENS));
    assert_int_equal(f->json.error_at, 8);
}

static void too_many_tokens_are_refused(void **state)
{
    struct fixture *f = *state;
    assert_true(parse(f, BYTES("[1,2,3]"), 4));
    assert_false(parse(f, BYTES("[1,2,3,4]"), 4));
    assert_string_equal(f->json.error, "too many values");
}

static void too_many_members_are_refused(void **state)
{
    struct fixture *f = *state;
    char text[2048] = "{";
    size_t size = 1;
    for (uint32_t i = 0; i < JSON_MEMBERS_MAX; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "\"m%u\":0,", i);
    text[size - 1] = '}';
    assert_true(parse(f, bytes_of_string(text), TOKENS));
    snprintf(text + size - 1, sizeof text - size, ",\"more\":0}");
    assert_false(parse(f, bytes_of_string(text), TOKENS));
}

static void elements_and_members_are_walked(void **state)
{
    struct json_document *json = open_text(state, "{\"a\":[1,[2,3],{\"x\":[]},4],\"b\":{}}");
    uint32_t a = json_member(json, JSON_ROOT, BYTES("a"));
    static const enum json_type types[] = {JSON_NUMBER, JSON_ARRAY, JSON_OBJECT, JSON_NUMBER};
    uint32_t count = 0;
    for (uint32_t i = json_first(json, a); i != JSON_NONE; i = json_next(json, i))
        assert_int_equal(json_type_of(json, i), types[count++]);
    assert_int_equal(count, 4);
    assert_int_equal(json->tokens[a].count, 4);
    uint32_t b = json_member(json, JSON_ROOT, BYTES("b"));
    assert_int_equal(json_first(json, b), JSON_NONE);
    assert_int_equal(json_next(json, b - 1), JSON_NONE);
    assert_int_equal(json_next(json, JSON_ROOT), JSON_NONE);
    assert_int_equal(json_member(json, JSON_ROOT, BYTES("c")), JSON_NONE);
    assert_int_equal(json_member(json, a, BYTES("a")), JSON_NONE);
}

static void integers_are_read_exactly(void **state)
{
    struct json_document *json =
        open_text(state, "[0,-0,9223372036854775807,-9223372036854775808,42]");
    static const int64_t wanted[] = {0, 0, INT64_MAX, INT64_MIN, 42};
    uint32_t count = 0;
    for (uint32_t i = json_first(json, JSON_ROOT); i != JSON_NONE; i = json_next(json, i)) {
        int64_t value = 1;
        assert_true(json_read_int64(json, i, INT64_MIN, INT64_MAX, &value));
        assert_true(value == wanted[count++]);
    }
    assert_int_equal(json->faults->count, 0);
}

static void assert_int_fault(void **state, const char *text, enum json_fault_kind kind)
{
    struct json_document *json = open_text(state, text);
    int64_t value = 7;
    assert_false(json_read_int64(json, json_first(json, JSON_ROOT), 0, 100, &value));
    assert_int_equal(value, 7);
    assert_int_equal(json->faults->count, 1);
    assert_int_equal(json->faults->list[0].kind, kind);
    assert_string_equal(json->faults->list[0].path, "[0]");
}

static void integers_that_are_none_have_their_own_faults(void **state)
{
    assert_int_fault(state, "[1.5]", JSON_FAULT_FRACTION);
    assert_int_fault(state, "[1.0]", JSON_FAULT_FRACTION);
    assert_int_fault(state, "[1e2]", JSON_FAULT_FRACTION);
    assert_int_fault(state, "[1E0]", JSON_FAULT_FRACTION);
    assert_int_fault(state, "[9223372036854775808]", JSON_FAULT_OVERFLOW);
    assert_int_fault(state, "[-9223372036854775809]", JSON_FAULT_OVERFLOW);
    assert_int_fault(state, "[99999999999999999999999999]", JSON_FAULT_OVERFLOW);
    assert_int_fault(state, "[101]", JSON_FAULT_RANGE);
    assert_int_fault(state, "[-1]", JSON_FAULT_RANGE);
    assert_int_fault(state, "[\"1\"]", JSON_FAULT_TYPE);
    assert_int_fault(state, "[null]", JSON_FAULT_TYPE);
    assert_int_fault(state, "[[1]]", JSON_FAULT_TYPE);
}

static void strings_are_decoded(void **state)
{
    struct json_document *json =
        open_text(state, "[\"plain\",\"a\\n\\u00e9\\ud83d\\ude00\\/z\",\"\\u0000\",\"\"]");
    struct bytes value;
    uint32_t i = json_first(json, JSON_ROOT);
    assert_true(json_read_string(json, i, 1, 5, &value));
    assert_true(bytes_equal(value, BYTES("plain")));
    assert_false(json_read_string(json, i, 6, 9, &value));
    assert_false(json_read_string(json, i, 0, 4, &value));
    assert_int_equal(json->faults->list[1].kind, JSON_FAULT_SIZE);
    i = json_next(json, i);
    assert_true(json_read_string(json, i, 1, 10, &value));
    assert_true(bytes_equal(value, BYTES("a\n\xc3\xa9\xf0\x9f\x98\x80/z")));
    i = json_next(json, i);
    assert_false(json_read_string(json, i, 0, 10, &value));
    assert_int_equal(json->faults->list[2].kind, JSON_FAULT_VALUE);
    assert_true(json_read_string(json, json_next(json, i), 0, 10, &value));
    assert_int_equal(value.size, 0);
}

static void booleans_and_choices_are_read(void **state)
{
    static const char *const choices[] = {"cart", "checkout", "none"};
    struct json_document *json = open_text(state, "[true,false,\"check\\u006fut\",\"tea\",1]");
    bool value = false;
    uint32_t choice = 9;
    uint32_t i = json_first(json, JSON_ROOT);
    assert_true(json_read_boolean(json, i, &value) && value);
    i = json_next(json, i);
    assert_true(json_read_boolean(json, i, &value) && !value);
    i = json_next(json, i);
    assert_true(json_read_choice(json, i, choices, 3, &choice));
    assert_int_equal(choice, 1);
    i = json_next(json, i);
    assert_false(json_read_choice(json, i, choices, 3, &choice));
    assert_string_equal(json->faults->list[0].reason, "must be cart, checkout or none");
    assert_false(json_read_boolean(json, json_next(json, i), &value));
    assert_string_equal(json->faults->list[1].reason, "must be true or false");
}

enum { SKU, QUANTITY, NOTE, MEMBERS };

static const struct bytes member_names[MEMBERS] = {[SKU] = JSON_NAMED("sku"),
    [QUANTITY] = JSON_NAMED("quantity"),
    [NOTE] = JSON_NAMED("a_longer_note")};

static void all_faults_of_a_body_are_named(void **state)
{
    struct json_document *json = open_text(state,
        "{\"items\":[{\"sku\":\"A\",\"quantity\":1},{\"quantity\":0.5,\"color\":1},7],\"x\":1}");
    static const struct bytes root_names[] = {JSON_NAMED("items")};
    struct json_members members;
    json_find_members(json, JSON_ROOT, root_names, 1, &members);
    uint32_t items = json_needed(json, &members, 0);
    for (uint32_t i = json_first(json, items); i != JSON_NONE; i = json_next(json, i)) {
        struct bytes sku;
        uint32_t quantity;
        json_expect(json, i, JSON_OBJECT);
        json_find_members(json, i, member_names, MEMBERS, &members);
        json_read_string(json, json_needed(json, &members, SKU), 1, 63, &sku);
        json_read_uint32(json, json_needed(json, &members, QUANTITY), 1, 9, &quantity);
    }
    static const char *const wanted[][2] = {{"x", "is not a known member"},
        {"items[1].color", "is not a known member"}, {"items[1].sku", "is required"},
        {"items[1].quantity", "must be an integer, without fraction or exponent"},
        {"items[2]", "must be an object"}};
    assert_int_equal(json->faults->count, 5);
    for (uint32_t i = 0; i < 5; i++) {
        assert_string_equal(json->faults->list[i].path, wanted[i][0]);
        assert_string_equal(json->faults->list[i].reason, wanted[i][1]);
    }
}

static void null_counts_as_left_out_where_asked(void **state)
{
    struct json_document *json = open_text(state, "{\"sku\":null,\"quantity\":1}");
    struct json_members members;
    json_find_members(json, JSON_ROOT, member_names, MEMBERS, &members);
    assert_int_equal(json_given(json, &members, SKU), JSON_NONE);
    assert_int_not_equal(json_member(json, JSON_ROOT, BYTES("sku")), JSON_NONE);
    assert_int_not_equal(json_given(json, &members, QUANTITY), JSON_NONE);
    assert_int_equal(json->faults->count, 0);
    assert_int_equal(json_needed(json, &members, NOTE), JSON_NONE);
    assert_int_equal(json->faults->count, 1);
}

static void members_are_found_in_one_pass(void **state)
{
    struct json_document *json = open_text(state,
        "{\"a_longer_note\":[{\"sku\":1}],\"s\\u006bu\":null,\"quantitx\":2,\"a_longer_nose\":3}");
    struct json_members members;
    json_find_members(json, JSON_ROOT, member_names, MEMBERS, &members);
    assert_int_equal(members.value[NOTE], json_member(json, JSON_ROOT, BYTES("a_longer_note")));
    assert_int_equal(json_given(json, &members, NOTE), members.value[NOTE]);
    assert_int_equal(json_type_of(json, members.value[SKU]), JSON_NULL);
    assert_int_equal(json_given(json, &members, SKU), JSON_NONE);
    assert_int_equal(json_needed(json, &members, SKU), members.value[SKU]);
    assert_int_equal(json->faults->count, 2);
    assert_int_equal(json_needed(json, &members, QUANTITY), JSON_NONE);
    static const char *const paths[] = {"quantitx", "a_longer_nose", "quantity"};
    assert_int_equal(json->faults->count, 3);
    for (uint32_t i = 0; i < 3; i++)
        assert_string_equal(json->faults->list[i].path, paths[i]);
    assert_int_equal(json->faults->list[1].kind, JSON_FAULT_UNKNOWN);
    assert_int_equal(json->faults->list[2].kind, JSON_FAULT_MISSING);
}

static void what_is_no_object_has_no_members(void **state)
{
    struct json_document *json = open_text(state, "[1,{}]");
    const uint32_t objects[] = {JSON_NONE, JSON_ROOT, 1};
    struct json_members members;
    for (uint32_t i = 0; i < 3; i++) {
        json_find_members(json, objects[i], member_names, MEMBERS, &members);
        assert_int_equal(json_given(json, &members, SKU), JSON_NONE);
        assert_int_equal(json_needed(json, &members, SKU), JSON_NONE);
    }
    assert_int_equal(json->faults->count, 0);
    json_find_members(json, 2, member_names, MEMBERS, &members);
    assert_int_equal(json_needed(json, &members, SKU), JSON_NONE);
    assert_string_equal(json->faults->list[0].path, "[1].sku");
}

/* The hash of a name is made of words of eight bytes, decoded or not. */
static void a_name_of_any_length_is_known_in_any_spelling(void **state)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    struct fixture *f = *state;
    for (int size = 1; size <= 26; size++) {
        char text[128];
        const char *last = letters + size - 1;
        int length = snprintf(text, sizeof text, "{\"%.*s\":1,\"%.*s\\u00%02x\":2}", size, letters,
            size - 1, letters, *last);
        assert_false(parse(f, bytes_of(text, (uint32_t)length), TOKENS));
        assert_string_equal(f->json.error, "the same member twice in an object");
        length = snprintf(text, sizeof text, "{\"%.*s\":1,\"%.*s\\u00%02x\":2}", size, letters,
            size - 1, letters, *last ^ 1);
        assert_true(parse(f, bytes_of(text, (uint32_t)length), TOKENS));
    }
}

static void more_faults_than_room_are_counted(void **state)
{
    struct json_document *json = open_text(state, "[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]");
    for (uint32_t i = json_first(json, JSON_ROOT); i != JSON_NONE; i = json_next(json, i))
        json_expect(json, i, JSON_STRING);
    assert_int_equal(json->faults->count, 20);
    assert_string_equal(json->faults->list[JSON_FAULTS_MAX - 1].path, "[15]");
}

static void a_long_path_is_cut_between_characters(void **state)
{
    struct json_document *json = open_text(state,
        "{\"a\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"
        "\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\":1}");
    json_refuse_unknown(json, JSON_ROOT, NULL, 0);
    assert_int_equal(strlen(json->faults->list[0].path), 95);
    assert_int_equal((uint8_t)json->faults->list[0].path[94], 0xa9);
}

/* Objects as wide and names as alike as can be: the search for repeated names must stay bounded. */
static void the_worst_body_is_read_quickly(void **state)
{
    struct fixture *f = *state;
    uint8_t *text = malloc(65536);
    assert_non_null(text);
    uint32_t size = 0;
    text[size++] = '[';
    while (size < 65000) {
        text[size++] = '{';
        for (uint32_t i = 0; i < JSON_MEMBERS_MAX; i++)
            size += (uint32_t)snprintf((char *)text + size, 16, "\"\\u00%02x\":0,", i + 0x30);
        text[size - 1] = '}';
        text[size++] = ',';
        if (size > 64000)
            break;
    }
    text[size - 1] = ']';
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_true(parse(f, bytes_of(text, size), TOKENS));
    clock_gettime(CLOCK_MONOTONIC, &end);
    int64_t us =
        (int64_t)(end.tv_sec - start.tv_sec) * 1000000 + (end.tv_nsec - start.tv_nsec) / 1000;
    print_message("%u bytes of objects with escaped names: %lld us\n", size, (long long)us);
    assert_true(us < 100000);
    free(text);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(valid_texts_are_read),
        TEST(invalid_texts_are_refused),
        TEST(the_reference_says_the_same_of_any_mixture),
        TEST(every_byte_of_a_string_is_looked_at),
        TEST(an_error_names_the_place),
        TEST(too_many_tokens_are_refused),
        TEST(too_many_members_are_refused),
        TEST(elements_and_members_are_walked),
        TEST(integers_are_read_exactly),
        TEST(integers_that_are_none_have_their_own_faults),
        TEST(strings_are_decoded),
        TEST(booleans_and_choices_are_read),
        TEST(all_faults_of_a_body_are_named),
        TEST(null_counts_as_left_out_where_asked),
        TEST(members_are_found_in_one_pass),
        TEST(what_is_no_object_has_no_members),
        TEST(a_name_of_any_length_is_known_in_any_spelling),
        TEST(more_faults_than_room_are_counted),
        TEST(a_long_path_is_cut_between_characters),
        TEST(the_worst_body_is_read_quickly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
