/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard - a run that leaves nothing behind, however it ends: by itself, by Ctrl-C or another
 * signal, because nobody reads what it says any more, by a crash.
 *
 *     bench (guardian) --fork--> bench (worker) --process_start()--> servers, peers
 *
 * The worker measures, all its directories are in one that the guardian has made. The guardian only
 * waits. When it is told to end it kills the worker; whatever the worker started gets the signal
 * that it was started to die with (process.h), falls to the guardian, is waited for and after
 * GUARD_PATIENCE_MS killed. Then the directory goes, and the guardian ends as the worker did, or by
 * the signal that it got.
 *
 * Ownership  Nobody removes what a SIGKILL to the guardian leaves but the next run: a directory
 *            whose lock nobody holds is removed when it is ours.
 * Threads    guard_begin() is called while there is one.
 * Units      Milliseconds.
 * Errors     false, after a line on stderr. Nothing is left then.
 * Cost       A process that sleeps.
 */
#ifndef HOTSHELF_BENCH_GUARD_H
#define HOTSHELF_BENCH_GUARD_H

#include <stdbool.h>

#define GUARD_PATH_SIZE 256
#define GUARD_PATIENCE_MS 1000

struct guard {
    char directory[GUARD_PATH_SIZE];
};

/* Makes a directory in *parent. From then on we are the worker, and *parent is that directory; the
 * guardian does not return from here. */
bool guard_begin(struct guard *guard, const char **parent);

/* With all that is in it; symbolic links are not followed. */
void guard_remove_tree(const char *path);

#endif
