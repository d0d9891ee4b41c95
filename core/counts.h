/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counts - what customers may see of a number of units, as the sale says (A5): the one place that
 * decides it, for every reply and error.
 *
 *     exact      the number            capped:N   the number, and N for all above it
 *     boolean    whether it is zero
 *
 * Who may see a number may also infer it: an answer that costs nothing ("would so many units
 * do?") is given only up to counts_known(). An attempt that takes the units when it can is
 * answered as it went.
 *
 * Ownership  Plain values.
 * Threads    Any.
 * Units      Units of stock.
 * Errors     None.
 * Cost       A comparison or two.
 */
#ifndef HOTSHELF_CORE_COUNTS_H
#define HOTSHELF_CORE_COUNTS_H

#include "core/catalog.h"

/* Stands where a count is hidden. No refusal tells of so many units: whoever is refused asked for
 * more than there are. */
#define COUNT_HIDDEN UINT32_MAX

static inline bool counts_are_hidden(const struct sale *sale)
{
    return sale->counts == COUNTS_BOOLEAN;
}

/* The largest number that everybody may know: whether this many are there, and any below. */
static inline uint32_t counts_known(const struct sale *sale)
{
    if (sale->counts == COUNTS_EXACT)
        return UINT32_MAX;
    return sale->counts == COUNTS_CAPPED ? sale->counts_cap : 1;
}

static inline uint32_t counts_shown(const struct sale *sale, uint32_t units)
{
    if (counts_are_hidden(sale))
        return COUNT_HIDDEN;
    return units < counts_known(sale) ? units : counts_known(sale);
}

#endif
