/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The happy way: three parts, a header that names an alg we have keys for, claims of here and now,
 * and then the signature, which costs a thousand times as much as all before it.
 *
 * What libjwt reads of header and claims is not used: it takes the first of two equal names where
 * another reader takes the last, and cuts a fraction off exp. Its verdict on the signature is over
 * the very bytes that we have read.
 */
#include "net/http/jwt.h"

#include <errno.h>
#include <jwt.h>
#include <stdlib.h>

#include "core/check.h"
#include "net/http/identity.h"

_Static_assert((int)JWT_KEY_SIZE_MAX > (int)TOKENS_SIZE_MAX, "a secret is a key");

static enum jwt_answer refuse(const char **reason, const char *sentence)
{
    *reason = sentence;
    return JWT_REFUSED;
}

static int32_t value_of(uint8_t digit)
{
    if (digit >= 'A' && digit <= 'Z')
        return digit - 'A';
    if (digit >= 'a' && digit <= 'z')
        return digit - 'a' + 26;
    if (digit >= '0' && digit <= '9')
        return digit - '0' + 52;
    return digit == '-' ? 62 : digit == '_' ? 63 : -1;
}

/* base64url without padding and with one spelling only: bits that say nothing are zero. */
static bool decode_part(struct bytes text, uint8_t *data, uint32_t *size)
{
    uint32_t bits = 0, bit_count = 0, used = 0;
    if (text.size == 0 || text.size % 4 == 1)
        return false;
    for (uint32_t i = 0; i < text.size; i++) {
        int32_t value = value_of(text.data[i]);
        if (value < 0)
            return false;
        bits = (bits << 6 | (uint32_t)value) & 0xffff;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            CHECK(used < JWT_PART_SIZE_MAX);
            data[used++] = (uint8_t)(bits >> bit_count);
        }
    }
    *size = used;
    return (bits & ((1U << bit_count) - 1)) == 0;
}

/* The next part, up to a dot or the end. */
static struct bytes take_part(struct bytes *rest)
{
    const uint8_t *dot = rest->size > 0 ? memchr(rest->data, '.', rest->size) : NULL;
    uint32_t size = dot == NULL ? rest->size : (uint32_t)(dot - rest->data);
    struct bytes part = bytes_of(rest->data, size);
    uint32_t taken = dot == NULL ? size : size + 1;
    *rest = bytes_of(rest->data + taken, rest->size - taken);
    return part;
}

static bool read_part(struct jwt_room *room, struct bytes part, struct json_document *json)
{
    uint32_t size;
    if (!decode_part(part, room->part, &size))
        return false;
    struct json_room json_room = {
        .tokens = room->tokens,
        .token_count_max = sizeof(room->tokens) / sizeof(room->tokens[0]),
        .scratch = room->scratch,
        .scratch_size = sizeof(room->scratch),
        .faults = &room->faults,
    };
    return json_parse(json, bytes_of(room->part, size), &json_room) &&
           json_type_of(json, JSON_ROOT) == JSON_OBJECT;
}

static bool equal_in_any_case(struct bytes text, struct bytes small)
{
    bool equal = text.size == small.size;
    for (uint32_t i = 0; equal && i < text.size; i++)
        equal = (text.data[i] | 0x20) == small.data[i];
    return equal;
}

static bool read_kind(struct json_document *json, uint32_t *kind)
{
    static const char *const names[] = {
        [JWT_HS256] = "HS256", [JWT_RS256] = "RS256", [JWT_ES256] = "ES256"};
    uint32_t alg = json_member(json, JSON_ROOT, BYTES("alg"));
    return json_read_choice(json, alg, names, 3, kind);
}

static enum jwt_answer judge_header(
    struct jwt_room *room, struct bytes part, uint32_t *kind, const char **reason)
{
    struct json_document json;
    struct bytes typ;
    if (!read_part(room, part, &json))
        return refuse(reason, "The token's header is not an object of JSON in base64url.");
    if (!read_kind(&json, kind))
        return refuse(reason, "The token's alg is none of HS256, RS256 and ES256.");
    if (json_member(&json, JSON_ROOT, BYTES("crit")) != JSON_NONE)
        return refuse(reason, "The token's header has crit, and nothing that it could name.");
    if (json_member(&json, JSON_ROOT, BYTES("b64")) != JSON_NONE)
        return refuse(reason, "The token's header has b64, which a JWT may not have.");
    uint32_t member = json_member(&json, JSON_ROOT, BYTES("typ"));
    bool good = member == JSON_NONE || (json_read_string(&json, member, 0, 16, &typ) &&
                                           equal_in_any_case(typ, BYTES("jwt")));
    return good ? JWT_GOOD : refuse(reason, "The token's typ is not JWT.");
}

/* A whole number of seconds; false: it is there and is not one. */
static bool read_time(struct json_document *json, const char *name, int64_t *seconds)
{
    uint32_t member = json_member(json, JSON_ROOT, bytes_of_string(name));
    return member == JSON_NONE || json_read_int64(json, member, 0, 1000LL * JWT_TIME_MAX, seconds);
}

static enum jwt_answer judge_times(struct json_document *json, const struct jwt_terms *terms,
    int64_t now, struct jwt_claims *claims, const char **reason)
{
    int64_t expires = -1, not_before = 0, issued = 0, leeway = terms->leeway_seconds;
    if (!read_time(json, "exp", &expires) || !read_time(json, "nbf", &not_before) ||
        !read_time(json, "iat", &issued))
        return refuse(reason, "The token's exp, nbf and iat are whole seconds of Unix time.");
    if (expires < 0)
        return refuse(reason, "The token has no exp.");
    claims->ends_s = expires + leeway;
    if (now >= claims->ends_s)
        return refuse(reason, "The token has expired.");
    if (not_before > now + leeway)
        return refuse(reason, "The token's nbf is in the future.");
    if (issued > now + leeway)
        return refuse(reason, "The token's iat is in the future.");
    return JWT_GOOD;
}

static bool is_text(struct json_document *json, uint32_t token, const char *text)
{
    return json_type_of(json, token) == JSON_STRING &&
           json_token_is(json, token, bytes_of_string(text));
}

/* aud is a text, or a list of texts of which one is ours. */
static bool is_for_us(struct json_document *json, const char *audience)
{
    uint32_t member = json_member(json, JSON_ROOT, BYTES("aud"));
    if (audience[0] == 0)
        return true;
    if (member == JSON_NONE)
        return false;
    if (json_type_of(json, member) != JSON_ARRAY)
        return is_text(json, member, audience);
    for (uint32_t at = json_first(json, member); at != JSON_NONE; at = json_next(json, at)) {
        if (is_text(json, at, audience))
            return true;
    }
    return false;
}

static enum jwt_answer judge_names(struct json_document *json, const struct jwt_terms *terms,
    struct jwt_claims *claims, const char **reason)
{
    static const char *const roles[] = {"customer", "service"};
    uint32_t role = 0, member = json_member(json, JSON_ROOT, BYTES("role"));
    struct bytes customer;
    if (!is_for_us(json, terms->audience))
        return refuse(reason, "The token's aud does not name this server.");
    uint32_t issuer = json_member(json, JSON_ROOT, BYTES("iss"));
    if (terms->issuer[0] != 0 && (issuer == JSON_NONE || !is_text(json, issuer, terms->issuer)))
        return refuse(reason, "The token's iss is not who this server believes.");
    if (member != JSON_NONE && !json_read_choice(json, member, roles, 2, &role))
        return refuse(reason, "The token's role is neither customer nor service.");
    member = json_member(json, JSON_ROOT, BYTES("sub"));
    if (!json_read_string(json, member, 1, CUSTOMER_SIZE_MAX, &customer) ||
        !identity_customer_is_valid(customer))
        return refuse(reason, "The token's sub is not 1 to 127 bytes of printable ASCII.");
    claims->role = role == 0 ? ROLE_CUSTOMER : ROLE_SERVICE;
    claims->customer_size = customer.size;
    memcpy(claims->customer, customer.data, customer.size);
    return JWT_GOOD;
}

static jwt_alg_t alg_of(uint32_t kind)
{
    return kind == JWT_HS256 ? JWT_ALG_HS256 : kind == JWT_RS256 ? JWT_ALG_RS256 : JWT_ALG_ES256;
}

static bool is_signed(const char *token, const struct jwt_key *key)
{
    jwt_t *jwt = NULL;
    bool good = jwt_decode(&jwt, token, key->text, (int)key->size) == 0 &&
                jwt_get_alg(jwt) == alg_of(key->kind);
    jwt_free(jwt);
    return good;
}

static enum jwt_answer judge_signature(
    const struct jwt_keys *keys, uint32_t kind, struct jwt_room *room, const char **reason)
{
    uint32_t tried = 0;
    errno = 0;
    for (uint32_t i = 0; i < keys->count; i++) {
        if (keys->list[i].kind != kind)
            continue;
        tried++;
        if (is_signed(room->token, &keys->list[i]))
            return JWT_GOOD;
    }
    if (tried == 0)
        return refuse(reason, "This server has no key for the token's alg.");
    *reason = "The token's signature is not by a key of this server.";
    return errno == ENOMEM ? JWT_NO_MEMORY : JWT_REFUSED;
}

static enum jwt_answer judge_parts(const struct jwt_keys *keys, const struct jwt_terms *terms,
    struct jwt_room *room, int64_t now, struct jwt_claims *claims, const char **reason)
{
    struct bytes rest = bytes_of_string(room->token);
    struct bytes header = take_part(&rest), payload = take_part(&rest);
    struct json_document json;
    uint32_t kind, size;
    enum jwt_answer answer = judge_header(room, header, &kind, reason);
    if (answer != JWT_GOOD)
        return answer;
    if (!decode_part(rest, room->part, &size))
        return refuse(reason, "The token has no signature in base64url.");
    if (!read_part(room, payload, &json))
        return refuse(reason, "The token's claims are not an object of JSON in base64url.");
    answer = judge_times(&json, terms, now, claims, reason);
    if (answer == JWT_GOOD)
        answer = judge_names(&json, terms, claims, reason);
    return answer == JWT_GOOD ? judge_signature(keys, kind, room, reason) : answer;
}

enum jwt_answer jwt_judge(const struct jwt_keys *keys, const struct jwt_terms *terms,
    struct jwt_room *room, struct bytes token, int64_t wall_ms, struct jwt_claims *claims,
    const char **reason)
{
    CHECK(keys->count <= JWT_KEYS_MAX);
    *reason = NULL;
    *claims = (struct jwt_claims){.role = ROLE_NONE};
    if (token.size > JWT_SIZE_MAX)
        return refuse(reason, "The token is longer than 4096 bytes.");
    if (token.size == 0 || memchr(token.data, 0, token.size) != NULL)
        return refuse(reason, "There is no token behind Bearer.");
    memcpy(room->token, token.data, token.size);
    room->token[token.size] = 0;
    enum jwt_answer answer = judge_parts(keys, terms, room, wall_ms / 1000, claims, reason);
    explicit_bzero(room->token, token.size);
    explicit_bzero(room->part, sizeof(room->part));
    CHECK((answer == JWT_GOOD) == (*reason == NULL));
    return answer;
}
