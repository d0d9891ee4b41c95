/* SPDX-License-Identifier: Apache-2.0 */
/*
 * currency - the currencies of ISO 4217 and the digits behind their decimal point.
 *
 *     "45.00" with USD (2) -> 4500    "1800" with JPY (0) -> 1800    "1.234" with KWD (3) -> 1234
 *
 * Amounts inside the product are minor units only (M1, M2); this is the one place where a decimal
 * becomes one, exactly: never by floating point, never rounded.
 *
 * Ownership  None: a constant table and pure functions.
 * Threads    Any.
 * Units      An exponent is a number of decimal digits; amounts are minor units.
 * Errors     false, -1 or an enum currency_amount.
 * Cost       A look-up: eight comparisons.
 */
#ifndef HOTSHELF_CORE_CURRENCY_H
#define HOTSHELF_CORE_CURRENCY_H

#include "core/bytes.h"

enum { CURRENCY_EXPONENT_MAX = 4 };

/* Three capital letters of a currency in use; *code gets them and a 0. */
bool currency_find(struct bytes text, uint8_t code[4]);

/* 0 to CURRENCY_EXPONENT_MAX, -1 for a code that currency_find() would not have given. */
int32_t currency_exponent(const uint8_t code[4]);

enum currency_amount {
    CURRENCY_AMOUNT_READ,
    CURRENCY_AMOUNT_MALFORMED, /* not digits, or digits, a point and digits */
    CURRENCY_AMOUNT_TOO_FINE,  /* more digits behind the point than the currency has */
    CURRENCY_AMOUNT_TOO_LARGE, /* beyond a signed 64-bit integer */
};

enum currency_amount currency_amount_read(
    struct bytes decimal, const uint8_t code[4], int64_t *minor_units);

#endif
