/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text for people, and the files. The JSON of result.h says the same, and more.
 */
#include "loadtest/report.h"

#include "loadtest/clock.h"
#include "loadtest/plain.h"
#include "loadtest/result.h"
#include "page/page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double percentile[] = {50, 90, 99, 99.9};
#define PERCENTILES (sizeof percentile / sizeof percentile[0])

/* The last part of a path. */
static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static void sum_orders(struct report *report)
{
    const struct crowd *crowd = report->crowd;
    const struct ledger *ledger = &crowd->ledger;
    for (uint32_t basket = 0; basket < crowd->baskets->count; basket++) {
        const struct basket *asked = &crowd->baskets->basket[basket];
        if (ledger->purchase[basket].state != PURCHASE_ORDERED)
            continue;
        report->orders_cancelled += strcmp(ledger->purchase[basket].status, "confirmed") != 0;
        for (uint32_t at = asked->first_line; at < asked->first_line + asked->line_count; at++) {
            report->units_ordered += ledger->wanted[at];
            report->lines_ordered += ledger->wanted[at] > 0;
            report->units_sold += ledger_units_sold(ledger, basket, at);
        }
    }
}

/* On the wall's clock, what the monotonic one says of the start. */
static void tell_start(struct report *report)
{
    uint64_t since_ns = clock_now_ns() - report->crowd->numbers.started_ns;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t start_ms =
        ((uint64_t)now.tv_sec * CLOCK_NS_PER_SECOND + (uint64_t)now.tv_nsec - since_ns) /
        CLOCK_NS_PER_MS;
    time_t start = (time_t)(start_ms / 1000);
    struct tm utc;
    gmtime_r(&start, &utc);
    size_t size = strftime(report->started_at, sizeof report->started_at, "%FT%T", &utc);
    snprintf(report->started_at + size, sizeof report->started_at - size, ".%03uZ",
        (unsigned)(start_ms % 1000));
}

static struct report_generator judge_generator(const struct crowd *crowd)
{
    uint64_t service_p99_us = 0;
    for (int kind = 0; kind < REQUEST_KINDS; kind++) {
        uint64_t p99_us = histogram_percentile_us(&crowd->series.service[kind], 99);
        service_p99_us = p99_us > service_p99_us ? p99_us : service_p99_us;
    }
    struct honesty_verdict honest = honesty_judge(
        &crowd->honesty, crowd->buyer_count, plan_is_open_loop(crowd->plan), service_p99_us);
    struct report_generator generator = {
        .busy_percent = honest.busy_percent,
        .late_p99_us = honest.late_p99_us,
        .limited = honest.limited,
    };
    snprintf(generator.says, sizeof generator.says, "%s", honest.says);
    return generator;
}

struct report report_make(const struct crowd *crowd, const struct oracle *oracle)
{
    struct report report = {
        .crowd = crowd,
        .oracle = oracle,
        .differences = oracle->differences,
        .what = verb_name(crowd->options->verb),
        .scenario = crowd->options->verb == VERB_REPLAY ? name_of(crowd->options->subject)
                                                        : crowd->plan->scenario.name,
        .protocol = protocol_name(crowd->options->resp != NULL ? PROTOCOL_RESP : PROTOCOL_HTTP),
        .url = crowd->options->resp != NULL ? crowd->options->resp : crowd->options->url,
        .seconds = (double)(crowd->numbers.ended_ns - crowd->numbers.started_ns) /
                   (double)CLOCK_NS_PER_SECOND,
        .generator = judge_generator(crowd),
        .interrupted = crowd->interrupted || oracle->interrupted,
        .verdict = verdict_of(oracle, crowd_is_done(crowd), crowd->interrupted),
    };
    sum_orders(&report);
    tell_start(&report);
    return report;
}

static unsigned long long wide(uint64_t number)
{
    return number;
}

static void print_tally(const char *title, const struct tally *tally)
{
    printf("%s %llu", title, wide(tally->sum));
    char shown[PLAIN_SHOWN_SIZE];
    for (uint32_t at = 0; at < tally->word_count; at++) {
        const char *word = tally->word[at].word;
        if (tally->word[at].count > 0)
            printf("%s %s %llu", at == 0 ? ":" : ",", plain_start(shown, word, strlen(word)),
                wide(tally->word[at].count));
    }
    printf("\n");
}

/* Whose list is another shop's hears refusals at the speed of answers. */
static void warn_of_unknown(const struct tally *refusals)
{
    uint64_t unknown = 0;
    for (uint32_t at = 0; at < refusals->word_count; at++) {
        const char *word = refusals->word[at].word;
        if (strcmp(word, "unknown_sku") == 0 || strcmp(word, "not_found") == 0)
            unknown += refusals->word[at].count;
    }
    if (unknown > 0)
        printf("WARNING        of these %llu are of products that the server does not know: is the "
               "list of what is wanted this shop's?\n",
            wide(unknown));
}

static void print_visitors(const struct visits *visits)
{
    const char *before = "";
    printf("visitors       ");
    for (int kind = 0; kind < BEHAVIOURS; kind++) {
        if (visits->count_of[kind] == 0)
            continue;
        printf("%s%s %u", before, behaviour_name((enum behaviour)kind), visits->count_of[kind]);
        before = ", ";
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
    if (!report->verdict.finished) {
        printf("server         counters not compared, postgres rows neither\n");
        return;
    }
    if (oracle->has_stock)
        printf("server         %llu SKUs, %u sold out, %u of them before the run\n",
            wide(oracle->stock.sku_count), oracle->stock.sold_out_count, oracle->sold_out_before);
    else
        printf("server         counters not compared (no --admin)\n");
    if (oracle->has_postgres)
        printf("postgres       %llu orders, %llu lines, %s %.2f s\n",
            wide(oracle->postgres.order_count), wide(oracle->postgres.line_count),
            oracle->postgres.has_caught_up ? "caught up after" : "not all that were awaited within",
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

static void print_verdict(const struct verdict *verdict, const struct report *report)
{
    bool is_cut_short = report->interrupted && report->differences->sum == 0;
    printf("verdict        %s: %llu oversold, %llu stranded, %llu lost, %llu duplicated\n"
           "               %s\n",
        verdict->correct ? "correct"
        : is_cut_short   ? "interrupted"
                         : "NOT CORRECT",
        wide(verdict->oversold), wide(verdict->stranded), wide(verdict->lost),
        wide(verdict->duplicated), verdict->says);
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
    print_visitors(&crowd->plan->visits);
    const uint64_t *became = numbers->state_count;
    printf("became         %llu orders, %llu found nothing left, %llu gave up, %llu left a cart, "
           "%llu looked only, %llu failed\n",
        wide(crowd->ledger.ordered_count), wide(became[PURCHASE_NOTHING_LEFT]),
        wide(became[PURCHASE_GAVE_UP]), wide(became[PURCHASE_ABANDONED]),
        wide(became[PURCHASE_LOOKED]), wide(became[PURCHASE_FAILED]));
    printf("ordered        %llu units in %llu lines; %llu units stay sold, %llu orders cancelled\n",
        wide(report->units_ordered), wide(report->lines_ordered), wide(report->units_sold),
        wide(report->orders_cancelled));
    printf("given back     %llu carts and unpaid orders, after the run\n",
        wide(numbers->given_back_count));
    print_tally("refused       ", &numbers->refusals);
    warn_of_unknown(&numbers->refusals);
    print_tally("sent again    ", &numbers->retries);
    printf("replayed       %llu answers\n", wide(numbers->replayed));
    printf("throughput     %.0f requests/s, %.0f orders/s over %.2f s\n",
        (double)numbers->answered / report->seconds,
        (double)crowd->ledger.ordered_count / report->seconds, report->seconds);
    print_latencies(&crowd->series);
    printf("generator      %s\n", report->generator.says);
    print_ledgers(report);
    print_differences(report);
    print_verdict(&report->verdict, report);
}

static int complain(const char *path, int reason)
{
    fprintf(stderr, "hotshelf-loadtest: %s: %s\n", path, strerror(reason));
    return -1;
}

static int write_json(const struct report *report, const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return complain(path, errno);
    result_write(file, report);
    bool broken = ferror(file);
    return fclose(file) != 0 || broken ? complain(path, errno) : 0;
}

static int write_html(const struct report *report, const char *path)
{
    char title[REPORT_WORDS_SIZE];
    char *json = NULL;
    size_t json_size = 0;
    FILE *memory = open_memstream(&json, &json_size);
    if (memory == NULL)
        return complain(path, errno);
    result_write(memory, report);
    if (fclose(memory) != 0)
        return complain(path, errno);
    snprintf(title, sizeof title, "%s: %s, hotshelf load test", report->scenario,
        report->verdict.correct ? "correct" : "not correct");
    struct page page = {
        .kind = PAGE_RUN,
        .title = title,
        .description = report->verdict.says,
        .json = json,
        .json_size = json_size,
    };
    int outcome = page_write_file(path, &page);
    free(json);
    return outcome < 0 ? complain(path, -outcome) : 0;
}

int report_files(const struct report *report)
{
    const struct options *options = report->crowd->options;
    int json = options->json_path == NULL ? 0 : write_json(report, options->json_path);
    int html = options->html_path == NULL ? 0 : write_html(report, options->html_path);
    return json < 0 || html < 0 ? -1 : 0;
}
