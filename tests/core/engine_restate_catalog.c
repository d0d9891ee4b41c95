/* SPDX-License-Identifier: Apache-2.0 */
/* Images of the catalog, the switches and an import: they say all, and nothing else is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/engine_steps.h"
#include "core/restate_catalog.h"
#include "tests/core/restated.h"
#include "tests/core/sales.h"
#include "tests/lib/stops.h"

static const struct capacity wide = {
    .skus = 8,
    .customers = 40,
    .orders = 40,
    .holds = 40,
    .lines = 80,
    .text_bytes = 16384,
    .idempotency_keys = 80,
    .claims = 160,
    .identities = 40,
    .allowances = 40,
    .names = 8,
    .connections = 1,
    .requests = 1,
};

static void set_switch(enum switch_action action, enum switch_scope scope, const char *name)
{
    assert_int_equal(shop_switch(&shop, action, scope, name), OUTCOME_OK);
}

static void import(enum command_kind kind)
{
    const struct command command = {
        .kind = kind,
        .role = ROLE_OPERATOR,
        .actor = BYTES("cat"),
        .import = {.hash = {.low = 3, .high = 4}, .size = 5, .rows = 6},
    };
    assert_int_equal(shop_run(&shop, &command), OUTCOME_OK);
}

static enum outcome remove_sale(const char *name)
{
    const struct command command = {.kind = COMMAND_SALE_REMOVE,
        .role = ROLE_OPERATOR,
        .sale = bytes_of_string(name),
        .carry = shop.carry,
        .carry_size_max = sizeof(shop.carry)};
    return shop_run(&shop, &command);
}

/* Names of sellers, of sales, of both; terms, windows that were told; a product with every text. */
static void fill_shelf(void)
{
    shop_close(&shop);
    shop_open(&shop, 2, &wide);
    const struct sale_image summer = {.hold_seconds = 61,
        .payment_seconds = 62,
        .review_seconds = 63,
        .max_per_customer = 4,
        .reserve_on = RESERVE_CART,
        .payment_mode = PAYMENT_DEFERRED,
        .counts = COUNTS_CAPPED,
        .counts_cap = 7,
        .guests = GUESTS_REFUSED,
        .starts_wall_ms = shop.now.wall_ms - 5,
        .ends_wall_ms = shop.now.wall_ms + 3600000};
    assert_int_equal(put("summer", &summer), OUTCOME_OK);
    product_of("A", "summer",
        &(struct product_image){.stock = 10,
            .category = BYTES("shoes"),
            .group = BYTES("g"),
            .option = BYTES("o"),
            .image = BYTES("i"),
            .max_per_customer = 3,
            .hold_seconds = 9,
            .starts_wall_ms = 1,
            .ends_wall_ms = shop.now.wall_ms + 60000});
    product_of("B", "seller-1", &(struct product_image){.stock = 20, .reserve_on = RESERVE_CART});
    product_of("C", "", &(struct product_image){.stock = 30});
    shop_pass(&shop, 1);
}

/* Sales that are gone, so that their slots are free, the newer one in a slot before the older. */
static void free_some_names(void)
{
    const struct sale_image over = {.ends_wall_ms = 1};
    assert_int_equal(put("x", &over), OUTCOME_OK);
    assert_int_equal(put("y", &over), OUTCOME_OK);
    assert_int_equal(put("z", &over), OUTCOME_OK);
    product_of("X", "x", &(struct product_image){.stock = 1});
    assert_int_equal(remove_sale("z"), OUTCOME_OK);
    assert_int_equal(remove_sale("y"), OUTCOME_OK);
    assert_int_equal(remove_sale("x"), OUTCOME_OK);
    assert_int_equal(put("new", &over), OUTCOME_OK);
}

/* V7 */
static void everything_on_the_shelf_is_restated(void **state)
{
    (void)state;
    fill_shelf();
    restated_check(&shop, NULL);
    free_some_names();
    assert_int_equal(shop.shelf->catalog.names_free, 2);
    restated_check(&shop, NULL);
    assert_int_equal(shop_stock(&shop, "A", 5, "k"), OUTCOME_OK);
    set_switch(SWITCH_PAUSE, SCOPE_ALL, NULL);
    set_switch(SWITCH_FREEZE, SCOPE_ALL, NULL);
    set_switch(SWITCH_KILL, SCOPE_SKU, "B");
    set_switch(SWITCH_PAUSE, SCOPE_SALE, "summer");
    restated_check(&shop, NULL);
    import(COMMAND_IMPORT_BEGIN);
    product_of("N", "summer", &(struct product_image){.stock = 1, .in_import = 1});
    restated_check(&shop, NULL);
    import(COMMAND_IMPORT_END);
    restated_check(&shop, NULL);
}

/* V7: a sale that is closing is closing still, and its products are to be seen nowhere */
static void a_sale_that_leaves_is_restated_as_leaving(void **state)
{
    (void)state;
    fill_shelf();
    assert_int_equal(put("x", &(struct sale_image){.ends_wall_ms = 1}), OUTCOME_OK);
    product_of("X", "x", &(struct product_image){.stock = 1});
    const struct event closing = {.kind = EVENT_SALE_CLOSING,
        .fact.removal.sale_number = catalog_name_find(&shop.shelf->catalog, BYTES("x")),
        .text[TEXT_SALE] = BYTES("x")};
    shop_happen(&shop, 0, &closing);
    assert_false(catalog_is_settled(&shop.shelf->catalog));
    shop_settle(&shop);
    restated_check(&shop, NULL);
    for (uint32_t i = 0; i < 8; i++)
        shop_pass(&shop, 1000);
    assert_int_equal(catalog_name_find(&shop.shelf->catalog, BYTES("x")), 0);
    restated_check(&shop, NULL);
}

/* A change that waits for the disk is decided and cannot be seen: a walk waits for it. */
static void a_walk_begins_when_nothing_waits_for_the_disk(void **state)
{
    (void)state;
    fill_shelf();
    struct catalog *catalog = &shop.shelf->catalog;
    struct fact_walk fact;
    shop.settles_by_itself = false;
    product_of("D", "", &(struct product_image){.stock = 30});
    assert_false(catalog_is_settled(catalog));
    STOPS(restate_catalog_begin(shop.engines[0], &fact));
    shop_settle(&shop);
    assert_true(catalog_is_settled(catalog));
    import(COMMAND_IMPORT_BEGIN);
    assert_true(catalog_is_settled(catalog));
    import(COMMAND_IMPORT_END);
    assert_false(catalog_is_settled(catalog));
    shop_settle(&shop);
    assert_true(catalog_is_settled(catalog));
}

/* Each byte of an image's fact and of its texts is compared with what is there. */
static void lie(struct engine *twin, struct event *image)
{
    static const uint32_t sizes[] = {[EVENT_NAME_IMAGE] = sizeof(struct fact_name),
        [EVENT_PRODUCT_IMAGE] = sizeof(struct fact_product),
        [EVENT_SWITCH_IMAGE] = sizeof(struct fact_switch),
        [EVENT_IMPORT_IMAGE] = sizeof(struct fact_import)};
    uint8_t *fact = (uint8_t *)&image->fact;
    for (uint32_t i = 0; i < sizes[image->kind]; i += 4) {
        fact[i] ^= 1;
        bool about_another =
            image->kind == EVENT_NAME_IMAGE && &fact[i] == (uint8_t *)&image->fact.name.slot.slot;
        if (image->kind != EVENT_SWITCH_IMAGE && !about_another)
            STOPS(engine_replay(twin, image));
        fact[i] ^= 1;
    }
    for (uint32_t i = 0; i < EVENT_TEXTS; i++) {
        bool unused = image->kind == EVENT_SWITCH_IMAGE && i != TEXT_ACTOR;
        if (image->text[i].size == 0 || unused)
            continue;
        image->text[i].size--;
        STOPS(engine_replay(twin, image));
        image->text[i].size++;
    }
    engine_replay(twin, image);
}

/* V1: an image of what is there already, and different, is damage */
static void an_image_that_lies_is_not_believed(void **state)
{
    (void)state;
    fill_shelf();
    free_some_names();
    set_switch(SWITCH_PAUSE, SCOPE_SALE, "summer");
    import(COMMAND_IMPORT_BEGIN);
    restated_check(&shop, lie);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(everything_on_the_shelf_is_restated),
        RULE(a_sale_that_leaves_is_restated_as_leaving),
        RULE(a_walk_begins_when_nothing_waits_for_the_disk),
        RULE(an_image_that_lies_is_not_believed),
    };
    return cmocka_run_group_tests_name("engine_restate_catalog", tests, NULL, NULL);
}
