/* SPDX-License-Identifier: Apache-2.0 */
/* Events to bytes and back: every kind at every size, and every way in which bytes can lie. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "persist/record.h"
#include "tests/persist/sample_events.h"

struct fixture {
    struct sample sample;
    _Alignas(8) uint8_t bytes[RECORD_SIZE_MAX + 64];
    _Alignas(8) uint8_t again[RECORD_SIZE_MAX + 64];
};

static int setup(void **state)
{
    *state = aligned_alloc(64, (sizeof(struct fixture) + 63) / 64 * 64);
    return *state == NULL;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static uint32_t encoded(
    struct fixture *fixture, enum event_kind kind, enum sample_size size, uint64_t seq)
{
    struct event *event = sample_event(&fixture->sample, kind, size, seq);
    record_encode(event, fixture->bytes);
    return record_size(event);
}

static int decoded(struct fixture *fixture, uint32_t size, struct event *event)
{
    uint32_t consumed;
    int result = record_decode(bytes_of(fixture->bytes, size), event, &consumed);
    if (result == 0)
        assert_true(consumed <= size);
    return result;
}

static void assert_same(const struct event *a, const struct event *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->stream_count, b->stream_count);
    assert_int_equal(a->stream_seq, b->stream_seq);
    assert_memory_equal(&a->fact, &b->fact, record_fact_size(a->kind));
    assert_int_equal(a->line_count, b->line_count);
    if (a->line_count > 0)
        assert_memory_equal(a->lines, b->lines, a->line_count * sizeof(struct event_line));
    for (uint32_t i = 0; i < EVENT_TEXTS; i++)
        assert_true(bytes_equal(a->text[i], b->text[i]));
}

static void every_kind_comes_back_at_every_size(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t kind = 0; kind < SAMPLE_KINDS_END; kind++)
        for (uint32_t j = SAMPLE_EMPTY; sample_is_kind(kind) && j <= SAMPLE_LARGEST; j++)
            for (uint64_t seq = 0; seq < 2; seq++) {
                struct event event, own;
                uint32_t size = encoded(fixture, (enum event_kind)kind, (enum sample_size)j, seq);
                assert_int_equal(size % RECORD_ALIGNMENT, 0);
                assert_true(size <= RECORD_SIZE_MAX);
                assert_int_equal(decoded(fixture, size, &event), 0);
                assert_same(&fixture->sample.event, &event);
                assert_int_equal(record_read_own(fixture->bytes, &own), size);
                assert_same(&event, &own);
                record_encode(&event, fixture->again);
                assert_memory_equal(fixture->bytes, fixture->again, size);
            }
}

static void no_fact_is_larger_than_the_union_and_all_fill_whole_words(void **state)
{
    (void)state;
    for (uint32_t kind = 0; kind < SAMPLE_KINDS_END; kind++) {
        assert_true(record_fact_size(kind) <= sizeof(union event_fact));
        assert_int_equal(record_fact_size(kind) % 8, 0);
    }
}

static void a_record_ends_where_it_says_and_the_next_begins_there(void **state)
{
    struct fixture *fixture = *state;
    struct event event;
    uint32_t consumed;
    uint32_t size = encoded(fixture, EVENT_CART_LINE_SET, SAMPLE_ONE, 0);
    memset(fixture->bytes + size, 0xff, 64);
    assert_int_equal(record_decode(bytes_of(fixture->bytes, size + 64), &event, &consumed), 0);
    assert_int_equal(consumed, size);
}

static void a_checkout_of_one_line_is_small(void **state)
{
    struct fixture *fixture = *state;
    struct event *event = sample_event(&fixture->sample, EVENT_ORDER_PLACED, SAMPLE_EMPTY, 1);
    event->text[TEXT_CUSTOMER] = BYTES("customer-0123456789");
    event->text[TEXT_KEY] = BYTES("7f0c2f64-55ab-4a2e-9d2e-1f0c7f3b9a11");
    event->text[TEXT_NAMES] = BYTES("\x0bSKU-1234567\x08seller-1\x05"
                                    "sale1");
    print_message("[   INFO   ] a checkout of one line: %u bytes\n", record_size(event));
    assert_true(record_size(event) <= 400);
}

static void the_largest_event_fits_the_bound(void **state)
{
    struct fixture *fixture = *state;
    assert_true(encoded(fixture, EVENT_ORDER_PLACED, SAMPLE_LARGEST, 1) <= RECORD_SIZE_MAX);
    assert_true(encoded(fixture, EVENT_ORDER_PLACED, SAMPLE_LARGEST, 1) > RECORD_SIZE_MAX - 256);
}

static void a_record_cut_short_is_refused_at_every_length(void **state)
{
    struct fixture *fixture = *state;
    struct event event;
    uint32_t size = encoded(fixture, EVENT_ORDER_PLACED, SAMPLE_ONE, 1);
    for (uint32_t i = 0; i < size; i++) {
        assert_int_equal(decoded(fixture, i, &event), -EBADMSG);
        memcpy(fixture->again, fixture->bytes, size);
        memcpy(fixture->bytes, &(uint32_t){i}, 4); /* and it says so itself */
        assert_int_equal(decoded(fixture, i, &event), -EBADMSG);
        memcpy(fixture->bytes, fixture->again, size);
    }
}

/* Every byte of every kind set to every value: either it is refused, or it is an event that
 * encodes to exactly these bytes. So no two readings of a record exist, and none is out of bounds
 * (the sanitizers watch). */
static void any_changed_byte_is_refused_or_means_itself(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t kind = 0; kind < SAMPLE_KINDS_END; kind++) {
        if (!sample_is_kind(kind))
            continue;
        uint32_t size = encoded(fixture, (enum event_kind)kind, SAMPLE_ONE, 1);
        for (uint32_t position = 0; position < size; position++) {
            uint8_t was = fixture->bytes[position];
            for (uint32_t value = 0; value < 256; value++) {
                struct event event;
                uint32_t consumed;
                fixture->bytes[position] = (uint8_t)value;
                if (record_decode(bytes_of(fixture->bytes, size), &event, &consumed) != 0)
                    continue;
                assert_int_equal(record_size(&event), consumed);
                record_encode(&event, fixture->again);
                assert_memory_equal(fixture->bytes, fixture->again, consumed);
            }
            fixture->bytes[position] = was;
        }
    }
}

struct lie {
    const char *what;
    uint32_t offset;
    uint32_t size;
    uint64_t value;
};

static void each_field_that_lies_is_refused(void **state)
{
    struct fixture *fixture = *state;
    const uint32_t fact = 24;
    const uint32_t line = fact + sizeof(struct fact_order);
    const uint32_t sizes = line + sizeof(struct event_line);
    const struct lie lies[] = {
        {"size 0", 0, 4, 0},
        {"size off 8", 0, 4, 1001},
        {"size over all", 0, 4, RECORD_SIZE_MAX + 8},
        {"no kind", 4, 2, EVENT_NONE},
        {"unknown kind", 4, 2, 63},
        {"kind out of range", 4, 2, 65535},
        {"another version", 6, 1, 3},
        {"too many numbers", 7, 1, STREAM_EVENTS_MAX + 1},
        {"a count without numbers", 7, 1, 0},
        {"no number", 8, 8, 0},
        {"no line", 16, 4, 0},
        {"too many lines", 16, 4, LINES_PER_ORDER_MAX + 1},
        {"lines overflow", 16, 4, UINT32_MAX},
        {"a text that is none", 20, 4, UINT64_C(1) << EVENT_TEXTS},
        {"all texts", 20, 4, UINT32_MAX},
        {"status 0", fact + offsetof(struct fact_order, status), 1, 0},
        {"status 8", fact + offsetof(struct fact_order, status), 1, 8},
        {"a move that is none", fact + offsetof(struct fact_order, move), 1, 4},
        {"reserved byte", fact + offsetof(struct fact_order, reserved2), 1, 1},
        {"a lost text that is none", fact + offsetof(struct fact_order, texts_lost), 1, 4},
        {"a lost text without a report", fact + offsetof(struct fact_order, texts_lost), 1, 1},
        {"an empty text in the mask", sizes, 4, 0},
        {"a text longer than the record", sizes, 4, 100000},
        {"a text size that overflows", sizes, 4, UINT32_MAX},
    };
    for (uint32_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct event event;
        uint32_t size = encoded(fixture, EVENT_ORDER_PLACED, SAMPLE_ONE, 1);
        assert_int_equal(decoded(fixture, size, &event), 0);
        memcpy(fixture->bytes + lies[i].offset, &lies[i].value, lies[i].size);
        if (decoded(fixture, size, &event) != -EBADMSG)
            fail_msg("accepted: %s", lies[i].what);
    }
}

static void names_that_do_not_fit_the_lines_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct event *event = sample_event(&fixture->sample, EVENT_ORDER_PLACED, SAMPLE_ONE, 1);
    event->text[TEXT_NAMES] = bytes_of("\x01s\x00\x00", 4);
    assert_true(record_valid(event));
    event->text[TEXT_NAMES] = bytes_of("\x01s\x00\x00\x00", 5);
    assert_false(record_valid(event)); /* a byte is left over */
    event->text[TEXT_NAMES] = bytes_of("\x01s\x00", 3);
    assert_false(record_valid(event)); /* the third name is missing */
    event->text[TEXT_NAMES] = bytes_of("\x05s\x00\x00", 4);
    assert_false(record_valid(event)); /* a name longer than what is left */
}

static void a_text_is_refused_one_byte_over_its_bound(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t i = 0; i < EVENT_TEXTS; i++) {
        if (i == TEXT_NAMES || i == TEXT_IDS)
            continue;
        struct event *event = sample_event(&fixture->sample, EVENT_PRODUCT_SET, SAMPLE_EMPTY, 0);
        event->text[i] = bytes_of(fixture->sample.texts[i], sample_text_max[i]);
        assert_true(record_valid(event));
        event->text[i].size++;
        if (record_valid(event))
            fail_msg("text %u of %u bytes was accepted", i, event->text[i].size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kind_comes_back_at_every_size, setup, teardown),
        cmocka_unit_test(no_fact_is_larger_than_the_union_and_all_fill_whole_words),
        cmocka_unit_test_setup_teardown(
            a_record_ends_where_it_says_and_the_next_begins_there, setup, teardown),
        cmocka_unit_test_setup_teardown(a_checkout_of_one_line_is_small, setup, teardown),
        cmocka_unit_test_setup_teardown(the_largest_event_fits_the_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_record_cut_short_is_refused_at_every_length, setup, teardown),
        cmocka_unit_test_setup_teardown(
            any_changed_byte_is_refused_or_means_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(each_field_that_lies_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(
            names_that_do_not_fit_the_lines_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_text_is_refused_one_byte_over_its_bound, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
