/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_sim - a disk in memory, in the place of persist/disk.c: it forgets at a power cut what a
 * real one may forget, sector by sector, and fails where it is told to.
 *
 *     written, not synced  --sync-->  durable           a power cut leaves of each sector that is
 *     write in flight      --land-->  durable           not durable: old, new, zeros or noise
 *     name made, renamed   --sync of its directory-->   a power cut leaves a prefix of the changes
 *
 * A write in flight is one of the ring (RWF_DSYNC): submitted, then landed whole, short, failed, or
 * lied about. A killed process leaves its writes in flight; who waits for the lock of the file
 * finds them landed.
 *
 * Ownership  disk_sim_create() takes heap memory, disk_sim_destroy() gives it back. The functions
 *            of disk.h act on the disk that disk_sim_use() named last.
 * Threads    One.
 * Units      Sectors of 512 bytes; an operation is one call of disk.h.
 * Errors     What the code under test may not do (an unaligned direct write, a write past the end,
 *            two writes in flight in one file) is a CHECK.
 * Cost       Copies of memory.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_DISK_SIM_H
#define HOTSHELF_TESTS_SIMULATE_DISK_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "persist/disk.h"
#include "tests/lib/dice.h"

enum {
    SECTOR_SIZE = 512,
    DISK_INODES_MAX = 128,
    DISK_NAMES_MAX = 128,
    DISK_HANDLES_MAX = 64,
    DISK_FLIGHTS_MAX = 8,
    DISK_NAME_SIZE_MAX = 96,
    DISK_HANDLE_FIRST = 1 << 20, /* no descriptor of the kernel's is as large */
    DISK_NO_FLIGHT = -1,
};

/* What a power cut leaves of a sector that was not durable. */
enum left { LEFT_OLD, LEFT_NEW, LEFT_ZEROS, LEFT_NOISE };
typedef enum left disk_sim_choose(void *context, uint32_t sector);

/* How a write in flight ends. */
enum landing {
    LANDS_WHOLE,
    LANDS_SHORT,  /* only its first sector is written, and said */
    LANDS_FAILED, /* -EIO: what is written is anybody's guess */
    LANDS_FULL,   /* -ENOSPC: nothing is written */
    LANDS_LIED,   /* said to be durable, and is not */
};

struct inode {
    uint8_t *data;  /* as read now */
    uint8_t *old;   /* of sectors that are dirty: what is durable */
    uint8_t *dirty; /* a byte for each sector */
    uint32_t size, capacity, size_durable, dirty_count;
    int locked_by; /* handle, or -1 */
    bool used;
};

struct disk_name {
    char path[DISK_NAME_SIZE_MAX];
    int inode; /* -1: a directory */
    bool used;
};

/* A change of a name that no sync has made durable. */
struct change {
    char path[DISK_NAME_SIZE_MAX];
    char from[DISK_NAME_SIZE_MAX]; /* of a rename; empty: made */
    int inode;
};

struct handle {
    int inode;
    bool used, direct, writes;
};

struct flight {
    bool used;
    int handle, inode;
    uint32_t size, offset;
    const uint8_t *source; /* the caller's buffer, which must not change meanwhile */
    uint8_t *data;
};

struct disk_sim {
    struct inode inodes[DISK_INODES_MAX];
    struct disk_name names[DISK_NAMES_MAX], durable_names[DISK_NAMES_MAX];
    struct change changes[DISK_NAMES_MAX];
    uint32_t change_count;
    struct handle handles[DISK_HANDLES_MAX];
    struct flight flights[DISK_FLIGHTS_MAX];
    struct dice dice;
    uint64_t operations;
    uint64_t power_off_at; /* the operation that meets a dead disk, and all after it; 0 never */
    uint64_t fails_at;     /* the operation that fails with `failure`; 0 never */
    int failure;
    bool refuses_direct; /* a file system without direct I/O */
    bool off;
};

struct disk_sim *disk_sim_create(uint64_t seed);
void disk_sim_destroy(struct disk_sim *disk);
/* What is on it, durable and not, without who has it open. */
void disk_sim_copy(struct disk_sim *to, const struct disk_sim *from);
void disk_sim_use(struct disk_sim *disk);

/* The ring: a write that has begun, and its end; the answer of the kernel. The buffer that was
 * handed in must be the same until then. */
int disk_sim_submit(
    struct disk_sim *disk, int file, const void *data, uint32_t size, uint64_t offset);
int32_t disk_sim_land(struct disk_sim *disk, int flight, enum landing landing);

/* Sectors that a power cut would decide about, and the cut: all openings are gone, and the disk
 * runs again. */
uint32_t disk_sim_undecided(const struct disk_sim *disk);
void disk_sim_cut(struct disk_sim *disk, disk_sim_choose *choose, void *context);
/* A choice for disk_sim_cut(): any of the four, from the disk's dice. */
enum left disk_sim_any(void *disk, uint32_t sector);
/* kill -9: openings and locks are gone, but for those of writes in flight. */
void disk_sim_kill(struct disk_sim *disk);

/* The bytes of a file, for who looks at or damages them; NULL: there is no such file. */
uint8_t *disk_sim_bytes(struct disk_sim *disk, const char *path, uint32_t *size);

#endif
