/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options - what the command line of hotshelf-loadtest replay says.
 *
 * Ownership  Texts point into argv, but for the admin token, which is read from its file.
 * Threads    Read-only once parsed.
 * Units      As each member says.
 * Errors     options_parse(): -1 after the reason on stderr (exit 2, usage).
 * Cost       Nothing worth naming.
 */
#ifndef HOTSHELF_LOADTEST_OPTIONS_H
#define HOTSHELF_LOADTEST_OPTIONS_H

#include <stdint.h>
#include <stdio.h>

struct options {
    const char *orders_path;
    const char *url;
    const char *resp; /* the listener of RESP to use instead; NULL: HTTP */
    const char *admin_url; /* NULL: counters are not compared */
    const char *admin_token_file;
    char admin_token[256];
    const char *postgres; /* a libpq connection string; NULL: rows are not compared */
    const char *json_path;
    const char *html_path;
    const char *log_path;
    const char *mode; /* deferred, external; NULL: as the server is configured */
    char run[32];     /* in front of every idempotency key */
    uint32_t connections;
    uint32_t orders_max;   /* 0: all */
    double rate;           /* baskets per second; 0: as fast as it goes */
    uint32_t cart_percent; /* of baskets that go through the cart */
    uint32_t cancel_percent;
    uint32_t patience_seconds; /* without any answer, until the run has failed */
    uint64_t seed;
};

void options_usage(FILE *out);
int options_parse(struct options *options, int argc, char **argv);

#endif
