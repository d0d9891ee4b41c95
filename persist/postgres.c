/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The happy path is connect, prepare, pipeline, then send and finish for ever. What goes wrong is
 * sorted in one place, failure_of_state(): by what the caller can do about it, not by what it is.
 *
 * After -EAGAIN a transaction may or may not have been committed: the connection is then dropped
 * and the position is read back, which waits for a backend that is still committing.
 */
#include "persist/postgres.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/check.h"

enum { WAIT_MS_MAX = 1000 };

uint64_t postgres_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int failure_of_state(const char *state)
{
    static const struct {
        const char *prefix;
        int failure;
    } failures[] = {
        {"08", -EAGAIN},    /* connection */
        {"57P0", -EAGAIN},  /* shut down, starting up, terminated */
        {"57014", -EAGAIN}, /* cancelled */
        {"53", -EAGAIN},    /* out of disk, memory, connections */
        {"40", -EAGAIN},    /* serialization, deadlock */
        {"25006", -EAGAIN}, /* read-only: not the primary any more */
        {"55P03", -EAGAIN}, /* lock not available */
        {"HS001", -ESTALE},
        {"23505", -EEXIST},
        {"22", -EILSEQ},
        {"23", -EILSEQ},
    };
    for (uint32_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        if (strncmp(state, failures[i].prefix, strlen(failures[i].prefix)) == 0)
            return failures[i].failure;
    }
    return -EPERM;
}

/* Keeps libpq's message, which may be several indented lines, as one line of words. */
static void note_problem(struct postgres *postgres, const char *message)
{
    size_t size = 0;
    for (; *message != 0 && size + 1 < sizeof(postgres->problem); message++) {
        bool blank = *message == ' ' || *message == '\n' || *message == '\t';
        if (!blank)
            postgres->problem[size++] = *message;
        else if (size > 0 && postgres->problem[size - 1] != ' ')
            postgres->problem[size++] = ' ';
    }
    if (size > 0 && postgres->problem[size - 1] == ' ')
        size--;
    postgres->problem[size] = 0;
}

static int connection_failure(struct postgres *postgres)
{
    postgres->sqlstate[0] = 0;
    note_problem(postgres, PQerrorMessage(postgres->connection));
    return -EAGAIN;
}

static int result_failure(struct postgres *postgres, const PGresult *result)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    if (state == NULL || PQstatus(postgres->connection) == CONNECTION_BAD)
        return connection_failure(postgres); /* libpq's own: the connection broke */
    snprintf(postgres->sqlstate, sizeof(postgres->sqlstate), "%s", state);
    note_problem(postgres, PQresultErrorMessage(result));
    return failure_of_state(state);
}

/* Waits for the socket, a stop's deadline or `until_ms`. Answers 0 also when nothing came. */
static int wait_socket(const struct postgres *postgres, short events, uint64_t until_ms)
{
    uint64_t now_ms = postgres_clock_ms();
    uint64_t stop_ms = atomic_load(&postgres->stop->deadline_ms);
    if (stop_ms != 0 && now_ms >= stop_ms)
        return -ECANCELED;
    uint64_t wait_ms = WAIT_MS_MAX;
    if (until_ms > now_ms && until_ms - now_ms < wait_ms)
        wait_ms = until_ms - now_ms;
    if (stop_ms != 0 && stop_ms - now_ms < wait_ms)
        wait_ms = stop_ms - now_ms;
    struct pollfd polled[2] = {
        {.fd = PQsocket(postgres->connection), .events = events},
        {.fd = stop_ms == 0 ? postgres->stop->fd : -1, .events = POLLIN},
    };
    if (poll(polled, 2, (int)wait_ms) < 0 && errno != EINTR)
        return -errno;
    return 0;
}

/*
 * A commit that was not replicated comes with a warning: its wait for the standby was cancelled.
 * It is local, so nothing is lost yet, but it is not what the configuration promised.
 */
static void receive_notice(void *context, const PGresult *notice)
{
    struct postgres *postgres = context;
    const char *state = PQresultErrorField(notice, PG_DIAG_SQLSTATE);
    if (state != NULL && strcmp(state, "01000") == 0)
        postgres->unconfirmed = true;
}

/* A statement of ours that is cut short is only sent again: it may take the time it takes. A
 * batch's arrays are some MiB, and become rows in memory if they may. */
static const char session_sql[] = "SET statement_timeout = 0; SET lock_timeout = 0; "
                                  "SET idle_in_transaction_session_timeout = 0; "
                                  "SET work_mem = '32MB'";

static int await_connection(struct postgres *postgres)
{
    uint64_t until_ms = postgres_clock_ms() + POSTGRES_CONNECT_MS;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;
    while (status != PGRES_POLLING_OK) {
        if (status == PGRES_POLLING_FAILED)
            return connection_failure(postgres);
        if (postgres_clock_ms() >= until_ms) {
            note_problem(postgres, "no answer to the attempt to connect");
            return -EAGAIN;
        }
        int failure =
            wait_socket(postgres, status == PGRES_POLLING_READING ? POLLIN : POLLOUT, until_ms);
        if (failure < 0)
            return failure;
        status = PQconnectPoll(postgres->connection);
    }
    return 0;
}

int postgres_connect(struct postgres *postgres, const char *dsn, uint16_t node)
{
    char name[32];
    snprintf(name, sizeof(name), "hotshelf node %u", node);
    /* Of a keyword given twice the last counts: what stands before the dsn is a default only. */
    const char *keywords[] = {"application_name", "gssencmode", "keepalives_idle",
        "keepalives_interval", "keepalives_count", "tcp_user_timeout", "dbname",
        "target_session_attrs", "client_encoding", NULL};
    const char *values[] = {
        name, "disable", "15", "5", "3", "30000", dsn, "read-write", "UTF8", NULL};
    CHECK(postgres->connection == NULL);
    postgres->sqlstate[0] = 0;
    postgres->connection = PQconnectStartParams(keywords, values, 1);
    if (postgres->connection == NULL) {
        note_problem(postgres, "out of memory: [postgres] budget");
        return -EAGAIN;
    }
    if (PQstatus(postgres->connection) == CONNECTION_BAD)
        return connection_failure(postgres);
    int failure = await_connection(postgres);
    if (failure < 0)
        return failure;
    /* A verbose error shows the row it refused, and rows are customers' business. */
    PQsetErrorVerbosity(postgres->connection, PQERRORS_TERSE);
    PQsetNoticeReceiver(postgres->connection, receive_notice, postgres);
    if (PQsetnonblocking(postgres->connection, 1) != 0)
        return connection_failure(postgres);
    return postgres_script(postgres, session_sql);
}

void postgres_disconnect(struct postgres *postgres)
{
    PQfinish(postgres->connection);
    postgres->connection = NULL;
}

int postgres_socket(const struct postgres *postgres)
{
    return postgres->connection == NULL ? -1 : PQsocket(postgres->connection);
}

int postgres_listen(struct postgres *postgres)
{
    if (!PQconsumeInput(postgres->connection) || PQstatus(postgres->connection) == CONNECTION_BAD)
        return connection_failure(postgres);
    return 0;
}

/* Sends what is left and reads until the next result is complete. */
static int next_result(struct postgres *postgres, PGresult **result)
{
    for (;;) {
        int unsent = PQflush(postgres->connection);
        if (unsent < 0)
            return connection_failure(postgres);
        if (unsent == 0 && !PQisBusy(postgres->connection))
            break;
        int failure = wait_socket(postgres, (short)(unsent ? POLLIN | POLLOUT : POLLIN), 0);
        if (failure < 0)
            return failure;
        if (!PQconsumeInput(postgres->connection))
            return connection_failure(postgres);
    }
    *result = PQgetResult(postgres->connection);
    return 0;
}

/* Outside a pipeline: reads every result of what was sent and keeps the last one. */
static int read_results(struct postgres *postgres, PGresult **kept)
{
    PGresult *last = NULL, *result = NULL;
    int failure = 0;
    while ((failure = next_result(postgres, &result)) == 0 && result != NULL) {
        PQclear(last);
        last = result;
        if (PQresultStatus(result) == PGRES_FATAL_ERROR) {
            failure = result_failure(postgres, result);
            break;
        }
    }
    if (failure == 0 && last == NULL)
        failure = connection_failure(postgres);
    if (failure < 0 || kept == NULL)
        PQclear(last);
    else
        *kept = last;
    return failure;
}

/* An error leaves results unread behind it; the caller disconnects, or reads no further. */
static int drain(struct postgres *postgres, int failure)
{
    PGresult *result = NULL;
    while (failure != -EAGAIN && failure != -ECANCELED && next_result(postgres, &result) == 0 &&
           result != NULL)
        PQclear(result);
    return failure;
}

int postgres_query(struct postgres *postgres, const char *sql, int count,
    const char *const *parameters, PGresult **result)
{
    if (!PQsendQueryParams(postgres->connection, sql, count, NULL, parameters, NULL, NULL, 0))
        return connection_failure(postgres);
    int failure = read_results(postgres, result);
    return failure < 0 ? drain(postgres, failure) : 0;
}

int postgres_script(struct postgres *postgres, const char *sql)
{
    if (!PQsendQuery(postgres->connection, sql))
        return connection_failure(postgres);
    int failure = read_results(postgres, NULL);
    return failure < 0 ? drain(postgres, failure) : 0;
}

int postgres_pipeline(struct postgres *postgres)
{
    if (!PQenterPipelineMode(postgres->connection))
        return connection_failure(postgres);
    for (uint32_t i = 0; i < POSTGRES_STATEMENTS; i++) {
        char sql[POSTGRES_SQL_SIZE_MAX];
        postgres_rows_sql(i, sql);
        if (!PQsendPrepare(postgres->connection, postgres_rows_name(i), sql, 0, NULL))
            return connection_failure(postgres);
    }
    return postgres_finish(postgres);
}

int postgres_send(
    struct postgres *postgres, const char *name, const struct postgres_parameters *parameters)
{
    if (!PQsendQueryPrepared(postgres->connection, name, (int)parameters->count, parameters->values,
            parameters->sizes, parameters->formats, 1))
        return connection_failure(postgres);
    return 0;
}

int postgres_send_text(
    struct postgres *postgres, const char *sql, int count, const char *const *parameters)
{
    if (!PQsendQueryParams(postgres->connection, sql, count, NULL, parameters, NULL, NULL, 1))
        return connection_failure(postgres);
    return 0;
}

static int believe_commit(struct postgres *postgres)
{
    if (!postgres->unconfirmed)
        return 0;
    note_problem(postgres, "a commit was not confirmed by the standby");
    return -EAGAIN;
}

/*
 * Results come in order, each followed by NULL, and at last the one of the sync. After an error the
 * rest up to the sync are PGRES_PIPELINE_ABORTED: only the first error says anything.
 */
int postgres_finish(struct postgres *postgres)
{
    postgres->unconfirmed = false;
    if (!PQpipelineSync(postgres->connection))
        return connection_failure(postgres);
    int failure = 0;
    uint32_t nulls = 0;
    for (bool synced = false; !synced && nulls < 2;) {
        PGresult *result = NULL;
        int broken = next_result(postgres, &result);
        if (broken < 0)
            return broken;
        nulls = result == NULL ? nulls + 1 : 0;
        synced = result != NULL && PQresultStatus(result) == PGRES_PIPELINE_SYNC;
        if (result != NULL && PQresultStatus(result) == PGRES_FATAL_ERROR && failure == 0)
            failure = result_failure(postgres, result);
        PQclear(result);
    }
    if (nulls == 2)
        return connection_failure(postgres);
    return failure == 0 ? believe_commit(postgres) : failure;
}

int postgres_copy_start(struct postgres *postgres, const char *sql)
{
    postgres->unconfirmed = false;
    if (!PQexitPipelineMode(postgres->connection) || !PQsendQuery(postgres->connection, sql))
        return connection_failure(postgres);
    return 0;
}

int postgres_copy_next(struct postgres *postgres)
{
    for (bool asked = false; !asked;) {
        PGresult *result = NULL;
        int failure = next_result(postgres, &result);
        if (failure < 0)
            return failure;
        if (result == NULL)
            return connection_failure(postgres);
        asked = PQresultStatus(result) == PGRES_COPY_IN;
        if (PQresultStatus(result) == PGRES_FATAL_ERROR)
            failure = result_failure(postgres, result);
        PQclear(result);
        if (failure < 0)
            return failure;
    }
    return 0;
}

/* libpq keeps what the socket does not take: no more than one piece. */
static int flush(struct postgres *postgres)
{
    int unsent;
    while ((unsent = PQflush(postgres->connection)) > 0) {
        int failure = wait_socket(postgres, POLLIN | POLLOUT, 0);
        if (failure < 0)
            return failure;
        if (!PQconsumeInput(postgres->connection))
            return connection_failure(postgres);
    }
    return unsent < 0 ? connection_failure(postgres) : 0;
}

int postgres_copy_rows(struct postgres *postgres, const void *rows, uint32_t size)
{
    int failure = flush(postgres);
    if (failure == 0 && PQputCopyData(postgres->connection, rows, (int)size) != 1)
        failure = connection_failure(postgres);
    return failure;
}

int postgres_copy_end(struct postgres *postgres)
{
    return PQputCopyEnd(postgres->connection, NULL) == 1 ? 0 : connection_failure(postgres);
}

int postgres_copy_finish(struct postgres *postgres, int failure)
{
    PGresult *result = NULL;
    int broken = failure == -EAGAIN || failure == -ECANCELED ? failure : 0;
    while (broken == 0 && (broken = next_result(postgres, &result)) == 0 && result != NULL) {
        if (PQresultStatus(result) == PGRES_FATAL_ERROR && failure == 0)
            failure = result_failure(postgres, result);
        PQclear(result);
    }
    if (broken < 0)
        return broken;
    if (!PQenterPipelineMode(postgres->connection))
        return connection_failure(postgres);
    return failure == 0 ? believe_commit(postgres) : failure;
}

int postgres_commit(struct postgres *postgres)
{
    postgres->unconfirmed = false;
    int failure = postgres_script(postgres, "COMMIT");
    return failure == 0 ? believe_commit(postgres) : failure;
}
