/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shelf - which SKUs the shop shows: what a crowd that is made up may want.
 *
 * Ownership  shelf_read() opens the names, the caller closes them.
 * Threads    One; it blocks until the last page is here, or nothing new comes for so many seconds.
 * Units      SKUs in the order shown, SHELF_SKUS_MAX at most.
 * Errors     -1 after one line on stderr: nobody answers, pages do not end, the shelf is empty.
 * Cost       A request for each page of 200 products, none when the SKUs are listed.
 */
#ifndef HOTSHELF_LOADTEST_SHELF_H
#define HOTSHELF_LOADTEST_SHELF_H

#include "loadtest/names.h"
#include "loadtest/scenario.h"

#define SHELF_SKUS_MAX 1000000u

/* The SKUs that `wishes` list, or the products of its sale, or all products. */
int shelf_read(struct names *skus, const struct scenario_baskets *wishes, const char *url,
    uint32_t patience_seconds);

#endif
