/* SPDX-License-Identifier: Apache-2.0 */
/*
 * references - what a shop wants to find again with an order: names and values that are ours to
 * keep and to stream, and nothing else.
 *
 *     add, in any order --> sorted by name --write--> {"cart":"c-1","channel":"app"}
 *
 * The JSON has its members in the order of their names, so that the same references in another
 * order, or over another protocol, are the same request (I3).
 *
 * Ownership  Names and values borrow from the request's bytes.
 * Threads    None: plain values.
 * Units      Bytes.
 * Errors     enum reference_fault; size 0 for JSON that is larger than REFERENCES_SIZE_MAX.
 * Cost       At most eight of them.
 */
#ifndef HOTSHELF_NET_HTTP_REFERENCES_H
#define HOTSHELF_NET_HTTP_REFERENCES_H

#include "core/bytes.h"
#include "core/limits.h"

enum { REFERENCE_NAME_SIZE_MAX = 32, REFERENCE_VALUE_SIZE_MAX = 127 };

enum reference_fault {
    REFERENCE_ADDED,
    REFERENCE_NAME,        /* no name of one */
    REFERENCE_TWICE,       /* the name is there already */
    REFERENCE_CARD_NUMBER, /* the value looks like one */
    REFERENCE_TOO_MANY,
};

struct references {
    uint32_t count;
    struct {
        struct bytes name, value;
    } list[REFERENCES_MAX];
};

bool references_name_is_valid(struct bytes name);
/* The value is UTF-8 of at most REFERENCE_VALUE_SIZE_MAX bytes: the caller has seen to it. */
enum reference_fault references_add(
    struct references *references, struct bytes name, struct bytes value);
/* Answers the size of the JSON. */
uint32_t references_write(const struct references *references, uint8_t text[REFERENCES_SIZE_MAX]);

#endif
