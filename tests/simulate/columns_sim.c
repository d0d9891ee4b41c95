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

struct column column_of(const struct postgres_column *columns, const char *name,
    const struct postgres_parameters *parameters)
{
    uint32_t index = 0;
    while (strcmp(columns[index].name, name) != 0)
        CHECK(columns[++index].name != NULL);
    const uint8_t *array = (const uint8_t *)parameters->values[index];
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

uint64_t column_number(struct column *column)
{
    uint64_t value = 0;
    struct bytes bytes = column_text(column);
    for (uint32_t i = 0; i < bytes.size; i++)
        value = value << 8 | bytes.data[i];
    return value;
}
