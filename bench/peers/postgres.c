/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/peers/postgres.h"

#include <libgen.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OWNER "postgres" /* it refuses to run as root */
#define PING_TRIES_MAX 3000
#define PING_LOOK_MS 10
#define STOP_TIMEOUT_MS 60000
#define INITDB_TIMEOUT_MS 60000

static const char *const places[] = {"/usr/lib/postgresql/*/bin/postgres", NULL};
static const struct peer_program program = {
    .name = "postgres", .package = "postgresql-15", .places = places};

static bool run_initdb(struct postgres *postgres, int core, struct turn *turn)
{
    char path[PEER_FILE_PATH_SIZE + 16], beside[PEER_FILE_PATH_SIZE], data[PEER_FILE_PATH_SIZE];
    char log[PEER_FILE_PATH_SIZE];
    struct process initdb;
    snprintf(beside, sizeof beside, "%s", postgres->peer.program);
    snprintf(path, sizeof path, "%s/initdb", dirname(beside));
    peer_file(&postgres->peer, "data", data);
    peer_file(&postgres->peer, "log", log);
    char *argv[] = {path, (char[]){"-D"}, data, (char[]){"-U"}, (char[]){"bench"}, (char[]){"-E"},
        (char[]){"UTF8"}, (char[]){"--locale=C.UTF-8"}, (char[]){"--auth=trust"},
        (char[]){"--no-sync"}, NULL};
    const struct process_plan plan = {.argv = argv,
        .core = core,
        .log_path = log,
        .user = geteuid() == 0 ? OWNER : NULL,
        .death_signal = SIGTERM};
    if (process_start_as(&initdb, &plan) == 0 && process_wait(&initdb, INITDB_TIMEOUT_MS) == 0)
        return true;
    return peer_fail(&postgres->peer, "initdb fails", turn);
}

bool postgres_open(struct postgres *postgres, const char *parent, int core, struct turn *turn)
{
    *postgres = (struct postgres){0};
    if (!peer_open(&postgres->peer, &program, parent, turn))
        return false;
    const struct passwd *owner = geteuid() == 0 ? getpwnam(OWNER) : NULL;
    if (geteuid() == 0 &&
        (owner == NULL || chown(postgres->peer.directory, owner->pw_uid, owner->pw_gid) < 0))
        return turn_fail(turn, "the directory cannot be given to the user " OWNER);
    snprintf(postgres->dsn, sizeof postgres->dsn, "host=%s user=bench dbname=postgres",
        postgres->peer.directory);
    return run_initdb(postgres, core, turn);
}

bool postgres_start(struct postgres *postgres, int core, struct turn *turn)
{
    struct peer *peer = &postgres->peer;
    char data[PEER_FILE_PATH_SIZE], log[PEER_FILE_PATH_SIZE], place[PEER_FILE_PATH_SIZE + 32];
    peer_file(peer, "data", data);
    peer_file(peer, "log", log);
    snprintf(place, sizeof place, "unix_socket_directories=%s", peer->directory);
    char *argv[] = {peer->program, (char[]){"-D"}, data, (char[]){"-c"}, place, (char[]){"-c"},
        (char[]){"listen_addresses="}, (char[]){"-c"}, (char[]){"synchronous_commit=on"}, NULL};
    const struct process_plan plan = {.argv = argv,
        .core = core,
        .log_path = log,
        .user = geteuid() == 0 ? OWNER : NULL,
        .death_signal = SIGQUIT}; /* at once, but it takes its shared memory away */
    if (process_start_as(&peer->process, &plan) < 0)
        return peer_fail(peer, "does not start", turn);
    for (uint32_t tries = 0; tries < PING_TRIES_MAX; tries++) {
        if (PQping(postgres->dsn) == PQPING_OK)
            return true;
        struct pollfd end = {.fd = peer->process.pidfd, .events = POLLIN};
        if (poll(&end, 1, PING_LOOK_MS) > 0)
            break;
    }
    return peer_fail(peer, "does not listen", turn);
}

/* SIGINT: whoever is still connected is hung up on. */
void postgres_stop(struct postgres *postgres)
{
    struct process *process = &postgres->peer.process;
    if (process->pid == 0)
        return;
    kill(process->pid, SIGINT);
    process_wait(process, STOP_TIMEOUT_MS);
}

void postgres_close(struct postgres *postgres)
{
    postgres_stop(postgres);
    peer_close(&postgres->peer);
}

PGconn *postgres_connect(const struct postgres *postgres, struct turn *turn)
{
    PGconn *connection = PQconnectdb(postgres->dsn);
    if (PQstatus(connection) == CONNECTION_OK) {
        PQclear(PQexec(connection, "SET client_min_messages = warning"));
        return connection;
    }
    turn_fail(turn, "PostgreSQL: %s", PQerrorMessage(connection));
    PQfinish(connection);
    return NULL;
}

bool postgres_run(PGconn *connection, const char *statements, struct turn *turn)
{
    PGresult *result = PQexec(connection, statements);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return true;
    return turn_fail(turn, "PostgreSQL: %s", PQerrorMessage(connection));
}

int64_t postgres_number(PGconn *connection, const char *query)
{
    PGresult *result = PQexec(connection, query);
    int64_t number = -1;
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1)
        number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return number;
}
