/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options - what the command line of hotshelf-loadtest replay and run says.
 *
 * Ownership  Texts point into argv, but for the admin token, which is read from its file.
 * Threads    Read-only once parsed.
 * Units      As each member says. What was not said is OPTIONS_UNSET, a negative rate, or NULL.
 * Errors     options_parse(): -1 after the reason on stderr (exit 2, usage).
 * Cost       Nothing worth naming.
 */
#ifndef HOTSHELF_LOADTEST_OPTIONS_H
#define HOTSHELF_LOADTEST_OPTIONS_H

#include <stdint.h>
#include <stdio.h>

#define OPTIONS_UNSET UINT32_MAX

enum verb { VERB_REPLAY, VERB_RUN, VERBS };

struct options {
    enum verb verb;
    const char *subject; /* replay: the file of orders; run: the scenario */
    const char *url;
    const char *resp;      /* HOST:PORT or unix:PATH; NULL: HTTP */
    const char *admin_url; /* NULL: counters are not compared */
    const char *token_file; /* NULL: the server believes what is said */
    char token[2048];
    const char *admin_token_file;
    char admin_token[256];
    const char *postgres; /* a libpq connection string; NULL: rows are not compared */
    const char *json_path;
    const char *html_path;
    const char *log_path;
    const char *mode; /* deferred, external; NULL: as the server is configured */
    const char *sale; /* whose products are wanted; NULL: as the scenario says */
    const char *skus; /* what is wanted; NULL: as the scenario says */
    char run[32];     /* in front of every idempotency key */
    uint32_t connections;
    uint32_t orders_max; /* 0: all */
    uint32_t visits;
    double rate;           /* visits a second; 0: as fast as it goes */
    double seconds;        /* of arrivals */
    uint32_t cart_percent; /* of baskets that go through the cart */
    uint32_t cancel_percent;
    uint32_t patience_seconds; /* without any answer, until the run has failed */
    uint64_t seed;
};

const char *verb_name(enum verb verb);

void options_usage(FILE *out);
int options_parse(struct options *options, enum verb verb, int argc, char **argv);

#endif
