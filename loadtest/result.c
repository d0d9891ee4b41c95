/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function for each member or group of members, in the order of the file. Every group ends with
 * its comma, and "differences" is the last: so nobody has to know who comes next.
 */
#include "loadtest/result.h"

#include "loadtest/json_text.h"
#include "loadtest/result_file.h"
#include "loadtest/result_parts.h"

static unsigned long long wide(uint64_t number)
{
    return number;
}

static const char *word(bool flag)
{
    return flag ? "true" : "false";
}

static void write_name(FILE *file, const char *name, const char *text)
{
    fprintf(file, "  \"%s\": ", name);
    json_text(file, text);
    fputs(",\n", file);
}

static void write_about(FILE *file, const struct report *report)
{
    const struct options *options = report->crowd->options;
    const struct scenario *scenario = &report->crowd->plan->scenario;
    write_name(file, "format", RESULT_FORMAT);
    write_name(file, "what", report->what);
    write_name(file, "scenario", report->scenario);
    write_name(file, "url", report->url);
    write_name(file, "protocol", report->protocol);
    write_name(file, "run", report->crowd->ledger.run);
    write_name(file, "started_at", report->started_at);
    write_name(file, "mode", scenario->mode[0] == '\0' ? "as the server has it" : scenario->mode);
    fprintf(file, "  \"seed\": %llu,\n  \"connections\": %u,\n  \"rate\": %g,\n",
        wide(options->seed), report->crowd->buyer_count,
        plan_is_open_loop(report->crowd->plan) ? scenario->arrivals.rate : 0);
    fprintf(file, "  \"interrupted\": %s,\n", word(report->interrupted));
    result_settings(file, scenario);
}

static void write_numbers(FILE *file, const struct report *report)
{
    const struct crowd *crowd = report->crowd;
    const struct crowd_numbers *numbers = &crowd->numbers;
    const struct oracle *oracle = report->oracle;
    double seconds = report->seconds > 0 ? report->seconds : 1e-3;
    fprintf(file, "  \"seconds\": %.3f,\n  \"requests_per_second\": %.1f,\n", report->seconds,
        (double)numbers->answered / seconds);
    fprintf(file, "  \"baskets\": %u,\n  \"orders_acknowledged\": %llu,\n", crowd->baskets->count,
        wide(crowd->ledger.ordered_count));
    fprintf(file, "  \"nothing_left\": %llu,\n  \"gave_up\": %llu,\n  \"failed\": %llu,\n",
        wide(numbers->state_count[PURCHASE_NOTHING_LEFT]),
        wide(numbers->state_count[PURCHASE_GAVE_UP]), wide(numbers->state_count[PURCHASE_FAILED]));
    fprintf(file, "  \"units_ordered\": %llu,\n  \"units_sold\": %llu,\n",
        wide(report->units_ordered), wide(report->units_sold));
    fprintf(file, "  \"orders_cancelled\": %llu,\n  \"answers_replayed\": %llu,\n",
        wide(report->orders_cancelled), wide(numbers->replayed));
    if (oracle->has_stock)
        fprintf(file, "  \"skus\": %llu,\n  \"skus_sold_out\": %u,\n  \"units_in_reach\": %lld,\n",
            wide(oracle->stock.sku_count), oracle->stock.sold_out_count,
            (long long)oracle->units_in_reach);
    if (oracle->has_postgres)
        fprintf(file, "  \"postgres_orders\": %llu,\n  \"postgres_catch_up_seconds\": %.3f,\n",
            wide(oracle->postgres.order_count), oracle->postgres.wait_seconds);
}

static void write_tally(FILE *file, const char *name, const struct tally *tally)
{
    fprintf(file, "  \"%s\": {", name);
    for (uint32_t at = 0; at < tally->word_count; at++) {
        fputs(at == 0 ? "" : ", ", file);
        json_text(file, tally->word[at].word);
        fprintf(file, ": %llu", wide(tally->word[at].count));
    }
    fputs("},\n", file);
}

static void write_outcomes(FILE *file, const struct report *report)
{
    const struct crowd *crowd = report->crowd;
    const uint64_t *count = crowd->numbers.state_count;
    fprintf(file,
        "  \"outcomes\": {\"ordered\": %llu, \"cancelled\": %llu, \"nothing_left\": %llu, "
        "\"gave_up\": %llu, \"abandoned\": %llu, \"looked\": %llu, \"failed\": %llu},\n",
        wide(crowd->ledger.ordered_count - report->orders_cancelled),
        wide(report->orders_cancelled), wide(count[PURCHASE_NOTHING_LEFT]),
        wide(count[PURCHASE_GAVE_UP]), wide(count[PURCHASE_ABANDONED]),
        wide(count[PURCHASE_LOOKED]), wide(count[PURCHASE_FAILED]));
}

static void write_visitors(FILE *file, const struct visits *visits)
{
    const char *before = "";
    fputs("  \"visitors\": {", file);
    for (int kind = 0; kind < BEHAVIOURS; kind++) {
        fprintf(file, "%s\"%s\": %u", before, behaviour_name((enum behaviour)kind),
            visits->count_of[kind]);
        before = ", ";
    }
    fputs("},\n", file);
}

static void write_generator(FILE *file, const struct report_generator *generator)
{
    fprintf(file,
        "  \"generator\": {\"busy_percent\": %.1f, \"late_p99_us\": %llu, \"limited\": %s, "
        "\"says\": ",
        generator->busy_percent, wide(generator->late_p99_us), word(generator->limited));
    json_text(file, generator->says);
    fputs("},\n", file);
}

static void write_differences(FILE *file, const struct differences *differences)
{
    const char *before = "";
    fputs("\"differences\": {", file);
    for (int kind = 0; kind < DIFFERENCES; kind++) {
        if (differences->count[kind] == 0)
            continue;
        fprintf(file, "%s\"%s\": %llu", before, difference_name((enum difference)kind),
            wide(differences->count[kind]));
        before = ", ";
    }
    fputc('}', file);
}

static void write_verdict(FILE *file, const struct report *report)
{
    const struct verdict *verdict = &report->verdict;
    fprintf(file,
        "  \"verdict\": {\"correct\": %s, \"finished\": %s, \"oversold\": %llu, "
        "\"stranded\": %llu, \"lost\": %llu, \"duplicated\": %llu,\n"
        "    \"compared\": {\"server\": %s, \"postgres\": %s},\n    \"says\": ",
        word(verdict->correct), word(verdict->finished), wide(verdict->oversold),
        wide(verdict->stranded), wide(verdict->lost), wide(verdict->duplicated),
        word(verdict->server_compared), word(verdict->postgres_compared));
    json_text(file, verdict->says);
    fputs(", ", file);
    write_differences(file, report->differences);
    fputs("},\n", file);
}

void result_write(FILE *file, const struct report *report)
{
    const struct crowd *crowd = report->crowd;
    fputs("{\n", file);
    write_about(file, report);
    write_numbers(file, report);
    write_visitors(file, &report->crowd->plan->visits);
    write_outcomes(file, report);
    write_generator(file, &report->generator);
    write_verdict(file, report);
    write_tally(file, "refused", &crowd->numbers.refusals);
    write_tally(file, "sent_again", &crowd->numbers.retries);
    result_requests(file, &crowd->series);
    result_latencies(file, "latency_us", crowd->series.intended);
    result_latencies(file, "service_us", crowd->series.service);
    result_series(file, &crowd->series);
    fputs("  ", file);
    write_differences(file, report->differences);
    fputs("\n}\n", file);
}
