/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_print - a record of the journal as one JSON object: where it stands, when, its kind, and
 * every fact, line and text by name, from the tables of event_fields.h.
 *
 *     {"node":1,"shard":0,"batch":12,"record":40,"segment":1,"offset":49280,...,
 *      "kind":"order_placed","seq":7,"stream_count":1,
 *      "fact":{..},"lines":[{..}],"texts":{"customer":"ann",..}}
 *
 * What gives its bearer a right is not shown: of a payment's token the size, of a guest's id all
 * but the signature. Texts that are JSON themselves are shown as strings, as they lie on disk.
 *
 * Ownership  The writer's buffer is the caller's: EVENT_PRINT_SIZE_MAX bytes hold any record.
 * Threads    None.
 * Units      Those of event.h; times as RFC 3339, hashes as 32 hex digits.
 * Errors     None: a kind or a word that has no name is shown as its number.
 * Cost       O(size of the record).
 */
#ifndef HOTSHELF_PERSIST_EVENT_PRINT_H
#define HOTSHELF_PERSIST_EVENT_PRINT_H

#include "core/json_writer.h"
#include "persist/reader.h"
#include "persist/record.h"

enum {
    /* A line of 48 bytes becomes at most 500, a hold of 32 at most 200; a byte of a text 6. */
    EVENT_PRINT_SIZE_MAX = 16 * RECORD_SIZE_MAX,
};

void event_print(
    struct json_writer *json, const struct event *event, const struct reader_place *place);

/* As much of a customer's id as may be shown. */
struct bytes event_print_customer(struct bytes customer);

#endif
