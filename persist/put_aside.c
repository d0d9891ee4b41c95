/* SPDX-License-Identifier: Apache-2.0 */
#include "persist/put_aside.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "persist/disk.h"

static int complain(int result, const char *what, const char *path, char *error, size_t error_size)
{
    (void)snprintf(error, error_size, "cannot %s %s: %s", what, path, strerror(-result));
    return result;
}

int put_aside_lock(const char *path, char *error, size_t error_size)
{
    char lock[DATADIR_FILE_PATH_SIZE_MAX];
    int result = disk_make_directory(path);
    if (result != 0)
        return complain(result, "make", path, error, error_size);
    (void)snprintf(lock, sizeof(lock), "%s/LOCK", path);
    int file = disk_open_or_create(lock);
    result = file < 0 ? file : disk_lock(file, false);
    if (result == 0)
        return file;
    if (file >= 0)
        (void)disk_close(file);
    if (result != -EBUSY)
        return complain(result, "lock", lock, error, error_size);
    (void)snprintf(error, error_size, "a server is using %s: stop it first", path);
    return result;
}

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

static void look_for_journal(void *context, const char *name)
{
    bool *used = context;
    *used = *used || strcmp(name, "CURRENT") == 0 || datadir_generation_of(name) != 0;
}

int put_aside_is_needed(const char *path, char *error, size_t error_size)
{
    bool used = false;
    int result = disk_list(path, look_for_journal, &used);
    return result < 0 ? complain(result, "list", path, error, error_size) : used;
}

struct moving {
    const char *path, *to;
    int result;
};

static void move_entry(struct moving *moving, const char *name)
{
    char from[DATADIR_FILE_PATH_SIZE_MAX], to[2 * DATADIR_FILE_PATH_SIZE_MAX];
    (void)snprintf(from, sizeof(from), "%s/%s", moving->path, name);
    (void)snprintf(to, sizeof(to), "%s/%s", moving->to, name);
    int result = disk_rename(from, to);
    if (moving->result == 0 && result != -ENOENT)
        moving->result = result;
}

static void move_others(void *context, const char *name)
{
    bool stays = strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, "LOCK") == 0 ||
                 strcmp(name, "guest-secret") == 0 || begins(name, "aside-");
    if (!stays)
        move_entry(context, name);
}

int put_aside(const char *path, int64_t wall_ms, char name[DATADIR_FILE_PATH_SIZE_MAX], char *error,
    size_t error_size)
{
    char stamp[32];
    struct tm tm;
    const time_t seconds = (time_t)(wall_ms / 1000);
    (void)gmtime_r(&seconds, &tm);
    (void)strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
    (void)snprintf(name, DATADIR_FILE_PATH_SIZE_MAX, "%.1023s/aside-%s", path, stamp);
    struct moving moving = {.path = path, .to = name};
    int result = disk_make_directory(name);
    if (result == 0) {
        move_entry(&moving, "CURRENT");
        int listed = moving.result == 0 ? disk_list(path, move_others, &moving) : 0;
        result = listed != 0 ? listed : moving.result;
    }
    if (result == 0)
        result = disk_sync_directory(name);
    if (result == 0)
        result = disk_sync_directory(path);
    return result == 0 ? 0 : complain(result, "put aside what is in", path, error, error_size);
}
