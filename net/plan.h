/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan - `hotshelf plan`: what a configuration takes and what it can carry, before anything is
 * taken.
 *
 * Memory is measured by building the server in address space without memory behind it, so the bill
 * is the server's own, to the byte.
 *
 * Ownership  None is kept.
 * Threads    One.
 * Units      Bytes; counts are of the whole process.
 * Errors     The exit status; the reason is on stderr.
 * Cost       A few milliseconds.
 */
#ifndef HOTSHELF_NET_PLAN_H
#define HOTSHELF_NET_PLAN_H

#include <stdio.h>

#include "net/config.h"

int plan(const struct config *config, bool json, FILE *out);

#endif
