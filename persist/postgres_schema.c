/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One transaction: lock, look, migrate, read the identity, commit. Whoever waits for the lock looks
 * only when he has it, and finds the work done.
 *
 * The identity is not PostgreSQL's system identifier: that names a cluster, and a database dropped
 * and made again in the same cluster has forgotten everything.
 */
#include "persist/postgres_schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/check.h"

extern const char postgres_schema_sql[];   /* schema.sql */
extern const char postgres_schema_2_sql[]; /* schema_2.sql */
extern const char postgres_schema_3_sql[]; /* schema_3.sql */
extern const char postgres_schema_4_sql[]; /* schema_4.sql */

/* What brings a schema of version i to version i + 1. */
static const char *const migrations[POSTGRES_SCHEMA_VERSION] = {
    postgres_schema_sql, postgres_schema_2_sql, postgres_schema_3_sql, postgres_schema_4_sql};

/* Any number of ours: 'hotshelf' as eight bytes. */
static const char lock_sql[] = "SELECT pg_advisory_xact_lock(7525361541380926566)";

/* One value of one row; `otherwise` when it is null. */
static int query_number(
    struct postgres *postgres, const char *sql, int64_t otherwise, int64_t *number)
{
    PGresult *result = NULL;
    int failure = postgres_query(postgres, sql, 0, NULL, &result);
    if (failure < 0)
        return failure;
    bool found = PQntuples(result) == 1 && !PQgetisnull(result, 0, 0);
    *number = found ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : otherwise;
    PQclear(result);
    return 0;
}

static int read_version(struct postgres *postgres, int64_t *version)
{
    int64_t exists = 0;
    int failure = query_number(
        postgres, "SELECT (to_regclass('hotshelf.migrations') IS NOT NULL)::integer", 0, &exists);
    *version = 0;
    if (failure < 0 || !exists)
        return failure;
    return query_number(postgres, "SELECT max(version) FROM hotshelf.migrations", 0, version);
}

static int migrate(struct postgres *postgres)
{
    int64_t version = 0;
    int failure = read_version(postgres, &version);
    if (failure < 0)
        return failure;
    if (version > POSTGRES_SCHEMA_VERSION) {
        snprintf(postgres->problem, sizeof(postgres->problem),
            "the schema hotshelf has version %lld, this server knows %d: start a newer server",
            (long long)version, POSTGRES_SCHEMA_VERSION);
        return -EPERM;
    }
    for (; failure == 0 && version < POSTGRES_SCHEMA_VERSION; version++)
        failure = postgres_script(postgres, migrations[version]);
    return failure;
}

static int prepare_locked(struct postgres *postgres, uint64_t *identity)
{
    int64_t number = 0;
    int failure = postgres_query(postgres, lock_sql, 0, NULL, NULL);
    if (failure == 0)
        failure = migrate(postgres);
    if (failure == 0)
        failure = query_number(postgres, "SELECT id FROM hotshelf.identity", 0, &number);
    if (failure == 0 && number == 0) {
        snprintf(postgres->problem, sizeof(postgres->problem), "hotshelf.identity has no row");
        failure = -EPERM;
    }
    *identity = (uint64_t)number;
    return failure;
}

int postgres_schema_prepare(struct postgres *postgres, uint64_t *identity)
{
    int failure = postgres_script(postgres, "BEGIN");
    if (failure == 0)
        failure = prepare_locked(postgres, identity);
    if (failure == 0)
        failure = postgres_script(postgres, "COMMIT");
    return failure; /* after a failure the caller disconnects, which rolls back */
}
