/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_client - one call to the admin listener of a running server, from the command line.
 *
 * Ownership  The reply's body is the caller's to free.
 * Threads    One; it blocks.
 * Units      Bytes, seconds.
 * Errors     False with a sentence that says what to mend; a reply of any status is a success here.
 * Cost       One connection for one call.
 */
#ifndef HOTSHELF_NET_ADMIN_CLIENT_H
#define HOTSHELF_NET_ADMIN_CLIENT_H

#include <stdio.h>

#include "net/config.h"

enum {
    ADMIN_ERROR_SIZE = 512,
    ADMIN_SILENCE_SECONDS = 120, /* an import of a full catalog answers when it is durable */
};

struct admin_call {
    const char *method; /* "POST" */
    const char *target; /* "/admin/v1/import" */
    const char *type;   /* of the body: "text/csv" */
    FILE *body;         /* NULL: none; sent from its beginning to its end */
    const char *key;    /* Idempotency-Key; NULL: none */
};

struct admin_reply {
    int status;
    char *body; /* ends with a NUL */
};

/* With the first operator's token of auth.admin_tokens_file. */
bool admin_call(const struct config *config, const struct admin_call *call,
    struct admin_reply *reply, char error[ADMIN_ERROR_SIZE]);

#endif
