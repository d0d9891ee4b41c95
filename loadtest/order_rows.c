/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file is read whole; the number of its line ends bounds every table, so all memory is taken
 * before the first row is read. What can go wrong: no such file, a column that is missing, a row
 * with the wrong number of fields, a quantity that is not a whole number above zero.
 */
#include "loadtest/order_rows.h"

#include "loadtest/csv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum column { COLUMN_TS, COLUMN_ORDER, COLUMN_CUSTOMER, COLUMN_SKU, COLUMN_QUANTITY, COLUMNS };

static const char *const column_name[COLUMNS] = {"ts", "order_id", "customer", "sku", "quantity"};

struct columns {
    uint32_t at[COLUMNS];
    uint32_t count;
};

static int complain(const char *path, uint64_t line, const char *reason)
{
    fprintf(stderr, "hotshelf-loadtest: %s:%llu: %s\n", path, (unsigned long long)line, reason);
    return -1;
}

static char *read_whole_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    if (file == NULL || fseek(file, 0, SEEK_END) != 0)
        goto fail;
    long end = ftell(file);
    if (end < 0 || fseek(file, 0, SEEK_SET) != 0)
        goto fail;
    text = malloc((size_t)end + 1);
    if (text == NULL || fread(text, 1, (size_t)end, file) != (size_t)end)
        goto fail;
    fclose(file);
    *size = (size_t)end;
    return text;
fail:
    fprintf(stderr, "hotshelf-loadtest: %s: %s\n", path, strerror(errno));
    free(text);
    if (file != NULL)
        fclose(file);
    return NULL;
}

static uint32_t count_lines(const char *text, size_t size)
{
    uint32_t lines = 1;
    for (size_t at = 0; at < size; at++)
        lines += text[at] == '\n';
    return lines;
}

static int take_tables(
    struct order_rows *rows, size_t size, struct names *customers, struct names *skus)
{
    uint32_t lines = count_lines(rows->text, size);
    rows->order = calloc(lines, sizeof *rows->order);
    rows->row = calloc(lines, sizeof *rows->row);
    if (rows->order == NULL || rows->row == NULL || names_open(&rows->order_ids, lines, size) < 0 ||
        names_open(customers, lines, size) < 0 || names_open(skus, lines, size) < 0) {
        fprintf(stderr, "hotshelf-loadtest: no memory for %u rows\n", lines);
        return -1;
    }
    return 0;
}

static bool field_is(const struct csv_field *field, const char *text)
{
    return field->size == strlen(text) && memcmp(field->data, text, field->size) == 0;
}

static int read_head(struct csv_reader *reader, const char *path, struct columns *columns)
{
    if (csv_next(reader) != CSV_RECORD)
        return complain(path, reader->line, "a header line is missing");
    columns->count = reader->field_count;
    for (uint32_t column = 0; column < COLUMNS; column++) {
        uint32_t at = 0;
        while (at < reader->field_count && !field_is(&reader->field[at], column_name[column]))
            at++;
        if (at == reader->field_count) {
            fprintf(
                stderr, "hotshelf-loadtest: %s:1: no column \"%s\"\n", path, column_name[column]);
            return -1;
        }
        columns->at[column] = at;
    }
    return 0;
}

static bool parse_quantity(const struct csv_field *field, uint32_t *quantity)
{
    uint64_t number = 0;
    for (size_t at = 0; at < field->size; at++) {
        if (field->data[at] < '0' || field->data[at] > '9')
            return false;
        number = number * 10 + (uint64_t)(field->data[at] - '0');
        if (number > UINT32_MAX)
            number = UINT32_MAX;
    }
    *quantity = (uint32_t)number;
    return number > 0;
}

/* What the catalog rules let a SKU be: 1 to 63 bytes of printable ASCII without space, quote, comma
 * or slash. */
static bool sku_can_be(const struct csv_field *sku)
{
    for (size_t at = 0; at < sku->size; at++) {
        char byte = sku->data[at];
        if (byte <= ' ' || byte > '~' || byte == '"' || byte == ',' || byte == '/')
            return false;
    }
    return sku->size <= 63;
}

/* 0 the row was taken, 1 it is left out or beyond orders_max, -1 it is wrong. */
static int take_row(struct order_rows *rows, const struct csv_reader *reader,
    const struct columns *columns, const char *path, uint32_t orders_max, struct names *customers,
    struct names *skus)
{
    const struct csv_field *field = reader->field;
    const struct csv_field *order_id = &field[columns->at[COLUMN_ORDER]];
    const struct csv_field *customer = &field[columns->at[COLUMN_CUSTOMER]];
    const struct csv_field *sku = &field[columns->at[COLUMN_SKU]];
    struct order_row row = {0};
    if (reader->field_count != columns->count)
        return complain(path, reader->line, "more or fewer fields than the header line names");
    if (order_id->size == 0 || customer->size == 0 || sku->size == 0)
        return complain(path, reader->line, "an order_id, customer or sku is empty");
    if (!parse_quantity(&field[columns->at[COLUMN_QUANTITY]], &row.quantity))
        return complain(path, reader->line, "quantity is not a whole number above zero");
    if (!sku_can_be(sku)) {
        /* No catalog can hold it, so nobody can ask for it. */
        if (rows->left_out_count++ == 0)
            complain(path, reader->line, "no SKU can be named like this: such rows are left out");
        return 1;
    }
    row.order = names_find(&rows->order_ids, order_id->data, order_id->size);
    if (row.order == NAMES_NONE) {
        if (orders_max != 0 && rows->order_count == orders_max)
            return 1;
        row.order = names_add(&rows->order_ids, order_id->data, order_id->size);
        rows->order[rows->order_count++] = (struct order_head){
            .placed_at = field[columns->at[COLUMN_TS]].data,
            .placed_at_size = field[columns->at[COLUMN_TS]].size,
            .customer = names_add(customers, customer->data, customer->size),
        };
    }
    row.sku = names_add(skus, sku->data, sku->size);
    rows->order[row.order].row_count++;
    rows->row[rows->row_count++] = row;
    return 0;
}

int order_rows_read(struct order_rows *rows, const char *path, uint32_t orders_max,
    struct names *customers, struct names *skus)
{
    size_t size = 0;
    *rows = (struct order_rows){.text = read_whole_file(path, &size)};
    if (rows->text == NULL || take_tables(rows, size, customers, skus) < 0)
        return -1;
    struct csv_reader reader = csv_over(rows->text, size);
    struct columns columns = {0};
    if (read_head(&reader, path, &columns) < 0)
        return -1;
    enum csv_result result;
    while ((result = csv_next(&reader)) == CSV_RECORD) {
        if (take_row(rows, &reader, &columns, path, orders_max, customers, skus) < 0)
            return -1;
    }
    if (result == CSV_BROKEN)
        return complain(path, reader.line, reader.reason);
    return rows->row_count > 0 ? 0 : complain(path, reader.line, "not one order");
}

void order_rows_free(struct order_rows *rows)
{
    names_close(&rows->order_ids);
    free(rows->text);
    free(rows->order);
    free(rows->row);
    *rows = (struct order_rows){0};
}
