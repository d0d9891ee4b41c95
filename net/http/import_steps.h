/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import_steps - what the files of one import share: its state, and the step of each state.
 *
 *     import.c         begin, receive, the tick, recovery
 *     import_pass.c    the two passes over the spool
 *     import_answer.c  what the client hears
 *
 * Ownership  struct import is in the arena.
 * Threads    Shard 0.
 * Units      Bytes of the file.
 * Errors     Steps answer the request whose reply is complete, or NULL. A spool that cannot be read
 *            again after IMPORT_BEGUN ends the process (fatal.h): the next start goes on from it.
 * Cost       Each step is bounded, see import.h.
 */
#ifndef HOTSHELF_NET_HTTP_IMPORT_STEPS_H
#define HOTSHELF_NET_HTTP_IMPORT_STEPS_H

#include <stdalign.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "net/http/import.h"
#include "net/http/import_check.h"
#include "net/http/problem.h"

enum {
    IMPORT_PATH_SIZE = 1024,
};

enum import_state {
    IMPORT_IDLE,
    IMPORT_RECEIVING,
    IMPORT_CHECKING,
    IMPORT_SYNCING, /* recorded next */
    IMPORT_APPLYING,
    IMPORT_ENDING,   /* every row is decided: IMPORT_DONE next */
    IMPORT_SETTLING, /* IMPORT_DONE is decided and not yet durable */
};

struct import {
    enum import_state state;
    const struct config *config;
    struct shelf *shelf;
    char directory[IMPORT_PATH_SIZE];
    char path[IMPORT_PATH_SIZE + 16];
    int spool;

    struct request *request; /* NULL: nobody waits for an answer */
    bool dry_run;
    int failure; /* errno of the spool; 0 none */
    uint64_t size;
    uint64_t received;
    uint64_t written_behind;
    uint64_t read_at;
    bool read_all;
    bool row_waits; /* csv.product has not been run yet */

    struct fact_import fact;
    uint8_t actor[NAME_SIZE_MAX];
    uint32_t actor_size;
    bool begun; /* recovery: begun and not done */

    uint32_t created, updated, unchanged;
    struct import_check check;
    struct catalog_csv csv;
    alignas(64) XXH3_state_t hash;
    uint8_t row[CATALOG_ROW_SIZE_MAX];
    uint8_t buffer[IMPORT_BYTES_PER_TICK];
};

/* Back to the first byte of the spool. */
void import_begin_pass(struct import *import);
/* The next piece of the spool to the reader of rows; sets failure. */
void import_read_on(struct import *import);
void import_close_spool(struct import *import);

struct request *import_check_on(
    struct import *import, struct http_context *context, const struct import_host *host);
struct request *import_record_begin(
    struct import *import, struct http_context *context, const struct import_host *host);
void import_apply_on(struct import *import, const struct import_host *host);
struct request *import_record_end(
    struct import *import, struct http_context *context, const struct import_host *host);

struct request *import_answer_counts(struct import *import, struct http_context *context);
struct request *import_answer_errors(struct import *import, struct http_context *context);
struct request *import_answer_full(
    struct import *import, struct http_context *context, const char *table);
struct request *import_answer_problem(struct import *import, struct http_context *context,
    enum problem_code code, const char *detail);
struct request *import_answer_failure(struct import *import, struct http_context *context);

#endif
