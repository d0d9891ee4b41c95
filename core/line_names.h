/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line_names - walks TEXT_NAMES of an event: sku, seller and sale of each line, in line order.
 *
 *     [size][sku...][size][seller...][size][sale...]  [size][sku...] ...
 *
 * Ownership  Names borrow the event's text.
 * Threads    None.
 * Units      Sizes in bytes, one length byte each; size 0: the line has no such name.
 * Errors     line_names_next() answers false at the end and when the text is cut short.
 * Cost       O(1) a line.
 */
#ifndef HOTSHELF_CORE_LINE_NAMES_H
#define HOTSHELF_CORE_LINE_NAMES_H

#include "core/bytes.h"

struct line_names {
    struct bytes sku, seller, sale;
};

static inline bool line_names_take(struct bytes *rest, struct bytes *name)
{
    if (rest->size == 0 || rest->size - 1 < rest->data[0])
        return false;
    *name = bytes_of(rest->data + 1, rest->data[0]);
    rest->data += 1 + name->size;
    rest->size -= 1 + name->size;
    return true;
}

/* The names of the next line; `rest` starts as the whole text and is moved on. */
static inline bool line_names_next(struct bytes *rest, struct line_names *names)
{
    return line_names_take(rest, &names->sku) && line_names_take(rest, &names->seller) &&
           line_names_take(rest, &names->sale);
}

#endif
