/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/token_table.h"

#include "core/check.h"

void token_table_init(struct token_table *table, struct arena *arena, uint32_t count,
    const uint8_t key[TOKEN_TABLE_KEY_SIZE])
{
    CHECK(count > 0);
    *table = (struct token_table){.set_count = (count + TOKEN_TABLE_WAYS - 1) / TOKEN_TABLE_WAYS};
    table->entries = arena_take(arena, "verified tokens",
        (uint64_t)table->set_count * TOKEN_TABLE_WAYS, sizeof(struct token_entry));
    hmac_key_make(&table->key, bytes_of(key, TOKEN_TABLE_KEY_SIZE));
}

struct token_hash token_table_hash(const struct token_table *table, struct bytes token)
{
    uint8_t sum[HMAC_SIZE];
    struct token_hash hash;
    hmac_sum(&table->key, &token, 1, sum);
    memcpy(hash.bytes, sum, sizeof(hash.bytes));
    return hash;
}

static struct token_entry *set_of(const struct token_table *table, const struct token_hash *hash)
{
    uint64_t number;
    memcpy(&number, hash->bytes, sizeof(number));
    return &table->entries[number % table->set_count * TOKEN_TABLE_WAYS];
}

static bool is_alive(const struct token_entry *entry, uint32_t epoch, int64_t now_s)
{
    return entry->used != 0 && entry->epoch == epoch && now_s < entry->claims.ends_s;
}

const struct jwt_claims *token_table_find(
    struct token_table *table, const struct token_hash *hash, uint32_t epoch, int64_t now_s)
{
    struct token_entry *set = set_of(table, hash), *found = NULL;
    table->look_ups++;
    for (uint32_t i = 0; i < TOKEN_TABLE_WAYS; i++) {
        bool equal = hmac_equal(set[i].hash, hash->bytes, TOKEN_TABLE_HASH_SIZE);
        if (equal && is_alive(&set[i], epoch, now_s))
            found = &set[i];
    }
    if (found == NULL)
        return NULL;
    found->used = table->look_ups;
    return &found->claims;
}

void token_table_remember(struct token_table *table, const struct token_hash *hash, uint32_t epoch,
    int64_t now_s, const struct jwt_claims *claims)
{
    struct token_entry *set = set_of(table, hash), *place = NULL;
    CHECK(claims->customer_size >= 1);
    CHECK(now_s < claims->ends_s);
    for (uint32_t i = 0; i < TOKEN_TABLE_WAYS; i++) {
        uint64_t used = is_alive(&set[i], epoch, now_s) ? set[i].used : 0;
        if (place == NULL || used < (is_alive(place, epoch, now_s) ? place->used : 0))
            place = &set[i];
    }
    *place = (struct token_entry){
        .used = ++table->look_ups,
        .epoch = epoch,
        .claims = *claims,
    };
    memcpy(place->hash, hash->bytes, sizeof(place->hash));
}

uint32_t token_table_count(const struct token_table *table, uint32_t epoch, int64_t now_s)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->set_count * TOKEN_TABLE_WAYS; i++)
        count += is_alive(&table->entries[i], epoch, now_s);
    return count;
}
