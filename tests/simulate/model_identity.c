/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits per card, address and device: Q5, Q6. What an order's limited lines count under each of
 * its identities stands here from the ask on, and goes once the record that ends it is durable.
 */
#include "tests/simulate/model_parts.h"

enum count_answer identities_answer(
    const struct model *model, const struct sold_order *order, const struct ask *ask)
{
    uint32_t more[IDENTITIES_AT_MOST][SKUS_AT_MOST][SALES_AT_MOST] = {0};
    uint32_t counters = model->counters_used, claims = model->claims_taken;
    if (ask->kind == COMMAND_PAYMENT && !model->claims[ask->payment].taken)
        claims++; /* the payment id comes first */
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct sold_line *line = &order->lines[i];
        for (uint32_t j = 0; line->limit > 0 && j < order->identity_count; j++) {
            uint32_t used = model->counted[order->identities[j]][line->sku][line->sale] +
                            more[j][line->sku][line->sale];
            if (used + line->quantity > line->limit)
                return COUNT_EXCEEDED;
            if (used == 0 &&
                (counters >= model->capacity.identities || claims + counters >= model->claims_room))
                return COUNT_FULL; /* Q6 */
            counters += used == 0;
            more[j][line->sku][line->sale] += line->quantity;
        }
    }
    return COUNT_TAKEN;
}

/* The largest usage counts. */
uint32_t identities_most(const struct model *model, const struct ask *ask, int sku, int sale)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < ask->identity_count; i++) {
        uint32_t used = model->counted[ask->identities[i]][sku][sale];
        most = used > most ? used : most;
    }
    return most;
}

void identities_count(
    struct model *model, const struct sold_order *order, const struct sold_line *line)
{
    for (uint32_t i = 0; line->limit > 0 && i < order->identity_count; i++) {
        uint32_t *counted = &model->counted[order->identities[i]][line->sku][line->sale];
        uint32_t units = line_counts(order, line);
        model->counters_used += *counted == 0 && units > 0;
        *counted += units;
    }
}

/* Units of a line that count while it is held, or bought and not cancelled (Q4). */
uint32_t line_counts(const struct sold_order *order, const struct sold_line *line)
{
    bool counts = sold_is_open(order) || order->confirmed_wall_ms != 0;
    return counts ? line->quantity - line->cancelled : 0;
}

void identities_settle(struct model *model, const struct uncounting *uncounting)
{
    uint32_t *counted = &model->counted[uncounting->identity][uncounting->sku][uncounting->sale];
    uint32_t *leaving = &model->uncounted[uncounting->identity][uncounting->sku][uncounting->sale];
    CHECK(*counted >= uncounting->units);
    CHECK(*leaving >= uncounting->units);
    *counted -= uncounting->units;
    *leaving -= uncounting->units;
    model->counters_used -= *counted == 0;
}
