/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text - short texts of any length (customer ids, references, tokens) in a pool of small blocks.
 *
 *     struct text {first, size} -> [next | 28 bytes] -> [next | 28 bytes] -> 0
 *
 * One pool serves all texts of a shard, so that long and short ones share the same memory and
 * nothing fragments. Most customer ids fit one block, half a cache line.
 *
 * Ownership  The blocks live in the arena. A struct text is a plain value that owns its blocks:
 *            keep exactly one copy of it, and give it back with text_give().
 * Threads    One: a text pool belongs to its shard.
 * Units      size in bytes, no NUL; room and text_blocks() in blocks.
 * Errors     None. Ask text_room() first: putting what does not fit is a bug (check.h).
 * Cost       O(blocks of the text). text_check(): O(blocks of the pool).
 */
#ifndef HOTSHELF_CORE_TEXT_H
#define HOTSHELF_CORE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/arena.h"
#include "core/bytes.h"

enum {
    TEXT_BLOCK_SIZE = 32,   /* bytes: two blocks to a cache line */
    TEXT_PAYLOAD_SIZE = 28, /* bytes of text in a block: all but its link */
};

struct text_block {
    uint32_t link; /* block + 1; 0: the last one */
    uint8_t payload[TEXT_PAYLOAD_SIZE];
};

_Static_assert(sizeof(struct text_block) == TEXT_BLOCK_SIZE, "no padding in a block");

/* Zero is the empty text. */
struct text {
    uint32_t first; /* block + 1; 0: no block */
    uint32_t size;
};

struct text_pool {
    struct text_block *blocks;
    uint32_t capacity;
    uint32_t used;
    uint32_t fresh;     /* blocks used at least once: the first of the rest is next */
    uint32_t free_link; /* block + 1; 0 none */
};

/* As many blocks as fit `bytes`, at least one. */
void text_pool_init(struct text_pool *pool, struct arena *arena, const char *name, uint64_t bytes);

/* Blocks that a text of `size` bytes needs. */
uint32_t text_blocks(uint32_t size);

/* Blocks that can still be taken. */
uint32_t text_room(const struct text_pool *pool);

/* A copy of `bytes`; there must be room for text_blocks(bytes.size). */
struct text text_put(struct text_pool *pool, struct bytes bytes);

/* Gives the blocks back and leaves `text` empty. */
void text_give(struct text_pool *pool, struct text *text);

/* Writes the text to `out`, which has room for text.size bytes, and answers how many that were. */
uint32_t text_copy(const struct text_pool *pool, struct text text, uint8_t *out);

bool text_equal(const struct text_pool *pool, struct text text, struct bytes bytes);

/* Proves that the free blocks and the used ones are all that were ever taken. */
void text_check(const struct text_pool *pool);

#endif
