/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hmac - HMAC-SHA256 (RFC 2104, RFC 6234) with keys that are made ready once, and the files that
 * keys come from.
 *
 *     file of one or two lines --hmac_keys_load--> struct hmac_keys --hmac_sum--> 32 bytes
 *                                                                       hmac_equal
 *
 * A file has one key a line, 16 to 255 bytes of printable ASCII, at most two: the first one signs,
 * both are believed, so that a key is changed without a moment in which one side knows it and the
 * other does not. Empty lines and lines with # are skipped.
 *
 * A key is kept as the two states that hashing its padded blocks leaves: a message costs no hashing
 * of the key, and the text of the key is nowhere in memory after the start.
 *
 * Ownership  Plain values. `error` is the caller's.
 * Threads    Loaded by one thread before others know of them, then read by all.
 * Units      Sizes in bytes.
 * Errors     A negative errno and a sentence with file and line, which never shows a key.
 * Cost       Two SHA-256 blocks more than the message has; nothing is allocated, ever.
 */
#ifndef HOTSHELF_NET_HTTP_HMAC_H
#define HOTSHELF_NET_HTTP_HMAC_H

/* The one-shot and EVP functions of OpenSSL 3 allocate for each message; these never do. */
#ifndef OPENSSL_API_COMPAT
#define OPENSSL_API_COMPAT 0x10101000L
#endif
#include <openssl/sha.h>

#include "core/bytes.h"

enum {
    HMAC_SIZE = 32,
    HMAC_KEYS_MAX = 2,
    HMAC_KEY_SIZE_MIN = 16, /* shorter ones can be guessed */
    HMAC_KEY_SIZE_MAX = 255,
};

struct hmac_key {
    SHA256_CTX inner, outer;
};

struct hmac_keys {
    uint32_t count;
    struct hmac_key keys[HMAC_KEYS_MAX]; /* the first one signs */
};

void hmac_key_make(struct hmac_key *key, struct bytes secret);

/* Of all parts as if they stood in one piece. */
void hmac_sum(
    const struct hmac_key *key, const struct bytes *parts, uint32_t count, uint8_t sum[HMAC_SIZE]);

/* Looks at every byte, whatever they are. */
bool hmac_equal(const uint8_t *a, const uint8_t *b, uint32_t size);

/* `setting` and `path` are what an error calls the file. */
int hmac_keys_read(struct hmac_keys *keys, struct bytes file, const char *setting, const char *path,
    char *error, uint32_t error_size);

/* An empty path: no keys. 0 with a sentence in `error`: advice, the file can be read by others. */
int hmac_keys_load(struct hmac_keys *keys, const char *setting, const char *path, char *error,
    uint32_t error_size);

#endif
