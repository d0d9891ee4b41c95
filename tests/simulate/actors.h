/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors - customers, the bank, the merchant and the clock: what each would do next.
 *
 * They know what real ones know, and look into the model to be interesting: they pay what an order
 * costs, repeat a key, come a millisecond before a deadline.
 *
 * Ownership  None.
 * Threads    One.
 * Units      See ask.h.
 * Errors     None.
 * Cost       A few draws of the dice.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_ACTORS_H
#define HOTSHELF_TESTS_SIMULATE_ACTORS_H

#include "tests/simulate/world.h"

/* Somebody does something: an ask, or time that passes. */
void actors_step(struct world *world);
/* The merchant sets a product up; `sku` for the first time. */
struct ask merchant_product(struct world *world, int sku, bool first);

#endif
