/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generator - keeps a server busy: every connection has one request in flight, always, or as many
 * as its plan says, which then leave in one write.
 *
 * While replies come it does not sleep, so the server does not either; what is measured is the
 * server's work and not its waking up. It runs on a core of its own, over io_uring, and looks at
 * every reply: a status other than the expected one ends the run, and so does an error of RESP.
 *
 *     warm up --mark--> measure until seconds or requests_max --mark--> let the last replies in
 *
 * With per_second it is an open loop instead: requests are due at fixed times, whatever becomes of
 * those before, and each leaves on a connection that is free; the time of a reply counts from when
 * its request was due.
 *
 * Ownership  generator_open() connects and takes all memory, generator_close() gives it back.
 * Threads    The one that called generator_open().
 * Units      Seconds, nanoseconds, bytes.
 * Errors     false with one line in `failure`.
 * Cost       A core.
 */
#ifndef HOTSHELF_BENCH_GENERATOR_H
#define HOTSHELF_BENCH_GENERATOR_H

#include "bench/process.h"

#include <liburing.h>

#define GENERATOR_CONNECTIONS_MAX 10240
#define GENERATOR_REQUEST_SIZE_MAX 16384 /* all that leaves in one write */
#define GENERATOR_REPLY_SIZE_MAX 16384
#define GENERATOR_FAILURE_SIZE 1024

enum generator_protocol { GENERATOR_HTTP, GENERATOR_RESP };

/* Writes the next requests of a connection over those before, as many as are in flight at once;
 * answers their size. */
typedef uint32_t generator_fill(void *context, uint32_t connection, char *request);

struct generator_plan {
    uint16_t port;
    const char *path; /* of a Unix socket instead of a port; NULL: the port */
    uint32_t connections;
    uint32_t deep; /* requests in flight on each connection; 0 is 1 */
    enum generator_protocol protocol;
    int expected_status; /* HTTP */
    double warm_seconds;
    double seconds;
    double per_second;     /* 0: as many as there can be */
    uint64_t requests_max; /* warming up included; 0: no bound */
    generator_fill *fill;
    void *context;
    const struct process *server; /* whose CPU time is read at both marks */
};

struct generator_result {
    uint64_t completed; /* between the marks */
    double seconds;
    struct cpu_time cpu;
    double request_size; /* mean, of all requests */
    double reply_size;
    /* From a request, or when it was due, to the whole reply; measured ones only. */
    double p50_us, p99_us, p999_us;
    double longest_us;
    double late_p99_us; /* how long after it was due a request left; 0: no open loop */
    char failure[GENERATOR_FAILURE_SIZE];
};

struct generator;

/* NULL with the reason in `failure`. */
struct generator *generator_open(
    const struct generator_plan *plan, char failure[GENERATOR_FAILURE_SIZE]);
bool generator_run(struct generator *generator, struct generator_result *result);
void generator_close(struct generator *generator);

#endif
