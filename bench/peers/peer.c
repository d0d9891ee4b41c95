/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/peers/peer.h"

#include "bench/guard.h"
#include "bench/socket.h"

#include <glob.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_TRIES_MAX 3000
#define CONNECT_LOOK_MS 10
#define STOP_TIMEOUT_MS 20000

static bool find_program(struct peer *peer, const struct peer_program *program)
{
    peer->program[0] = '\0';
    for (uint32_t at = 0; program->places[at] != NULL; at++) {
        glob_t found = {0};
        if (glob(program->places[at], 0, NULL, &found) == 0 && found.gl_pathc > 0)
            snprintf(peer->program, sizeof peer->program, "%s", found.gl_pathv[found.gl_pathc - 1]);
        globfree(&found);
    }
    return access(peer->program, X_OK) == 0;
}

bool peer_open(
    struct peer *peer, const struct peer_program *program, const char *parent, struct turn *turn)
{
    *peer = (struct peer){.process = {.pidfd = -1, .output = -1}};
    if (!find_program(peer, program))
        return turn_fail(
            turn, "%s is not installed: apt-get install %s", program->name, program->package);
    snprintf(peer->directory, sizeof peer->directory, "%s/peer-XXXXXX", parent);
    if (mkdtemp(peer->directory) != NULL)
        return true;
    peer->directory[0] = '\0';
    return turn_fail(turn, "no directory can be made in %s", parent);
}

void peer_file(const struct peer *peer, const char *name, char *path)
{
    snprintf(path, PEER_FILE_PATH_SIZE, "%s/%s", peer->directory, name);
}

bool peer_fail(const struct peer *peer, const char *what, struct turn *turn)
{
    char path[PEER_FILE_PATH_SIZE], line[256], last[256] = "";
    peer_file(peer, "log", path);
    FILE *log = fopen(path, "r");
    while (log != NULL && fgets(line, sizeof line, log) != NULL)
        memcpy(last, line, sizeof last);
    if (log != NULL)
        fclose(log);
    return turn_fail(turn, "%s %s: %s", peer->program, what, last);
}

bool peer_start(struct peer *peer, char *const *argv, int core, struct turn *turn)
{
    char log[PEER_FILE_PATH_SIZE];
    peer_file(peer, "log", log);
    if (process_start(&peer->process, argv, core, log, false) == 0)
        return true;
    return peer_fail(peer, "does not start", turn);
}

bool peer_wait(struct peer *peer, struct turn *turn)
{
    for (uint32_t tries = 0; tries < CONNECT_TRIES_MAX; tries++) {
        int fd = socket_connect(peer->port, peer->path[0] == '\0' ? NULL : peer->path);
        if (fd >= 0) {
            close(fd);
            return true;
        }
        /* Wakes early when it has ended. */
        struct pollfd end = {.fd = peer->process.pidfd, .events = POLLIN};
        if (poll(&end, 1, CONNECT_LOOK_MS) > 0)
            break;
    }
    return peer_fail(peer, "does not listen", turn);
}

void peer_close(struct peer *peer)
{
    if (peer->process.pid > 0)
        process_stop(&peer->process, STOP_TIMEOUT_MS);
    if (peer->directory[0] != '\0')
        guard_remove_tree(peer->directory);
    *peer = (struct peer){.process = {.pidfd = -1, .output = -1}};
}
