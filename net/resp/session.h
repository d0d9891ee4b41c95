/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session - what one connection has said of itself: which version it speaks, and who it is.
 *
 *     struct resp_session    all 0 at first: RESP2, nobody
 *
 * Ownership  The connection's.
 * Threads    The shard of the connection.
 * Units      None.
 * Errors     Complete error replies.
 * Cost       A token is compared in constant time with each line of its file, and hashed once more
 *            when that file was read anew.
 */
#ifndef HOTSHELF_NET_RESP_SESSION_H
#define HOTSHELF_NET_RESP_SESSION_H

#include <stdbool.h>

#include "net/http/tokens.h"

struct http_context;
struct request;

struct resp_session {
    bool is_three;                      /* HELLO 3 */
    bool is_known;                      /* a token was shown */
    uint8_t service;                    /* which of the service tokens it is, .. */
    uint32_t epoch;                     /* .. as of these (identity.h) */
    uint8_t digest[TOKENS_DIGEST_SIZE]; /* by which it is looked for among others */
};

/* What a command of the session is given. */
struct resp_call {
    struct http_context *context;
    struct resp_session *session;
    struct request *request;
    const struct bytes *arguments; /* the first is the command's name */
    uint32_t count;
};

/* Before each command: whoever has shown a token that is in its file no more is nobody. */
void resp_session_refresh(const struct http_context *context, struct resp_session *session);

/* Whether this connection may act for a back end. */
bool resp_is_admitted(const struct http_context *context, const struct resp_session *session);

/* Who it acts as, for what is written down: the name of the token, "service" without one. */
struct bytes resp_session_name(
    const struct http_context *context, const struct resp_session *session);

/* Case does not count in names and options. */
bool resp_is_word(struct bytes text, const char *word);

void resp_hello(struct resp_call *call);
void resp_auth(struct resp_call *call);
void resp_reset(struct resp_call *call);
void resp_client(struct resp_call *call);
void resp_config(struct resp_call *call);
void resp_describe(struct resp_call *call); /* COMMAND */
void resp_info(struct resp_call *call);

#endif
