/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/patience.h"

#include "loadtest/clock.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#define FIRST_LINE_NS CLOCK_NS_PER_SECOND
#define TERMINAL_NS CLOCK_NS_PER_SECOND
#define FILE_NS (5 * CLOCK_NS_PER_SECOND)

void patience_begin(struct patience *patience, uint32_t seconds, const char *format, ...)
{
    uint64_t now_ns = clock_now_ns();
    *patience = (struct patience){
        .begun_ns = now_ns,
        .until_ns = now_ns + seconds * CLOCK_NS_PER_SECOND,
        .tell_ns = now_ns + FIRST_LINE_NS,
        .interval_ns = isatty(STDERR_FILENO) ? TERMINAL_NS : FILE_NS,
        .interrupt = patience->interrupt,
    };
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(patience->awaited, sizeof patience->awaited, format, arguments);
    va_end(arguments);
}

void patience_renew(struct patience *patience)
{
    uint64_t now_ns = clock_now_ns();
    patience->until_ns = now_ns + (patience->until_ns - patience->begun_ns);
    patience->begun_ns = now_ns;
    patience->tell_ns = now_ns + FIRST_LINE_NS;
}

bool patience_is_left(struct patience *patience)
{
    uint64_t now_ns = clock_now_ns();
    if (patience->interrupt != NULL && interrupt_came(patience->interrupt))
        patience->is_interrupted = true;
    if (patience->is_interrupted || now_ns >= patience->until_ns)
        return false;
    if (now_ns >= patience->tell_ns) {
        fprintf(stderr, "waiting for %s: %.0f s of %.0f s\n", patience->awaited,
            (double)(now_ns - patience->begun_ns) / (double)CLOCK_NS_PER_SECOND,
            (double)(patience->until_ns - patience->begun_ns) / (double)CLOCK_NS_PER_SECOND);
        patience->tell_ns = now_ns + patience->interval_ns;
    }
    return true;
}

int patience_wait_ms(const struct patience *patience)
{
    uint64_t now_ns = clock_now_ns();
    uint64_t until_ns =
        patience->tell_ns < patience->until_ns ? patience->tell_ns : patience->until_ns;
    return until_ns <= now_ns ? 1 : (int)((until_ns - now_ns) / CLOCK_NS_PER_MS) + 1;
}

bool patience_poll(const struct patience *patience, int fd, short events, int most_ms)
{
    int interrupt = patience->interrupt == NULL ? -1 : patience->interrupt->descriptor;
    struct pollfd awaited[] = {{.fd = fd, .events = events}, {.fd = interrupt, .events = POLLIN}};
    int wait_ms = patience_wait_ms(patience);
    return poll(awaited, 2, wait_ms < most_ms ? wait_ms : most_ms) > 0 && awaited[0].revents != 0;
}
