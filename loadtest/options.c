/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every option takes a value, as "--name value" or "--name=value". One table: name, where the value
 * goes, its range.
 */
#include "loadtest/options.h"

#include "loadtest/endpoint.h"
#include "loadtest/nearest.h"
#include "loadtest/postgres_link.h"
#include "loadtest/same_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum option_type { OPTION_TEXT, OPTION_NUMBER, OPTION_RATE, OPTION_SEED };

#define BOTH (1 << VERB_REPLAY | 1 << VERB_RUN)
#define RUN (1 << VERB_RUN)
#define REPLAY (1 << VERB_REPLAY)

struct option_row {
    const char *name;
    enum option_type type;
    int verbs;
    void *value;
    double min;
    double max;
    const char *help;
};

#define OPTION_ROWS 24

static void fill_table(struct options *options, const char **run, struct option_row *row)
{
    const struct option_row table[OPTION_ROWS] = {
        {"--url", OPTION_TEXT, BOTH, &options->url, 0, 0,
            "the storefront, also unix:PATH (http://127.0.0.1:8080)"},
        {"--resp", OPTION_TEXT, BOTH, &options->resp, 0, 0,
            "HOST:PORT or unix:PATH: over the Redis protocol instead"},
        {"--token-file", OPTION_TEXT, BOTH, &options->token_file, 0, 0,
            "a back end's token for --url (a JWT) or --resp, alone or as name:token"},
        {"--admin", OPTION_TEXT, BOTH, &options->admin_url, 0, 0,
            "the admin listener: compare the server's counters"},
        {"--admin-token-file", OPTION_TEXT, BOTH, &options->admin_token_file, 0, 0,
            "a token, or lines name:role:token"},
        {"--pg", OPTION_TEXT, BOTH, &options->postgres, 0, 0,
            "a PostgreSQL connection string: compare its rows"},
        {"--connections", OPTION_NUMBER, BOTH, &options->connections, 1, 60000,
            "visitors at once, each on a keep-alive connection (64; the scenario's)"},
        {"--rate", OPTION_RATE, BOTH, &options->rate, 0, 1e7,
            "visits begun per second; 0 = as fast as it goes (0; the scenario's)"},
        {"--seconds", OPTION_RATE, RUN, &options->seconds, 0, 1e6,
            "how long visits come (the scenario's)"},
        {"--visits", OPTION_NUMBER, RUN, &options->visits, 0, 2e7,
            "visits at most; 0 = as many as come in its seconds (the scenario's)"},
        {"--sale", OPTION_TEXT, RUN, &options->sale, 0, 0,
            "want products of this sale only (the scenario's)"},
        {"--skus", OPTION_TEXT, RUN, &options->skus, 0, 0,
            "want these, with commas between them (the scenario's)"},
        {"--orders-max", OPTION_NUMBER, BOTH, &options->orders_max, 0, 4e9,
            "read only the first orders of a file; 0 = all (0; the scenario's)"},
        {"--mode", OPTION_TEXT, BOTH, &options->mode, 0, 0,
            "deferred or external: name the payment mode at checkout (the server's)"},
        {"--cart-percent", OPTION_NUMBER, BOTH, &options->cart_percent, 0, 100,
            "baskets bought through the cart (25; the scenario's)"},
        {"--cancel-percent", OPTION_NUMBER, BOTH, &options->cancel_percent, 0, 100,
            "orders cancelled again (5; the scenario's)"},
        {"--patience", OPTION_NUMBER, BOTH, &options->patience_seconds, 1, 3600,
            "seconds without any whole answer, of anybody asked, until it has failed (60)"},
        {"--seed", OPTION_SEED, BOTH, &options->seed, 0, 0, "decides who does what, and when (1)"},
        {"--run", OPTION_TEXT, BOTH, run, 0, 0,
            "the start of every idempotency key, at most 31 characters (time and process)"},
        {"--log", OPTION_TEXT, BOTH, &options->log_path, 0, 0,
            "append every acknowledged order to this file as a JSON line"},
        {"--json", OPTION_TEXT, BOTH, &options->json_path, 0, 0, "write the result to this file"},
        {"--html", OPTION_TEXT, BOTH, &options->html_path, 0, 0,
            "write the result to this file as a page with plots"},
    };
    memcpy(row, table, sizeof table);
}

const char *verb_name(enum verb verb)
{
    static const char *const name[VERBS] = {"replay", "run"};
    return name[verb];
}

void options_usage(FILE *out)
{
    struct options options;
    const char *run;
    struct option_row row[OPTION_ROWS];
    fill_table(&options, &run, row);
    fputs("usage: hotshelf-loadtest replay ORDERS.csv [options]\n"
          "       hotshelf-loadtest run SCENARIO [options]\n"
          "       hotshelf-loadtest run --list\n\n"
          "replay buys the baskets of ORDERS.csv (columns ts, order_id, customer, sku, quantity)\n"
          "from a hotshelf server as concurrent customers; run is a crowd that a small file\n"
          "describes, --list names those that are shipped. Both then compare their own log of\n"
          "acknowledged orders with the server's counters and PostgreSQL's rows. Any difference\n"
          "is exit 1.\n\n",
        out);
    for (uint32_t at = 0; at < OPTION_ROWS && row[at].name != NULL; at++)
        fprintf(
            out, "  %-19s %s%s\n", row[at].name, row[at].verbs == RUN ? "run: " : "", row[at].help);
}

static int complain(const char *name, const char *reason)
{
    fprintf(stderr, "hotshelf-loadtest: %s: %s\n", name, reason);
    return -1;
}

/* strtoull() would take -5 for the 64-bit number that it is the remainder of. */
static int store_seed(const struct option_row *row, const char *text)
{
    char *end;
    errno = 0;
    *(uint64_t *)row->value = strtoull(text, &end, 0);
    bool is_whole = strchr("0123456789", text[0]) != NULL && text[0] != '\0' && *end == '\0';
    return is_whole && errno == 0
               ? 0
               : complain(row->name, "not a whole number from 0 to 18446744073709551615");
}

static int store(const struct option_row *row, const char *text)
{
    char *end;
    if (row->type == OPTION_TEXT) {
        *(const char **)row->value = text;
        return 0;
    }
    if (row->type == OPTION_SEED)
        return store_seed(row, text);
    double number = strtod(text, &end);
    if (*end != '\0' || end == text || !(number >= row->min && number <= row->max)) {
        fprintf(stderr, "hotshelf-loadtest: %s: not a number from %.0f to %.0f\n", row->name,
            row->min, row->max);
        return -1;
    }
    if (row->type == OPTION_RATE) {
        *(double *)row->value = number;
        return 0;
    }
    *(uint32_t *)row->value = (uint32_t)number;
    return number == (double)(uint32_t)number ? 0 : complain(row->name, "not a whole number");
}

static int complain_of_unknown(const struct option_row *rows, const char *word, size_t size)
{
    char name[NEAREST_SIZE_MAX + 1];
    snprintf(name, sizeof name, "%.*s", (int)size, word);
    struct nearest nearest = {.word = name};
    for (uint32_t at = 0; at < OPTION_ROWS && rows[at].name != NULL; at++)
        nearest_offer(&nearest, rows[at].name);
    bool is_near = nearest.best[0] != '\0';
    fprintf(stderr, "hotshelf-loadtest: %s: no such option%s%s%s\n", word,
        is_near ? "; did you mean " : "", nearest.best, is_near ? "?" : "");
    return -1;
}

/* argv[*at] is an option; moves *at to its last word. */
static int take_option(
    const struct option_row *rows, enum verb verb, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    size_t size = strcspn(word, "=");
    const struct option_row *row = rows;
    while (row < rows + OPTION_ROWS && row->name != NULL &&
           (strlen(row->name) != size || strncmp(row->name, word, size) != 0))
        row++;
    if (row == rows + OPTION_ROWS || row->name == NULL)
        return complain_of_unknown(rows, word, size);
    if ((row->verbs & 1 << verb) == 0)
        return complain(row->name, verb == VERB_REPLAY ? "only for run" : "only for replay");
    if (word[size] == '=')
        return store(row, word + size + 1);
    if (*at + 1 == argc)
        return complain(word, "a value is missing");
    return store(row, argv[++*at]);
}

/* The token of the first line: all of it, or what follows so many colons. */
static int read_token(const char *path, int colons, char *text, size_t capacity)
{
    FILE *file = fopen(path, "r");
    bool found = file != NULL && fgets(text, (int)capacity, file) != NULL;
    if (file != NULL)
        fclose(file);
    if (!found)
        return complain(path, "no token can be read from it");
    if (strchr(text, '\n') == NULL && strlen(text) + 1 == capacity)
        return complain(path, "the token is too long");
    text[strcspn(text, "\r\n")] = '\0';
    const char *token = text;
    for (; colons > 0 && strchr(token, ':') != NULL; colons--)
        token = strchr(token, ':') + 1;
    memmove(text, token, strlen(token) + 1);
    return text[0] != '\0' ? 0 : complain(path, "the token is empty");
}

static int read_tokens(struct options *options)
{
    if (options->admin_token_file != NULL &&
        read_token(
            options->admin_token_file, 2, options->admin_token, sizeof options->admin_token) < 0)
        return -1;
    if (options->token_file == NULL)
        return 0;
    return read_token(options->token_file, 1, options->token, sizeof options->token);
}

static int take_run(struct options *options, const char *run)
{
    if (run == NULL) {
        snprintf(options->run, sizeof options->run, "%s-%llx-%x", verb_name(options->verb),
            (unsigned long long)time(NULL), (unsigned)getpid());
        return 0;
    }
    for (const char *at = run; *at != '\0'; at++) {
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", *at) ==
            NULL)
            return complain("--run", "letters, digits, dots and dashes only");
    }
    if (run[0] == '\0' || strlen(run) >= sizeof options->run)
        return complain("--run", "1 to 31 characters");
    memcpy(options->run, run, strlen(run) + 1);
    return 0;
}

/* Before the run, not after it. What stands in a file is left alone, and no empty one remains. */
static int check_writable(const char *path)
{
    if (path == NULL)
        return 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool is_new = fd >= 0;
    if (fd < 0 && errno == EEXIST)
        fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return complain(path, strerror(errno));
    close(fd);
    if (is_new)
        unlink(path);
    return 0;
}

/* The log is appended to while the others are written anew, and each would be all there is. */
static int check_apart(const struct options *options)
{
    const char *orders = options->verb == VERB_REPLAY ? options->subject : NULL;
    const char *path[] = {options->json_path, options->html_path, options->log_path, orders};
    for (size_t at = 0; at < sizeof path / sizeof path[0]; at++) {
        for (size_t other = 0; other < at; other++) {
            if (same_file(path[at], path[other]))
                return complain(path[other], "one file for two things: it would keep one of them");
        }
    }
    return 0;
}

/* A name that nobody knows is no mistake of the command line: it is seen when it is asked for. */
static int check_places(const struct options *options)
{
    if (endpoint_check(options->url) < 0 ||
        (options->resp != NULL && endpoint_check_resp(options->resp) < 0) ||
        (options->admin_url != NULL && endpoint_check(options->admin_url) < 0) ||
        (options->postgres != NULL && postgres_link_check(options->postgres) < 0))
        return -1;
    return 0;
}

static int check(struct options *options, const char *run)
{
    if (options->subject == NULL)
        return complain(verb_name(options->verb), options->verb == VERB_RUN
                                                      ? "which scenario? run --list lists them"
                                                      : "which file of orders?");
    if (options->mode != NULL && strcmp(options->mode, "deferred") != 0 &&
        strcmp(options->mode, "external") != 0)
        return complain("--mode", "deferred or external");
    if (check_places(options) < 0 || read_tokens(options) < 0 ||
        check_writable(options->log_path) < 0 || check_writable(options->json_path) < 0 ||
        check_writable(options->html_path) < 0 || check_apart(options) < 0)
        return -1;
    return take_run(options, run);
}

int options_parse(struct options *options, enum verb verb, int argc, char **argv)
{
    *options = (struct options){
        .verb = verb,
        .url = "http://127.0.0.1:8080",
        .connections = OPTIONS_UNSET,
        .orders_max = OPTIONS_UNSET,
        .visits = OPTIONS_UNSET,
        .rate = -1,
        .seconds = -1,
        .cart_percent = OPTIONS_UNSET,
        .cancel_percent = OPTIONS_UNSET,
        .patience_seconds = 60,
        .seed = 1,
    };
    const char *run = NULL;
    struct option_row row[OPTION_ROWS];
    fill_table(options, &run, row);
    for (int at = 0; at < argc; at++) {
        bool is_option = strncmp(argv[at], "--", 2) == 0;
        if (is_option && take_option(row, verb, argc, argv, &at) < 0)
            return -1;
        if (!is_option && options->subject != NULL)
            return complain(
                argv[at], verb == VERB_RUN ? "one scenario only" : "one file of orders only");
        if (!is_option)
            options->subject = argv[at];
    }
    return check(options, run);
}
