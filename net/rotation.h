/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rotation - other keys and tokens while the shop is open: SIGHUP.
 *
 *     files --> the slot that nobody uses --> shards->identity --> each shard, at its next tick
 *                                                                    |
 *               the old slot is wiped <---- when all have moved -----+
 *
 * All files of [auth] are read anew but that of guests, whose tokens are what carts are kept under.
 * One that can not be used leaves everything as it was. Tokens that were verified before are
 * verified once more: the epoch is another one.
 *
 * Ownership  The house has both slots.
 * Threads    The main thread, while the shards run.
 * Units      None.
 * Errors     A line on stderr, which names file and line and shows no secret.
 * Cost       The files, and one tick of each shard. Nothing is kept but the slots.
 */
#ifndef HOTSHELF_NET_ROTATION_H
#define HOTSHELF_NET_ROTATION_H

#include "net/house.h"

/* Answers whether the files are in force now. */
bool rotation_run(struct house *house);

#endif
