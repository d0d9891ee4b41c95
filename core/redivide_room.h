/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redivide_room - what of the old shards falls to which new one (redivide.h): asked when it is
 * counted and again when it is written, so that both say the same.
 *
 * Ownership  None.
 * Threads    As redivide.h.
 * Units      `from` is an old shard, `shard` a new one.
 * Errors     None.
 * Cost       Of a key nothing, of a slot a look-up in each old shard before `from`.
 */
#ifndef HOTSHELF_CORE_REDIVIDE_ROOM_H
#define HOTSHELF_CORE_REDIVIDE_ROOM_H

#include "core/redivide.h"
#include "core/tables.h"

uint32_t redivide_share_of_key(const struct redivide *redivide, const struct key_entry *entry);
/* A slot of the table of units sold in forgotten orders: what several old shards have of a SKU
 * falls to one new shard, once. */
bool redivide_gone_is_of(
    const struct redivide *redivide, uint32_t from, uint32_t index, uint32_t shard);

#endif
