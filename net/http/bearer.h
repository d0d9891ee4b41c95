/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bearer - who calls the storefront in auth.mode = jwt: Authorization: Bearer TOKEN (RFC 6750).
 *
 *     TOKEN is a JWT with role customer      acts for its sub, and for nobody else: 403
 *     TOKEN is a JWT with role service       acts for the customer in X-Customer-Id, or for nobody
 *     TOKEN is a guest's (guest.h, hsg1.)    acts for that guest; http.c asks whether it is ours
 *
 * Ownership  Taken from the arena; a caller's texts are good until the next call.
 * Threads    One for each shard. What libjwt and OpenSSL allocate comes from a budget of its own:
 *            when that is used up a token is refused for now (IDENTITY_LATER).
 * Units      Milliseconds of Unix time.
 * Errors     enum identity_answer with a sentence for the reply.
 * Cost       One look-up for a token that is remembered (token_table.h), jwt.h for another one.
 */
#ifndef HOTSHELF_NET_HTTP_BEARER_H
#define HOTSHELF_NET_HTTP_BEARER_H

#include "net/config.h"
#include "net/http/identity.h"
#include "net/http/token_table.h"
#include "persist/budget.h"

enum { BEARER_BUDGET_SIZE = 16 << 20 }; /* of libjwt and OpenSSL in one thread */

struct bearer {
    struct jwt_terms terms;
    struct token_table table;
    struct jwt_room room;
    struct jwt_claims claims; /* of a token that was just verified */
    uint64_t verified;        /* tokens given to jwt_judge() */
    struct budget budget;
};

/* The shard's part of `config`'s capacity. The configuration must stay where it is. */
struct bearer *bearer_create(struct arena *arena, const struct config *config, uint32_t shards);

/* From now on what this thread allocates comes from the budget. */
int bearer_bind(struct bearer *bearer);

/* Whether the request shows a token of role service that was verified before: costs no signature.
 */
bool bearer_remembers_service(struct bearer *bearer, const struct identity *identity,
    int64_t wall_ms, const struct http_request *parsed);

enum identity_answer bearer_identify(struct bearer *bearer, const struct identity *identity,
    int64_t wall_ms, const struct http_request *parsed, struct caller *caller, const char **reason);

#endif
