/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sale_json.h"

#include "core/check.h"

static void put_number(struct json_writer *json, const char *name, uint32_t number)
{
    json_put_name(json, name);
    if (number == 0)
        json_put_null(json);
    else
        json_put_integer(json, number);
}

static struct bytes reserve_name(uint8_t reserve_on)
{
    if (reserve_on == RESERVE_UNSET)
        return (struct bytes){0};
    return reserve_on == RESERVE_CART ? BYTES("cart") : BYTES("checkout");
}

static struct bytes mode_name(uint8_t payment_mode)
{
    if (payment_mode == 0)
        return (struct bytes){0};
    return payment_mode == PAYMENT_DEFERRED ? BYTES("deferred") : BYTES("external");
}

static void put_counts(struct json_writer *json, const struct sale *sale)
{
    uint8_t text[24] = "capped:";
    uint32_t first = sizeof(text), digits = 0;
    CHECK(sale->counts <= COUNTS_BOOLEAN);
    if (sale->counts != COUNTS_CAPPED) {
        json_put_member_string(
            json, "counts", sale->counts == COUNTS_EXACT ? BYTES("exact") : BYTES("boolean"));
        return;
    }
    uint32_t number = sale->counts_cap;
    do {
        text[--first] = (uint8_t)('0' + number % 10);
        number /= 10;
        digits++;
    } while (number > 0);
    memmove(text + 7, text + first, digits);
    json_put_member_string(json, "counts", bytes_of(text, 7 + digits));
}

void sale_json_put_members(struct json_writer *json, struct bytes name, const struct sale *sale)
{
    json_put_member_string(json, "sale", name);
    json_put_member_time(json, "starts_at", sale->starts_wall_ms);
    json_put_member_time(json, "ends_at", sale->ends_wall_ms);
    json_put_member_string_or_null(json, "reserve_on", reserve_name(sale->reserve_on));
    put_number(json, "hold_seconds", sale->hold_seconds);
    put_number(json, "payment_seconds", sale->payment_seconds);
    put_number(json, "review_seconds", sale->review_seconds);
    json_put_member_string_or_null(json, "payment_mode", mode_name(sale->payment_mode));
    put_number(json, "max_per_customer", sale->max_per_customer);
    put_counts(json, sale);
    json_put_member_boolean(json, "guests", sale->guests == GUESTS_ALLOWED);
    json_put_member_integer(json, "version", sale->version);
}
