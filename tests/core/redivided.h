/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redivided - a shop that starts again with another number of shards.
 *
 * Ownership  The shop's engines and logs are replaced.
 * Threads    One.
 * Units      Shards.
 * Errors     CHECK.
 * Cost       A recovery of the shop, and one of what was written for the new shards.
 */
#ifndef HOTSHELF_TESTS_CORE_REDIVIDED_H
#define HOTSHELF_TESTS_CORE_REDIVIDED_H

#include "tests/core/shop.h"

/* A clean stop, a start with so many shards. False: refused, and the shop is as it was. */
bool shop_redivide(struct shop *shop, uint32_t shards);

#endif
