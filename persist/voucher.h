/* SPDX-License-Identifier: Apache-2.0 */
/*
 * voucher - looks behind the end of a shard's journal for a batch that proves the end wrong.
 *
 *     [.. batch n][?  missing n+1 ]......[batch n+2]     n+2 vouches for n+1: this is damage
 *
 * A shard has one write in flight, so the header of n+2 exists only if n+1 was acknowledged. A
 * header of n+1 itself is expected where n+1 would be written, chained to n: that is the torn tail.
 * Lower numbers are old, of earlier laps too. Where the header of a file is damaged nothing is
 * expected, since a batch goes only behind a header that is durable.
 *
 * Ownership  The caller's buffer of READER_CHUNK_SIZE bytes, aligned to 4 KiB.
 * Threads    One, at start.
 * Units      Bytes.
 * Errors     1: found, `found` is its header with the place where it is. 0: nothing. -errno of
 *            reading.
 * Cost       Reads the rest of the segment, the whole next one, all of a file whose header is
 *            damaged, and one block of each other file.
 */
#ifndef HOTSHELF_PERSIST_VOUCHER_H
#define HOTSHELF_PERSIST_VOUCHER_H

#include "persist/batch.h"
#include "persist/datadir.h"
#include "persist/segment_map.h"

int voucher_find(const struct datadir *directory, uint32_t shard, const struct segment_map *map,
    const struct chain *chain, uint8_t *buffer, struct batch_header *found);

#endif
