/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a merge, and the guest's side of it; the customer's is merge_in.c.
 *
 * Two merges of one guest at once: the second waits on the guest's shard until the first has ended,
 * for what it would find is on the way (customer.merging, which is of this process only). After a
 * crash nothing is on the way, and the merge that finds lines moved out finishes that first.
 */
#include "core/merge.h"

#include "core/check.h"
#include "core/handed.h"
#include "core/partition.h"

enum {
    ROUNDS_MAX = 8,        /* of one command: what comes after them waits for the next merge */
    WAIT_MS = 2000,        /* for another merge of the same guest */
    KEY_MARGIN_MS = 60000, /* a merge as old as its key is not taken up any more */
};

bool merge_is_at_guest(const struct command *command)
{
    return command->kind == COMMAND_CART_MERGE &&
           (command->step == MERGE_OUT || command->step == MERGE_END ||
               command->step == MERGE_RETURN);
}

/* Visits of the guest's shard are about the guest. */
static void be_the_guest(struct decision *decision)
{
    decision->customer_index = customer_find(decision->engine, decision->command->guest_id);
}

static struct customer *guest_of(const struct decision *decision)
{
    CHECK(decision->customer_index != NONE);
    return customer_at(decision->engine, decision->customer_index);
}

static enum outcome go_on(struct decision *decision, enum merge_step step)
{
    bool to_customer = step == MERGE_IN || step == MERGE_READ;
    struct bytes whose = to_customer ? decision->command->customer : decision->command->guest_id;
    decision->answer->goes_on = true;
    decision->answer->next_shard = partition_of_customer(whose) % decision->engine->shard_count;
    decision->answer->next_step = step;
    return OUTCOME_OK;
}

/* The reply, from the customer's shard. */
static enum outcome refused(struct decision *decision, struct merge *merge, enum outcome outcome)
{
    merge->outcome = outcome;
    return go_on(decision, MERGE_READ);
}

static enum outcome merge_look(struct decision *decision, struct merge *merge)
{
    const struct command *command = decision->command;
    if (cart_is_stale(decision))
        return OUTCOME_STALE_VERSION;
    if (bytes_equal(command->customer, command->guest_id))
        return OUTCOME_OK;
    if (decision->now->journal_full)
        return OUTCOME_JOURNAL_FULL;
    merge->id = 0;
    merge->begun_wall_ms = decision->now->wall_ms;
    merge->rounds = 0;
    merge->outcome = OUTCOME_OK;
    merge->bound = NULL;
    merge->line_count = merge->dropped_count = 0;
    return go_on(decision, MERGE_OUT);
}

/* The guest's lines that are in this state, or with LINE_NONE all. Of those moved out before a
 * crash nothing is held any more. */
static void carry_lines(const struct decision *decision, struct merge *merge, bool pending)
{
    const struct engine *engine = decision->engine;
    const struct customer *guest = guest_of(decision);
    CHECK(guest->hold_count <= LINES_PER_ORDER_MAX);
    memcpy(merge->currency, guest->currency, 4);
    merge->line_count = 0;
    uint32_t link = guest->holds_first;
    for (uint32_t i = 0; i < guest->hold_count; i++) {
        const struct hold *hold = hold_at(engine, link - 1);
        link = hold->next;
        if (pending && hold->state != LINE_MOVED)
            continue;
        CHECK(pending || hold->state != LINE_MOVED);
        merge->lines[merge->line_count++] = (struct merge_line){
            .unit_price = hold->unit_price,
            .deadline_shelf_ms = hold->deadline_shelf_ms,
            .created_shelf_ms = hold->created_shelf_ms,
            .sku_number = hold->sku_number,
            .seller_number = hold->seller_number,
            .sale_number = hold->sale_number,
            .quantity = hold->quantity,
            .units = hold->state == LINE_HELD ? hold->quantity : 0,
            .limit = hold->limit,
            .state = hold->state,
            .extensions = hold->extensions,
        };
    }
}

/* What the guest has bought, as far as no customer has it yet, after the `count` lines of his cart;
 * what finds no place goes in the next round. */
static uint32_t hand_over(const struct decision *decision, struct merge *merge, uint32_t count)
{
    const struct engine *engine = decision->engine;
    const struct customer *guest = guest_of(decision);
    uint32_t link = guest->allowances_first;
    for (uint32_t i = 0; i < guest->allowance_count; i++) {
        const struct allowance *allowance = pool_at(&engine->allowances, link - 1);
        link = allowance->next;
        uint32_t due = handed_due(engine, allowance, decision->command->customer);
        if (due == 0)
            continue;
        merge->again |= count == LINES_PER_ORDER_MAX;
        if (count == LINES_PER_ORDER_MAX)
            break;
        engine->scratch->room.lines[count] = (struct event_line){
            .sku_number = allowance->sku_number, .sale_number = allowance->sale_number};
        engine->scratch->room.images[count++] = (struct event_hold){.handed = due};
    }
    return count;
}

static struct fact_merge fact_of(const struct decision *decision, uint64_t id)
{
    return (struct fact_merge){
        .merge_id = id,
        .now_shelf_ms = decision->now->shelf_ms,
        .cart_version = cart_version_next(decision),
    };
}

static void merge_event(
    struct decision *decision, enum event_kind kind, uint64_t id, uint32_t line_count)
{
    struct scratch *scratch = decision->engine->scratch;
    struct event *event = decision->event;
    event->kind = kind;
    event->fact.merge = fact_of(decision, id);
    event->lines = scratch->room.lines;
    event->line_count = line_count;
    event->text[TEXT_CUSTOMER] = decision->command->guest_id;
    event->text[TEXT_ACTOR] = decision->command->customer;
    event->text[TEXT_HOLDS] =
        bytes_of(scratch->room.images, line_count * (uint32_t)sizeof(struct event_hold));
}

/* False: there is nothing to move out. */
static bool moved_out_event(struct decision *decision, struct merge *merge)
{
    struct scratch *scratch = decision->engine->scratch;
    for (uint32_t i = 0; i < merge->line_count; i++) {
        const struct merge_line *line = &merge->lines[i];
        scratch->room.lines[i] = (struct event_line){
            .sku_number = line->sku_number,
            .quantity = line->quantity,
            .unit_price = line->unit_price,
            .seller_number = line->seller_number,
            .sale_number = line->sale_number,
            .limit = line->limit,
            .from_hold = line->units,
        };
        scratch->room.images[i] = (struct event_hold){
            .deadline_shelf_ms = line->deadline_shelf_ms,
            .created_shelf_ms = line->created_shelf_ms,
            .state = line->state,
            .extensions = line->extensions,
        };
    }
    uint32_t count = hand_over(decision, merge, merge->line_count);
    if (count == 0)
        return false;
    merge->id = decision->now->random | 1;
    merge_event(decision, EVENT_CART_MOVED_OUT, merge->id, count);
    memcpy(decision->event->fact.merge.currency, merge->currency, 4);
    return true;
}

/* Another merge of this guest is on its way: look again, or give up after a while. */
static enum outcome merge_waits(struct decision *decision, struct merge *merge)
{
    if (decision->now->wall_ms - merge->begun_wall_ms < WAIT_MS)
        return go_on(decision, MERGE_OUT);
    return refused(decision, merge, OUTCOME_VERSION_CONFLICT);
}

/* Moved out before a crash. When the customer's shard may have forgotten by now whether it has the
 * lines, they are not offered again: a line without a hold is no promise. */
static enum outcome merge_takes_up(struct decision *decision, struct merge *merge)
{
    const struct customer *guest = guest_of(decision);
    uint64_t kept = decision_keep_ms(decision, 0) - decision->now->shelf_ms;
    merge->id = guest->merge_id;
    merge->pending = merge->again = true;
    if (guest->merge_shelf_ms + kept < decision->now->shelf_ms + KEY_MARGIN_MS)
        return go_on(decision, MERGE_END);
    carry_lines(decision, merge, true);
    return go_on(decision, MERGE_IN);
}

static enum outcome merge_out(struct decision *decision, struct merge *merge)
{
    be_the_guest(decision);
    if (decision->customer_index == NONE)
        return go_on(decision, MERGE_READ);
    const struct customer *guest = guest_of(decision);
    if (guest->merging)
        return merge_waits(decision, merge);
    if (decision->now->journal_full)
        return refused(decision, merge, OUTCOME_JOURNAL_FULL);
    bool fits = merge->dropped_count + 2 * guest->hold_count <= MERGE_DROPS_MAX;
    if (merge->rounds == ROUNDS_MAX || !fits)
        return go_on(decision, MERGE_READ);
    merge->rounds++;
    merge->kills = atomic_load(&decision->engine->shelf->switches.kills_published);
    merge->pending = merge->again = false;
    if (guest->merge_id != 0)
        return merge_takes_up(decision, merge);
    carry_lines(decision, merge, false);
    if (!moved_out_event(decision, merge))
        return go_on(decision, MERGE_READ);
    if (handed_take(decision->engine->shelf, decision->event))
        return go_on(decision, MERGE_IN);
    image_reset(decision->engine, decision->event);
    merge->bound = "identities";
    return refused(decision, merge, OUTCOME_CAPACITY_EXHAUSTED);
}

static enum outcome merge_comes_in(struct decision *decision, struct merge *merge)
{
    struct answer *answer = decision->answer;
    enum outcome outcome = merge_in(decision, merge);
    if (outcome == OUTCOME_OK)
        return go_on(decision, MERGE_END);
    merge->outcome = outcome;
    merge->bound = answer->bound;
    merge->bound_value = answer->bound_value;
    merge->version = answer->version;
    return go_on(decision, MERGE_RETURN);
}

static enum outcome merge_ends(struct decision *decision, struct merge *merge)
{
    be_the_guest(decision);
    bool known = decision->customer_index != NONE && guest_of(decision)->merge_id == merge->id;
    if (known && decision->now->journal_full == JOURNAL_SPENT) {
        guest_of(decision)->merging = false; /* no state, see tables.h: the next merge ends it */
        return refused(decision, merge, OUTCOME_JOURNAL_FULL);
    }
    if (known)
        merge_event(decision, EVENT_CART_MERGE_ENDED, merge->id, 0);
    return go_on(decision, merge->again ? MERGE_OUT : MERGE_READ);
}

/* Whether units may be the guest's hold again: he may have bought more in the meantime, and his
 * allowance needs a place. */
static bool may_hold_again(const struct decision *decision, const struct merge *merge,
    const struct merge_line *line, uint32_t sku_index, uint32_t *places)
{
    struct selling selling;
    if (line->units == 0 || !merge_keeps(decision, merge, line, sku_index))
        return false;
    if (line->limit == 0)
        return true;
    uint32_t used = allowance_used(
        decision->engine, decision->customer_index, line->sku_number, line->sale_number);
    selling_terms(decision->engine, sku_index, &selling);
    if (selling.limit > 0 && (uint64_t)used + line->units > selling.limit)
        return false;
    if (used == 0 && *places == 0)
        return false;
    *places -= used == 0;
    return true;
}

/* One line as it was; false: the guest has changed it, and nothing is on the way of it. */
static bool line_returns(const struct decision *decision, const struct merge *merge,
    const struct merge_line *from, uint32_t count, uint32_t *places)
{
    struct engine *engine = decision->engine;
    uint32_t sku_index = catalog_find_number(&engine->shelf->catalog, from->sku_number);
    uint32_t hold_index = hold_find(engine, guest_of(decision), from->sku_number);
    bool there = hold_index != NONE && hold_at(engine, hold_index)->state == LINE_MOVED;
    if (sku_index == SKU_NONE || (!there && from->units == 0))
        return false;
    bool holds = there && may_hold_again(decision, merge, from, sku_index, places);
    engine->scratch->room.lines[count] = (struct event_line){
        .sku_number = from->sku_number,
        .quantity = there ? from->quantity : 0,
        .unit_price = from->unit_price,
        .seller_number = from->seller_number,
        .sale_number = from->sale_number,
        .limit = from->limit,
        .moved = holds ? 0 : from->units,
        .from_hold = holds ? from->units : 0,
    };
    uint8_t state = from->state == LINE_HELD && !holds ? LINE_EXPIRED : from->state;
    engine->scratch->room.images[count] = (struct event_hold){
        .deadline_shelf_ms = holds ? from->deadline_shelf_ms : 0,
        .created_shelf_ms = from->created_shelf_ms,
        .state = there ? state : LINE_NONE,
        .extensions = from->extensions,
    };
    return true;
}

/* No record can be written, or there is nobody to return them to. That they left the guest is
 * durable, so they may go back at once. */
static void give_back(const struct decision *decision, const struct merge *merge)
{
    struct shelf *shelf = decision->engine->shelf;
    for (uint32_t i = 0; i < merge->line_count; i++) {
        const struct merge_line *line = &merge->lines[i];
        uint32_t sku_index = catalog_find_number(&shelf->catalog, line->sku_number);
        if (line->units > 0 && sku_index != SKU_NONE)
            stock_give(&shelf->stock, sku_index, line->units);
    }
}

/* Those of a merge found after a crash stay moved out, for the next one to take up. */
static enum outcome merge_returns(struct decision *decision, struct merge *merge)
{
    be_the_guest(decision);
    if (merge->pending)
        return go_on(decision, MERGE_READ);
    bool known = decision->customer_index != NONE && guest_of(decision)->merge_id == merge->id;
    if (!known || decision->now->journal_full == JOURNAL_SPENT) {
        if (known)
            guest_of(decision)->merging = false;
        give_back(decision, merge);
        return go_on(decision, MERGE_READ);
    }
    uint32_t count = 0, places = pool_room(&decision->engine->allowances);
    for (uint32_t i = 0; i < merge->line_count; i++)
        count += line_returns(decision, merge, &merge->lines[i], count, &places);
    merge_event(decision, EVENT_CART_MERGE_ENDED, merge->id, count);
    decision->event->fact.merge.returned = 1;
    decision->event->fact.merge.move = MOVE_GIVE;
    return go_on(decision, MERGE_READ);
}

/* Why not, or the cart and what of the guest's was dropped. */
static enum outcome merge_read(struct decision *decision, const struct merge *merge)
{
    struct engine *engine = decision->engine;
    struct answer *answer = decision->answer;
    const struct catalog *catalog = &engine->shelf->catalog;
    answer->bound = merge->bound;
    answer->bound_value = merge->bound_value;
    answer->version = merge->version;
    if (merge->outcome != OUTCOME_OK)
        return merge->outcome;
    uint32_t count = 0;
    for (uint32_t i = 0; i < merge->dropped_count; i++) {
        uint32_t sku_index = catalog_find_number(catalog, merge->dropped[i].sku_number);
        if (sku_index == SKU_NONE)
            continue;
        engine->scratch->answers[count++] = (struct answer_line){
            .sku = catalog_sku(catalog, sku_index),
            .outcome = merge->dropped[i].outcome,
            .quantity = merge->dropped[i].quantity,
        };
    }
    answer->line_count = count;
    return OUTCOME_OK;
}

enum outcome decide_merge(struct decision *decision)
{
    const struct command *command = decision->command;
    struct merge *merge = (struct merge *)(void *)command->carry;
    CHECK(command->customer.size > 0);
    CHECK(command->guest_id.size > 0);
    CHECK(sizeof(*merge) <= command->carry_size_max);
    CHECK((uintptr_t)merge % _Alignof(struct merge) == 0);
    switch ((enum merge_step)command->step) {
    case MERGE_LOOK:
        return merge_look(decision, merge);
    case MERGE_OUT:
        return merge_out(decision, merge);
    case MERGE_IN:
        return merge_comes_in(decision, merge);
    case MERGE_END:
        return merge_ends(decision, merge);
    case MERGE_RETURN:
        return merge_returns(decision, merge);
    case MERGE_READ:
        return merge_read(decision, merge);
    }
    CHECK(!"every step is listed");
    return OUTCOME_INVALID;
}
