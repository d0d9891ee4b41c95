/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text and the JSON say the same things in the same order. JSON members carry their unit.
 */
#include "loadtest/report.h"

#include "loadtest/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const double percentile[] = {50, 90, 99, 99.9};
#define PERCENTILES (sizeof percentile / sizeof percentile[0])

struct report report_make(
    const struct crowd *crowd, const struct oracle *oracle, const struct differences *differences)
{
    struct report report = {
        .crowd = crowd,
        .oracle = oracle,
        .differences = differences,
        .seconds = (double)(crowd->numbers.ended_ns - crowd->numbers.started_ns) /
                   (double)CLOCK_NS_PER_SECOND,
    };
    const struct ledger *ledger = &crowd->ledger;
    for (uint32_t basket = 0; basket < crowd->baskets->count; basket++) {
        const struct basket *asked = &crowd->baskets->basket[basket];
        if (ledger->purchase[basket].state != PURCHASE_ORDERED)
            continue;
        report.orders_cancelled += strcmp(ledger->purchase[basket].status, "confirmed") != 0;
        for (uint32_t at = asked->first_line; at < asked->first_line + asked->line_count; at++) {
            report.units_ordered += ledger->wanted[at];
            report.lines_ordered += ledger->wanted[at] > 0;
            report.units_sold += ledger_units_sold(ledger, basket, at);
        }
    }
    return report;
}

static unsigned long long wide(uint64_t number)
{
    return number;
}

static void print_tally(const char *title, const struct tally *tally)
{
    printf("%s %llu", title, wide(tally->sum));
    for (uint32_t at = 0; at < tally->word_count; at++) {
        if (tally->word[at].count > 0)
            printf("%s %s %llu", at == 0 ? ":" : ",", tally->word[at].word,
                wide(tally->word[at].count));
    }
    printf("\n");
}

static void print_latencies(const struct series *series)
{
    printf("%-14s %10s %10s %10s %10s %10s %10s  (us)\n", "latency", "requests", "p50", "p90",
        "p99", "p99.9", "max");
    for (int kind = 0; kind < REQUEST_KINDS; kind++) {
        const struct histogram *latency = &series->intended[kind];
        if (latency->count == 0)
            continue;
        printf("%-14s %10llu", request_kind_name((enum request_kind)kind), wide(latency->count));
        for (size_t at = 0; at < PERCENTILES; at++)
            printf(" %10llu", wide(histogram_percentile_us(latency, percentile[at])));
        printf(" %10llu\n", wide(latency->max_us));
    }
}

static void print_ledgers(const struct report *report)
{
    const struct oracle *oracle = report->oracle;
    if (oracle->has_stock)
        printf("server         %llu SKUs, %u sold out\n", wide(oracle->stock.sku_count),
            oracle->stock.sold_out_count);
    else
        printf("server         counters not compared (no --admin)\n");
    if (oracle->has_postgres)
        printf("postgres       %llu orders, %llu lines, caught up after %.2f s\n",
            wide(oracle->postgres.order_count), wide(oracle->postgres.line_count),
            oracle->postgres.wait_seconds);
    else
        printf("postgres       rows not compared (no --pg)\n");
}

static void print_differences(const struct report *report)
{
    const struct differences *differences = report->differences;
    if (differences->sum == 0) {
        printf("%s\n", report->oracle->has_stock && report->oracle->has_postgres
                           ? "all three ledgers are equal"
                           : "no difference in what was compared");
        return;
    }
    printf("%llu DIFFERENCES:", wide(differences->sum));
    for (int kind = 0; kind < DIFFERENCES; kind++) {
        if (differences->count[kind] > 0)
            printf(
                " %s %llu", difference_name((enum difference)kind), wide(differences->count[kind]));
    }
    printf("\n");
}

void report_text(const struct report *report)
{
    const struct crowd *crowd = report->crowd;
    const struct crowd_numbers *numbers = &crowd->numbers;
    const struct baskets *baskets = crowd->baskets;
    printf("run            %s, seed %llu\n", crowd->ledger.run, wide(crowd->options->seed));
    printf("baskets        %u of %u orders (%u cut off at %u lines, %u lines merged, %u clamped)\n",
        baskets->count, baskets->order_count, baskets->split_count, BASKETS_LINES_MAX,
        baskets->merged_count, baskets->clamped_count);
    printf("became         %llu orders, %llu found nothing left, %llu gave up, %llu failed\n",
        wide(crowd->ledger.ordered_count), wide(numbers->state_count[PURCHASE_NOTHING_LEFT]),
        wide(numbers->state_count[PURCHASE_GAVE_UP]), wide(numbers->state_count[PURCHASE_FAILED]));
    printf("ordered        %llu units in %llu lines; %llu units stay sold, %llu orders cancelled\n",
        wide(report->units_ordered), wide(report->lines_ordered), wide(report->units_sold),
        wide(report->orders_cancelled));
    print_tally("refused       ", &numbers->refusals);
    print_tally("sent again    ", &numbers->retries);
    printf("replayed       %llu answers\n", wide(numbers->replayed));
    printf("throughput     %.0f requests/s, %.0f orders/s over %.2f s\n",
        (double)numbers->answered / report->seconds,
        (double)crowd->ledger.ordered_count / report->seconds, report->seconds);
    print_latencies(&crowd->series);
    print_ledgers(report);
    print_differences(report);
}

static void json_tally(FILE *file, const char *name, const struct tally *tally)
{
    fprintf(file, "  \"%s\": {", name);
    for (uint32_t at = 0; at < tally->word_count; at++)
        fprintf(file, "%s\"%s\": %llu", at == 0 ? "" : ", ", tally->word[at].word,
            wide(tally->word[at].count));
    fprintf(file, "},\n");
}

static void json_latencies(FILE *file, const struct series *series)
{
    fprintf(file, "  \"latency_us\": {");
    const char *before = "\n";
    for (int kind = 0; kind < REQUEST_KINDS; kind++) {
        const struct histogram *latency = &series->intended[kind];
        if (latency->count == 0)
            continue;
        fprintf(file, "%s    \"%s\": {\"count\": %llu", before,
            request_kind_name((enum request_kind)kind), wide(latency->count));
        for (size_t at = 0; at < PERCENTILES; at++)
            fprintf(file, ", \"p%g\": %llu", percentile[at],
                wide(histogram_percentile_us(latency, percentile[at])));
        fprintf(file, ", \"max\": %llu}", wide(latency->max_us));
        before = ",\n";
    }
    fprintf(file, "\n  },\n");
}

static void json_differences(FILE *file, const struct differences *differences)
{
    fprintf(file, "  \"differences\": {");
    const char *before = "";
    for (int kind = 0; kind < DIFFERENCES; kind++) {
        if (differences->count[kind] == 0)
            continue;
        fprintf(file, "%s\"%s\": %llu", before, difference_name((enum difference)kind),
            wide(differences->count[kind]));
        before = ", ";
    }
    fprintf(file, "}\n");
}

static void json_numbers(FILE *file, const struct report *report)
{
    const struct crowd *crowd = report->crowd;
    const struct crowd_numbers *numbers = &crowd->numbers;
    fprintf(file, "  \"run\": \"%s\",\n  \"seed\": %llu,\n  \"connections\": %u,\n",
        crowd->ledger.run, wide(crowd->options->seed), crowd->buyer_count);
    fprintf(file, "  \"seconds\": %.3f,\n  \"requests_per_second\": %.1f,\n", report->seconds,
        (double)numbers->answered / report->seconds);
    fprintf(file, "  \"baskets\": %u,\n  \"orders_acknowledged\": %llu,\n", crowd->baskets->count,
        wide(crowd->ledger.ordered_count));
    fprintf(file, "  \"nothing_left\": %llu,\n  \"gave_up\": %llu,\n  \"failed\": %llu,\n",
        wide(numbers->state_count[PURCHASE_NOTHING_LEFT]),
        wide(numbers->state_count[PURCHASE_GAVE_UP]), wide(numbers->state_count[PURCHASE_FAILED]));
    fprintf(file, "  \"units_ordered\": %llu,\n  \"units_sold\": %llu,\n",
        wide(report->units_ordered), wide(report->units_sold));
    fprintf(file, "  \"orders_cancelled\": %llu,\n  \"answers_replayed\": %llu,\n",
        wide(report->orders_cancelled), wide(numbers->replayed));
    if (report->oracle->has_stock)
        fprintf(file, "  \"skus\": %llu,\n  \"skus_sold_out\": %u,\n",
            wide(report->oracle->stock.sku_count), report->oracle->stock.sold_out_count);
    if (report->oracle->has_postgres)
        fprintf(file, "  \"postgres_orders\": %llu,\n  \"postgres_catch_up_seconds\": %.3f,\n",
            wide(report->oracle->postgres.order_count), report->oracle->postgres.wait_seconds);
}

int report_json(const struct report *report, const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "hotshelf-loadtest: %s: %s\n", path, strerror(errno));
        return -1;
    }
    fprintf(file, "{\n");
    json_numbers(file, report);
    json_tally(file, "refused", &report->crowd->numbers.refusals);
    json_tally(file, "sent_again", &report->crowd->numbers.retries);
    json_latencies(file, &report->crowd->series);
    json_differences(file, report->differences);
    fprintf(file, "}\n");
    if (fclose(file) != 0) {
        fprintf(stderr, "hotshelf-loadtest: %s: %s\n", path, strerror(errno));
        return -1;
    }
    return 0;
}
