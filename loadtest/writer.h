/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer - writes text into a buffer of fixed size: requests, keys, the lines of the log.
 *
 * Ownership  The buffer is the caller's and must outlive the writer.
 * Threads    One at a time.
 * Units      Bytes; what was written is not NUL-terminated.
 * Errors     What does not fit is dropped whole and `overflowed` is set; it stays set, so that a
 *            caller looks once, at the end.
 * Cost       O(bytes written).
 */
#ifndef HOTSHELF_LOADTEST_WRITER_H
#define HOTSHELF_LOADTEST_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writer {
    char *data;
    size_t size;
    size_t capacity;
    bool overflowed;
};

struct writer writer_over(char *data, size_t capacity);

void writer_bytes(struct writer *writer, const char *data, size_t size);
void writer_text(struct writer *writer, const char *text);
void writer_number(struct writer *writer, int64_t number);
void writer_format(struct writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A JSON string with its quotes. */
void writer_json_string(struct writer *writer, const char *text);

/* One segment of a path or a value of a query, percent-encoded (RFC 3986). */
void writer_percent_encoded(struct writer *writer, const char *text, size_t size);

#endif
