/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_link - asks the admin listener one thing after the other, over one keep-alive connection.
 *
 * Ownership  admin_link_open() takes the memory for an answer, admin_link_close() gives it back,
 *            also when it did not open. The reply points into the link until the next question.
 * Threads    One; it blocks, for as long as patience says.
 * Units      Bytes, seconds.
 * Errors     -1 after one line on stderr, or without one when its patience was interrupted.
 * Cost       A connection for as long as the listener keeps it, 512 KiB.
 */
#ifndef HOTSHELF_LOADTEST_ADMIN_LINK_H
#define HOTSHELF_LOADTEST_ADMIN_LINK_H

#include "loadtest/endpoint.h"
#include "loadtest/patience.h"
#include "loadtest/reply.h"
#include "loadtest/writer.h"

struct admin_link {
    const char *url;
    struct endpoint endpoint;
    int fd;              /* -1: none is open */
    char *answer;        /* as it came */
    struct reply reply;  /* points into it */
    uint64_t overdue_ns; /* when the answer under way is asked for again */
    struct patience patience;
};

int admin_link_open(struct admin_link *link, const char *url);
void admin_link_close(struct admin_link *link);

/* The answer, 200, to one question, however often it has to be sent within so many seconds. */
int admin_link_ask(
    struct admin_link *link, const struct writer *question, uint32_t patience_seconds);

#endif
