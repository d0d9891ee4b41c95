/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acts - what admins do, a line each: from the shards to the log, without a wait for it.
 *
 *     2026-11-27T09:00:00.123Z admin anna (operator) POST /admin/v1/pause all: 200, request 7f..
 *     2026-11-27T09:00:01.456Z back end erp HS.STOCK.ADD 85123A 100: done
 *
 *     shard: reply may be sent --put--> ring of ACTS_MAX --take--> main thread --> stderr
 *
 * Every call that only an operator may make leaves its line, a refusal, too, and so does a viewer
 * who tries one; also the one of them that a back end may make by RESP. When the log takes lines
 * more slowly than they come, a shard does not wait: the line is missing, how many are is told, and
 * the journal has what was done. Refusals have half of the ring, so that who may do nothing cannot
 * crowd out the lines of what others do.
 *
 * Ownership  A ring is its shard's, taken from the arena.
 * Threads    put: the shard. take: one other thread.
 * Units      Milliseconds of Unix time; sizes in bytes.
 * Errors     None: a line that finds no room is counted.
 * Cost       put: a copy of some hundred bytes, for admins only; no system call.
 */
#ifndef HOTSHELF_NET_LOOP_ACTS_H
#define HOTSHELF_NET_LOOP_ACTS_H

#include <stdalign.h>
#include <stdatomic.h>

#include "core/arena.h"
#include "core/command.h"

enum {
    ACTS_MAX = 512, /* of a shard, between two looks of the main thread */
    ACTS_REFUSED_MAX = ACTS_MAX / 2,
    ACT_SUBJECT_SIZE_MAX = 192,
    ACT_REQUEST_SIZE_MAX = 64,
    ACT_LINE_SIZE = 512,
};

/* .. what RESP has instead of a status. */
enum { ACT_DONE = 1, ACT_REFUSED = 2 };

/* Of a request under way; actor_size 0: it is none. */
struct act {
    int64_t wall_ms;
    uint16_t status; /* of HTTP, or one of .. */
    uint8_t role;    /* enum role */
    uint8_t actor_size, subject_size, request_size;
    uint8_t actor[NAME_SIZE_MAX];
    uint8_t subject[ACT_SUBJECT_SIZE_MAX]; /* method, path, and what the body names */
    uint8_t request[ACT_REQUEST_SIZE_MAX];
};

struct acts {
    struct act *ring;
    alignas(64) _Atomic uint64_t put; /* the shard's */
    _Atomic uint64_t missing;
    alignas(64) _Atomic uint64_t taken; /* the main thread's */
    uint64_t told;                      /* of the missing ones */
};

void acts_init(struct acts *acts, struct arena *arena);
void act_begin(struct act *act, enum role role, struct bytes actor);
/* One more word of the subject; what does not fit is cut off. */
void act_add(struct act *act, struct bytes word);
bool act_is_refused(const struct act *act);
void acts_put(struct acts *acts, const struct act *act);
/* False: there is none now. */
bool acts_take(struct acts *acts, struct act *act);
/* How many have found no room since this was last asked. */
uint64_t acts_missing(struct acts *acts);
/* The line, with its end; nothing in it can begin another one. Answers its size. */
uint32_t act_write(const struct act *act, char line[ACT_LINE_SIZE]);

#endif
