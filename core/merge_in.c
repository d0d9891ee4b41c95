/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The customer's side of a merge. What can be refused as a whole, for a table that is full, is
 * asked before any unit is taken; after that each line is kept, kept in part or dropped:
 *
 *     quantity   the sum, up to the limit less what both have bought, to units_per_line
 *     units      the customer's hold, then the guest's, then from available, all or none of these
 *     price      of the customer's hold, else of the guest's in the same currency, else today's
 *     deadline   the earlier of the two holds; so with the beginning, and the larger extensions
 */
#include "core/merge.h"

#include "core/check.h"
#include "core/handed.h"

enum { LINES_NEAR_MAX = 16 }; /* of a guest's cart, when the journal is nearly full */

struct merging {
    struct decision *decision;
    struct merge *merge;
    uint8_t currency[4];
    uint32_t line_count; /* of the event */
    uint32_t places;     /* new lines that the cart may have */
};

/* One line while it is judged. */
struct joint {
    const struct merge_line *guest;
    const struct hold *own; /* the customer's line, or NULL */
    uint32_t sku_index;
    struct selling selling;
    uint32_t alive;    /* the guest's units that may be kept */
    uint32_t own_held; /* the customer's own */
    uint32_t target;   /* quantity at most */
    enum outcome capped;
    uint32_t kept, taken;
};

bool merge_keeps(const struct decision *decision, const struct merge *merge,
    const struct merge_line *line, uint32_t sku_index)
{
    const struct switches *switches = &decision->engine->shelf->switches;
    if (line->deadline_shelf_ms <= decision->now->shelf_ms)
        return false;
    /* A kill sweeps tables, and these units were in none (W5). */
    return merge->kills == atomic_load(&switches->kills_published) &&
           !(switches_state(switches, sku_index, line->sale_number) & SWITCHED_KILLED);
}

static void drop(struct merging *merging, uint32_t sku_number, uint64_t units, enum outcome why)
{
    struct merge *merge = merging->merge;
    if (units == 0)
        return;
    CHECK(merge->dropped_count < MERGE_DROPS_MAX);
    merge->dropped[merge->dropped_count++] = (struct merge_dropped){
        .sku_number = sku_number, .quantity = (uint32_t)units, .outcome = why};
}

static void put_line(
    struct merging *merging, const struct event_line *line, const struct event_hold *image)
{
    struct scratch *scratch = merging->decision->engine->scratch;
    CHECK(merging->line_count < LINES_PER_ORDER_MAX);
    scratch->room.lines[merging->line_count] = *line;
    scratch->room.images[merging->line_count++] = *image;
}

/* Units that the customer has bought in the sale that this line counts in, also as a guest. */
static uint64_t bought(const struct merging *merging, const struct joint *joint, uint32_t sale)
{
    const struct decision *decision = merging->decision;
    const struct event_line line = {.sku_number = joint->guest->sku_number, .sale_number = sale};
    uint64_t sum =
        limit_used(decision->engine, decision->customer_index, decision->command->customer, &line);
    if (joint->own_held > 0 && joint->own->limit > 0 && joint->own->sale_number == sale)
        sum -= joint->own_held;
    return sum;
}

/* The quantity that the bounds allow; what the customer has is never made less (L8). */
static void set_target(const struct merging *merging, struct joint *joint, uint32_t sale)
{
    uint64_t own = joint->own == NULL ? 0 : joint->own->quantity;
    uint64_t sum = own + joint->guest->quantity, limit = joint->selling.limit;
    uint64_t most = merging->decision->engine->policy.units_per_line;
    joint->capped = OUTCOME_QUANTITY_TOO_LARGE;
    if (limit > 0) {
        uint64_t used = bought(merging, joint, sale);
        limit = limit > used ? limit - used : 0;
        if (limit < most) {
            most = limit;
            joint->capped = OUTCOME_LIMIT_EXCEEDED;
        }
    }
    joint->target = (uint32_t)(sum < most ? sum : most);
    if (joint->target < joint->own_held)
        joint->target = joint->own_held;
}

/* The line as it will be but for its quantity: of the customer's hold, else of the guest's, else of
 * today. False: it has no price in the cart's currency. */
static bool joint_line(
    const struct merging *merging, const struct joint *joint, struct event_line *line)
{
    const struct product_terms *terms = &joint->selling.terms;
    const struct merge_line *guest = joint->guest;
    if (joint->own_held > 0) {
        *line = image_hold_line(joint->own);
        return true;
    }
    *line = (struct event_line){
        .sku_number = terms->number,
        .seller_number = terms->seller_number,
        .sale_number = terms->sale_number,
        .limit = joint->selling.limit,
    };
    if (joint->alive > 0) {
        line->seller_number = guest->seller_number;
        line->sale_number = guest->sale_number;
        line->limit = guest->limit;
        line->unit_price = guest->unit_price;
        if (memcmp(merging->currency, merging->merge->currency, 3) == 0)
            return true;
    }
    return product_price(terms, merging->currency, &line->unit_price);
}

static void joint_image(
    const struct merging *merging, const struct joint *joint, struct event_hold *image)
{
    const struct hold *own = joint->own;
    const struct merge_line *guest = joint->guest;
    uint64_t now = merging->decision->now->shelf_ms;
    *image = (struct event_hold){
        .deadline_shelf_ms = now + joint->selling.hold_seconds * 1000ull,
        .created_shelf_ms = now,
        .state = LINE_HELD,
        .taken = joint->taken,
    };
    if (joint->own_held > 0) {
        image->deadline_shelf_ms = own->deadline_shelf_ms;
        image->created_shelf_ms = own->created_shelf_ms;
        image->extensions = own->extensions;
    }
    if (joint->kept == 0)
        return;
    bool alone = joint->own_held == 0;
    if (alone || guest->deadline_shelf_ms < image->deadline_shelf_ms)
        image->deadline_shelf_ms = guest->deadline_shelf_ms;
    if (guest->created_shelf_ms < image->created_shelf_ms)
        image->created_shelf_ms = guest->created_shelf_ms;
    if (guest->extensions > image->extensions)
        image->extensions = guest->extensions;
}

/* All of the line goes; its units come back when that is durable. */
static void drop_all(struct merging *merging, const struct joint *joint, enum outcome why)
{
    const struct merge_line *guest = joint->guest;
    drop(merging, guest->sku_number, guest->quantity, why);
    if (guest->units == 0)
        return;
    const struct event_line line = {.sku_number = guest->sku_number, .moved = guest->units};
    put_line(merging, &line, &(struct event_hold){.state = LINE_NONE});
}

/* Where stock is taken at checkout a line is a wish: neither stock nor allowance is asked. */
static void join_wishes(struct merging *merging, struct joint *joint, struct event_line *line)
{
    uint64_t own = joint->own == NULL ? 0 : joint->own->quantity;
    uint64_t sum = own + joint->guest->quantity, limit = joint->selling.limit;
    uint64_t most = merging->decision->engine->policy.units_per_line;
    enum outcome capped = OUTCOME_QUANTITY_TOO_LARGE;
    if (limit > 0 && limit < most) {
        most = limit;
        capped = OUTCOME_LIMIT_EXCEEDED;
    }
    uint64_t target = sum < most ? sum : most;
    if (target < own)
        target = own;
    drop(merging, line->sku_number, sum - target, capped);
    line->moved = joint->guest->units;
    if (target > own) {
        line->quantity = (uint32_t)target;
        line->limit = 0;
        merging->places -= joint->own == NULL;
    }
    if (target > own || line->moved > 0)
        put_line(merging, line, &(struct event_hold){.state = LINE_NONE});
}

/* Units beyond the customer's own: the guest's first, the rest competes like a PUT (C2, C6). */
static enum outcome join_units(
    struct merging *merging, struct joint *joint, const struct event_line *line)
{
    uint32_t wanted = joint->target - joint->own_held;
    joint->kept = joint->alive < wanted ? joint->alive : wanted;
    uint32_t missing = wanted - joint->kept;
    if (missing == 0)
        return OUTCOME_OK;
    const struct hold *hold = joint->own_held > 0 ? joint->own : NULL;
    enum outcome outcome =
        cart_take(merging->decision, &joint->selling, joint->sku_index, line, missing, hold);
    if (outcome == OUTCOME_OK)
        joint->taken = missing;
    return outcome;
}

static void join_holds(struct merging *merging, struct joint *joint, struct event_line *line)
{
    struct decision *decision = merging->decision;
    const struct merge_line *guest = joint->guest;
    struct event_hold image = {.state = LINE_NONE};
    set_target(merging, joint, line->sale_number);
    enum outcome outcome = join_units(merging, joint, line);
    uint32_t gained = joint->kept + joint->taken, total = joint->own_held + gained;
    uint64_t sum = (joint->own == NULL ? 0ull : joint->own->quantity) + guest->quantity;
    line->quantity = 0;
    line->moved = guest->units - joint->kept;
    line->from_hold = joint->kept;
    if (gained == 0) {
        drop(merging, guest->sku_number, guest->quantity,
            outcome == OUTCOME_OK ? joint->capped : outcome);
    } else {
        drop(merging, guest->sku_number, sum - joint->target, joint->capped);
        drop(merging, guest->sku_number, joint->target - total, outcome);
        line->quantity = total;
        merging->places -= joint->own == NULL;
        joint_image(merging, joint, &image);
        stock_note_release(&decision->engine->shelf->stock, joint->sku_index,
            image.deadline_shelf_ms, decision->now->shelf_ms);
    }
    if (line->quantity > 0 || line->moved > 0)
        put_line(merging, line, &image);
}

static void join_line(struct merging *merging, const struct merge_line *guest)
{
    const struct decision *decision = merging->decision;
    const struct engine *engine = decision->engine;
    struct joint joint = {.guest = guest,
        .sku_index = catalog_find_number(&engine->shelf->catalog, guest->sku_number)};
    struct event_line line;
    /* A product that left the shelf meanwhile took its units with it. */
    if (joint.sku_index == SKU_NONE)
        return;
    selling_terms(engine, joint.sku_index, &joint.selling);
    if (decision->customer_index != NONE) {
        const struct customer *customer = customer_at(engine, decision->customer_index);
        uint32_t index = hold_find(engine, customer, guest->sku_number);
        joint.own = index == NONE ? NULL : hold_at(engine, index);
    }
    if (joint.own != NULL && joint.own->state == LINE_HELD)
        joint.own_held = joint.own->quantity;
    if (guest->units > 0 && merge_keeps(decision, merging->merge, guest, joint.sku_index))
        joint.alive = guest->units;
    /* What competes again does so by today's terms, whatever sale it was in. */
    uint32_t sale_number = joint.alive > 0 ? guest->sale_number : 0;
    if (catalog_is_leaving(&engine->shelf->catalog, guest->sku_number, sale_number))
        drop_all(merging, &joint, OUTCOME_UNKNOWN_SKU);
    else if (!joint_line(merging, &joint, &line))
        drop_all(merging, &joint, OUTCOME_CURRENCY_MISMATCH);
    else if (joint.own == NULL && merging->places == 0)
        drop_all(merging, &joint, OUTCOME_TOO_MANY_LINES);
    else if (joint.alive > 0 || joint.own_held > 0 || joint.selling.reserve_on == RESERVE_CART)
        join_holds(merging, &joint, &line);
    else
        join_wishes(merging, &joint, &line);
}

static struct hash128 merge_key(const struct command *command, uint64_t id)
{
    struct bytes parts[4] = {
        BYTES("merge"), command->customer, command->guest_id, bytes_of(&id, sizeof(id))};
    return hash_parts(parts, 4);
}

static uint32_t lines_of(const struct decision *decision)
{
    if (decision->customer_index == NONE)
        return 0;
    return customer_at(decision->engine, decision->customer_index)->hold_count;
}

/* Whether what becomes of the line may be the first that counts in its sale: in the guest's, or by
 * today's terms. What the customer holds is counted already. */
static bool may_count_anew(const struct decision *decision, const struct merge_line *line)
{
    const struct engine *engine = decision->engine;
    uint32_t customer = decision->customer_index, number = line->sku_number;
    uint32_t sku_index = catalog_find_number(&engine->shelf->catalog, number);
    struct selling selling;
    if (allowance_used(engine, customer, number, line->sale_number) == 0)
        return true;
    if (sku_index == SKU_NONE)
        return false;
    selling_terms(engine, sku_index, &selling);
    return allowance_used(engine, customer, number, selling.terms.sale_number) == 0;
}

/* Room for the most that these lines can become. */
static enum outcome merge_room(struct decision *decision, const struct merging *merging)
{
    const struct engine *engine = decision->engine;
    const struct merge *merge = merging->merge;
    const char *full = room_for_customer(decision);
    uint32_t holds = 0, allowances = 0;
    for (uint32_t i = 0; i < merge->line_count; i++) {
        const struct merge_line *line = &merge->lines[i];
        bool has = lines_of(decision) > 0 &&
                   hold_find(engine, customer_at(engine, decision->customer_index),
                       line->sku_number) != NONE;
        holds += !has;
        allowances += may_count_anew(decision, line);
    }
    if (full != NULL)
        return decision_full(decision, full);
    if (pool_room(&engine->holds) < (holds < merging->places ? holds : merging->places))
        return decision_full(decision, "holds");
    if (pool_room(&engine->allowances) < allowances)
        return decision_full(decision, "allowances");
    if (pool_room(&engine->keys) == 0)
        return decision_full(decision, "idempotency_keys");
    return OUTCOME_OK;
}

static void merged_event(struct merging *merging)
{
    struct decision *decision = merging->decision;
    struct engine *engine = decision->engine;
    struct event *event = decision->event;
    event->kind = EVENT_CART_MERGED;
    event->fact.merge = (struct fact_merge){
        .key_hash = decision->key,
        .merge_id = merging->merge->id,
        .keep_shelf_ms = decision_keep_ms(decision, 0),
        .now_shelf_ms = decision->now->shelf_ms,
        .cart_version = cart_version_next(decision),
        .move = MOVE_GIVE,
    };
    memcpy(event->fact.merge.currency, merging->currency, 4);
    event->lines = engine->scratch->room.lines;
    event->line_count = merging->line_count;
    event->text[TEXT_CUSTOMER] = decision->command->customer;
    event->text[TEXT_ACTOR] = decision->command->guest_id;
    event->text[TEXT_HOLDS] = bytes_of(
        engine->scratch->room.images, merging->line_count * (uint32_t)sizeof(struct event_hold));
}

enum outcome merge_in(struct decision *decision, struct merge *merge)
{
    uint32_t lines = lines_of(decision), most = decision->engine->policy.lines_per_cart;
    struct merging merging = {
        .decision = decision, .merge = merge, .places = most > lines ? most - lines : 0};
    decision->key = merge_key(decision->command, merge->id);
    if (key_find(decision->engine, decision->key) != NONE)
        return OUTCOME_OK; /* all of it was recorded before a crash */
    if (merge->rounds == 1 && cart_is_stale(decision))
        return OUTCOME_STALE_VERSION;
    if (decision->now->journal_full ||
        (decision->now->journal_near && merge->line_count > LINES_NEAR_MAX))
        return OUTCOME_JOURNAL_FULL;
    enum outcome outcome = merge_room(decision, &merging);
    if (outcome != OUTCOME_OK)
        return outcome;
    const uint8_t *currency = merge->currency;
    if (lines > 0)
        currency = customer_at(decision->engine, decision->customer_index)->currency;
    memcpy(merging.currency, currency, 4);
    for (uint32_t i = 0; i < merge->line_count; i++)
        join_line(&merging, &merge->lines[i]);
    merged_event(&merging);
    return OUTCOME_OK;
}
