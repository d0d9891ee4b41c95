/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nginx - nginx with a fixed body: one worker, kept connections, no access log, no file.
 *
 * Ownership  nginx_play() starts, measures, stops and removes it.
 * Threads    One.
 * Units      As turn.h; bytes.
 * Errors     false with the reason in the turn.
 * Cost       A turn.
 */
#ifndef HOTSHELF_BENCH_PEERS_NGINX_H
#define HOTSHELF_BENCH_PEERS_NGINX_H

#include "bench/turn.h"

/* The requests of this plan, but for port and server. Replies are nearly reply_size bytes. */
bool nginx_play(struct turn *turn, const struct generator_plan *plan, double reply_size,
    const char *parent, int core);

#endif
