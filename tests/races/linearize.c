/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions and answers stand in one list in the order of time. The search walks from the front: a
 * question is a step that may be chosen now; the first answer ends the walk, since its step must
 * come before all that follow. Choosing lifts a step's question and answer out of the list, so
 * the front is always the frontier; taking back puts them where they were (Lowe's two-way list).
 *
 * The set of chosen steps is remembered as the exclusive or of one random 128-bit number per step:
 * two different sets look alike once in 2^128 pairs.
 */
#include "tests/races/linearize.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HAPPENS, LEFT_OUT, WAYS };

struct mark {
    uint64_t low, high;
};

/* A question or an answer; 0 is the head of the list. */
struct entry {
    uint64_t at_ns;
    uint32_t step;
    uint32_t partner; /* a question's answer; 0 in an answer */
    uint32_t prev, next;
};

struct choice {
    uint32_t entry;
    uint8_t way;
    bool forced; /* nothing else need be tried here */
    struct stock_state before;
};

struct search {
    const struct history *history;
    struct entry *entries;
    struct choice *chosen;
    uint32_t chosen_count;
    int8_t *ways; /* by step: -1 not chosen */
    struct mark set;
    struct stock_state state;
    struct mark *seen; /* open addressing; zero is empty */
    uint64_t seen_size, seen_used;
    struct linear_verdict verdict;
};

static void *take_memory(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        fprintf(stderr, "linearize: out of memory\n");
        abort();
    }
    return memory;
}

struct step step_look(uint64_t from_ns, uint64_t until_ns)
{
    return (struct step){.from_ns = from_ns,
        .until_ns = until_ns,
        .available = BOUNDS_ANY,
        .held = BOUNDS_ANY,
        .allotment = BOUNDS_ANY,
        .after = STEP_NONE};
}

struct step step_move(uint64_t from_ns, uint64_t until_ns, struct stock_state change)
{
    struct step step = step_look(from_ns, until_ns);
    step.change = change;
    return step;
}

struct stock_state move_take(int64_t units)
{
    return (struct stock_state){.available = -units, .held = units};
}

struct stock_state move_give(int64_t units)
{
    return (struct stock_state){.available = units, .held = -units};
}

struct stock_state move_sell(int64_t units)
{
    return (struct stock_state){.held = -units};
}

struct stock_state move_restock(int64_t units)
{
    return (struct stock_state){.available = units};
}

struct stock_state move_raise(int64_t units)
{
    return (struct stock_state){.available = units, .allotment = units};
}

struct stock_state move_lowered(int64_t units)
{
    return (struct stock_state){.held = -units, .allotment = -units};
}

void history_open(struct history *history, int64_t allotment)
{
    *history = (struct history){
        .capacity = 1024, .start = {.available = allotment, .allotment = allotment}};
    history->steps = take_memory(history->capacity, sizeof *history->steps);
}

void history_close(struct history *history)
{
    free(history->steps);
    *history = (struct history){0};
}

uint32_t history_add(struct history *history, struct step step)
{
    if (history->count == history->capacity) {
        struct step *larger = take_memory(2 * (size_t)history->capacity, sizeof *larger);
        memcpy(larger, history->steps, history->count * sizeof *larger);
        free(history->steps);
        history->steps = larger;
        history->capacity *= 2;
    }
    history->steps[history->count] = step;
    return history->count++;
}

static uint64_t mix(uint64_t z)
{
    z += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static struct mark mark_of(uint32_t step, uint32_t way)
{
    uint64_t seed = ((uint64_t)step * WAYS + way) * 2 + 1;
    return (struct mark){.low = mix(seed), .high = mix(~seed)};
}

static void toggle(struct mark *set, uint32_t step, uint32_t way)
{
    struct mark mark = mark_of(step, way);
    set->low ^= mark.low;
    set->high ^= mark.high;
}

static bool put_mark(struct mark *seen, uint64_t size, struct mark mark)
{
    for (uint64_t at = mark.low & (size - 1);; at = (at + 1) & (size - 1)) {
        if (seen[at].low == mark.low && seen[at].high == mark.high)
            return false;
        if (seen[at].low == 0 && seen[at].high == 0) {
            seen[at] = mark;
            return true;
        }
    }
}

static void grow(struct search *search)
{
    uint64_t size = search->seen_size * 2;
    struct mark *larger = take_memory(size, sizeof *larger);
    for (uint64_t at = 0; at < search->seen_size; at++)
        if (search->seen[at].low != 0 || search->seen[at].high != 0)
            put_mark(larger, size, search->seen[at]);
    free(search->seen);
    search->seen = larger;
    search->seen_size = size;
}

/* False when this set was reached before with this state. */
static bool is_new(struct search *search, struct mark set, const struct stock_state *state)
{
    uint64_t where = mix((uint64_t)state->available) ^ mix((uint64_t)state->held << 20 | 1) ^
                     mix((uint64_t)state->allotment << 40 | 2);
    struct mark mark = {.low = set.low ^ where, .high = (set.high + mix(where)) | 1};
    if (2 * search->seen_used > search->seen_size)
        grow(search);
    bool added = put_mark(search->seen, search->seen_size, mark);
    search->seen_used += added;
    return added;
}

static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a, *right = b;
    if (left->at_ns != right->at_ns)
        return left->at_ns < right->at_ns ? -1 : 1;
    /* At the same moment questions come first: the two operations may have overlapped. */
    bool left_asks = left->partner != 0, right_asks = right->partner != 0;
    if (left_asks != right_asks)
        return left_asks ? -1 : 1;
    return left->step < right->step ? -1 : left->step > right->step;
}

static void build_list(struct search *search)
{
    const struct history *history = search->history;
    uint32_t count = 2 * history->count;
    struct entry *entries = search->entries;
    for (uint32_t i = 0; i < history->count; i++) {
        entries[1 + 2 * i] =
            (struct entry){.at_ns = history->steps[i].from_ns, .step = i, .partner = 1};
        entries[2 + 2 * i] = (struct entry){.at_ns = history->steps[i].until_ns, .step = i};
    }
    qsort(entries + 1, count, sizeof *entries, compare_entries);
    uint32_t *question = take_memory(history->count + 1, sizeof *question);
    for (uint32_t at = 0; at <= count; at++) {
        entries[at].prev = at == 0 ? count : at - 1;
        entries[at].next = at == count ? 0 : at + 1;
        if (at == 0)
            continue;
        if (entries[at].partner != 0)
            question[entries[at].step] = at;
        else
            entries[question[entries[at].step]].partner = at;
    }
    free(question);
}

static void unlink_entry(struct entry *entries, uint32_t at)
{
    entries[entries[at].prev].next = entries[at].next;
    entries[entries[at].next].prev = entries[at].prev;
}

static void relink_entry(struct entry *entries, uint32_t at)
{
    entries[entries[at].prev].next = at;
    entries[entries[at].next].prev = at;
}

static bool lies_in(int64_t number, struct bounds bounds)
{
    return number >= bounds.least && number <= bounds.most;
}

/* Whether the step can come next that way, and where it leads. */
static bool leads_to(
    const struct search *search, uint32_t index, uint32_t way, struct stock_state *next)
{
    const struct step *step = &search->history->steps[index];
    int8_t before = step->after == STEP_NONE ? (int8_t)HAPPENS : search->ways[step->after];
    *next = search->state;
    if (before < 0)
        return false;
    if (way == LEFT_OUT)
        return before == LEFT_OUT || (step->optional && step->after == STEP_NONE);
    if (before == LEFT_OUT || !lies_in(next->available, step->available) ||
        !lies_in(next->held, step->held) || !lies_in(next->allotment, step->allotment))
        return false;
    next->available += step->change.available;
    next->held += step->change.held;
    next->allotment += step->change.allotment;
    return next->available >= 0 && next->held >= 0 &&
           next->available + next->held <= next->allotment;
}

static bool changes_nothing(const struct step *step)
{
    return step->change.available == 0 && step->change.held == 0 && step->change.allotment == 0 &&
           !step->optional && step->after == STEP_NONE;
}

static void choose(
    struct search *search, uint32_t at, uint32_t way, bool forced, struct stock_state next)
{
    struct entry *entries = search->entries;
    uint32_t step = entries[at].step;
    search->chosen[search->chosen_count++] = (struct choice){
        .entry = at, .way = (uint8_t)way, .forced = forced, .before = search->state};
    search->ways[step] = (int8_t)way;
    toggle(&search->set, step, way);
    search->state = next;
    unlink_entry(entries, at);
    unlink_entry(entries, entries[at].partner);
}

static struct choice take_back(struct search *search)
{
    struct choice choice = search->chosen[--search->chosen_count];
    struct entry *entries = search->entries;
    uint32_t step = entries[choice.entry].step;
    relink_entry(entries, entries[choice.entry].partner);
    relink_entry(entries, choice.entry);
    toggle(&search->set, step, choice.way);
    search->ways[step] = -1;
    search->state = choice.before;
    return choice;
}

/* Chooses a true step that changes nothing, if there is one at the frontier. */
static bool choose_look(struct search *search)
{
    const struct entry *entries = search->entries;
    struct stock_state next;
    for (uint32_t at = entries[0].next; at != 0 && entries[at].partner != 0;
         at = entries[at].next) {
        if (!changes_nothing(&search->history->steps[entries[at].step]) ||
            !leads_to(search, entries[at].step, HAPPENS, &next))
            continue;
        choose(search, at, HAPPENS, true, next);
        return true;
    }
    return false;
}

/* Chooses the next possibility at or after (at, way); false when the frontier has no more. */
static bool choose_from(struct search *search, uint32_t at, uint32_t way)
{
    const struct entry *entries = search->entries;
    struct stock_state next;
    for (; at != 0 && entries[at].partner != 0; at = entries[at].next, way = HAPPENS) {
        for (; way < WAYS; way++) {
            struct mark set = search->set;
            toggle(&set, entries[at].step, way);
            if (!leads_to(search, entries[at].step, way, &next) || !is_new(search, set, &next))
                continue;
            choose(search, at, way, false, next);
            return true;
        }
    }
    if (search->chosen_count >= search->verdict.chosen_most) {
        search->verdict.chosen_most = search->chosen_count;
        search->verdict.stuck = at == 0 ? STEP_NONE : entries[at].step;
        search->verdict.state = search->state;
    }
    return false;
}

static enum linear_answer explore(struct search *search)
{
    while (search->entries[0].next != 0) {
        if (++search->verdict.visits > LINEAR_VISITS_MAX)
            return LINEAR_GAVE_UP;
        if (choose_look(search) || choose_from(search, search->entries[0].next, HAPPENS))
            continue;
        bool goes_on = false;
        while (!goes_on) {
            if (search->chosen_count == 0)
                return LINEAR_NO;
            struct choice choice = take_back(search);
            goes_on = !choice.forced && choose_from(search, choice.entry, choice.way + 1u);
        }
    }
    return LINEAR_YES;
}

struct linear_verdict linearize(const struct history *history)
{
    struct search search = {
        .history = history,
        .state = history->start,
        .entries = take_memory(2 * (size_t)history->count + 1, sizeof(struct entry)),
        .chosen = take_memory(history->count + 1, sizeof(struct choice)),
        .ways = take_memory(history->count + 1, sizeof(int8_t)),
        .seen_size = 1 << 10,
        .verdict = {.stuck = STEP_NONE},
    };
    search.seen = take_memory(search.seen_size, sizeof(struct mark));
    memset(search.ways, -1, history->count + 1);
    build_list(&search);
    search.verdict.answer = explore(&search);
    free(search.entries);
    free(search.chosen);
    free(search.ways);
    free(search.seen);
    return search.verdict;
}
