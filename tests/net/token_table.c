/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens that were found good, and a session that is verified once. */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/http/bearer.h"
#include "tests/net/jwt_maker.h"

#define SECRET "the-secret-of-the-storefront-in-tests"
#define HEADER "{\"alg\":\"HS256\"}"

enum { NOW = 1800000000, WAYS = TOKEN_TABLE_WAYS, ROOM = 8 << 20, EPOCH = 7 };

struct bench {
    alignas(64) uint8_t memory[ROOM];
    struct arena arena;
    struct token_table table;
};

static struct bench *open_table(uint32_t count)
{
    static const uint8_t key[TOKEN_TABLE_KEY_SIZE] = {1, 2, 3};
    struct bench *bench = aligned_alloc(64, sizeof(*bench));
    assert_non_null(bench);
    memset(bench, 0, sizeof(*bench));
    arena_init(&bench->arena, bench->memory, ROOM);
    token_table_init(&bench->table, &bench->arena, count, key);
    return bench;
}

static struct token_hash hash_of(const struct bench *bench, uint32_t number)
{
    char text[16];
    snprintf(text, sizeof(text), "token-%u", number);
    return token_table_hash(&bench->table, bytes_of_string(text));
}

static bool has(struct bench *bench, uint32_t number, uint32_t epoch, int64_t now)
{
    struct token_hash hash = hash_of(bench, number);
    const struct jwt_claims *claims = token_table_find(&bench->table, &hash, epoch, now);
    assert_true(claims == NULL || claims->customer[0] == (uint8_t)number);
    return claims != NULL;
}

static void remember(struct bench *bench, uint32_t number, uint32_t epoch, int64_t ends)
{
    struct token_hash hash = hash_of(bench, number);
    struct jwt_claims claims = {.role = ROLE_CUSTOMER, .ends_s = ends, .customer_size = 1};
    claims.customer[0] = (uint8_t)number;
    token_table_remember(&bench->table, &hash, epoch, NOW, &claims);
}

static void a_token_is_found_until_it_ends(void **state)
{
    (void)state;
    struct bench *bench = open_table(100);
    assert_false(has(bench, 1, EPOCH, NOW));
    remember(bench, 1, EPOCH, NOW + 10);
    assert_true(has(bench, 1, EPOCH, NOW + 9));
    assert_false(has(bench, 1, EPOCH, NOW + 10));
    assert_false(has(bench, 2, EPOCH, NOW));
    free(bench);
}

static void other_keys_end_what_the_old_ones_verified(void **state)
{
    (void)state;
    struct bench *bench = open_table(100);
    remember(bench, 1, EPOCH, NOW + 10);
    assert_false(has(bench, 1, EPOCH + 1, NOW));
    assert_int_equal(token_table_count(&bench->table, EPOCH + 1, NOW), 0);
    remember(bench, 1, EPOCH + 1, NOW + 20);
    assert_true(has(bench, 1, EPOCH + 1, NOW + 15));
    free(bench);
}

/* One set: who was used longest ago gives way, and nobody else. */
static void a_full_set_forgets_the_one_used_longest_ago(void **state)
{
    (void)state;
    struct bench *bench = open_table(WAYS);
    assert_int_equal(bench->table.set_count, 1);
    for (uint32_t i = 0; i < WAYS; i++)
        remember(bench, i, EPOCH, NOW + 100);
    assert_true(has(bench, 0, EPOCH, NOW)); /* now 1 is the oldest */
    remember(bench, WAYS, EPOCH, NOW + 100);
    for (uint32_t i = 0; i <= WAYS; i++)
        assert_int_equal(has(bench, i, EPOCH, NOW), i != 1);
    assert_int_equal(token_table_count(&bench->table, EPOCH, NOW), WAYS);
    free(bench);
}

static void the_dead_give_way_before_the_living(void **state)
{
    (void)state;
    struct bench *bench = open_table(WAYS);
    for (uint32_t i = 0; i < WAYS; i++)
        remember(bench, i, EPOCH - 1, NOW + 100);
    for (uint32_t i = 0; i < WAYS; i++) {
        remember(bench, WAYS + i, EPOCH, NOW + 100);
        for (uint32_t j = 0; j < 2 * WAYS; j++)
            assert_int_equal(has(bench, j, EPOCH, NOW), j >= WAYS && j <= WAYS + i);
    }
    free(bench);
}

/* A crowd of tokens takes the room there is, and one that is used stays all the while. */
static void a_crowd_takes_no_more_than_the_room(void **state)
{
    (void)state;
    struct bench *bench = open_table(64);
    uint64_t used = bench->arena.used;
    remember(bench, 0, EPOCH, NOW + 100);
    for (uint32_t i = 1; i < 20000; i++) {
        remember(bench, i, EPOCH, NOW + 100);
        assert_true(has(bench, i, EPOCH, NOW));
        assert_true(has(bench, 0, EPOCH, NOW));
    }
    assert_int_equal(token_table_count(&bench->table, EPOCH, NOW), 64);
    assert_int_equal(bench->arena.used, used);
    free(bench);
}

static bool remembers_service; /* before the last call() */

static enum identity_answer call(struct bearer *bearer, const struct identity *identity,
    const struct made_token *token, struct caller *caller)
{
    const char *reason;
    char field[sizeof(token->text) + 8];
    snprintf(field, sizeof(field), "Bearer %s", token->text);
    struct http_request parsed = {0};
    parsed.field[HTTP_FIELD_AUTHORIZATION] = bytes_of_string(field);
    parsed.fields_seen = 1U << HTTP_FIELD_AUTHORIZATION;
    remembers_service = bearer_remembers_service(bearer, identity, 1000LL * NOW, &parsed);
    return bearer_identify(bearer, identity, 1000LL * NOW, &parsed, caller, &reason);
}

static void a_back_end_is_known_by_what_was_verified(void **state)
{
    (void)state;
    static struct identity identity;
    static struct config config;
    struct bench *bench = open_table(8);
    struct made_token service, customer, bad;
    struct caller caller;
    config.capacity.tokens = 100;
    identity.jwt.count = 1;
    identity.jwt.list[0] = (struct jwt_key){.kind = JWT_HS256, .size = sizeof(SECRET) - 1};
    memcpy(identity.jwt.list[0].text, SECRET, sizeof(SECRET) - 1);
    struct bearer *bearer = bearer_create(&bench->arena, &config, 1);
    make_token(
        &service, HEADER, "{\"sub\":\"erp\",\"exp\":1800000600,\"role\":\"service\"}", SECRET);
    make_token(
        &bad, HEADER, "{\"sub\":\"erp\",\"exp\":1800000600,\"role\":\"service\"}", SECRET "x");
    make_token(&customer, HEADER, "{\"sub\":\"ann\",\"exp\":1800000600}", SECRET);
    for (uint32_t i = 0; i < 3; i++) {
        call(bearer, &identity, &service, &caller);
        assert_int_equal(remembers_service, i > 0);
        call(bearer, &identity, &customer, &caller);
        assert_false(remembers_service);
        call(bearer, &identity, &bad, &caller);
        assert_false(remembers_service);
    }
    identity.epoch++;
    call(bearer, &identity, &service, &caller);
    assert_false(remembers_service);
    free(bench);
}

static void a_busy_session_costs_one_verification(void **state)
{
    (void)state;
    static struct identity identity;
    static struct config config;
    struct bench *bench = open_table(8);
    struct made_token token, bad;
    struct caller caller;
    config.capacity.tokens = 100;
    identity.jwt.count = 1;
    identity.jwt.list[0] = (struct jwt_key){.kind = JWT_HS256, .size = sizeof(SECRET) - 1};
    memcpy(identity.jwt.list[0].text, SECRET, sizeof(SECRET) - 1);
    struct bearer *bearer = bearer_create(&bench->arena, &config, 1);
    make_token(&token, HEADER, "{\"sub\":\"ann\",\"exp\":1800000600}", SECRET);
    make_token(&bad, HEADER, "{\"sub\":\"ann\",\"exp\":1800000600}", SECRET "x");
    for (uint32_t i = 0; i < 1000; i++) {
        assert_int_equal(call(bearer, &identity, &token, &caller), IDENTITY_KNOWN);
        assert_true(bytes_equal(caller.customer, BYTES("ann")));
    }
    assert_int_equal(bearer->verified, 1);
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(call(bearer, &identity, &bad, &caller), IDENTITY_INVALID);
    assert_int_equal(bearer->verified, 11);
    identity.epoch++;
    for (uint32_t i = 0; i < 10; i++)
        assert_int_equal(call(bearer, &identity, &token, &caller), IDENTITY_KNOWN);
    assert_int_equal(bearer->verified, 12);
    identity.epoch++;
    identity.jwt.list[0].text[0] ^= 1;
    assert_int_equal(call(bearer, &identity, &token, &caller), IDENTITY_INVALID);
    free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_found_until_it_ends),
        cmocka_unit_test(other_keys_end_what_the_old_ones_verified),
        cmocka_unit_test(a_full_set_forgets_the_one_used_longest_ago),
        cmocka_unit_test(the_dead_give_way_before_the_living),
        cmocka_unit_test(a_crowd_takes_no_more_than_the_room),
        cmocka_unit_test(a_back_end_is_known_by_what_was_verified),
        cmocka_unit_test(a_busy_session_costs_one_verification),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
