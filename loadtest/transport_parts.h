/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_parts - what transport.c and transport_open.c share: the connections and their memory.
 *
 *     CLOSED --asked--> CONNECTING --> [GREETING: a token is shown] --> OPEN
 *        ^                  |                   |                         |
 *        +------------------+------ lost, closed, garbled, dropped -------+
 *
 * Ownership  Everything is in struct transport.
 * Threads    The one that opened it.
 * Units      Bytes.
 * Errors     None here.
 * Cost       None here.
 */
#ifndef HOTSHELF_LOADTEST_TRANSPORT_PARTS_H
#define HOTSHELF_LOADTEST_TRANSPORT_PARTS_H

#include "loadtest/buffers.h"
#include "loadtest/endpoint.h"
#include "loadtest/ring.h"
#include "loadtest/transport.h"

/* What a connection has of its own: a basket of some 25 lines. */
#define TRANSPORT_SMALL_SIZE 2048

/* Head (16 KiB at most) and body (64 KiB at most) of a request as the server takes it. */
#define TRANSPORT_OUT_SIZE (80 * 1024)
#define TRANSPORT_BODY_SIZE (64 * 1024)

/* A token and the words around it. */
#define TRANSPORT_GREETING_SIZE 4096

enum slot_state { SLOT_CLOSED, SLOT_CONNECTING, SLOT_GREETING, SLOT_OPEN };

struct slot {
    int fd;
    uint16_t generation;
    uint8_t state;
    bool waiting; /* for an answer */
    enum question_kind kind;
    int reason;   /* of the loss that ERRAND_FAIL tells */
    uint16_t out; /* BUFFERS_NONE: the question stands in its own 2 KiB */
    uint16_t in;  /* BUFFERS_NONE: nothing of the answer has come */
    uint32_t out_size;
    uint32_t in_size;
    uint32_t greeted; /* bytes of the greeting's answer that have come */
    struct protocol_scan scan;
};

struct transport {
    struct transport_plan plan;
    struct endpoint endpoint;
    struct ring ring;
    struct buffers buffers;
    struct protocol_reader reader;
    struct transport_numbers numbers;
    struct slot *slot;
    char *small;
    uint64_t now_ns;
    struct protocol_door door;
    uint32_t greeting_size; /* 0: none is said */
    char greeting[TRANSPORT_GREETING_SIZE];
    struct facts facts;
    char out[TRANSPORT_OUT_SIZE];
    char body[TRANSPORT_BODY_SIZE];
};

#endif
