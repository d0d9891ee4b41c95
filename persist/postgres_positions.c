/* SPDX-License-Identifier: Apache-2.0 */
#include "persist/postgres_positions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "persist/postgres.h"

/* The lock waits for a backend of the server before that is still committing. */
static const char positions_sql[] =
    "SELECT shard, seq FROM hotshelf.stream_position WHERE node = $1 FOR UPDATE";

/* A database that no server has met has neither the schema nor the table. */
static bool is_new_database(const struct postgres *postgres)
{
    return strcmp(postgres->sqlstate, "3F000") == 0 || strcmp(postgres->sqlstate, "42P01") == 0;
}

static int ask(struct postgres *postgres, const char *dsn, uint16_t node, PGresult **result)
{
    char number[8];
    const char *parameters[] = {number};
    (void)snprintf(number, sizeof(number), "%u", node);
    int failure = postgres_connect(postgres, dsn, node);
    if (failure == 0)
        failure = postgres_query(postgres, positions_sql, 1, parameters, result);
    return failure < 0 && is_new_database(postgres) ? 0 : failure;
}

int postgres_positions(const char *dsn, uint16_t node, uint64_t positions[SHARDS_MAX],
    char *problem, size_t problem_size)
{
    const struct postgres_stop stop = {.fd = -1};
    struct postgres postgres = {.stop = &stop};
    PGresult *result = NULL;
    memset(positions, 0, SHARDS_MAX * sizeof(*positions));
    int failure = ask(&postgres, dsn, node, &result);
    for (int i = 0; failure == 0 && result != NULL && i < PQntuples(result); i++) {
        uint64_t shard = strtoull(PQgetvalue(result, i, 0), NULL, 10);
        if (shard < SHARDS_MAX)
            positions[shard] = strtoull(PQgetvalue(result, i, 1), NULL, 10);
    }
    (void)snprintf(problem, problem_size, "%s", failure == 0 ? "" : postgres.problem);
    PQclear(result);
    postgres_disconnect(&postgres);
    return failure;
}
