/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv - reads RFC 4180 records from a text in memory, field by field.
 *
 * A byte order mark, CRLF, quoted fields with commas, line breaks and doubled quotes are
 * understood. Fields are unquoted in place, so the text is written to.
 *
 * Ownership  The text is the caller's; fields point into it and live as long as it does.
 * Threads    One at a time.
 * Units      Lines count from 1, as an editor shows them.
 * Errors     CSV_BROKEN with `reason` and `line` set; the reader is then of no more use.
 * Cost       O(bytes).
 */
#ifndef HOTSHELF_LOADTEST_CSV_H
#define HOTSHELF_LOADTEST_CSV_H

#include <stddef.h>
#include <stdint.h>

#define CSV_FIELDS_MAX 32

struct csv_field {
    const char *data;
    size_t size;
};

struct csv_reader {
    char *at;
    char *end;
    uint64_t line;      /* of the record last read */
    uint64_t next_line; /* of the byte to be read next */
    const char *reason;
    struct csv_field field[CSV_FIELDS_MAX];
    uint32_t field_count;
};

enum csv_result { CSV_RECORD, CSV_END, CSV_BROKEN };

struct csv_reader csv_over(char *text, size_t size);

/* The next record that is not an empty line, into field[0 .. field_count - 1]. */
enum csv_result csv_next(struct csv_reader *reader);

#endif
