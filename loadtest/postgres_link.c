/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpq's blocking calls wait for ever for a host that accepts and says nothing, and for a back end
 * that is stopped within a query; a timeout that such a peer would have to keep is none. So only
 * the calls that do not wait are used, and poll() waits, with an end.
 */
#include "loadtest/postgres_link.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a query costs that nobody waits for any more: PostgreSQL 14 and later look whether the other
 * side is still there, and end it. Earlier ones refuse the setting, and that is no harm. */
#define END_WITH_CLIENT "SET client_connection_check_interval = '2s'"

int postgres_link_complain(const struct postgres_link *link, const char *what)
{
    if (!link->has_given_up)
        fprintf(stderr, "hotshelf-loadtest: PostgreSQL, %s: %s", what,
            PQerrorMessage(link->connection));
    return -1;
}

static const char *told(const char *text)
{
    return text == NULL || text[0] == '\0' ? "its default" : text;
}

static void begin(struct postgres_link *link, const char *to_do_what)
{
    patience_begin(&link->patience, link->patience_seconds, "PostgreSQL at %s, port %s, to %s",
        told(PQhost(link->connection)), told(PQport(link->connection)), to_do_what);
}

static void give_up(struct postgres_link *link)
{
    if (!link->has_given_up && !link->patience.is_interrupted)
        fprintf(stderr,
            "hotshelf-loadtest: waited %u s for %s, in vain; is that the right place? "
            "--patience sets how long is waited\n",
            link->patience_seconds, link->patience.awaited);
    link->has_given_up = true;
    link->has_failed = true;
}

/* Sleeps until the socket can do what is wanted of it. */
static void wait_for(struct postgres_link *link, short events)
{
    patience_poll(&link->patience, PQsocket(link->connection), events, INT_MAX);
}

static bool is_ready(const struct postgres_link *link, short events)
{
    struct pollfd socket = {.fd = PQsocket(link->connection), .events = events};
    return poll(&socket, 1, 0) != 0;
}

/* A step is only taken when its socket is ready for it, else it would wait within libpq. */
static bool connect_or_give_up(struct postgres_link *link)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    if (PQstatus(link->connection) == CONNECTION_BAD)
        return false;
    begin(link, "accept a connection");
    while (next != PGRES_POLLING_OK && next != PGRES_POLLING_FAILED) {
        short events = next == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        if (!patience_is_left(&link->patience)) {
            give_up(link);
            return false;
        }
        wait_for(link, events);
        if (is_ready(link, events))
            next = PQconnectPoll(link->connection);
    }
    return next == PGRES_POLLING_OK;
}

static void ignore_notice(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

static bool connect_anew(struct postgres_link *link)
{
    PQfinish(link->connection);
    link->connection = PQconnectStart(link->conninfo);
    if (!connect_or_give_up(link))
        return false;
    PQsetNoticeReceiver(link->connection, ignore_notice, NULL);
    PQclear(postgres_link_ask(link, END_WITH_CLIENT, NULL));
    return !link->has_given_up;
}

/* One for each host, with commas between them; an empty one is the default. */
static bool are_ports(const char *text)
{
    size_t size = strspn(text, "0123456789");
    long port = size == 0 ? 1 : size > 5 ? 0 : strtol(text, NULL, 10);
    if (port < 1 || port > UINT16_MAX || (text[size] != '\0' && text[size] != ','))
        return false;
    return text[size] == '\0' || are_ports(text + size + 1);
}

static bool has_ports(const PQconninfoOption *option)
{
    while (option->keyword != NULL && strcmp(option->keyword, "port") != 0)
        option++;
    return option->keyword == NULL || option->val == NULL || are_ports(option->val);
}

int postgres_link_check(const char *conninfo)
{
    char *reason = NULL;
    PQconninfoOption *read = PQconninfoParse(conninfo, &reason);
    bool is_one = read != NULL && has_ports(read);
    if (!is_one)
        fprintf(stderr, "hotshelf-loadtest: --pg: %s",
            read != NULL     ? "a port is not from 1 to 65535\n"
            : reason != NULL ? reason
                             : "no memory\n");
    PQconninfoFree(read);
    PQfreemem(reason);
    return is_one ? 0 : -1;
}

int postgres_link_open(struct postgres_link *link, const char *conninfo, uint32_t patience_seconds)
{
    *link = (struct postgres_link){.conninfo = conninfo, .patience_seconds = patience_seconds};
    return connect_anew(link) ? 0 : postgres_link_complain(link, "connecting");
}

void postgres_link_close(struct postgres_link *link)
{
    PQfinish(link->connection);
    *link = (struct postgres_link){0};
}

bool postgres_link_is_up(struct postgres_link *link)
{
    if (link->has_given_up)
        return false;
    return PQstatus(link->connection) == CONNECTION_OK || connect_anew(link);
}

static bool send_query(struct postgres_link *link, const char *query, const char *parameter)
{
    int parameters = strstr(query, "$1") != NULL ? 1 : 0;
    link->has_failed = link->has_given_up || PQsendQueryParams(link->connection, query, parameters,
                                                 NULL, &parameter, NULL, NULL, 0) == 0;
    if (!link->has_failed)
        begin(link, "answer a query");
    return !link->has_failed;
}

/* What comes next of the query; NULL at its end, and when it is waited for no longer. */
static PGresult *next_result(struct postgres_link *link)
{
    while (PQisBusy(link->connection)) {
        if (!patience_is_left(&link->patience)) {
            give_up(link);
            return NULL;
        }
        wait_for(link, POLLIN);
        if (is_ready(link, POLLIN) && PQconsumeInput(link->connection) == 0)
            break; /* the connection is gone: the result says so, without a wait */
    }
    patience_renew(&link->patience);
    return PQgetResult(link->connection);
}

static bool is_failure(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status != PGRES_TUPLES_OK && status != PGRES_SINGLE_TUPLE && status != PGRES_COMMAND_OK;
}

PGresult *postgres_link_ask(struct postgres_link *link, const char *query, const char *parameter)
{
    PGresult *whole = NULL;
    PGresult *result;
    if (!send_query(link, query, parameter))
        return NULL;
    while ((result = next_result(link)) != NULL) {
        link->has_failed = link->has_failed || is_failure(result);
        PQclear(whole);
        whole = result;
    }
    if (link->has_failed) {
        PQclear(whole);
        return NULL;
    }
    return whole;
}

bool postgres_link_send(struct postgres_link *link, const char *query, const char *parameter)
{
    if (send_query(link, query, parameter) && PQsetSingleRowMode(link->connection) == 0)
        link->has_failed = true;
    return !link->has_failed;
}

PGresult *postgres_link_row(struct postgres_link *link)
{
    PGresult *result;
    while ((result = next_result(link)) != NULL) {
        if (PQresultStatus(result) == PGRES_SINGLE_TUPLE)
            return result;
        link->has_failed = link->has_failed || is_failure(result);
        PQclear(result);
    }
    return NULL;
}

void postgres_link_listen(struct postgres_link *link, int milliseconds)
{
    if (link->has_given_up)
        return;
    begin(link, "send news");
    bool has_come =
        patience_poll(&link->patience, PQsocket(link->connection), POLLIN, milliseconds);
    if (!patience_is_left(&link->patience))
        give_up(link);
    if (!has_come)
        return;
    PQconsumeInput(link->connection);
    PGnotify *notice;
    while ((notice = PQnotifies(link->connection)) != NULL)
        PQfreemem(notice);
}
