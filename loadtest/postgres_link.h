/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_link - a connection to PostgreSQL on which nothing is waited for without an end.
 *
 * Connecting, a query, and each further row of it may take as long as patience says. When it is at
 * its end the link has given up: that is told once, and every later call fails at once, silently.
 *
 * Ownership  postgres_link_open() to postgres_link_close(), also when it did not open; results are
 *            the caller's to clear. libpq allocates as it likes.
 * Threads    One; every call blocks, patience_seconds at most.
 * Units      Seconds.
 * Errors     NULL, false or -1. postgres_link_complain() tells what libpq says of the last one,
 *            and nothing of what the link has told itself.
 * Cost       As libpq; a reading of the clock a row. Looking up a host's name is the resolver's
 *            time. With several hosts a silent one takes the patience of all.
 */
#ifndef HOTSHELF_LOADTEST_POSTGRES_LINK_H
#define HOTSHELF_LOADTEST_POSTGRES_LINK_H

#include "loadtest/patience.h"

#include <libpq-fe.h>

struct postgres_link {
    PGconn *connection;
    const char *conninfo;
    uint32_t patience_seconds;
    bool has_given_up;
    bool has_failed; /* the query under way */
    struct patience patience;
};

/* Whether it can be a connection string; -1 after one line on stderr. */
int postgres_link_check(const char *conninfo);

int postgres_link_open(struct postgres_link *link, const char *conninfo, uint32_t patience_seconds);
void postgres_link_close(struct postgres_link *link);

/* PostgreSQL may have been restarted since it was last asked: connects again then. */
bool postgres_link_is_up(struct postgres_link *link);

/* The whole result of a query; NULL when it failed. $1 is `parameter`, if it has one. */
PGresult *postgres_link_ask(struct postgres_link *link, const char *query, const char *parameter);

/* The same row by row: after it the rows are taken until NULL, and then has_failed tells. */
bool postgres_link_send(struct postgres_link *link, const char *query, const char *parameter);
PGresult *postgres_link_row(struct postgres_link *link);

/* Until a notification comes, or `milliseconds` have passed. */
void postgres_link_listen(struct postgres_link *link, int milliseconds);

/* One line on stderr; -1. */
int postgres_link_complain(const struct postgres_link *link, const char *what);

#endif
