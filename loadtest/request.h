/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request - writes one HTTP/1.1 request.
 *
 * Ownership  All text is borrowed for the call.
 * Threads    One at a time.
 * Units      Bytes.
 * Errors     What does not fit: the writer has overflowed.
 * Cost       O(bytes).
 */
#ifndef HOTSHELF_LOADTEST_REQUEST_H
#define HOTSHELF_LOADTEST_REQUEST_H

#include "loadtest/writer.h"

/* What stands in front of the body. NULL leaves a header out. */
struct request {
    const char *method;
    const char *path;
    const char *host;
    const char *customer;
    const char *role;
    const char *idempotency_key;
    const char *bearer;
};

/* body NULL: a request without one. */
void request_write(struct writer *writer, const struct request *request, const struct writer *body);

#endif
