/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/transport_parts.h"

#include "loadtest/descriptors.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static bool take_memory(struct transport *transport)
{
    uint32_t count = transport->plan.connections;
    transport->slot = calloc(count, sizeof *transport->slot);
    transport->small = mmap(NULL, (size_t)count * TRANSPORT_SMALL_SIZE, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (transport->small == MAP_FAILED)
        transport->small = NULL;
    if (transport->slot == NULL || transport->small == NULL ||
        buffers_open(&transport->buffers) < 0 ||
        protocol_reader_open(&transport->reader, transport->plan.protocol) < 0) {
        fprintf(stderr, "hotshelf-loadtest: no memory for %u connections\n", count);
        return false;
    }
    for (uint32_t connection = 0; connection < count; connection++)
        transport->slot[connection] =
            (struct slot){.fd = -1, .out = BUFFERS_NONE, .in = BUFFERS_NONE};
    return true;
}

static bool write_greeting(struct transport *transport)
{
    struct writer writer = writer_over(transport->greeting, TRANSPORT_GREETING_SIZE);
    protocol_greet(transport->plan.protocol, &transport->door, &writer);
    transport->greeting_size = (uint32_t)writer.size;
    if (writer.overflowed)
        fputs("hotshelf-loadtest: the token is too long\n", stderr);
    return !writer.overflowed;
}

struct transport *transport_open(const struct transport_plan *plan)
{
    struct transport *transport = calloc(1, sizeof *transport);
    if (transport == NULL) {
        fputs("hotshelf-loadtest: no memory\n", stderr);
        return NULL;
    }
    transport->plan = *plan;
    transport->door = (struct protocol_door){transport->endpoint.host, plan->token};
    int found = plan->protocol == PROTOCOL_RESP
                    ? endpoint_parse_resp(&transport->endpoint, plan->url)
                    : endpoint_parse(&transport->endpoint, plan->url);
    if (found == 0 && write_greeting(transport) && descriptors_allow(plan->connections) == 0 &&
        take_memory(transport) && ring_open(&transport->ring) == 0)
        return transport;
    transport_close(transport);
    return NULL;
}

/* By a reset: ten thousand ports that wait a minute for what may still come slow the next run. */
static void hang_up(int fd)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
    close(fd);
}

void transport_close(struct transport *transport)
{
    if (transport == NULL)
        return;
    for (uint32_t at = 0; transport->slot != NULL && at < transport->plan.connections; at++) {
        if (transport->slot[at].state != SLOT_CLOSED)
            hang_up(transport->slot[at].fd);
    }
    ring_close(&transport->ring);
    buffers_close(&transport->buffers);
    protocol_reader_close(&transport->reader);
    if (transport->small != NULL)
        munmap(transport->small, (size_t)transport->plan.connections * TRANSPORT_SMALL_SIZE);
    free(transport->slot);
    free(transport);
}
