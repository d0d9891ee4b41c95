/* SPDX-License-Identifier: Apache-2.0 */
#include "persist/attempt.h"

#include <setjmp.h>
#include <stddef.h>

struct attempt {
    jmp_buf start;
    struct attempt *around;
    struct broken_fact *broken;
};

/* A CHECK deep in core has nobody to be told by whether it is tried: the one state of the program
 * that is not passed on. */
static _Thread_local struct attempt *innermost;

bool attempt(void (*work)(void *context), void *context, struct broken_fact *broken)
{
    struct attempt here = {.around = innermost, .broken = broken};
    innermost = &here;
    if (setjmp(here.start) != 0) {
        innermost = here.around;
        return false;
    }
    work(context);
    innermost = here.around;
    return true;
}

void attempt_fails(const char *file, int line, const char *fact)
{
    if (innermost == NULL)
        return;
    *innermost->broken = (struct broken_fact){file, line, fact};
    longjmp(innermost->start, 1);
}
