/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function reads a field by its form; everything else walks tables. A text that is not a whole
 * number of its elements cannot be in a journal of ours, and is shown as hex rather than dropped.
 */
#include "persist/event_print.h"

#include "core/check.h"
#include "core/line_names.h"
#include "persist/event_fields.h"

static void put_hex(struct json_writer *json, struct bytes bytes)
{
    static const char digits[] = "0123456789abcdef";
    char text[256];
    uint32_t shown = bytes.size < sizeof(text) / 2 ? bytes.size : (uint32_t)sizeof(text) / 2;
    for (uint32_t i = 0; i < shown; i++) {
        text[2 * i] = digits[bytes.data[i] >> 4];
        text[2 * i + 1] = digits[bytes.data[i] & 15];
    }
    json_put_string(json, bytes_of((const uint8_t *)text, 2 * shown));
}

/* As XXH3 writes a 128-bit hash: the high word first. */
static void put_hash(struct json_writer *json, const uint8_t *data)
{
    uint8_t canonical[16];
    for (uint32_t i = 0; i < 16; i++)
        canonical[i] = data[15 - i];
    put_hex(json, bytes_of(canonical, sizeof(canonical)));
}

static uint64_t unsigned_at(const uint8_t *data, uint32_t size)
{
    uint64_t value = 0;
    CHECK(size <= sizeof(value));
    memcpy(&value, data, size);
    return value;
}

/* Numbers of 64 bits are shown as they are; json_put_integer() takes signed ones. */
static void put_unsigned(struct json_writer *json, uint64_t value)
{
    char text[JSON_INTEGER_SIZE_MAX];
    uint32_t start = sizeof(text);
    do {
        text[--start] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    json_put_raw(json, bytes_of((const uint8_t *)text + start, (uint32_t)sizeof(text) - start));
}

static void put_word(struct json_writer *json, const struct field_words *words, uint8_t value)
{
    if (value >= words->count)
        put_unsigned(json, value);
    else
        json_put_string_or_null(json, bytes_of_string(words->words[value]));
}

static void put_currency(struct json_writer *json, struct bytes letters)
{
    while (letters.size > 0 && letters.data[letters.size - 1] == 0)
        letters.size--;
    json_put_string_or_null(json, letters);
}

static void put_value(struct json_writer *json, const struct field *field, const uint8_t *data)
{
    switch (field->form) {
    case FIELD_UNSIGNED:
        put_unsigned(json, unsigned_at(data, field->size));
        return;
    case FIELD_SIGNED:
        json_put_integer(json, (int64_t)unsigned_at(data, sizeof(int64_t)));
        return;
    case FIELD_WORD:
        put_word(json, field->words, *data);
        return;
    case FIELD_FLAG:
        json_put_boolean(json, *data != 0);
        return;
    case FIELD_TIME:
        json_put_time(json, (int64_t)unsigned_at(data, sizeof(int64_t)));
        return;
    case FIELD_UUID:
        json_put_uuid(json, data);
        return;
    case FIELD_HASH:
        put_hash(json, data);
        return;
    case FIELD_CURRENCY:
        put_currency(json, bytes_of(data, field->size));
        return;
    }
}

static void put_fields(struct json_writer *json, struct fields fields, const void *data)
{
    for (uint32_t i = 0; i < fields.count; i++) {
        json_put_name(json, fields.field[i].name);
        put_value(json, &fields.field[i], (const uint8_t *)data + fields.field[i].offset);
    }
}

/* Elements of one field are shown bare. */
static void put_array(
    struct json_writer *json, struct fields element, const void *data, uint32_t count)
{
    json_open_array(json);
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *at = (const uint8_t *)data + i * element.size;
        if (element.count == 1) {
            put_value(json, element.field, at);
            continue;
        }
        json_open_object(json);
        put_fields(json, element, at);
        json_close_object(json);
    }
    json_close_array(json);
}

/* A guest's id is his token; see net/http/guest.h. Without its last part it opens nothing. */
struct bytes event_print_customer(struct bytes customer)
{
    const struct bytes prefix = BYTES("hsg1.");
    if (customer.size < prefix.size || memcmp(customer.data, prefix.data, prefix.size) != 0)
        return customer;
    while (customer.data[customer.size - 1] != '.')
        customer.size--;
    return customer;
}

static void put_fact(struct json_writer *json, const struct event *event)
{
    const struct kind_row *row = event_fields_of_kind(event->kind);
    json_put_name(json, "fact");
    json_open_object(json);
    put_fields(json, row->fact, &event->fact);
    if (event->kind == EVENT_PRODUCT_SET || event->kind == EVENT_PRODUCT_IMAGE) {
        const struct fact_product *product = &event->fact.product;
        json_put_name(json, "prices");
        put_array(json, event_fields_of_price(), product->prices, product->price_count);
    }
    json_close_object(json);
}

/* The next name of a text with one for each line; none when the event has no such text. */
static void put_name_of_line(struct json_writer *json, const char *name, struct bytes *rest)
{
    struct bytes text;
    if (line_names_take(rest, &text))
        json_put_member_string_or_null(json, name, event_print_customer(text));
}

static void put_lines(struct json_writer *json, const struct event *event)
{
    struct bytes names = event->text[TEXT_NAMES];
    struct bytes customers = event->text[TEXT_CUSTOMERS];
    bool has_holds = event->text[TEXT_HOLDS].size > 0;
    json_put_name(json, "lines");
    json_open_array(json);
    for (uint32_t i = 0; i < event->line_count; i++) {
        json_open_object(json);
        put_name_of_line(json, "sku", &names);
        put_name_of_line(json, "seller", &names);
        put_name_of_line(json, "sale", &names);
        put_name_of_line(json, "customer", &customers);
        put_fields(json, event_fields_of_line(), &event->lines[i]);
        if (has_holds) {
            struct event_hold hold = event_hold_at(event, i);
            json_put_name(json, "hold");
            json_open_object(json);
            put_fields(json, event_fields_of_hold(), &hold);
            json_close_object(json);
        }
        json_close_object(json);
    }
    json_close_array(json);
}

static void put_text(struct json_writer *json, const struct text_row *row, struct bytes text)
{
    if (text.size == 0 || row->form == TEXT_IS_OF_LINES)
        return;
    json_put_name(json, row->name);
    switch (row->form) {
    case TEXT_IS_STRING:
        json_put_string(json, text);
        return;
    case TEXT_IS_CUSTOMER:
        json_put_string(json, event_print_customer(text));
        return;
    case TEXT_IS_SECRET:
        json_put_integer(json, text.size);
        return;
    case TEXT_IS_ARRAY:
        if (text.size % row->element.size != 0)
            put_hex(json, text);
        else
            put_array(json, row->element, text.data, text.size / row->element.size);
        return;
    case TEXT_IS_OF_LINES:
        return;
    }
}

static void put_texts(struct json_writer *json, const struct event *event)
{
    json_put_name(json, "texts");
    json_open_object(json);
    for (uint32_t i = 0; i < EVENT_TEXTS; i++)
        put_text(json, event_fields_of_text(event->kind, (enum event_text)i), event->text[i]);
    json_close_object(json);
}

static void put_place(struct json_writer *json, const struct reader_place *place)
{
    json_put_member_integer(json, "node", place->node);
    json_put_member_integer(json, "shard", place->shard);
    json_put_member_integer(json, "batch", (int64_t)place->batch);
    json_put_member_integer(json, "record", (int64_t)place->record);
    json_put_member_integer(json, "segment", place->segment);
    json_put_member_integer(json, "offset", place->offset);
    json_put_member_integer(json, "incarnation", (int64_t)place->incarnation);
    json_put_member_integer(json, "shelf_ms", (int64_t)place->shelf_ms);
    json_put_member_time(json, "wall", place->wall_ms);
}

static void put_kind(struct json_writer *json, const struct event *event)
{
    const char *name = event_fields_of_kind(event->kind)->name;
    json_put_name(json, "kind");
    if (name != NULL)
        json_put_string(json, bytes_of_string(name));
    else
        json_put_integer(json, event->kind);
    json_put_name(json, "seq");
    if (event->stream_count > 0)
        put_unsigned(json, event->stream_seq);
    else
        json_put_null(json);
    json_put_member_integer(json, "stream_count", event->stream_count);
}

void event_print(
    struct json_writer *json, const struct event *event, const struct reader_place *place)
{
    json_open_object(json);
    put_place(json, place);
    put_kind(json, event);
    put_fact(json, event);
    put_lines(json, event);
    put_texts(json, event);
    json_close_object(json);
}
