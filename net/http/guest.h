/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest - an identity for who has none: a token that we sign and keep nothing of.
 *
 *     hsg1.uT3cHk0Jm5n9c2yP8dQm1g.1797822000.X0p7...      customer ids that begin with hsg1. are
 *     |    |                      |          |            tokens, or nobody's
 *     |    128 random bits        |          HMAC-SHA256 of all before the last dot
 *     version                     the second of Unix time at which it ends
 *
 * Random bits and sum are base64url without padding (RFC 4648 5). The sum is compared as text: one
 * token has one spelling, so that a guest has one cart and not four.
 *
 * The customer id of a guest is his token. So who is believed to be a guest must show one that we
 * signed and that has not ended, and a cart may be merged into another's only by who knows its
 * token: guest_token_valid() answers for both.
 *
 * The key is a file of the operator's, which several nodes may share, or one line of random digits
 * that the first start makes in the data directory (hmac.h has the form of both; a second line is
 * believed and signs nothing).
 *
 * Ownership  Plain values.
 * Threads    Keys are loaded before the shards start; the rest are pure functions.
 * Units      Milliseconds of Unix time.
 * Errors     A bool; loading: a negative errno and a sentence that names the file.
 * Cost       Four blocks of SHA-256 for each key.
 */
#ifndef HOTSHELF_NET_HTTP_GUEST_H
#define HOTSHELF_NET_HTTP_GUEST_H

#include "core/limits.h"
#include "net/http/hmac.h"

enum {
    GUEST_SECONDS = 30 * 86400, /* longer than anything of a guest's is kept by default */
    GUEST_TOKEN_SIZE_MAX = 96,
};

_Static_assert((int)GUEST_TOKEN_SIZE_MAX <= (int)CUSTOMER_SIZE_MAX, "a token is a customer id");

struct guest_token {
    uint32_t size;
    uint8_t text[GUEST_TOKEN_SIZE_MAX];
    int64_t expires_wall_ms;
};

/* Signed with the first key. `random`: 128 fresh bits that nobody can guess. */
void guest_token_make(const struct hmac_keys *keys, const uint64_t random[2], int64_t wall_ms,
    struct guest_token *token);

/* Whether a customer id claims to be a guest's: then it is valid, or to be refused. */
bool guest_is_token(struct bytes customer);

/* Whether we signed it and it has not ended. */
bool guest_token_valid(const struct hmac_keys *keys, struct bytes token, int64_t wall_ms);

/* From the operator's file, or without a path from DIRECTORY/guest-secret, which is made when it is
 * not there: the directory must be locked by us. 0 with a sentence in `error`: advice. */
int guest_keys_load(struct hmac_keys *keys, const char *path, const char *directory, char *error,
    uint32_t error_size);

#endif
