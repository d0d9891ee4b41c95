/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres - one connection to PostgreSQL that never blocks without an end: every wait is a poll()
 * that a stop interrupts.
 *
 *     connect -> query, query, ..                        one statement at a time
 *             -> pipeline -> send, send, .. -> finish    one implicit transaction per finish
 *                         -> copy_start .. copy_finish   between two pipelines, see below
 *
 * Ownership  The PGconn is libpq's, freed by postgres_disconnect(); a PGresult is the caller's.
 * Threads    The stream's own.
 * Units      Milliseconds of the monotonic clock.
 * Errors     Negative errno; `problem` is a sentence, `sqlstate` the server's code or "":
 *     -EAGAIN     away, overloaded, read-only, serialization: disconnect, wait, try again
 *     -ESTALE     the position is not where we believed it was (SQLSTATE HS001)
 *     -EILSEQ     a value that this database will never take (22xxx, 23xxx but 23505)
 *     -EEXIST     a row that is already there (23505): exactly-once is broken
 *     -EPERM      anything else the server says: a person must mend it; try again, rarely
 *     -ECANCELED  the stop's deadline has passed
 * Cost       A finish is one round trip, however much was sent.
 */
#ifndef HOTSHELF_PERSIST_POSTGRES_H
#define HOTSHELF_PERSIST_POSTGRES_H

#include <libpq-fe.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "persist/postgres_rows.h"

enum {
    POSTGRES_PROBLEM_SIZE = 512,
    POSTGRES_CONNECT_MS = 10000, /* a host that swallows packets must not hold us for minutes */
};

/* When the one who waits must give up. Shared with whoever asks for the stop. */
struct postgres_stop {
    int fd;                       /* an eventfd, readable from the moment a stop is asked for */
    _Atomic uint64_t deadline_ms; /* 0: no stop is asked for */
};

struct postgres {
    PGconn *connection; /* NULL: not connected */
    const struct postgres_stop *stop;
    bool unconfirmed; /* a commit came with a warning: whether replicas have it is unknown */
    char sqlstate[6];
    char problem[POSTGRES_PROBLEM_SIZE];
};

uint64_t postgres_clock_ms(void);

int postgres_connect(struct postgres *postgres, const char *dsn, uint16_t node);
void postgres_disconnect(struct postgres *postgres);
/* The socket, to notice while idle that the server has gone; -1 when not connected. */
int postgres_socket(const struct postgres *postgres);
/* Reads what came unasked: -EAGAIN when it was the end of the connection. */
int postgres_listen(struct postgres *postgres);

/* Text parameters, text result. `result` may be NULL. */
int postgres_query(struct postgres *postgres, const char *sql, int count,
    const char *const *parameters, PGresult **result);
/* Several statements at once, in one transaction unless they say otherwise. */
int postgres_script(struct postgres *postgres, const char *sql);
/* Ends a transaction. -EAGAIN also when a standby should have it and may not: nothing is known. */
int postgres_commit(struct postgres *postgres);

/* Prepares every statement of postgres_rows.h and enters pipeline mode, for good. */
int postgres_pipeline(struct postgres *postgres);
int postgres_send(
    struct postgres *postgres, const char *name, const struct postgres_parameters *parameters);
int postgres_send_text(
    struct postgres *postgres, const char *sql, int count, const char *const *parameters);
/* Waits until everything sent is committed, or tells why nothing of it is. */
int postgres_finish(struct postgres *postgres);

/*
 * Statements with numbers only in their text, in one transaction unless they say otherwise, some of
 * them COPY .. FROM STDIN:
 *
 *     copy_start -> copy_next, copy_rows, copy_rows, .. copy_end   for each COPY in turn
 *                -> copy_finish
 *
 * A failure of copy_next is handed to copy_finish, which reads what is left and answers it. Each
 * copy_next and the finish is a round trip; rows are read while more are sent.
 */
int postgres_copy_start(struct postgres *postgres, const char *sql);
int postgres_copy_next(struct postgres *postgres);
int postgres_copy_rows(struct postgres *postgres, const void *rows, uint32_t size);
int postgres_copy_end(struct postgres *postgres);
int postgres_copy_finish(struct postgres *postgres, int failure);

#endif
