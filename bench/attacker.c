/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/attacker.h"
#include "bench/process.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONNECTIONS 64
#define SLOW_CONNECTIONS 900 /* of the 1024 descriptors that everybody has */
#define SLOW_PAUSE_US 100
#define SENT_AT_ONCE 16384
#define RECEIVED_AT_ONCE 65536

static const char *const requests[ATTACKS] = {
    [ATTACK_PIPELINE] =
        "GET /v1/products?category=nowhere&limit=200 HTTP/1.1\r\nHost: bench\r\n\r\n",
    [ATTACK_UNREAD] = "GET /openapi.json HTTP/1.1\r\nHost: bench\r\n\r\n",
    [ATTACK_SLOW] = "GET /livez HTTP/1.1\r\nHost: bench\r\nX-Long: ",
    [ATTACK_GARBAGE] = "",
    [ATTACK_RESET] = "POST /v1/checkout HTTP/1.1\r\nHost: bench\r\nContent-Length: 500\r\n\r\n{",
};

struct assault {
    enum attack attack;
    uint16_t port;
    struct attacker_told *told;
    int sockets[SLOW_CONNECTIONS];
    size_t at[SLOW_CONNECTIONS]; /* in bytes: where the next send goes on */
    char bytes[2 * SENT_AT_ONCE];
    size_t period; /* of what repeats in it */
    char away[RECEIVED_AT_ONCE];
};

const char *attack_name(enum attack attack)
{
    static const char *const names[ATTACKS] = {"pipeline", "unread", "slow", "garbage", "reset"};
    return names[attack];
}

/* What follows itself for ever, cut anywhere. */
static void prepare(struct assault *assault)
{
    size_t size = strlen(requests[assault->attack]);
    if (assault->attack == ATTACK_GARBAGE) {
        if (getrandom(assault->bytes, sizeof assault->bytes, 0) <= 0)
            _exit(1);
        assault->period = SENT_AT_ONCE;
        return;
    }
    assault->period = size;
    for (size_t i = 0; i < sizeof assault->bytes; i++)
        assault->bytes[i] = requests[assault->attack][i % size];
}

static bool open_one(struct assault *assault, uint32_t i)
{
    struct sockaddr_in own = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl((127U << 24) + (9U << 8) + 9)};
    struct sockaddr_in server = {.sin_family = AF_INET,
        .sin_port = htons(assault->port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, kept = 65536;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kept, sizeof kept); /* bytes sent are bytes taken */
    if (bind(fd, (struct sockaddr *)&own, sizeof own) != 0 ||
        connect(fd, (struct sockaddr *)&server, sizeof server) != 0) {
        if (fd >= 0)
            close(fd);
        assault->sockets[i] = -1;
        return false;
    }
    assault->sockets[i] = fd;
    assault->at[i] = 0;
    assault->told->connections++;
    return true;
}

static void drop(struct assault *assault, uint32_t i)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(assault->sockets[i], SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(assault->sockets[i]);
    assault->sockets[i] = -1;
}

/* False: the connection has ended. */
static bool read_away(struct assault *assault, uint32_t i)
{
    ssize_t got = 1;
    for (int reads = 0; reads < 4 && got > 0; reads++)
        got = recv(assault->sockets[i], assault->away, sizeof assault->away, MSG_DONTWAIT);
    return got != 0;
}

static bool flood(struct assault *assault, uint32_t i)
{
    int fd = assault->sockets[i];
    if (assault->attack != ATTACK_UNREAD && !read_away(assault, i))
        return false;
    ssize_t sent =
        send(fd, assault->bytes + assault->at[i], SENT_AT_ONCE, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent > 0) {
        assault->told->bytes += (uint64_t)sent;
        assault->at[i] = (assault->at[i] + (size_t)sent) % assault->period;
        return true;
    }
    char one;
    return recv(fd, &one, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

static bool drip(struct assault *assault, uint32_t i)
{
    bool begins = assault->at[i]++ == 0;
    const char *bytes = begins ? assault->bytes : "a";
    size_t size = begins ? assault->period : 1;
    assault->told->bytes += size;
    usleep(SLOW_PAUSE_US);
    return send(assault->sockets[i], bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL) > 0 &&
           read_away(assault, i);
}

static bool reset(struct assault *assault, uint32_t i)
{
    ssize_t sent = send(assault->sockets[i], assault->bytes, assault->period, MSG_NOSIGNAL);
    assault->told->bytes += sent > 0 ? (uint64_t)sent : 0;
    return false;
}

static bool harm(struct assault *assault, uint32_t i)
{
    switch (assault->attack) {
    case ATTACK_SLOW:
        return drip(assault, i);
    case ATTACK_RESET:
        return reset(assault, i);
    case ATTACK_PIPELINE:
    case ATTACK_UNREAD:
    case ATTACK_GARBAGE:
    case ATTACKS:
        break;
    }
    return flood(assault, i);
}

static void attack_for_ever(struct assault *assault)
{
    uint32_t count = assault->attack == ATTACK_SLOW ? SLOW_CONNECTIONS : CONNECTIONS;
    for (uint32_t i = 0; i < count; i++)
        assault->sockets[i] = -1;
    prepare(assault);
    for (;;) {
        for (uint32_t i = 0; i < count; i++) {
            if (assault->sockets[i] < 0 && !open_one(assault, i))
                continue;
            if (!harm(assault, i))
                drop(assault, i);
        }
    }
}

bool attacker_start(struct attacker *attacker, const struct attacker_plan *plan)
{
    *attacker = (struct attacker){.pid = -1};
    void *shared = mmap(
        NULL, sizeof *attacker->told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared != MAP_FAILED) {
        attacker->told = shared;
        attacker->pid = fork();
    }
    if (attacker->pid < 0) {
        fprintf(stderr, "hotshelf-bench: no attacker can be started\n");
        return false;
    }
    if (attacker->pid > 0)
        return true;
    struct assault *assault = calloc(1, sizeof *assault);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* Also where the others have a better class (chrt -f 1), on a machine that is not idle. */
    const struct sched_param ordinary = {.sched_priority = 0};
    if (assault == NULL || process_pin(plan->core) < 0 ||
        sched_setscheduler(0, SCHED_OTHER, &ordinary) != 0 ||
        setpriority(PRIO_PROCESS, 0, plan->nice) != 0)
        _exit(1);
    assault->attack = plan->attack;
    assault->port = plan->port;
    assault->told = attacker->told;
    attack_for_ever(assault);
    _exit(0);
}

struct attacker_told attacker_stop(struct attacker *attacker)
{
    struct attacker_told told = {0};
    if (attacker->pid > 0) {
        kill(attacker->pid, SIGKILL);
        waitpid(attacker->pid, NULL, 0);
    }
    if (attacker->told != NULL) {
        told = *attacker->told;
        munmap(attacker->told, sizeof *attacker->told);
    }
    *attacker = (struct attacker){.pid = -1};
    return told;
}
