/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fatal_sim - in the place of persist/fatal.c: fatal() ends the simulated process alone.
 *
 *     if (setjmp(fatal_sim_land) == 0) { fatal_sim_armed = true; code under test; }
 *     else it has ended: fatal_sim_words says why
 *
 * A failed CHECK is a bug and aborts, as ever.
 *
 * Ownership  One for the program.
 * Threads    One.
 * Units      None.
 * Errors     fatal() while nobody is armed is a bug of the simulator: it aborts.
 * Cost       A long jump.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_FATAL_SIM_H
#define HOTSHELF_TESTS_SIMULATE_FATAL_SIM_H

#include <setjmp.h>
#include <stdbool.h>

extern jmp_buf fatal_sim_land;
extern bool fatal_sim_armed;
extern char fatal_sim_words[512];

#endif
