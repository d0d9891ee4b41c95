/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/peers/nginx.h"

#include "bench/peers/peer.h"
#include "bench/socket.h"

#include <stdio.h>

#define HEAD_SIZE 160 /* of its replies */

static const char *const places[] = {
    "/usr/bin/nginx", "/usr/local/sbin/nginx", "/usr/sbin/nginx", NULL};
static const struct peer_program program = {.name = "nginx", .package = "nginx", .places = places};

/* Without a master, whose worker would outlive it if we were killed; the loop is the same. */
static bool write_configuration(const struct peer *peer, double reply_size)
{
    char path[PEER_FILE_PATH_SIZE];
    const char *home = peer->directory;
    peer_file(peer, "nginx.conf", path);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    fprintf(file,
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid %s/pid;\nerror_log %s/log "
        "warn;\n"
        "events { worker_connections 4096; }\n"
        "http {\n access_log off;\n keepalive_requests 1000000000;\n keepalive_timeout 600;\n"
        " client_body_temp_path %s/body;\n proxy_temp_path %s/proxy;\n"
        " fastcgi_temp_path %s/fastcgi;\n uwsgi_temp_path %s/uwsgi;\n scgi_temp_path %s/scgi;\n"
        " server { listen 127.0.0.1:%u backlog=1024;\n  location / { default_type "
        "application/json; return 200 \"",
        home, home, home, home, home, home, home, peer->port);
    for (double size = HEAD_SIZE; size < reply_size || size <= HEAD_SIZE; size++)
        fputc('x', file);
    fputs("\"; }\n }\n}\n", file);
    return fclose(file) == 0;
}

static bool start(struct peer *peer, double reply_size, int core, struct turn *turn)
{
    char path[PEER_FILE_PATH_SIZE], log[PEER_FILE_PATH_SIZE];
    peer->port = socket_free_port();
    if (!write_configuration(peer, reply_size))
        return turn_fail(turn, "nginx's configuration cannot be written");
    peer_file(peer, "nginx.conf", path);
    peer_file(peer, "log", log);
    char *argv[] = {peer->program, (char[]){"-p"}, peer->directory, (char[]){"-c"}, path,
        (char[]){"-e"}, log, NULL};
    return peer_start(peer, argv, core, turn) && peer_wait(peer, turn);
}

bool nginx_play(struct turn *turn, const struct generator_plan *plan, double reply_size,
    const char *parent, int core)
{
    struct peer peer;
    struct generator_plan here = *plan;
    *turn = (struct turn){0};
    bool done = peer_open(&peer, &program, parent, turn) && start(&peer, reply_size, core, turn);
    if (done) {
        here.port = peer.port;
        here.server = &peer.process;
        done = turn_play(turn, &here);
    }
    peer_close(&peer);
    return done;
}
