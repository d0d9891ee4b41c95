/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_check - what one pass over a catalog file finds out: its rows, all that is wrong with it,
 * what it would create, whether there is room for that.
 *
 *     import_check_row() for each row     import_check_fault() for each fault     then the counts
 *
 * A SKU that stands twice in a file is found by a set of 64-bit hashes as large as the catalog;
 * a file with more SKUs than that can not have room anyway, and the set stops growing.
 *
 * Ownership  Two sets in the arena.
 * Threads    Shard 0.
 * Units      Lines from 1.
 * Errors     Counted; the first IMPORT_ERRORS_MAX are kept in the order found.
 * Cost       Three look-ups a row.
 */
#ifndef HOTSHELF_NET_HTTP_IMPORT_CHECK_H
#define HOTSHELF_NET_HTTP_IMPORT_CHECK_H

#include "core/json_writer.h"
#include "net/http/catalog_csv.h"
#include "net/http/import.h"

struct hash_set {
    uint64_t *slots; /* 0: free */
    uint32_t mask;
    uint32_t count;
    uint32_t capacity; /* half the slots */
};

struct import_check {
    const struct catalog *catalog;
    struct hash_set skus;
    struct hash_set names; /* of sellers and sales that are new */
    uint32_t rows;
    uint32_t created; /* rows of SKUs that nobody sells yet */
    bool overflow;    /* more SKUs or names than the tables have */
    uint32_t error_count;
    struct catalog_fault errors[IMPORT_ERRORS_MAX];
};

void import_check_init(struct import_check *check, struct arena *arena,
    const struct catalog *catalog, const struct capacity *capacity);
/* Empties everything for a new file. */
void import_check_begin(struct import_check *check);
void import_check_row(
    struct import_check *check, const struct product_image *product, uint32_t line);
void import_check_fault(struct import_check *check, const struct catalog_fault *fault);
/* NULL, or the table that has no room for what the file creates. */
const char *import_check_full(const struct import_check *check);
/* "errors":[..],"error_count":n; as many as fit. */
void import_check_put_errors(const struct import_check *check, struct json_writer *json);

#endif
