/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens - files that say by which token whom we know.
 *
 *     admin_tokens_file      name:role:token      role = viewer | operator
 *     service_tokens_file    name:token           role service
 *
 * One token a line and on no other, 16 to 255 bytes of printable ASCII; empty lines and lines with
 * # are skipped. A name may have several, to change one for the next. A token is compared in
 * constant time with every line of the file, so that how long a refusal takes tells nothing about
 * how much of a guess was right.
 *
 * Ownership  Plain values; what tokens_find() answers lives as long as the list.
 * Threads    Loaded by one thread before others know of them.
 * Units      Sizes in bytes.
 * Errors     A negative errno and a sentence with the line's number, which never shows a token.
 * Cost       tokens_find(): one pass over at most 64 tokens; tokens_find_digest() hashes each.
 */
#ifndef HOTSHELF_NET_HTTP_TOKENS_H
#define HOTSHELF_NET_HTTP_TOKENS_H

#include "core/command.h"

enum {
    TOKENS_MAX = 64,
    TOKENS_SIZE_MIN = 16, /* shorter ones can be guessed */
    TOKENS_SIZE_MAX = 255,
    TOKENS_DIGEST_SIZE = 16,
};

enum tokens_form { TOKENS_OF_ADMINS, TOKENS_OF_SERVICES };

struct token {
    uint8_t role; /* ROLE_VIEWER, ROLE_OPERATOR or ROLE_SERVICE */
    uint8_t name_size;
    uint8_t token_size;
    uint8_t name[NAME_SIZE_MAX];
    uint8_t token[TOKENS_SIZE_MAX]; /* the rest is zero */
};

struct tokens {
    uint32_t count;
    struct token list[TOKENS_MAX];
};

/* `setting` is what an error calls the file. */
int tokens_read(struct tokens *tokens, enum tokens_form form, struct bytes file,
    const char *setting, char *error, uint32_t error_size);

/* An empty path: no tokens. */
int tokens_load(struct tokens *tokens, enum tokens_form form, const char *setting, const char *path,
    char *error, uint32_t error_size);

/* NULL: nobody has this token. */
const struct token *tokens_find(const struct tokens *tokens, struct bytes given);

/* By which a token is known again in another list, without being kept: a part of its SHA-256. It
 * guards no secret, for the tokens themselves stand in the same memory. */
void tokens_digest(const struct token *token, uint8_t digest[TOKENS_DIGEST_SIZE]);
/* NULL: no token of the list has this digest. */
const struct token *tokens_find_digest(
    const struct tokens *tokens, const uint8_t digest[TOKENS_DIGEST_SIZE]);

#endif
