/* SPDX-License-Identifier: Apache-2.0 */
/* DELETE of a sale: what goes, what keeps it, and that a crash is only a pause. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/engine_steps.h"
#include "core/merge.h"
#include "tests/core/removing.h"

/* O5: everything of an ended sale goes, on every shard, and a crash later it is still gone */
static void a_removed_sale_leaves_nothing(void **state)
{
    (void)state;
    for (uint32_t shards = 1; shards <= 4; shards++) {
        open_wide(shards);
        sell_out("drop", "A", "B", 100);
        shop_pass(&shop, DAY_MS + 60000);
        assert_int_equal(remove_sale("drop"), OUTCOME_OK);
        assert_nothing_is_left();
        assert_int_equal(catalog_find(&shop.shelf->catalog, BYTES("A")), SKU_NONE);
        assert_int_equal(catalog_name_find(&shop.shelf->catalog, BYTES("drop")), 0);
        assert_int_equal(remove_sale("drop"), OUTCOME_NOT_FOUND);
        assert_int_equal(shop_checkout(&shop, "c1", "A-1", "A", 2), OUTCOME_UNKNOWN_SKU);
        shop_check(&shop);
        shop_reopen(&shop);
        assert_nothing_is_left();
        assert_int_equal(remove_sale("drop"), OUTCOME_NOT_FOUND);
    }
}

/* Blocks of texts and claims, on all shards. */
static uint64_t blocks_used(void)
{
    uint64_t used = claims_used(&shop.shelf->claims);
    for (uint32_t i = 0; i < shop.shards; i++)
        used += shop.engines[i]->texts.used;
    return used;
}

/* Memory slots of products and names are used again, their numbers are not */
static void slots_are_used_again_and_numbers_never(void **state)
{
    (void)state;
    open_wide(2);
    product_of("KEPT", "", &(struct product_image){.stock = 1});
    uint32_t sku_before = 0, sale_before = 0;
    uint64_t blocks = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        char name[16];
        snprintf(name, sizeof(name), "drop-%u", i % 3);
        sell_out(name, "A", "B", 2);
        const struct catalog *catalog = &shop.shelf->catalog;
        uint32_t sku = catalog_number(catalog, catalog_find(catalog, BYTES("B")));
        uint32_t sale = catalog_name_find(catalog, bytes_of_string(name));
        assert_true(sku > sku_before);
        assert_true(sale != sale_before);
        sku_before = sku;
        sale_before = sale;
        assert_int_equal(catalog_walk_end(catalog), 3);
        assert_int_equal(catalog_name_slots(catalog), 2);
        shop_pass(&shop, DAY_MS + 60000);
        assert_int_equal(remove_sale(name), OUTCOME_OK);
        blocks = i == 0 ? blocks_used() : blocks;
        assert_int_equal(blocks_used(), blocks);
        if (i == 3 || i == 998)
            shop_reopen(&shop);
    }
    assert_int_equal(shop_numbers(&shop, "KEPT").available, 1);
    shop_check(&shop);
}

static void assert_refused(
    uint32_t not_final, uint32_t not_streamed, uint32_t shared, uint32_t held)
{
    assert_int_equal(remove_sale("drop"), OUTCOME_VERSION_CONFLICT);
    assert_int_equal(shop.answer.removal.not_final, not_final);
    assert_int_equal(shop.answer.removal.not_streamed, not_streamed);
    assert_int_equal(shop.answer.removal.shared, shared);
    assert_int_equal(shop.answer.removal.held, held);
}

static void a_sale_is_kept_until_a_day_after_its_last_end(void **state)
{
    (void)state;
    open_wide(2);
    int64_t end = shop.now.wall_ms + 60000;
    assert_int_equal(put("drop", &(struct sale_image){0}), OUTCOME_OK);
    assert_refused(0, 0, 0, 0); /* it never ends */
    assert_true(shop.answer.removable_wall_ms == INT64_MAX);
    assert_int_equal(put("drop", &(struct sale_image){.ends_wall_ms = end}), OUTCOME_OK);
    product_of("A", "drop", &(struct product_image){.stock = 1, .ends_wall_ms = end + 5});
    shop_pass(&shop, DAY_MS + 60000 + 4);
    assert_refused(0, 0, 0, 0);
    assert_int_equal(shop.answer.removable_wall_ms, end + 5 + DAY_MS);
    shop_pass(&shop, 1);
    assert_int_equal(remove_sale("drop"), OUTCOME_OK);
}

/* What somebody still needs keeps it: money, a consumer, another sale's order, a hold */
static void a_sale_is_kept_while_something_of_it_is_needed(void **state)
{
    (void)state;
    open_wide(1);
    shop.engines[0]->policy.payment_mode = PAYMENT_EXTERNAL;
    sell_out("drop", "A", "B", 1);
    struct id id = bought("ann", "k", "A", 1);
    struct command_item items[2] = {
        {.sku = BYTES("A"), .quantity = 1}, {.sku = BYTES("OTHER"), .quantity = 1}};
    struct command both = {.kind = COMMAND_CHECKOUT,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("bob"),
        .key = BYTES("k"),
        .items = items,
        .item_count = 2};
    product_of("OTHER", "", &(struct product_image){.stock = 9});
    assert_int_equal(shop_run(&shop, &both), OUTCOME_OK);
    struct id shared;
    memcpy(shared.bytes, shop_order_id(&shop), 16);
    assert_int_equal(shop_pay(&shop, shared.bytes, RESULT_CAPTURED, "p2", 200), OUTCOME_OK);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p1", 100), OUTCOME_OK);
    assert_int_equal(shop_cancel(&shop, NULL, id.bytes, "c"), OUTCOME_OK);
    shop_pass(&shop, 10 * MINUTE_MS);
    shop_pass(&shop, DAY_MS - 9 * MINUTE_MS - 1);
    assert_refused(2, 0, 1, 0); /* the refund that is due, and one expired today */
    assert_int_equal(shop.answer.removable_wall_ms, shop.now.wall_ms + 1);
    shop_pass(&shop, 10 * MINUTE_MS);
    assert_refused(1, 0, 1, 0);
    assert_int_equal(refund(id, "r", 100), OUTCOME_OK);
    uint64_t streamed = shop.now.streamed_seq;
    shop.now.streamed_seq = order(id)->stream_seq - 1;
    assert_refused(0, 1, 1, 0);
    shop.now.streamed_seq = streamed;
    assert_refused(0, 0, 1, 0);
    assert_int_equal(shop_numbers(&shop, "A").sold, 1); /* nothing has changed */
    shop_pass(&shop, 3 * (uint64_t)DAY_MS); /* the shared order is forgotten in its time */
    assert_int_equal(remove_sale("drop"), OUTCOME_OK);
    assert_stock("OTHER", 8, 0, 1);
}

/* From closing on its SKUs are unknown to all; then it goes on by itself, also after a crash
 * between any two records */
static void a_crash_anywhere_in_a_removal_is_only_a_pause(void **state)
{
    (void)state;
    for (uint32_t crash_after = 0; crash_after < 40; crash_after++) {
        open_wide(3);
        sell_out("drop", "A", "B", 20);
        shop_pass(&shop, DAY_MS + 60000);
        struct command command = removing("drop");
        shop_visit(&shop, &command, 0);
        bool is_closing = false;
        for (uint32_t events = 0; shop.answer.goes_on && events < crash_after;) {
            command.step = shop.answer.next_step;
            shop_visit(&shop, &command, shop.answer.next_shard);
            events += shop.last_event != EVENT_NONE;
            is_closing = is_closing || shop.last_event == EVENT_SALE_CLOSING;
            shop_settle(&shop);
            if (is_closing)
                assert_int_equal(catalog_find(&shop.shelf->catalog, BYTES("A")), SKU_NONE);
        }
        shop_check(&shop);
        shop_reopen(&shop);
        assert_int_equal(catalog_find(&shop.shelf->catalog, BYTES("A")) == SKU_NONE, is_closing);
        if (crash_after % 2 == 0 || !is_closing) {
            enum outcome outcome = remove_sale("drop");
            assert_true(outcome == OUTCOME_OK || outcome == OUTCOME_NOT_FOUND);
        } else {
            for (uint32_t i = 0; i < 10; i++) /* nobody asks for it */
                shop_pass(&shop, 20);
        }
        assert_nothing_is_left();
        assert_int_equal(remove_sale("drop"), OUTCOME_NOT_FOUND);
        shop_check(&shop);
        sell_out("drop", "A", "B", 2);
    }
}

/* While it leaves nothing of it changes, and nothing new comes to it */
static void a_sale_that_leaves_is_nobodys_any_more(void **state)
{
    (void)state;
    open_wide(2);
    sell_out("drop", "A", "B", 2);
    shop_pass(&shop, DAY_MS + 60000);
    struct command command = removing("drop");
    shop_visit(&shop, &command, 0);
    while (shop.last_event != EVENT_SALE_CLOSING) {
        command.step = shop.answer.next_step;
        shop_visit(&shop, &command, shop.answer.next_shard);
    }
    shop_settle(&shop);
    assert_int_equal(
        put("drop", &(struct sale_image){.hold_seconds = 1}), OUTCOME_VERSION_CONFLICT);
    assert_int_equal(shop_cart(&shop, "c0", "A", 1), OUTCOME_NOT_FOUND);
    assert_int_equal(shop_stock(&shop, "A", 1, "s"), OUTCOME_NOT_FOUND);
    struct product_image image = {.sku = BYTES("A"), .price_count = 1, .title = BYTES("x")};
    struct command product = {.kind = COMMAND_PRODUCT_SET, .product = &image};
    memcpy(image.prices[0].currency, "GBP", 4);
    assert_int_equal(shop_run(&shop, &product), OUTCOME_VERSION_CONFLICT);
    image.sku = BYTES("NEW");
    image.sale = BYTES("drop");
    assert_int_equal(shop_run(&shop, &product), OUTCOME_VERSION_CONFLICT);
    struct command import = {.kind = COMMAND_IMPORT_BEGIN};
    assert_int_equal(shop_run(&shop, &import), OUTCOME_VERSION_CONFLICT);
    assert_int_equal(put("other", &(struct sale_image){.ends_wall_ms = 1}), OUTCOME_OK);
    assert_int_equal(remove_sale("other"), OUTCOME_VERSION_CONFLICT); /* one at a time */
    assert_int_equal(remove_sale("drop"), OUTCOME_OK);                /* joins the one under way */
    assert_nothing_is_left();
    assert_int_equal(remove_sale("other"), OUTCOME_OK);
}

/* The name of a seller stays when a sale of the same name goes */
static void a_sellers_name_outlives_the_sale(void **state)
{
    (void)state;
    open_wide(1);
    assert_int_equal(
        put("seller-1", &(struct sale_image){.ends_wall_ms = shop.now.wall_ms}), OUTCOME_OK);
    product_of("A", "seller-1", &(struct product_image){.stock = 1});
    product_of("KEPT", "", &(struct product_image){.stock = 1});
    shop_pass(&shop, DAY_MS);
    assert_int_equal(remove_sale("seller-1"), OUTCOME_OK);
    const struct catalog *catalog = &shop.shelf->catalog;
    assert_int_not_equal(catalog_name_find(catalog, BYTES("seller-1")), 0);
    assert_int_equal(remove_sale("seller-1"), OUTCOME_NOT_FOUND);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "KEPT", 1), OUTCOME_OK);
    shop_check(&shop);
    shop_reopen(&shop);
    assert_int_equal(put("seller-1", &(struct sale_image){.hold_seconds = 4}), OUTCOME_OK);
    assert_true(shop.answer.created);
}

/* O5: such a sale has its number again, and every shard its part anew. */
static void a_sale_of_a_sellers_name_is_removed_again(void **state)
{
    (void)state;
    open_wide(2);
    product_of("KEPT", "", &(struct product_image){.stock = 1});
    for (uint32_t round = 0; round < 3; round++) {
        sell_out("seller-1", "A", "B", 20);
        shop_pass(&shop, 2 * DAY_MS);
        assert_int_equal(remove_sale("seller-1"), OUTCOME_OK);
        assert_nothing_is_left();
        if (round == 1)
            shop_reopen(&shop);
        shop_check(&shop);
    }
}

/* Names of customers that live on these shards. */
static void name_on(char out[8], const char *prefix, uint32_t shard)
{
    for (uint32_t i = 0;; i++) {
        (void)snprintf(out, 8, "%s%u", prefix, i);
        if (partition_of_customer(bytes_of_string(out)) % shop.shards == shard)
            return;
    }
}

static char guest[8], ann[8]; /* on the last shard and on the first */

/* The guest has bought and holds units of a sale that is over. */
static void open_with_guest(void)
{
    open_wide(3);
    name_on(guest, "g", 2);
    name_on(ann, "a", 0);
    assert_int_equal(put("drop", &(struct sale_image){.reserve_on = RESERVE_CART}), OUTCOME_OK);
    product_of("A", "drop", &(struct product_image){.stock = 9, .max_per_customer = 5});
    assert_int_equal(shop_checkout(&shop, guest, "k", "A", 2), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, guest, "A", 3), OUTCOME_OK);
    assert_int_equal(put("drop", &(struct sale_image){.ends_wall_ms = 1}), OUTCOME_OK);
}

/* C4: a merge under way has units that stand in no table; the sale waits for it, and nothing of it
 * comes to a customer on a shard that is done already */
static void a_merge_under_way_brings_nothing_of_a_sale_that_leaves(void **state)
{
    (void)state;
    open_with_guest();
    struct command merge = {.kind = COMMAND_CART_MERGE,
        .role = ROLE_CUSTOMER,
        .customer = bytes_of_string(ann),
        .guest_id = bytes_of_string(guest)};
    static uint8_t carry[sizeof(shop.carry)];
    merge.carry = carry;
    merge.carry_size_max = sizeof(carry);
    assert_int_equal(remove_sale("drop"), OUTCOME_VERSION_CONFLICT);
    assert_int_equal(shop.answer.removal.held, 1);
    uint32_t shard = command_shard(&merge, shop.shards);
    for (uint32_t step = 0; step < 2; step++) { /* until the cart has moved out */
        shop_visit(&shop, &merge, shard);
        shop_settle(&shop);
        assert_true(shop.answer.goes_on);
        merge.step = shop.answer.next_step;
        shard = shop.answer.next_shard;
    }
    assert_int_equal(remove_sale("drop"), OUTCOME_VERSION_CONFLICT);
    assert_int_equal(shop.answer.removal.held, 1);
    assert_false(catalog_has_part(&shop.shelf->catalog, 0)); /* ann's is done */
    assert_true(catalog_has_part(&shop.shelf->catalog, 2));
    for (bool more = true; more; more = shop.answer.goes_on) {
        shop_visit(&shop, &merge, shard);
        shop_settle(&shop);
        merge.step = shop.answer.next_step;
        shard = shop.answer.next_shard;
    }
    assert_int_equal(shop.answer.outcome, OUTCOME_OK);
    assert_int_equal(remove_sale("drop"), OUTCOME_OK);
    for (uint32_t i = 0; i < shop.shards; i++) {
        assert_int_equal(shop.engines[i]->holds.used, 0);
        assert_int_equal(shop.engines[i]->allowances.used, 0);
    }
    assert_int_equal(claims_used(&shop.shelf->claims), 0); /* what he bought counted for ann */
    shop_check(&shop);
    shop_reopen(&shop);
    shop_check(&shop);
}

/* A merge that a crash ended has nothing on the way: what it left goes with the sale */
static void what_a_merge_left_at_a_crash_goes_too(void **state)
{
    (void)state;
    open_with_guest();
    for (uint32_t visits = 2; visits <= 4; visits++) {
        struct command merge = {.kind = COMMAND_CART_MERGE,
            .role = ROLE_CUSTOMER,
            .customer = bytes_of_string(ann),
            .guest_id = bytes_of_string(guest),
            .carry = shop.carry,
            .carry_size_max = sizeof(shop.carry)};
        uint32_t shard = command_shard(&merge, shop.shards);
        for (uint32_t i = 0; i < visits && (i == 0 || shop.answer.goes_on); i++) {
            shop_visit(&shop, &merge, shard);
            shop_settle(&shop);
            merge.step = shop.answer.next_step;
            shard = shop.answer.next_shard;
        }
        shop_reopen(&shop);
    }
    shop_pass(&shop, 11 * MINUTE_MS); /* a hold that has arrived */
    assert_int_equal(remove_sale("drop"), OUTCOME_OK);
    assert_int_equal(shop.engines[0]->allowances.used + shop.engines[2]->allowances.used, 0);
    shop_check(&shop);
    shop_reopen(&shop);
    shop_check(&shop);
}

/* V1: a rise of its stock is long durable when the journal is read, and no rise of today */
static void a_sale_whose_stock_was_raised_leaves_at_recovery_too(void **state)
{
    (void)state;
    open_wide(2);
    sell_out("drop", "A", "B", 10);
    assert_int_equal(shop_stock(&shop, "A", 5, "more"), OUTCOME_OK);
    assert_int_equal(shop_stock(&shop, "B", -5, "less"), OUTCOME_OK);
    shop_pass(&shop, DAY_MS + 60000);
    assert_int_equal(remove_sale("drop"), OUTCOME_OK);
    shop_reopen(&shop);
    assert_int_equal(catalog_find(&shop.shelf->catalog, BYTES("A")), SKU_NONE);
    shop_check(&shop);
}

/* I2: the key of a stock change is the SKU's, and a SKU that comes again is another one */
static void a_key_of_a_removed_sku_is_nobodys(void **state)
{
    (void)state;
    open_wide(2);
    sell_out("drop", "A", "B", 1);
    assert_int_equal(shop_stock(&shop, "A", 5, "more"), OUTCOME_OK);
    shop_pass(&shop, DAY_MS + 60000);
    assert_int_equal(remove_sale("drop"), OUTCOME_OK);
    product_of("A", "next", &(struct product_image){.stock = 10});
    assert_int_equal(shop_stock(&shop, "A", 5, "more"), OUTCOME_OK);
    assert_false(shop.answer.replayed);
    assert_stock("A", 15, 0, 0);
    assert_int_equal(shop_stock(&shop, "A", 5, "more"), OUTCOME_OK);
    assert_true(shop.answer.replayed);
}

/* C4: a line competes by today's terms, also when the sale that it was put in is gone */
static void a_line_of_a_gone_sale_is_merged_where_its_sku_is_today(void **state)
{
    (void)state;
    open_wide(2);
    assert_int_equal(put("drop", &(struct sale_image){.reserve_on = RESERVE_CHECKOUT}), OUTCOME_OK);
    product_of("A", "drop", &(struct product_image){.stock = 9});
    assert_int_equal(shop_cart(&shop, "guest", "A", 3), OUTCOME_OK);
    product_of("A", "next", &(struct product_image){.stock = 9});
    assert_int_equal(put("drop", &(struct sale_image){.ends_wall_ms = 1}), OUTCOME_OK);
    assert_int_equal(remove_sale("drop"), OUTCOME_OK);
    struct command merge = {.kind = COMMAND_CART_MERGE,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .guest_id = BYTES("guest"),
        .carry = shop.carry,
        .carry_size_max = sizeof(shop.carry)};
    assert_int_equal(shop_run(&shop, &merge), OUTCOME_OK);
    assert_int_equal(shop.answer.line_count, 0);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k"), OUTCOME_OK);
    assert_stock("A", 6, 0, 3);
}

/* O5: orders of a product that goes to another sale after the counting are of both */
static void what_changes_after_the_counting_is_counted_again(void **state)
{
    (void)state;
    open_wide(1);
    sell_out("drop", "A", "B", 1);
    shop_pass(&shop, DAY_MS + 60000);
    struct command command = removing("drop");
    do {
        if (command.step == 2) /* all is counted: it closes next */
            product_of("A", "next", &(struct product_image){.stock = 1000});
        shop_visit(&shop, &command, 0);
        command.step = shop.answer.next_step;
    } while (shop.answer.goes_on);
    assert_int_equal(shop.shelf->catalog.leaving, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_removed_sale_leaves_nothing),
        RULE(slots_are_used_again_and_numbers_never),
        RULE(a_sale_is_kept_until_a_day_after_its_last_end),
        RULE(a_sale_is_kept_while_something_of_it_is_needed),
        RULE(a_crash_anywhere_in_a_removal_is_only_a_pause),
        RULE(a_sale_that_leaves_is_nobodys_any_more),
        RULE(a_sellers_name_outlives_the_sale),
        RULE(a_sale_of_a_sellers_name_is_removed_again),
        RULE(a_merge_under_way_brings_nothing_of_a_sale_that_leaves),
        RULE(what_a_merge_left_at_a_crash_goes_too),
        RULE(a_sale_whose_stock_was_raised_leaves_at_recovery_too),
        RULE(a_key_of_a_removed_sku_is_nobodys),
        RULE(a_line_of_a_gone_sale_is_merged_where_its_sku_is_today),
        RULE(what_changes_after_the_counting_is_counted_again),
    };
    return cmocka_run_group_tests_name("engine_removal", tests, NULL, NULL);
}
