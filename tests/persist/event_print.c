/* SPDX-License-Identifier: Apache-2.0 */
/* A record as a JSON line: nothing of it left out, nothing told that opens a door. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "persist/event_fields.h"
#include "persist/event_print.h"
#include "tests/persist/sample_events.h"

struct fixture {
    struct sample sample;
    char text[EVENT_PRINT_SIZE_MAX + 1];
    char before[EVENT_PRINT_SIZE_MAX + 1];
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

static const struct reader_place place = {.batch = 12,
    .record = 40,
    .shelf_ms = 99,
    .wall_ms = 1700000000000,
    .incarnation = 3,
    .segment = 2,
    .offset = 8192,
    .node = 7,
    .shard = 1};

/* Prints the fixture's event into its text. */
static uint32_t print(struct fixture *fixture)
{
    struct json_writer json = json_writer_of(fixture->text, EVENT_PRINT_SIZE_MAX);
    event_print(&json, &fixture->sample.event, &place);
    assert_false(json.overflow);
    fixture->text[json.size] = 0;
    return json.size;
}

static bool says(const struct fixture *fixture, const char *words)
{
    return strstr(fixture->text, words) != NULL;
}

/* As far as a line of ours can go wrong: brackets in pairs outside of strings, and no newline. */
static void assert_is_one_object(const char *text, uint32_t size)
{
    int depth = 0;
    bool in_string = false;
    for (uint32_t i = 0; i < size; i++) {
        assert_true((uint8_t)text[i] >= ' ');
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (!in_string)
            depth += (text[i] == '{' || text[i] == '[') - (text[i] == '}' || text[i] == ']');
        assert_true(depth > 0 || i + 1 == size);
    }
    assert_int_equal(depth, 0);
}

static void every_kind_has_a_name_and_is_one_object_at_every_size(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t kind = 0; kind < SAMPLE_KINDS_END; kind++) {
        if (!sample_is_kind(kind))
            continue;
        const char *name = event_fields_of_kind((enum event_kind)kind)->name;
        if (name == NULL)
            fail_msg("kind %u has no row in event_fields.c", kind);
        assert_int_equal(
            event_fields_of_kind((enum event_kind)kind)->fact.size, record_fact_size(kind));
        for (uint32_t size = SAMPLE_EMPTY; size <= SAMPLE_LARGEST; size++) {
            sample_event(&fixture->sample, (enum event_kind)kind, (enum sample_size)size, size);
            assert_is_one_object(fixture->text, print(fixture));
            assert_true(says(fixture, name));
        }
    }
}

/* Changes each byte of `data` that a valid record can have otherwise: the line must change too. */
static void assert_all_shown(struct fixture *fixture, void *data, uint32_t size, const char *what)
{
    const struct event *event = &fixture->sample.event;
    print(fixture);
    memcpy(fixture->before, fixture->text, strlen(fixture->text) + 1);
    for (uint32_t i = 0; i < size; i++) {
        uint8_t *byte = (uint8_t *)data + i;
        uint8_t kept = *byte;
        *byte ^= 1;
        if (record_valid(event)) {
            print(fixture);
            if (strcmp(fixture->text, fixture->before) == 0)
                fail_msg("kind %d: byte %u of %s is not shown", event->kind, i, what);
        }
        *byte = kept;
    }
}

static void no_byte_of_a_fact_a_line_or_a_text_is_left_out(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t kind = 0; kind < SAMPLE_KINDS_END; kind++) {
        if (!sample_is_kind(kind))
            continue;
        struct event *event = sample_event(&fixture->sample, (enum event_kind)kind, SAMPLE_ONE, 5);
        assert_all_shown(fixture, &event->fact, record_fact_size(kind), "the fact");
        for (uint32_t i = 0; i < event->line_count; i++)
            assert_all_shown(
                fixture, &fixture->sample.lines[i], sizeof(struct event_line), "a line");
        for (uint32_t i = 0; i < EVENT_TEXTS; i++)
            if (i != TEXT_TOKEN)
                assert_all_shown(fixture, fixture->sample.texts[i], event->text[i].size, "a text");
    }
}

static void a_record_reads_like_this(void **state)
{
    struct fixture *fixture = *state;
    struct event *event = &fixture->sample.event;
    *event = (struct event){.kind = EVENT_KILL_ENDED,
        .fact.kill = {.released = UINT64_MAX, .kill = 2, .number = 5, .scope = SCOPE_SALE}};
    print(fixture);
    assert_string_equal(fixture->text,
        "{\"node\":7,\"shard\":1,\"batch\":12,\"record\":40,\"segment\":2,\"offset\":8192,"
        "\"incarnation\":3,\"shelf_ms\":99,\"wall\":\"2023-11-14T22:13:20.000Z\","
        "\"kind\":\"kill_ended\",\"seq\":null,\"stream_count\":0,"
        "\"fact\":{\"released\":18446744073709551615,\"cancelled\":0,\"kill\":2,\"number\":5,"
        "\"scope\":\"sale\"},\"lines\":[],\"texts\":{}}");
}

static void words_ids_and_hashes_read_as_elsewhere(void **state)
{
    struct fixture *fixture = *state;
    struct event *event = sample_event(&fixture->sample, EVENT_ORDER_PLACED, SAMPLE_ONE, 5);
    event->fact.order.key_hash = (struct hash128){.low = 0x1122334455667788, .high = 0x0a};
    print(fixture);
    assert_true(says(fixture, "\"id\":\"01020300-0000-0000-0000-000000000000\""));
    assert_true(says(fixture, "\"status\":\"confirmed\",\"status_before\":null"));
    assert_true(says(fixture, "\"key_hash\":\"000000000000000a1122334455667788\""));
    assert_true(says(fixture, "\"seq\":5,"));
    assert_true(says(fixture, "\"currency\":\"JPY\""));
    assert_true(says(fixture, "\"paid_wall_ms\":null"));
}

static void what_opens_a_door_is_not_told(void **state)
{
    struct fixture *fixture = *state;
    struct event *event = sample_event(&fixture->sample, EVENT_ORDER_PLACED, SAMPLE_ONE, 5);
    event->text[TEXT_TOKEN] = BYTES("tok_secret");
    event->text[TEXT_CUSTOMER] = BYTES("hsg1.uT3cHk0Jm5n9.1797822000.X0p7secret");
    print(fixture);
    assert_true(says(fixture, "\"token_size\":10"));
    assert_true(says(fixture, "\"customer\":\"hsg1.uT3cHk0Jm5n9.1797822000.\""));
    assert_false(says(fixture, "secret"));
    event = sample_event(&fixture->sample, EVENT_SALE_PART_REMOVED, SAMPLE_ONE, 0);
    event->text[TEXT_CUSTOMERS] = BYTES("\x11hsg1.a.1.X0secret");
    print(fixture);
    assert_true(says(fixture, "\"customer\":\"hsg1.a.1.\""));
    assert_false(says(fixture, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_name_and_is_one_object_at_every_size),
        cmocka_unit_test(no_byte_of_a_fact_a_line_or_a_text_is_left_out),
        cmocka_unit_test(a_record_reads_like_this),
        cmocka_unit_test(words_ids_and_hashes_read_as_elsewhere),
        cmocka_unit_test(what_opens_a_door_is_not_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
