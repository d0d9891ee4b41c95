/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 4180 rows. Each text is read whole, in pieces of every size, and from exact heap copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/http/csv.h"

enum { ROW_SIZE = 32 };

/* Rows as text: fields between | and a line for each row, with the line it began on; then how it
 * ended. */
struct outcome {
    char text[1024];
    size_t size;
};

static void write_row(struct outcome *outcome, const struct csv_reader *csv)
{
    outcome->size += (size_t)snprintf(
        outcome->text + outcome->size, sizeof outcome->text - outcome->size, "%u", csv->row_line);
    for (uint32_t i = 0; i < csv->field_count; i++)
        outcome->size +=
            (size_t)snprintf(outcome->text + outcome->size, sizeof outcome->text - outcome->size,
                "|%.*s", (int)csv->field[i].size, csv->field[i].data);
    outcome->size +=
        (size_t)snprintf(outcome->text + outcome->size, sizeof outcome->text - outcome->size, "\n");
}

/* Whether the reader wants another piece. */
static bool read_rows(struct outcome *outcome, struct csv_reader *csv)
{
    for (;;) {
        switch (csv_next(csv)) {
        case CSV_ROW:
            write_row(outcome, csv);
            break;
        case CSV_MORE:
            return true;
        case CSV_END:
            return false;
        case CSV_FAULT:
            snprintf(outcome->text + outcome->size, sizeof outcome->text - outcome->size,
                "%u:%u %s", csv->fault_line, csv->fault_column, csv->fault);
            return false;
        }
    }
}

static struct outcome read_in_pieces(struct bytes text, uint32_t piece_size)
{
    static uint8_t row[ROW_SIZE];
    struct outcome outcome = {.size = 0};
    struct csv_reader csv;
    bool wants_more = true;
    csv_open(&csv, row, ROW_SIZE);
    for (uint32_t at = 0; at < text.size && wants_more; at += piece_size) {
        uint32_t size = text.size - at < piece_size ? text.size - at : piece_size;
        uint8_t *piece = malloc(size);
        assert_non_null(piece);
        memcpy(piece, text.data + at, size);
        csv_feed(&csv, bytes_of(piece, size));
        wants_more = read_rows(&outcome, &csv);
        free(piece);
    }
    csv_finish(&csv);
    if (wants_more)
        read_rows(&outcome, &csv);
    return outcome;
}

static void assert_rows(struct bytes text, const char *wanted)
{
    for (uint32_t piece_size = 1; piece_size <= text.size + 1; piece_size++) {
        struct outcome outcome = read_in_pieces(text, piece_size);
        assert_string_equal(outcome.text, wanted);
    }
}

static void rows_are_read(void **state)
{
    (void)state;
    assert_rows(BYTES(""), "");
    assert_rows(BYTES("a"), "1|a\n");
    assert_rows(BYTES("a,b\nc,d\n"), "1|a|b\n2|c|d\n");
    assert_rows(BYTES("a,b\r\nc,d\r\n"), "1|a|b\n2|c|d\n");
    assert_rows(BYTES("a,b\r\nc,d"), "1|a|b\n2|c|d\n");
    assert_rows(BYTES(",\n,,"), "1||\n2|||\n");
    assert_rows(BYTES(" a , b \n"), "1| a | b \n");
    assert_rows(BYTES("\xc3\xa9,\xe2\x82\xac\n"), "1|\xc3\xa9|\xe2\x82\xac\n");
}

static void quoted_fields_are_read(void **state)
{
    (void)state;
    assert_rows(BYTES("\"a\",\"b\"\n"), "1|a|b\n");
    assert_rows(BYTES("\"a,b\",c\n"), "1|a,b|c\n");
    assert_rows(BYTES("\"say \"\"hi\"\"\"\n"), "1|say \"hi\"\n");
    assert_rows(BYTES("\"\"\"\"\n\"\"\n"), "1|\"\n2|\n");
    assert_rows(BYTES("\"a\nb\",c\nd,e\n"), "1|a\nb|c\n3|d|e\n");
    assert_rows(BYTES("\"a\r\n\r\nb\"\r\nd"), "1|a\r\n\r\nb\n4|d\n");
    assert_rows(BYTES("a,\"b\""), "1|a|b\n");
}

static void a_byte_order_mark_is_skipped(void **state)
{
    (void)state;
    assert_rows(BYTES("\xef\xbb\xbf"
                      "a,b\n"),
        "1|a|b\n");
    assert_rows(BYTES("\xef\xbb\xbf"
                      "\"a\"\n"),
        "1|a\n");
    assert_rows(BYTES("\xef\xbb\xbf"), "");
    assert_rows(BYTES("\xef\xbb\xbe,b\n"), "1|\xef\xbb\xbe|b\n");
    assert_rows(BYTES("\xef\xbb"), "1:1 the file ends within its byte order mark");
}

static void empty_lines_are_skipped(void **state)
{
    (void)state;
    assert_rows(BYTES("\n\na\n\r\n\nb\n\n"), "3|a\n6|b\n");
}

static void faults_name_line_and_column(void **state)
{
    (void)state;
    assert_rows(
        BYTES("a,b\nc,d\"e\n"), "1|a|b\n2:4 a quote inside a field that does not begin with one");
    assert_rows(BYTES("a\n\"b\" c\n"), "1|a\n2:4 text behind a closing quote");
    assert_rows(BYTES("a\n\"b\nc\nd"), "1|a\n2:1 a quote that is not closed");
    assert_rows(BYTES("a,\"b\"\"\n"), "1:3 a quote that is not closed");
    assert_rows(BYTES("a\rb\n"), "1:3 a carriage return without a line feed");
    assert_rows(BYTES("a\r"), "1:3 a carriage return without a line feed");
    assert_rows(BYTES("a\r\r\n"), "1:3 a carriage return without a line feed");
    assert_rows(BYTES("a\0b\n"), "1:2 a NUL byte");
    assert_rows(BYTES("\"a\0\"\n"), "1:3 a NUL byte");
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    assert_rows(
        BYTES("0123456789012345678901234567890,1\n"), "1|0123456789012345678901234567890|1\n");
    struct outcome outcome = read_in_pieces(BYTES("0123456789012345678901234567890,12\n"), 100);
    assert_non_null(strstr(outcome.text, "the row is too long"));
    outcome = read_in_pieces(BYTES("\"0123456789012345678901234567890123\"\n"), 1);
    assert_string_equal(outcome.text, "1:34 the row is too long");
    char commas[CSV_FIELDS_MAX + 1];
    memset(commas, ',', sizeof commas);
    outcome = read_in_pieces(bytes_of(commas, CSV_FIELDS_MAX - 1), 100);
    assert_null(strstr(outcome.text, "too many"));
    outcome = read_in_pieces(bytes_of(commas, CSV_FIELDS_MAX), 100);
    assert_non_null(strstr(outcome.text, "the row has too many fields"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read),
        cmocka_unit_test(quoted_fields_are_read),
        cmocka_unit_test(a_byte_order_mark_is_skipped),
        cmocka_unit_test(empty_lines_are_skipped),
        cmocka_unit_test(faults_name_line_and_column),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
