/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/import_check.h"

#include <xxhash.h>

#include "core/check.h"

enum { ERROR_SIZE_MAX = 96 + 6 * CATALOG_COLUMN_NAME_SIZE + 6 * CATALOG_REASON_SIZE };

static void set_init(struct hash_set *set, struct arena *arena, uint32_t capacity)
{
    uint32_t slots = 2;
    while (slots < 2 * capacity)
        slots *= 2;
    *set = (struct hash_set){
        .slots = arena_take(arena, "import", slots, sizeof(uint64_t)),
        .mask = slots - 1,
        .capacity = capacity,
    };
}

static void set_empty(struct hash_set *set)
{
    memset(set->slots, 0, (set->mask + 1ull) * sizeof(uint64_t));
    set->count = 0;
}

enum set_answer { SET_ADDED, SET_KNOWN, SET_FULL };

static enum set_answer set_add(struct hash_set *set, struct bytes text)
{
    uint64_t hash = XXH3_64bits(text.data, text.size) | 1;
    uint32_t at = (uint32_t)(hash >> 32) & set->mask;
    while (set->slots[at] != 0) {
        if (set->slots[at] == hash)
            return SET_KNOWN;
        at = (at + 1) & set->mask;
    }
    if (set->count == set->capacity)
        return SET_FULL;
    set->slots[at] = hash;
    set->count++;
    return SET_ADDED;
}

void import_check_init(struct import_check *check, struct arena *arena,
    const struct catalog *catalog, const struct capacity *capacity)
{
    *check = (struct import_check){.catalog = catalog};
    set_init(&check->skus, arena, capacity->skus);
    set_init(&check->names, arena, capacity->names);
}

void import_check_begin(struct import_check *check)
{
    set_empty(&check->skus);
    set_empty(&check->names);
    check->rows = check->created = check->error_count = 0;
    check->overflow = false;
}

void import_check_fault(struct import_check *check, const struct catalog_fault *fault)
{
    if (check->error_count < IMPORT_ERRORS_MAX)
        check->errors[check->error_count] = *fault;
    check->error_count++;
}

static void check_name(struct import_check *check, struct bytes name)
{
    if (name.size == 0 || catalog_name_find(check->catalog, name) != 0)
        return;
    if (set_add(&check->names, name) == SET_FULL)
        check->overflow = true;
}

void import_check_row(
    struct import_check *check, const struct product_image *product, uint32_t line)
{
    enum set_answer added = set_add(&check->skus, product->sku);
    check->rows++;
    if (added == SET_KNOWN) {
        struct catalog_fault fault = {
            .line = line, .column = "sku", .reason = "stands in the file twice"};
        import_check_fault(check, &fault);
        return;
    }
    check->overflow = check->overflow || added == SET_FULL;
    check->created += catalog_find_reserved(check->catalog, product->sku) == SKU_NONE;
    check_name(check, product->seller);
    check_name(check, product->sale);
}

const char *import_check_full(const struct import_check *check)
{
    if (check->skus.count == check->skus.capacity && check->overflow)
        return "skus";
    if (!catalog_room(check->catalog, check->created, 0))
        return "skus";
    if (check->overflow || !catalog_room(check->catalog, 0, check->names.count))
        return "names";
    return NULL;
}

void import_check_put_errors(const struct import_check *check, struct json_writer *json)
{
    uint32_t kept = check->error_count < IMPORT_ERRORS_MAX ? check->error_count : IMPORT_ERRORS_MAX;
    json_put_name(json, "errors");
    json_open_array(json);
    for (uint32_t i = 0; i < kept && json->size_max - json->size > ERROR_SIZE_MAX; i++) {
        const struct catalog_fault *error = &check->errors[i];
        json_open_object(json);
        json_put_member_integer(json, "line", error->line);
        json_put_member_string(json, "column", bytes_of_string(error->column));
        json_put_member_string(json, "reason", bytes_of_string(error->reason));
        json_close_object(json);
    }
    json_close_array(json);
    json_put_member_integer(json, "error_count", check->error_count);
}
