/* SPDX-License-Identifier: Apache-2.0 */
/*
 * actors_parts - what the files of the actors share: how they choose.
 *
 * Ownership  None.
 * Threads    One.
 * Units      See ask.h.
 * Errors     None.
 * Cost       A few draws of the dice.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_ACTORS_PARTS_H
#define HOTSHELF_TESTS_SIMULATE_ACTORS_PARTS_H

#include "tests/simulate/actors.h"

uint32_t below(struct world *world, uint32_t bound);
bool once_in(struct world *world, uint32_t times);
int some_sku(struct world *world);
/* Half of the time one of a few: they have carts, orders, allowances. */
int some_customer(struct world *world);
int some_currency(struct world *world);
/* A new one, or one of a few that come again. */
uint32_t some_key(struct world *world);
struct adjusting some_adjustments(struct world *world);
/* An order that is kept, or was seen before and may be gone, or never was. */
void some_order(struct world *world, struct ask *ask);
/* An order that is kept, with its customer, comes more often until the next call; NULL: none. */
const struct sold_order *bear_in_mind(struct world *world);
/* NULL when it is gone. */
const struct sold_order *order_asked(const struct world *world, const struct ask *ask);

void merchant_changes_product(struct world *world);
void merchant_removes_sale(struct world *world);
void merchant_changes_sale(struct world *world);
void merchant_changes_stock(struct world *world);
void merchant_reads_stock(struct world *world);
void merchant_imports(struct world *world);
void merchant_decides(struct world *world);
void merchant_switches(struct world *world);
void bank_reports(struct world *world);

#endif
