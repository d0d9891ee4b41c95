/* SPDX-License-Identifier: Apache-2.0 */
/*
 * put_aside - a data directory makes room for a new journal; what it had stays, in a directory in
 * it: DIR/aside-20261126-140310. A directory of its own would not do where DIR is a mount.
 *
 *     stays: LOCK, guest-secret, what was put aside before      goes: all else, CURRENT first
 *
 * So a crash in the middle leaves a directory that a start refuses, and that can be put aside
 * again.
 *
 * Ownership  The caller has the directory locked, see put_aside_lock().
 * Threads    One.
 * Units      Wall milliseconds.
 * Errors     Negative errno, and a sentence in `error`.
 * Cost       A rename for each entry.
 */
#ifndef HOTSHELF_PERSIST_PUT_ASIDE_H
#define HOTSHELF_PERSIST_PUT_ASIDE_H

#include "persist/datadir.h"

/* Locks DIR/LOCK, which is made with DIR when they are not there; answers the file, to be closed
 * with disk_close(). -EBUSY: a server has it. */
int put_aside_lock(const char *path, char *error, size_t error_size);
/* 1: there are files of a journal, with records or without. 0: there are none. */
int put_aside_is_needed(const char *path, char *error, size_t error_size);
/* Writes the name of the directory that it moved everything to. */
int put_aside(const char *path, int64_t wall_ms, char name[DATADIR_FILE_PATH_SIZE_MAX], char *error,
    size_t error_size);

#endif
