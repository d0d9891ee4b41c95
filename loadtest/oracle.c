/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server first: a unit that is freed and not yet durable counts as held (rule V2), so counters
 * that are not at rest are read again for a while. Then PostgreSQL, which may lag behind. Then SKU
 * by SKU all three.
 */
#include "loadtest/oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define REST_TRIES_MAX 20
#define REST_WAIT_MS 100

/* What the whole crowd could buy, had everybody what is left for them. */
static int sum_units_in_reach(struct oracle *oracle)
{
    const struct baskets *baskets = oracle->crowd->baskets;
    int64_t *left = calloc(baskets->skus.count, sizeof *left);
    if (left == NULL)
        return -1;
    for (uint32_t sku = 0; sku < baskets->skus.count; sku++)
        left[sku] = oracle->stock.row[sku].available;
    for (uint32_t at = 0; at < baskets->line_count; at++) {
        const struct basket_line *line = &baskets->line[at];
        int64_t units = line->quantity < left[line->sku] ? line->quantity : left[line->sku];
        oracle->units_in_reach += units;
        left[line->sku] -= units;
    }
    free(left);
    return 0;
}

/* A list of SKUs may have a slip of the pen in it, or be another shop's. */
static int check_known(const struct oracle *oracle)
{
    const struct names *skus = &oracle->crowd->baskets->skus;
    uint32_t unknown_count = 0;
    uint32_t unknown = 0;
    for (uint32_t sku = 0; sku < skus->count; sku++) {
        if (!oracle->stock.row[sku].known && unknown_count++ == 0)
            unknown = sku;
    }
    if (unknown_count > 0)
        fprintf(stderr,
            "hotshelf-loadtest: the server does not know %u of the %u SKUs that are wanted; the "
            "first is %s\n",
            unknown_count, skus->count, names_text(skus, unknown));
    return unknown_count == skus->count ? -1 : 0;
}

static int read_base_line(struct oracle *oracle)
{
    const struct options *options = oracle->crowd->options;
    uint32_t skus = oracle->crowd->baskets->skus.count;
    if (options->admin_url != NULL) {
        oracle->has_stock = true;
        if (stock_ledger_open(&oracle->stock, options, &oracle->crowd->baskets->skus) < 0 ||
            stock_ledger_read(&oracle->stock) < 0 || check_known(oracle) < 0)
            return -1;
        oracle->sold_out_before = oracle->stock.sold_out_count;
        for (uint32_t sku = 0; sku < skus; sku++) {
            oracle->sold_before[sku] = oracle->stock.row[sku].sold;
            oracle->held_before[sku] = oracle->stock.row[sku].held;
        }
        if (sum_units_in_reach(oracle) < 0)
            return -1;
    }
    if (options->postgres == NULL)
        return 0;
    oracle->has_postgres = true;
    if (postgres_ledger_open(&oracle->postgres, options->postgres, options->patience_seconds,
            &oracle->crowd->ledger, oracle->differences) < 0)
        return -1;
    return postgres_ledger_read_base(
        &oracle->postgres, oracle->has_stock ? &oracle->stock : NULL, options->patience_seconds);
}

int oracle_open(struct oracle *oracle, const struct crowd *crowd, struct differences *differences)
{
    uint32_t skus = crowd->baskets->skus.count;
    *oracle = (struct oracle){
        .crowd = crowd,
        .differences = differences,
        .sold_before = calloc(skus, sizeof(int64_t)),
        .held_before = calloc(skus, sizeof(int64_t)),
        .sold = calloc(skus, sizeof(int64_t)),
    };
    if (oracle->sold_before == NULL || oracle->held_before == NULL || oracle->sold == NULL)
        return -1;
    return read_base_line(oracle);
}

void oracle_close(struct oracle *oracle)
{
    if (oracle->has_stock)
        stock_ledger_close(&oracle->stock);
    if (oracle->has_postgres)
        postgres_ledger_close(&oracle->postgres);
    free(oracle->sold_before);
    free(oracle->held_before);
    free(oracle->sold);
}

static void sum_acknowledged(struct oracle *oracle)
{
    const struct baskets *baskets = oracle->crowd->baskets;
    for (uint32_t basket = 0; basket < baskets->count; basket++) {
        const struct basket *asked = &baskets->basket[basket];
        for (uint32_t at = asked->first_line; at < asked->first_line + asked->line_count; at++)
            oracle->sold[baskets->line[at].sku] +=
                ledger_units_sold(&oracle->crowd->ledger, basket, at);
    }
}

static bool is_at_rest(const struct oracle *oracle)
{
    for (uint32_t sku = 0; sku < oracle->crowd->baskets->skus.count; sku++) {
        if (oracle->stock.row[sku].held > oracle->held_before[sku])
            return false;
    }
    return true;
}

/* Nobody is to blame for a book that an interrupt has closed. */
static bool leave(struct oracle *oracle, const struct patience *patience, const char *book)
{
    if (patience->is_interrupted) {
        fprintf(stderr, "interrupted: %s are not waited for; once more to end at once\n", book);
        oracle->interrupted = true;
    } else {
        differences_add(oracle->differences, DIFFERENCE_LEDGER_UNREADABLE, "%s", book);
    }
    return false;
}

static bool read_stock_at_rest(struct oracle *oracle)
{
    for (uint32_t tries = 0; tries < REST_TRIES_MAX; tries++) {
        if (stock_ledger_read(&oracle->stock) < 0)
            return leave(oracle, &oracle->stock.link.patience, "the server's counters");
        if (is_at_rest(oracle))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = REST_WAIT_MS * 1000000L}, NULL);
    }
    return true;
}

static void compare_sum(struct oracle *oracle, uint32_t sku)
{
    const struct stock_row *row = &oracle->stock.row[sku];
    if (row->allotment != row->available + row->held + row->sold || row->available < 0 ||
        row->held < 0 || row->sold < 0)
        differences_add(oracle->differences, DIFFERENCE_STOCK_SUM,
            "%s: allotment %lld, but available %lld + held %lld + sold %lld",
            names_text(&oracle->crowd->baskets->skus, sku), (long long)row->allotment,
            (long long)row->available, (long long)row->held, (long long)row->sold);
}

static void add_if_more(uint64_t *sum, int64_t units)
{
    *sum += units > 0 ? (uint64_t)units : 0;
}

/* What the crowd cannot tell apart from a mistake of the server. */
static const char or_somebody_else[] =
    "; if somebody else was shopping: a shop must be left alone during a run";

static void compare_counters(struct oracle *oracle, uint32_t sku)
{
    const struct stock_row *row = &oracle->stock.row[sku];
    const char *name = names_text(&oracle->crowd->baskets->skus, sku);
    struct differences *differences = oracle->differences;
    /* Fewer than at first: a hold of before has ended; compare_sum() knows where its units are. */
    int64_t stranded = row->held - oracle->held_before[sku];
    int64_t sold_by_server = row->sold - oracle->sold_before[sku];
    int64_t acknowledged = oracle->sold_before[sku] + oracle->sold[sku];
    compare_sum(oracle, sku);
    if (stranded > 0)
        differences_add(differences, DIFFERENCE_STOCK_STRANDED,
            "%s: %lld units held, %lld at first%s", name, (long long)row->held,
            (long long)oracle->held_before[sku], or_somebody_else);
    if (sold_by_server != oracle->sold[sku])
        differences_add(differences, DIFFERENCE_STOCK_SOLD,
            "%s: the server sold %lld units, acknowledged are %lld%s", name,
            (long long)sold_by_server, (long long)oracle->sold[sku],
            sold_by_server > oracle->sold[sku] ? or_somebody_else : "");
    if (acknowledged > row->allotment)
        differences_add(differences, DIFFERENCE_OVERSOLD, "%s: %lld acknowledged of %lld", name,
            (long long)acknowledged, (long long)row->allotment);
    add_if_more(&oracle->stranded_units, stranded);
    add_if_more(&oracle->lost_units, oracle->sold[sku] - sold_by_server);
    add_if_more(&oracle->unacknowledged_units, sold_by_server - oracle->sold[sku]);
    add_if_more(&oracle->oversold_units, acknowledged - row->allotment);
}

static bool read_postgres(struct oracle *oracle)
{
    uint32_t patience_seconds = oracle->crowd->options->patience_seconds;
    if (postgres_ledger_catch_up(&oracle->postgres, patience_seconds) == 0 &&
        postgres_ledger_compare(&oracle->postgres) == 0)
        return true;
    return leave(oracle, &oracle->postgres.link.patience, "PostgreSQL's rows");
}

static void compare_rows(struct oracle *oracle, uint32_t sku)
{
    if (oracle->postgres.sold[sku] != oracle->sold[sku])
        differences_add(oracle->differences, DIFFERENCE_POSTGRES_SOLD,
            "%s: %lld units sold by PostgreSQL's rows, acknowledged are %lld",
            names_text(&oracle->crowd->baskets->skus, sku), (long long)oracle->postgres.sold[sku],
            (long long)oracle->sold[sku]);
}

void oracle_compare(struct oracle *oracle, struct interrupt *interrupt)
{
    sum_acknowledged(oracle);
    oracle->stock.link.patience.interrupt = interrupt;
    oracle->postgres.link.patience.interrupt = interrupt;
    bool stock_read = oracle->has_stock && read_stock_at_rest(oracle);
    bool postgres_read = oracle->has_postgres && !oracle->interrupted && read_postgres(oracle);
    oracle->stock_unread = !stock_read;
    oracle->postgres_unread = !postgres_read;
    for (uint32_t sku = 0; sku < oracle->crowd->baskets->skus.count; sku++) {
        if (stock_read)
            compare_counters(oracle, sku);
        if (postgres_read)
            compare_rows(oracle, sku);
    }
}
