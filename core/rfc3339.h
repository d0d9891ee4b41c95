/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rfc3339 - a date and time with its offset, as milliseconds: "2026-11-27T09:00:00+01:00".
 *
 * Ownership  None: pure arithmetic.
 * Threads    Any.
 * Units      Milliseconds since 1970-01-01T00:00:00Z; further digits of a second are dropped.
 * Errors     false: not that form, a day or hour that does not exist, an offset left out, a leap
 *            second (the clock we compare with has none).
 * Cost       A few divisions. json_format_time() of json_writer.h goes the other way.
 */
#ifndef HOTSHELF_CORE_RFC3339_H
#define HOTSHELF_CORE_RFC3339_H

#include "core/bytes.h"

/* YYYY-MM-DD, "T", "t" or a space, hh:mm:ss, at most nine digits of a second, "Z", "z" or +hh:mm.
 */
bool rfc3339_read(struct bytes text, int64_t *wall_ms);

#endif
