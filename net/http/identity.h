/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity - who calls: a customer or a service at the storefront, a viewer or an operator at the
 * admin listener.
 *
 *     storefront, auth.mode = jwt      Authorization: Bearer TOKEN, see bearer.h
 *     storefront, auth.mode = header   X-Customer-Id, X-Role = customer (default) | service
 *     payment events                   Hotshelf-Signature, see signature.h
 *     admin                            Authorization: Bearer TOKEN, a line of admin_tokens_file
 *
 * In header mode a gateway in front has checked the customer; that is why the configuration allows
 * it on loopback and Unix sockets only.
 *
 * Ownership  A caller's texts borrow from the parsed request, `actor` from struct identity.
 * Threads    Loaded by the main thread before the shards know of it, then read by all of them.
 * Units      Sizes in bytes.
 * Errors     enum identity_answer with a sentence for the reply.
 * Cost       Two looks at fields; at the admin listener one pass over at most 64 tokens.
 */
#ifndef HOTSHELF_NET_HTTP_IDENTITY_H
#define HOTSHELF_NET_HTTP_IDENTITY_H

#include "core/command.h"
#include "net/http/hmac.h"
#include "net/http/jwt.h"
#include "net/http/parser.h"
#include "net/http/tokens.h"

struct identity {
    uint32_t epoch;            /* how often it was read: what an older one verified is forgotten */
    struct tokens admins;      /* auth.admin_tokens_file */
    struct tokens services;    /* auth.service_tokens_file */
    struct jwt_keys jwt;       /* who signs tokens, see jwt.h */
    struct hmac_keys webhooks; /* who signs payment events, see signature.h */
    struct hmac_keys guests;   /* how we sign guests, see guest.h */
};

struct caller {
    enum role role;
    struct bytes customer; /* may be empty for role service */
    struct bytes actor;    /* admin: the name of the token */
    bool guest;            /* the customer is a guest, and his token was found valid */
};

enum identity_answer {
    IDENTITY_KNOWN,
    IDENTITY_UNKNOWN,   /* 401 */
    IDENTITY_INVALID,   /* 401, and the token is to blame (RFC 6750 3.1) */
    IDENTITY_FORBIDDEN, /* 403: known, and not who he says */
    IDENTITY_LATER,     /* 503 */
};

struct config;
/* Reads the files that [auth] names: a negative errno and a sentence without a secret. 0 with a
 * sentence in `error`: advice. */
int identity_load(
    struct identity *identity, const struct config *config, char *error, uint32_t error_size);

/* IDENTITY_UNKNOWN sets *reason, a sentence that names what is missing or wrong: 401. */
enum identity_answer identity_of_storefront(
    const struct http_request *parsed, struct caller *caller, const char **reason);
enum identity_answer identity_of_admin(const struct identity *identity,
    const struct http_request *parsed, struct caller *caller, const char **reason);

/* Behind "Bearer "; false: it is another scheme. */
bool identity_take_bearer(struct bytes field, struct bytes *token);

/* 1 to CUSTOMER_SIZE_MAX bytes of printable ASCII. */
bool identity_customer_is_valid(struct bytes customer);

#endif
