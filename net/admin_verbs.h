/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_verbs - the admin calls from a shell: switches, stock, prices.
 *
 * Each prints the server's answer, as JSON, to `out`; a refusal goes to the standard error.
 *
 * Ownership  None is kept.
 * Threads    One; they block until the server has answered.
 * Units      Units of stock; a price as merchants write it, "45.00".
 * Errors     The exit status: 0 when the server did it, 1 with the reason otherwise.
 * Cost       One call; of admin_price() two.
 */
#ifndef HOTSHELF_NET_ADMIN_VERBS_H
#define HOTSHELF_NET_ADMIN_VERBS_H

#include <stdio.h>

#include "net/config.h"

/* action: "pause", "freeze", "kill" or "resume"; scope: "all", "sale:NAME" or "sku:SKU". */
int admin_switch(const struct config *config, const char *action, const char *scope, FILE *out);
/* Adds to the allotment, or takes away. */
int admin_stock(const struct config *config, const char *sku, long long delta, FILE *out);
/* In the currency that the product has. */
int admin_price(const struct config *config, const char *sku, const char *price, FILE *out);

#endif
