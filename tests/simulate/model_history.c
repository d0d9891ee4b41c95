/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is not yet durable, shard by shard: the units on their way, and the bytes as they were
 * before each record. Settling takes the oldest record, a crash undoes from the newest back.
 */
#include <stdlib.h>

#include "tests/simulate/model_parts.h"

struct undo {
    void *where;
    uint32_t size, offset;
};

struct history {
    struct record *records;
    uint32_t record_first, record_count, record_room;
    struct undo *undos;
    uint32_t undo_count, undo_room;
    uint8_t *bytes;
    uint32_t byte_count, byte_room;
};

void history_open(struct model *model)
{
    for (uint32_t shard = 0; shard < model->shards; shard++) {
        model->histories[shard] = calloc(1, sizeof(struct history));
        CHECK(model->histories[shard] != NULL);
    }
}

void history_close(struct model *model)
{
    for (uint32_t shard = 0; shard < model->shards; shard++) {
        free(model->histories[shard]->records);
        free(model->histories[shard]->undos);
        free(model->histories[shard]->bytes);
        free(model->histories[shard]);
    }
}

static void *room(void *array, uint32_t *capacity, uint32_t needed, size_t size)
{
    if (needed <= *capacity)
        return array;
    *capacity = 2 * needed + 64;
    array = realloc(array, *capacity * size);
    CHECK(array != NULL);
    return array;
}

struct record *record_begin(struct model *model, uint32_t shard)
{
    struct history *history = model->histories[shard];
    /* Nothing is under way: begin at the front again. */
    if (history->record_first == history->record_count)
        history->record_first = history->record_count = history->undo_count = history->byte_count =
            0;
    history->records = room(
        history->records, &history->record_room, history->record_count + 1, sizeof(struct record));
    struct record *record = &history->records[history->record_count++];
    *record = (struct record){
        .undo_first = history->undo_count, .publishes = NOBODY, .publishes_sale = NOBODY};
    keep(model, shard, &model->used[shard], sizeof(model->used[shard]));
    return record;
}

static struct record *record_open(struct model *model, uint32_t shard)
{
    struct history *history = model->histories[shard];
    CHECK(history->record_count > history->record_first);
    return &history->records[history->record_count - 1];
}

void keep(struct model *model, uint32_t shard, void *where, uint32_t size)
{
    struct history *history = model->histories[shard];
    history->undos =
        room(history->undos, &history->undo_room, history->undo_count + 1, sizeof(struct undo));
    history->bytes = room(history->bytes, &history->byte_room, history->byte_count + size, 1);
    history->undos[history->undo_count++] =
        (struct undo){.where = where, .size = size, .offset = history->byte_count};
    memcpy(history->bytes + history->byte_count, where, size);
    history->byte_count += size;
}

static uint32_t *on_its_way(struct units *units, enum way way)
{
    switch (way) {
    case WAY_FREE:
        return &units->freeing;
    case WAY_SELL:
        return &units->selling;
    case WAY_RESTOCK:
        return &units->restocking;
    case WAY_LOWER:
        return &units->lowering;
    case WAY_RAISE:
        return &units->raising;
    }
    CHECK(!"every way is listed");
    return NULL;
}

void record_move(struct model *model, uint32_t shard, enum way way, int sku, uint32_t units)
{
    struct record *record = record_open(model, shard);
    if (units == 0)
        return;
    CHECK(record->move_count < MOVES_AT_MOST);
    record->moves[record->move_count++] = (struct move){way, sku, units};
    *on_its_way(&model->units[sku], way) += units;
    touch_sku(model, sku);
}

void record_uncounting(struct model *model, uint32_t shard, const struct uncounting *uncounting)
{
    struct record *record = record_open(model, shard);
    CHECK(record->uncounting_count < UNCOUNTINGS_AT_MOST);
    record->uncountings[record->uncounting_count++] = *uncounting;
    model->uncounted[uncounting->identity][uncounting->sku][uncounting->sale] += uncounting->units;
}

void record_uncount(struct model *model, uint32_t shard, const struct sold_order *order,
    const struct sold_line *line, uint32_t units)
{
    for (uint32_t i = 0; line->limit > 0 && units > 0 && i < order->identity_count; i++) {
        struct uncounting uncounting = {order->identities[i], line->sku, line->sale, units};
        record_uncounting(model, shard, &uncounting);
    }
}

static void move_arrives(struct model *model, const struct move *move)
{
    struct units *units = &model->units[move->sku];
    uint32_t *way = on_its_way(units, move->way);
    CHECK(*way >= move->units);
    *way -= move->units;
    if (move->way == WAY_LOWER)
        units->allotment -= move->units;
    if (move->way == WAY_RAISE)
        units->allotment += move->units;
    touch_sku(model, move->sku);
}

static void publish(struct model *model, int sku)
{
    const struct product *product = &model->products[sku];
    struct sale_of *sale = &model->shown_sales[product->terms.sale];
    model->shown[sku].terms = product->terms;
    if (product->terms.sale != 0 && sale->version == 0)
        sale->version = 1;
    model->shown[sku].version = product->version;
    if (!product->in_import)
        model->shown[sku].visible = true;
}

/* T4: what an import made is seen with its end. */
static void import_ends(struct model *model)
{
    model->importing = model->import_ending = false;
    for (uint32_t sku = 0; sku < model->skus; sku++) {
        if (model->products[sku].in_import && model->shown[sku].version != 0)
            model->shown[sku].visible = true;
        model->products[sku].in_import = false;
    }
}

static void claim_drop(struct model *model, uint32_t payment)
{
    CHECK(model->claims[payment].taken);
    model->claims[payment] = (struct claim){0};
    model->claims_taken--;
}

void model_settle(struct model *model, uint32_t shard)
{
    struct history *history = model->histories[shard];
    CHECK(history->record_first < history->record_count);
    const struct record *record = &history->records[history->record_first++];
    for (uint32_t i = 0; i < record->move_count; i++)
        move_arrives(model, &record->moves[i]);
    for (uint32_t i = 0; i < record->uncounting_count; i++)
        identities_settle(model, &record->uncountings[i]);
    if (record->settles_claim != 0)
        model->claims[record->settles_claim - 1].durable = true;
    for (uint32_t i = 0; i < record->drop_count; i++)
        claim_drop(model, record->drops[i]);
    if (record->publishes != NOBODY)
        publish(model, record->publishes);
    if (record->publishes_sale != NOBODY)
        model->shown_sales[record->publishes_sale] = model->sales[record->publishes_sale];
    if (record->ends_import)
        import_ends(model);
    settle_switch(model, record, shard);
    settle_removal(model, record, shard);
}

static void count_order(struct model *model, const struct sold_order *order)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct sold_line *line = &order->lines[i];
        if (sold_is_open(order))
            model->units[line->sku].live += line->quantity - line->cancelled;
        if (order->confirmed_wall_ms != 0)
            model->units[line->sku].bought += line->quantity - line->restocked;
        identities_count(model, order, line);
    }
    for (uint32_t i = 0; i < order->payment_count; i++) {
        const struct paying *paying = &order->payments[i];
        if (paying->results == 1u << RESULT_REFUNDED)
            continue;
        model->claims[paying->payment] = (struct claim){.taken = true, .durable = true};
        memcpy(model->claims[paying->payment].order_id, order->id, 16);
        model->claims_taken++;
    }
}

/* Units, claims: what the customers' lines and orders say, and nothing under way. */
static void count_everything(struct model *model)
{
    for (uint32_t sku = 0; sku < model->skus; sku++) {
        struct units *units = &model->units[sku];
        struct units fresh = {.allotment = units->allotment};
        memcpy(fresh.gone_sold, units->gone_sold, sizeof(fresh.gone_sold));
        for (uint32_t shard = 0; shard < model->shards; shard++)
            fresh.bought += fresh.gone_sold[shard];
        *units = fresh;
    }
    memset(model->claims, 0, sizeof(model->claims));
    model->claims_taken = model->counters_used = 0;
    memset(model->counted, 0, counters_size(model));
    memset(model->uncounted, 0, counters_size(model));
    for (uint32_t customer = 0; customer < model->customers; customer++) {
        model->buyers[customer].merging = false;
        const struct buyer *buyer = &model->buyers[customer];
        for (uint32_t i = 0; i < buyer->line_count; i++) {
            if (buyer->lines[i].state == LINE_HELD)
                model->units[buyer->lines[i].sku].live += buyer->lines[i].quantity;
        }
        for (uint32_t i = 0; i < buyer->allowance_count; i++) {
            const struct allowance_of *allowance = &buyer->allowances[i];
            handed_count(
                model, allowance->handed_to, allowance->sku, allowance->sale, allowance->handed);
        }
    }
    for (uint32_t shard = 0; shard < model->shards; shard++) {
        for (uint32_t slot = 1; slot <= model->capacity.orders; slot++) {
            if (model->orders[shard][slot].used)
                count_order(model, &model->orders[shard][slot]);
        }
    }
}

void model_crash(struct model *model)
{
    for (uint32_t shard = 0; shard < model->shards; shard++) {
        struct history *history = model->histories[shard];
        uint32_t first = history->record_first < history->record_count
                             ? history->records[history->record_first].undo_first
                             : history->undo_count;
        while (history->undo_count > first) {
            const struct undo *undo = &history->undos[--history->undo_count];
            memcpy(undo->where, history->bytes + undo->offset, undo->size);
        }
        history->record_first = history->record_count = history->undo_count = history->byte_count =
            0;
    }
    count_everything(model);
}
