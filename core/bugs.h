/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bugs - deliberate mistakes that test the tests: the suite must catch each of them (tests/bugs).
 *
 * A place in the program asks bug(BUG_X) and then does the wrong thing. A build with
 * -Dseeded_bugs=true answers yes for the one number in the environment's BUG. In every other build
 * bug() is constantly false, so the compiler leaves nothing of the wrong thing: a test asks the
 * released program (tests/tidy/test_bugs.py).
 *
 * To add one: a line in bugs.def, and the wrong thing at its place, as small as it can be.
 *
 * Ownership  None.
 * Threads    Any.
 * Units      Numbers of bugs.def, for good: BUG=7 means tomorrow what it means today.
 * Errors     None.
 * Cost       Nothing; in the build for it a look into the environment at each place.
 */
#ifndef HOTSHELF_CORE_BUGS_H
#define HOTSHELF_CORE_BUGS_H

#include <stdbool.h>

#define BUG(number, name, tests, sentence) BUG_##name = (number),
enum seeded_bug {
    BUG_NONE = 0,
#include "core/bugs.def"
};
#undef BUG

#ifdef SEEDED_BUGS
/* The host answers (persist/bugs.c): core cannot look into the environment. */
bool bug(enum seeded_bug number);
#else
static inline bool bug(enum seeded_bug number)
{
    (void)number;
    return false;
}
#endif

#endif
