/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a statement does is noted when it is sent and done when its transaction commits. Statements
 * are told from each other by a few of their words.
 */
#include "tests/simulate/postgres_sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "persist/postgres_schema.h"
#include "tests/simulate/postgres_sim_parts.h"

enum { IDENTITY = 4711 };

/* postgres.h has no word for which PostgreSQL: there is one. */
static struct postgres_sim *postgres_in_use;

struct postgres_sim *postgres_sim_in_use(void)
{
    return postgres_in_use;
}

void postgres_sim_use(struct postgres_sim *sim)
{
    postgres_in_use = sim;
}

struct postgres_sim *postgres_sim_create(uint64_t seed)
{
    struct postgres_sim *sim = calloc(1, sizeof(*sim));
    CHECK(sim != NULL);
    sim->dice = dice_of(seed);
    sim->now_ms = 1000;
    return sim;
}

void postgres_sim_destroy(struct postgres_sim *sim)
{
    rows_free(&sim->now.rows);
    rows_free(&sim->replica.rows);
    free(sim->open.operations);
    free(sim->left.operations);
    free(sim);
}

static void database_copy(struct database_sim *to, const struct database_sim *from)
{
    rows_copy(&to->rows, &from->rows);
    memcpy(to->positions, from->positions, sizeof(to->positions));
}

struct operation *postgres_sim_note(struct transaction_sim *transaction, enum operation_kind kind)
{
    if (transaction->count == transaction->capacity) {
        transaction->capacity = 2 * transaction->capacity + 64;
        transaction->operations = realloc(
            transaction->operations, transaction->capacity * sizeof(transaction->operations[0]));
        CHECK(transaction->operations != NULL);
    }
    struct operation *operation = &transaction->operations[transaction->count++];
    *operation = (struct operation){.kind = kind};
    return operation;
}

/* 0, or why the transaction cannot be. */
static int judge(const struct database_sim *database, const struct operation *operation)
{
    CHECK(operation->shard <= ROWS_SHARDS_MAX);
    const struct position_sim *position = &database->positions[operation->shard % ROWS_SHARDS_MAX];
    switch (operation->kind) {
    case ADVANCE:
        return position->used && position->epoch == operation->epoch &&
                       position->seq == operation->from_seq
                   ? 0
                   : -ESTALE;
    case INSERT_POSITION:
        return position->used ? -EEXIST : 0;
    case PUT_EVENT:
        return rows_has_event(&database->rows, operation->shard, operation->seq) ? -EEXIST : 0;
    case PUT_NEW_ORDER:
        return rows_has_order(&database->rows, operation->order.id) ? -EEXIST : 0;
    case PUT_POSITION:
    case SKIP:
    case ADOPTS:
    case RAISE:
    case ADOPTED:
    case PUT_ORDER:
        return 0;
    }
    CHECK(false);
}

static void raise(struct database_sim *database, const struct operation *operation)
{
    for (uint32_t i = 0; i < operation->shard; i++) {
        database->positions[i].epoch += operation->epoch;
        database->positions[i].holder = operation->holder;
        database->positions[i].directory = operation->directory;
    }
}

static void act(struct database_sim *database, const struct operation *operation)
{
    struct position_sim *position = &database->positions[operation->shard % ROWS_SHARDS_MAX];
    switch (operation->kind) {
    case ADVANCE:
    case PUT_POSITION:
        position->seq = operation->seq;
        return;
    case INSERT_POSITION:
        *position = (struct position_sim){
            .used = true, .adopting = operation->adopting, .seq = operation->seq};
        return;
    case SKIP:
        if (position->seq == operation->from_seq)
            position->seq = operation->seq;
        return;
    case ADOPTS:
        position->adopting = true;
        return;
    case ADOPTED:
        position->adopting = false;
        return;
    case RAISE:
        raise(database, operation);
        return;
    case PUT_ORDER:
    case PUT_NEW_ORDER:
        rows_put_order(&database->rows, &operation->order);
        return;
    case PUT_EVENT:
        rows_put_event(&database->rows, operation->shard, operation->seq, operation->whose);
        return;
    }
}

static int commit(struct postgres_sim *sim, struct transaction_sim *transaction)
{
    int failure = 0;
    for (uint32_t i = 0; i < transaction->count && failure == 0; i++)
        failure = judge(&sim->now, &transaction->operations[i]);
    for (uint32_t i = 0; i < transaction->count && failure == 0; i++)
        act(&sim->now, &transaction->operations[i]);
    sim->commits += failure == 0 && transaction->count > 0;
    transaction->count = 0;
    return failure;
}

int postgres_sim_lose(struct postgres_sim *sim, struct postgres *postgres, const char *problem)
{
    sim->open.count = 0;
    sim->block = BLOCK_NONE;
    sim->connected = false;
    postgres->sqlstate[0] = 0;
    snprintf(postgres->problem, sizeof(postgres->problem), "%s", problem);
    return -EAGAIN;
}

/* The backend of the cut connection lives on. One that makes contact has its locks already. */
static int leave(struct postgres_sim *sim, struct postgres *postgres, enum limbo limbo)
{
    postgres_sim_settle(sim);
    struct transaction_sim empty = sim->left;
    sim->left = sim->open;
    sim->open = empty;
    uint32_t count = sim->left.count;
    bool is_contact = count > 0 && sim->left.operations[count - 1].kind == RAISE;
    sim->limbo = limbo == LIMBO_LATE && is_contact ? LIMBO_COMMITS : limbo;
    return postgres_sim_lose(sim, postgres, "the connection is cut in a commit");
}

void postgres_sim_settle(struct postgres_sim *sim)
{
    if (sim->limbo == LIMBO_ABORTS)
        sim->left.count = 0;
    if (sim->limbo != LIMBO_NONE)
        (void)commit(sim, &sim->left); /* nobody is told of a failure */
    sim->limbo = LIMBO_NONE;
}

static enum postgres_fault some_fault(struct postgres_sim *sim)
{
    if (sim->fault_every == 0 || dice_below(&sim->dice, sim->fault_every) != 0)
        return POSTGRES_FAULTS;
    enum postgres_fault fault = (enum postgres_fault)dice_below(&sim->dice, POSTGRES_AWAY);
    sim->faults[fault]++;
    return fault;
}

static int told(struct postgres *postgres, int failure)
{
    if (failure != 0)
        snprintf(postgres->problem, sizeof(postgres->problem), "%s",
            failure == -ESTALE ? "the stream is not at this position" : "a row is there already");
    return failure;
}

static int commit_or_fail(struct postgres_sim *sim, struct postgres *postgres)
{
    int failure;
    switch (some_fault(sim)) {
    case POSTGRES_ERROR:
        sim->open.count = 0;
        snprintf(postgres->problem, sizeof(postgres->problem), "could not serialize access");
        return -EAGAIN;
    case POSTGRES_CUT_BEFORE:
        return postgres_sim_lose(sim, postgres, "the connection is cut before a commit");
    case POSTGRES_CUT_COMMITTED:
        (void)commit(sim, &sim->open);
        return postgres_sim_lose(sim, postgres, "the connection is cut in a commit");
    case POSTGRES_CUT_WAITS:
        return leave(sim, postgres, LIMBO_COMMITS);
    case POSTGRES_CUT_ABORTED:
        return leave(sim, postgres, LIMBO_ABORTS);
    case POSTGRES_CUT_LATE:
        return leave(sim, postgres, LIMBO_LATE);
    case POSTGRES_CUT_AFTER:
        failure = commit(sim, &sim->open);
        sim->connected = false; /* seen by the next statement */
        return told(postgres, failure);
    case POSTGRES_DENIED:
        sim->open.count = 0;
        snprintf(postgres->problem, sizeof(postgres->problem), "permission denied");
        return -EPERM;
    case POSTGRES_AWAY:
    case POSTGRES_FAILOVER:
    case POSTGRES_NO_COPY:
    case POSTGRES_FAULTS:
        break;
    }
    return told(postgres, commit(sim, &sim->open));
}

/* The end of whatever was sent. A block that somebody began ends by a COMMIT only, and after an
 * error by a ROLLBACK only. */
int postgres_sim_finish(struct postgres_sim *sim, struct postgres *postgres)
{
    if (!sim->connected)
        return postgres_sim_lose(sim, postgres, "the connection is gone");
    if (sim->block == BLOCK_OPEN)
        return 0;
    if (sim->block == BLOCK_ABORTED) {
        snprintf(postgres->problem, sizeof(postgres->problem), "the transaction is aborted");
        return -EPERM;
    }
    bool in_block = sim->block == BLOCK_ENDS;
    int failure = commit_or_fail(sim, postgres);
    sim->block = in_block && failure < 0 && sim->connected ? BLOCK_ABORTED : BLOCK_NONE;
    return failure;
}

void postgres_sim_pass(struct postgres_sim *sim, uint64_t ms)
{
    sim->now_ms += ms;
    if (sim->limbo == LIMBO_LATE && dice_below(&sim->dice, 4) == 0)
        postgres_sim_settle(sim);
}

void postgres_sim_replicate(struct postgres_sim *sim)
{
    database_copy(&sim->replica, &sim->now);
}

void postgres_sim_fail_over(struct postgres_sim *sim)
{
    sim->faults[POSTGRES_FAILOVER]++;
    sim->left.count = sim->open.count = 0;
    sim->limbo = LIMBO_NONE;
    sim->connected = false;
    database_copy(&sim->now, &sim->replica);
}

void postgres_sim_go_away(struct postgres_sim *sim, uint64_t ms)
{
    sim->faults[POSTGRES_AWAY]++;
    sim->connected = false;
    sim->away_until_ms = sim->now_ms + ms;
}

uint64_t postgres_clock_ms(void)
{
    return postgres_in_use->now_ms;
}

int postgres_connect(struct postgres *postgres, const char *dsn, uint16_t node)
{
    struct postgres_sim *sim = postgres_in_use;
    (void)dsn;
    (void)node;
    CHECK(postgres->connection == NULL);
    postgres->connection = (PGconn *)sim;
    sim->open.count = 0;
    if (sim->now_ms < sim->away_until_ms)
        return postgres_sim_lose(sim, postgres, "nobody listens");
    sim->connected = true;
    return 0;
}

void postgres_disconnect(struct postgres *postgres)
{
    CHECK(postgres->connection != NULL);
    postgres->connection = NULL;
    postgres_in_use->open.count = 0;
    postgres_in_use->block = BLOCK_NONE;
    postgres_in_use->connected = false;
}

int postgres_socket(const struct postgres *postgres)
{
    (void)postgres;
    return -1;
}

int postgres_listen(struct postgres *postgres)
{
    return postgres_in_use->connected ? 0
                                      : postgres_sim_lose(postgres_in_use, postgres, "it has gone");
}

static bool says(const char *sql, const char *words)
{
    return strstr(sql, words) != NULL;
}

enum { COLUMNS_MAX = 7 };

static PGresult *result_of(int columns)
{
    PGresAttDesc names[COLUMNS_MAX] = {{.name = (char *)"a"}, {.name = (char *)"b"},
        {.name = (char *)"c"}, {.name = (char *)"d"}, {.name = (char *)"e"}, {.name = (char *)"f"},
        {.name = (char *)"g"}};
    CHECK(columns <= COLUMNS_MAX);
    PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    CHECK(result != NULL);
    CHECK(PQsetResultAttrs(result, columns, names));
    return result;
}

/* As the database's bigint. */
static void put_value(PGresult *result, int row, int column, uint64_t value)
{
    char text[24];
    int size = snprintf(text, sizeof(text), "%lld", (long long)value);
    CHECK(PQsetvalue(result, row, column, text, size));
}

/* Waits for a backend that still holds its locks. */
static PGresult *select_positions(struct postgres_sim *sim)
{
    PGresult *result = result_of(COLUMNS_MAX);
    int row = 0;
    if (sim->limbo == LIMBO_COMMITS || sim->limbo == LIMBO_ABORTS)
        postgres_sim_settle(sim);
    for (uint32_t i = 0; i < ROWS_SHARDS_MAX; i++) {
        const struct position_sim *position = &sim->now.positions[i];
        if (!position->used)
            continue;
        put_value(result, row, 0, i);
        put_value(result, row, 1, position->epoch);
        put_value(result, row, 2, position->seq);
        put_value(result, row, 3, (uint64_t)position->holder);
        CHECK(PQsetvalue(result, row, 4, (char *)(position->adopting ? "t" : "f"), 1));
        put_value(result, row++, 5, position->directory); /* and no time of an adoption */
    }
    return result;
}

static PGresult *one_value(uint64_t value)
{
    PGresult *result = result_of(1);
    put_value(result, 0, 0, value);
    return result;
}

static uint64_t number(const char *text)
{
    return strtoull(text, NULL, 10);
}

static PGresult *execute(struct postgres_sim *sim, const char *sql, const char *const *parameters)
{
    if (says(sql, "to_regclass"))
        return one_value(1);
    if (says(sql, "hotshelf.migrations"))
        return one_value(POSTGRES_SCHEMA_VERSION);
    if (says(sql, "hotshelf.identity"))
        return one_value(IDENTITY);
    if (says(sql, "SELECT shard, epoch, seq, holder"))
        return select_positions(sim);
    if (says(sql, "INSERT INTO hotshelf.stream_position")) {
        struct operation *operation = postgres_sim_note(&sim->open, INSERT_POSITION);
        operation->shard = (uint32_t)number(parameters[1]);
        operation->seq = number(parameters[2]);
        operation->adopting = parameters[3][0] == 't';
    } else if (says(sql, "SET adopting = true")) {
        for (uint64_t i = number(parameters[1]); i < number(parameters[2]); i++)
            postgres_sim_note(&sim->open, ADOPTS)->shard = (uint32_t)i;
    } else if (says(sql, "SET seq = $4::bigint")) {
        struct operation *operation = postgres_sim_note(&sim->open, SKIP);
        operation->shard = (uint32_t)number(parameters[1]);
        operation->from_seq = number(parameters[2]) - 1;
        operation->seq = number(parameters[3]);
    } else if (says(sql, "INSERT INTO hotshelf.dead_letters")) {
        CHECK(says(sql, "'lost'"));
    } else if (says(sql, "UPDATE hotshelf.stream_position SET")) {
        struct operation *operation = postgres_sim_note(&sim->open, RAISE);
        operation->shard = (uint32_t)number(parameters[1]);
        operation->epoch = says(sql, "epoch + 1");
        operation->holder = (int64_t)number(parameters[2]);
        operation->directory = (uint64_t)strtoll(parameters[3], NULL, 10);
    } else {
        CHECK(says(sql, "pg_advisory_xact_lock"));
    }
    return result_of(1);
}

int postgres_query(struct postgres *postgres, const char *sql, int count,
    const char *const *parameters, PGresult **result)
{
    struct postgres_sim *sim = postgres_in_use;
    (void)count;
    if (!sim->connected)
        return postgres_sim_lose(sim, postgres, "the connection is gone");
    PGresult *answer = execute(sim, sql, parameters);
    if (result != NULL)
        *result = answer;
    else
        PQclear(answer);
    return 0;
}

int postgres_script(struct postgres *postgres, const char *sql)
{
    struct postgres_sim *sim = postgres_in_use;
    if (!sim->connected)
        return postgres_sim_lose(sim, postgres, "the connection is gone");
    CHECK(says(sql, "BEGIN") || says(sql, "COMMIT") || says(sql, "synchronous_commit"));
    return 0;
}

int postgres_commit(struct postgres *postgres)
{
    return postgres_sim_finish(postgres_in_use, postgres);
}

int postgres_pipeline(struct postgres *postgres)
{
    struct postgres_sim *sim = postgres_in_use;
    return sim->connected ? 0 : postgres_sim_lose(sim, postgres, "the connection is gone");
}

int postgres_send_text(
    struct postgres *postgres, const char *sql, int count, const char *const *parameters)
{
    struct postgres_sim *sim = postgres_in_use;
    (void)count;
    if (!sim->connected)
        return postgres_sim_lose(sim, postgres, "the connection is gone");
    if (says(sql, "NOTIFY"))
        return 0;
    if (says(sql, "COMMIT") || says(sql, "ROLLBACK")) {
        postgres_sim_end_block(sim, says(sql, "COMMIT"));
        return 0;
    }
    if (says(sql, "SET adopting = false")) {
        postgres_sim_note(&sim->open, ADOPTED)->shard = (uint32_t)number(parameters[1]);
        return 0;
    }
    bool compares = says(sql, "hotshelf.advance(");
    CHECK(compares || says(sql, "UPDATE hotshelf.stream_position SET seq"));
    struct operation *operation = postgres_sim_note(&sim->open, compares ? ADVANCE : PUT_POSITION);
    operation->shard = (uint32_t)number(parameters[1]);
    operation->epoch = number(parameters[2]);
    operation->from_seq = number(parameters[3]);
    operation->seq = number(parameters[4]);
    return 0;
}

int postgres_finish(struct postgres *postgres)
{
    return postgres_sim_finish(postgres_in_use, postgres);
}
