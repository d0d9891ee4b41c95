/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attacker - a process that does one kind of harm as fast as it can, from one address, on a core
 * that the server does not use, and at the lowest priority unless another one is asked for: so what
 * others wait for is the server and not the attacker's own appetite.
 *
 * Ownership  attacker_start() forks, attacker_stop() kills and reaps; it dies with its parent.
 * Threads    One.
 * Units      Bytes sent, connections opened.
 * Errors     false after a line on stderr.
 * Cost       What is left of a core.
 */
#ifndef HOTSHELF_BENCH_ATTACKER_H
#define HOTSHELF_BENCH_ATTACKER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum attack {
    ATTACK_PIPELINE, /* the dearest read, hundreds at once, over 64 connections */
    ATTACK_UNREAD,   /* large replies over 64 connections, none of which is read */
    ATTACK_SLOW,     /* a thousand heads, a byte at a time */
    ATTACK_GARBAGE,  /* noise over 64 connections, opened anew when they are closed */
    ATTACK_RESET,    /* half a request and a reset, connection after connection */
    ATTACKS,
};

struct attacker_told {
    uint64_t bytes, connections;
};

struct attacker {
    pid_t pid;
    struct attacker_told *told; /* shared with it */
};

const char *attack_name(enum attack attack);
struct attacker_plan {
    enum attack attack;
    uint16_t port;
    int core;
    int nice; /* its priority */
};

bool attacker_start(struct attacker *attacker, const struct attacker_plan *plan);
struct attacker_told attacker_stop(struct attacker *attacker);

#endif
