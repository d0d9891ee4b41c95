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

bool kill_is_kept(const struct engine *engine, const struct ended_kill *ended)
{
    const struct shelf *shelf = engine->shelf;
    return switches_has_kill(&shelf->switches, ended->kill) ||
           switches_is_killed(&shelf->switches, &shelf->catalog, ended->scope, ended->number);
}

static void forget_resumed(struct engine *engine)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < engine->ended_count; i++) {
        if (kill_is_kept(engine, &engine->ended[i]))
            engine->ended[kept++] = engine->ended[i];
    }
    engine->ended_count = kept;
}

/* At recovery its switch may be gone, and those of others be there in its stead. */
static void remember_ended(struct engine *engine, const struct ended_kill *ended)
{
    if (!kill_is_kept(engine, ended))
        return;
    for (uint32_t i = 0; i < engine->ended_count; i++) {
        /* An older one of the same scope is resumed for good: this one's beginning is durable. */
        if (engine->ended[i].scope == ended->scope && engine->ended[i].number == ended->number) {
            engine->ended[i] = *ended;
            return;
        }
    }
    if (engine->ended_count == ENDED_KILLS_MAX)
        forget_resumed(engine);
    CHECK(engine->ended_count < ENDED_KILLS_MAX);
    engine->ended[engine->ended_count++] = *ended;
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
    const struct ended_kill ended = {
        .released = fact->released,
        .cancelled = fact->cancelled,
        .kill = fact->kill,
        .number = fact->number,
        .scope = fact->scope,
    };
    remember_ended(engine, &ended);
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

bool kill_entry(const struct engine *engine, uint32_t at, struct kill_entry *entry)
{
    if (at < engine->kill_count) {
        const struct kill *kill = &engine->kills[at];
        *entry = (struct kill_entry){
            .released = kill->released,
            .cancelled = kill->cancelled,
            .kill = kill->kill,
            .number = kill->number,
            .scope = kill->scope,
        };
        return true;
    }
    const struct ended_kill *ended = &engine->ended[at - engine->kill_count];
    *entry = (struct kill_entry){
        .released = ended->released,
        .cancelled = ended->cancelled,
        .kill = ended->kill,
        .number = ended->number,
        .scope = ended->scope,
        .ended = 1,
    };
    return kill_is_kept(engine, ended);
}

static void restate_ended(struct engine *engine, const struct kill_entry *entry)
{
    const struct ended_kill ended = {
        .released = entry->released,
        .cancelled = entry->cancelled,
        .kill = entry->kill,
        .number = entry->number,
        .scope = entry->scope,
    };
    for (uint32_t i = 0; i < engine->ended_count; i++) {
        if (engine->ended[i].kill != entry->kill)
            continue;
        CHECK(engine->ended[i].released == entry->released);
        CHECK(engine->ended[i].cancelled == entry->cancelled);
        return;
    }
    remember_ended(engine, &ended);
}

void kill_restate(struct engine *engine, const struct kill_entry *entry)
{
    if (entry->ended) {
        restate_ended(engine, entry);
        return;
    }
    for (uint32_t i = 0; i < engine->kill_count; i++) {
        if (engine->kills[i].kill != entry->kill)
            continue;
        CHECK(engine->kills[i].released == entry->released);
        CHECK(engine->kills[i].cancelled == entry->cancelled);
        return;
    }
    CHECK(engine->kill_count < KILLS_MAX);
    engine->kills[engine->kill_count++] = (struct kill){
        .released = entry->released,
        .cancelled = entry->cancelled,
        .kill = entry->kill,
        .number = entry->number,
        .scope = entry->scope,
    };
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
    for (uint32_t i = 0; i < engine->ended_count; i++) {
        const struct ended_kill *ended = &engine->ended[i];
        uint64_t parts[3] = {ended->kill, ended->released, ended->cancelled};
        if (switches_has_kill(&engine->shelf->switches, ended->kill))
            sum += XXH3_64bits_withSeed(parts, sizeof(parts), 10);
    }
    return sum;
}

static bool is_ended(const struct engine *engine, uint32_t kill)
{
    for (uint32_t i = 0; i < engine->ended_count; i++) {
        if (engine->ended[i].kill == kill)
            return true;
    }
    return false;
}

void kill_check(const struct engine *engine)
{
    const struct switches *switches = &engine->shelf->switches;
    for (uint32_t i = 0; i < SWITCHES_MAX; i++) {
        uint32_t kill = atomic_load(&switches->entries[i].kill);
        if (kill != 0 && switches_kill_has_ended(switches, kill, engine->shard))
            CHECK(is_ended(engine, kill));
    }
    for (uint32_t i = 0; i < engine->kill_count; i++)
        CHECK(!is_ended(engine, engine->kills[i].kill));
}
