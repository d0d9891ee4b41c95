/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/honest.h"
#include "bench/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define REPLY_SIZE 4096
#define REQUEST_SIZE 512
#define PATIENCE_NS 20000000000ULL /* without any reply: the server has stopped answering */
#define SECOND_NS 1000000000ULL
#define REPLIES_MIN 20

struct client {
    int socket;
    enum honest_kind kind;
    bool waits;
    uint32_t quantity;
    uint64_t due_ns;
    uint32_t got;
    char reply[REPLY_SIZE];
};

struct crowd {
    const struct honest_plan *plan;
    struct client *clients;
    struct pollfd *polls;
    uint64_t interval_ns, begin_ns, end_ns, heard_ns;
    uint32_t *waits_us[HONEST_KINDS];
    uint32_t room, count[HONEST_KINDS];
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

static bool fail(const char *what)
{
    fprintf(stderr, "hotshelf-bench: an honest client %s\n", what);
    return false;
}

static bool connect_client(struct client *client, uint32_t number, uint16_t port)
{
    struct sockaddr_in own = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl((127U << 24) + (1U << 8) + 1 + number)};
    struct sockaddr_in server = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    client->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return bind(client->socket, (struct sockaddr *)&own, sizeof own) == 0 &&
           connect(client->socket, (struct sockaddr *)&server, sizeof server) == 0;
}

static bool ask(struct client *client, uint32_t number)
{
    static const char *const body[] = {"{\"quantity\":1}", "{\"quantity\":2}"};
    char request[REQUEST_SIZE];
    int size;
    if (client->kind == HONEST_AVAILABILITY)
        size = snprintf(request, sizeof request,
            "GET /v1/availability?skus=" SANDBOX_SKU " HTTP/1.1\r\nHost: bench\r\n\r\n");
    else
        size = snprintf(request, sizeof request,
            "PUT /v1/cart/items/" SANDBOX_SKU_CART " HTTP/1.1\r\nHost: bench\r\n"
            "X-Customer-Id: honest-%u\r\nContent-Type: application/json\r\n"
            "Content-Length: 14\r\n\r\n%s",
            number, body[client->quantity++ % 2]);
    client->waits = true;
    client->got = 0;
    return send(client->socket, request, (size_t)size, MSG_NOSIGNAL) == size || fail("cannot send");
}

static bool is_whole(const struct client *client)
{
    const char *body = memmem(client->reply, client->got, "\r\n\r\n", 4);
    const char *length = memmem(client->reply, client->got, "Content-Length: ", 16);
    if (body == NULL || length == NULL)
        return false;
    return client->got >= (uint32_t)(body + 4 - client->reply) + strtoul(length + 16, NULL, 10);
}

static void note(struct crowd *crowd, const struct client *client)
{
    uint64_t now = now_ns();
    crowd->heard_ns = now;
    if (client->due_ns < crowd->begin_ns || crowd->count[client->kind] == crowd->room)
        return;
    crowd->waits_us[client->kind][crowd->count[client->kind]++] =
        (uint32_t)((now - client->due_ns) / 1000);
}

static bool hear(struct crowd *crowd, struct client *client)
{
    ssize_t got = recv(
        client->socket, client->reply + client->got, REPLY_SIZE - 1 - client->got, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return true;
    if (got <= 0)
        return fail("was hung up on");
    client->got += (uint32_t)got;
    client->reply[client->got] = 0;
    if (!is_whole(client))
        return true;
    if (strncmp(client->reply, "HTTP/1.1 200 ", 13) != 0) {
        fprintf(stderr, "%.200s\n", client->reply);
        return fail("was refused");
    }
    note(crowd, client);
    client->waits = false;
    client->due_ns += crowd->interval_ns;
    return true;
}

/* Sends what is due; answers how long nothing more will be. */
static bool send_due(struct crowd *crowd, uint64_t now, uint64_t *sleep_ns)
{
    *sleep_ns = SECOND_NS / 10;
    for (uint32_t i = 0; i < crowd->plan->clients; i++) {
        struct client *client = &crowd->clients[i];
        if (client->waits)
            continue;
        if (client->due_ns <= now) {
            if (!ask(client, i))
                return false;
        } else if (client->due_ns - now < *sleep_ns) {
            *sleep_ns = client->due_ns - now;
        }
    }
    return true;
}

/* A percentile needs some replies of each kind, also on a machine that has no time for us. */
static bool has_enough(const struct crowd *crowd)
{
    for (int kind = 0; kind < HONEST_KINDS; kind++) {
        if (crowd->count[kind] < REPLIES_MIN && crowd->count[kind] < crowd->room)
            return false;
    }
    return true;
}

static bool go_round(struct crowd *crowd)
{
    uint32_t count = crowd->plan->clients;
    for (uint64_t now = now_ns(); now < crowd->end_ns || !has_enough(crowd); now = now_ns()) {
        uint64_t sleep_ns;
        if (!send_due(crowd, now, &sleep_ns))
            return false;
        struct timespec sleep = {.tv_nsec = (long)sleep_ns};
        if (ppoll(crowd->polls, count, &sleep, NULL) < 0)
            return fail("cannot wait");
        for (uint32_t i = 0; i < count; i++)
            if (crowd->polls[i].revents != 0 && !hear(crowd, &crowd->clients[i]))
                return false;
        if (now_ns() - crowd->heard_ns > PATIENCE_NS)
            return fail("hears nothing any more");
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *)a, other = *(const uint32_t *)b;
    return one < other ? -1 : one > other;
}

static bool judge(struct crowd *crowd, struct honest_result *result)
{
    for (int kind = 0; kind < HONEST_KINDS; kind++) {
        uint32_t count = crowd->count[kind];
        if (count < REPLIES_MIN)
            return fail("has too few replies for a percentile: raise --seconds or --rate");
        qsort(crowd->waits_us[kind], count, sizeof(uint32_t), compare);
        result->p50_us[kind] = crowd->waits_us[kind][count / 2];
        result->p99_us[kind] = crowd->waits_us[kind][(uint64_t)count * 99 / 100];
        result->replies[kind] = count;
    }
    return true;
}

static bool open_crowd(struct crowd *crowd)
{
    const struct honest_plan *plan = crowd->plan;
    uint64_t now = now_ns();
    crowd->clients = calloc(plan->clients, sizeof *crowd->clients);
    crowd->polls = calloc(plan->clients, sizeof *crowd->polls);
    crowd->room = (uint32_t)(plan->per_second * plan->seconds) + 1;
    for (int kind = 0; kind < HONEST_KINDS; kind++)
        crowd->waits_us[kind] = calloc(crowd->room, sizeof(uint32_t));
    if (crowd->clients == NULL || crowd->polls == NULL || crowd->waits_us[0] == NULL ||
        crowd->waits_us[1] == NULL)
        return fail("has no memory");
    crowd->interval_ns = (uint64_t)(plan->clients / plan->per_second * SECOND_NS);
    crowd->heard_ns = now;
    crowd->begin_ns = now + (uint64_t)(plan->seconds / 10 * SECOND_NS);
    crowd->end_ns = now + (uint64_t)(plan->seconds * SECOND_NS);
    for (uint32_t i = 0; i < plan->clients; i++) {
        struct client *client = &crowd->clients[i];
        client->kind = (enum honest_kind)(i % HONEST_KINDS);
        client->due_ns = now + crowd->interval_ns * i / plan->clients;
        if (!connect_client(client, i, plan->port))
            return fail("cannot connect");
        crowd->polls[i] = (struct pollfd){.fd = client->socket, .events = POLLIN};
    }
    return true;
}

bool honest_run(const struct honest_plan *plan, struct honest_result *result)
{
    struct crowd crowd = {.plan = plan};
    bool done = open_crowd(&crowd) && go_round(&crowd) && judge(&crowd, result);
    for (uint32_t i = 0; crowd.clients != NULL && i < plan->clients; i++)
        if (crowd.clients[i].socket > 0)
            close(crowd.clients[i].socket);
    for (int kind = 0; kind < HONEST_KINDS; kind++)
        free(crowd.waits_us[kind]);
    free(crowd.clients);
    free(crowd.polls);
    return done;
}
