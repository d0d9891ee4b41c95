/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare_stage - where the sides of a comparison play their turns, one after another on one core.
 *
 * Each round has servers of ours with new journals and empty tables, over TCP and over Unix
 * sockets, as far as its sides need them; every other program is started for its turn alone.
 *
 * Ownership  compare_stage_open() and _close() once a round; turns are the caller's.
 * Threads    One, on the generator's core.
 * Units      Seconds.
 * Errors     false with the reason in the turn, and the end of our server's log on stderr.
 * Cost       Opening: our servers write their journals once.
 */
#ifndef HOTSHELF_BENCH_COMPARE_STAGE_H
#define HOTSHELF_BENCH_COMPARE_STAGE_H

#include "bench/compare_jobs.h"
#include "bench/peers/postgres.h"
#include "bench/sandbox.h"
#include "bench/turn.h"

enum { COMPARE_CORE_SERVER = 0, COMPARE_CORE_GENERATOR = 1 };

struct compare_plan {
    const char *server_path;
    const char *floor_path;
    const char *parent;
    const char *io;
    double seconds; /* of a turn */
    uint32_t connections;
};

struct compare_stage {
    const struct compare_plan *plan;
    struct sandbox sandbox[2]; /* over TCP, over Unix sockets */
    bool is_open[2];
    struct traffic traffic[2][TRAFFIC_KINDS];
    struct postgres postgres; /* made when it is first needed, runs only in its turns */
    bool has_postgres;
};

/* needed: which of the sides will play; NULL: all. */
void compare_stage_open(struct compare_stage *stage, const struct compare_plan *plan,
    const struct side *sides, const bool *needed, uint32_t count);
void compare_stage_close(struct compare_stage *stage);

/* ours: a turn of the side that this one is like: its bytes, what it can do. */
bool compare_stage_play(struct compare_stage *stage, const struct side *side,
    const struct turn *ours, struct turn *turn);

#endif
