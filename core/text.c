/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text - chains of blocks.
 *
 * A text takes blocks from the free list, else from those never used so far, and links them in
 * reading order. Given back, the whole chain goes in front of the free list as it is.
 */
#include "core/text.h"

#include "core/check.h"

enum { TEXT_BLOCKS_AHEAD = 4 }; /* of a fresh one is brought near: a few texts' time */

static struct text_block *block_at(const struct text_pool *pool, uint32_t link)
{
    CHECK(link - 1 < pool->fresh);
    return &pool->blocks[link - 1];
}

static uint32_t size_in_block(uint32_t left)
{
    return left < TEXT_PAYLOAD_SIZE ? left : TEXT_PAYLOAD_SIZE;
}

void text_pool_init(struct text_pool *pool, struct arena *arena, const char *name, uint64_t bytes)
{
    uint64_t capacity = bytes < TEXT_BLOCK_SIZE ? 1 : bytes / TEXT_BLOCK_SIZE;
    CHECK(capacity < UINT32_MAX);
    *pool = (struct text_pool){
        .blocks = arena_take(arena, name, capacity, TEXT_BLOCK_SIZE),
        .capacity = (uint32_t)capacity,
    };
}

uint32_t text_blocks(uint32_t size)
{
    return size / TEXT_PAYLOAD_SIZE + (size % TEXT_PAYLOAD_SIZE != 0);
}

uint32_t text_room(const struct text_pool *pool)
{
    return pool->capacity - pool->used;
}

static uint32_t take_block(struct text_pool *pool)
{
    CHECK(pool->used < pool->capacity);
    pool->used++;
    if (pool->free_link == 0) {
        __builtin_prefetch(&pool->blocks[pool->fresh + TEXT_BLOCKS_AHEAD], 1);
        return ++pool->fresh;
    }

    uint32_t link = pool->free_link;
    pool->free_link = block_at(pool, link)->link;
    if (pool->free_link != 0)
        __builtin_prefetch(&pool->blocks[pool->free_link - 1], 1);
    return link;
}

struct text text_put(struct text_pool *pool, struct bytes bytes)
{
    uint32_t first = 0, *last_link = &first;
    for (uint32_t done = 0; done < bytes.size;) {
        uint32_t size = size_in_block(bytes.size - done);
        uint32_t link = take_block(pool);
        struct text_block *block = block_at(pool, link);
        bytes_copy(block->payload, bytes_of(bytes.data + done, size));
        block->link = 0;
        *last_link = link;
        last_link = &block->link;
        done += size;
    }
    return (struct text){.first = first, .size = bytes.size};
}

void text_give(struct text_pool *pool, struct text *text)
{
    uint32_t count = text_blocks(text->size);
    CHECK(count <= pool->used);
    CHECK((count == 0) == (text->first == 0));
    if (count == 0)
        return;

    struct text_block *last = block_at(pool, text->first);
    for (uint32_t i = 1; i < count; i++)
        last = block_at(pool, last->link);
    CHECK(last->link == 0);
    last->link = pool->free_link;
    pool->free_link = text->first;
    pool->used -= count;
    *text = (struct text){0};
}

uint32_t text_copy(const struct text_pool *pool, struct text text, uint8_t *out)
{
    uint32_t link = text.first;
    for (uint32_t done = 0; done < text.size;) {
        const struct text_block *block = block_at(pool, link);
        uint32_t size = size_in_block(text.size - done);
        memcpy(out + done, block->payload, size);
        link = block->link;
        done += size;
    }
    CHECK(link == 0);
    return text.size;
}

bool text_equal(const struct text_pool *pool, struct text text, struct bytes bytes)
{
    if (text.size != bytes.size)
        return false;

    uint32_t link = text.first;
    for (uint32_t done = 0; done < text.size;) {
        const struct text_block *block = block_at(pool, link);
        uint32_t size = size_in_block(text.size - done);
        if (memcmp(block->payload, bytes.data + done, size) != 0)
            return false;
        link = block->link;
        done += size;
    }
    return true;
}

void text_check(const struct text_pool *pool)
{
    CHECK(pool->used <= pool->fresh);
    CHECK(pool->fresh <= pool->capacity);
    uint32_t freed = 0;
    for (uint32_t link = pool->free_link; link != 0; link = block_at(pool, link)->link) {
        CHECK(freed < pool->fresh - pool->used);
        freed++;
    }
    CHECK(pool->used + freed == pool->fresh);
}
