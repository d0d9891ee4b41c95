/* SPDX-License-Identifier: Apache-2.0 */
/*
 * import - a catalog comes in: spooled, checked whole, recorded, then row by row onto the shelf
 * (rule T4: all rows or none).
 *
 *     IDLE --begin--> RECEIVING --whole--> CHECKING --no error--> SYNCING --> APPLYING --> IDLE
 *                        |                    |\--dry run, errors: answered--------------> IDLE
 *                        \--abandoned         |
 *                                             IMPORT_BEGUN is recorded with the file's hash
 *
 * The body goes to DIR/import.spool as it arrives. A file with one error changes nothing. What
 * decides is the record IMPORT_BEGUN with the hash of the spool; rows are ordinary records after
 * it, a bounded number per tick; new products become visible with IMPORT_DONE. A crash between the
 * two is finished at the next start from the spool: import_note() during recovery, then
 * import_resume(), then ticks until import_is_idle(), before the doors open.
 *
 * The loop of shard 0, which alone runs imports:
 *
 *     http_decode() says HTTP_IMPORT -> import_begin() -> import_feed() for every piece of the body
 *     every tick: import_tick(); when it hands back the request, its reply is complete: let it wait
 *     for the newest batch of shard 0, then send it. The client is gone: import_abandon().
 *
 * Ownership  One struct import, in the arena; it holds the request from begin until it is handed
 *            back (or abandoned before the body was whole).
 * Threads    Shard 0.
 * Units      Bytes; lines of the file from 1.
 * Errors     What is wrong with the file or the moment is a complete reply in the request. A spool
 *            that cannot be written is 503. import_resume(): a negative errno and a sentence.
 * Cost       Fixed memory: 64 KiB of buffer and two tables as large as the catalog. A tick takes at
 *            most IMPORT_BYTES_PER_TICK of checking or IMPORT_ROWS_PER_TICK of rows. Writes to the
 *            spool go to the page cache (some 10 us per received buffer) and are started on their
 *            way at each MiB, so that the one fdatasync() at the end, which holds shard 0 up for
 *            as long as the disk takes, has little left to do.
 */
#ifndef HOTSHELF_NET_HTTP_IMPORT_H
#define HOTSHELF_NET_HTTP_IMPORT_H

#include "net/http/http.h"

enum {
    IMPORT_BYTES_PER_TICK = 64 * 1024, /* about 0.3 ms */
    IMPORT_ROWS_PER_TICK = 256,
    IMPORT_ERRORS_MAX = 100, /* told in one reply; all are counted */
};

struct import;

/* How the import asks shard 0's engine. */
struct import_host {
    /* Decides and, when an event comes of it, applies and appends. false: no room in this tick. */
    bool (*run)(void *host, const struct command *command, struct answer *answer);
    /* Decides only: what would be answered. */
    void (*look)(void *host, const struct command *command, struct answer *answer);
    void *host;
};

/* `directory` is the data directory, which exists; it is not looked into yet. */
struct import *import_create(
    struct arena *arena, const struct config *config, struct shelf *shelf, const char *directory);

/* After HTTP_IMPORT, with the announced size of the body. false: refused, the reply in the request
 * is complete (another import is under way, too large, no spool), and the body is not wanted. */
bool import_begin(struct import *import, struct http_context *context, struct request *request,
    uint64_t body_size);

/* The next bytes of the body; no more than were announced. An error waits for import_tick(). */
void import_feed(struct import *import, struct bytes bytes);

/* Bytes of the body that are still to come. */
uint64_t import_missing(const struct import *import);

/* The client has gone before its body was whole: nothing has changed. The request is let go. */
void import_abandon(struct import *import);

/* One bounded step. Answers the request whose reply is now complete, or NULL. */
struct request *import_tick(
    struct import *import, struct http_context *context, const struct import_host *host);

/* Whether import_tick() has something to do now: then the loop does not sleep. */
bool import_is_busy(const struct import *import);
/* No import is under way. */
bool import_is_idle(const struct import *import);

/* Recovery: shown every event of shard 0; remembers an import that was begun and not done. */
void import_note(struct import *import, const struct event *event);

/* After recovery: makes ready to finish an import that a crash cut short. 0 with nothing to do,
 * too. A spool that is missing or is not the one recorded: negative errno and a sentence. */
int import_resume(struct import *import, char *error, uint32_t error_size);

#endif
