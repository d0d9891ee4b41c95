/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resp_shop - questions as HS commands of the Redis protocol, and its replies as facts; protocol.h
 * calls it.
 *
 * Ownership  All text is borrowed for the call; facts point into the reply's bytes.
 * Threads    One at a time with the same struct resp.
 * Units      Money in minor units, bytes.
 * Errors     What does not fit is `overflowed`; what is no answer to the question, FACTS_WRONG.
 * Cost       O(bytes).
 */
#ifndef HOTSHELF_LOADTEST_RESP_SHOP_H
#define HOTSHELF_LOADTEST_RESP_SHOP_H

#include "loadtest/protocol.h"
#include "loadtest/resp.h"

void resp_shop_write(const struct question *question, struct writer *out);

/* AUTH token */
void resp_shop_write_token(const char *token, struct writer *out);

void resp_shop_read(
    struct resp *resp, enum question_kind kind, const char *data, size_t size, struct facts *facts);

#endif
