/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_array - one column of many rows as a PostgreSQL array in binary form: the parameter of
 * `INSERT .. SELECT .. FROM unnest($1::bigint[], ..)`.
 *
 *     int32 dimensions = 1 | int32 may hold nulls = 1 | int32 element type
 *     int32 elements | int32 lower bound = 1 | elements: int32 size (-1: null), bytes
 *
 * Everything is big-endian. Binary form needs no escaping: bytes go as they are. An element is also
 * what a field of binary COPY is, so the same functions write rows for `COPY .. FROM STDIN`:
 *
 *     copy_begin, then for each row: copy_row, its fields; then copy_end
 *
 * Ownership  The buffer is the caller's; several arrays stand behind one another in it.
 * Threads    None.
 * Units      Sizes in bytes; times in Unix milliseconds (timestamptz: microseconds since 2000).
 * Errors     What does not fit sets `overflow`.
 * Cost       O(bytes written), no allocation.
 */
#ifndef HOTSHELF_PERSIST_POSTGRES_ARRAY_H
#define HOTSHELF_PERSIST_POSTGRES_ARRAY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bytes.h"

/* Object ids of built-in types: fixed by PostgreSQL's catalog (pg_type.dat), the same everywhere.
 */
enum postgres_type {
    POSTGRES_BOOLEAN = 16,
    POSTGRES_BYTEA = 17,
    POSTGRES_BIGINT = 20,
    POSTGRES_INTEGER = 23,
    POSTGRES_TEXT = 25,
    POSTGRES_TIMESTAMPTZ = 1184,
    POSTGRES_UUID = 2950,
    POSTGRES_JSONB = 3802,
};

struct postgres_array {
    uint8_t *data;
    uint32_t size_max;
    uint32_t size;
    bool overflow;
};

void postgres_array_begin(
    struct postgres_array *array, enum postgres_type type, uint32_t element_count);

void postgres_array_copy_begin(struct postgres_array *array);
void postgres_array_copy_row(struct postgres_array *array, uint16_t column_count);
void postgres_array_copy_end(struct postgres_array *array);

void postgres_array_null(struct postgres_array *array);
void postgres_array_boolean(struct postgres_array *array, bool value);
void postgres_array_integer(struct postgres_array *array, int32_t value);
void postgres_array_bigint(struct postgres_array *array, int64_t value);
void postgres_array_text(struct postgres_array *array, struct bytes text);
/* null when empty */
void postgres_array_text_or_null(struct postgres_array *array, struct bytes text);
/* null when empty */
void postgres_array_bytea_or_null(struct postgres_array *array, struct bytes bytes);
/* null when 0 */
void postgres_array_time(struct postgres_array *array, int64_t wall_ms);
void postgres_array_uuid(struct postgres_array *array, const uint8_t id[16]);
void postgres_array_jsonb(struct postgres_array *array, struct bytes json);

/* An element whose bytes the caller writes in place: where, how much room, and how much it was. */
uint8_t *postgres_array_jsonb_open(struct postgres_array *array, uint32_t *room);
void postgres_array_jsonb_close(struct postgres_array *array, uint32_t size);

#endif
