/* SPDX-License-Identifier: Apache-2.0 */
/* Which tokens are good, which are refused and why, and the files that keys are read from. */
#include <errno.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/http/jwt.h"
#include "tests/net/jwt_maker.h"

#define SECRET "the-secret-of-the-storefront-in-tests"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define NOW 1800000000ll
#define GOOD "\"sub\":\"ann\",\"exp\":1800000600,\"aud\":\"shop\",\"iss\":\"login\""

static const struct jwt_terms terms = {
    .audience = "shop", .issuer = "login", .leeway_seconds = 5};
static struct jwt_keys keys;
static struct jwt_room room;
static struct jwt_claims claims;

static int load_keys(bool is_public, const char *text, size_t size, char error[256])
{
    char path[] = "/tmp/hotshelf-jwt-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, size), (ssize_t)size);
    close(fd);
    int result = is_public ? jwt_public_keys_load(&keys, path, error, 256)
                           : jwt_secrets_load(&keys, path, error, 256);
    unlink(path);
    return result;
}

static int open_keys(void **state)
{
    (void)state;
    char error[256];
    keys.count = 0;
    return load_keys(false, "# one\n" SECRET "\n", strlen("# one\n" SECRET "\n"), error);
}

static enum jwt_answer judge(const struct made_token *token, const char **reason)
{
    return jwt_judge(&keys, &terms, &room, text_of(token), 1000 * NOW, &claims, reason);
}

static enum jwt_answer judge_claims(const char *header, const char *text, const char **reason)
{
    static struct made_token token;
    make_token(&token, header, text, SECRET);
    return judge(&token, reason);
}

static void good_tokens_name_their_customer(void **state)
{
    (void)state;
    static const char *const good[] = {
        "{" GOOD "}",
        "{" GOOD ",\"role\":\"customer\",\"more\":{\"a\":[1,2,{\"sub\":\"bob\"}]}}",
        "{" GOOD ",\"nbf\":1800000005,\"iat\":1800000005}",
        "{\"sub\":\"ann\",\"exp\":1799999996,\"aud\":[\"x\",\"shop\"],\"iss\":\"login\"}",
        "{\"sub\":\"\\u0061nn\",\"exp\":1800000600,\"aud\":\"shop\",\"iss\":\"login\"}",
    };
    const char *reason;
    for (uint32_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(judge_claims(HEADER, good[i], &reason), JWT_GOOD);
        assert_int_equal(claims.role, ROLE_CUSTOMER);
        assert_true(bytes_equal(bytes_of(claims.customer, claims.customer_size), BYTES("ann")));
    }
    assert_int_equal(judge_claims(HEADER, "{" GOOD ",\"role\":\"service\"}", &reason), JWT_GOOD);
    assert_int_equal(claims.role, ROLE_SERVICE);
    assert_int_equal(claims.ends_s, 1800000605);
}

static void what_is_refused_says_why(void **state)
{
    (void)state;
#define REST "\"aud\":\"shop\",\"iss\":\"login\""
#define LIVE "\"exp\":1800000600," REST
    static const struct {
        const char *header, *claims, *reason;
    } cases[] = {
        {"{\"alg\":\"none\"}", "{" GOOD "}", "alg is none of"},
        {"{\"alg\":\"HS384\"}", "{" GOOD "}", "alg is none of"},
        {"{\"alg\":\"hs256\"}", "{" GOOD "}", "alg is none of"},
        {"{\"alg\":[\"HS256\"]}", "{" GOOD "}", "alg is none of"},
        {"{}", "{" GOOD "}", "alg is none of"},
        {"{\"alg\":\"RS256\"}", "{" GOOD "}", "no key for the token's alg"},
        {"{\"alg\":\"ES256\"}", "{" GOOD "}", "no key for the token's alg"},
        {"{\"alg\":\"HS256\",\"crit\":[]}", "{" GOOD "}", "crit"},
        {"{\"alg\":\"HS256\",\"b64\":false}", "{" GOOD "}", "b64"},
        {"{\"alg\":\"HS256\",\"typ\":\"at+jwt\"}", "{" GOOD "}", "typ"},
        {"{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "{" GOOD "}", "not an object"},
        {"[]", "{" GOOD "}", "not an object"},
        {HEADER, "[]", "claims are not an object"},
        {HEADER, "{" GOOD ",\"sub\":\"bob\"}", "claims are not an object"},
        {HEADER, "{" GOOD "} ", NULL},
        {HEADER, "{" GOOD "}x", "claims are not an object"},
        {HEADER, "{\"sub\":\"ann\"," REST "}", "no exp"},
        {HEADER, "{\"sub\":\"ann\",\"exp\":1799999995," REST "}", "has expired"},
        {HEADER, "{\"sub\":\"ann\",\"exp\":0," REST "}", "has expired"},
        {HEADER, "{\"sub\":\"ann\",\"exp\":-1," REST "}", "whole seconds"},
        {HEADER, "{\"sub\":\"ann\",\"exp\":1800000600.5," REST "}", "whole seconds"},
        {HEADER, "{\"sub\":\"ann\",\"exp\":\"1800000600\"," REST "}", "whole seconds"},
        {HEADER, "{\"sub\":\"ann\",\"exp\":1800000600000," REST "}", "whole seconds"},
        {HEADER, "{\"sub\":\"ann\",\"exp\":null," REST "}", "whole seconds"},
        {HEADER, "{" GOOD ",\"nbf\":1800000006}", "nbf is in the future"},
        {HEADER, "{" GOOD ",\"iat\":1800000006}", "iat is in the future"},
        {HEADER, "{\"sub\":\"ann\",\"exp\":1800000600,\"iss\":\"login\"}", "aud"},
        {HEADER, "{\"sub\":\"ann\",\"exp\":1800000600,\"aud\":[],\"iss\":\"login\"}", "aud"},
        {HEADER, "{\"sub\":\"ann\",\"exp\":1800000600,\"aud\":[\"Shop\"]}", "aud"},
        {HEADER, "{\"sub\":\"ann\",\"exp\":1800000600,\"aud\":\"shop\"}", "iss"},
        {HEADER, "{\"sub\":\"ann\",\"exp\":1800000600,\"aud\":\"shop\",\"iss\":\"x\"}", "iss"},
        {HEADER, "{" GOOD ",\"role\":\"operator\"}", "role"},
        {HEADER, "{" LIVE "}", "sub"},
        {HEADER, "{\"sub\":\"\"," LIVE "}", "sub"},
        {HEADER, "{\"sub\":7," LIVE "}", "sub"},
        {HEADER, "{\"sub\":\"a\\u0000b\"," LIVE "}", "sub"},
        {HEADER, "{\"sub\":\"\\u00e9\"," LIVE "}", "sub"},
    };
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *reason;
        enum jwt_answer answer = judge_claims(cases[i].header, cases[i].claims, &reason);
        assert_int_equal(answer, cases[i].reason == NULL ? JWT_GOOD : JWT_REFUSED);
        if (cases[i].reason != NULL && strstr(reason, cases[i].reason) == NULL)
            fail_msg("%s: %s, and not %s", cases[i].claims, reason, cases[i].reason);
    }
}

/* One bit of a good token changed, or one byte less, or more, is no good token. */
static void no_other_text_is_as_good(void **state)
{
    (void)state;
    static struct made_token token;
    const char *reason;
    make_token(&token, HEADER, "{" GOOD "}", SECRET);
    struct made_token whole = token;
    assert_int_equal(judge(&token, &reason), JWT_GOOD);
    for (uint32_t bit = 0; bit < 7 * whole.size; bit++) {
        token = whole;
        token.text[bit / 7] = (char)(token.text[bit / 7] ^ 1 << bit % 7);
        assert_int_equal(judge(&token, &reason), JWT_REFUSED);
    }
    for (uint32_t size = 0; size < whole.size; size++) {
        token = whole;
        token.size = size;
        assert_int_equal(judge(&token, &reason), JWT_REFUSED);
    }
    for (int byte = 0; byte < 256; byte++) {
        token = whole;
        token.text[token.size++] = (char)byte;
        assert_int_equal(judge(&token, &reason), JWT_REFUSED);
    }
    make_token(&token, HEADER, "{" GOOD "}", SECRET "x");
    assert_int_equal(judge(&token, &reason), JWT_REFUSED);
    token.size = JWT_SIZE_MAX + 1;
    assert_int_equal(judge(&token, &reason), JWT_REFUSED);
    assert_non_null(strstr(reason, "longer than 4096"));
}

static void nothing_of_a_token_stays_in_the_room(void **state)
{
    (void)state;
    const char *reason;
    assert_int_equal(judge_claims(HEADER, "{" GOOD "}", &reason), JWT_GOOD);
    for (uint32_t i = 0; i < sizeof(room.token); i++)
        assert_int_equal(room.token[i], 0);
}

static size_t pem_of(EVP_PKEY *key, char pem[4096])
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_non_null(key);
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    int size = BIO_read(bio, pem, 4095);
    BIO_free(bio);
    assert_true(size > 0);
    pem[size] = 0;
    return (size_t)size;
}

static void sign_by(struct made_token *token, EVP_PKEY *key, const char *header)
{
    uint8_t made[1024];
    size_t size = sizeof(made);
    begin_token(token, bytes_of_string(header), BYTES("{" GOOD "}"));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(
        EVP_DigestSign(context, made, &size, (const uint8_t *)token->text, token->size), 1);
    EVP_MD_CTX_free(context);
    end_token(token, bytes_of(made, (uint32_t)size));
}

/* A public key is known to all: what is signed with its text must never be good, with the key file
 * as it is, its block, or its block without the end of the line. */
static void a_public_key_is_no_secret(void **state)
{
    (void)state;
    static struct made_token token;
    char pem[4096], error[256];
    const char *reason;
    EVP_PKEY *key = EVP_RSA_gen(2048);
    size_t size = pem_of(key, pem);
    keys.count = 0;
    assert_int_equal(load_keys(true, pem, size, error), 0);
    assert_int_equal(keys.list[0].kind, JWT_RS256);
    sign_by(&token, key, "{\"alg\":\"RS256\"}");
    assert_int_equal(judge(&token, &reason), JWT_GOOD);
    sign_by(&token, key, "{\"alg\":\"ES256\"}");
    assert_int_equal(judge(&token, &reason), JWT_REFUSED);
    for (uint32_t with_secret = 0; with_secret < 2; with_secret++) {
        for (uint32_t less = 0; less < 2; less++) {
            begin_token(&token, BYTES(HEADER), BYTES("{" GOOD "}"));
            sign_token(&token, bytes_of((const uint8_t *)pem, (uint32_t)size - less));
            assert_int_equal(judge(&token, &reason), JWT_REFUSED);
        }
        assert_int_equal(load_keys(false, SECRET, strlen(SECRET), error), 0);
    }
    EVP_PKEY_free(key);
}

static void keys_that_would_not_do_are_told_with_their_line(void **state)
{
    (void)state;
    static const struct {
        bool is_public;
        const char *file, *told;
    } cases[] = {
        {false, "", "has no key"},
        {false, "# nothing\n\n", "has no key"},
        {false, "#\nshort-secret\n", ":2 has a secret that is not 32 to 255"},
        {false, SECRET "\n" SECRET "\t\n", ":2 has a secret that is not printable"},
        {false, "-----BEGIN PUBLIC KEY-----\n", ":1 is PEM"},
        {true, SECRET "\n", "has no key"},
        {true, "x\n-----BEGIN PUBLIC KEY-----\nAAAA\n", ":2 begins a PEM block that does not end"},
        {true, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", ":1 begins a PEM"},
        {true, "-----BEGIN PRIVATE KEY-----\n", ":1 begins something else"},
    };
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char error[256] = "";
        const char *file = cases[i].file;
        keys.count = 0;
        assert_int_equal(load_keys(cases[i].is_public, file, strlen(file), error), -EINVAL);
        if (strstr(error, cases[i].told) == NULL)
            fail_msg("%s, and not %s", error, cases[i].told);
        assert_null(strstr(error, "short-secret"));
        assert_null(strstr(error, SECRET));
    }
}

static void weak_keys_and_too_many_are_refused(void **state)
{
    (void)state;
    char pem[4096], error[256], file[9 * 40] = "";
    EVP_PKEY *weak = EVP_RSA_gen(1024), *other = EVP_EC_gen("P-384");
    assert_int_equal(load_keys(true, pem, pem_of(weak, pem), error), -EINVAL);
    assert_non_null(strstr(error, "less than 2048"));
    assert_int_equal(load_keys(true, pem, pem_of(other, pem), error), -EINVAL);
    assert_non_null(strstr(error, "P-256"));
    EVP_PKEY_free(weak);
    EVP_PKEY_free(other);
    keys.count = 0;
    for (uint32_t i = 0; i < 9; i++)
        memcpy(file + i * sizeof(SECRET), SECRET "\n", sizeof(SECRET));
    assert_int_equal(load_keys(false, file, strlen(file), error), -EINVAL);
    assert_non_null(strstr(error, ":9 is one more than the 8"));
}

#define WITH_KEYS(test) cmocka_unit_test_setup(test, open_keys)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_KEYS(good_tokens_name_their_customer),
        WITH_KEYS(what_is_refused_says_why),
        WITH_KEYS(no_other_text_is_as_good),
        WITH_KEYS(nothing_of_a_token_stays_in_the_room),
        WITH_KEYS(a_public_key_is_no_secret),
        WITH_KEYS(keys_that_would_not_do_are_told_with_their_line),
        WITH_KEYS(weak_keys_and_too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
