/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk - goes over the products on the shelf, those that match, one bounded page at a time.
 *
 *     slots of the catalog   0 1 2 3 4 5 6 7 8 ...
 *                            cursor --> next matching ... at most `limit` found, so many looked at
 *
 * The order is that of the slots, which products keep: a list that grows while it is paged shows
 * every product that was there all the time exactly once.
 *
 * Ownership  A plain value; names borrow from the caller.
 * Threads    Any shard.
 * Units      A cursor is a slot to go on from.
 * Errors     A filter by a name that nobody has matches nothing.
 * Cost       A page looks at WALK_SLOTS_MAX slots and copies the terms of WALK_COPIES_MAX of them,
 *            some 100 us each: it may end early. A walk for a sale or a group copies what is in it.
 */
#ifndef HOTSHELF_NET_HTTP_WALK_H
#define HOTSHELF_NET_HTTP_WALK_H

#include "net/http/offer.h"

enum { WALK_SLOTS_MAX = 16384, WALK_COPIES_MAX = 2048 };

struct walk {
    const struct catalog *catalog;
    uint32_t at;            /* slot to look at next */
    uint32_t end;           /* slot not to look at any more, in this page */
    uint32_t left;          /* products that may still be found */
    uint32_t copies_left;   /* slots whose terms may still be read */
    bool nothing;           /* a filter that cannot match */
    uint32_t sale_number;   /* 0: any */
    uint32_t seller_number; /* 0: any */
    struct bytes category;  /* data NULL: any */
    struct bytes group;
    uint8_t currency[4]; /* all 0: any */
};

struct walk walk_from(const struct http_context *context, uint64_t cursor, uint32_t limit);
void walk_only_sale(struct walk *walk, struct bytes name);
void walk_only_seller(struct walk *walk, struct bytes name);
void walk_only_category(struct walk *walk, struct bytes name);
void walk_only_group(struct walk *walk, struct bytes name);

/* The next product that matches; false at the end of the page. */
bool walk_next(struct walk *walk, uint32_t *sku_index, struct product_terms *terms);

/* The page ends here: the product found last was not shown. */
void walk_back(struct walk *walk, uint32_t sku_index);

/* "next_cursor": a text, or null when every slot has been looked at. */
void walk_put_cursor(const struct walk *walk, struct json_writer *json);

#endif
