/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_fields - what a record is made of, by name: a row for each kind of event, each text and
 * each line, with the name, place and form of every field. Whoever shows a record to a person
 * reads these tables; a new kind is a new row here and no new code.
 *
 * Ownership  Constants.
 * Threads    Any.
 * Units      Offsets and sizes in bytes, within the struct of event.h that the row describes.
 * Errors     A kind without a row has no name and no fields.
 * Cost       None.
 */
#ifndef HOTSHELF_PERSIST_EVENT_FIELDS_H
#define HOTSHELF_PERSIST_EVENT_FIELDS_H

#include <stdint.h>

#include "core/event.h"

enum field_form {
    FIELD_UNSIGNED, /* of 1, 2, 4 or 8 bytes */
    FIELD_SIGNED,   /* of 8 bytes */
    FIELD_WORD,     /* a byte that stands for a word: `words` */
    FIELD_FLAG,     /* a byte, 0 or 1 */
    FIELD_TIME,     /* wall clock; 0 is none */
    FIELD_UUID,
    FIELD_HASH,     /* struct hash128 */
    FIELD_CURRENCY, /* three letters and 0, or 0: none */
};

/* The words of an enum by their number; an empty one is none. */
struct field_words {
    const char *const *words;
    uint32_t count;
};

struct field {
    const char *name;
    uint16_t offset;
    uint16_t size;
    enum field_form form;
    const struct field_words *words; /* FIELD_WORD */
};

struct fields {
    const struct field *field;
    uint32_t count;
    uint32_t size; /* of the struct */
};

struct kind_row {
    const char *name; /* NULL: no such kind */
    struct fields fact;
};

enum text_form {
    TEXT_IS_STRING,   /* UTF-8 */
    TEXT_IS_CUSTOMER, /* a string whose signature, if it has one, is nobody's business */
    TEXT_IS_SECRET,   /* its size is told and nothing else */
    TEXT_IS_ARRAY,    /* elements of equal size */
    TEXT_IS_OF_LINES, /* shown with the lines */
};

struct text_row {
    const char *name;
    enum text_form form;
    struct fields element; /* TEXT_IS_ARRAY */
};

const struct kind_row *event_fields_of_kind(enum event_kind kind);

/* A text means something else in a few kinds. */
const struct text_row *event_fields_of_text(enum event_kind kind, enum event_text text);

struct fields event_fields_of_line(void);
struct fields event_fields_of_hold(void);
/* The prices of a product stand in its fact as an array of price_count. */
struct fields event_fields_of_price(void);

#endif
