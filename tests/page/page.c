/* SPDX-License-Identifier: Apache-2.0 */
/* A page carries texts of others and stays the page it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "page/page.h"

static char *write_page(const struct page *page)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    assert_non_null(memory);
    assert_int_equal(page_write(memory, page), 0);
    assert_int_equal(fclose(memory), 0);
    assert_int_equal(strlen(text), size);
    return text;
}

static uint32_t count(const char *text, const char *what)
{
    uint32_t found = 0;
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        found++;
    return found;
}

static void every_kind_is_one_whole_document(void **state)
{
    (void)state;
    for (int kind = 0; kind < PAGE_KINDS; kind++) {
        struct page page = {.kind = (enum page_kind)kind,
            .title = "a title",
            .description = "a description",
            .json = "{\"a\": 1}",
            .json_size = 8};
        char *text = write_page(&page);
        assert_int_equal(strncmp(text, "<!DOCTYPE html>", 15), 0);
        assert_int_equal(count(text, "<title>a title</title>"), 1);
        assert_int_equal(count(text, "content=\"a description\""), 1);
        assert_int_equal(count(text, "type=\"application/json\">{\"a\": 1}</script>"), 1);
        assert_int_equal(count(text, "<script"), 2);
        assert_int_equal(count(text, "</html>"), 1);
        assert_int_equal(count(text, "page.show(render"), 1);
        free(text);
    }
}

static void no_text_ends_the_element_it_stands_in(void **state)
{
    (void)state;
    const char json[] = "{\"a\": \"</script><script>alert(1)</script><!--\"}";
    struct page page = {.kind = PAGE_RUN,
        .title = "</title><script>&\"",
        .description = "\"><script>",
        .json = json,
        .json_size = sizeof json - 1};
    char *text = write_page(&page);
    assert_int_equal(count(text, "<script"), 2);
    assert_int_equal(count(text, "</script"), 2);
    assert_int_equal(count(text, "</title"), 1);
    assert_int_equal(count(text, "&lt;/title&gt;&lt;script&gt;&amp;&quot;</title>"), 1);
    assert_int_equal(count(text, "{\"a\": \"\\u003c/script>\\u003cscript>alert(1)\\u003c/script>"
                                 "\\u003c!--\"}"),
        1);
    free(text);
}

static void a_page_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    struct page page = {.title = "", .description = "", .json = "1", .json_size = 1};
    assert_true(page_write_file("/nowhere/at/all.html", &page) < 0);
    assert_true(page_write_file("/dev/full", &page) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_one_whole_document),
        cmocka_unit_test(no_text_ends_the_element_it_stands_in),
        cmocka_unit_test(a_page_that_cannot_be_written_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
