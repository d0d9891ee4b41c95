/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/disk_sync.h"

#include "bench/median.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK_SIZE = 4096, BLOCKS = 2000, WRITES_MIN = 100 };

#define SECONDS_MAX 2.0

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static int write_block(int fd, const void *block, uint32_t at)
{
    ssize_t written = pwrite(fd, block, BLOCK_SIZE, (off_t)at * BLOCK_SIZE);
    return written == BLOCK_SIZE ? 0 : written < 0 ? -errno : -EIO;
}

static int fill_file(const char *path, const void *block)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int result = 0;
    for (uint32_t at = 0; result == 0 && at < BLOCKS; at++)
        result = write_block(fd, block, at);
    if (result == 0 && fsync(fd) < 0)
        result = -errno;
    close(fd);
    return result;
}

static int measure(const char *path, const void *block, struct disk_sync *sync)
{
    double took_us[BLOCKS];
    uint32_t count = 0;
    int fd = open(path, O_WRONLY | O_DIRECT | O_DSYNC | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = 0;
    double began = now_us();
    while (result == 0 && count < BLOCKS &&
           (count < WRITES_MIN || now_us() - began < SECONDS_MAX * 1e6)) {
        double start = now_us();
        result = write_block(fd, block, count);
        took_us[count++] = now_us() - start;
    }
    close(fd);
    sync->p50_us = median(took_us, count); /* sorts */
    sync->p99_us = took_us[count * 99 / 100];
    return result;
}

int disk_sync_measure(struct disk_sync *sync, const char *directory)
{
    char path[4096];
    void *block;
    *sync = (struct disk_sync){0};
    if (posix_memalign(&block, BLOCK_SIZE, BLOCK_SIZE) != 0)
        return -ENOMEM;
    memset(block, 1, BLOCK_SIZE);
    snprintf(path, sizeof path, "%s/hotshelf-bench-sync-%d", directory, (int)getpid());
    int result = fill_file(path, block);
    if (result == 0)
        result = measure(path, block, sync);
    unlink(path);
    free(block);
    return result;
}
