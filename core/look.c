/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A visit goes on where the last one stopped: LOOK_SLOTS slots of one table of this shard, then the
 * next table, then the next shard. An orders' page keeps the newest that match, sorted; a page of
 * reservations is full when it is full, and says where to go on.
 */
#include "core/look.h"

#include "core/check.h"
#include "core/engine_steps.h"

enum { LINE_BITS = 10, SLOT_BITS = 32, TABLE_BITS = 1 };

_Static_assert(LINES_PER_ORDER_MAX <= 1 << LINE_BITS, "a line fits a cursor");
_Static_assert(sizeof(struct look_order) % 8 == 0, "found orders stand behind one another");
_Static_assert(sizeof(struct look_reservation) % 8 == 0, "and reservations");

/* A place `size` bytes before `end`, for anything. */
static uint8_t *place_before(uint8_t *end, size_t size)
{
    uint8_t *place = end - size;
    return place - (uintptr_t)place % 16;
}

struct look *look_state(const struct command *command)
{
    CHECK(command->carry_size_max > 2 * sizeof(struct look));
    uint8_t *end = command->carry + command->carry_size_max;
    return (struct look *)(void *)place_before(end, sizeof(struct look));
}

const struct look *look_of(const struct command *command)
{
    return look_state(command);
}

static void *found_before(const struct command *command, size_t size)
{
    uint8_t *end = (uint8_t *)look_state(command);
    CHECK((size_t)(end - command->carry) > size + 16);
    return place_before(end, size);
}

static struct look_order *orders_of(const struct command *command)
{
    return found_before(command, LOOK_ORDERS_MAX * sizeof(struct look_order));
}

static struct look_reservation *reservations_of(const struct command *command)
{
    return found_before(command, LOOK_RESERVATIONS_MAX * sizeof(struct look_reservation));
}

struct look_sum *look_sums(const struct command *command)
{
    return found_before(command, LOOK_SKUS * sizeof(struct look_sum));
}

const struct look_order *look_orders(const struct command *command)
{
    return orders_of(command);
}

const struct look_reservation *look_reservations(const struct command *command)
{
    return reservations_of(command);
}

uint64_t look_cursor(const struct look *look)
{
    uint64_t cursor = look->shard;
    cursor = cursor << TABLE_BITS | look->table;
    cursor = cursor << SLOT_BITS | look->slot;
    cursor = cursor << LINE_BITS | look->line;
    return cursor + 1;
}

uint32_t look_first_shard(const struct command *command, uint32_t shard_count)
{
    if (command->cursor == 0)
        return 0;
    uint64_t shard = (command->cursor - 1) >> (LINE_BITS + SLOT_BITS + TABLE_BITS);
    return shard < shard_count ? (uint32_t)shard : shard_count - 1;
}

static void go_to_cursor(struct look *look, uint64_t cursor)
{
    cursor--;
    look->line = cursor & ((1u << LINE_BITS) - 1);
    look->slot = (uint32_t)(cursor >> LINE_BITS);
    look->table = (uint32_t)(cursor >> (LINE_BITS + SLOT_BITS)) & ((1u << TABLE_BITS) - 1);
}

static void begin(const struct decision *decision, struct look *look)
{
    const struct engine *engine = decision->engine;
    const struct command *command = decision->command;
    bool one = command->customer.size > 0;
    *look = (struct look){
        .shard = engine->shard,
        .shards_left = one ? 1 : engine->shard_count - engine->shard,
    };
    if (command->kind == COMMAND_RESERVATIONS && command->cursor != 0)
        go_to_cursor(look, command->cursor);
    if (command->kind == COMMAND_AUDIT)
        look_audit_begin(decision, look);
}

/* What does not change during a visit. */
struct filter {
    uint32_t customer_index; /* NONE: any, or nobody when one was named */
    uint32_t sku_number;     /* 0: any */
    bool nothing;
};

static struct filter filter_of(const struct decision *decision)
{
    const struct command *command = decision->command;
    const struct catalog *catalog = &decision->engine->shelf->catalog;
    struct filter filter = {.customer_index = decision->customer_index};
    filter.nothing = command->customer.size > 0 && filter.customer_index == NONE;
    if (command->sku.size > 0) {
        uint32_t sku_index = catalog_find(catalog, command->sku);
        if (sku_index == SKU_NONE)
            filter.nothing = true;
        else
            filter.sku_number = catalog_number(catalog, sku_index);
    }
    return filter;
}

static bool order_has(const struct engine *engine, const struct order *order, uint32_t sku_number)
{
    uint32_t link = order->lines_first;
    for (uint32_t i = 0; i < order->line_count; i++) {
        if (line_at(engine, link - 1)->sku_number == sku_number)
            return true;
        link = line_at(engine, link - 1)->next;
    }
    return false;
}

static bool order_matches(
    const struct decision *decision, const struct filter *filter, const struct order *order)
{
    const struct command *command = decision->command;
    if (filter->customer_index != NONE && order->customer_index != filter->customer_index)
        return false;
    if (command->order_status != 0 && order->status != command->order_status)
        return false;
    if (command->from_wall_ms != 0 && order->created_wall_ms < command->from_wall_ms)
        return false;
    if (command->to_wall_ms != 0 && order->created_wall_ms >= command->to_wall_ms)
        return false;
    if (!order_id_is_none(command->order_id) && memcmp(order->id, command->order_id, 16) >= 0)
        return false;
    return filter->sku_number == 0 || order_has(decision->engine, order, filter->sku_number);
}

static uint8_t copy_customer(
    const struct engine *engine, uint32_t customer_index, uint8_t text[CUSTOMER_SIZE_MAX + 1])
{
    struct text id = customer_at(engine, customer_index)->id;
    return (uint8_t)text_copy(&engine->texts, id, text);
}

static void look_order_of(
    const struct engine *engine, const struct order *order, struct look_order *own)
{
    *own = (struct look_order){
        .items_total = order->items_total,
        .total = order->total,
        .paid = order->paid,
        .refund_due = order->refund_due,
        .created_wall_ms = order->created_wall_ms,
        .confirmed_wall_ms = order->confirmed_wall_ms,
        .payment_due_shelf_ms = order->payment_due_shelf_ms,
        .version = order->version,
        .line_count = order->line_count,
        .status = order->status,
        .mode = order->mode,
        .shard = (uint8_t)engine->shard,
    };
    memcpy(own->id, order->id, 16);
    memcpy(own->currency, order->currency, 4);
    own->customer_size = copy_customer(engine, order->customer_index, own->customer);
}

void look_order_at(const struct engine *engine, uint32_t order_index, struct look_order *own)
{
    look_order_of(engine, order_at(engine, order_index), own);
}

static void find_order(
    const struct decision *decision, struct look *look, const struct order *order)
{
    struct look_order *found = orders_of(decision->command);
    uint32_t limit = decision->command->limit, at = look->found;
    CHECK(limit >= 1);
    CHECK(limit <= LOOK_ORDERS_MAX);
    while (at > 0 && memcmp(found[at - 1].id, order->id, 16) < 0)
        at--;
    look->more = look->more || look->found == limit;
    if (at == limit)
        return;
    uint32_t moving = (look->found < limit ? look->found : limit - 1) - at;
    memmove(&found[at + 1], &found[at], moving * sizeof(*found));
    look->found += look->found < limit;
    look_order_of(decision->engine, order, &found[at]);
}

/* Of a line of a cart or an order; false: the page is full. */
static bool find_reservation(const struct decision *decision, struct look *look,
    const struct look_reservation *reservation, uint32_t customer_index)
{
    if (look->found == decision->command->limit) {
        look->more = true;
        return false;
    }
    struct look_reservation *own = &reservations_of(decision->command)[look->found++];
    *own = *reservation;
    own->shard = (uint8_t)decision->engine->shard;
    own->customer_size = copy_customer(decision->engine, customer_index, own->customer);
    return true;
}

static bool find_hold(const struct decision *decision, const struct filter *filter,
    struct look *look, const struct hold *hold)
{
    bool matches =
        hold->state == LINE_HELD &&
        (filter->customer_index == NONE || hold->customer_index == filter->customer_index) &&
        (filter->sku_number == 0 || hold->sku_number == filter->sku_number);
    if (!matches)
        return true;
    struct look_reservation reservation = {
        .deadline_shelf_ms = hold->deadline_shelf_ms,
        .unit_price = hold->unit_price,
        .sku_number = hold->sku_number,
        .quantity = hold->quantity,
        .extensions = hold->extensions,
    };
    memcpy(reservation.currency, customer_at(decision->engine, hold->customer_index)->currency, 4);
    return find_reservation(decision, look, &reservation, hold->customer_index);
}

static bool find_open_order(const struct decision *decision, const struct filter *filter,
    struct look *look, const struct order *order)
{
    const struct engine *engine = decision->engine;
    bool open = (order->status == ORDER_PENDING_PAYMENT || order->status == ORDER_REVIEW) &&
                order->payment_due_shelf_ms > decision->now->shelf_ms;
    uint32_t first = look->line, link = order->lines_first;
    look->line = 0;
    if (!open ||
        (filter->customer_index != NONE && order->customer_index != filter->customer_index))
        return true;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = line_at(engine, link - 1);
        link = line->next;
        if (i < first || (filter->sku_number != 0 && line->sku_number != filter->sku_number))
            continue;
        struct look_reservation reservation = {
            .deadline_shelf_ms = order->payment_due_shelf_ms,
            .unit_price = line->unit_price,
            .sku_number = line->sku_number,
            .quantity = line->quantity - line->cancelled,
            .in_review = order->status == ORDER_REVIEW,
        };
        memcpy(reservation.order_id, order->id, 16);
        memcpy(reservation.currency, order->currency, 4);
        if (find_reservation(decision, look, &reservation, order->customer_index))
            continue;
        look->line = i;
        return false;
    }
    return true;
}

static const struct pool *pool_of(const struct engine *engine, uint32_t table)
{
    if (table == LOOK_HOLDS)
        return &engine->holds;
    return table == LOOK_ORDERS ? &engine->orders : &engine->gone;
}

static uint32_t last_table(enum command_kind kind)
{
    return kind == COMMAND_AUDIT ? LOOK_GONE : LOOK_ORDERS;
}

/* false: the page is full, and the slot was not taken whole. */
static bool look_at(const struct decision *decision, const struct filter *filter, struct look *look)
{
    const struct engine *engine = decision->engine;
    enum command_kind kind = decision->command->kind;
    const void *entry = pool_at(pool_of(engine, look->table), look->slot);
    if (kind == COMMAND_AUDIT) {
        look_audit_add(decision, look, look->table, entry);
        return true;
    }
    if (kind == COMMAND_ORDERS_FIND) {
        if (order_matches(decision, filter, entry))
            find_order(decision, look, entry);
        return true;
    }
    return look->table == LOOK_HOLDS ? find_hold(decision, filter, look, entry)
                                     : find_open_order(decision, filter, look, entry);
}

/* Looks at as many slots as one visit may; true: the shard is done with, or the page is full. */
static bool look_on(const struct decision *decision, struct look *look)
{
    const struct engine *engine = decision->engine;
    struct filter filter = filter_of(decision);
    uint32_t left = LOOK_SLOTS;
    if (filter.nothing)
        return true;
    for (; look->table <= last_table(decision->command->kind); look->table++, look->slot = 0) {
        const struct pool *pool = pool_of(engine, look->table);
        for (; look->slot < pool->fresh; look->slot++) {
            if (left-- == 0)
                return false;
            if (pool_is_used(pool, look->slot) && !look_at(decision, &filter, look))
                return true;
            look->line = 0;
        }
    }
    return true;
}

void look_next(struct decision *decision, uint32_t shard, uint32_t step)
{
    decision->answer->goes_on = true;
    decision->answer->next_shard = shard;
    decision->answer->next_step = step;
}

enum outcome decide_look(struct decision *decision)
{
    const struct command *command = decision->command;
    struct look *look = look_state(command);
    bool audit = command->kind == COMMAND_AUDIT;
    if (command->step == LOOK_BEGIN) {
        begin(decision, look);
        if (command->kind == COMMAND_ORDERS_FIND)
            look->table = LOOK_ORDERS;
    }
    if (command->step == LOOK_JUDGE)
        return look_audit_judge(decision, look);
    CHECK(look->shard == decision->engine->shard);
    if (!look_on(decision, look)) {
        look_next(decision, look->shard, LOOK_ON);
        return OUTCOME_OK;
    }
    bool full = look->more && command->kind == COMMAND_RESERVATIONS;
    if (full || --look->shards_left == 0) {
        if (audit)
            look_next(decision, 0, LOOK_JUDGE);
        return OUTCOME_OK;
    }
    look->shard++;
    look->slot = look->line = 0;
    look->table = command->kind == COMMAND_ORDERS_FIND ? LOOK_ORDERS : LOOK_HOLDS;
    look_next(decision, look->shard, LOOK_ON);
    return OUTCOME_OK;
}
