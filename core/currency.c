/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table is text: three letters and the exponent, sorted, so that a reader can check it against
 * the standard and a look-up can halve it. Codes without a minor unit (metals, funds units of
 * account, tests) are left out: nothing can be priced in them.
 */
#include "core/currency.h"

/* clang-format off */
static const char currencies[] =
    "AED2AFN2ALL2AMD2ANG2AOA2ARS2AUD2AWG2AZN2BAM2BBD2BDT2BGN2BHD3BIF0BMD2BND2BOB2BOV2"
    "BRL2BSD2BTN2BWP2BYN2BZD2CAD2CDF2CHE2CHF2CHW2CLF4CLP0CNY2COP2COU2CRC2CUP2CVE2CZK2"
    "DJF0DKK2DOP2DZD2EGP2ERN2ETB2EUR2FJD2FKP2GBP2GEL2GHS2GIP2GMD2GNF0GTQ2GYD2HKD2HNL2"
    "HTG2HUF2IDR2ILS2INR2IQD3IRR2ISK0JMD2JOD3JPY0KES2KGS2KHR2KMF0KPW2KRW0KWD3KYD2KZT2"
    "LAK2LBP2LKR2LRD2LSL2LYD3MAD2MDL2MGA2MKD2MMK2MNT2MOP2MRU2MUR2MVR2MWK2MXN2MXV2MYR2"
    "MZN2NAD2NGN2NIO2NOK2NPR2NZD2OMR3PAB2PEN2PGK2PHP2PKR2PLN2PYG0QAR2RON2RSD2RUB2RWF0"
    "SAR2SBD2SCR2SDG2SEK2SGD2SHP2SLE2SOS2SRD2SSP2STN2SVC2SYP2SZL2THB2TJS2TMT2TND3TOP2"
    "TRY2TTD2TWD2TZS2UAH2UGX0USD2USN2UYI0UYU2UYW4UZS2VED2VES2VND0VUV0WST2XAF0XCD2XCG2"
    "XOF0XPF0YER2ZAR2ZMW2ZWG2";
/* clang-format on */

enum { ENTRY_SIZE = 4, ENTRY_COUNT = (sizeof currencies - 1) / ENTRY_SIZE };
_Static_assert((sizeof currencies - 1) % ENTRY_SIZE == 0, "each entry is AAA and a digit");

static const char *entry_find(const uint8_t *letters)
{
    uint32_t low = 0, high = ENTRY_COUNT;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        const char *entry = currencies + middle * ENTRY_SIZE;
        int order = memcmp(letters, entry, 3);
        if (order == 0)
            return entry;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

bool currency_find(struct bytes text, uint8_t code[4])
{
    if (text.size != 3 || entry_find(text.data) == NULL)
        return false;
    memcpy(code, text.data, 3);
    code[3] = 0;
    return true;
}

int32_t currency_exponent(const uint8_t code[4])
{
    const char *entry = entry_find(code);
    return entry == NULL ? -1 : entry[3] - '0';
}

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

/* Digits behind the point, or -1 when the text is no decimal number. */
static int64_t fraction_size(struct bytes decimal)
{
    uint32_t whole = 0;
    while (whole < decimal.size && is_digit(decimal.data[whole]))
        whole++;
    if (whole == 0)
        return -1;
    if (whole == decimal.size)
        return 0;
    uint32_t at = whole + 1;
    while (at < decimal.size && is_digit(decimal.data[at]))
        at++;
    bool is_decimal = decimal.data[whole] == '.' && at == decimal.size && at > whole + 1;
    return is_decimal ? (int64_t)(decimal.size - whole - 1) : -1;
}

enum currency_amount currency_amount_read(
    struct bytes decimal, const uint8_t code[4], int64_t *minor_units)
{
    int32_t exponent = currency_exponent(code);
    int64_t fraction = fraction_size(decimal);
    if (fraction < 0)
        return CURRENCY_AMOUNT_MALFORMED;
    if (fraction > exponent)
        return CURRENCY_AMOUNT_TOO_FINE;
    int64_t amount = 0;
    for (uint32_t i = 0; i < decimal.size; i++) {
        if (decimal.data[i] == '.')
            continue;
        if (__builtin_mul_overflow(amount, 10, &amount) ||
            __builtin_add_overflow(amount, decimal.data[i] - '0', &amount))
            return CURRENCY_AMOUNT_TOO_LARGE;
    }
    for (int64_t i = fraction; i < exponent; i++)
        if (__builtin_mul_overflow(amount, 10, &amount))
            return CURRENCY_AMOUNT_TOO_LARGE;
    *minor_units = amount;
    return CURRENCY_AMOUNT_READ;
}
