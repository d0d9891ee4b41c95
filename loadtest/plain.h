/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain - texts that others wrote, so that a person can be shown them.
 *
 * Ownership  The text stays the caller's.
 * Threads    Any.
 * Units      Bytes, NUL at the end.
 * Errors     None.
 * Cost       O(bytes).
 */
#ifndef HOTSHELF_LOADTEST_PLAIN_H
#define HOTSHELF_LOADTEST_PLAIN_H

#include <stddef.h>
#include <stdio.h>

#define PLAIN_SHOWN_SIZE 301

/* What ends a line, and what a terminal obeys, becomes a blank. */
static inline char *plain_text(char *text)
{
    for (char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = ' ';
    }
    return text;
}

/* The start of what came. */
static inline const char *plain_start(char text[PLAIN_SHOWN_SIZE], const char *came, size_t size)
{
    int shown = size < PLAIN_SHOWN_SIZE ? (int)size : PLAIN_SHOWN_SIZE - 1;
    snprintf(text, PLAIN_SHOWN_SIZE, "%.*s", shown, came);
    return plain_text(text);
}

#endif
