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
        "{\"specversion\":\"1.0\",\"id\":\"68730007-0003-8000-8000-00000000002a\","
        "\"source\":\"hotshelf/7/3\",\"type\":\"order.placed.v1\","
        "\"subject\":\"019a0000-0000-7000-8000-000000000003\",\"time\":\"2026-11-23T08:00:00."
        "126Z\","
        "\"datacontenttype\":\"application/json\",\"node\":7,\"shard\":3,\"seq\":42,\"data\":{"
        "\"id\":\"019a0000-0000-7000-8000-000000000003\",\"status\":\"confirmed\",\"version\":1,"
        "\"customer\":\"customer-3\",\"sale\":\"drop\",\"currency\":\"GBP\",\"lines\":[{\"line\":1,"
        "\"sku\":\"S4\",\"seller\":\"seller-4\",\"sale\":\"drop\",\"quantity\":2,\"cancelled\":0,"
        "\"unit_price\":1250,\"line_total\":2500}],\"adjustments\":[],\"items_total\":2500,"
        "\"total\":2500,\"paid\":0,\"refund_due\":0,\"payment_due_at\":null,"
        "\"cancel_until\":\"2026-11-23T08:15:00.126Z\",\"reclaimed\":false,"
        "\"references\":{\"channel\":\"web\"},\"created_at\":\"2026-11-23T08:00:00.126Z\","
        "\"confirmed_at\":\"2026-11-23T08:00:00.126Z\",\"order_version\":1,\"paid_at\":null,"
        "\"payment\":{\"mode\":\"deferred\",\"token\":null,\"provider\":null,\"payment_id\":null,"
        "\"result\":null,\"refund_id\":null,\"amount\":null},"
        "\"idempotency_key\":\"key-3\",\"actor\":null,"
        "\"reason\":null,\"node\":7,\"shard\":3,\"seq\":42}}";
    struct sample_order order;
    uint8_t *buffer = malloc(PAYLOAD_SIZE_MAX);
    struct bytes payload = payload_of(sample_order_placed(&order, 3, 42), 0, buffer);
    assert_int_equal(payload.size, sizeof(expected) - 1);
    assert_memory_equal(payload.data, expected, payload.size);
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
    assert_memory_equal(&json.data[json.size - 13], "2,\"data\":null}" + 1, 13);
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
