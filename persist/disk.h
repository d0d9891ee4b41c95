/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk - the one door through which the files of a journal are touched. Everything in persist/ that
 * reads or changes a data directory comes through here, and only batches are written elsewhere: by
 * the shard's ring, to the descriptor that journal_write names. A simulated disk is another
 * implementation of this header, linked in the place of disk.c.
 *
 * Ownership  The caller closes what it has opened. A path is read during the call.
 * Threads    Any; one at a time per file opened.
 * Units      Bytes; a file is a small number >= 0, in disk.c a descriptor.
 * Errors     Negative errno, as the kernel says it; an interrupted call is made again.
 * Cost       One system call, sometimes two; a sync as long as the disk takes.
 */
#ifndef HOTSHELF_PERSIST_DISK_H
#define HOTSHELF_PERSIST_DISK_H

#include <stdbool.h>
#include <stdint.h>

enum disk_access { DISK_READ, DISK_WRITE };

/* Answer the file, -errno when it cannot be had. */
int disk_open(const char *path, enum disk_access access);
/* Past the page cache, in whole aligned blocks of 4 KiB; -EINVAL: this file cannot be, or a durable
 * write to it would not be one. */
int disk_open_direct(const char *path, enum disk_access access);
/* For writing: empty, whether it was there or not. */
int disk_create(const char *path);
/* For writing: as it is, or made empty. */
int disk_open_or_create(const char *path);
int disk_close(int file);

/* Locks against other openers, until nothing holds this opening any more: a write in flight does.
 * Waits for who has the lock now, or answers -EBUSY. */
int disk_lock(int file, bool wait);

/* Bytes read or written in one go: fewer than asked for near the end of the file, or of space. */
int64_t disk_read(int file, void *out, uint32_t size, uint32_t offset);
int64_t disk_write(int file, const void *data, uint32_t size, uint32_t offset);

/* Space for `size` bytes, if the file system can promise it; 0 too if it has no such call. */
int disk_allocate(int file, uint32_t size);
int disk_sync(int file);
/* What was written and the size, but not the times. */
int disk_sync_data(int file);
/* A hint: what the page cache holds of the file will not be read again, or must be read anew. */
void disk_forget(int file);

int disk_rename(const char *from, const char *to);
/* A file, or a directory that is empty; one that is not there is as good. */
int disk_remove(const char *path);
/* Calls `visit` for the name of each entry of a directory, in any order; it may remove them. */
int disk_list(const char *path, void (*visit)(void *context, const char *name), void *context);
/* One that is there is as good. */
int disk_make_directory(const char *path);
/* Syncs a directory, so that names made in it stay. */
int disk_sync_directory(const char *path);

#endif
