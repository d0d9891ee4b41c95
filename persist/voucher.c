/* SPDX-License-Identifier: Apache-2.0 */
/*
 * voucher - every block is looked at, because the size of the missing batch is not known. Only a
 * header whose own hash holds and that names this data directory counts, and no record can contain
 * one, so nothing that customers send can be mistaken for it.
 */
#include "persist/voucher.h"

#include "core/bugs.h"
#include "core/check.h"
#include "persist/reader.h"
#include "persist/segment.h"

struct search {
    const struct datadir *directory;
    struct journal_origin origin;
    const struct segment_map *map;
    const struct chain *chain;
    uint8_t *buffer;
    struct batch_header *found;
};

/* Where batch n+1 may have been torn: after n, or where it went if it did not fit there. */
static bool expected_place(const struct search *search, uint32_t segment, uint32_t offset)
{
    const struct chain *chain = search->chain;
    return (segment == chain->segment && offset == chain->offset) ||
           (segment == chain->segment + 1 && offset == SEGMENT_HEADER_SIZE);
}

/* Number 0: the file's header is damaged. */
static bool vouches(
    const struct search *search, const uint8_t *block, uint32_t number, uint32_t offset)
{
    struct batch_header header = {.number = 0};
    enum batch_verdict verdict =
        batch_check_header(block, &search->origin, number, offset, &header);
    if (header.directory != search->origin.directory || header.number <= search->chain->number)
        return false;
    *search->found = header;
    if (number != 0) { /* where it is, not where it says it belongs */
        search->found->segment = number;
        search->found->offset = offset;
    }
    if (verdict != BATCH_VALID || header.number > search->chain->number + 1)
        return true;
    return !expected_place(search, number, offset) || header.previous != search->chain->hash;
}

/* Looks at the blocks of [from, to) of one file. */
static int search_slot(const struct search *search, uint32_t slot, uint32_t from, uint32_t to)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    struct segment_file file;
    uint32_t number = search->map->slots[slot - 1].number;
    datadir_segment_path(search->directory, search->origin.shard, slot, path);
    int result = segment_open(&file, path, SEGMENT_READ, search->directory->buffered);
    while (result == 0 && from < to) {
        uint32_t size = to - from < READER_CHUNK_SIZE ? to - from : READER_CHUNK_SIZE;
        result = segment_read(&file, search->buffer, size, from);
        for (uint32_t i = 0; result == 0 && i < size; i += BATCH_BLOCK_SIZE)
            if (vouches(search, search->buffer + i, number, from + i))
                result = 1;
        from += size;
    }
    segment_close(&file);
    return result;
}

int voucher_find(const struct datadir *directory, uint32_t shard, const struct segment_map *map,
    const struct chain *chain, uint8_t *buffer, struct batch_header *found)
{
    const struct search search = {
        .directory = directory,
        .origin = datadir_origin(directory, shard),
        .map = map,
        .chain = chain,
        .buffer = buffer,
        .found = found,
    };
    uint32_t size = directory->geometry.segment_size;
    CHECK(chain->offset <= size);
    CHECK(chain->offset % BATCH_BLOCK_SIZE == 0);
    if (bug(BUG_VOUCHER_OFF))
        return 0;
    int result = 0;
    for (uint32_t slot = 1; result == 0 && slot <= map->count; slot++) {
        const struct segment_slot *is = &map->slots[slot - 1];
        bool whole = is->damaged || is->number == chain->segment + 1;
        if (is->number == chain->segment)
            result = search_slot(&search, slot, chain->offset, size);
        else
            result = search_slot(&search, slot, SEGMENT_HEADER_SIZE,
                whole ? size : SEGMENT_HEADER_SIZE + BATCH_BLOCK_SIZE);
    }
    return result;
}
