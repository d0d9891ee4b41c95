/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV reader and the catalog on top of it under libFuzzer. The first byte says how large the
 * pieces are in which the rest arrives; rows and faults must not depend on it. */
#include <stdlib.h>

#include "core/check.h"
#include "net/http/catalog_csv.h"
#include "net/http/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read, as one number. */
struct digest {
    uint64_t hash;
    uint32_t rows;
};

static void digest_bytes(struct digest *digest, struct bytes bytes)
{
    for (uint32_t i = 0; i < bytes.size; i++)
        digest->hash = (digest->hash ^ bytes.data[i]) * 1099511628211U;
    digest->hash = (digest->hash ^ 0x100) * 1099511628211U;
}

/* Whether the reader wants another piece. */
static bool read_rows(struct digest *digest, struct csv_reader *csv)
{
    for (;;) {
        switch (csv_next(csv)) {
        case CSV_ROW:
            CHECK(csv->field_count > 0);
            for (uint32_t i = 0; i < csv->field_count; i++)
                digest_bytes(digest, csv->field[i]);
            digest->hash = (digest->hash ^ csv->row_line) * 1099511628211U;
            digest->rows++;
            break;
        case CSV_MORE:
            return true;
        case CSV_END:
            return false;
        case CSV_FAULT:
            CHECK(csv->fault != NULL);
            digest_bytes(digest, bytes_of_string(csv->fault));
            digest->hash = (digest->hash ^ csv->fault_line) * 1099511628211U;
            return false;
        }
    }
}

static struct digest read_in_pieces(struct bytes text, uint32_t piece_size)
{
    uint8_t row[256];
    struct csv_reader csv;
    struct digest digest = {.hash = 14695981039346656037U};
    bool wants_more = true;
    csv_open(&csv, row, sizeof row);
    for (uint32_t at = 0; at < text.size && wants_more; at += piece_size) {
        uint32_t size = text.size - at < piece_size ? text.size - at : piece_size;
        uint8_t *piece = malloc(size);
        CHECK(piece != NULL);
        memcpy(piece, text.data + at, size);
        csv_feed(&csv, bytes_of(piece, size));
        wants_more = read_rows(&digest, &csv);
        free(piece);
    }
    csv_finish(&csv);
    if (wants_more)
        CHECK(!read_rows(&digest, &csv));
    return digest;
}

static void check_product(const struct product_image *product)
{
    CHECK(catalog_sku_is_valid(product->sku));
    CHECK(utf8_is_valid(product->title));
    CHECK(product->price_count >= 1);
    CHECK(product->price_count <= PRICES_MAX);
    for (uint32_t i = 0; i < product->price_count; i++)
        CHECK(product->prices[i].amount >= 0);
}

static void read_catalog(struct bytes text)
{
    static struct catalog_csv catalog;
    static uint8_t row[CATALOG_ROW_SIZE_MAX];
    catalog_csv_open(&catalog, row);
    catalog_csv_feed(&catalog, text);
    catalog_csv_finish(&catalog);
    for (;;) {
        enum catalog_answer answer = catalog_csv_next(&catalog);
        if (answer == CATALOG_END)
            return;
        CHECK(answer != CATALOG_MORE);
        CHECK((answer == CATALOG_FAULTY) == (catalog.fault_count > 0));
        if (answer == CATALOG_ROW)
            check_product(&catalog.product);
        for (uint32_t i = 0; i < catalog.fault_count; i++)
            CHECK(utf8_is_valid(bytes_of_string(catalog.faults[i].column)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > 8192)
        return 0;
    struct bytes text = bytes_of(data + 1, (uint32_t)size - 1);
    struct digest whole = read_in_pieces(text, text.size + 1);
    struct digest pieces = read_in_pieces(text, 1 + data[0] % 16);
    CHECK(whole.rows == pieces.rows);
    CHECK(whole.hash == pieces.hash);
    read_catalog(text);
    return 0;
}
