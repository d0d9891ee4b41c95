/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jwt_maker - tokens as others make them: any header, any claims, signed with HS256.
 *
 * Ownership  The text is in the struct.
 * Threads    Pure functions.
 * Units      Bytes.
 * Errors     CHECK: what does not fit is a mistake in a test.
 * Cost       Tests.
 */
#ifndef HOTSHELF_TESTS_NET_JWT_MAKER_H
#define HOTSHELF_TESTS_NET_JWT_MAKER_H

#include <string.h>

#include "core/check.h"
#include "net/http/hmac.h"

struct made_token {
    uint32_t size;
    char text[8192];
};

static inline void put_base64url(struct made_token *token, struct bytes data)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    CHECK(token->size + data.size * 2 + 2 < sizeof(token->text));
    for (uint32_t bit = 0; bit < 8 * data.size; bit += 6) {
        uint32_t at = bit / 8;
        uint32_t pair = (uint32_t)data.data[at] << 8 | (at + 1 < data.size ? data.data[at + 1] : 0);
        token->text[token->size++] = digits[pair >> (10 - bit % 8) & 63];
    }
}

static inline void begin_token(struct made_token *token, struct bytes header, struct bytes claims)
{
    token->size = 0;
    put_base64url(token, header);
    token->text[token->size++] = '.';
    put_base64url(token, claims);
}

static inline void end_token(struct made_token *token, struct bytes signature)
{
    token->text[token->size++] = '.';
    put_base64url(token, signature);
    token->text[token->size] = 0;
}

static inline void sign_token(struct made_token *token, struct bytes secret)
{
    struct hmac_key key;
    uint8_t sum[HMAC_SIZE];
    struct bytes signing = bytes_of((const uint8_t *)token->text, token->size);
    hmac_key_make(&key, secret);
    hmac_sum(&key, &signing, 1, sum);
    end_token(token, bytes_of(sum, sizeof(sum)));
}

static inline void make_token(
    struct made_token *token, const char *header, const char *claims, const char *secret)
{
    begin_token(token, bytes_of_string(header), bytes_of_string(claims));
    sign_token(token, bytes_of_string(secret));
}

static inline struct bytes text_of(const struct made_token *token)
{
    return bytes_of((const uint8_t *)token->text, token->size);
}

#endif
