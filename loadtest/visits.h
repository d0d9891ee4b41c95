/* SPDX-License-Identifier: Apache-2.0 */
/*
 * visits - who comes, as what kind of visitor, and wanting what.
 *
 *     arrivals --a moment each--> visit n --is of one kind, wants--> basket n
 *
 * A visit and its basket have the same number, so the ledger has a page for each visit and judges
 * a crowd that was made up as it judges the baskets of a real sale. Who looks only has a page that
 * stays empty; a searcher wants nothing, its basket has no lines.
 *
 * Ownership  visits_make() takes the memory of visits and of baskets; visits_free() and
 *            baskets_free() give it back.
 * Threads    Read-only once made.
 * Units      As baskets.h.
 * Errors     -1 after one line on stderr.
 * Cost       O(visits + lines).
 */
#ifndef HOTSHELF_LOADTEST_VISITS_H
#define HOTSHELF_LOADTEST_VISITS_H

#include "loadtest/baskets.h"
#include "loadtest/scenario.h"

struct visits {
    uint8_t *behaviour; /* enum behaviour, by visit */
    uint32_t count;
    uint32_t count_of[BEHAVIOURS];
};

/* Kinds for baskets that are there already, as those of a file are. */
int visits_assign(struct visits *visits, const struct scenario *scenario, uint32_t count);

/* Kinds, and baskets of SKUs that stand in baskets->skus; customers are named after the run. */
int visits_make(struct visits *visits, struct baskets *baskets, const struct scenario *scenario,
    uint32_t count, const char *run);

void visits_free(struct visits *visits);

#endif
