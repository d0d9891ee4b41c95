/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulate/columns_sim.h"

#include <string.h>

#include "core/check.h"

static uint32_t be32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return __builtin_bswap32(value);
}

static uint32_t index_of(const struct postgres_column *columns, const char *name)
{
    uint32_t index = 0;
    while (strcmp(columns[index].name, name) != 0)
        CHECK(columns[++index].name != NULL);
    return index;
}

const uint8_t *field_row(const uint8_t *row, struct bytes fields[POSTGRES_COLUMNS_MAX])
{
    uint32_t count = (uint32_t)row[0] << 8 | row[1];
    if (count == UINT16_MAX)
        return NULL;
    CHECK(count <= POSTGRES_COLUMNS_MAX);
    row += 2;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = be32(row);
        fields[i] = bytes_of(row + 4, size == UINT32_MAX ? 0 : size);
        row += 4 + fields[i].size;
    }
    return row;
}

struct bytes field_of(const struct postgres_column *columns, const char *name,
    const struct bytes fields[POSTGRES_COLUMNS_MAX])
{
    return fields[index_of(columns, name)];
}

struct column column_of(const struct postgres_column *columns, const char *name,
    const struct postgres_parameters *parameters)
{
    const uint8_t *array = (const uint8_t *)parameters->values[index_of(columns, name)];
    return (struct column){.at = array + 20, .left = be32(array + 12)};
}

struct bytes column_text(struct column *column)
{
    uint32_t size = be32(column->at);
    struct bytes text = bytes_of(column->at + 4, size);
    CHECK(column->left > 0 && size != UINT32_MAX);
    column->left--;
    column->at += 4 + size;
    return text;
}

uint64_t field_number(struct bytes bytes)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < bytes.size; i++)
        value = value << 8 | bytes.data[i];
    return value;
}

uint64_t column_number(struct column *column)
{
    return field_number(column_text(column));
}
