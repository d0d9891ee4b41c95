/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv - rows of an RFC 4180 file that arrives in pieces of any size.
 *
 *     csv_feed(piece)  ->  csv_next()  CSV_ROW, CSV_ROW, .. CSV_MORE  ->  csv_feed(next piece) ..
 *     csv_finish()     ->  csv_next()  the last row, if no line end stood behind it; CSV_END
 *
 * Fields are parted by commas; one in quotes may hold commas, line ends and doubled quotes. Lines
 * end with LF or CR LF. A byte order mark is skipped, and so are empty lines. Not repaired but
 * refused: a quote inside a field that does not begin with one, text behind a closing quote, a
 * carriage return alone, NUL, a row larger than the buffer or with more than CSV_FIELDS_MAX fields.
 *
 * Ownership  The row buffer is the caller's. The fields of a row are valid until the next call of
 *            csv_next(); a piece has to stay until csv_next() says CSV_MORE.
 * Threads    None.
 * Units      Sizes in bytes; lines from 1 as an editor counts them, columns in bytes from 1.
 * Errors     CSV_FAULT with `fault`, its line and column; the reader then stays there.
 * Cost       One pass and one copy, no allocation.
 */
#ifndef HOTSHELF_NET_HTTP_CSV_H
#define HOTSHELF_NET_HTTP_CSV_H

#include "core/bytes.h"

enum { CSV_FIELDS_MAX = 64 };

enum csv_answer { CSV_MORE, CSV_ROW, CSV_END, CSV_FAULT };

enum csv_state {
    CSV_FILE_START, /* a byte order mark may follow */
    CSV_FIELD_START,
    CSV_PLAIN,
    CSV_QUOTED,
    CSV_QUOTE,  /* a quote inside quotes: the field ends, or another quote doubles it */
    CSV_RETURN, /* behind a carriage return */
    CSV_BROKEN,
};

struct csv_reader {
    struct bytes field[CSV_FIELDS_MAX]; /* of the row, once csv_next() says CSV_ROW */
    uint32_t field_count;
    uint32_t row_line; /* where the row began */

    const char *fault; /* static text */
    uint32_t fault_line;
    uint32_t fault_column;

    uint8_t *row;
    uint32_t row_size_max;
    uint32_t row_size;
    struct bytes piece; /* what of it has not been read */
    enum csv_state state;
    uint32_t field_start; /* in row */
    uint32_t line;
    uint32_t column;
    uint32_t quote_line; /* where the quote that is open stood */
    uint32_t quote_column;
    uint8_t mark_size; /* bytes of the byte order mark seen */
    bool is_quoted;    /* the row has a quoted field: it is not an empty line */
    bool is_finished;
};

void csv_open(struct csv_reader *csv, uint8_t *row, uint32_t row_size_max);
void csv_feed(struct csv_reader *csv, struct bytes piece);
void csv_finish(struct csv_reader *csv);
enum csv_answer csv_next(struct csv_reader *csv);

#endif
