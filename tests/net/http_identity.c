/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/http/identity.h"

static struct http_request parse(const char *fields)
{
    static char text[2048];
    const struct http_limits limits = {
        .header_bytes = 2048, .target_bytes = 2048, .body_bytes = 64};
    struct http_progress progress = {0};
    struct http_request parsed;
    snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: x\r\n%s\r\n", fields);
    assert_int_equal(http_parse(bytes_of_string(text), &limits, &progress, &parsed), HTTP_REQUEST);
    return parsed;
}

static enum identity_answer storefront(const char *fields, struct caller *caller)
{
    const char *reason = NULL;
    struct http_request parsed = parse(fields);
    enum identity_answer answer = identity_of_storefront(&parsed, caller, &reason);
    assert_int_equal(answer == IDENTITY_UNKNOWN, reason != NULL);
    return answer;
}

static void a_customer_is_named_by_the_gateway(void **state)
{
    (void)state;
    struct caller caller;
    assert_int_equal(storefront("X-Customer-Id: ann\r\n", &caller), IDENTITY_KNOWN);
    assert_int_equal(caller.role, ROLE_CUSTOMER);
    assert_true(bytes_equal(caller.customer, BYTES("ann")));
    assert_int_equal(
        storefront("X-Customer-Id: ann b\r\nX-Role: customer\r\n", &caller), IDENTITY_KNOWN);
    assert_true(bytes_equal(caller.customer, BYTES("ann b")));
}

static void a_service_may_name_nobody(void **state)
{
    (void)state;
    struct caller caller;
    assert_int_equal(storefront("X-Role: service\r\n", &caller), IDENTITY_KNOWN);
    assert_int_equal(caller.role, ROLE_SERVICE);
    assert_int_equal(caller.customer.size, 0);
    assert_int_equal(
        storefront("X-Role: service\r\nX-Customer-Id: ann\r\n", &caller), IDENTITY_KNOWN);
    assert_true(bytes_equal(caller.customer, BYTES("ann")));
}

static void callers_without_a_sane_name_are_unknown(void **state)
{
    (void)state;
    struct caller caller;
    char long_name[256];
    static const char *const wrong[] = {"", "X-Customer-Id:\r\n", "X-Role: customer\r\n",
        "X-Role: king\r\nX-Customer-Id: ann\r\n", "X-Role:\r\nX-Customer-Id: ann\r\n",
        "X-Role: Service\r\n", "X-Customer-Id: caf\xc3\xa9\r\n", "X-Customer-Id: a\tb\r\n",
        "X-Role: service\r\nX-Customer-Id:\r\n"};
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        if (storefront(wrong[i], &caller) != IDENTITY_UNKNOWN)
            fail_msg("known: %s", wrong[i]);
    }
    int size = snprintf(long_name, sizeof(long_name), "X-Customer-Id: %0127d\r\n", 1);
    assert_true(size > 0);
    assert_int_equal(storefront(long_name, &caller), IDENTITY_KNOWN);
    snprintf(long_name, sizeof(long_name), "X-Customer-Id: %0128d\r\n", 1);
    assert_int_equal(storefront(long_name, &caller), IDENTITY_UNKNOWN);
}

static int read_tokens(struct identity *identity, const char *file, char *error)
{
    return tokens_read(&identity->admins, TOKENS_OF_ADMINS, bytes_of_string(file),
        "auth.admin_tokens_file", error, 256);
}

static int load(struct identity *identity, const char *path, char error[256])
{
    return tokens_load(
        &identity->admins, TOKENS_OF_ADMINS, "auth.admin_tokens_file", path, error, 256);
}

static enum identity_answer admin(
    const struct identity *identity, const char *fields, struct caller *caller)
{
    const char *reason = NULL;
    struct http_request parsed = parse(fields);
    return identity_of_admin(identity, &parsed, caller, &reason);
}

static void a_token_names_its_holder_and_role(void **state)
{
    (void)state;
    static struct identity identity;
    struct caller caller;
    char error[256];
    assert_int_equal(read_tokens(&identity,
                         "# tokens\r\n\r\nann:operator:0123456789abcdef\n"
                         "val:viewer:token:with:colons\n"
                         "ann:operator:the-next-token-of-ann\n",
                         error),
        0);
    assert_int_equal(identity.admins.count, 3);
    assert_int_equal(
        admin(&identity, "Authorization: Bearer 0123456789abcdef\r\n", &caller), IDENTITY_KNOWN);
    assert_int_equal(caller.role, ROLE_OPERATOR);
    assert_true(bytes_equal(caller.actor, BYTES("ann")));
    assert_int_equal(
        admin(&identity, "Authorization: bearer token:with:colons\r\n", &caller), IDENTITY_KNOWN);
    assert_int_equal(caller.role, ROLE_VIEWER);
    static const char *const wrong[] = {"", "Authorization: Bearer\r\n",
        "Authorization: Bearer 0123456789abcde\r\n", "Authorization: Bearer 0123456789abcdef0\r\n",
        "Authorization: Bearer 0123456789abcdeF\r\n", "Authorization: Basic 0123456789abcdef\r\n",
        "Authorization: 0123456789abcdef\r\n"};
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(admin(&identity, wrong[i], &caller), IDENTITY_UNKNOWN);
        assert_int_equal(caller.role, ROLE_NONE);
    }
    char endless[1200];
    snprintf(endless, sizeof(endless), "Authorization: Bearer 0123456789abcdef%01000d\r\n", 0);
    assert_int_equal(admin(&identity, endless, &caller), IDENTITY_UNKNOWN);
}

static void without_a_file_nobody_is_known(void **state)
{
    (void)state;
    static struct identity identity;
    struct caller caller;
    char error[256];
    assert_int_equal(load(&identity, "", error), 0);
    assert_int_equal(admin(&identity, "Authorization: Bearer x\r\n", &caller), IDENTITY_UNKNOWN);
}

static void a_line_that_is_not_understood_stops_the_start(void **state)
{
    (void)state;
    static struct identity identity;
    static const struct {
        const char *file, *told;
    } wrong[] = {
        {"ann:operator\n", "line 1 is not name:role:token"},
        {"\n#\nann\n", "line 3"},
        {":operator:0123456789abcdef\n", "name"},
        {"ann:king:0123456789abcdef\n", "role"},
        {"ann:operator:short\n", "token"},
        {"ann:operator:0123456789\tabcdef\n", "token"},
        {"ann:operator:0123456789abcdef\n#\nbob:viewer:0123456789abcdef\n", "line 3 has the token"},
    };
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        char error[256] = "";
        assert_int_equal(read_tokens(&identity, wrong[i].file, error), -EINVAL);
        if (strstr(error, wrong[i].told) == NULL)
            fail_msg("not told: %s in %s", wrong[i].told, error);
        assert_null(strstr(error, "0123456789"));
    }
}

static void a_file_is_read_and_a_missing_one_is_named(void **state)
{
    (void)state;
    static struct identity identity;
    char path[] = "/tmp/hotshelf-tokens-XXXXXX", error[256];
    int file = mkstemp(path);
    assert_true(file >= 0);
    static const char line[] = "ann:operator:0123456789abcdef"; /* no line end */
    assert_int_equal(write(file, line, sizeof(line) - 1), sizeof(line) - 1);
    close(file);
    assert_int_equal(load(&identity, path, error), 0);
    assert_int_equal(identity.admins.count, 1);
    unlink(path);
    assert_int_equal(load(&identity, path, error), -ENOENT);
    assert_non_null(strstr(error, path));
}

static void a_service_has_a_name_and_a_token(void **state)
{
    (void)state;
    static struct tokens tokens;
    char error[256];
    struct bytes file = BYTES("# back ends\nerp:0123456789abcdef\npos:with:colons:in:it\n");
    assert_int_equal(
        tokens_read(&tokens, TOKENS_OF_SERVICES, file, "services", error, sizeof(error)), 0);
    const struct token *found = tokens_find(&tokens, BYTES("with:colons:in:it"));
    assert_non_null(found);
    assert_true(bytes_equal(bytes_of(found->name, found->name_size), BYTES("pos")));
    assert_int_equal(found->role, ROLE_SERVICE);
    assert_null(tokens_find(&tokens, BYTES("with:colons:in:i")));
    assert_null(tokens_find(&tokens, BYTES("")));
    assert_int_equal(tokens_read(&tokens, TOKENS_OF_SERVICES, BYTES("\n0123456789abcdef\n"),
                         "services", error, sizeof(error)),
        -EINVAL);
    assert_string_equal(error, "services: line 2 is not name:token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_customer_is_named_by_the_gateway),
        cmocka_unit_test(a_service_may_name_nobody),
        cmocka_unit_test(callers_without_a_sane_name_are_unknown),
        cmocka_unit_test(a_token_names_its_holder_and_role),
        cmocka_unit_test(without_a_file_nobody_is_known),
        cmocka_unit_test(a_line_that_is_not_understood_stops_the_start),
        cmocka_unit_test(a_file_is_read_and_a_missing_one_is_named),
        cmocka_unit_test(a_service_has_a_name_and_a_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
