/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens under libFuzzer. An odd first byte: the rest is a token as it came. Else it is a header, a
 * line feed and claims, which are put into base64url and signed as they are with the one secret, so
 * that what is behind the signature is reached, too. A token is good only if it is signed, names a
 * customer and a time that has not come; judging it again says the same; the room keeps nothing. */
#include <string.h>

#include "core/check.h"
#include "net/http/identity.h"
#include "net/http/jwt.h"
#include "tests/net/jwt_maker.h"

#define SECRET "the-secret-of-the-storefront-in-tests"

enum { INPUT_SIZE_MAX = 4200 };

static const int64_t now_s = 1800000000;
static struct jwt_keys keys;
static struct jwt_room room;
static struct made_token token;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_keys(void)
{
    keys.count = 1;
    keys.list[0] = (struct jwt_key){.kind = JWT_HS256, .size = sizeof(SECRET) - 1};
    memcpy(keys.list[0].text, SECRET, sizeof(SECRET) - 1);
}

static bool is_signed(struct bytes text)
{
    const uint8_t *dot = memrchr(text.data, '.', text.size);
    if (dot == NULL)
        return false;
    struct bytes signing = bytes_of(text.data, (uint32_t)(dot - text.data));
    struct made_token whole = {.size = signing.size};
    memcpy(whole.text, signing.data, signing.size);
    sign_token(&whole, BYTES(SECRET));
    return bytes_equal(text_of(&whole), text);
}

static void check_claims(const struct jwt_claims *claims, struct bytes text)
{
    CHECK(is_signed(text));
    CHECK(claims->role == ROLE_CUSTOMER || claims->role == ROLE_SERVICE);
    CHECK(claims->ends_s > now_s);
    CHECK(identity_customer_is_valid(bytes_of(claims->customer, claims->customer_size)));
}

static void judge(struct bytes text, const struct jwt_terms *terms)
{
    const char *reason = NULL, *again = NULL;
    static struct jwt_claims claims, second;
    enum jwt_answer answer = jwt_judge(&keys, terms, &room, text, 1000 * now_s, &claims, &reason);
    CHECK(answer != JWT_NO_MEMORY);
    CHECK((answer == JWT_GOOD) == (reason == NULL));
    for (uint32_t i = 0; i < sizeof(room.token); i++)
        CHECK(room.token[i] == 0);
    if (answer == JWT_GOOD)
        check_claims(&claims, text);
    CHECK(jwt_judge(&keys, terms, &room, text, 1000 * now_s, &second, &again) == answer);
    CHECK(reason == again);
    CHECK(memcmp(&claims, &second, sizeof(claims)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct jwt_terms strict = {
        .audience = "shop", .issuer = "login", .leeway_seconds = 5};
    static const struct jwt_terms loose = {.audience = "", .issuer = ""};
    if (size == 0 || size > INPUT_SIZE_MAX)
        return 0;
    make_keys();
    const struct jwt_terms *terms = data[0] & 2 ? &loose : &strict;
    struct bytes rest = bytes_of(data + 1, (uint32_t)size - 1);
    if (data[0] & 1) {
        judge(rest, terms);
        return 0;
    }
    const uint8_t *end = rest.size > 0 ? memchr(rest.data, '\n', rest.size) : NULL;
    if (end == NULL)
        return 0;
    uint32_t header = (uint32_t)(end - rest.data);
    begin_token(
        &token, bytes_of(rest.data, header), bytes_of(end + 1, rest.size - header - 1));
    sign_token(&token, BYTES(SECRET));
    judge(text_of(&token), terms);
    return 0;
}
