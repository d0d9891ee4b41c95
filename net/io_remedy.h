/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_remedy - what to do where io_uring is refused, in the words of the one who can do it.
 *
 * Ownership  Text goes to the caller's memory.
 * Threads    Any.
 * Units      None.
 * Errors     An errno that says nothing about permission or age gives an empty text.
 * Cost       Two small files of /proc.
 */
#ifndef HOTSHELF_NET_IO_REMEDY_H
#define HOTSHELF_NET_IO_REMEDY_H

#include <stddef.h>

struct io_permission {
    int disabled; /* kernel.io_uring_disabled: 0, 1 or 2; -1: this kernel has no such setting */
    int group;    /* kernel.io_uring_group, -1: none */
};

struct io_permission io_permission_read(void);

/* For io_uring_setup or _register that failed with this negative errno. */
void io_remedy(int error, const struct io_permission *permission, char *text, size_t size);

#endif
