/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer - a program of others that is measured beside ours: private, in a directory of its own,
 * pinned to one core, stopped by its pid.
 *
 * Ownership  peer_open() makes the directory, peer_close() stops the program and removes it all.
 * Threads    One.
 * Units      Milliseconds.
 * Errors     false with the reason in the turn; a program that is not installed is named with the
 *            Debian package that has it.
 * Cost       Starting the program.
 */
#ifndef HOTSHELF_BENCH_PEERS_PEER_H
#define HOTSHELF_BENCH_PEERS_PEER_H

#include "bench/turn.h"

#define PEER_PATH_SIZE 256
#define PEER_FILE_PATH_SIZE (PEER_PATH_SIZE + 64)

struct peer_program {
    const char *name;
    const char *package;       /* of Debian */
    const char *const *places; /* patterns of paths, the last that exists counts; ends with NULL */
};

struct peer {
    char program[PEER_FILE_PATH_SIZE];
    char directory[PEER_PATH_SIZE]; /* "": none */
    struct process process;
    uint16_t port;
    char path[PEER_FILE_PATH_SIZE]; /* of a Unix socket instead; "": the port */
};

/* Finds the program and makes a directory in `parent`. */
bool peer_open(
    struct peer *peer, const struct peer_program *program, const char *parent, struct turn *turn);
void peer_file(const struct peer *peer, const char *name, char *path);
bool peer_start(struct peer *peer, char *const *argv, int core, struct turn *turn);
/* Waits until it accepts connections; see peer->port and path. */
bool peer_wait(struct peer *peer, struct turn *turn);
/* false, with the last line of its log, which says best why it does not work. */
bool peer_fail(const struct peer *peer, const char *what, struct turn *turn);
void peer_close(struct peer *peer);

#endif
