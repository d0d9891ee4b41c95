/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox - a real hotshelf server for one measurement: a private directory, one shard on one core,
 * two products with stock for everybody, no PostgreSQL.
 *
 * Ownership  sandbox_open() makes directory and server, sandbox_close() stops and removes both.
 * Threads    One.
 * Units      Orders.
 * Errors     false after the reason, and the end of the server's log, on stderr.
 * Cost       Starting the server: it writes its whole journal once.
 */
#ifndef HOTSHELF_BENCH_SANDBOX_H
#define HOTSHELF_BENCH_SANDBOX_H

#include "bench/process.h"

#define SANDBOX_PATH_SIZE 256
#define SANDBOX_FILE_PATH_SIZE (SANDBOX_PATH_SIZE + 64)

/* Units of this product are taken at checkout, of the other when they are put into the cart. */
#define SANDBOX_SKU "BENCH-CHECKOUT"
#define SANDBOX_SKU_CART "BENCH-CART"

struct sandbox_plan {
    const char *server_path;
    const char *parent;      /* the directory to make ours in: on a real disk */
    uint32_t orders;         /* room for so many checkouts, each by a customer of its own */
    uint64_t journal_bytes;  /* 0: enough that it never laps */
    uint32_t skus;           /* products besides the two, which nobody buys */
    const char *io;          /* server.io; NULL: auto */
    bool over_unix;          /* HTTP and RESP on Unix sockets instead of ports */
    const char *const *sets; /* section.key=value over what we write; ends with NULL; NULL: none */
    const char *more;        /* sections of the configuration; NULL: none */
    int core;                /* or PROCESS_ANY_CORE */
};

struct sandbox {
    char directory[SANDBOX_PATH_SIZE];
    struct process server;
    uint16_t port;
    uint16_t admin_port;
    uint16_t resp_port;
    char path[SANDBOX_FILE_PATH_SIZE]; /* of Unix sockets; "" when there are none */
    char resp_path[SANDBOX_FILE_PATH_SIZE];
};

bool sandbox_open(struct sandbox *sandbox, const struct sandbox_plan *plan);
/* As a crash would end it. */
void sandbox_kill(struct sandbox *sandbox);
bool sandbox_start_again(struct sandbox *sandbox, const struct sandbox_plan *plan);
/* The last number in the server's log before this text; -1 when there is none. */
double sandbox_logged(const struct sandbox *sandbox, const char *text);

void sandbox_close(struct sandbox *sandbox);

/* Shows the end of the server's log on stderr. */
void sandbox_tell_log(const struct sandbox *sandbox);

#endif
