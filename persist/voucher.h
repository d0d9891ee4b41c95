/* SPDX-License-Identifier: Apache-2.0 */
/*
 * voucher - looks behind the end of a shard's journal for a batch that proves the end wrong.
 *
 *     [.. batch n][?  missing n+1 ]......[batch n+2]     n+2 vouches for n+1: this is damage
 *
 * A shard has one write in flight, so the header of n+2 exists only if n+1 was acknowledged. A
 * header of n+1 itself is expected where n+1 would be written, chained to n: that is the torn tail.
 * Lower numbers are old.
 *
 * Ownership  The caller's buffer of READER_CHUNK_SIZE bytes, aligned to 4 KiB.
 * Threads    One, at start.
 * Units      Bytes.
 * Errors     1: found, `found` is its header. 0: nothing. -errno of reading.
 * Cost       Reads the rest of the segment, the whole next one, and one block of each later one.
 */
#ifndef HOTSHELF_PERSIST_VOUCHER_H
#define HOTSHELF_PERSIST_VOUCHER_H

#include "persist/batch.h"
#include "persist/datadir.h"

int voucher_find(const struct datadir *directory, uint32_t shard, const struct chain *chain,
    uint8_t *buffer, struct batch_header *found);

#endif
