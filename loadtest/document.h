/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document - an answer as a tree of members and elements, whether JSON or RESP wrote it.
 *
 * Both protocols tell the same members by the same names, so what an answer says is read once.
 *
 * Ownership  Looks at a struct json or a struct resp that was parsed before; one of both is set.
 * Threads    One at a time.
 * Units      As in json.h: a value is a number, DOCUMENT_NONE when it is not there.
 * Errors     As in json.h: every call takes DOCUMENT_NONE.
 * Cost       As in json.h and resp.h.
 */
#ifndef HOTSHELF_LOADTEST_DOCUMENT_H
#define HOTSHELF_LOADTEST_DOCUMENT_H

#include "loadtest/facts.h"
#include "loadtest/json.h"
#include "loadtest/resp.h"

#define DOCUMENT_ROOT 0
#define DOCUMENT_NONE (-1)

struct document {
    const struct json *json;
    const struct resp *resp;
};

int document_member(const struct document *document, int object, const char *name);
int document_first(const struct document *document, int array);
int document_next(const struct document *document, int array, int element);
bool document_integer(const struct document *document, int value, int64_t *number);

/* NUL-terminated; false, and the empty text, when it is none or too long. */
bool document_text(const struct document *document, int value, char *text, size_t capacity);

#endif
