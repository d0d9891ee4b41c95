/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters are read into an array that runs beside the array of their names; what is decoded goes
 * into the shard's scratch, one after another.
 */
#include <stdio.h>

#include "core/check.h"
#include "net/http/decode.h"
#include "net/http/target.h"

enum { NAME_SIZE = 32 };

static uint32_t find_name(const char *const *names, uint32_t count, struct bytes name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (bytes_equal(bytes_of_string(names[i]), name))
            return i;
    }
    return count;
}

static bool decode_value(
    struct decoder *decoder, struct bytes raw, uint32_t *used, struct bytes *value)
{
    struct decode_room *room = decoder->context->room;
    CHECK(*used <= room->scratch_size);
    uint8_t *buffer = room->scratch + *used;
    enum http_unescape answer = http_unescape_query(raw, buffer, room->scratch_size - *used, value);
    if (answer != HTTP_UNESCAPED)
        return false;
    if (value->data == buffer)
        *used += value->size;
    return true;
}

static void unknown_parameter(struct decoder *decoder, struct bytes name)
{
    char shown[NAME_SIZE];
    uint32_t size = name.size < NAME_SIZE - 1 ? name.size : NAME_SIZE - 1;
    for (uint32_t i = 0; i < size; i++)
        shown[i] = (char)(name.data[i] >= 0x21 && name.data[i] <= 0x7e ? name.data[i] : '?');
    shown[size] = 0;
    decode_fault(decoder, shown, "is not a parameter of this call");
}

bool decode_query(
    struct decoder *decoder, const char *const *names, uint32_t count, struct bytes *values)
{
    struct bytes rest = decoder->parsed->query, name, raw;
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++)
        values[i] = (struct bytes){0};
    while (http_query_next(&rest, &name, &raw)) {
        uint32_t found = find_name(names, count, name);
        if (found == count) {
            unknown_parameter(decoder, name);
            continue;
        }
        if (values[found].data != NULL) {
            decode_fault(decoder, names[found], "may be sent once");
            continue;
        }
        if (!decode_value(decoder, raw, &used, &values[found]))
            return decode_refuse(decoder, PROBLEM_MALFORMED,
                "The query is not percent-encoded: % and two hexadecimal digits, not %00.");
        if (values[found].data == NULL)
            values[found] = BYTES("");
    }
    return true;
}

uint32_t decode_skus(struct decoder *decoder, struct bytes list)
{
    uint32_t count = 0;
    struct bytes sku;
    while (http_list_next(&list, &sku)) {
        if (count == DECODE_SKUS_MAX) {
            decode_fault(decoder, "skus", "must name 1 to 500 SKUs");
            break;
        }
        if (!catalog_sku_is_valid(sku)) {
            decode_fault(decoder, "skus", "must be SKUs with commas between them");
            break;
        }
        decoder->request->work->items[count++].sku = sku;
    }
    if (count == 0 && decoder->faults->count == 0)
        decode_fault(decoder, "skus", "must name 1 to 500 SKUs");
    return count;
}

static bool read_number(struct bytes text, uint64_t *number)
{
    *number = 0;
    if (text.size == 0 || text.size > 19)
        return false;
    for (uint32_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return true;
}

void decode_number(struct decoder *decoder, const char *name, struct bytes value, uint64_t min,
    uint64_t max, uint64_t *number)
{
    uint64_t read;
    if (value.data == NULL)
        return;
    if (read_number(value, &read) && read >= min && read <= max) {
        *number = read;
        return;
    }
    char reason[JSON_REASON_SIZE];
    snprintf(reason, sizeof(reason), "must be a number from %llu to %llu", (unsigned long long)min,
        (unsigned long long)max);
    decode_fault(decoder, name, reason);
}
