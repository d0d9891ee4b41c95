/* SPDX-License-Identifier: Apache-2.0 */
#include "net/loop/gather.h"

void gather_note_begun(struct gather *gather, uint64_t now_us)
{
    gather->begun_us = now_us;
}

void gather_note_settled(struct gather *gather, uint32_t size, uint64_t now_us)
{
    gather->answered = now_us - gather->begun_us >= GATHER_RETURN_US ? size : 0;
}

void gather_note_nobody(struct gather *gather)
{
    gather->awaits_return = false;
    gather->answered = 0;
}

/* Half of them is enough for the next time. */
static void judge_return(struct gather *gather, uint32_t came)
{
    bool well = came >= gather->answered / 2;
    gather->pauses = well ? 0 : gather->pauses * 2 + 1;
    if (gather->pauses > GATHER_PAUSE_MAX)
        gather->pauses = GATHER_PAUSE_MAX;
    gather->pause = gather->pauses;
    gather->awaits_return = false;
    gather->answered = 0;
}

/* Many do not wait for few. */
static bool begins_return(struct gather *gather, uint32_t size)
{
    uint32_t answered = gather->answered;
    gather->answered = 0;
    if (answered == 0 || size / 2 > answered || answered + size > GATHER_RETURN_BYTES)
        return false;
    if (gather->pause > 0) {
        gather->pause--;
        return false;
    }
    gather->answered = answered;
    gather->awaits_return = true;
    return true;
}

bool gather_waits(struct gather *gather, uint32_t size, bool cut, uint64_t now_us)
{
    uint32_t before = gather->filled;
    bool returned = gather->awaits_return;
    gather->filled = size;
    if (returned)
        judge_return(gather, size - before);
    if (size >= GATHER_BYTES || (returned && !cut)) {
        gather->since_us = 0;
        return false;
    }
    if (begins_return(gather, size)) {
        gather->since_us = now_us;
        return true;
    }
    if (size <= before) {
        gather->since_us = 0;
        return false;
    }
    if (before == 0 || gather->since_us == 0)
        gather->since_us = now_us;
    return now_us - gather->since_us < GATHER_US;
}
