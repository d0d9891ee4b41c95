/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guests have bought counts for the customers they turned out to be: C4, Q4. A customer is an
 * identity of his guests: what they handed him stands in `counted`, behind the cards and addresses,
 * from the visit that moves their cart out until the record that ends it is durable.
 */
#include "tests/simulate/model_parts.h"

static int identity_of(int customer)
{
    return IDENTITIES + customer;
}

uint32_t limit_used_of(const struct model *model, int customer, int sku, int sale)
{
    return allowance_of(model, customer, sku, sale) +
           model->counted[identity_of(customer)][sku][sale];
}

/* Not in the cart. */
static uint32_t bought(const struct model *model, int guest, const struct allowance_of *allowance)
{
    const struct cart_line *line = line_of(model, guest, allowance->sku);
    bool holds = line != NULL && line->state == LINE_HELD && line->limit > 0 &&
                 line->sale == allowance->sale;
    return allowance->used - (holds ? line->quantity : 0);
}

void handed_plan(const struct model *model, struct merging_of *merging)
{
    const struct buyer *guest = &model->buyers[merging->guest];
    merging->handed_count = 0;
    for (uint32_t i = 0; i < guest->allowance_count; i++) {
        const struct allowance_of *allowance = &guest->allowances[i];
        uint32_t units = bought(model, merging->guest, allowance) - allowance->handed;
        if (units > 0 && (allowance->handed == 0 || allowance->handed_to == merging->customer))
            merging->handed[merging->handed_count++] =
                (struct handing){allowance->sku, allowance->sale, units};
    }
}

bool handed_fits(const struct model *model, const struct merging_of *merging)
{
    uint32_t counters = model->counters_used;
    for (uint32_t i = 0; i < merging->handed_count; i++) {
        const struct handing *handing = &merging->handed[i];
        counters +=
            model->counted[identity_of(merging->customer)][handing->sku][handing->sale] == 0;
    }
    return counters == model->counters_used ||
           (counters <= model->capacity.identities &&
               counters + model->claims_taken <= model->claims_room);
}

void handed_count(struct model *model, int customer, int sku, int sale, uint32_t units)
{
    uint32_t *counted = &model->counted[identity_of(customer)][sku][sale];
    model->counters_used += *counted == 0 && units > 0;
    *counted += units;
}

void handed_happen(struct model *model, const struct merging_of *merging)
{
    struct buyer *guest = &model->buyers[merging->guest];
    for (uint32_t i = 0; i < merging->handed_count; i++) {
        const struct handing *handing = &merging->handed[i];
        struct allowance_of *allowance = allowance_kept(guest, handing->sku, handing->sale);
        allowance->handed += handing->units;
        allowance->handed_to = merging->customer;
        handed_count(model, merging->customer, handing->sku, handing->sale, handing->units);
    }
}

void handed_returns(
    struct model *model, uint32_t shard, struct allowance_of *allowance, uint32_t units)
{
    struct uncounting uncounting = {
        identity_of(allowance->handed_to), allowance->sku, allowance->sale, units};
    if (units == 0)
        return;
    allowance->handed -= units;
    record_uncounting(model, shard, &uncounting);
}

void bought_less(struct model *model, uint32_t shard, const struct sold_order *order,
    const struct sold_line *line, uint32_t units)
{
    struct buyer *buyer = &model->buyers[order->customer];
    if (line->limit > 0 && units > 0) {
        struct allowance_of *allowance = allowance_kept(buyer, line->sku, line->sale);
        uint32_t left = bought(model, order->customer, allowance) - units;
        handed_returns(
            model, shard, allowance, allowance->handed > left ? allowance->handed - left : 0);
    }
    allowance_less(model, shard, order->customer, line->sku, line->sale, line->limit, units);
    record_uncount(model, shard, order, line, units);
}
