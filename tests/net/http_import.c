/* SPDX-License-Identifier: Apache-2.0 */
/* Imports from the first byte of the body to the reply, and over a crash between two of its rows.
 */
#include <errno.h>
#include <sys/stat.h>

#include "tests/net/shop.h"

#define HEADER "sku,title,category,seller,price,currency,stock\n"

static struct shop *shop;
static struct {
    struct event begun;
    uint32_t commands; /* run so far */
    uint32_t stop_at;  /* the batch has no room once so many have run; 0: never */
    uint32_t rows, begins, ends;
} record;

static int open_shop(void **state)
{
    (void)state;
    shop = shop_open(NULL);
    memset(&record, 0, sizeof(record));
    return 0;
}

static int close_shop(void **state)
{
    (void)state;
    shop_close(shop);
    return 0;
}

static bool run(void *host, const struct command *command, struct answer *answer)
{
    (void)host;
    if (record.stop_at != 0 && record.commands >= record.stop_at)
        return false;
    record.commands++;
    record.rows += command->kind == COMMAND_PRODUCT_SET;
    record.ends += command->kind == COMMAND_IMPORT_END;
    if (command->kind == COMMAND_IMPORT_BEGIN) {
        record.begins++;
        record.begun = (struct event){.kind = EVENT_IMPORT_BEGUN};
        record.begun.fact.import = command->import;
        record.begun.text[TEXT_ACTOR] = command->actor;
    }
    shop_decide(shop, command, answer);
    return true;
}

static void look(void *host, const struct command *command, struct answer *answer)
{
    (void)host;
    struct event event;
    engine_decide(shop->engine, command, &shop->http.now, &event, answer);
}

static const struct import_host host = {.run = run, .look = look};

static void begin_request(const char *line, size_t size, const char *fields)
{
    static char head[1024];
    const struct http_limits limits = {
        .header_bytes = 1024, .target_bytes = 1024, .body_bytes = UINT64_MAX};
    struct http_progress progress = {0};
    struct http_request parsed;
    int head_size = snprintf(head, sizeof(head),
        "%s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %zu\r\n\r\n", line, fields, size);
    shop_reset(shop);
    assert_int_equal(
        http_parse_head(bytes_of(head, (uint32_t)head_size), &limits, &progress, &parsed),
        HTTP_REQUEST);
    uint32_t target = 99;
    enum http_verdict verdict =
        http_decode(&shop->http, HTTP_ADMIN, &parsed, shop->request, &target);
    if (verdict != HTTP_IMPORT)
        shop_take_reply(shop);
    else
        assert_int_equal(target, 0);
    shop->status = verdict == HTTP_IMPORT ? 0 : shop->status;
}

/* Feeds pieces of `piece` bytes and ticks until there is an answer. */
static int import_with(const char *line, const char *text, uint32_t piece)
{
    uint32_t size = (uint32_t)strlen(text);
    begin_request(line, size, OPERATOR "Content-Type: text/csv\r\n");
    if (shop->status != 0)
        return shop->status;
    if (!import_begin(shop->import, &shop->http, shop->request, size))
        return shop_take_reply(shop);
    for (uint32_t at = 0; at < size; at += piece) {
        assert_int_equal(import_missing(shop->import), size - at);
        assert_null(import_tick(shop->import, &shop->http, &host));
        import_feed(shop->import, bytes_of(text + at, size - at < piece ? size - at : piece));
    }
    assert_int_equal(import_missing(shop->import), 0);
    for (uint32_t ticks = 0; ticks < 10000; ticks++) {
        assert_true(import_is_busy(shop->import));
        struct request *request = import_tick(shop->import, &shop->http, &host);
        if (request == NULL)
            continue;
        assert_ptr_equal(request, shop->request);
        assert_null(import_tick(shop->import, &shop->http, &host));
        return shop_take_reply(shop);
    }
    fail_msg("no answer");
    return 0;
}

static int import_text(const char *text)
{
    return import_with("POST /admin/v1/import", text, 7);
}

static void rows_are_created_updated_or_unchanged(void **state)
{
    (void)state;
    assert_int_equal(import_text(HEADER "A,a,c,s,1.00,GBP,5\nB,b,c,s,2.00,GBP,6\n"), 200);
    assert_string_equal(shop->body,
        "{\"created\":2,\"updated\":0,\"unchanged\":0,\"stock_ignored\":0,\"errors\":[]}");
    shop_ask(shop, "GET /v1/products/B", "", NULL);
    shop_assert_body(shop, "\"price\":200,");
    shop_assert_body(shop, "\"available\":6,");
    assert_int_equal(
        import_text(HEADER "A,a,c,s,1.00,GBP,5\nB,b,c,s,2.50,GBP,9\nC,c,c,s,3.00,GBP,1"), 200);
    assert_string_equal(shop->body,
        "{\"created\":1,\"updated\":1,\"unchanged\":1,\"stock_ignored\":2,\"errors\":[]}");
    shop_ask(shop, "GET /admin/v1/stock/B", OPERATOR, NULL);
    shop_assert_body(shop, "\"allotment\":6");
    assert_int_equal(record.begins, 2);
    assert_int_equal(record.ends, 2);
}

static void new_products_are_seen_together_with_the_last_row(void **state)
{
    (void)state;
    static const char text[] = HEADER "A,a,c,s,1.00,GBP,5\nB,b,c,s,2.00,GBP,6\n";
    begin_request("POST /admin/v1/import", sizeof(text) - 1, OPERATOR "Content-Type: text/csv\r\n");
    assert_true(import_begin(shop->import, &shop->http, shop->request, sizeof(text) - 1));
    import_feed(shop->import, bytes_of(text, sizeof(text) - 1));
    record.stop_at = 2;
    for (uint32_t i = 0; i < 10; i++)
        assert_null(import_tick(shop->import, &shop->http, &host));
    assert_int_equal(record.rows, 1);
    assert_int_equal(catalog_find(&shop->shelf.catalog, BYTES("A")), SKU_NONE);
    record.stop_at = 3;
    for (uint32_t i = 0; i < 10; i++)
        assert_null(import_tick(shop->import, &shop->http, &host));
    assert_int_equal(catalog_find(&shop->shelf.catalog, BYTES("A")), SKU_NONE);
    record.stop_at = 0;
    struct request *request = NULL;
    for (uint32_t i = 0; request == NULL && i < 10; i++)
        request = import_tick(shop->import, &shop->http, &host);
    assert_ptr_equal(request, shop->request);
    assert_int_not_equal(catalog_find(&shop->shelf.catalog, BYTES("A")), SKU_NONE);
    assert_int_not_equal(catalog_find(&shop->shelf.catalog, BYTES("B")), SKU_NONE);
}

static void a_file_with_errors_changes_nothing_and_names_them_all(void **state)
{
    (void)state;
    assert_int_equal(
        import_text(HEADER "A,a,c,s,1.00,GBP,5\nB,b,c,s,x,GBP,y\nA,a,c,s,1.00,GBP,5\n"), 422);
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "{\"line\":3,\"column\":\"price\",\"reason\":\"");
    shop_assert_body(shop, "{\"line\":3,\"column\":\"stock\",\"reason\":\"");
    shop_assert_body(
        shop, "{\"line\":4,\"column\":\"sku\",\"reason\":\"stands in the file twice\"}");
    shop_assert_body(shop, "\"error_count\":3");
    assert_int_equal(record.commands, 0);
    assert_int_equal(import_text(HEADER), 200);
    assert_int_equal(import_text(""), 422);
    assert_int_equal(import_text("sku,titel\n"), 422);
    shop_assert_body(shop, "\"line\":1");
}

static void a_hundred_errors_are_told_and_all_are_counted(void **state)
{
    (void)state;
    const size_t room = 64 * 1024;
    char *text = malloc(room);
    size_t at = shop_append(text, room, 0, HEADER);
    for (uint32_t i = 0; i < 300; i++)
        at = shop_append(text, room, at, "S%u,a,c,s,1.00,GBP,many\n", i);
    assert_int_equal(import_with("POST /admin/v1/import", text, 4096), 422);
    assert_true(shop->enlarged);
    shop_assert_body(shop, "\"line\":101,");
    assert_null(strstr(shop->body, "\"line\":102,"));
    shop_assert_body(shop, "\"error_count\":300");
    shop->no_large = true;
    assert_int_equal(import_with("POST /admin/v1/import", text, 4096), 422);
    shop_assert_body(shop, "\"line\":2,");
    shop_assert_body(shop, "\"error_count\":300");
    free(text);
}

static void a_catalog_that_does_not_fit_is_refused_whole(void **state)
{
    (void)state;
    const size_t room = 128 * 1024;
    char *text = malloc(room);
    size_t at = shop_append(text, room, 0, HEADER);
    for (uint32_t i = 0; i < 600; i++)
        at = shop_append(text, room, at, "S%u,a,c,s,1.00,GBP,1\n", i);
    assert_int_equal(import_with("POST /admin/v1/import", text, 65536), 200);
    shop_assert_body(shop, "\"created\":600");
    shop_append(text, room, at, "S600,a,c,s,1.00,GBP,1\n");
    import_with("POST /admin/v1/import", text, 65536);
    shop_assert_problem(shop, 503, "capacity_exhausted");
    shop_assert_body(shop, "\"bound\":\"skus\"");
    at = shop_append(text, room, 0, HEADER);
    for (uint32_t i = 0; i < 40; i++)
        at = shop_append(text, room, at, "S%u,a,c,seller%u,1.00,GBP,1\n", i, i);
    import_with("POST /admin/v1/import", text, 65536);
    shop_assert_problem(shop, 503, "capacity_exhausted");
    shop_assert_body(shop, "\"bound\":\"names\"");
    assert_int_equal(record.begins, 1);
    free(text);
}

static void a_dry_run_counts_and_changes_nothing(void **state)
{
    (void)state;
    static const char text[] = HEADER "A,a,c,s,1.00,GBP,5\nB,b,c,s,2.00,GBP,6\n";
    assert_int_equal(import_with("POST /admin/v1/import?dry_run=true", text, 7), 200);
    shop_assert_body(shop, "{\"created\":2,\"updated\":0,\"unchanged\":0,");
    assert_int_equal(record.commands, 0);
    assert_int_equal(import_text(text), 200);
    assert_int_equal(import_with("POST /admin/v1/import?dry_run=true",
                         HEADER "A,a,c,s,9.00,GBP,5\nB,b,c,s,2.00,GBP,6\nC,b,c,s,2.00,GBP,6\n", 7),
        200);
    shop_assert_body(shop, "{\"created\":1,\"updated\":1,\"unchanged\":1,\"stock_ignored\":2");
    assert_int_equal(record.begins, 1);
}

static void heads_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *line, *fields, *code;
        int status;
    } wrong[] = {
        {"POST /admin/v1/import", "Content-Type: text/csv\r\n", "unauthenticated", 401},
        {"POST /admin/v1/import", VIEWER "Content-Type: text/csv\r\n", "forbidden", 403},
        {"POST /admin/v1/import", OPERATOR, "unsupported_media_type", 415},
        {"POST /admin/v1/import", OPERATOR "Content-Type: text/csvx\r\n", "unsupported_media_type",
            415},
        {"POST /admin/v1/import?dry_run=yes", OPERATOR "Content-Type: text/csv\r\n", "invalid",
            422},
        {"POST /admin/v1/import?dry=true", OPERATOR "Content-Type: text/csv\r\n", "invalid", 422},
    };
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        begin_request(wrong[i].line, 10, wrong[i].fields);
        shop_assert_problem(shop, wrong[i].status, wrong[i].code);
    }
    begin_request(
        "POST /admin/v1/import", 10, OPERATOR "Content-Type: text/csv; charset=utf-8\r\n");
    assert_int_equal(shop->status, 0);
}

static void one_import_at_a_time_and_not_too_large(void **state)
{
    (void)state;
    begin_request("POST /admin/v1/import", 100, OPERATOR "Content-Type: text/csv\r\n");
    assert_false(import_begin(
        shop->import, &shop->http, shop->request, shop->config.limits.import_bytes + 1));
    shop_take_reply(shop);
    shop_assert_problem(shop, 413, "body_too_large");
    assert_true(import_is_idle(shop->import));
    begin_request("POST /admin/v1/import", 100, OPERATOR "Content-Type: text/csv\r\n");
    assert_true(import_begin(shop->import, &shop->http, shop->request, 100));
    import_feed(shop->import, BYTES("sku"));
    struct request *other = calloc(1, sizeof(*other));
    other->work = calloc(1, sizeof(*other->work));
    request_reset(other);
    other->route = shop->request->route;
    assert_false(import_begin(shop->import, &shop->http, other, 100));
    assert_non_null(strstr((char *)other->reply.data + other->reply.start, "version_conflict"));
    free(other->work);
    free(other);
    import_abandon(shop->import);
    assert_true(import_is_idle(shop->import));
    assert_int_equal(import_text(HEADER "A,a,c,s,1.00,GBP,5\n"), 200);
}

/* It may stay on its way out for long, so the import says so and is over. */
static void no_import_while_a_sale_leaves(void **state)
{
    (void)state;
    struct event closing = {.kind = EVENT_SALE_CLOSING};
    struct catalog *catalog = &shop->shelf.catalog;
    assert_int_equal(import_text("sku,title,category,seller,price,currency,stock,sale\n"
                                 "A,a,c,s,1.00,GBP,5,drop\n"),
        200);
    closing.fact.removal.sale_number = catalog_name_find(catalog, BYTES("drop"));
    catalog_reserve_removal(catalog, &closing);
    assert_int_equal(import_text(HEADER "B,a,c,s,1.00,GBP,5\n"), 409);
    shop_assert_problem(shop, 409, "version_conflict");
    shop_assert_body(shop, "A sale is being removed; nothing was changed.");
    assert_true(import_is_idle(shop->import));
    assert_int_equal(catalog_find(catalog, BYTES("B")), SKU_NONE);
}

static void a_spool_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    rmdir(shop->directory);
    assert_int_equal(import_text(HEADER "A,a,c,s,1.00,GBP,5\n"), 503);
    shop_assert_problem(shop, 503, "capacity_exhausted");
    assert_int_equal(mkdir(shop->directory, 0700), 0);
    assert_int_equal(import_text(HEADER "A,a,c,s,1.00,GBP,5\n"), 200);
}

static void a_full_journal_refuses_an_import(void **state)
{
    (void)state;
    shop->http.now.journal_full = 1;
    import_text(HEADER "A,a,c,s,1.00,GBP,5\n");
    shop_assert_problem(shop, 503, "journal_full");
    assert_int_equal(record.commands, 0);
}

/* Stops after two rows of three, as a crash would, and makes a second shop of the journal: the
 * rows that were recorded, then the spool. */
static struct shop *crash_and_restart(const char *text)
{
    uint32_t size = (uint32_t)strlen(text);
    begin_request("POST /admin/v1/import", size, OPERATOR "Content-Type: text/csv\r\n");
    assert_true(import_begin(shop->import, &shop->http, shop->request, size));
    import_feed(shop->import, bytes_of(text, size));
    record.stop_at = 3;
    for (uint32_t i = 0; i < 10; i++)
        assert_null(import_tick(shop->import, &shop->http, &host));
    assert_int_equal(record.rows, 2);
    struct shop *again = shop_open(NULL);
    char from[128], to[128];
    snprintf(from, sizeof(from), "%s/import.spool", shop->directory);
    snprintf(to, sizeof(to), "%s/import.spool", again->directory);
    assert_int_equal(rename(from, to), 0);
    import_note(again->import, &record.begun);
    engine_replay(again->engine, &record.begun);
    shop_close(shop);
    shop = again;
    /* The two rows as their records say. */
    static const char *const skus[] = {"A", "B"};
    for (uint32_t i = 0; i < 2; i++) {
        struct product_image image = {.sku = bytes_of_string(skus[i]),
            .title = BYTES("a"),
            .category = BYTES("c"),
            .seller = BYTES("s"),
            .stock = 5,
            .in_import = 1,
            .price_count = 1,
            .prices = {{.currency = "GBP", .amount = 100}}};
        shop_sell_as(shop, &image);
    }
    record.stop_at = 0;
    return shop;
}

static void an_import_cut_short_by_a_crash_is_finished(void **state)
{
    (void)state;
    char error[256];
    crash_and_restart(HEADER "A,a,c,s,1.00,GBP,5\nB,a,c,s,1.00,GBP,5\nC,a,c,s,1.00,GBP,5\n");
    assert_int_equal(catalog_find(&shop->shelf.catalog, BYTES("A")), SKU_NONE);
    assert_int_equal(import_resume(shop->import, error, sizeof(error)), 0);
    assert_false(import_is_idle(shop->import));
    for (uint32_t i = 0; i < 10 && !import_is_idle(shop->import); i++)
        assert_null(import_tick(shop->import, &shop->http, &host));
    assert_true(import_is_idle(shop->import));
    static const char *const skus[] = {"A", "B", "C"};
    for (uint32_t i = 0; i < 3; i++) {
        char line[64];
        snprintf(line, sizeof(line), "GET /admin/v1/stock/%s", skus[i]);
        shop_ask(shop, line, OPERATOR, NULL);
        shop_assert_body(shop, "\"allotment\":5,\"available\":5");
    }
    assert_int_equal(import_text(HEADER "A,a,c,s,1.00,GBP,5\n"), 200);
    shop_assert_body(shop, "\"unchanged\":1");
}

static void a_spool_that_is_another_file_stops_the_start(void **state)
{
    (void)state;
    char error[256], path[128];
    crash_and_restart(HEADER "A,a,c,s,1.00,GBP,5\nB,a,c,s,1.00,GBP,5\nC,a,c,s,1.00,GBP,5\n");
    snprintf(path, sizeof(path), "%s/import.spool", shop->directory);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    fputs("SKU", file);
    fclose(file);
    assert_true(import_resume(shop->import, error, sizeof(error)) < 0);
    assert_non_null(strstr(error, path));
}

static void a_spool_that_is_gone_stops_the_start(void **state)
{
    (void)state;
    char error[256], path[128];
    crash_and_restart(HEADER "A,a,c,s,1.00,GBP,5\nB,a,c,s,1.00,GBP,5\nC,a,c,s,1.00,GBP,5\n");
    snprintf(path, sizeof(path), "%s/import.spool", shop->directory);
    unlink(path);
    assert_int_equal(import_resume(shop->import, error, sizeof(error)), -ENOENT);
    assert_non_null(strstr(error, path));
}

/* T4: of a journal that begins behind the record of the beginning, an image tells of the import */
static void a_restated_import_is_finished_too(void **state)
{
    (void)state;
    char error[256];
    struct event image = {.kind = EVENT_IMPORT_IMAGE, .fact.import.size = 5};
    import_note(shop->import, &image);
    assert_int_equal(import_resume(shop->import, error, sizeof(error)), -ENOENT);
}

static void a_finished_import_needs_no_spool(void **state)
{
    (void)state;
    char error[256];
    struct event done = {.kind = EVENT_IMPORT_DONE};
    record.begun = (struct event){.kind = EVENT_IMPORT_BEGUN};
    import_note(shop->import, &record.begun);
    import_note(shop->import, &done);
    assert_int_equal(import_resume(shop->import, error, sizeof(error)), 0);
    assert_true(import_is_idle(shop->import));
}

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(rows_are_created_updated_or_unchanged),
        IN_SHOP(new_products_are_seen_together_with_the_last_row),
        IN_SHOP(a_file_with_errors_changes_nothing_and_names_them_all),
        IN_SHOP(a_hundred_errors_are_told_and_all_are_counted),
        IN_SHOP(a_catalog_that_does_not_fit_is_refused_whole),
        IN_SHOP(a_dry_run_counts_and_changes_nothing),
        IN_SHOP(heads_that_make_no_sense_are_refused),
        IN_SHOP(one_import_at_a_time_and_not_too_large),
        IN_SHOP(no_import_while_a_sale_leaves),
        IN_SHOP(a_spool_that_cannot_be_written_is_told),
        IN_SHOP(a_full_journal_refuses_an_import),
        IN_SHOP(an_import_cut_short_by_a_crash_is_finished),
        IN_SHOP(a_spool_that_is_another_file_stops_the_start),
        IN_SHOP(a_spool_that_is_gone_stops_the_start),
        IN_SHOP(a_restated_import_is_finished_too),
        IN_SHOP(a_finished_import_needs_no_spool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
