/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sale_json - a sale as JSON, the same in a merchant's reply and in the stream.
 *
 *     {"sale":..,"starts_at":..,"reserve_on":"cart","hold_seconds":600,..,"counts":"capped:9",..}
 *
 * What the sale leaves to the configuration, or does not have, is null.
 *
 * Ownership  Borrows the name during the call.
 * Threads    Any.
 * Units      Seconds, wall times.
 * Errors     The writer's overflow.
 * Cost       One pass.
 */
#ifndef HOTSHELF_CORE_SALE_JSON_H
#define HOTSHELF_CORE_SALE_JSON_H

#include "core/catalog.h"
#include "core/json_writer.h"

enum { SALE_JSON_SIZE_MAX = 448 + 6 * NAME_SIZE_MAX };

/* The members of an object that the caller opened and closes. */
void sale_json_put_members(struct json_writer *json, struct bytes name, const struct sale *sale);

#endif
