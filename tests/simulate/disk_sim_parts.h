/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_sim_parts - what the two files of the simulated disk share: disk_sim.c, what is kept and
 * what a power cut leaves of it, and disk_sim_door.c, the calls of disk.h.
 *
 * Ownership  As disk_sim.h.
 * Threads    One.
 * Units      Bytes.
 * Errors     CHECK.
 * Cost       Copies of memory.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_DISK_SIM_PARTS_H
#define HOTSHELF_TESTS_SIMULATE_DISK_SIM_PARTS_H

#include "tests/simulate/disk_sim.h"

/* A new, empty inode. */
int disk_inode_make(struct disk_sim *disk);
/* Room for `size` bytes, whole sectors, zero behind what was there. */
void disk_inode_reserve(struct inode *inode, uint32_t size);
/* New content that is not durable. */
void disk_inode_write(struct inode *inode, const uint8_t *data, uint32_t size, uint32_t offset);

struct disk_name *disk_name_find(struct disk_name *names, const char *path);
/* Nothing can be made in a directory that is not there; "/sim" always is. */
bool disk_has_parent(struct disk_name *names, const char *path);
void disk_change_do(struct disk_name *names, const struct change *change);
/* Seen at once, durable when its directory is synced. DISK_REMOVED: the name goes. */
enum { DISK_REMOVED = -2 };
void disk_change_note(struct disk_sim *disk, const char *from, const char *path, int inode);

/* Whether a write of this opening is in flight: so long it holds its lock. */
bool disk_in_flight(const struct disk_sim *disk, int file);

#endif
