/* SPDX-License-Identifier: Apache-2.0 */
/* A line with limit 0 was taken without a limit: nothing is counted of it, then or later. */
#include "core/identities.h"

#include "core/check.h"

static uint32_t count_of(struct bytes identities)
{
    CHECK(identities.size % sizeof(struct hash128) == 0);
    CHECK(identities.size <= IDENTITIES_SIZE_MAX);
    return identities.size / (uint32_t)sizeof(struct hash128);
}

/* The word before it keeps the keys of counters apart from those of payments. */
struct hash128 identity_key(struct hash128 identity, uint32_t sku_number, uint32_t sale_number)
{
    uint32_t numbers[2] = {sku_number, sale_number};
    struct bytes parts[3] = {BYTES("identity"), bytes_of(&identity, sizeof(identity)),
        bytes_of(numbers, sizeof(numbers))};
    return hash_parts(parts, 3);
}

static struct hash128 key_of(
    struct bytes identities, uint32_t index, uint32_t sku_number, uint32_t sale_number)
{
    struct hash128 identity;
    memcpy(&identity, identities.data + index * sizeof(identity), sizeof(identity));
    return identity_key(identity, sku_number, sale_number);
}

uint64_t identities_used(
    const struct shelf *shelf, struct bytes identities, const struct event_line *line)
{
    uint64_t largest = 0;
    for (uint32_t i = 0; i < count_of(identities); i++) {
        struct hash128 key = key_of(identities, i, line->sku_number, line->sale_number);
        uint64_t used = claims_count(&shelf->claims, key);
        largest = used > largest ? used : largest;
    }
    return largest;
}

/* Gives back what the first `taken` counters of the event were given, in the order of taking. */
static void drop(struct shelf *shelf, const struct event *event, uint32_t taken)
{
    struct bytes identities = event->text[TEXT_IDENTITIES];
    uint32_t count = count_of(identities);
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        for (uint32_t j = 0; line->limit > 0 && j < count && taken > 0; j++, taken--)
            claims_count_give(&shelf->claims,
                key_of(identities, j, line->sku_number, line->sale_number), line->quantity);
    }
}

enum count_answer identities_take(
    struct shelf *shelf, const struct event *event, struct identity_refusal *refusal)
{
    struct bytes identities = event->text[TEXT_IDENTITIES];
    uint32_t count = count_of(identities), taken = 0;
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        for (uint32_t j = 0; line->limit > 0 && j < count; j++, taken++) {
            struct hash128 key = key_of(identities, j, line->sku_number, line->sale_number);
            refusal->line = i;
            enum count_answer answer =
                claims_count_take(&shelf->claims, key, line->quantity, line->limit, &refusal->used);
            if (answer == COUNT_TAKEN)
                continue;
            drop(shelf, event, taken);
            return answer;
        }
    }
    return COUNT_TAKEN;
}

void identities_drop(struct shelf *shelf, const struct event *event)
{
    drop(shelf, event, UINT32_MAX);
}

void identities_give(struct shelf *shelf, const struct event *event)
{
    struct bytes identities = event->text[TEXT_IDENTITIES];
    uint32_t count = count_of(identities);
    for (uint32_t i = 0; i < event->line_count; i++) {
        const struct event_line *line = &event->lines[i];
        for (uint32_t j = 0; line->limit > 0 && line->uncounted > 0 && j < count; j++)
            claims_count_give(&shelf->claims,
                key_of(identities, j, line->sku_number, line->sale_number), line->uncounted);
    }
}

uint32_t identities_put(
    struct bytes identities, const struct order_line *line, uint32_t units, uint8_t *out)
{
    uint32_t size = 0;
    for (uint32_t i = 0; line->limit > 0 && units > 0 && i < count_of(identities); i++) {
        struct identity_count one = {
            .key = key_of(identities, i, line->sku_number, line->sale_number), .units = units};
        memcpy(out + size, &one, sizeof(one));
        size += (uint32_t)sizeof(one);
    }
    return size;
}

void identities_give_counts(struct shelf *shelf, struct bytes counts)
{
    struct identity_count one;
    CHECK(counts.size % sizeof(one) == 0);
    for (uint32_t at = 0; at < counts.size; at += (uint32_t)sizeof(one)) {
        memcpy(&one, counts.data + at, sizeof(one));
        claims_count_give(&shelf->claims, one.key, one.units);
    }
}

void identities_derive(
    struct shelf *shelf, struct bytes identities, const struct order_line *line, uint32_t units)
{
    uint64_t used;
    for (uint32_t i = 0; line->limit > 0 && units > 0 && i < count_of(identities); i++) {
        struct hash128 key = key_of(identities, i, line->sku_number, line->sale_number);
        CHECK(claims_count_take(&shelf->claims, key, units, UINT64_MAX, &used) == COUNT_TAKEN);
    }
}
