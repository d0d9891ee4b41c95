/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop/shed.h"

#include "core/check.h"

static void begin_window(struct shed_gauge *gauge, uint64_t now_ms)
{
    gauge->window_ms = now_ms;
    gauge->looks = 0;
    gauge->least = UINT32_MAX;
}

/* A shard that slept has looked seldom, and was not overloaded. */
static void rise(struct shed_gauge *gauge, const struct shed_scale *scale, uint64_t now_ms)
{
    if (gauge->least < scale->rises[0]) {
        begin_window(gauge, now_ms);
        return;
    }
    if (gauge->looks < SHED_LOOKS_MIN || now_ms - gauge->window_ms < SHED_WINDOW_MS)
        return;
    for (uint32_t level = SHED_LEVELS; level > gauge->level; level--) {
        if (gauge->least < scale->rises[level - 1])
            continue;
        gauge->level = level;
        gauge->not_calm_ms = now_ms;
        break;
    }
    begin_window(gauge, now_ms);
}

static bool is_calm(const struct shed_gauge *gauge, const struct shed_scale *scale, uint32_t load)
{
    return 2 * (uint64_t)load < scale->rises[gauge->level - 1];
}

/* Who has not looked for long falls by all that he would have fallen meanwhile. */
static void fall(
    struct shed_gauge *gauge, const struct shed_scale *scale, uint64_t now_ms, uint32_t load)
{
    CHECK(gauge->level <= SHED_LEVELS);
    if (gauge->level > 0 && !is_calm(gauge, scale, load))
        gauge->not_calm_ms = now_ms;
    while (gauge->level > 0 && is_calm(gauge, scale, load) &&
           now_ms - gauge->not_calm_ms >= SHED_CALM_MS) {
        gauge->level--;
        gauge->not_calm_ms += SHED_CALM_MS;
    }
}

void shed_look(
    struct shed_gauge *gauge, const struct shed_scale *scale, uint64_t now_ms, uint32_t load)
{
    if (gauge->looks == 0)
        begin_window(gauge, now_ms);
    gauge->looks++;
    if (load < gauge->least)
        gauge->least = load;
    rise(gauge, scale, now_ms);
    fall(gauge, scale, now_ms, load);
}

uint32_t shed_refused(uint32_t level, bool looks)
{
    static const uint32_t refused[SHED_LEVELS + 1] = {
        0,
        1U << SHED_READ,
        1U << SHED_READ | 1U << SHED_HOLD,
        1U << SHED_READ | 1U << SHED_HOLD | 1U << SHED_CHECKOUT,
        1U << SHED_READ | 1U << SHED_HOLD | 1U << SHED_CHECKOUT | 1U << SHED_CONFIRMATION,
    };
    CHECK(level <= SHED_LEVELS);
    return refused[level] | (looks && level > 0 ? 1U << SHED_LOOK : 0);
}
