/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is found in the table was verified under the keys that are in force, and has not ended. All
 * else is verified, and remembered if it is good; what is refused is not remembered, so that a
 * flood of bad tokens drives nobody's good one out.
 */
#include "net/http/bearer.h"

#include <sys/random.h>

#include "core/check.h"
#include "net/http/guest.h"

struct bearer *bearer_create(struct arena *arena, const struct config *config, uint32_t shards)
{
    CHECK(shards > 0);
    uint8_t key[TOKEN_TABLE_KEY_SIZE];
    struct bearer *bearer = arena_take(arena, "verifying tokens", 1, sizeof(*bearer));
    /* A key that could be guessed would let one token be taken for another. */
    CHECK(getrandom(key, sizeof(key), 0) == sizeof(key));
    bearer->terms = (struct jwt_terms){
        .audience = config->auth.jwt_audience,
        .issuer = config->auth.jwt_issuer,
        .leeway_seconds = config->auth.jwt_leeway_seconds,
    };
    token_table_init(&bearer->table, arena, (config->capacity.tokens + shards - 1) / shards, key);
    explicit_bzero(key, sizeof(key));
    return bearer;
}

int bearer_bind(struct bearer *bearer)
{
    int result = budget_take(&bearer->budget, BEARER_BUDGET_SIZE);
    return result == 0 ? budget_bind(&bearer->budget) : result;
}

static enum identity_answer unknown(const char **reason, const char *sentence)
{
    *reason = sentence;
    return IDENTITY_UNKNOWN;
}

static enum identity_answer verify(struct bearer *bearer, const struct identity *identity,
    int64_t wall_ms, struct bytes token, const struct jwt_claims **claims, const char **reason)
{
    struct token_hash hash = token_table_hash(&bearer->table, token);
    *claims = token_table_find(&bearer->table, &hash, identity->epoch, wall_ms / 1000);
    if (*claims != NULL)
        return IDENTITY_KNOWN;
    bearer->verified++;
    enum jwt_answer answer = jwt_judge(
        &identity->jwt, &bearer->terms, &bearer->room, token, wall_ms, &bearer->claims, reason);
    if (answer == JWT_REFUSED)
        return IDENTITY_INVALID;
    if (answer == JWT_NO_MEMORY)
        return IDENTITY_LATER;
    *claims = &bearer->claims;
    token_table_remember(&bearer->table, &hash, identity->epoch, wall_ms / 1000, &bearer->claims);
    return IDENTITY_KNOWN;
}

bool bearer_remembers_service(struct bearer *bearer, const struct identity *identity,
    int64_t wall_ms, const struct http_request *parsed)
{
    struct bytes token;
    if (http_repeated(parsed, HTTP_FIELD_AUTHORIZATION) ||
        !http_has(parsed, HTTP_FIELD_AUTHORIZATION) ||
        !identity_take_bearer(parsed->field[HTTP_FIELD_AUTHORIZATION], &token))
        return false;
    struct token_hash hash = token_table_hash(&bearer->table, token);
    const struct jwt_claims *claims =
        token_table_find(&bearer->table, &hash, identity->epoch, wall_ms / 1000);
    return claims != NULL && claims->role == ROLE_SERVICE;
}

static enum identity_answer act_for(
    const struct http_request *parsed, struct caller *caller, const char **reason)
{
    struct bytes named = parsed->field[HTTP_FIELD_X_CUSTOMER_ID];
    if (!http_has(parsed, HTTP_FIELD_X_CUSTOMER_ID))
        return IDENTITY_KNOWN;
    if (!identity_customer_is_valid(named))
        return unknown(reason, "X-Customer-Id is 1 to 127 bytes of printable ASCII.");
    if (caller->role == ROLE_SERVICE) {
        caller->customer = named;
        return IDENTITY_KNOWN;
    }
    if (bytes_equal(named, caller->customer))
        return IDENTITY_KNOWN;
    *reason = "X-Customer-Id is another customer than the token names.";
    return IDENTITY_FORBIDDEN;
}

static enum identity_answer judge_role(
    const struct http_request *parsed, const struct caller *caller, const char **reason)
{
    struct bytes own = caller->role == ROLE_SERVICE ? BYTES("service") : BYTES("customer");
    if (!http_has(parsed, HTTP_FIELD_X_ROLE) || bytes_equal(parsed->field[HTTP_FIELD_X_ROLE], own))
        return IDENTITY_KNOWN;
    *reason = "X-Role is another role than the token has.";
    return IDENTITY_FORBIDDEN;
}

enum identity_answer bearer_identify(struct bearer *bearer, const struct identity *identity,
    int64_t wall_ms, const struct http_request *parsed, struct caller *caller, const char **reason)
{
    struct bytes token;
    const struct jwt_claims *claims;
    *caller = (struct caller){.role = ROLE_CUSTOMER};
    if (http_repeated(parsed, HTTP_FIELD_AUTHORIZATION) ||
        http_repeated(parsed, HTTP_FIELD_X_CUSTOMER_ID) || http_repeated(parsed, HTTP_FIELD_X_ROLE))
        return unknown(reason, "Authorization, X-Customer-Id and X-Role may each be sent once.");
    if (!http_has(parsed, HTTP_FIELD_AUTHORIZATION) ||
        !identity_take_bearer(parsed->field[HTTP_FIELD_AUTHORIZATION], &token))
        return unknown(reason, "Send a token as Authorization: Bearer TOKEN.");
    caller->customer = token;
    if (!guest_is_token(token)) {
        enum identity_answer answer = verify(bearer, identity, wall_ms, token, &claims, reason);
        if (answer != IDENTITY_KNOWN)
            return answer;
        caller->role = claims->role;
        caller->customer = bytes_of(claims->customer, claims->customer_size);
        if (claims->role == ROLE_SERVICE)
            caller->customer = (struct bytes){0};
    }
    enum identity_answer answer = judge_role(parsed, caller, reason);
    return answer == IDENTITY_KNOWN ? act_for(parsed, caller, reason) : answer;
}
