/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key_file - reads a file of [auth] as a whole: keys, secrets, tokens.
 *
 *     auth.jwt_secret_file, auth.admin_tokens_file, .. --key_file_read--> bytes, or why not
 *
 * Only regular files, symbolic links to them included: a FIFO would keep whoever opens it waiting
 * for a writer, and SIGHUP is heard by the thread that also stops the server.
 *
 * Ownership  The caller's room is filled; the caller wipes it.
 * Threads    Any.
 * Units      Bytes.
 * Errors     A negative errno and a sentence with setting, path and reason, of nothing read.
 * Cost       Four system calls or more; start and SIGHUP only.
 */
#ifndef HOTSHELF_NET_HTTP_KEY_FILE_H
#define HOTSHELF_NET_HTTP_KEY_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct key_file {
    const char *setting, *path; /* what an error calls it, where it is */
    uint8_t *data;              /* gets its bytes, fewer than size_max */
    uint32_t size_max;
    mode_t mode; /* who may read it */
};

/* How many bytes it has, or a negative errno. */
int32_t key_file_read(struct key_file *file, char *error, size_t error_size);

#endif
