/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state per byte, except that the bytes between two that mean something are copied in one go.
 * All that has to outlive a piece is in the reader and in the row buffer, so a piece may end
 * anywhere: within the byte order mark, between CR and LF, between two quotes.
 */
#include "net/http/csv.h"

#include "core/check.h"

static const uint8_t byte_order_mark[3] = {0xef, 0xbb, 0xbf};

enum step { STEP_ON, STEP_ROW, STEP_FAULT };

void csv_open(struct csv_reader *csv, uint8_t *row, uint32_t row_size_max)
{
    CHECK(row_size_max > 0);
    *csv = (struct csv_reader){
        .row = row,
        .row_size_max = row_size_max,
        .row_line = 1,
        .line = 1,
        .column = 1,
    };
}

void csv_feed(struct csv_reader *csv, struct bytes piece)
{
    CHECK(!csv->is_finished);
    CHECK(csv->piece.size == 0 || csv->state == CSV_BROKEN);
    csv->piece = piece;
}

void csv_finish(struct csv_reader *csv)
{
    csv->is_finished = true;
}

static enum step fail_at(struct csv_reader *csv, const char *fault, uint32_t line, uint32_t column)
{
    csv->state = CSV_BROKEN;
    csv->fault = fault;
    csv->fault_line = line;
    csv->fault_column = column;
    return STEP_FAULT;
}

static enum step fail(struct csv_reader *csv, const char *fault)
{
    return fail_at(csv, fault, csv->line, csv->column);
}

static enum step append(struct csv_reader *csv, const uint8_t *bytes, uint32_t size)
{
    if (size > csv->row_size_max - csv->row_size)
        return fail(csv, "the row is too long");
    memcpy(csv->row + csv->row_size, bytes, size);
    csv->row_size += size;
    csv->column += size;
    return STEP_ON;
}

static enum step end_field(struct csv_reader *csv)
{
    if (csv->field_count == CSV_FIELDS_MAX)
        return fail(csv, "the row has too many fields");
    csv->field[csv->field_count++] =
        bytes_of(csv->row + csv->field_start, csv->row_size - csv->field_start);
    csv->field_start = csv->row_size;
    csv->state = CSV_FIELD_START;
    return STEP_ON;
}

/* What csv_next() handed out last is let go. */
static void begin_row(struct csv_reader *csv)
{
    csv->field_count = 0;
    csv->row_size = 0;
    csv->field_start = 0;
    csv->is_quoted = false;
    csv->row_line = csv->line;
}

static enum step end_row(struct csv_reader *csv)
{
    if (end_field(csv) == STEP_FAULT)
        return STEP_FAULT;
    csv->line++;
    csv->column = 1;
    if (csv->field_count == 1 && csv->field[0].size == 0 && !csv->is_quoted) {
        begin_row(csv);
        return STEP_ON; /* an empty line is no row */
    }
    return STEP_ROW;
}

/* The bytes of a plain field up to one that means something. */
static enum step copy_plain(struct csv_reader *csv)
{
    uint32_t size = 0;
    while (size < csv->piece.size) {
        uint8_t byte = csv->piece.data[size];
        if (byte == ',' || byte == '\n' || byte == '\r' || byte == '"' || byte == 0)
            break;
        size++;
    }
    enum step step = append(csv, csv->piece.data, size);
    csv->piece = bytes_of(csv->piece.data + size, csv->piece.size - size);
    return step;
}

static enum step copy_quoted(struct csv_reader *csv)
{
    uint32_t size = 0;
    while (size < csv->piece.size) {
        uint8_t byte = csv->piece.data[size];
        if (byte == '"' || byte == '\n' || byte == 0)
            break;
        size++;
    }
    enum step step = append(csv, csv->piece.data, size);
    csv->piece = bytes_of(csv->piece.data + size, csv->piece.size - size);
    return step;
}

/* A byte at the head of a field, or behind the plain part of one. */
static enum step take_plain(struct csv_reader *csv, uint8_t byte)
{
    switch (byte) {
    case ',':
        csv->column++;
        return end_field(csv);
    case '\n':
        return end_row(csv);
    case '\r':
        csv->column++;
        csv->state = CSV_RETURN;
        return STEP_ON;
    case '"':
        if (csv->state == CSV_PLAIN)
            return fail(csv, "a quote inside a field that does not begin with one");
        csv->quote_line = csv->line;
        csv->quote_column = csv->column++;
        csv->is_quoted = true;
        csv->state = CSV_QUOTED;
        return STEP_ON;
    default:
        csv->state = CSV_PLAIN;
        return append(csv, &byte, 1);
    }
}

static enum step take_quoted(struct csv_reader *csv, uint8_t byte)
{
    if (byte == '"') {
        csv->column++;
        csv->state = CSV_QUOTE;
        return STEP_ON;
    }
    if (append(csv, &byte, 1) == STEP_FAULT)
        return STEP_FAULT;
    if (byte == '\n') {
        csv->line++;
        csv->column = 1;
    }
    return STEP_ON;
}

static enum step take_behind_quote(struct csv_reader *csv, uint8_t byte)
{
    if (byte == '"') {
        csv->state = CSV_QUOTED;
        return append(csv, &byte, 1);
    }
    if (byte != ',' && byte != '\n' && byte != '\r')
        return fail(csv, "text behind a closing quote");
    return take_plain(csv, byte);
}

static enum step take_behind_return(struct csv_reader *csv, uint8_t byte)
{
    return byte == '\n' ? end_row(csv) : fail(csv, "a carriage return without a line feed");
}

/* The first bytes of the file: a whole mark is skipped, a part of one is text after all. */
static enum step take_mark(struct csv_reader *csv, uint8_t byte)
{
    if (byte == byte_order_mark[csv->mark_size]) {
        csv->mark_size++;
        if (csv->mark_size == sizeof byte_order_mark)
            csv->state = CSV_FIELD_START;
        return STEP_ON;
    }
    csv->state = CSV_FIELD_START;
    if (csv->mark_size > 0) {
        csv->state = CSV_PLAIN;
        if (append(csv, byte_order_mark, csv->mark_size) == STEP_FAULT)
            return STEP_FAULT;
    }
    return take_plain(csv, byte);
}

static enum step take(struct csv_reader *csv, uint8_t byte)
{
    if (byte == 0)
        return fail(csv, "a NUL byte");
    switch (csv->state) {
    case CSV_FILE_START:
        return take_mark(csv, byte);
    case CSV_FIELD_START:
    case CSV_PLAIN:
        return take_plain(csv, byte);
    case CSV_QUOTED:
        return take_quoted(csv, byte);
    case CSV_QUOTE:
        return take_behind_quote(csv, byte);
    case CSV_RETURN:
        return take_behind_return(csv, byte);
    case CSV_BROKEN:
        return STEP_FAULT;
    }
    return STEP_FAULT;
}

static enum step read_piece(struct csv_reader *csv)
{
    enum step step = STEP_ON;
    while (csv->piece.size > 0 && step == STEP_ON) {
        uint8_t byte = csv->piece.data[0];
        csv->piece = bytes_of(csv->piece.data + 1, csv->piece.size - 1);
        step = take(csv, byte);
        if (step == STEP_ON && csv->state == CSV_PLAIN)
            step = copy_plain(csv);
        else if (step == STEP_ON && csv->state == CSV_QUOTED)
            step = copy_quoted(csv);
    }
    return step;
}

/* The end of the file stands for the line end that the last row may lack. */
static enum csv_answer read_end(struct csv_reader *csv)
{
    if (csv->state == CSV_QUOTED) {
        fail_at(csv, "a quote that is not closed", csv->quote_line, csv->quote_column);
        return CSV_FAULT;
    }
    if (csv->state == CSV_RETURN) {
        fail(csv, "a carriage return without a line feed");
        return CSV_FAULT;
    }
    if (csv->state == CSV_FILE_START && csv->mark_size > 0) {
        fail(csv, "the file ends within its byte order mark");
        return CSV_FAULT;
    }
    bool is_between_rows = csv->state == CSV_FIELD_START || csv->state == CSV_FILE_START;
    if (is_between_rows && csv->field_count == 0)
        return CSV_END;
    enum step step = end_row(csv);
    return step == STEP_FAULT ? CSV_FAULT : step == STEP_ROW ? CSV_ROW : CSV_END;
}

enum csv_answer csv_next(struct csv_reader *csv)
{
    if (csv->state == CSV_BROKEN)
        return CSV_FAULT;
    if (csv->column == 1 && csv->state == CSV_FIELD_START)
        begin_row(csv);
    enum step step = read_piece(csv);
    if (step == STEP_FAULT)
        return CSV_FAULT;
    if (step == STEP_ROW)
        return CSV_ROW;
    return csv->is_finished ? read_end(csv) : CSV_MORE;
}
