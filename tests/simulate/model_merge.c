/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merge of a guest's cart into a customer's: C4, with L7's exception. Visit by visit: what must be
 * recorded, and where the call goes next. The guest's side; the customer's is model_merge_in.c.
 */
#include "core/merge.h"
#include "tests/simulate/model_parts.h"

enum { ROUNDS_AT_MOST = 8, WAIT_MS = 2000, KEY_MARGIN_MS = 60000 };

void expect_merge(const struct model *model, const struct ask *ask, struct expect *expect)
{
    if (cart_is_old(model, ask))
        expect->refusals = BIT(OUTCOME_STALE_VERSION);
    else if (ask->guest != ask->customer && model->now.journal_full)
        expect->refusals = BIT(OUTCOME_JOURNAL_FULL);
}

void merge_begin(const struct model *model, const struct ask *ask, struct merging_of *merging)
{
    memset(merging, 0, sizeof(*merging));
    merging->customer = ask->customer;
    merging->guest = ask->guest;
    merging->begun_wall_ms = model->now.wall_ms;
}

struct visit_want merge_next(enum event_kind event, uint32_t step)
{
    return (struct visit_want){.event = event, .goes_on = true, .step = step};
}

struct visit_want merge_refused(struct merging_of *merging, uint32_t step, uint64_t reasons)
{
    merging->refusals = reasons;
    return merge_next(EVENT_NONE, step);
}

/* The guest's side. */

static void carry_lines(
    const struct model *model, const struct buyer *guest, struct merging_of *merging)
{
    merging->currency = guest->currency;
    merging->line_count = 0;
    for (uint32_t i = 0; i < guest->line_count; i++) {
        const struct cart_line *line = &guest->lines[i];
        if (merging->pending && line->state != LINE_MOVED)
            continue;
        merging->lines[merging->line_count++] = (struct carried){
            .was = *line,
            .units = line->state == LINE_HELD ? line->quantity : 0,
            .life = model->life[line->sku],
            .sale_life = model->sale_life[line->sale],
        };
    }
}

static struct visit_want merge_out(const struct model *model, struct merging_of *merging)
{
    const struct buyer *guest = &model->buyers[merging->guest];
    if (!guest->known)
        return merge_next(EVENT_NONE, MERGE_READ);
    if (guest->merging && model->now.wall_ms - merging->begun_wall_ms < WAIT_MS)
        return merge_next(EVENT_NONE, MERGE_OUT);
    if (guest->merging)
        return merge_refused(merging, MERGE_READ, BIT(OUTCOME_VERSION_CONFLICT));
    if (model->now.journal_full)
        return merge_refused(merging, MERGE_READ, BIT(OUTCOME_JOURNAL_FULL));
    if (merging->rounds == ROUNDS_AT_MOST)
        return merge_next(EVENT_NONE, MERGE_READ);
    merging->rounds++;
    merging->kills = model->kills_published;
    merging->pending = merging->again = guest->merge_id != 0;
    merging->id = guest->merge_id;
    uint64_t kept = keep_until(model, 0) - model->now.shelf_ms;
    if (merging->pending && guest->merge_shelf_ms + kept < model->now.shelf_ms + KEY_MARGIN_MS)
        return merge_next(EVENT_NONE, MERGE_END);
    carry_lines(model, guest, merging);
    if (merging->pending)
        return merge_next(EVENT_NONE, MERGE_IN);
    handed_plan(model, merging);
    if (merging->line_count + merging->handed_count == 0)
        return merge_next(EVENT_NONE, MERGE_READ);
    if (!handed_fits(model, merging))
        return merge_refused(merging, MERGE_READ, BIT(OUTCOME_CAPACITY_EXHAUSTED));
    return merge_next(EVENT_CART_MOVED_OUT, MERGE_IN);
}

struct allowance_of *allowance_kept(struct buyer *buyer, int sku, int sale)
{
    for (uint32_t i = 0; i < buyer->allowance_count; i++) {
        if (buyer->allowances[i].sku == sku && buyer->allowances[i].sale == sale)
            return &buyer->allowances[i];
    }
    CHECK(!"an allowance that is counted is there");
    return NULL;
}

/* From now on the units are in nobody's table. */
static void moved_out(
    struct model *model, uint32_t shard, struct merging_of *merging, const struct seen *seen)
{
    struct buyer *guest = buyer_change(model, shard, merging->guest);
    for (uint32_t i = 0; i < merging->line_count; i++) {
        const struct carried *carried = &merging->lines[i];
        int sku = carried->was.sku, sale = carried->was.sale;
        struct cart_line *line = line_of(model, merging->guest, sku);
        line->state = LINE_MOVED;
        line->deadline_shelf_ms = 0;
        model->units[sku].live -= carried->units;
        model->units[sku].moving += carried->units;
        touch_sku(model, sku);
        allowance_less(model, shard, merging->guest, sku, sale, carried->was.limit, carried->units);
    }
    handed_happen(model, merging);
    guest->cart_version++;
    guest->merge_id = merging->id = seen->merge_id;
    guest->merge_shelf_ms = model->now.shelf_ms;
    guest->merging = true;
}

static bool is_about(const struct model *model, const struct merging_of *merging)
{
    const struct buyer *guest = &model->buyers[merging->guest];
    return guest->known && guest->merge_id == merging->id;
}

static struct visit_want merge_end(struct model *model, struct merging_of *merging)
{
    bool about = is_about(model, merging);
    if (about && model->now.journal_full == JOURNAL_SPENT) {
        model->buyers[merging->guest].merging = false;
        return merge_refused(merging, MERGE_READ, BIT(OUTCOME_JOURNAL_FULL));
    }
    return merge_next(
        about ? EVENT_CART_MERGE_ENDED : EVENT_NONE, merging->again ? MERGE_OUT : MERGE_READ);
}

/* The product left the shelf meanwhile, and took its units with it. */
static bool is_gone(const struct model *model, const struct carried *carried)
{
    return carried->life != model->life[carried->was.sku];
}

static struct visit_want merge_return(struct model *model, struct merging_of *merging)
{
    bool about = is_about(model, merging);
    if (merging->pending)
        return merge_next(EVENT_NONE, MERGE_READ);
    if (about && model->now.journal_full != JOURNAL_SPENT)
        return merge_next(EVENT_CART_MERGE_ENDED, MERGE_READ);
    if (about)
        model->buyers[merging->guest].merging = false;
    for (uint32_t i = 0; i < merging->line_count; i++) {
        if (is_gone(model, &merging->lines[i]))
            continue;
        model->units[merging->lines[i].was.sku].moving -= merging->lines[i].units;
        touch_sku(model, merging->lines[i].was.sku);
    }
    return merge_next(EVENT_NONE, MERGE_READ);
}

/* Units on the way are somebody's hold again only while they would be alive as one. */
bool merge_is_alive(
    const struct model *model, const struct merging_of *merging, const struct carried *carried)
{
    const struct cart_line *was = &carried->was;
    return carried->units > 0 && was->deadline_shelf_ms > model->now.shelf_ms &&
           merging->kills == model->kills_published &&
           !(model_stopped(model, was->sku, was->sale) & SWITCHED_KILLED);
}

static bool holds_again(const struct model *model, uint32_t shard, const struct merging_of *merging,
    const struct carried *carried)
{
    const struct cart_line *was = &carried->was;
    if (!merge_is_alive(model, merging, carried))
        return false;
    uint32_t used = allowance_of(model, merging->guest, was->sku, was->sale);
    uint32_t limit = selling_now(model, was->sku).limit;
    if (was->limit == 0)
        return true;
    if (limit > 0 && used + carried->units > limit)
        return false;
    return used > 0 || model->used[shard].allowances < model->capacity.allowances;
}

/* The customer's shard refused: a line that the guest has not touched is as it was. */
static void line_comes_back(
    struct model *model, uint32_t shard, struct merging_of *merging, struct carried *carried)
{
    const struct cart_line *was = &carried->was;
    struct cart_line *line = line_of(model, merging->guest, was->sku);
    bool there = line != NULL && line->state == LINE_MOVED;
    bool holds = there && holds_again(model, shard, merging, carried);
    model->units[was->sku].moving -= carried->units;
    if (holds)
        model->units[was->sku].live += carried->units;
    else
        record_move(model, shard, WAY_FREE, was->sku, carried->units);
    touch_sku(model, was->sku);
    if (!there)
        return;
    *line = *was;
    if (was->state != LINE_HELD || holds)
        allowance_more(model, shard, merging->guest, was->sku, was->sale, was->limit,
            holds ? carried->units : 0);
    if (was->state == LINE_HELD && !holds) {
        line->state = LINE_EXPIRED;
        line->deadline_shelf_ms = 0;
    }
}

static void merge_ended(
    struct model *model, uint32_t shard, struct merging_of *merging, bool returned)
{
    struct buyer *guest = buyer_change(model, shard, merging->guest);
    for (uint32_t i = 0; returned && i < merging->line_count; i++) {
        if (!is_gone(model, &merging->lines[i]))
            line_comes_back(model, shard, merging, &merging->lines[i]);
    }
    for (uint32_t i = guest->line_count; i-- > 0;) {
        if (guest->lines[i].state == LINE_MOVED)
            line_remove(model, shard, merging->guest, guest->lines[i].sku);
    }
    guest->cart_version++;
    guest->merge_id = guest->merge_shelf_ms = 0;
    guest->merging = false;
}

struct visit_want merge_visit(
    struct model *model, const struct ask *ask, struct merging_of *merging, uint32_t step)
{
    switch ((enum merge_step)step) {
    case MERGE_LOOK:
        break;
    case MERGE_OUT:
        return merge_out(model, merging);
    case MERGE_IN:
        return merge_come_in(model, ask, merging);
    case MERGE_END:
        return merge_end(model, merging);
    case MERGE_RETURN:
        return merge_return(model, merging);
    case MERGE_READ:
        return (struct visit_want){.event = EVENT_NONE};
    }
    CHECK(!"the first step is an ask of its own");
    return (struct visit_want){0};
}

void merge_happen(struct model *model, uint32_t shard, const struct ask *ask,
    struct merging_of *merging, uint32_t step, const struct seen *seen)
{
    (void)record_begin(model, shard);
    if (step == MERGE_OUT)
        moved_out(model, shard, merging, seen);
    else if (step == MERGE_IN)
        merge_came_in(model, shard, ask, merging, seen);
    else
        merge_ended(model, shard, merging, step == MERGE_RETURN);
}
