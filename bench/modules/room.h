/* SPDX-License-Identifier: Apache-2.0 */
/*
 * room - memory for one case, taken as the server takes its own: resident, in huge pages.
 *
 * Ownership  room_open() takes it, room_close() gives it back.
 * Threads    One.
 * Units      Bytes.
 * Errors     false after a line on stderr.
 * Cost       Touches every page once.
 */
#ifndef HOTSHELF_BENCH_MODULES_ROOM_H
#define HOTSHELF_BENCH_MODULES_ROOM_H

#include <stdio.h>

#include "core/arena.h"
#include "net/memory.h"

struct room {
    struct memory memory;
    struct arena arena;
};

static inline bool room_open(struct room *room, uint64_t bytes)
{
    char error[256];
    if (memory_take(&room->memory, bytes, error, sizeof error) != 0) {
        fprintf(stderr, "hotshelf-bench: %s\n", error);
        return false;
    }
    arena_init(&room->arena, room->memory.base, room->memory.size);
    return true;
}

static inline void room_close(struct room *room)
{
    memory_give(&room->memory);
}

#endif
