/* SPDX-License-Identifier: Apache-2.0 */
/* What a consumer reads: exact bytes for one order, and the rules that hold for every event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdlib.h>

#include <cmocka.h>

#include "persist/payload.h"
#include "tests/persist/sample_events.h"
#include "tests/persist/sample_orders.h"

static struct bytes payload_of(const struct event *event, uint32_t index, uint8_t *buffer)
{
    struct payload_place place = {.node = 7, .shard = 3, .index = index};
    struct json_writer json = json_writer_of(buffer, PAYLOAD_SIZE_MAX);
    payload_put(&json, event, &place);
    assert_false(json.overflow);
    return json_bytes(&json);
}

static void a_placed_order_reads_like_this(void **state)
{
    (void)state;
    static const char expected[] =
        "{\"id\":\"68730007-0003-8000-8000-00000000002a\",\"seq\":42,\"data\":{"
        "\"id\":\"019a0000-0000-7000-8000-000000000003\",\"seq\":42,\"node\":7,\"paid\":0,"
        "\"sale\":\"drop\",\"actor\":null,\"lines\":[{\"sku\":\"S4\",\"line\":1,"
        "\"sale\":\"drop\",\"seller\":\"seller-4\",\"quantity\":2,\"cancelled\":0,"
        "\"line_total\":2500,\"unit_price\":1250}],\"shard\":3,\"total\":2500,"
        "\"reason\":null,\"status\":\"confirmed\",\"paid_at\":null,"
        "\"payment\":{\"mode\":\"deferred\",\"token\":null,\"amount\":null,\"result\":null,"
        "\"provider\":null,\"refund_id\":null,\"payment_id\":null},\"version\":1,"
        "\"currency\":\"GBP\",\"customer\":\"customer-3\",\"reclaimed\":false,"
        "\"created_at\":\"2026-11-23T08:00:00.126Z\",\"references\":{\"channel\":\"web\"},"
        "\"refund_due\":0,\"adjustments\":[],\"items_total\":2500,"
        "\"cancel_until\":\"2026-11-23T08:15:00.126Z\","
        "\"confirmed_at\":\"2026-11-23T08:00:00.126Z\",\"order_version\":1,"
        "\"payment_due_at\":null,\"idempotency_key\":\"key-3\"},\"node\":7,"
        "\"time\":\"2026-11-23T08:00:00.126Z\",\"type\":\"order.placed.v1\",\"shard\":3,"
        "\"source\":\"hotshelf/7/3\",\"subject\":\"019a0000-0000-7000-8000-000000000003\","
        "\"specversion\":\"1.0\",\"datacontenttype\":\"application/json\"}";
    struct sample_order order;
    uint8_t *buffer = malloc(PAYLOAD_SIZE_MAX);
    struct bytes payload = payload_of(sample_order_placed(&order, 3, 42), 0, buffer);
    assert_int_equal(payload.size, sizeof(expected) - 1);
    assert_memory_equal(payload.data, expected, payload.size);
    free(buffer);
}

/* Where the string ends that begins here. */
static uint32_t end_of_string(struct bytes json, uint32_t at)
{
    for (at++; json.data[at] != '"'; at++)
        at += json.data[at] == '\\';
    return at + 1;
}

/* jsonb: the shorter one first, of one length as the bytes are. */
static bool is_before(struct bytes a, struct bytes b)
{
    if (a.size != b.size)
        return a.size < b.size;
    return memcmp(a.data, b.data, a.size) < 0;
}

/* Objects whose members are not in that order cost PostgreSQL a sort. */
static void an_order_is_written_as_jsonb_keeps_it(void **state)
{
    (void)state;
    enum { DEEP = 8 };
    struct sample_order order;
    struct bytes before[DEEP] = {{0}};
    uint8_t *buffer = malloc(PAYLOAD_SIZE_MAX);
    struct event *event = sample_order_captured(&order, 3, "pay-1");
    event->stream_seq = 44;
    struct bytes json = payload_of(event, 0, buffer);
    uint32_t depth = 0, names = 0;
    for (uint32_t at = 0; at < json.size; at++) {
        if (json.data[at] == '{')
            before[++depth] = (struct bytes){0};
        depth -= json.data[at] == '}';
        if (json.data[at] != '"')
            continue;
        uint32_t end = end_of_string(json, at);
        struct bytes name = bytes_of(json.data + at + 1, end - at - 2);
        at = end - 1;
        if (json.data[end] != ':')
            continue;
        assert_true(is_before(before[depth], name));
        before[depth] = name;
        names++;
    }
    assert_int_equal(depth, 0);
    assert_true(names > 50);
    free(buffer);
}

/* Where the value ends that begins here. */
static uint32_t end_of_value(struct bytes json, uint32_t at)
{
    uint32_t depth = 0;
    for (;; at++) {
        if (depth == 0 && (json.data[at] == ',' || json.data[at] == '}'))
            return at;
        if (json.data[at] == '"')
            at = end_of_string(json, at) - 1;
        else if (json.data[at] == '{' || json.data[at] == '[')
            depth++;
        else if (json.data[at] == '}' || json.data[at] == ']')
            depth--;
    }
}

/* Every member of the object that begins here, with its value; of the objects in a list too. */
static void assert_members(struct bytes object, struct bytes within)
{
    for (uint32_t at = 1; at < object.size; at++) {
        uint32_t value = end_of_string(object, at) + 1;
        if (object.data[value] == '[' && object.data[value + 1] == '{') {
            at = value + 1;
            continue;
        }
        uint32_t end = end_of_value(object, value);
        assert_non_null(memmem(within.data, within.size, object.data + at, end - at));
        at = end;
        while (object.data[at] == '}' || object.data[at] == ']')
            at++;
    }
}

static void what_a_reply_shows_of_an_order_is_in_its_events(void **state)
{
    (void)state;
    struct sample_order order;
    uint8_t *buffer = malloc(PAYLOAD_SIZE_MAX), *reply = malloc(PAYLOAD_SIZE_MAX);
    struct event *event = sample_order_captured(&order, 3, "pay-1");
    event->stream_seq = 44;
    struct json_writer json = json_writer_of(reply, PAYLOAD_SIZE_MAX);
    json_open_object(&json);
    order_json_put_members(
        &json, event, payload_order_version(event, 0), event->fact.order.payment_due_wall_ms);
    json_close_object(&json);
    assert_members(json_bytes(&json), payload_of(event, 0, buffer));
    free(reply);
    free(buffer);
}

static void an_order_born_confirmed_is_two_events(void **state)
{
    (void)state;
    struct sample_order order;
    const struct event *event = sample_order_placed(&order, 3, 42);
    assert_true(bytes_equal(payload_type(event, 0), BYTES("order.placed.v1")));
    assert_true(bytes_equal(payload_type(event, 1), BYTES("order.confirmed.v1")));
    assert_int_equal(payload_order_version(event, 0), 1);
    assert_int_equal(payload_order_version(event, 1), 2);
}

static void an_id_names_node_shard_and_seq(void **state)
{
    (void)state;
    uint8_t first[16], again[16], other[16];
    char text[JSON_UUID_SIZE];
    payload_id(first, 65535, 63, 0x123456789abcdef);
    payload_id(again, 65535, 63, 0x123456789abcdef);
    assert_memory_equal(first, again, 16);
    json_format_uuid(text, first);
    assert_memory_equal(text, "6873ffff-003f-8000-8123-456789abcdef", JSON_UUID_SIZE);
    payload_id(other, 65535, 63, 0x123456789abcdee);
    assert_memory_not_equal(first, other, 16);
    payload_id(other, 65535, 62, 0x123456789abcdef);
    assert_memory_not_equal(first, other, 16);
    payload_id(other, 65534, 63, 0x123456789abcdef);
    assert_memory_not_equal(first, other, 16);
}

static bool is_streamed(const struct event *event)
{
    return payload_type(event, 0).size > 0;
}

/* Both payloads of the largest event of every kind, with the names that escape worst. */
static void the_largest_event_of_every_kind_fits(void **state)
{
    (void)state;
    struct sample *sample = malloc(sizeof(*sample));
    uint8_t *buffer = malloc(PAYLOAD_SIZE_MAX);
    uint32_t streamed = 0;
    for (uint32_t kind = 0; kind < SAMPLE_KINDS_END; kind++) {
        if (!sample_is_kind(kind))
            continue;
        struct event *event = sample_event(sample, (enum event_kind)kind, SAMPLE_LARGEST, 5);
        if (!is_streamed(event))
            continue;
        for (uint32_t text = 0; text < EVENT_TEXTS; text++) {
            if (text != TEXT_NAMES && text != TEXT_REFERENCES && text != TEXT_ADJUSTMENTS)
                memset(sample->texts[text], 1, event->text[text].size);
        }
        for (uint32_t at = 0; at < event->text[TEXT_NAMES].size;) {
            uint8_t size = sample->texts[TEXT_NAMES][at];
            memset(&sample->texts[TEXT_NAMES][at + 1], 1, size);
            at += 1u + size;
        }
        event->text[TEXT_REFERENCES].size = 0;
        event->text[TEXT_ADJUSTMENTS].size = 0;
        for (uint32_t index = 0; index < STREAM_EVENTS_MAX; index++) {
            struct bytes payload = payload_of(event, index, buffer);
            assert_true(payload.size > 300);
            assert_int_equal(payload.data[payload.size - 1], '}');
        }
        streamed++;
    }
    assert_int_equal(streamed, 16);
    free(sample);
    free(buffer);
}

static void what_is_not_streamed_has_no_type(void **state)
{
    (void)state;
    static const enum event_kind kinds[] = {EVENT_CART_LINE_SET, EVENT_HOLD_EXPIRED,
        EVENT_CART_CLEARED, EVENT_ORDERS_FORGOTTEN, EVENT_KEYS_FORGOTTEN, EVENT_CUSTOMER_FORGOTTEN,
        EVENT_IMPORT_BEGUN, EVENT_IMPORT_DONE, EVENT_KILL_BEGUN, EVENT_KILL_ENDED,
        EVENT_STREAM_ATTACHED, EVENT_CLOSED, EVENT_SALVAGED};
    for (uint32_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        struct event event = {.kind = kinds[i]};
        assert_false(is_streamed(&event));
    }
}

static void a_refused_event_keeps_its_envelope(void **state)
{
    (void)state;
    uint8_t buffer[1024];
    struct sample_order order;
    struct payload_place place = {.node = 1};
    struct json_writer json = json_writer_of(buffer, sizeof(buffer));
    payload_put_refused(&json, sample_order_placed(&order, 3, 42), &place);
    assert_false(json.overflow);
    assert_non_null(memmem(json.data, json.size, "42,\"data\":null,", 15));
}

static void what_does_not_fit_is_said_and_not_half_written(void **state)
{
    (void)state;
    uint8_t buffer[64];
    struct sample_order order;
    struct payload_place place = {.node = 1};
    struct json_writer json = json_writer_of(buffer, sizeof(buffer));
    payload_put(&json, sample_order_placed(&order, 3, 42), &place);
    assert_true(json.overflow);
    assert_true(json.size <= sizeof(buffer));
}

static void text_is_escaped_as_json_asks(void **state)
{
    (void)state;
    uint8_t buffer[128];
    struct json_writer json = json_writer_of(buffer, sizeof(buffer));
    json_put_string(&json, BYTES("a\"b\\c\nd\x01\x1f/\x7f\xc3\xa9"));
    const char *expected = "\"a\\\"b\\\\c\\nd\\u0001\\u001f/\x7f\xc3\xa9\"";
    assert_int_equal(json.size, strlen(expected));
    assert_memory_equal(json.data, expected, json.size);
}

static void numbers_and_times_are_exact(void **state)
{
    (void)state;
    uint8_t buffer[256];
    struct json_writer json = json_writer_of(buffer, sizeof(buffer));
    json_open_array(&json);
    json_put_integer(&json, INT64_MIN);
    json_put_integer(&json, 0);
    json_put_integer(&json, INT64_MAX);
    json_put_time(&json, 0);
    json_put_time(&json, 951782400000);  /* a leap day of a century */
    json_put_time(&json, 4102444799999); /* the last moment of 2099 */
    json_close_array(&json);
    const char *expected = "[-9223372036854775808,0,9223372036854775807,null,"
                           "\"2000-02-29T00:00:00.000Z\",\"2099-12-31T23:59:59.999Z\"]";
    assert_int_equal(json.size, strlen(expected));
    assert_memory_equal(json.data, expected, json.size);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_placed_order_reads_like_this),
        cmocka_unit_test(an_order_is_written_as_jsonb_keeps_it),
        cmocka_unit_test(what_a_reply_shows_of_an_order_is_in_its_events),
        cmocka_unit_test(an_order_born_confirmed_is_two_events),
        cmocka_unit_test(an_id_names_node_shard_and_seq),
        cmocka_unit_test(the_largest_event_of_every_kind_fits),
        cmocka_unit_test(what_is_not_streamed_has_no_type),
        cmocka_unit_test(a_refused_event_keeps_its_envelope),
        cmocka_unit_test(what_does_not_fit_is_said_and_not_half_written),
        cmocka_unit_test(text_is_escaped_as_json_asks),
        cmocka_unit_test(numbers_and_times_are_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
