/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Start, load the script, put the stock there, drive, count, stop.
 *
 * What can go wrong: it is not installed, it refuses an order (the generator sees the error), it
 * counts other orders than were answered.
 */
#include "bench/peers/redis.h"

#include "bench/ask.h"
#include "bench/peers/peer.h"
#include "bench/socket.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STOCK 1000000000
#define SHA_SIZE 41
#define COMMAND_SIZE 4096
#define NUMBER_DIGITS 8
#define NUMBER_ZERO "00000000"

extern const char peers_full_lua[];
extern const char peers_lean_lua[];

static const char *const places[] = {"/usr/bin/redis-server", "/usr/local/bin/redis-server", NULL};
static const struct peer_program program = {
    .name = "redis-server", .package = "redis-server", .places = places};

/* The orders of a turn, each a customer of its own. */
struct reserving {
    const struct redis_plan *plan;
    char sha[SHA_SIZE];
    uint32_t made;
    uint32_t request_size;
    uint32_t changing[3]; /* the customer in KEYS, the order, the customer in ARGV */
};

static bool ask_number(int fd, const char *command, long *number)
{
    char reply[ASK_REPLY_SIZE];
    if (!ask(fd, command, reply))
        return false;
    const char *digits = reply[0] == '$' ? strchr(reply, '\n') : reply;
    *number = digits == NULL ? -1 : strtol(digits + 1, NULL, 10);
    return true;
}

static bool prepare(int fd, struct reserving *reserving)
{
    char command[COMMAND_SIZE], reply[ASK_REPLY_SIZE];
    snprintf(command, sizeof command, "SET stock:SKU-1 %d\r\n", STOCK);
    if (!ask(fd, command, reply))
        return false;
    if (reserving->plan->script == REDIS_GET)
        return true;
    const char *lua = reserving->plan->script == REDIS_FULL ? peers_full_lua : peers_lean_lua;
    snprintf(command, sizeof command, "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$%zu\r\n%s\r\n",
        strlen(lua), lua);
    if (!ask(fd, command, reply) || strncmp(reply, "$40\r\n", 5) != 0)
        return false;
    snprintf(reserving->sha, sizeof reserving->sha, "%.40s", reply + 5);
    return true;
}

/* The lengths stand where they are counted: in a word of the protocol. */
#define WORD(size, text) "$" size "\r\n" text "\r\n"

static uint32_t write_order(const struct reserving *reserving, char *request)
{
    return (uint32_t)snprintf(request, GENERATOR_REQUEST_SIZE_MAX,
        "*12\r\n" WORD("7", "EVALSHA") WORD("40", "%s") WORD("1", "2") WORD("11", "stock:SKU-1")
            WORD("21", "bought:buyer-" NUMBER_ZERO) WORD("14", "order-" NUMBER_ZERO)
                WORD("14", "buyer-" NUMBER_ZERO) WORD("5", "SKU-1") WORD("1", "1") WORD("1", "4")
                    WORD("3", "600") WORD("10", "1800000000"),
        reserving->sha);
}

static uint32_t place_after(const char *request, const char *before)
{
    return (uint32_t)(strstr(request, before) - request) + (uint32_t)strlen(before);
}

static void write_first(struct reserving *reserving, char *request)
{
    if (reserving->plan->script == REDIS_GET) {
        reserving->request_size = (uint32_t)snprintf(request, GENERATOR_REQUEST_SIZE_MAX,
            "*2\r\n" WORD("3", "GET") WORD("11", "stock:SKU-1"));
    } else {
        reserving->request_size = write_order(reserving, request);
        reserving->changing[0] = place_after(request, "bought:buyer-");
        reserving->changing[1] = place_after(request, "\norder-");
        reserving->changing[2] = place_after(request, "\nbuyer-");
    }
    for (uint32_t at = 1; at < reserving->plan->deep; at++)
        memcpy(request + at * reserving->request_size, request, reserving->request_size);
}

static void change(struct reserving *reserving, char *request)
{
    char digits[NUMBER_DIGITS];
    uint32_t number = reserving->made++;
    if (reserving->plan->script == REDIS_GET)
        return;
    for (int at = NUMBER_DIGITS; at-- > 0; number /= 10)
        digits[at] = (char)('0' + number % 10);
    for (int place = 0; place < 3; place++)
        memcpy(request + reserving->changing[place], digits, NUMBER_DIGITS);
}

/* A generator_fill. */
static uint32_t fill(void *context, uint32_t connection, char *request)
{
    struct reserving *reserving = context;
    (void)connection;
    if (request[0] == '\0')
        write_first(reserving, request);
    for (uint32_t at = 0; at < reserving->plan->deep; at++)
        change(reserving, request + at * reserving->request_size);
    return reserving->plan->deep * reserving->request_size;
}

/* All that was answered was sold, and nothing else. */
static bool count(int fd, const struct reserving *reserving, struct turn *turn)
{
    long left = 0, orders = 0;
    if (reserving->plan->script == REDIS_GET)
        return true;
    if (!ask_number(fd, "GET stock:SKU-1\r\n", &left) ||
        !ask_number(fd, "XLEN orders\r\n", &orders))
        return turn_fail(turn, "Redis does not tell its stock");
    if (STOCK - left == reserving->made && orders == reserving->made)
        return true;
    return turn_fail(turn, "Redis sold %ld in %ld orders, %u were answered", STOCK - left, orders,
        reserving->made);
}

static bool start(struct peer *peer, const struct redis_plan *plan, struct turn *turn)
{
    static const char *const fsync[] = {
        [REDIS_NOTHING] = "no", [REDIS_EVERYSEC] = "everysec", [REDIS_ALWAYS] = "always"};
    char port[16], sync[16];
    peer->port = socket_free_port();
    snprintf(port, sizeof port, "%u", peer->port);
    snprintf(sync, sizeof sync, "%s", fsync[plan->durability]);
    char *argv[] = {peer->program, (char[]){"--bind"}, (char[]){"127.0.0.1"}, (char[]){"--port"},
        port, (char[]){"--dir"}, peer->directory, (char[]){"--save"}, (char[]){""},
        (char[]){"--appendonly"},
        plan->durability == REDIS_NOTHING ? (char[]){"no"} : (char[]){"yes"},
        (char[]){"--appendfsync"}, sync, (char[]){"--auto-aof-rewrite-percentage"}, (char[]){"0"},
        (char[]){"--daemonize"}, (char[]){"no"}, NULL};
    return peer_start(peer, argv, plan->core, turn) && peer_wait(peer, turn);
}

static bool drive(struct peer *peer, struct reserving *reserving, struct turn *turn)
{
    const struct redis_plan *plan = reserving->plan;
    const struct generator_plan generator = {
        .port = peer->port,
        .connections = plan->connections,
        .deep = plan->deep,
        .protocol = GENERATOR_RESP,
        .warm_seconds = plan->seconds / 10,
        .seconds = plan->seconds,
        .fill = fill,
        .context = reserving,
        .server = &peer->process,
    };
    int fd = socket_connect(peer->port, NULL);
    bool done = (fd >= 0 && prepare(fd, reserving)) || turn_fail(turn, "Redis refuses the script");
    done = done && turn_play(turn, &generator) && count(fd, reserving, turn);
    if (fd >= 0)
        close(fd);
    return done;
}

bool redis_play(struct turn *turn, const struct redis_plan *plan)
{
    struct peer peer;
    struct reserving reserving = {.plan = plan};
    *turn = (struct turn){0};
    bool done = peer_open(&peer, &program, plan->parent, turn) && start(&peer, plan, turn) &&
                drive(&peer, &reserving, turn);
    peer_close(&peer);
    return done;
}
