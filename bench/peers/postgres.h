/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres - a private PostgreSQL as Debian configures it: synchronous commit, fsync, a Unix
 * socket.
 *
 *     postgres_open --initdb--> stopped --postgres_start--> running --postgres_stop--> stopped
 *
 * It runs as the user postgres when we are root. It is stopped between turns, so that what it
 * writes later disturbs nobody else's.
 *
 * Ownership  postgres_open() makes the cluster, postgres_close() stops and removes it.
 * Threads    One.
 * Units      None.
 * Errors     false with the reason in the turn.
 * Cost       Opening: initdb, a second or two. Starting: a quarter of one.
 */
#ifndef HOTSHELF_BENCH_PEERS_POSTGRES_H
#define HOTSHELF_BENCH_PEERS_POSTGRES_H

#include "bench/peers/peer.h"

#include <libpq-fe.h>

#define POSTGRES_CLIENTS_MAX 90

struct postgres {
    struct peer peer;
    char dsn[PEER_FILE_PATH_SIZE + 64];
};

bool postgres_open(struct postgres *postgres, const char *parent, int core, struct turn *turn);
bool postgres_start(struct postgres *postgres, int core, struct turn *turn);
void postgres_stop(struct postgres *postgres);
void postgres_close(struct postgres *postgres);

/* A connection; NULL with the reason in the turn. */
PGconn *postgres_connect(const struct postgres *postgres, struct turn *turn);
/* Runs statements to their end. */
bool postgres_run(PGconn *connection, const char *statements, struct turn *turn);
/* The one number that a query answers; -1 when it does not. */
int64_t postgres_number(PGconn *connection, const char *query);

#endif
