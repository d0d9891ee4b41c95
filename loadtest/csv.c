/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record is fields up to the end of a line. A quoted field may run over several lines: its
 * doubled quotes are folded in place, which only ever makes it shorter. What can go wrong: text
 * after a closing quote, a quote that is never closed, more fields than CSV_FIELDS_MAX.
 */
#include "loadtest/csv.h"

#include <stdbool.h>
#include <string.h>

struct csv_reader csv_over(char *text, size_t size)
{
    size_t mark = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    return (struct csv_reader){.at = text + mark, .end = text + size, .next_line = 1};
}

static enum csv_result broken(struct csv_reader *reader, const char *reason)
{
    reader->reason = reason;
    return CSV_BROKEN;
}

static void read_plain(struct csv_reader *reader, struct csv_field *field)
{
    char *start = reader->at;
    while (reader->at < reader->end && *reader->at != ',' && *reader->at != '\n')
        reader->at++;
    char *stop = reader->at;
    bool at_line_end = reader->at == reader->end || *reader->at == '\n';
    if (at_line_end && stop > start && stop[-1] == '\r')
        stop--;
    *field = (struct csv_field){.data = start, .size = (size_t)(stop - start)};
}

/* After the opening quote. False when the text ends before the closing one. */
static bool read_quoted(struct csv_reader *reader, struct csv_field *field)
{
    char *start = reader->at;
    char *stop = start;
    while (reader->at < reader->end) {
        char character = *reader->at++;
        if (character == '"') {
            if (reader->at == reader->end || *reader->at != '"') {
                *field = (struct csv_field){.data = start, .size = (size_t)(stop - start)};
                return true;
            }
            reader->at++;
        }
        if (character == '\n')
            reader->next_line++;
        *stop++ = character;
    }
    return false;
}

static enum csv_result read_field(struct csv_reader *reader, struct csv_field *field)
{
    if (reader->at == reader->end || *reader->at != '"') {
        read_plain(reader, field);
        return CSV_RECORD;
    }
    reader->at++;
    if (!read_quoted(reader, field))
        return broken(reader, "a quote is never closed");
    if (reader->end - reader->at >= 2 && reader->at[0] == '\r' && reader->at[1] == '\n')
        reader->at++;
    if (reader->at < reader->end && *reader->at != ',' && *reader->at != '\n')
        return broken(reader, "text after a closing quote");
    return CSV_RECORD;
}

static void skip_empty_lines(struct csv_reader *reader)
{
    while (reader->at < reader->end && (*reader->at == '\n' || *reader->at == '\r')) {
        if (*reader->at == '\n')
            reader->next_line++;
        reader->at++;
    }
}

enum csv_result csv_next(struct csv_reader *reader)
{
    skip_empty_lines(reader);
    reader->line = reader->next_line;
    reader->field_count = 0;
    if (reader->at == reader->end)
        return CSV_END;
    while (reader->field_count < CSV_FIELDS_MAX) {
        if (read_field(reader, &reader->field[reader->field_count]) == CSV_BROKEN)
            return CSV_BROKEN;
        reader->field_count++;
        if (reader->at == reader->end)
            return CSV_RECORD;
        if (*reader->at++ == '\n') {
            reader->next_line++;
            return CSV_RECORD;
        }
    }
    return broken(reader, "more columns than a file of orders can have");
}
