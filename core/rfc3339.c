/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Days are counted in years that begin in March, so that the leap day comes last and the lengths
 * of the months before it follow one formula.
 */
#include "core/rfc3339.h"

enum { DATE_TIME_SIZE = 19, FRACTION_DIGITS_MAX = 9 };

static bool is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_leap_year(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int32_t month_days(int32_t year, int32_t month)
{
    static const int8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01. */
static int64_t days_of(int32_t year, int32_t month, int32_t day)
{
    int64_t march_year = month <= 2 ? year - 1 : year;
    int64_t march_month = month <= 2 ? month + 9 : month - 3;
    int64_t day_of_year = (153 * march_month + 2) / 5 + day - 1;
    int64_t leap_days = march_year / 4 - march_year / 100 + march_year / 400;
    return march_year * 365 + leap_days + day_of_year - 719468;
}

static int32_t number_at(const uint8_t *digits, uint32_t count)
{
    int32_t number = 0;
    for (uint32_t i = 0; i < count; i++)
        number = number * 10 + (digits[i] - '0');
    return number;
}

/* Whether `text` looks like `form`, in which d stands for a digit and T for what may part date
 * and time. */
static bool has_form(const uint8_t *text, const char *form)
{
    for (uint32_t i = 0; form[i] != 0; i++) {
        bool fits = form[i] == 'd'   ? is_digit(text[i])
                    : form[i] == 'T' ? text[i] == 'T' || text[i] == 't' || text[i] == ' '
                                     : text[i] == (uint8_t)form[i];
        if (!fits)
            return false;
    }
    return true;
}

/* Takes ".123" off the head of *rest. */
static bool take_fraction(struct bytes *rest, int32_t *milliseconds)
{
    *milliseconds = 0;
    if (rest->size == 0 || rest->data[0] != '.')
        return true;
    uint32_t digits = 0;
    int32_t weight = 100;
    while (digits + 1 < rest->size && is_digit(rest->data[digits + 1])) {
        *milliseconds += (rest->data[digits + 1] - '0') * weight;
        weight /= 10;
        digits++;
    }
    *rest = bytes_of(rest->data + digits + 1, rest->size - digits - 1);
    return digits >= 1 && digits <= FRACTION_DIGITS_MAX;
}

static bool read_offset(struct bytes text, int32_t *minutes)
{
    *minutes = 0;
    if (text.size == 1)
        return text.data[0] == 'Z' || text.data[0] == 'z';
    if (text.size != 6 || !(has_form(text.data, "+dd:dd") || has_form(text.data, "-dd:dd")))
        return false;
    int32_t hour = number_at(text.data + 1, 2);
    int32_t minute = number_at(text.data + 4, 2);
    *minutes = (text.data[0] == '-' ? -1 : 1) * (hour * 60 + minute);
    return hour <= 23 && minute <= 59;
}

bool rfc3339_read(struct bytes text, int64_t *wall_ms)
{
    if (text.size < DATE_TIME_SIZE || !has_form(text.data, "dddd-dd-ddTdd:dd:dd"))
        return false;
    int32_t year = number_at(text.data, 4);
    int32_t month = number_at(text.data + 5, 2);
    int32_t day = number_at(text.data + 8, 2);
    int32_t hour = number_at(text.data + 11, 2);
    int32_t minute = number_at(text.data + 14, 2);
    int32_t second = number_at(text.data + 17, 2);
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    struct bytes rest = bytes_of(text.data + DATE_TIME_SIZE, text.size - DATE_TIME_SIZE);
    int32_t milliseconds, offset_minutes;
    if (!take_fraction(&rest, &milliseconds) || !read_offset(rest, &offset_minutes))
        return false;
    int64_t minutes = (days_of(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    *wall_ms = (minutes * 60 + second) * 1000 + milliseconds;
    return true;
}
