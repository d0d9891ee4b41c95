/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journals - the real journals of a few shards on the simulated disk, and what they have promised:
 * which events were told to be durable, and which were on their way.
 *
 *     journals_recover -> journals_go_on -> append, commit, land, .. -> journals_down
 *            ^                                                               |
 *            +---- disk_sim_cut() or disk_sim_kill() -----------------------+
 *
 * After every recovery the events of a shard must be those promised, in order and as they were
 * written last, then those of the batch in flight, all or none of them: all exactly if every byte
 * of it is on the disk. A walk here has a beginning and an end and nothing between: what it
 * restates is the number of the last event before it, and a recovery may begin there.
 *
 * Ownership  journals_create() takes heap memory, journals_destroy() gives it back. The disk is the
 *            caller's.
 * Threads    One.
 * Units      Events are numbered from 1 in each shard.
 * Errors     What may not be is told and ends the process; journals_recover() answers what the real
 *            code answers.
 * Cost       A recovery of some segments of 64 KiB: some 100 us.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_JOURNALS_H
#define HOTSHELF_TESTS_SIMULATE_JOURNALS_H

#include "core/arena.h"
#include "persist/journal.h"
#include "persist/recover.h"
#include "tests/simulate/disk_sim.h"

enum {
    JOURNALS_SHARDS_MAX = 4,
    JOURNALS_EVENTS_MAX = 1024,
    JOURNALS_SEGMENT_SIZE = 64 << 10,
    JOURNALS_BATCH_SIZE = 16 << 10,
};

struct promises {
    uint64_t appended;
    uint64_t durable;  /* events told to be */
    uint64_t on_way;   /* last event of the batch in flight; without one, as durable */
    uint64_t expected; /* of the last recovery */
    uint64_t replayed; /* by the last recovery, what a walk restates included */
    uint64_t walk;     /* number of the last one begun */
    bool walking;
    int flight;    /* of disk_sim.h, or DISK_NO_FLIGHT */
    int way_inode; /* where that batch goes, and what it is */
    uint32_t way_offset, way_size;
    uint8_t way[JOURNALS_BATCH_SIZE];
    uint16_t born[JOURNALS_EVENTS_MAX + 1]; /* incarnation in which each was written last */
};

struct journals {
    struct disk_sim *disk;
    uint32_t shards;
    struct datadir_options options;
    struct datadir directory;
    struct journal_shared shared;
    struct journal journal[JOURNALS_SHARDS_MAX];
    struct promises promises[JOURNALS_SHARDS_MAX];
    struct recovery recovery;
    struct arena arena;
    void *memory;
    uint64_t memory_size;
    struct moment now;
    bool is_open;    /* the directory, after a recovery */
    bool is_running; /* the journals, too */
    bool damaged;    /* events may be missing: recovery answers a prefix, or refuses */
    uint64_t recoveries;
    uint64_t trace;
    char error[1024];
};

struct journals *journals_create(struct disk_sim *disk, uint32_t shards, uint32_t segments);
void journals_destroy(struct journals *journals);
/* Another process on another disk, with the same promises; it is not running. */
void journals_twin(struct journals *to, const struct journals *from, struct disk_sim *disk);

/* Opens the directory and recovers: 0 or the negative errno of the real code. */
int journals_recover(struct journals *journals);
/* That the events are those promised, and the batch that was in flight if all of it is there. */
void journals_check(struct journals *journals);
/* As a start goes on; what was replayed is durable from here on. */
void journals_go_on(struct journals *journals);

/* False when the batch or the journal has no room. */
bool journals_append(struct journals *journals, uint32_t shard);
/* A walk begins, or the one under way ends; false as above. */
bool journals_walk(struct journals *journals, uint32_t shard);
/* Submits a batch, or the header of a segment, if one is to be written. */
bool journals_commit(struct journals *journals, uint32_t shard);
/* Its write ends. False: the process ended with fatal(), and is down. */
bool journals_land(struct journals *journals, uint32_t shard, enum landing landing);
/* A closing mark for each shard; false when it has no room. */
bool journals_close_marks(struct journals *journals);
void journals_pass(struct journals *journals, uint64_t ms);

/* The process is gone, whatever it was doing; writes in flight stay in flight. */
void journals_down(struct journals *journals);
_Noreturn void journals_fail(const struct journals *journals, const char *what);

#endif
