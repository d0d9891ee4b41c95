/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Journals that begin with a restating walk: of 10 units of each SKU, those of S1 are 2 in order
 * 21, 3 held by ann and 4 in orders that are forgotten. What happens then is counted from there,
 * and what a later walk says is examined.
 */
#include "core/tables.h"
#include "tests/persist/audit_history.h"

enum { ORDER = 21, BASE_SEQ_0 = 100, BASE_SEQ_1 = 40, SKU_NEXT = 50, LEAVING = 3 };

static const struct hash128 key = {7, 9};

struct told_walk {
    uint64_t number;
    uint64_t images;
};

static void tell(
    struct history *history, struct told_walk *walk, uint32_t shard, const struct event *image)
{
    struct event copy = *image;
    walk->images++;
    happens(history, shard, &copy);
}

static struct told_walk walk_begins(struct history *history, uint32_t shard, uint64_t number)
{
    struct event event = {.kind = EVENT_WALK_BEGUN,
        .fact.walk = {.number = number, .stream_seq = history->seq[shard]}};
    if (shard == 0) {
        event.fact.walk.sku_next = SKU_NEXT;
        event.fact.walk.leaving = LEAVING;
    }
    happens(history, shard, &event);
    return (struct told_walk){.number = number};
}

static void walk_ends(struct history *history, uint32_t shard, const struct told_walk *walk)
{
    struct event event = {.kind = EVENT_WALK_ENDED,
        .fact.walk_end = {.number = walk->number, .images = walk->images}};
    happens(history, shard, &event);
}

static void tell_product(
    struct history *history, struct told_walk *walk, uint32_t number, uint32_t sale)
{
    char name[16];
    (void)snprintf(name, sizeof(name), "S%u", number);
    struct event image = {.kind = EVENT_PRODUCT_IMAGE};
    image.fact.product = (struct fact_product){
        .sku_number = number, .version = 1, .allotment = STOCK, .created = 1, .sale_number = sale};
    image.text[TEXT_SKU] = bytes_of_string(name);
    tell(history, walk, 0, &image);
}

/* As it was placed, or was written last; its stream number is the shard's last. */
static struct event order_image(struct history *history, struct event *written)
{
    struct event image = *written;
    image.kind = EVENT_ORDER_IMAGE;
    image.stream_seq = image.stream_count = 0;
    image.fact.order_image.stream_seq = history->seq[1];
    return image;
}

static void tell_order(struct history *history, struct told_walk *walk)
{
    struct sample_order order;
    struct event image = order_image(history, sample_order_placed(&order, ORDER, 0));
    image.fact.order_image.stream_seq = BASE_SEQ_1;
    tell(history, walk, 1, &image);
}

static void tell_key(struct history *history, struct told_walk *walk, uint64_t keep_shelf_ms)
{
    struct sample_order order;
    struct key_entry entry = {.key = key, .keep_shelf_ms = keep_shelf_ms, .kind = REQUEST_CHECKOUT};
    memcpy(entry.order_id, sample_order_placed(&order, ORDER, 0)->fact.order.id, 16);
    struct event image = {.kind = EVENT_KEYS_IMAGE, .fact.images = {.count = 1}};
    image.text[TEXT_ENTRIES] = bytes_of(&entry, sizeof(entry));
    tell(history, walk, 1, &image);
}

static void tell_cart(struct history *history, struct told_walk *walk, uint32_t held)
{
    const struct event_line line = {.sku_number = 1, .quantity = held};
    const struct event_hold hold = {.state = LINE_HELD};
    struct event image = {.kind = EVENT_CUSTOMER_IMAGE, .lines = &line, .line_count = 1};
    image.text[TEXT_CUSTOMER] = BYTES("ann");
    image.text[TEXT_HOLDS] = bytes_of(&hold, sizeof(hold));
    tell(history, walk, 1, &image);
}

static void tell_gone(struct history *history, struct told_walk *walk, uint32_t units)
{
    const struct event_line line = {.sku_number = 1, .unit_price = units};
    struct event image = {.kind = EVENT_GONE_IMAGE, .lines = &line, .line_count = 1};
    image.fact.images.count = 1;
    tell(history, walk, 1, &image);
}

static void tell_everything(struct history *history, struct told_walk *walk)
{
    tell_cart(history, walk, 3);
    tell_order(history, walk);
    tell_key(history, walk, 1000);
    tell_gone(history, walk, 4);
}

static int begin(void **state)
{
    struct history *history = history_open();
    history->seq[0] = BASE_SEQ_0;
    history->seq[1] = BASE_SEQ_1;
    struct told_walk walk = walk_begins(history, 0, 5);
    for (uint32_t i = 1; i <= SKUS; i++)
        tell_product(history, &walk, i, i == SKUS ? LEAVING : SALE);
    walk_ends(history, 0, &walk);
    walk = walk_begins(history, 1, 8);
    tell_everything(history, &walk);
    walk_ends(history, 1, &walk);
    *state = history;
    return 0;
}

static void cart(struct history *history, uint32_t quantity, uint32_t taken, uint32_t given)
{
    struct event_line line = {.sku_number = 1, .quantity = quantity, .moved = given};
    struct event event = {.kind = EVENT_CART_LINE_SET, .lines = &line, .line_count = 1};
    event.fact.cart = (struct fact_cart){.state = quantity > 0 ? LINE_HELD : LINE_NONE,
        .taken = taken,
        .move = given > 0 ? MOVE_GIVE : MOVE_NONE};
    event.text[TEXT_CUSTOMER] = BYTES("ann");
    happens(history, 1, &event);
}

static void forget_order(struct history *history)
{
    struct sample_order order;
    struct event event = {.kind = EVENT_ORDERS_FORGOTTEN, .fact.forgotten = {.count = 1}};
    event.text[TEXT_IDS] = bytes_of(sample_order_placed(&order, ORDER, 0)->fact.order.id, 16);
    happens(history, 1, &event);
}

static void forget_key(struct history *history)
{
    struct event event = {.kind = EVENT_KEYS_FORGOTTEN};
    event.fact.forgotten = (struct fact_forgotten){.now_shelf_ms = 1000, .count = 1};
    event.text[TEXT_IDS] = bytes_of(&key, sizeof(key));
    happens(history, 1, &event);
}

/* V1 to V4: both counts begin with what the walk says. */
static void what_a_walk_restates_goes_on(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    cart(history, 4, 1, 0);
    cart(history, 0, 0, 4);
    happens(history, 1, sample_order_cancelled(&order, ORDER));
    happens(history, 1, sample_order_placed(&order, ORDER + 21, 0));
    assert_sound(history);
}

static void a_second_walk_that_says_what_is_known_is_sound(void **state)
{
    struct history *history = *state;
    struct told_walk walk = walk_begins(history, 1, 9);
    tell_everything(history, &walk);
    walk_ends(history, 1, &walk);
    walk = walk_begins(history, 0, 6);
    for (uint32_t i = 1; i < SKUS; i++)
        tell_product(history, &walk, i, SALE);
    walk_ends(history, 0, &walk);
    assert_sound(history);
}

/* V3: 4 of forgotten orders, 2 of one that is kept, 3 held: there is one left. */
static void a_unit_sold_twice_across_a_walk_is_oversold(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    happens(history, 0, sample_order_placed(&order, ORDER + 21, 0));
    assert_found(history, AUDIT_OVERSOLD, 1, "SKU S1: 3 held and 8 sold of an allotment of 10");
}

static void a_hold_that_dies_without_its_units_is_stranded(void **state)
{
    struct history *history = *state;
    cart(history, 0, 0, 2);
    assert_found(history, AUDIT_STRANDED, 1, "SKU S1: 1 units went into holds, 0 are in live ones");
}

static void an_order_that_is_restated_otherwise_is_different(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    struct told_walk walk = walk_begins(history, 1, 9);
    struct event image = order_image(history, sample_order_placed(&order, ORDER, 0));
    image.fact.order_image.order.paid = 1;
    tell(history, &walk, 1, &image);
    tell_cart(history, &walk, 3);
    tell_key(history, &walk, 1000);
    tell_gone(history, &walk, 4);
    walk_ends(history, 1, &walk);
    assert_found(history, AUDIT_DIFFERENT, 1, "a walk says otherwise than the events before it");
}

static void an_order_that_is_restated_with_other_lines_is_different(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    struct told_walk walk = walk_begins(history, 1, 9);
    sample_order_placed(&order, ORDER, 0);
    order.lines[0].quantity++;
    struct event image = order_image(history, &order.event);
    tell(history, &walk, 1, &image);
    assert_found(history, AUDIT_DIFFERENT, 1, "a walk says otherwise than the events before it");
}

/* V7: what a walk does not restate would be lost with the segments before it. */
static void what_a_walk_does_not_restate_is_lost(void **state)
{
    struct history *history = *state;
    struct told_walk walk = walk_begins(history, 1, 9);
    walk_ends(history, 1, &walk);
    assert_found(history, AUDIT_LOST, 4, "shard 1 does not restate it in walk 9");
    walk = walk_begins(history, 0, 6);
    walk_ends(history, 0, &walk);
    assert_found(history, AUDIT_LOST, 4 + SKUS - 1, "SKU S1: shard 0 does not restate it");
}

static void what_happens_in_a_walk_needs_no_image(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    struct told_walk walk = walk_begins(history, 1, 9);
    tell_everything(history, &walk);
    sample_order_placed(&order, ORDER + 1, 0)->fact.order.keep_shelf_ms = 1000;
    happens(history, 1, &order.event);
    walk_ends(history, 1, &walk);
    assert_sound(history);
}

static void an_order_that_only_a_walk_knows_is_lost(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    struct told_walk walk = walk_begins(history, 1, 9);
    tell_everything(history, &walk);
    struct event image = order_image(history, sample_order_placed(&order, ORDER + 1, 0));
    tell(history, &walk, 1, &image);
    walk_ends(history, 1, &walk);
    assert_found(history, AUDIT_LOST, 1, "a walk restates it, it was not placed");
}

static void an_image_that_is_missing_in_the_first_walk_is_lost(void **state)
{
    struct history *history = *state;
    struct told_walk walk = walk_begins(history, 1, 9);
    tell_everything(history, &walk);
    walk.images++;
    walk_ends(history, 1, &walk);
    assert_found(history, AUDIT_LOST, 1, "walk 9 ends with 5 images, walk 9 was begun and has 4");
}

static void a_cart_that_is_restated_otherwise_is_different(void **state)
{
    struct history *history = *state;
    struct told_walk walk = walk_begins(history, 1, 9);
    tell_cart(history, &walk, 2);
    /* then the units of the image are those of the cart, and one is in no cart */
    audit_model_check(&history->model);
    fflush(history->findings.out);
    assert_int_equal(history->findings.counts[AUDIT_DIFFERENT], 1);
    assert_int_equal(history->findings.counts[AUDIT_STRANDED], 1);
    assert_non_null(strstr(history->said, "SKU S1: customer ann holds 3, a walk says 2"));
}

static void orders_that_are_forgotten_join_those_before(void **state)
{
    struct history *history = *state;
    forget_key(history);
    forget_order(history);
    struct told_walk walk = walk_begins(history, 1, 9);
    tell_cart(history, &walk, 3);
    tell_gone(history, &walk, 4 + 2);
    walk_ends(history, 1, &walk);
    assert_sound(history);
}

static void units_of_forgotten_orders_that_are_told_otherwise_are_different(void **state)
{
    struct history *history = *state;
    forget_key(history);
    forget_order(history);
    struct told_walk walk = walk_begins(history, 1, 9);
    tell_gone(history, &walk, 4);
    assert_found(history, AUDIT_DIFFERENT, 1,
        "SKU S1: shard 1 has forgotten orders of 6 units, a walk says 4");
}

static void an_order_that_is_forgotten_and_restated_is_different(void **state)
{
    struct history *history = *state;
    forget_key(history);
    forget_order(history);
    struct told_walk walk = walk_begins(history, 1, 9);
    tell_order(history, &walk);
    assert_found(history, AUDIT_DIFFERENT, 1, "it was forgotten, and a walk restates it");
}

/* I2: only its hash is restated. */
static void a_restated_key_makes_no_second_order(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    sample_order_placed(&order, ORDER + 1, 0)->fact.order.key_hash = key;
    order.event.fact.order.now_shelf_ms = 999;
    happens(history, 1, &order.event);
    assert_found(history, AUDIT_DUPLICATED, 1, "its idempotency key has made an order before");
}

static void a_restated_key_may_be_used_again_when_its_time_is_over(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    sample_order_placed(&order, ORDER + 1, 0)->fact.order.key_hash = key;
    order.event.fact.order.now_shelf_ms = 1000;
    happens(history, 1, &order.event);
    assert_sound(history);
}

static void a_key_that_is_restated_otherwise_is_different(void **state)
{
    struct history *history = *state;
    struct told_walk walk = walk_begins(history, 1, 9);
    tell_key(history, &walk, 1001);
    assert_found(history, AUDIT_DIFFERENT, 1, "a walk says otherwise of its key");
}

/* S1 */
static void a_stream_number_left_out_behind_a_walk_is_a_gap(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    history->seq[1]++;
    happens(history, 1, sample_order_placed(&order, ORDER + 1, 0));
    assert_found(history, AUDIT_GAPS, 1, "shard 1: stream number 42 comes after 40");
}

static void a_walk_at_another_stream_number_is_a_gap(void **state)
{
    struct history *history = *state;
    history->seq[1]++;
    (void)walk_begins(history, 1, 9);
    assert_found(history, AUDIT_GAPS, 1, "walk 9 begins after stream number 41, not 40");
}

static void an_order_without_image_is_lost(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    happens(history, 0, sample_order_captured(&order, 4, "pay-4"));
    assert_found(history, AUDIT_LOST, 1, "has events but was never placed");
}

static void a_product_that_is_restated_otherwise_is_different(void **state)
{
    struct history *history = *state;
    struct event stock = {.kind = EVENT_STOCK_ADJUSTED, .stream_count = 1};
    stock.fact.stock = (struct fact_stock){.sku_number = 1, .delta = 5, .allotment = 15};
    happens(history, 0, &stock);
    struct told_walk walk = walk_begins(history, 0, 6);
    tell_product(history, &walk, 1, SALE);
    assert_found(history, AUDIT_DIFFERENT, 1, "SKU S1: its allotment is 15, a walk says 10");
}

/* Shards begin at different times: shard 0 may have removed what another still has. */
static void units_of_a_product_removed_before_are_nobodys_concern(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    sample_order_placed(&order, ORDER + 1, 0);
    for (uint32_t i = 0; i < order.event.line_count; i++)
        order.lines[i].sku_number = SKU_NEXT - 1;
    happens(history, 1, &order.event);
    assert_sound(history);
    order.event.fact.order.id[10]++;
    order.event.text[TEXT_KEY] = BYTES("another");
    for (uint32_t i = 0; i < order.event.line_count; i++)
        order.lines[i].sku_number = SKU_NEXT;
    happens(history, 1, &order.event);
    assert_found(history, AUDIT_OVERSOLD, 2, "units of a SKU were sold that never was");
}

/* Its removal had begun before shard 0 is read. */
static void units_held_of_a_sale_that_is_leaving_are_lost(void **state)
{
    struct history *history = *state;
    struct event_line line = {.sku_number = SKUS, .quantity = 1};
    struct event event = {.kind = EVENT_CART_LINE_SET, .lines = &line, .line_count = 1};
    event.fact.cart = (struct fact_cart){.state = LINE_HELD, .taken = 1};
    event.text[TEXT_CUSTOMER] = BYTES("ann");
    happens(history, 1, &event);
    assert_found(history, AUDIT_LOST, 1, "SKU S7: its sale is removed, and customers hold 1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_walk_restates_goes_on),
        TEST(a_second_walk_that_says_what_is_known_is_sound),
        TEST(a_unit_sold_twice_across_a_walk_is_oversold),
        TEST(a_hold_that_dies_without_its_units_is_stranded),
        TEST(an_order_that_is_restated_otherwise_is_different),
        TEST(an_order_that_is_restated_with_other_lines_is_different),
        TEST(what_a_walk_does_not_restate_is_lost),
        TEST(what_happens_in_a_walk_needs_no_image),
        TEST(an_order_that_only_a_walk_knows_is_lost),
        TEST(an_image_that_is_missing_in_the_first_walk_is_lost),
        TEST(a_cart_that_is_restated_otherwise_is_different),
        TEST(orders_that_are_forgotten_join_those_before),
        TEST(units_of_forgotten_orders_that_are_told_otherwise_are_different),
        TEST(an_order_that_is_forgotten_and_restated_is_different),
        TEST(a_restated_key_makes_no_second_order),
        TEST(a_restated_key_may_be_used_again_when_its_time_is_over),
        TEST(a_key_that_is_restated_otherwise_is_different),
        TEST(a_stream_number_left_out_behind_a_walk_is_a_gap),
        TEST(a_walk_at_another_stream_number_is_a_gap),
        TEST(an_order_without_image_is_lost),
        TEST(a_product_that_is_restated_otherwise_is_different),
        TEST(units_of_a_product_removed_before_are_nobodys_concern),
        TEST(units_held_of_a_sale_that_is_leaving_are_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
