/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command - from a parsed command of the Redis protocol to a reply, or to a command of the engine.
 *
 *     HELLO AUTH PING ECHO QUIT RESET SELECT CLIENT COMMAND INFO CONFIG TIME    what clients say
 *     HS.AVAIL HS.STOCK HS.STOCK.ADD HS.CART.GET HS.CART.SET HS.CART.CLEAR      what we sell,
 *     HS.CHECKOUT HS.ORDER HS.PAY HS.CANCEL                                     see selling.h
 *
 * Whoever speaks it is a back end, role service. On loopback or a Unix socket with auth.mode =
 * header that is taken for granted; elsewhere a token of auth.service_tokens_file comes first.
 *
 * Ownership  What a request needs after decoding is in its slot; the session is the connection's.
 * Threads    The shard the request arrived at.
 * Units      Bytes.
 * Errors     A refusal is a complete error reply.
 * Cost       One look-up of the name; one pass over the arguments.
 */
#ifndef HOTSHELF_NET_RESP_COMMAND_H
#define HOTSHELF_NET_RESP_COMMAND_H

#include "net/http/http.h"
#include "net/resp/parser.h"
#include "net/resp/session.h"

enum resp_verdict {
    RESP_ANSWERED, /* request->reply is complete */
    RESP_COMMAND,  /* request->work->command is complete: run it on shard `target` */
    RESP_WAITS,    /* no large reply is free: nothing has happened, decode it again */
};

/* Whether a command is one that runs in an engine, so that to decode it changes nothing. */
bool resp_is_selling(const struct resp_request *parsed);
enum resp_verdict resp_decode(struct http_context *context, struct resp_session *session,
    const struct resp_request *parsed, struct request *request, uint32_t *target);

#endif
