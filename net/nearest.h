/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nearest - the name that somebody probably meant: "did you mean hold_seconds?".
 *
 *     struct nearest nearest = nearest_to(BYTES("hold_second"));
 *     nearest_offer(&nearest, "hold_seconds"); ...
 *     nearest_name(&nearest)                             -> "hold_seconds"
 *
 * Distance is the number of letters to insert, remove, replace or swap with their neighbour.
 *
 * Ownership  Borrows the word and the best name offered.
 * Threads    None: a plain value.
 * Units      Sizes in bytes.
 * Errors     None; a name too far away (more than a third of its letters) is not proposed.
 * Cost       O(size of the word * size of the name) for each offer; for error messages only.
 */
#ifndef HOTSHELF_NET_NEAREST_H
#define HOTSHELF_NET_NEAREST_H

#include "core/bytes.h"

enum { NEAREST_SIZE_MAX = 63 }; /* of a word or name; longer ones are never near */

struct nearest {
    struct bytes word;
    const char *best;
    uint32_t best_distance;
};

struct nearest nearest_to(struct bytes word);
void nearest_offer(struct nearest *nearest, const char *name);

/* The nearest of the names offered, NULL when none is near. */
const char *nearest_name(const struct nearest *nearest);

#endif
