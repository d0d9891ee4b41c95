/* SPDX-License-Identifier: Apache-2.0 */
#include "persist/postgres_array.h"

#include "core/check.h"

enum {
    ELEMENT_SIZE_SIZE = 4,
    JSONB_VERSION = 1, /* the one byte in front of the text of a binary jsonb */
};

static uint8_t *take(struct postgres_array *array, uint32_t size)
{
    if (array->overflow || size > array->size_max - array->size) {
        array->overflow = true;
        return NULL;
    }
    uint8_t *at = array->data + array->size;
    array->size += size;
    return at;
}

static void put_be32(struct postgres_array *array, uint32_t value)
{
    uint8_t *at = take(array, 4);
    uint32_t big = __builtin_bswap32(value);
    if (at != NULL)
        memcpy(at, &big, sizeof(big));
}

static void put_element(struct postgres_array *array, const void *data, uint32_t size)
{
    put_be32(array, size);
    uint8_t *at = take(array, size);
    if (at != NULL && size > 0)
        memcpy(at, data, size);
}

void postgres_array_begin(
    struct postgres_array *array, enum postgres_type type, uint32_t element_count)
{
    put_be32(array, 1);
    put_be32(array, 1);
    put_be32(array, type);
    put_be32(array, element_count);
    put_be32(array, 1);
}

static void put_be16(struct postgres_array *array, uint16_t value)
{
    uint8_t *at = take(array, 2);
    uint16_t big = __builtin_bswap16(value);
    if (at != NULL)
        memcpy(at, &big, sizeof(big));
}

void postgres_array_copy_begin(struct postgres_array *array)
{
    static const uint8_t header[] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* and its own zero */
    uint8_t *at = take(array, sizeof(header));
    if (at != NULL)
        memcpy(at, header, sizeof(header));
}

void postgres_array_copy_row(struct postgres_array *array, uint16_t column_count)
{
    put_be16(array, column_count);
}

void postgres_array_copy_end(struct postgres_array *array)
{
    put_be16(array, UINT16_MAX);
}

void postgres_array_null(struct postgres_array *array)
{
    put_be32(array, UINT32_MAX);
}

void postgres_array_boolean(struct postgres_array *array, bool value)
{
    uint8_t byte = value;
    put_element(array, &byte, 1);
}

void postgres_array_integer(struct postgres_array *array, int32_t value)
{
    uint32_t big = __builtin_bswap32((uint32_t)value);
    put_element(array, &big, sizeof(big));
}

void postgres_array_bigint(struct postgres_array *array, int64_t value)
{
    uint64_t big = __builtin_bswap64((uint64_t)value);
    put_element(array, &big, sizeof(big));
}

void postgres_array_text(struct postgres_array *array, struct bytes text)
{
    put_element(array, text.data, text.size);
}

void postgres_array_text_or_null(struct postgres_array *array, struct bytes text)
{
    if (text.size == 0)
        postgres_array_null(array);
    else
        postgres_array_text(array, text);
}

/* Bytes go as they are, text or not. */
void postgres_array_bytea_or_null(struct postgres_array *array, struct bytes bytes)
{
    postgres_array_text_or_null(array, bytes);
}

void postgres_array_time(struct postgres_array *array, int64_t wall_ms)
{
    const int64_t year_2000_ms = 946684800000;
    if (wall_ms == 0)
        postgres_array_null(array);
    else
        postgres_array_bigint(array, (wall_ms - year_2000_ms) * 1000);
}

void postgres_array_uuid(struct postgres_array *array, const uint8_t id[16])
{
    put_element(array, id, 16);
}

void postgres_array_jsonb(struct postgres_array *array, struct bytes json)
{
    uint32_t room = 0;
    uint8_t *at = postgres_array_jsonb_open(array, &room);
    if (at == NULL || room < json.size) {
        array->overflow = true;
        return;
    }
    memcpy(at, json.data, json.size);
    postgres_array_jsonb_close(array, json.size);
}

uint8_t *postgres_array_jsonb_open(struct postgres_array *array, uint32_t *room)
{
    uint8_t *head = take(array, ELEMENT_SIZE_SIZE + 1);
    if (head == NULL)
        return NULL;
    head[ELEMENT_SIZE_SIZE] = JSONB_VERSION;
    *room = array->size_max - array->size;
    return head + ELEMENT_SIZE_SIZE + 1;
}

void postgres_array_jsonb_close(struct postgres_array *array, uint32_t size)
{
    CHECK(size <= array->size_max - array->size);
    uint32_t big = __builtin_bswap32(size + 1);
    memcpy(array->data + array->size - ELEMENT_SIZE_SIZE - 1, &big, sizeof(big));
    array->size += size;
}
