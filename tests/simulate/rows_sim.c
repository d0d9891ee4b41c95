/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulate/rows_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"

uint64_t rows_hash(struct bytes text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (uint32_t i = 0; i < text.size; i++)
        hash = (hash ^ text.data[i]) * UINT64_C(0x100000001b3);
    return hash | 2; /* neither 0 nor ROWS_NO_ORDER */
}

uint64_t rows_whose(const uint8_t id[16])
{
    char text[37];
    uint32_t size = 0;
    for (uint32_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[size++] = '-';
        snprintf(text + size, sizeof(text) - size, "%02x", id[i]);
        size += 2;
    }
    return rows_hash(bytes_of(text, size));
}

static struct order_row *place_of(struct rows_sim *rows, const uint8_t id[16])
{
    uint64_t hash;
    memcpy(&hash, id + 8, sizeof(hash));
    uint32_t at = (uint32_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 40) % rows->order_capacity;
    while (rows->orders[at].used && memcmp(rows->orders[at].id, id, 16) != 0)
        at = (at + 1) % rows->order_capacity;
    return &rows->orders[at];
}

static void grow_orders(struct rows_sim *rows)
{
    struct rows_sim larger = {.order_capacity = 2 * rows->order_capacity + 256};
    larger.orders = calloc(larger.order_capacity, sizeof(larger.orders[0]));
    CHECK(larger.orders != NULL);
    for (uint32_t i = 0; i < rows->order_capacity; i++)
        if (rows->orders[i].used)
            *place_of(&larger, rows->orders[i].id) = rows->orders[i];
    free(rows->orders);
    rows->orders = larger.orders;
    rows->order_capacity = larger.order_capacity;
}

void rows_put_order(struct rows_sim *rows, const struct order_row *row)
{
    if (2 * rows->order_count >= rows->order_capacity)
        grow_orders(rows);
    struct order_row *place = place_of(rows, row->id);
    if (place->used && place->version >= row->version)
        return;
    rows->order_count += !place->used;
    *place = *row;
    place->used = true;
}

bool rows_has_order(const struct rows_sim *rows, const uint8_t id[16])
{
    struct rows_sim *has = (struct rows_sim *)(uintptr_t)rows;
    return rows->order_count > 0 && place_of(has, id)->used;
}

bool rows_has_event(const struct rows_sim *rows, uint32_t shard, uint64_t seq)
{
    const struct outbox_rows *outbox = &rows->outbox[shard];
    return seq <= outbox->size && outbox->whose[seq - 1] != 0;
}

void rows_put_event(struct rows_sim *rows, uint32_t shard, uint64_t seq, uint64_t whose)
{
    struct outbox_rows *outbox = &rows->outbox[shard];
    CHECK(shard < ROWS_SHARDS_MAX && seq > 0 && whose != 0);
    if (seq > outbox->size) {
        uint64_t size = seq + seq / 2 + 64;
        outbox->whose = realloc(outbox->whose, size * sizeof(outbox->whose[0]));
        CHECK(outbox->whose != NULL);
        memset(outbox->whose + outbox->size, 0, (size - outbox->size) * sizeof(outbox->whose[0]));
        outbox->size = size;
    }
    outbox->count += outbox->whose[seq - 1] == 0;
    outbox->whose[seq - 1] = whose;
}

static void *copy_of(const void *from, uint64_t size)
{
    void *copy = malloc(size + 1);
    CHECK(copy != NULL);
    if (size > 0)
        memcpy(copy, from, size);
    return copy;
}

void rows_free(struct rows_sim *rows)
{
    free(rows->orders);
    for (uint32_t i = 0; i < ROWS_SHARDS_MAX; i++)
        free(rows->outbox[i].whose);
    *rows = (struct rows_sim){.order_count = 0};
}

void rows_copy(struct rows_sim *to, const struct rows_sim *from)
{
    rows_free(to);
    *to = *from;
    to->orders = copy_of(from->orders, from->order_capacity * sizeof(from->orders[0]));
    for (uint32_t i = 0; i < ROWS_SHARDS_MAX; i++)
        to->outbox[i].whose =
            copy_of(from->outbox[i].whose, from->outbox[i].size * sizeof(uint64_t));
}

static const char *differ_in_outbox(const struct outbox_rows *have, const struct outbox_rows *want)
{
    if (have->count != want->count)
        return "the outbox of PostgreSQL has not as many rows as there were events";
    for (uint64_t i = 0; i < want->count; i++) {
        if (want->whose[i] == 0)
            return "the stream numbers of events have a gap";
        if (i >= have->size || have->whose[i] == 0)
            return "the stream numbers of the outbox have a gap";
        if (want->whose[i] != ROWS_NO_ORDER && want->whose[i] != have->whose[i])
            return "a row of the outbox is of another order";
    }
    return NULL;
}

const char *rows_differ(const struct rows_sim *have, const struct rows_sim *want)
{
    struct rows_sim *rows = (struct rows_sim *)(uintptr_t)have;
    const char *wrong = NULL;
    for (uint32_t i = 0; i < ROWS_SHARDS_MAX && wrong == NULL; i++)
        wrong = differ_in_outbox(&have->outbox[i], &want->outbox[i]);
    if (wrong == NULL && have->order_count != want->order_count)
        wrong = "PostgreSQL has not as many orders as were placed";
    for (uint32_t i = 0; i < want->order_capacity && wrong == NULL; i++) {
        const struct order_row *order = &want->orders[i];
        if (!order->used)
            continue;
        const struct order_row *row = place_of(rows, order->id);
        if (!row->used)
            wrong = "an order that was acknowledged is not in PostgreSQL";
        else if (row->version != order->version || row->status != order->status)
            wrong = "an order is not in PostgreSQL as it was acknowledged last";
    }
    return wrong;
}
