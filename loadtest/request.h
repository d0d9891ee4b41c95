/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request - writes one HTTP/1.1 request into the `out` buffer of a connection.
 *
 * Ownership  All text is borrowed for the call.
 * Threads    One at a time.
 * Units      Bytes.
 * Errors     false when the request does not fit CONNECTION_OUT_SIZE.
 * Cost       O(bytes).
 */
#ifndef HOTSHELF_LOADTEST_REQUEST_H
#define HOTSHELF_LOADTEST_REQUEST_H

#include "loadtest/connection.h"
#include "loadtest/writer.h"

#include <stdbool.h>

/* What stands in front of the body. NULL leaves a header out. */
struct request {
    const char *method;
    const char *path;
    const char *customer;
    const char *role;
    const char *idempotency_key;
    const char *bearer;
};

/* body NULL: a request without one. */
bool request_write(
    struct connection *connection, const struct request *request, const struct writer *body);

#endif
