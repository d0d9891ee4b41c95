/* SPDX-License-Identifier: Apache-2.0 */
/* C4: a guest is who shows a token that we signed; nobody is a forged one. */
#include <errno.h>
#include <sys/stat.h>

#include "net/http/guest.h"
#include "tests/net/shop.h"

#define DAY_MS 86400000ll

static struct hmac_keys keys_of(const char *file)
{
    struct hmac_keys keys;
    char error[128];
    assert_int_equal(
        hmac_keys_read(&keys, bytes_of_string(file), "a", "b", error, sizeof(error)), 0);
    return keys;
}

static struct guest_token token_of(const struct hmac_keys *keys, uint64_t low, uint64_t high)
{
    struct guest_token token;
    const uint64_t random[2] = {low, high};
    guest_token_make(keys, random, SHOP_NOW_MS, &token);
    return token;
}

static bool is_good(const struct hmac_keys *keys, const struct guest_token *token, int64_t wall_ms)
{
    return guest_token_valid(keys, bytes_of(token->text, token->size), wall_ms);
}

static void a_token_is_a_customer_id_that_lives_thirty_days(void **state)
{
    (void)state;
    struct hmac_keys keys = keys_of("the-key-of-our-guests");
    struct guest_token token = token_of(&keys, 1, 2);
    struct bytes text = bytes_of(token.text, token.size);
    assert_true(identity_customer_is_valid(text));
    assert_true(guest_is_token(text));
    assert_true(token.expires_wall_ms == SHOP_NOW_MS + 30 * DAY_MS);
    assert_true(is_good(&keys, &token, SHOP_NOW_MS));
    assert_true(is_good(&keys, &token, token.expires_wall_ms - 1));
    assert_false(is_good(&keys, &token, token.expires_wall_ms));
    for (uint32_t i = 0; i < text.size; i++)
        assert_true(strchr("hsg.-_", text.data[i]) != NULL ||
                    (text.data[i] >= '0' && text.data[i] <= '9') ||
                    ((text.data[i] | 0x20) >= 'a' && (text.data[i] | 0x20) <= 'z'));
}

static void two_guests_have_two_tokens(void **state)
{
    (void)state;
    struct hmac_keys keys = keys_of("the-key-of-our-guests");
    struct guest_token one = token_of(&keys, 1, 2), other = token_of(&keys, 1, 3),
                       third = token_of(&keys, 3ull << 62, 2);
    assert_memory_not_equal(one.text, other.text, one.size);
    assert_memory_not_equal(one.text, third.text, one.size);
}

/* Also not one bit of it: a token has one spelling, or one guest would have four carts. */
static void no_other_text_is_as_good(void **state)
{
    (void)state;
    struct hmac_keys keys = keys_of("the-key-of-our-guests");
    struct guest_token token = token_of(&keys, 0x0123456789abcdef, 0xfedcba9876543210);
    for (uint32_t i = 0; i < token.size; i++) {
        uint8_t before = token.text[i];
        for (uint32_t byte = 0x21; byte < 0x7f; byte++) {
            token.text[i] = (uint8_t)byte;
            assert_int_equal(is_good(&keys, &token, SHOP_NOW_MS), byte == before);
        }
        token.text[i] = before;
    }
    for (uint32_t size = 0; size < token.size; size++) {
        struct bytes part = bytes_of(token.text, size);
        assert_false(guest_token_valid(&keys, part, SHOP_NOW_MS));
        assert_false(guest_token_valid(
            &keys, bytes_of(token.text + size + 1, token.size - size - 1), SHOP_NOW_MS));
    }
    uint8_t longer[CUSTOMER_SIZE_MAX];
    memset(longer, 'A', sizeof(longer));
    memcpy(longer, token.text, token.size);
    for (uint32_t size = token.size + 1; size <= sizeof(longer); size++)
        assert_false(guest_token_valid(&keys, bytes_of(longer, size), SHOP_NOW_MS));
}

static void other_ids_are_no_tokens(void **state)
{
    (void)state;
    static const char *const ids[] = {"", "h", "hsg1", "hsg2.x", "HSG1.x", "ann", " hsg1."};
    struct hmac_keys keys = keys_of("the-key-of-our-guests");
    for (uint32_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        assert_false(guest_is_token(bytes_of_string(ids[i])));
        assert_false(guest_token_valid(&keys, bytes_of_string(ids[i]), SHOP_NOW_MS));
    }
    assert_true(guest_is_token(BYTES("hsg1.")));
    assert_false(guest_token_valid(&keys, BYTES("hsg1."), SHOP_NOW_MS));
}

static void keys_change_and_guests_stay(void **state)
{
    (void)state;
    struct hmac_keys before = keys_of("the-old-key-of-guests"), none = {.count = 0},
                     between = keys_of("the-new-key-of-guests\nthe-old-key-of-guests"),
                     after = keys_of("the-new-key-of-guests");
    struct guest_token old = token_of(&before, 1, 2), new = token_of(&between, 1, 2);
    assert_true(is_good(&between, &old, SHOP_NOW_MS) && is_good(&between, &new, SHOP_NOW_MS));
    assert_true(is_good(&after, &new, SHOP_NOW_MS));
    assert_false(is_good(&after, &old, SHOP_NOW_MS) || is_good(&before, &new, SHOP_NOW_MS));
    assert_false(is_good(&none, &old, SHOP_NOW_MS));
}

/* --- The file in the data directory --- */

static void a_first_start_makes_the_key_and_a_later_one_finds_it(void **state)
{
    (void)state;
    char directory[] = "/tmp/hotshelf-guest-XXXXXX", path[64], error[256];
    struct hmac_keys first, second;
    struct stat status;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/guest-secret.new", directory);
    FILE *torn = fopen(path, "w"); /* a first start that was cut short */
    fputs("abc", torn);
    fclose(torn);
    assert_int_equal(guest_keys_load(&first, "", directory, error, sizeof(error)), 0);
    assert_string_equal(error, "");
    assert_int_equal(access(path, F_OK), -1);
    snprintf(path, sizeof(path), "%s/guest-secret", directory);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(status.st_size, 65);
    assert_int_equal(guest_keys_load(&second, "", directory, error, sizeof(error)), 0);
    struct guest_token token = token_of(&first, 1, 2);
    assert_true(is_good(&second, &token, SHOP_NOW_MS));
    unlink(path);
    assert_int_equal(guest_keys_load(&second, "", directory, error, sizeof(error)), 0);
    assert_false(is_good(&second, &token, SHOP_NOW_MS)); /* it was random */
    assert_int_equal(truncate(path, 7), 0);
    assert_int_equal(guest_keys_load(&second, "", directory, error, sizeof(error)), -EINVAL);
    assert_non_null(strstr(error, path));
    unlink(path);
    rmdir(directory);
    assert_int_equal(guest_keys_load(&second, "", directory, error, sizeof(error)), -ENOENT);
    assert_non_null(strstr(error, path));
}

static void a_file_of_the_operator_stands_over_it(void **state)
{
    (void)state;
    char directory[] = "/tmp/hotshelf-guest-XXXXXX", path[64], error[256];
    struct hmac_keys keys, given = keys_of("the-key-of-all-the-nodes");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/shared", directory);
    FILE *file = fopen(path, "w");
    fputs("the-key-of-all-the-nodes\n", file);
    fclose(file);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(guest_keys_load(&keys, path, directory, error, sizeof(error)), 0);
    struct guest_token token = token_of(&given, 1, 2);
    assert_true(is_good(&keys, &token, SHOP_NOW_MS));
    unlink(path);
    assert_int_equal(rmdir(directory), 0); /* nothing else was made */
}

/* --- Over HTTP --- */

static struct shop *shop;

static int open_shop(void **state)
{
    (void)state;
    shop = shop_open(NULL);
    shop_sell(shop, "S1", 5);
    return 0;
}

static int close_shop(void **state)
{
    (void)state;
    shop_close(shop);
    return 0;
}

/* The customer of the reply just read, as a field. */
static void guest_field(char field[160])
{
    const char *found = strstr(shop->body, "\"customer\":\"");
    assert_non_null(found);
    snprintf(field, 160, "X-Customer-Id: %.*s\r\n", (int)strcspn(found + 12, "\""), found + 12);
}

static void a_guest_shops_like_anybody(void **state)
{
    (void)state;
    char first[160], second[160];
    assert_int_equal(shop_ask(shop, "POST /v1/guests", "", NULL), 201);
    shop_assert_head(shop, "\r\nCache-Control: private, no-store\r\n");
    shop_assert_body(shop, "{\"guest_token\":\"hsg1.");
    shop_assert_body(shop, "\"expires_at\":\"2026-12-21T03:00:00.000Z\"}");
    guest_field(first);
    assert_int_equal(shop_ask(shop, "POST /v1/guests", "", "{}"), 201);
    guest_field(second);
    assert_string_not_equal(first, second);
    assert_int_equal(shop->events, 1); /* the product: nothing is kept of a guest */
    assert_int_equal(shop_ask(shop, "PUT /v1/cart/items/S1", first, "{\"quantity\":2}"), 200);
    assert_true(shop->request->work->command.guest);
    shop_ask(shop, "GET /v1/cart", first, NULL);
    shop_assert_body(shop, "\"quantity\":2");
    shop_ask(shop, "GET /v1/cart", second, NULL);
    shop_assert_body(shop, "\"lines\":[]");
    shop_ask(shop, "GET /v1/cart", ANN, NULL);
    assert_false(shop->request->work->command.guest);
}

static void nobody_acts_for_a_forged_guest(void **state)
{
    (void)state;
    char field[160], service[200];
    shop_ask(shop, "POST /v1/guests", "", NULL);
    guest_field(field);
    static const char *const calls[] = {"GET /v1/cart", "DELETE /v1/cart",
        "DELETE /v1/cart/items/S1", "POST /v1/checkout", "GET /v1/orders",
        "GET /v1/orders/01890a5d-ac96-774b-bcce-b302099a8057"};
    char *last = strstr(field, "\r\n") - 1;
    *last = *last == 'A' ? 'B' : 'A';
    snprintf(service, sizeof(service), SERVICE "%s", field);
    for (uint32_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        shop_ask(shop, calls[i], field, NULL);
        shop_assert_problem(shop, 401, "unauthenticated");
        shop_ask(shop, calls[i], service, NULL);
        shop_assert_problem(shop, 401, "unauthenticated");
    }
    shop_ask(shop, "GET /v1/cart", "X-Customer-Id: hsg1.\r\n", NULL);
    shop_assert_problem(shop, 401, "unauthenticated");
    assert_int_equal(shop_ask(shop, "GET /v1/availability?skus=S1", field, NULL), 200);
}

static void a_guest_ends(void **state)
{
    (void)state;
    char field[160];
    shop_ask(shop, "POST /v1/guests", "", NULL);
    guest_field(field);
    shop->http.clock_ms += 30 * DAY_MS - 1;
    assert_int_equal(shop_ask(shop, "GET /v1/cart", field, NULL), 200);
    shop->http.clock_ms += 1;
    shop_ask(shop, "GET /v1/cart", field, NULL);
    shop_assert_problem(shop, 401, "unauthenticated");
}

static void a_guest_asks_for_nothing_else(void **state)
{
    (void)state;
    shop_ask(shop, "POST /v1/guests", "", "{\"name\":\"ann\",\"days\":9}");
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "\"error_count\":2");
    shop_ask(shop, "POST /v1/guests", "", "[]");
    shop_assert_problem(shop, 422, "invalid");
    shop_ask(shop, "POST /v1/guests", "", "{");
    shop_assert_problem(shop, 400, "malformed");
    shop_ask(shop, "GET /v1/guests", "", NULL);
    assert_int_equal(shop->status, 405);
    shop_assert_head(shop, "\r\nAllow: POST, OPTIONS\r\n");
}

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_a_customer_id_that_lives_thirty_days),
        cmocka_unit_test(two_guests_have_two_tokens),
        cmocka_unit_test(no_other_text_is_as_good),
        cmocka_unit_test(other_ids_are_no_tokens),
        cmocka_unit_test(keys_change_and_guests_stay),
        cmocka_unit_test(a_first_start_makes_the_key_and_a_later_one_finds_it),
        cmocka_unit_test(a_file_of_the_operator_stands_over_it),
        IN_SHOP(a_guest_shops_like_anybody),
        IN_SHOP(nobody_acts_for_a_forged_guest),
        IN_SHOP(a_guest_ends),
        IN_SHOP(a_guest_asks_for_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
