/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwt - whether a JSON Web Token (RFC 7519) is good here and now, and whom it names.
 *
 *     header . payload . signature      each base64url without padding
 *     |        |         libjwt judges it, with a key whose kind says the only alg it is for
 *     |        sub, exp; role, nbf, iat, aud, iss where they are sent or asked for
 *     alg HS256 | RS256 | ES256; typ JWT or none; no crit
 *
 *     auth.jwt_secret_file       one secret a line    HS256 and nothing else
 *     auth.jwt_public_key_file   PEM, PUBLIC KEY      RSA: RS256; EC on P-256: ES256
 *
 * The alg of a token picks among the keys of that kind, never what a key is used for: a public key
 * can not be taken for the secret of an HS256 token. Several keys of a kind are for rotation, all
 * are believed. What can be refused without a key is refused first, by our own strict reader: the
 * library never sees a token that is too long, or whose JSON means two things.
 *
 * Ownership  Plain values; claims are copied. The room holds the token only during the call.
 * Threads    One room for each thread; keys are read by all.
 * Units      Seconds of Unix time (NumericDate).
 * Errors     enum jwt_answer with a sentence for the reply, which shows nothing of the token;
 *            loading: a negative errno and a sentence with file and line, which shows no key.
 * Cost       libjwt and OpenSSL allocate and read the key anew: tens of microseconds with HS256,
 *            some hundreds with the others. A token that was good is remembered, see token_table.h.
 */
#ifndef HOTSHELF_NET_HTTP_JWT_H
#define HOTSHELF_NET_HTTP_JWT_H

#include "core/command.h"
#include "net/http/json.h"

enum {
    JWT_SIZE_MAX = 4096,
    JWT_PART_SIZE_MAX = JWT_SIZE_MAX / 4 * 3,
    JWT_KEYS_MAX = 8,          /* of both files together */
    JWT_KEY_SIZE_MAX = 2048,   /* of a PEM block: RSA of 8192 bits */
    JWT_SECRET_SIZE_MIN = 32,  /* RFC 7518 3.2: not shorter than the hash */
    JWT_RSA_BITS_MIN = 2048,   /* RFC 7518 3.3 */
    JWT_TIME_MAX = 1000000000, /* seconds, in thousands: the year 33658 is a mistake in units */
};

enum jwt_kind { JWT_HS256, JWT_RS256, JWT_ES256 };

struct jwt_key {
    uint8_t kind; /* enum jwt_kind */
    uint32_t size;
    uint8_t text[JWT_KEY_SIZE_MAX];
};

struct jwt_keys {
    uint32_t count;
    struct jwt_key list[JWT_KEYS_MAX];
};

struct jwt_terms {
    const char *audience; /* empty: not asked */
    const char *issuer;   /* empty: not asked */
    uint32_t leeway_seconds;
};

struct jwt_claims {
    enum role role; /* ROLE_CUSTOMER or ROLE_SERVICE */
    int64_t ends_s; /* exp with the leeway */
    uint32_t customer_size;
    uint8_t customer[CUSTOMER_SIZE_MAX];
};

struct jwt_room {
    char token[JWT_SIZE_MAX + 1];
    uint8_t part[JWT_PART_SIZE_MAX];
    uint8_t scratch[JWT_PART_SIZE_MAX];
    struct json_token tokens[JWT_PART_SIZE_MAX / 2 + 1];
    struct json_faults faults;
};

enum jwt_answer {
    JWT_GOOD,
    JWT_REFUSED,
    JWT_NO_MEMORY, /* the library's budget is used up: the same token may be good later */
};

enum jwt_answer jwt_judge(const struct jwt_keys *keys, const struct jwt_terms *terms,
    struct jwt_room *room, struct bytes token, int64_t wall_ms, struct jwt_claims *claims,
    const char **reason);

/* Adds the keys of a file; an empty path adds none. */
int jwt_secrets_load(struct jwt_keys *keys, const char *path, char *error, uint32_t error_size);
int jwt_public_keys_load(struct jwt_keys *keys, const char *path, char *error, uint32_t error_size);

#endif
