/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an event gave back counts for the first kill that has one of its lines in scope, live and at
 * recovery alike: the record of a hold's end needs no word about the kill. Cursors of the sweep are
 * no state: after a crash it looks at everything once more and finds what is left.
 */
#include "core/kills.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/check.h"

bool kill_covers(const struct kill *kill, uint32_t sku_number, uint32_t sale_number)
{
    if (kill->scope == SCOPE_ALL)
        return true;
    return kill->number == (kill->scope == SCOPE_SALE ? sale_number : sku_number);
}

struct kill *kill_of(struct engine *engine, uint32_t sku_number, uint32_t sale_number)
{
    for (uint32_t i = 0; i < engine->kill_count; i++) {
        if (kill_covers(&engine->kills[i], sku_number, sale_number))
            return &engine->kills[i];
    }
    return NULL;
}

struct kill *kill_of_order(struct engine *engine, const struct order *order)
{
    for (uint32_t i = 0; i < engine->kill_count; i++) {
        uint32_t link = order->lines_first;
        for (uint32_t line_count = 0; line_count < order->line_count; line_count++) {
            const struct order_line *line = line_at(engine, link - 1);
            if (kill_covers(&engine->kills[i], line->sku_number, line->sale_number))
                return &engine->kills[i];
            link = line->next;
        }
    }
    return NULL;
}

void kill_begin(struct engine *engine, const struct event *event)
{
    const struct fact_kill *fact = &event->fact.kill;
    CHECK(engine->kill_count < KILLS_MAX);
    CHECK(fact->kill == engine->kill_begun + 1);
    engine->kill_begun = fact->kill;
    engine->kills[engine->kill_count++] =
        (struct kill){.kill = fact->kill, .number = fact->number, .scope = fact->scope};
}

/* The sweep ends them in the order they were begun. */
void kill_end(struct engine *engine, const struct event *event)
{
    const struct fact_kill *fact = &event->fact.kill;
    CHECK(engine->kill_count > 0);
    CHECK(engine->kills[0].kill == fact->kill);
    CHECK(engine->kills[0].released == fact->released);
    CHECK(engine->kills[0].cancelled == fact->cancelled);
    engine->kill_count--;
    for (uint32_t i = 0; i < engine->kill_count; i++)
        engine->kills[i] = engine->kills[i + 1];
}

static struct kill *kill_of_event(struct engine *engine, const struct event *event)
{
    for (uint32_t i = 0; i < engine->kill_count; i++) {
        for (uint32_t line = 0; line < event->line_count; line++) {
            if (kill_covers(&engine->kills[i], event->lines[line].sku_number,
                    event->lines[line].sale_number))
                return &engine->kills[i];
        }
    }
    return NULL;
}

void kill_note(struct engine *engine, const struct event *event, uint32_t orders)
{
    struct kill *kill = engine->kill_count == 0 ? NULL : kill_of_event(engine, event);
    if (kill == NULL)
        return;
    for (uint32_t i = 0; i < event->line_count; i++)
        kill->released += event->lines[i].moved;
    kill->cancelled += orders;
}

uint64_t kill_digest(const struct engine *engine)
{
    uint64_t sum = engine->kill_begun;
    for (uint32_t i = 0; i < engine->kill_count; i++) {
        const struct kill *kill = &engine->kills[i];
        uint64_t parts[5] = {
            kill->kill, kill->number, kill->scope, kill->released, kill->cancelled};
        sum += XXH3_64bits_withSeed(parts, sizeof(parts), 8);
    }
    return sum;
}
