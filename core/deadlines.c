/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deadlines - the wheel.
 *
 * Let t be the wheel's time. A timer with deadline d >= t waits at the level of the highest digit
 * in which d and t differ, in the slot that d's digit names. So all of a level's timers come
 * before all of the next level's, a level's slots come in the order of their numbers, and the
 * earliest timer is in the first occupied slot of the lowest occupied level.
 *
 * When that slot is at level 0 its first timer is the answer. Otherwise t moves to the start of the
 * slot's span and the slot is drained: its timers go, first to last, where they belong now, which
 * is a lower level. A drain that runs out of work goes on in the next call. Until it is done, a new
 * timer that falls into the same span joins the end of the slot being drained and not the lower
 * level, where it would overtake older ones of the same millisecond: so the order within a slot is
 * always the order in which its timers were set.
 *
 * A timer that is late (d < t) waits where t itself would, so that it is due at once.
 */
#include "core/deadlines.h"

#include "core/check.h"

enum { DEADLINES_AHEAD = 4 }; /* a cache line */

static uint32_t digit(uint64_t time, uint32_t level)
{
    return (uint32_t)(time >> (level * DEADLINE_SLOT_BITS)) % DEADLINE_SLOTS;
}

static struct deadline_list *list_at(
    const struct deadlines *deadlines, uint32_t level, uint32_t slot)
{
    return &deadlines->lists[level * DEADLINE_SLOTS + slot];
}

static uint64_t due_at(const struct deadlines *deadlines, uint64_t deadline_ms)
{
    return deadline_ms > deadlines->time ? deadline_ms : deadlines->time;
}

/* The level of the highest digit in which `due` differs from the wheel's time. */
static uint32_t level_of(const struct deadlines *deadlines, uint64_t due)
{
    uint64_t differs = due ^ deadlines->time;
    if (differs == 0)
        return 0;
    return (63 - (uint32_t)__builtin_clzll(differs)) / DEADLINE_SLOT_BITS;
}

/* The node is written whole: its fields share words, and a word that was written in part cannot be
 * read before it is in the cache. */
static void append(
    struct deadlines *deadlines, uint32_t id, uint64_t deadline_ms, uint32_t level, uint32_t slot)
{
    CHECK(level < DEADLINE_LEVELS);
    struct deadline_list *list = list_at(deadlines, level, slot);
    deadlines->nodes[id] = (struct deadline_node){
        .deadline = deadline_ms & (DEADLINE_END - 1),
        .level = level & (DEADLINE_LEVELS - 1),
        .slot = slot & (DEADLINE_SLOTS - 1),
        .is_set = 1,
        .prev = list->last,
    };
    if (list->last != 0)
        deadlines->nodes[list->last - 1].next = id + 1;
    else
        list->first = id + 1;
    list->last = id + 1;
    deadlines->occupied[level] |= UINT64_C(1) << slot;
}

static void unlink_node(struct deadlines *deadlines, const struct deadline_node *node)
{
    struct deadline_list *list = list_at(deadlines, node->level, node->slot);
    if (node->prev != 0)
        deadlines->nodes[node->prev - 1].next = node->next;
    else
        list->first = node->next;
    if (node->next != 0)
        deadlines->nodes[node->next - 1].prev = node->prev;
    else
        list->last = node->prev;
    if (list->first == 0)
        deadlines->occupied[node->level] &= ~(UINT64_C(1) << node->slot);
}

void deadlines_init(struct deadlines *deadlines, struct arena *arena, uint32_t count)
{
    CHECK(count >= 1);
    CHECK(count < UINT32_MAX);
    uint64_t list_count = (uint64_t)DEADLINE_LEVELS * DEADLINE_SLOTS;
    *deadlines = (struct deadlines){
        .nodes = arena_take(arena, "deadlines", count, sizeof(struct deadline_node)),
        .lists = arena_take(arena, "deadline wheels", list_count, sizeof(struct deadline_list)),
        .count = count,
    };
}

void deadlines_set(struct deadlines *deadlines, uint32_t id, uint64_t deadline_ms)
{
    CHECK(id < deadlines->count);
    CHECK(deadline_ms < DEADLINE_END);
    struct deadline_node *node = &deadlines->nodes[id];
    if (node->is_set && node->deadline == deadline_ms)
        return;

    deadlines_clear(deadlines, id);
    /* What is made next mostly has the next timer. */
    __builtin_prefetch(node + DEADLINES_AHEAD, 1);
    deadlines->used++;

    uint64_t due = due_at(deadlines, deadline_ms);
    uint32_t level = level_of(deadlines, due);
    if (level < deadlines->draining)
        level = deadlines->draining;
    append(deadlines, id, deadline_ms, level, digit(due, level));
}

void deadlines_clear(struct deadlines *deadlines, uint32_t id)
{
    CHECK(id < deadlines->count);
    struct deadline_node *node = &deadlines->nodes[id];
    if (!node->is_set)
        return;

    unlink_node(deadlines, node);
    *node = (struct deadline_node){0};
    CHECK(deadlines->used > 0);
    deadlines->used--;
}

uint64_t deadlines_get(const struct deadlines *deadlines, uint32_t id)
{
    CHECK(id < deadlines->count);
    const struct deadline_node *node = &deadlines->nodes[id];
    return node->is_set ? node->deadline : UINT64_MAX;
}

/* Goes on emptying the slot at the wheel's time; false when the work is used up before its end. */
static bool drain(struct deadlines *deadlines, uint32_t *work)
{
    uint32_t from = deadlines->draining;
    const struct deadline_list *list = list_at(deadlines, from, digit(deadlines->time, from));
    while (list->first != 0) {
        if (*work == 0)
            return false;
        (*work)--;
        uint32_t id = list->first - 1;
        const struct deadline_node *node = &deadlines->nodes[id];
        uint64_t deadline_ms = node->deadline, due = due_at(deadlines, deadline_ms);
        unlink_node(deadlines, node);
        uint32_t level = level_of(deadlines, due);
        CHECK(level < from);
        append(deadlines, id, deadline_ms, level, digit(due, level));
    }
    deadlines->draining = 0;
    return true;
}

/* The lowest occupied level, or DEADLINE_LEVELS. */
static uint32_t first_level(const struct deadlines *deadlines)
{
    uint32_t level = 0;
    while (level < DEADLINE_LEVELS && deadlines->occupied[level] == 0)
        level++;
    return level;
}

/* When the span of the first occupied slot of a level begins. */
static uint64_t first_start(const struct deadlines *deadlines, uint32_t level)
{
    uint32_t shift = level * DEADLINE_SLOT_BITS;
    uint64_t slot = (uint64_t)__builtin_ctzll(deadlines->occupied[level]);
    uint64_t above = deadlines->time >> shift >> DEADLINE_SLOT_BITS;
    return (above << DEADLINE_SLOT_BITS | slot) << shift;
}

bool deadlines_peek(struct deadlines *deadlines, uint64_t now_ms, uint32_t *work, uint32_t *id)
{
    /* Each round but the last drains a slot into lower levels: at most one round per level. */
    for (uint32_t round = 0; round < DEADLINE_LEVELS + 1; round++) {
        if (deadlines->draining != 0 && !drain(deadlines, work))
            return false;
        uint32_t level = first_level(deadlines);
        if (level == DEADLINE_LEVELS)
            return false;
        uint64_t start = first_start(deadlines, level);
        CHECK(start >= deadlines->time);
        if (start > now_ms)
            return false;

        deadlines->time = start;
        if (level == 0) {
            *id = list_at(deadlines, 0, digit(start, 0))->first - 1;
            return true;
        }
        deadlines->draining = level;
    }
    CHECK(!"a drained slot is below the one before");
    return false;
}

uint64_t deadlines_next(const struct deadlines *deadlines)
{
    if (deadlines->used == 0)
        return UINT64_MAX;
    if (deadlines->draining != 0)
        return deadlines->time;
    return first_start(deadlines, first_level(deadlines));
}

static void check_node(const struct deadlines *deadlines, const struct deadline_node *node)
{
    uint64_t due = due_at(deadlines, node->deadline);
    CHECK(node->is_set);
    CHECK(node->slot == digit(due, node->level));
    bool is_draining = deadlines->draining != 0 && node->level == deadlines->draining &&
                       node->slot == digit(deadlines->time, node->level);
    if (is_draining)
        CHECK(level_of(deadlines, due) < node->level);
    else
        CHECK(level_of(deadlines, due) == node->level);
}

static uint32_t check_list(const struct deadlines *deadlines, uint32_t level, uint32_t slot)
{
    const struct deadline_list *list = list_at(deadlines, level, slot);
    CHECK((list->first != 0) == ((deadlines->occupied[level] >> slot & 1) != 0));
    uint32_t count = 0;
    uint32_t previous = 0;
    for (uint32_t link = list->first; link != 0; link = deadlines->nodes[link - 1].next) {
        const struct deadline_node *node = &deadlines->nodes[link - 1];
        CHECK(node->level == level);
        CHECK(node->slot == slot);
        CHECK(node->prev == previous);
        check_node(deadlines, node);
        CHECK(count < deadlines->used);
        count++;
        previous = link;
    }
    CHECK(list->last == previous);
    return count;
}

void deadlines_check(const struct deadlines *deadlines)
{
    uint32_t count = 0;
    for (uint32_t level = 0; level < DEADLINE_LEVELS; level++)
        for (uint32_t slot = 0; slot < DEADLINE_SLOTS; slot++)
            count += check_list(deadlines, level, slot);
    CHECK(count == deadlines->used);
}
