/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confirm races expiry: many orders and holds wait for their deadlines, and what would save each is
 * sent within SPREAD_MS before or after its own (L2, L4, C6, P3, P5, P6).
 *
 *     paid         one report of the payment
 *     contested    and another customer wants the unit at the same time
 *     paid twice   storefront and provider report the same payment
 *     checked out  a cart's hold instead of an order; another customer wants its unit
 *
 * Exactly one wins: the unit ends with one owner or on sale, and each reply told the final state.
 * Whoever gets the unit gets it for good (sold at once), so that there is time to judge.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/races/race.h"

enum { BATCH_MAX = 250, WIRES_EACH = 3, SPREAD_MS = 10 };

enum kind { PAID, CONTESTED, PAID_TWICE, CHECKED_OUT, KINDS };

struct dying {
    enum kind kind;
    char sku[NAME_SIZE], customer[NAME_SIZE], rival[NAME_SIZE], order_id[ORDER_ID_SIZE_TEXT];
    int64_t due_wall_ms;
    struct wire *wire[WIRES_EACH]; /* the saver, its twin, the rival */
};

/* What is asked when. */
struct moment_of {
    int64_t wall_ns;
    uint32_t dying, wire;
};

static int64_t wall_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* RFC 3339 as the server writes it: 2026-01-02T03:04:05.678Z. */
static int64_t wall_ms_of(const char *text)
{
    struct tm parts = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == NULL || *rest != '.')
        return 0;
    return timegm(&parts) * 1000LL + strtoll(rest + 1, NULL, 10);
}

static void begin(struct race *race, struct dying *dying, uint32_t place, uint32_t count)
{
    char body[BODY_SIZE];
    dying->kind = (enum kind)(race->round % KINDS);
    race_sku(race, race->round, dying->kind == CHECKED_OUT, dying->sku);
    race_customer(race, 0, dying->customer);
    race_customer(race, 1, dying->rival);
    for (uint32_t i = 0; i < WIRES_EACH; i++)
        dying->wire[i] = &race->front.wire[i * count + place];
    if (dying->kind == CHECKED_OUT)
        ask_put(dying->wire[0], dying->customer, dying->sku, 1);
    else
        ask_checkout(dying->wire[0], dying->customer, "k", items_of(body, dying->sku, 1), false);
}

static void note_deadline(struct race *race, struct dying *dying)
{
    char text[64];
    struct wire *wire = dying->wire[0];
    bool order = dying->kind != CHECKED_OUT;
    JUDGE(race, "the set-up", wire->status == (order ? 201 : 200), "%s", dying->sku);
    wire_text(wire, order ? "payment_due_at" : "lines.0.reservation.expires_at", text, sizeof text);
    dying->due_wall_ms = wall_ms_of(text);
    JUDGE(race, "L10", dying->due_wall_ms > 0, "%s", text);
    if (order)
        wire_text(wire, "id", dying->order_id, sizeof dying->order_id);
}

static bool takes_part(const struct dying *dying, uint32_t wire)
{
    return wire == 0 || (wire == 1 && dying->kind == PAID_TWICE) ||
           (wire == 2 && (dying->kind == CONTESTED || dying->kind == CHECKED_OUT));
}

static int by_time(const void *a, const void *b)
{
    const struct moment_of *left = a, *right = b;
    return left->wall_ns < right->wall_ns ? -1 : left->wall_ns > right->wall_ns;
}

static void act(struct dying *dying, uint32_t wire)
{
    char body[BODY_SIZE], id[NAME_SIZE + 8];
    snprintf(id, sizeof id, "pay-%s", dying->customer);
    if (wire == 2)
        ask_checkout(dying->wire[2], dying->rival, "k", items_of(body, dying->sku, 1), true);
    else if (dying->kind == CHECKED_OUT)
        ask_checkout(dying->wire[0], dying->customer, "k", NULL, true);
    else
        ask_payment(dying->wire[wire], dying->customer, dying->order_id, "captured", id, PRICE);
}

static void act_in_time(struct race *race, struct dying *dying, uint32_t count)
{
    struct moment_of *moments = calloc(count * WIRES_EACH, sizeof *moments);
    uint32_t used = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t wire = 0; wire < WIRES_EACH; wire++) {
            if (!takes_part(&dying[i], wire))
                continue;
            int64_t spread_us =
                (int64_t)dice_below(&race->dice, 2000 * SPREAD_MS) - 1000 * SPREAD_MS;
            moments[used++] =
                (struct moment_of){.wall_ns = dying[i].due_wall_ms * 1000000 + spread_us * 1000,
                    .dying = i,
                    .wire = wire};
        }
    }
    qsort(moments, used, sizeof *moments, by_time);
    for (uint32_t i = 0; i < used; i++) {
        int64_t left_ns;
        while ((left_ns = moments[i].wall_ns - wall_now_ns()) > 0)
            wires_hear(&race->front, left_ns > 2000000 ? 1 : 0);
        act(&dying[moments[i].dying], moments[i].wire);
    }
    free(moments);
    wires_settle(&race->front);
}

static bool rival_won(const struct dying *dying)
{
    return takes_part(dying, 2) && dying->wire[2]->status == 201;
}

static void judge_rival(struct race *race, const struct dying *dying)
{
    const struct wire *wire = dying->wire[2];
    if (!takes_part(dying, 2))
        return;
    race_count(race, rival_won(dying) ? "rival won" : "rival refused", 1);
    JUDGE(race, "L3, A4",
        rival_won(dying) || wire_is(wire, 409, "held_by_others") || wire_is(wire, 409, "sold_out"),
        "the rival");
}

/* The state a report's reply told. */
static const char *told_status(struct wire *wire, char *text, size_t size)
{
    return wire_text(wire, wire->status == 200 ? "status" : "order_status", text, size);
}

static void judge_order(struct race *race, struct dying *dying, struct numbers numbers)
{
    char told[32], final[32];
    struct wire *wire = dying->wire[0];
    bool twin = takes_part(dying, 1);
    ask_order(&race->front.wire[WIRES_EACH * BATCH_MAX], dying->customer, dying->order_id);
    wires_settle(&race->front);
    struct wire *order = &race->front.wire[WIRES_EACH * BATCH_MAX];
    wire_text(order, "status", final, sizeof final);
    bool confirmed = strcmp(final, "confirmed") == 0;
    for (int i = 0; i < 1 + twin; i++, wire = dying->wire[1]) {
        JUDGE(race, "P3, P6", wire->status == 200 || wire_is(wire, 409, "refund_required"), "-");
        JUDGE(race, "L4", strcmp(told_status(wire, told, sizeof told), final) == 0,
            "told %s, and it is %s", told, final);
    }
    JUDGE(race, "P3", !twin || dying->wire[0]->status == 200 || dying->wire[1]->status == 200,
        "the second report gets 200");
    JUDGE(race, "L4", confirmed || strcmp(final, "refund_required") == 0, "%s", final);
    JUDGE(race, "P5, P6", wire_number(order, "paid") == PRICE, "the money");
    JUDGE(race, "P6", wire_number(order, "refund_due") == (confirmed ? 0 : PRICE), "the money");
    JUDGE(race, "V3", numbers.sold == confirmed + rival_won(dying) && numbers.held == 0, "-");
    JUDGE(race, "V3", !confirmed || !rival_won(dying), "one owner");
    bool reclaimed = wire_flag(order, "reclaimed");
    race_count(race, !confirmed ? "refund_required" : reclaimed ? "reclaimed" : "confirmed", 1);
}

static void judge_hold(struct race *race, struct dying *dying, struct numbers numbers)
{
    struct wire *wire = dying->wire[0];
    JUDGE(race, "L3, C6",
        wire->status == 201 || wire_is(wire, 409, "held_by_others") ||
            (rival_won(dying) && wire_is(wire, 409, "sold_out")),
        "who held the unit hears sold_out only when another has bought it");
    JUDGE(race, "V3", (wire->status == 201) + rival_won(dying) == numbers.sold, "one owner");
    JUDGE(race, "V4", numbers.held == 0, "nothing stranded");
    race_count(race, wire->status == 201 ? "checked out" : "too late for its hold", 1);
}

static void run_batch(struct race *race, uint32_t first, uint32_t count)
{
    struct dying *dying = calloc(count, sizeof *dying);
    for (uint32_t i = 0; i < count; i++) {
        race->round = first + i;
        begin(race, &dying[i], i, count);
    }
    wires_settle(&race->front);
    for (uint32_t i = 0; i < count; i++)
        note_deadline(race, &dying[i]);
    act_in_time(race, dying, count);
    for (uint32_t i = 0; i < count; i++) {
        race->round = first + i;
        judge_rival(race, &dying[i]);
        struct numbers numbers = race_stock(race, dying[i].sku);
        if (dying[i].kind == CHECKED_OUT)
            judge_hold(race, &dying[i], numbers);
        else
            judge_order(race, &dying[i], numbers);
    }
    free(dying);
}

/* The server's payment_seconds is as short as it may be. */
void run_expiry(const struct race_options *options)
{
    struct race race;
    race_open(&race, options, WIRES_EACH * BATCH_MAX + 1);
    race_sell(&race, 0, 1, &(struct offer_terms){.stock = 1});
    race_sell(
        &race, 1, 1, &(struct offer_terms){.stock = 1, .reserve_on_cart = true, .hold_seconds = 1});
    for (uint32_t first = 0; first < options->rounds; first += BATCH_MAX) {
        uint32_t left = options->rounds - first;
        run_batch(&race, first, left < BATCH_MAX ? left : BATCH_MAX);
    }
    race_end(&race);
}
