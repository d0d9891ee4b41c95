/* SPDX-License-Identifier: Apache-2.0 */
/* A crowd that is made up: kinds by weight, SKUs by popularity, customers, all by the seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loadtest/popularity.h"
#include "loadtest/visits.h"

#define VISITS 20000u
#define SKUS 50u

struct crowd_made {
    struct visits visits;
    struct baskets baskets;
};

static struct crowd_made make(const struct scenario *scenario)
{
    struct crowd_made made = {0};
    assert_int_equal(names_open(&made.baskets.skus, SKUS, (size_t)SKUS * 16), 0);
    for (uint32_t at = 0; at < SKUS; at++) {
        char name[16];
        int size = snprintf(name, sizeof name, "SKU-%u", at);
        names_add(&made.baskets.skus, name, (size_t)size);
    }
    assert_int_equal(visits_make(&made.visits, &made.baskets, scenario, VISITS, "test"), 0);
    assert_int_equal(made.baskets.count, VISITS);
    return made;
}

static void let_go(struct crowd_made *made)
{
    visits_free(&made->visits);
    baskets_free(&made->baskets);
}

static struct scenario mixed(void)
{
    struct scenario scenario = scenario_default();
    for (uint32_t kind = 0; kind < BEHAVIOURS; kind++)
        scenario.share[kind] = kind + 1;
    scenario.baskets.hot_skus = 5;
    scenario.baskets.hot_percent = 70;
    scenario.baskets.lines_max = 4;
    scenario.baskets.quantity_max = 3;
    return scenario;
}

static void visitors_are_of_their_kinds_by_weight(void **state)
{
    (void)state;
    struct scenario scenario = mixed();
    struct crowd_made made = make(&scenario);
    uint32_t sum = 0;
    for (uint32_t kind = 0; kind < BEHAVIOURS; kind++) {
        uint32_t expected = VISITS * (kind + 1) / 21;
        assert_in_range(made.visits.count_of[kind], expected - 300, expected + 300);
        sum += made.visits.count_of[kind];
    }
    assert_int_equal(sum, VISITS);
    let_go(&made);
}

static void a_kind_without_weight_does_not_come(void **state)
{
    (void)state;
    struct scenario scenario = mixed();
    scenario.share[BEHAVIOUR_BUYER] = 0;
    scenario.share[BEHAVIOUR_IMPATIENT] = 0;
    struct crowd_made made = make(&scenario);
    assert_int_equal(made.visits.count_of[BEHAVIOUR_BUYER], 0);
    assert_int_equal(made.visits.count_of[BEHAVIOUR_IMPATIENT], 0);
    let_go(&made);
}

static void baskets_have_distinct_skus_and_stay_within_their_bounds(void **state)
{
    (void)state;
    struct scenario scenario = mixed();
    struct crowd_made made = make(&scenario);
    uint32_t of_size[5] = {0};
    for (uint32_t visit = 0; visit < VISITS; visit++) {
        const struct basket *basket = &made.baskets.basket[visit];
        bool searches = made.visits.behaviour[visit] == BEHAVIOUR_SEARCHER;
        assert_in_range(basket->line_count, searches ? 0 : 1, searches ? 0 : 4);
        of_size[basket->line_count]++;
        for (uint32_t at = 0; at < basket->line_count; at++) {
            const struct basket_line *line = &made.baskets.line[basket->first_line + at];
            assert_in_range(line->quantity, 1, 3);
            assert_true(line->sku < SKUS);
            for (uint32_t other = 0; other < at; other++)
                assert_int_not_equal(line->sku, made.baskets.line[basket->first_line + other].sku);
        }
    }
    for (int size = 1; size <= 4; size++)
        assert_true(of_size[size] > VISITS / 8);
    let_go(&made);
}

static void the_hot_skus_have_their_share(void **state)
{
    (void)state;
    struct scenario scenario = mixed();
    scenario.share[BEHAVIOUR_BOT] = 0;
    scenario.baskets.lines_max = 1;
    struct crowd_made made = make(&scenario);
    uint32_t count[SKUS] = {0};
    uint32_t lines = made.baskets.line_count;
    for (uint32_t at = 0; at < lines; at++)
        count[made.baskets.line[at].sku]++;
    uint32_t hot = 0;
    uint32_t hot_lines = 0;
    for (uint32_t sku = 0; sku < SKUS; sku++) {
        bool is_hot = count[sku] > lines / 20;
        hot += is_hot ? 1 : 0;
        hot_lines += is_hot ? count[sku] : 0;
    }
    assert_int_equal(hot, 5);
    assert_in_range(hot_lines * 100 / lines, 68, 72);
    let_go(&made);
}

static void zipf_makes_the_first_as_often_wanted_as_it_says(void **state)
{
    (void)state;
    struct scenario_baskets wishes = {.zipf = 1};
    struct popularity popularity;
    assert_int_equal(popularity_open(&popularity, &wishes, SKUS, 3), 0);
    uint32_t count[SKUS] = {0};
    struct chance chance = chance_of(3, 3);
    for (uint32_t draw = 0; draw < 100000; draw++)
        count[popularity_draw(&popularity, &chance)]++;
    double harmonic = 0;
    for (uint32_t rank = 1; rank <= SKUS; rank++)
        harmonic += 1.0 / rank;
    for (uint32_t rank = 1; rank <= 10; rank++) {
        double expected = 100000 / harmonic / rank;
        double found = count[popularity.sku[rank - 1]];
        assert_true(found > expected * 0.93 && found < expected * 1.07);
    }
    popularity_close(&popularity);
}

static void every_sku_is_in_the_ranks_once(void **state)
{
    (void)state;
    struct scenario_baskets wishes = {.hot_skus = 1000, .hot_percent = 10};
    struct popularity popularity;
    assert_int_equal(popularity_open(&popularity, &wishes, SKUS, 9), 0);
    bool seen[SKUS] = {false};
    for (uint32_t rank = 0; rank < SKUS; rank++) {
        assert_false(seen[popularity.sku[rank]]);
        seen[popularity.sku[rank]] = true;
    }
    struct chance chance = chance_of(1, 1);
    for (uint32_t draw = 0; draw < 1000; draw++)
        assert_true(popularity_draw(&popularity, &chance) < SKUS);
    popularity_close(&popularity);
}

static void bots_are_after_the_hot_ones_and_want_all_they_can_get(void **state)
{
    (void)state;
    struct scenario scenario = mixed();
    scenario.baskets.hot_skus = 2;
    scenario.bot_customers = 10;
    struct crowd_made made = make(&scenario);
    bool wanted[SKUS] = {false};
    uint32_t skus = 0;
    for (uint32_t visit = 0; visit < VISITS; visit++) {
        const struct basket *basket = &made.baskets.basket[visit];
        const char *customer = names_text(&made.baskets.customers, basket->customer);
        assert_int_equal(
            strncmp(customer, "test-b", 6) == 0, made.visits.behaviour[visit] == BEHAVIOUR_BOT);
        for (uint32_t at = 0;
             made.visits.behaviour[visit] == BEHAVIOUR_BOT && at < basket->line_count; at++) {
            const struct basket_line *line = &made.baskets.line[basket->first_line + at];
            assert_int_equal(line->quantity, 3);
            skus += wanted[line->sku] ? 0 : 1;
            wanted[line->sku] = true;
        }
    }
    assert_int_equal(skus, 2);
    /* Ten names, and everybody else once. */
    assert_int_equal(
        made.baskets.customers.count, 10 + VISITS - made.visits.count_of[BEHAVIOUR_BOT]);
    let_go(&made);
}

static void customers_who_come_again_are_chained(void **state)
{
    (void)state;
    struct scenario scenario = mixed();
    scenario.baskets.customers = 100;
    scenario.bot_customers = 100;
    struct crowd_made made = make(&scenario);
    assert_int_equal(made.baskets.customers.count, 200);
    uint32_t last = 0;
    for (uint32_t visit = 0; visit < VISITS; visit++) {
        uint32_t next = made.baskets.basket[visit].next;
        last += next == BASKETS_NONE;
        if (next == BASKETS_NONE)
            continue;
        assert_true(next > visit);
        assert_int_equal(made.baskets.basket[next].customer, made.baskets.basket[visit].customer);
    }
    assert_int_equal(last, 200);
    let_go(&made);
}

static void the_seed_decides_who_wants_what(void **state)
{
    (void)state;
    struct scenario scenario = mixed();
    struct crowd_made first = make(&scenario);
    struct crowd_made again = make(&scenario);
    scenario.arrivals.seed = 2;
    struct crowd_made other = make(&scenario);
    assert_memory_equal(first.visits.behaviour, again.visits.behaviour, VISITS);
    assert_memory_not_equal(first.visits.behaviour, other.visits.behaviour, VISITS);
    assert_int_equal(first.baskets.line_count, again.baskets.line_count);
    assert_memory_equal(first.baskets.line, again.baskets.line,
        first.baskets.line_count * sizeof(struct basket_line));
    let_go(&first);
    let_go(&again);
    let_go(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(visitors_are_of_their_kinds_by_weight),
        cmocka_unit_test(a_kind_without_weight_does_not_come),
        cmocka_unit_test(baskets_have_distinct_skus_and_stay_within_their_bounds),
        cmocka_unit_test(the_hot_skus_have_their_share),
        cmocka_unit_test(zipf_makes_the_first_as_often_wanted_as_it_says),
        cmocka_unit_test(every_sku_is_in_the_ranks_once),
        cmocka_unit_test(bots_are_after_the_hot_ones_and_want_all_they_can_get),
        cmocka_unit_test(customers_who_come_again_are_chained),
        cmocka_unit_test(the_seed_decides_who_wants_what),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
