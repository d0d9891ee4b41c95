/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario - what a crowd does, as a small file says it: who comes, when, and wants what.
 *
 *     [scenario] one line about it, connections, payment mode
 *     [arrivals] when visits come (arrivals.h)
 *     [visitors] how many of each kind: weights, a visitor is of one kind
 *     [baskets]  what they want: a file of real baskets, or SKUs by popularity
 *     [buyer] [bot] [refresher] [searcher] [impatient]   how each kind goes about it
 *     [think]    how long a visitor looks at an answer before the next request
 *
 * Every key is a row of the table in scenario_keys.c, with its range.
 *
 * Ownership  A plain value without pointers.
 * Threads    Read-only once read.
 * Units      As each member says.
 * Errors     scenario_read() and scenario_check(): -1 after one line on stderr with file, line and
 *            reason, and the nearest name when a name is unknown.
 * Cost       Nothing worth naming.
 */
#ifndef HOTSHELF_LOADTEST_SCENARIO_H
#define HOTSHELF_LOADTEST_SCENARIO_H

#include "loadtest/arrivals.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>

#define SCENARIO_TEXT_SIZE 160
#define SCENARIO_SKUS_SIZE 192

/* What a visitor comes for. */
enum behaviour {
    BEHAVIOUR_BUYER,     /* looks, fills a cart or not, buys, pays, may regret it */
    BEHAVIOUR_ABANDONER, /* fills a cart and goes away */
    BEHAVIOUR_BOT,       /* takes what it can and never pays */
    BEHAVIOUR_REFRESHER, /* looks again and again until it is sold out */
    BEHAVIOUR_SEARCHER,  /* turns pages of products, filtered by availability */
    BEHAVIOUR_IMPATIENT, /* a buyer who clicks twice, or hangs up and sends again */
    BEHAVIOURS
};

enum think_kind { THINK_NONE, THINK_CONSTANT, THINK_EXPONENTIAL, THINK_KINDS };

struct scenario_baskets {
    char file[PATH_MAX];           /* of real baskets; "": they are made up */
    char skus[SCENARIO_SKUS_SIZE]; /* with commas between them; "": what the shop shows */
    char sale[64];                 /* only products of this sale */
    uint32_t orders_max;           /* of the file; 0: all */
    uint32_t hot_skus;             /* so many SKUs are wanted by hot_percent of all lines */
    uint32_t hot_percent;
    double zipf;           /* the n-th of the others is wanted 1 / n^zipf as often as the first */
    uint32_t lines_max;    /* 1 to this many lines, as often each */
    uint32_t quantity_max; /* 1 to this many units a line */
    uint32_t customers;    /* 0: every visit is somebody else */
};

struct scenario {
    char name[64];
    char description[SCENARIO_TEXT_SIZE];
    char mode[16]; /* deferred, external, "": as the server is configured */
    uint32_t connections;
    uint32_t give_up_seconds; /* who would have to wait longer for "now" goes; 0: never */
    struct arrivals_plan arrivals;
    uint32_t share[BEHAVIOURS];
    struct scenario_baskets baskets;
    uint32_t look_percent;   /* of buyers that ask for availability first */
    uint32_t heed_percent;   /* of those, who leave out what is called sold out */
    uint32_t cart_percent;   /* of buyers that go through the cart */
    uint32_t cancel_percent; /* of orders that are cancelled again */
    uint32_t bot_cart_percent;
    uint32_t bot_customers; /* 0: every bot is somebody else */
    uint32_t refresh_ms;
    uint32_t refresh_max;     /* looks of one visit */
    uint32_t pages_max;       /* of one search */
    uint32_t page_size;       /* products a page */
    uint32_t hang_up_percent; /* of the impatient; the others click twice */
    uint32_t hang_up_ms;
    enum think_kind think;
    uint32_t think_ms;
};

const char *behaviour_name(enum behaviour behaviour);

/* What holds where a file says nothing; replay is this with a rate and percentages of its own. */
struct scenario scenario_default(void);

/* A name without a slash is looked for beside the program and where it was built from. */
int scenario_find(char path[PATH_MAX], const char *name);

int scenario_read(struct scenario *scenario, const char *path);

/* What only all keys together can say, the command line's included. */
int scenario_check(const struct scenario *scenario);

/* Every shipped scenario with its description, a line each. */
void scenario_list(FILE *out);

#endif
