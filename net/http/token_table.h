/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token_table - tokens that were found good, so that a busy session costs one look-up.
 *
 *     token --HMAC, with a key made at start--> 128 bits --> a set of TOKEN_TABLE_WAYS places
 *
 * A cache: what is not in it is verified again. In a full set the one that was used longest ago
 * gives way. An entry is good until its token ends and only under the keys that verified it: each
 * reading of key files has a number, the epoch, and entries of another one are dead.
 *
 * A token itself is nowhere in the table. Nobody can aim at a set, or make two tokens share a hash,
 * without the key.
 *
 * Ownership  Taken from the arena; an entry found is good until the next call.
 * Threads    One table for each shard.
 * Units      Seconds of Unix time.
 * Errors     None.
 * Cost       An HMAC of the token (seven blocks of SHA-256 for one of 300 bytes) and one set.
 */
#ifndef HOTSHELF_NET_HTTP_TOKEN_TABLE_H
#define HOTSHELF_NET_HTTP_TOKEN_TABLE_H

#include "core/arena.h"
#include "net/http/hmac.h"
#include "net/http/jwt.h"

enum { TOKEN_TABLE_WAYS = 8, TOKEN_TABLE_HASH_SIZE = 16, TOKEN_TABLE_KEY_SIZE = 32 };

struct token_entry {
    uint8_t hash[TOKEN_TABLE_HASH_SIZE];
    uint64_t used;  /* the look-up that found it last; 0: nothing is here */
    uint32_t epoch; /* of the keys */
    struct jwt_claims claims;
};

struct token_table {
    struct token_entry *entries;
    uint32_t set_count;
    uint64_t look_ups;
    struct hmac_key key;
};

struct token_hash {
    uint8_t bytes[TOKEN_TABLE_HASH_SIZE];
};

/* Room for at least `count` tokens. `key`: random bits that nobody can guess. */
void token_table_init(struct token_table *table, struct arena *arena, uint32_t count,
    const uint8_t key[TOKEN_TABLE_KEY_SIZE]);

struct token_hash token_table_hash(const struct token_table *table, struct bytes token);

/* NULL: it has to be verified. */
const struct jwt_claims *token_table_find(
    struct token_table *table, const struct token_hash *hash, uint32_t epoch, int64_t now_s);

/* It was verified, and is not in the table. */
void token_table_remember(struct token_table *table, const struct token_hash *hash, uint32_t epoch,
    int64_t now_s, const struct jwt_claims *claims);

/* Tokens that would be found now: O(entries). */
uint32_t token_table_count(const struct token_table *table, uint32_t epoch, int64_t now_s);

#endif
