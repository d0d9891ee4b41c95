/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment_ring - segments become free in the order of their numbers and are overwritten in that
 * order, so the numbers kept never have a gap. What is free stays readable until its slot is the
 * next: a reader or a stream that has gone back finds as much as the disk can hold.
 */
#include "persist/segment_ring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/bugs.h"
#include "core/check.h"
#include "persist/fatal.h"

static uint64_t slots_size(const struct datadir_geometry *geometry)
{
    return (segment_map_size(geometry) + BATCH_BLOCK_SIZE - 1) / BATCH_BLOCK_SIZE *
           BATCH_BLOCK_SIZE;
}

uint64_t ring_memory(const struct datadir_geometry *geometry)
{
    return SEGMENT_MAP_BUFFER_SIZE + slots_size(geometry);
}

static int open_slot(struct segment_ring *ring, uint32_t slot, struct segment_file *file,
    char *error, size_t error_size)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    datadir_segment_path(ring->directory, ring->origin.shard, slot, path);
    int result = segment_open(file, path, SEGMENT_WRITE, ring->directory->buffered);
    if (result != 0)
        (void)snprintf(error, error_size, "cannot open %s: %s", path, strerror(-result));
    return result;
}

/* The slot that has the next number already, of the first lap or of a start before; or a free one,
 * which from here on holds nothing any more. */
static int choose_next(struct segment_ring *ring, char *error, size_t error_size)
{
    uint32_t slot = segment_map_find(&ring->map, ring->number + 1);
    bool ready = slot != 0;
    if (slot == 0)
        slot = segment_map_reusable(&ring->map, ring->oldest);
    int result = slot == 0 ? 0 : open_slot(ring, slot, &ring->next, error, error_size);
    if (slot == 0 || result != 0)
        return result;
    ring->next_slot = slot;
    ring->next_ready = ready;
    if (!ready)
        ring->map.slots[slot - 1] = (struct segment_slot){.number = 0};
    return 0;
}

int ring_open(struct segment_ring *ring, const struct datadir *directory, uint32_t shard,
    uint32_t number, const struct walk_place *walk, void *memory, char *error, size_t error_size)
{
    CHECK((uintptr_t)memory % BATCH_BLOCK_SIZE == 0);
    *ring = (struct segment_ring){
        .directory = directory,
        .origin = datadir_origin(directory, shard),
        .map = {.slots = (void *)((uint8_t *)memory + SEGMENT_MAP_BUFFER_SIZE)},
        .header = memory,
        .number = number,
        .file = {.fd = -1},
        .next = {.fd = -1},
        .walk = *walk,
    };
    int result = segment_map_read(
        &ring->map, directory, shard, SEGMENT_MAP_LOOK, ring->header, error, error_size);
    if (result != 0)
        return result;
    ring->named = ring->map.named;
    ring->oldest = segment_map_oldest(&ring->map);
    if (ring->oldest < ring->map.freed)
        ring->oldest = ring->map.freed;
    ring->freed = ring->noted = ring->oldest;
    ring->slot = segment_map_find(&ring->map, number);
    if (ring->slot == 0)
        return segment_map_missing(&ring->map, directory, shard, number, error, error_size);
    result = open_slot(ring, ring->slot, &ring->file, error, error_size);
    return result == 0 ? choose_next(ring, error, error_size) : result;
}

void ring_close(struct segment_ring *ring)
{
    segment_close(&ring->file);
    segment_close(&ring->next);
}

void ring_note_walk(struct segment_ring *ring, const struct walk_place *walk)
{
    if (walk->number > ring->walk.number)
        ring->walk = *walk;
}

/* Whether the stream has every number of the segment: it ends where the next begins. */
static bool is_streamed(const struct segment_ring *ring, uint32_t number)
{
    if (ring->streamed_seq == UINT64_MAX || bug(BUG_FREED_UNSTREAMED))
        return true;
    uint32_t slot = segment_map_find(&ring->map, number + 1);
    uint64_t first_seq = slot == 0 ? 0 : ring->map.slots[slot - 1].first_seq;
    return first_seq != 0 && first_seq - 1 <= ring->streamed_seq;
}

/* The first number that is needed when this walk is named. */
static uint32_t first_needed(const struct segment_ring *ring, const struct walk_place *walk)
{
    uint32_t number = ring->oldest;
    while (number < walk->segment && is_streamed(ring, number))
        number++;
    return number;
}

static void set_oldest(struct segment_ring *ring, uint32_t number)
{
    ring->oldest = number;
    if (ring->freed < number)
        ring->freed = number;
}

void ring_follow(struct segment_ring *ring, uint64_t streamed_seq, bool exactly)
{
    /* PostgreSQL may have gone back, since we looked or since it was seen last by a process. */
    bool goes_back = streamed_seq < ring->streamed_seq || (exactly && !ring->exactly);
    ring->streamed_seq = streamed_seq;
    ring->exactly = exactly;
    if (goes_back)
        ring->oldest = segment_map_oldest(&ring->map);
    set_oldest(ring, first_needed(ring, bug(BUG_FREED_BEFORE_NAMED) ? &ring->walk : &ring->named));
}

bool ring_give_way(struct segment_ring *ring)
{
    if (ring->oldest >= ring->freed)
        return false;
    ring->oldest++;
    return true;
}

/* Descriptors run out when clients or other processes have them all, and come back: until then it
 * is as if no slot were free. */
static bool passes(int result)
{
    return result == -EMFILE || result == -ENFILE;
}

void ring_look_ahead(struct segment_ring *ring)
{
    char error[DATADIR_FILE_PATH_SIZE_MAX + 128];
    if (ring->next_slot != 0)
        return;
    int result = choose_next(ring, error, sizeof(error));
    if (result != 0 && !passes(result))
        fatal("%s", error);
}

void ring_begin_next(struct segment_ring *ring, uint64_t first_seq)
{
    CHECK(ring->next_slot != 0);
    CHECK(ring->next_ready);
    segment_close(&ring->file);
    ring->file = ring->next;
    ring->next = (struct segment_file){.fd = -1};
    ring->slot = ring->next_slot;
    ring->next_slot = 0;
    ring->number++;
    ring->map.slots[ring->slot - 1].first_seq = first_seq;
    ring_follow(ring, ring->streamed_seq, ring->exactly);
    ring_look_ahead(ring);
}

uint32_t ring_left(const struct segment_ring *ring)
{
    return ring->map.count - (ring->number - ring->oldest + 1);
}

/* Those before the walk that is named are free without another one, or wait for the stream. */
bool ring_would_free(const struct segment_ring *ring, uint64_t segments)
{
    uint32_t first = ring->oldest > ring->named.segment ? ring->oldest : ring->named.segment;
    if (ring->named.number < ring->walk.number || segments > ring->number - first)
        return false;
    return is_streamed(ring, first + (uint32_t)segments - 1);
}

bool ring_header_due(const struct segment_ring *ring)
{
    if (ring->next_slot == 0)
        return false;
    return !ring->next_ready || ring->named.number < ring->walk.number || ring->noted < ring->freed;
}

const uint8_t *ring_header(struct segment_ring *ring)
{
    CHECK(ring->next_slot != 0);
    uint32_t needed = first_needed(ring, &ring->walk);
    ring->naming = ring->walk;
    ring->noting = needed > ring->freed ? needed : ring->freed;
    segment_header_put(ring->header, &ring->origin, ring->next_slot, ring->number + 1,
        &ring->naming, ring->noting);
    return ring->header;
}

void ring_header_written(struct segment_ring *ring)
{
    ring->map.slots[ring->next_slot - 1] = (struct segment_slot){.number = ring->number + 1};
    ring->next_ready = true;
    ring->named = ring->naming;
    ring->noted = ring->noting;
}
