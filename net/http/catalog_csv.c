/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header settles which field is which column; from then on a row is its values by column, and
 * each column has a function that judges its value and writes it into the product. A row with too
 * few or too many fields is judged no further: its values stand in the wrong columns.
 */
#include "net/http/catalog_csv.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/check.h"
#include "core/currency.h"
#include "core/rfc3339.h"
#include "net/http/blocks.h"
#include "net/http/utf8.h"
#include "net/nearest.h"

enum { NO_COLUMN = 255, REQUIRED_COUNT = CATALOG_STOCK + 1 };

static const char *const column_names[CATALOG_COLUMN_COUNT] = {
    [CATALOG_SKU] = "sku",
    [CATALOG_TITLE] = "title",
    [CATALOG_CATEGORY] = "category",
    [CATALOG_SELLER] = "seller",
    [CATALOG_PRICE] = "price",
    [CATALOG_CURRENCY] = "currency",
    [CATALOG_STOCK] = "stock",
    [CATALOG_GROUP] = "group",
    [CATALOG_OPTION] = "option",
    [CATALOG_IMAGE] = "image",
    [CATALOG_MAX_PER_CUSTOMER] = "max_per_customer",
    [CATALOG_SALE] = "sale",
    [CATALOG_STARTS_AT] = "starts_at",
    [CATALOG_ENDS_AT] = "ends_at",
    [CATALOG_RESERVE_ON] = "reserve_on",
    [CATALOG_HOLD_SECONDS] = "hold_seconds",
    [CATALOG_PRICES] = "prices",
};

#ifdef HAVE_BLOCKS
static inline __m128i fits_sku(__m128i block)
{
    __m128i marks = _mm_or_si128(block_is(block, '"'), block_is(block, ','));
    return _mm_andnot_si128(
        _mm_or_si128(marks, block_is(block, '/')), block_in_range(block, '!', '~'));
}
#endif

static bool has_sku_characters(struct bytes text)
{
#ifdef HAVE_BLOCKS
    return blocks_fit(text.data, text.size, fits_sku);
#else
    for (uint32_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte <= ' ' || byte > '~' || byte == '"' || byte == ',' || byte == '/')
            return false;
    }
    return true;
#endif
}

bool catalog_sku_is_valid(struct bytes sku)
{
    return sku.size >= 1 && sku.size <= SKU_SIZE_MAX && has_sku_characters(sku);
}

bool catalog_name_is_valid(struct bytes name, uint32_t size_min, uint32_t size_max)
{
    for (uint32_t i = 0; i < name.size; i++)
        if (name.data[i] < ' ' || name.data[i] == 0x7f)
            return false;
    return name.size >= size_min && name.size <= size_max && utf8_is_valid(name);
}

bool catalog_title_is_valid(struct bytes title)
{
    for (uint32_t i = 0; i < title.size; i++)
        if (title.data[i] == 0x7f || (title.data[i] < ' ' && !strchr("\t\r\n", title.data[i])))
            return false;
    return title.size >= 1 && title.size <= TITLE_SIZE_MAX && utf8_is_valid(title);
}

__attribute__((format(printf, 4, 5))) static void add_fault(
    struct catalog_csv *catalog, uint32_t line, struct bytes column, const char *format, ...)
{
    if (catalog->fault_count == CATALOG_FAULTS_MAX)
        return;
    struct catalog_fault *fault = &catalog->faults[catalog->fault_count++];
    uint32_t size = utf8_cut(column, CATALOG_COLUMN_NAME_SIZE - 1);
    memset(fault, 0, sizeof *fault);
    fault->line = line;
    /* A name out of the file goes into a JSON reply: only when it is text. */
    if (utf8_is_valid(bytes_of(column.data, size)))
        memcpy(fault->column, column.data, size);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->reason, sizeof fault->reason, format, arguments);
    va_end(arguments);
}

static bool refuse(struct catalog_csv *catalog, enum catalog_column column, const char *reason)
{
    add_fault(catalog, catalog->line, bytes_of_string(column_names[column]), "%s", reason);
    return false;
}

static enum catalog_answer break_off(struct catalog_csv *catalog)
{
    catalog->is_broken = true;
    return CATALOG_FAULTY;
}

static uint8_t column_find(struct bytes name)
{
    for (uint8_t i = 0; i < CATALOG_COLUMN_COUNT; i++)
        if (bytes_equal(name, bytes_of_string(column_names[i])))
            return i;
    return NO_COLUMN;
}

static void refuse_unknown_column(struct catalog_csv *catalog, struct bytes name)
{
    struct nearest nearest = nearest_to(name);
    for (uint32_t i = 0; i < CATALOG_COLUMN_COUNT; i++)
        nearest_offer(&nearest, column_names[i]);
    if (nearest_name(&nearest) == NULL)
        add_fault(catalog, catalog->line, name, "unknown column");
    else
        add_fault(catalog, catalog->line, name, "unknown column; did you mean %s?",
            nearest_name(&nearest));
}

static bool read_header(struct catalog_csv *catalog)
{
    const struct csv_reader *csv = &catalog->csv;
    catalog->field_count = csv->field_count;
    for (uint32_t i = 0; i < csv->field_count; i++) {
        uint8_t column = column_find(csv->field[i]);
        catalog->column_of_field[i] = column;
        if (column == NO_COLUMN)
            refuse_unknown_column(catalog, csv->field[i]);
        else if ((catalog->columns >> column & 1U) != 0)
            refuse(catalog, (enum catalog_column)column, "the column stands there twice");
        else
            catalog->columns |= 1U << column;
    }
    for (uint32_t i = 0; i < REQUIRED_COUNT; i++)
        if ((catalog->columns >> i & 1U) == 0)
            refuse(catalog, (enum catalog_column)i, "the column is required");
    return catalog->fault_count == 0;
}

static bool read_whole(struct bytes text, uint64_t min, uint64_t max, uint64_t *number)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || sum > max)
            return false;
        sum = sum * 10 + (uint64_t)(text.data[i] - '0');
    }
    *number = sum;
    return text.size > 0 && sum >= min && sum <= max;
}

static bool take_name(
    struct catalog_csv *catalog, enum catalog_column column, uint32_t size_min, uint32_t size_max)
{
    if (catalog_name_is_valid(catalog->value[column], size_min, size_max))
        return true;
    add_fault(catalog, catalog->line, bytes_of_string(column_names[column]),
        "must be UTF-8 of %u to %u bytes without control characters", size_min, size_max);
    return false;
}

static bool take_title(struct catalog_csv *catalog)
{
    if (catalog_title_is_valid(catalog->value[CATALOG_TITLE]))
        return true;
    return refuse(catalog, CATALOG_TITLE, "must be UTF-8 of 1 to 255 bytes");
}

static bool take_texts(struct catalog_csv *catalog)
{
    struct bytes sku = catalog->value[CATALOG_SKU];
    bool is_valid = true;
    if (!catalog_sku_is_valid(sku))
        is_valid = refuse(catalog, CATALOG_SKU,
            "must be 1 to 63 printable ASCII characters without space, quote, comma or slash");
    is_valid &= take_title(catalog);
    is_valid &= take_name(catalog, CATALOG_CATEGORY, 1, NAME_SIZE_MAX);
    is_valid &= take_name(catalog, CATALOG_SELLER, 1, NAME_SIZE_MAX);
    is_valid &= take_name(catalog, CATALOG_GROUP, 0, NAME_SIZE_MAX);
    is_valid &= take_name(catalog, CATALOG_OPTION, 0, NAME_SIZE_MAX);
    is_valid &= take_name(catalog, CATALOG_SALE, 0, NAME_SIZE_MAX);
    is_valid &= take_name(catalog, CATALOG_IMAGE, 0, TITLE_SIZE_MAX);
    catalog->product = (struct product_image){
        .sku = sku,
        .title = catalog->value[CATALOG_TITLE],
        .category = catalog->value[CATALOG_CATEGORY],
        .seller = catalog->value[CATALOG_SELLER],
        .sale = catalog->value[CATALOG_SALE],
        .group = catalog->value[CATALOG_GROUP],
        .option = catalog->value[CATALOG_OPTION],
        .image = catalog->value[CATALOG_IMAGE],
    };
    return is_valid;
}

static bool take_amount(struct catalog_csv *catalog, enum catalog_column column,
    struct bytes decimal, const uint8_t currency[4], int64_t *amount)
{
    switch (currency_amount_read(decimal, currency, amount)) {
    case CURRENCY_AMOUNT_READ:
        return true;
    case CURRENCY_AMOUNT_MALFORMED:
        return refuse(catalog, column, "must be a decimal such as 45.00, without sign or unit");
    case CURRENCY_AMOUNT_TOO_FINE:
        add_fault(catalog, catalog->line, bytes_of_string(column_names[column]),
            "has more than the %d digits behind the point that %.3s has",
            currency_exponent(currency), (const char *)currency);
        return false;
    case CURRENCY_AMOUNT_TOO_LARGE:
        return refuse(catalog, column, "is too large");
    }
    return false;
}

/* Adds one price to the product: each currency once. */
static bool take_price(struct catalog_csv *catalog, enum catalog_column column,
    struct bytes currency, struct bytes decimal)
{
    struct product_image *product = &catalog->product;
    uint8_t code[4];
    int64_t amount;
    if (!currency_find(currency, code))
        return refuse(catalog, column == CATALOG_PRICE ? CATALOG_CURRENCY : column,
            "is no ISO 4217 currency code");
    if (!take_amount(catalog, column, decimal, code, &amount))
        return false;
    for (uint32_t i = 0; i < product->price_count; i++)
        if (memcmp(product->prices[i].currency, code, sizeof code) == 0)
            return refuse(catalog, column, "names a currency twice");
    if (product->price_count == PRICES_MAX)
        return refuse(catalog, column, "has too many currencies");
    memcpy(product->prices[product->price_count].currency, code, sizeof code);
    product->prices[product->price_count++].amount = amount;
    return true;
}

static bool take_prices(struct catalog_csv *catalog)
{
    bool is_valid = take_price(
        catalog, CATALOG_PRICE, catalog->value[CATALOG_CURRENCY], catalog->value[CATALOG_PRICE]);
    struct bytes rest = catalog->value[CATALOG_PRICES];
    while (rest.size > 0) {
        const uint8_t *end = memchr(rest.data, ';', rest.size);
        uint32_t size = end == NULL ? rest.size : (uint32_t)(end - rest.data);
        const uint8_t *colon = memchr(rest.data, ':', size);
        if (colon == NULL)
            return refuse(catalog, CATALOG_PRICES, "must look like USD:12.99;JPY:1800");
        uint32_t code_size = (uint32_t)(colon - rest.data);
        is_valid &= take_price(catalog, CATALOG_PRICES, bytes_of(rest.data, code_size),
            bytes_of(colon + 1, size - code_size - 1));
        uint32_t skip = end == NULL ? size : size + 1;
        rest = bytes_of(rest.data + skip, rest.size - skip);
    }
    return is_valid;
}

/* An optional whole number; 0 when it is left out. */
static bool take_number(
    struct catalog_csv *catalog, enum catalog_column column, uint32_t max, uint32_t *number)
{
    uint64_t wide = 0;
    struct bytes text = catalog->value[column];
    if (text.size > 0 && !read_whole(text, 1, max, &wide)) {
        add_fault(catalog, catalog->line, bytes_of_string(column_names[column]),
            "must be a whole number from 1 to %u, or empty", max);
        return false;
    }
    *number = (uint32_t)wide;
    return true;
}

static bool take_numbers(struct catalog_csv *catalog)
{
    struct product_image *product = &catalog->product;
    uint64_t stock = 0;
    bool is_valid = true;
    if (!read_whole(catalog->value[CATALOG_STOCK], 0, UINT32_MAX, &stock))
        is_valid = refuse(catalog, CATALOG_STOCK, "must be a whole number from 0 to 4294967295");
    product->stock = (uint32_t)stock;
    is_valid &=
        take_number(catalog, CATALOG_MAX_PER_CUSTOMER, UINT32_MAX, &product->max_per_customer);
    is_valid &= take_number(
        catalog, CATALOG_HOLD_SECONDS, CATALOG_HOLD_SECONDS_MAX, &product->hold_seconds);
    return is_valid;
}

static bool take_time(struct catalog_csv *catalog, enum catalog_column column, int64_t *wall_ms)
{
    struct bytes text = catalog->value[column];
    *wall_ms = 0;
    if (text.size == 0)
        return true;
    if (!rfc3339_read(text, wall_ms) || *wall_ms <= 0)
        return refuse(catalog, column, "must be a time with offset, as 2026-11-27T09:00:00+01:00");
    return true;
}

static bool take_sale_terms(struct catalog_csv *catalog)
{
    struct product_image *product = &catalog->product;
    struct bytes reserve_on = catalog->value[CATALOG_RESERVE_ON];
    bool has_starts = take_time(catalog, CATALOG_STARTS_AT, &product->starts_wall_ms);
    bool has_ends = take_time(catalog, CATALOG_ENDS_AT, &product->ends_wall_ms);
    bool is_valid = has_starts && has_ends;
    if (is_valid && product->ends_wall_ms != 0 && product->ends_wall_ms <= product->starts_wall_ms)
        is_valid = refuse(catalog, CATALOG_ENDS_AT, "must be later than starts_at");
    if (reserve_on.size == 0)
        product->reserve_on = RESERVE_UNSET;
    else if (bytes_equal(reserve_on, BYTES("cart")))
        product->reserve_on = RESERVE_CART;
    else if (bytes_equal(reserve_on, BYTES("checkout")))
        product->reserve_on = RESERVE_CHECKOUT;
    else
        is_valid = refuse(catalog, CATALOG_RESERVE_ON, "must be cart, checkout or empty");
    return is_valid;
}

static enum catalog_answer read_row(struct catalog_csv *catalog)
{
    const struct csv_reader *csv = &catalog->csv;
    if (csv->field_count != catalog->field_count) {
        add_fault(catalog, catalog->line, BYTES(""), "the row has %u fields, the header has %u",
            csv->field_count, catalog->field_count);
        return CATALOG_FAULTY;
    }
    memset(catalog->value, 0, sizeof catalog->value);
    for (uint32_t i = 0; i < csv->field_count; i++) {
        CHECK(catalog->column_of_field[i] < CATALOG_COLUMN_COUNT);
        catalog->value[catalog->column_of_field[i]] = csv->field[i];
    }
    bool is_valid = take_texts(catalog);
    is_valid &= take_prices(catalog);
    is_valid &= take_numbers(catalog);
    is_valid &= take_sale_terms(catalog);
    CHECK(is_valid == (catalog->fault_count == 0));
    return is_valid ? CATALOG_ROW : CATALOG_FAULTY;
}

void catalog_csv_open(struct catalog_csv *catalog, uint8_t *row)
{
    *catalog = (struct catalog_csv){.line = 1};
    csv_open(&catalog->csv, row, CATALOG_ROW_SIZE_MAX);
}

void catalog_csv_feed(struct catalog_csv *catalog, struct bytes piece)
{
    if (!catalog->is_broken)
        csv_feed(&catalog->csv, piece);
}

void catalog_csv_finish(struct catalog_csv *catalog)
{
    csv_finish(&catalog->csv);
}

static enum catalog_answer break_off_at_fault(struct catalog_csv *catalog)
{
    add_fault(catalog, catalog->csv.fault_line, BYTES(""), "%s (at byte %u of the line)",
        catalog->csv.fault, catalog->csv.fault_column);
    return break_off(catalog);
}

static enum catalog_answer end_file(struct catalog_csv *catalog)
{
    if (catalog->field_count > 0)
        return CATALOG_END;
    add_fault(catalog, 1, BYTES(""), "the file is empty; its first line must name the columns");
    return break_off(catalog);
}

enum catalog_answer catalog_csv_next(struct catalog_csv *catalog)
{
    if (catalog->is_broken)
        return CATALOG_END;
    catalog->fault_count = 0;
    for (;;) {
        enum csv_answer answer = csv_next(&catalog->csv);
        if (answer == CSV_MORE)
            return CATALOG_MORE;
        if (answer == CSV_FAULT)
            return break_off_at_fault(catalog);
        if (answer == CSV_END)
            return end_file(catalog);
        catalog->line = catalog->csv.row_line;
        if (catalog->field_count > 0)
            return read_row(catalog);
        if (!read_header(catalog))
            return break_off(catalog);
    }
}
