/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restated - the images of shard 0 say all that shard 0 knows besides its tables.
 *
 * Ownership  A shelf and an engine of its own while it runs.
 * Threads    One.
 * Units      None.
 * Errors     CHECK.
 * Cost       A copy of the catalog, by records.
 */
#ifndef HOTSHELF_TESTS_CORE_RESTATED_H
#define HOTSHELF_TESTS_CORE_RESTATED_H

#include "tests/core/shop.h"

/* What an image is applied to besides the shop; NULL: only that. */
typedef void (*restated_seen)(struct engine *twin, struct event *image);

/* Everything of the shop's shard 0, which must be settled, is restated into an empty engine, and
 * once more into the same: then both have the same digest. Each image is shown before. */
void restated_check(struct shop *shop, restated_seen seen);

#endif
