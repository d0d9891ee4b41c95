/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each client goes from step to step of its order; a step is a prepared statement and its one
 * reply.
 *
 * What can go wrong: a statement fails, a step touches no row (sold out), PostgreSQL goes silent.
 */
#include "bench/peers/locks.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STOCK 1000000000L
#define STALL_MS 20000
#define MEASURED_MIN 20 /* orders, that there is something to divide by */
#define TEXT_SIZE 24

enum parameter { SKU, ORDER, CUSTOMER, PARAMETERS };

struct step {
    const char *name;
    const char *statement;
    int parameters;
    bool one_row; /* of it must be touched or answered */
};

static const struct step row_steps[] = {
    {"begin", "BEGIN", 0, false},
    {"look", "SELECT available FROM stock WHERE sku = $1 FOR UPDATE", 1, true},
    {"take", "UPDATE stock SET available = available - 1 WHERE sku = $1 AND available >= 1", 1,
        true},
    {"order", "INSERT INTO orders (sku, id, customer, quantity) VALUES ($1, $2, $3, 1)", 3, true},
    {"commit", "COMMIT", 0, false},
};

static const struct step one_step[] = {
    {"sell",
        "WITH taken AS (UPDATE stock SET available = available - 1 WHERE sku = $1 AND available >= "
        "1 "
        "RETURNING sku) INSERT INTO orders (sku, id, customer, quantity) "
        "SELECT sku, $2, $3, 1 FROM taken",
        3, true},
};

static const char tables[] =
    "DROP TABLE IF EXISTS stock, orders;"
    "CREATE TABLE stock (sku text PRIMARY KEY, available bigint NOT NULL) WITH (fillfactor = 50);"
    "CREATE TABLE orders (id text PRIMARY KEY, customer text NOT NULL, sku text NOT NULL,"
    " quantity int NOT NULL, created_at timestamptz NOT NULL DEFAULT now());";

struct client {
    PGconn *connection;
    uint32_t step;
    bool is_busy;
    char text[PARAMETERS][TEXT_SIZE];
};

struct locks {
    const struct locks_plan *plan;
    const struct step *steps;
    uint32_t step_count;
    struct client client[POSTGRES_CLIENTS_MAX];
    struct pollfd poll[POSTGRES_CLIENTS_MAX];
    uint32_t orders_made;
    uint64_t completed;
    bool is_stopping;
    struct turn *turn;
};

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool send_step(struct locks *locks, struct client *client)
{
    const struct step *step = &locks->steps[client->step];
    const char *values[PARAMETERS] = {
        client->text[SKU], client->text[ORDER], client->text[CUSTOMER]};
    if (PQsendQueryPrepared(
            client->connection, step->name, step->parameters, values, NULL, NULL, 0) == 1 &&
        PQflush(client->connection) == 0)
        return true;
    return turn_fail(locks->turn, "PostgreSQL: %s", PQerrorMessage(client->connection));
}

/* The next order, of another customer; its SKU by chance, the same in each run. */
static bool begin_order(struct locks *locks, struct client *client)
{
    client->is_busy = !locks->is_stopping;
    if (locks->is_stopping)
        return true;
    uint32_t number = locks->orders_made++;
    client->step = 0;
    snprintf(client->text[SKU], TEXT_SIZE, "SKU-%u", number * 2654435761U % locks->plan->skus);
    snprintf(client->text[ORDER], TEXT_SIZE, "order-%08u", number);
    snprintf(client->text[CUSTOMER], TEXT_SIZE, "buyer-%08u", number);
    return send_step(locks, client);
}

static bool is_good(const struct step *step, const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        return false;
    return !step->one_row || strcmp(PQcmdTuples((PGresult *)(uintptr_t)result), "1") == 0;
}

/* Takes what has come; on the end of a step the next one leaves. */
static bool hear(struct locks *locks, struct client *client)
{
    if (PQconsumeInput(client->connection) != 1)
        return turn_fail(locks->turn, "PostgreSQL: %s", PQerrorMessage(client->connection));
    while (client->is_busy && PQisBusy(client->connection) == 0) {
        PGresult *result = PQgetResult(client->connection);
        bool is_end = result == NULL;
        bool good = is_end || is_good(&locks->steps[client->step], result);
        PQclear(result);
        if (!good)
            return turn_fail(locks->turn, "PostgreSQL refuses \"%s\": %s",
                locks->steps[client->step].name, PQerrorMessage(client->connection));
        if (!is_end)
            continue;
        client->step++;
        bool is_whole = client->step == locks->step_count;
        locks->completed += is_whole;
        if (is_whole ? !begin_order(locks, client) : !send_step(locks, client))
            return false;
    }
    return true;
}

static uint32_t count_busy(const struct locks *locks)
{
    uint32_t busy = 0;
    for (uint32_t at = 0; at < locks->plan->clients; at++)
        busy += locks->client[at].is_busy;
    return busy;
}

/* Until the time is over and so many are sold, or nobody is busy any more. */
static bool drive(struct locks *locks, double seconds, uint64_t completed_min)
{
    double end = now_seconds() + seconds;
    while ((now_seconds() < end || locks->completed < completed_min) && count_busy(locks) > 0) {
        int ready = poll(locks->poll, locks->plan->clients, STALL_MS);
        if (ready <= 0)
            return turn_fail(locks->turn, "PostgreSQL says nothing for %d s", STALL_MS / 1000);
        for (uint32_t at = 0; at < locks->plan->clients; at++) {
            if (locks->poll[at].revents != 0 && !hear(locks, &locks->client[at]))
                return false;
        }
    }
    return true;
}

static bool measure(struct locks *locks, const struct postgres *postgres)
{
    const struct process *process = &postgres->peer.process;
    for (uint32_t at = 0; at < locks->plan->clients; at++) {
        if (!begin_order(locks, &locks->client[at]))
            return false;
    }
    if (!drive(locks, locks->plan->seconds / 10, 0))
        return false;
    uint64_t completed = locks->completed;
    double start = now_seconds();
    struct cpu_time before = process_cpu(process);
    if (!drive(locks, locks->plan->seconds, completed + MEASURED_MIN))
        return false;
    struct cpu_time after = process_cpu(process);
    double seconds = now_seconds() - start;
    completed = locks->completed - completed;
    locks->is_stopping = true;
    if (!drive(locks, STALL_MS / 1000.0, 0))
        return false;
    turn_note(locks->turn, completed, seconds, process_cpu_between(before, after));
    return true;
}

static bool open_client(struct locks *locks, const struct postgres *postgres, uint32_t at)
{
    PGconn *connection = postgres_connect(postgres, locks->turn);
    locks->client[at].connection = connection;
    for (uint32_t step = 0; connection != NULL && step < locks->step_count; step++) {
        PGresult *result =
            PQprepare(connection, locks->steps[step].name, locks->steps[step].statement, 0, NULL);
        bool good = PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
        if (!good)
            return turn_fail(locks->turn, "PostgreSQL: %s", PQerrorMessage(connection));
    }
    if (connection == NULL || PQsetnonblocking(connection, 1) != 0)
        return false;
    locks->poll[at] = (struct pollfd){.fd = PQsocket(connection), .events = POLLIN};
    return true;
}

static bool fill_tables(struct locks *locks, PGconn *connection)
{
    char stock[160];
    snprintf(stock, sizeof stock,
        "INSERT INTO stock SELECT 'SKU-' || number, %ld FROM generate_series(0, %u) AS number;",
        STOCK, locks->plan->skus - 1);
    return postgres_run(connection, tables, locks->turn) &&
           postgres_run(connection, stock, locks->turn) &&
           postgres_run(connection, "VACUUM ANALYZE stock", locks->turn) &&
           postgres_run(connection, "CHECKPOINT", locks->turn);
}

/* All that was answered was sold, and nothing else. */
static bool count(struct locks *locks, PGconn *connection)
{
    int64_t left = postgres_number(connection, "SELECT sum(available) FROM stock");
    int64_t orders = postgres_number(connection, "SELECT count(*) FROM orders");
    int64_t sold = STOCK * locks->plan->skus - left;
    if (sold == (int64_t)locks->completed && orders == sold)
        return true;
    return turn_fail(locks->turn, "PostgreSQL sold %ld in %ld orders, %lu were answered",
        (long)sold, (long)orders, (unsigned long)locks->completed);
}

static bool play(struct locks *locks, const struct postgres *postgres, PGconn *connection)
{
    if (!fill_tables(locks, connection))
        return false;
    for (uint32_t at = 0; at < locks->plan->clients; at++) {
        if (!open_client(locks, postgres, at))
            return false;
    }
    return measure(locks, postgres) && count(locks, connection);
}

bool locks_play(struct turn *turn, const struct postgres *postgres, const struct locks_plan *plan)
{
    *turn = (struct turn){0};
    struct locks *locks = calloc(1, sizeof *locks);
    PGconn *connection = postgres_connect(postgres, turn);
    bool done = false;
    if (locks != NULL && connection != NULL && plan->clients <= POSTGRES_CLIENTS_MAX) {
        bool is_rows = plan->form == LOCKS_ROWS;
        locks->plan = plan;
        locks->steps = is_rows ? row_steps : one_step;
        locks->step_count = is_rows ? sizeof row_steps / sizeof row_steps[0] : 1;
        locks->turn = turn;
        done = play(locks, postgres, connection);
        for (uint32_t at = 0; at < plan->clients; at++)
            PQfinish(locks->client[at].connection);
    }
    PQfinish(connection);
    free(locks);
    return done;
}
