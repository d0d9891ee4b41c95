/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_sync - how long the disk takes to keep 4 KiB: O_DIRECT and O_DSYNC, one after another, on a
 * file that was written before, as a journal is.
 *
 * Ownership  The file is removed again.
 * Threads    The calling one, which waits.
 * Units      Microseconds.
 * Errors     A negative errno, -EINVAL where the file system has no direct I/O.
 * Cost       A fifth of a second on a disk that syncs in 0.1 ms; never more than two.
 */
#ifndef HOTSHELF_BENCH_DISK_SYNC_H
#define HOTSHELF_BENCH_DISK_SYNC_H

struct disk_sync {
    double p50_us;
    double p99_us;
};

int disk_sync_measure(struct disk_sync *sync, const char *directory);

#endif
