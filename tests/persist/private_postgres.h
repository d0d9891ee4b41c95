/* SPDX-License-Identifier: Apache-2.0 */
/*
 * private_postgres - a real PostgreSQL for one test program: its own cluster in its own directory,
 * reached by a Unix socket, and a fresh database for each test.
 *
 * Ownership  private_postgres_destroy() stops the server and removes the directory.
 * Threads    One.
 * Units      None.
 * Errors     cmocka's assertions.
 * Cost       initdb: some seconds, once.
 */
#ifndef HOTSHELF_TESTS_PERSIST_PRIVATE_POSTGRES_H
#define HOTSHELF_TESTS_PERSIST_PRIVATE_POSTGRES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

struct private_postgres {
    char directory[64];
    char socket[128]; /* directory of the socket */
    char dsn[256];    /* of the database made last */
    uint32_t databases;
    PGconn *connection; /* the test's own, to the database made last */
};

__attribute__((format(printf, 1, 2))) static inline void private_postgres_shell(
    const char *format, ...)
{
    char command[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(command, sizeof(command), format, arguments);
    va_end(arguments);
    if (system(command) != 0)
        fail_msg("failed: %s", command);
}

static inline void private_postgres_start(struct private_postgres *postgres)
{
    /* No sync to disk: these tests stop the server, they do not cut its power. Nor does it leave
     * shared memory behind when it is killed. */
    private_postgres_shell(TEST_POSTGRES_SCRIPT
        " start %s fsync=off dynamic_shared_memory_type=mmap >/dev/null 2>&1",
        postgres->directory);
}

static inline void private_postgres_stop(struct private_postgres *postgres, const char *mode)
{
    private_postgres_shell(
        TEST_POSTGRES_SCRIPT " stop %s %s >/dev/null", postgres->directory, mode);
}

static inline void private_postgres_create(struct private_postgres *postgres)
{
    const char *within = getenv("TMPDIR");
    *postgres = (struct private_postgres){.databases = 0};
    (void)snprintf(postgres->directory, sizeof(postgres->directory), "%s/hotshelf-pg-XXXXXX",
        within == NULL ? "/tmp" : within);
    assert_non_null(mkdtemp(postgres->directory));
    private_postgres_start(postgres);
    (void)snprintf(postgres->socket, sizeof(postgres->socket), "%s/socket", postgres->directory);
}

static inline void private_postgres_disconnect(struct private_postgres *postgres)
{
    PQfinish(postgres->connection);
    postgres->connection = NULL;
}

static inline void private_postgres_connect(struct private_postgres *postgres)
{
    private_postgres_disconnect(postgres);
    postgres->connection = PQconnectdb(postgres->dsn);
    if (PQstatus(postgres->connection) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(postgres->connection));
}

/* The first value of the answer as text, "" without any row or when it is null. */
__attribute__((format(printf, 3, 4))) static inline void private_postgres_ask(
    struct private_postgres *postgres, char value[128], const char *format, ...)
{
    char sql[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sql, sizeof(sql), format, arguments);
    va_end(arguments);
    PGresult *result = PQexec(postgres->connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(postgres->connection));
    bool found = status == PGRES_TUPLES_OK && PQntuples(result) > 0 && PQnfields(result) > 0;
    (void)snprintf(value, 128, "%s", found ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
}

#define private_postgres_do(postgres, ...)                                                         \
    do {                                                                                           \
        char private_postgres_ignored[128];                                                        \
        private_postgres_ask(postgres, private_postgres_ignored, __VA_ARGS__);                     \
    } while (0)

#define assert_sql(postgres, expected, ...)                                                        \
    do {                                                                                           \
        char private_postgres_value[128];                                                          \
        private_postgres_ask(postgres, private_postgres_value, __VA_ARGS__);                       \
        assert_string_equal(private_postgres_value, expected);                                     \
    } while (0)

/* A fresh database, and the test's own connection to it. */
static inline void private_postgres_database(struct private_postgres *postgres)
{
    (void)snprintf(postgres->dsn, sizeof(postgres->dsn), "host=%s dbname=postgres user=hotshelf",
        postgres->socket);
    private_postgres_connect(postgres);
    private_postgres_do(postgres, "CREATE DATABASE test_%u", ++postgres->databases);
    (void)snprintf(postgres->dsn, sizeof(postgres->dsn), "host=%s dbname=test_%u user=hotshelf",
        postgres->socket, postgres->databases);
    private_postgres_connect(postgres);
}

static inline void private_postgres_destroy(struct private_postgres *postgres)
{
    private_postgres_disconnect(postgres);
    private_postgres_stop(postgres, "immediate");
    private_postgres_shell("rm -rf %s", postgres->directory);
}

#endif
