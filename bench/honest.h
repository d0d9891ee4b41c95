/* SPDX-License-Identifier: Apache-2.0 */
/*
 * honest - customers who ask now and then, each from an address of his own, and how long they wait.
 *
 * Requests are due at fixed times, whatever becomes of those before: a reply that comes late makes
 * the wait of the next one longer, as it does for people. Half of the clients look at availability,
 * the others change the quantity in their cart, which waits for the disk.
 *
 * Ownership  honest_run() opens and closes all connections; results are plain values.
 * Threads    The calling one, which sleeps while nothing is due.
 * Units      Microseconds from the moment a request was due to its whole reply.
 * Errors     false after a line on stderr; another status than 200 is one.
 * Cost       A few percent of a core.
 */
#ifndef HOTSHELF_BENCH_HONEST_H
#define HOTSHELF_BENCH_HONEST_H

#include <stdbool.h>
#include <stdint.h>

#define HONEST_CLIENTS_MAX 250

enum honest_kind { HONEST_AVAILABILITY, HONEST_CART, HONEST_KINDS };

struct honest_plan {
    uint16_t port;
    uint32_t clients;  /* on 127.0.1.1 and so on */
    double per_second; /* of all together */
    double seconds;
};

struct honest_result {
    double p50_us[HONEST_KINDS];
    double p99_us[HONEST_KINDS];
    uint32_t replies[HONEST_KINDS];
};

bool honest_run(const struct honest_plan *plan, struct honest_result *result);

#endif
