/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_text - a text of others as a JSON string, with its quotes, whatever is in it.
 *
 * Control characters are escaped, and what is no UTF-8 is replaced, so that every reader can read
 * it and the text after it.
 *
 * Ownership  None.
 * Threads    Any, on streams of their own.
 * Units      Bytes; the text is NUL-terminated.
 * Errors     Those of the stream: ferror().
 * Cost       O(bytes).
 */
#ifndef HOTSHELF_LOADTEST_JSON_TEXT_H
#define HOTSHELF_LOADTEST_JSON_TEXT_H

#include <stdio.h>

void json_text(FILE *file, const char *text);

#endif
