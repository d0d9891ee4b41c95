/* SPDX-License-Identifier: Apache-2.0 */
/*
 * identity - who calls: a customer or a service at the storefront, a viewer or an operator at the
 * admin listener.
 *
 *     storefront, auth.mode = header   X-Customer-Id, X-Role = customer (default) | service
 *     payment events                   Hotshelf-Signature, see signature.h
 *     admin                            Authorization: Bearer TOKEN, a line of admin_tokens_file
 *
 * In header mode a gateway in front has checked the customer; that is why the configuration allows
 * it on loopback and Unix sockets only. auth.mode = jwt is refused at start (identity_load) until
 * tokens can be verified here.
 *
 * A token is compared in constant time with every line of the file, so that how long a refusal
 * takes tells nothing about how much of a guess was right.
 *
 * Ownership  A caller's texts borrow from the parsed request, `actor` from struct identity.
 * Threads    Loaded before the shards start, read by all of them.
 * Units      Sizes in bytes.
 * Errors     enum identity_answer with a sentence for the reply; identity_load() a negative errno
 *            and a sentence for the operator.
 * Cost       Two looks at fields; at the admin listener one pass over at most 64 tokens.
 */
#ifndef HOTSHELF_NET_HTTP_IDENTITY_H
#define HOTSHELF_NET_HTTP_IDENTITY_H

#include "core/command.h"
#include "net/http/hmac.h"
#include "net/http/parser.h"

enum {
    IDENTITY_TOKENS_MAX = 64,
    IDENTITY_TOKEN_SIZE_MIN = 16, /* shorter ones can be guessed */
    IDENTITY_TOKEN_SIZE_MAX = 255,
};

struct identity_token {
    uint8_t role; /* ROLE_VIEWER or ROLE_OPERATOR */
    uint8_t name_size;
    uint8_t token_size;
    uint8_t name[NAME_SIZE_MAX];
    uint8_t token[IDENTITY_TOKEN_SIZE_MAX]; /* the rest is zero */
};

struct identity {
    uint32_t token_count;
    struct identity_token tokens[IDENTITY_TOKENS_MAX];
    /* Loaded apart. */
    struct hmac_keys webhooks; /* who signs payment events, see signature.h */
    struct hmac_keys guests;   /* how we sign guests, see guest.h */
};

struct caller {
    enum role role;
    struct bytes customer; /* may be empty for role service */
    struct bytes actor;    /* admin: the name of the token */
    bool guest;            /* the customer is a guest, and his token was found valid */
};

enum identity_answer { IDENTITY_KNOWN, IDENTITY_UNKNOWN };

/* Reads the lines `name:role:token` of the file; empty lines and lines with # are skipped. An empty
 * path: nobody may call the admin listener. `jwt`: what auth.mode says. */
int identity_load(
    struct identity *identity, const char *path, bool jwt, char *error, uint32_t error_size);

/* The same from bytes. */
int identity_read(struct identity *identity, struct bytes file, char *error, uint32_t error_size);

/* IDENTITY_UNKNOWN sets *reason, a sentence that names what is missing or wrong: 401. */
enum identity_answer identity_of_storefront(
    const struct http_request *parsed, struct caller *caller, const char **reason);
enum identity_answer identity_of_admin(const struct identity *identity,
    const struct http_request *parsed, struct caller *caller, const char **reason);

/* 1 to CUSTOMER_SIZE_MAX bytes of printable ASCII. */
bool identity_customer_is_valid(struct bytes customer);

#endif
