/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_postgres - whether PostgreSQL has what the journal says it must have, and nothing else.
 *
 *     open: one snapshot; the positions go to the model -> the journal is read -> compare: rows
 *
 * The positions and the rows are of one snapshot, so they fit together while a server streams.
 *
 * An order that the journal does not name may have been forgotten before what is kept of it, if its
 * row is of a stream number before that. What such orders sold, and did not put back on sale, is
 * for each SKU what the shards say they have forgotten. Where PostgreSQL did not see a SKU begin it
 * may lack orders, and a name may have been another SKU's before: so the sum of all of them is the
 * most, and of those placed since the SKU's allotment last rose from 0, the least.
 *
 * Ownership  The connection, from open to close.
 * Threads    One.
 * Units      As schema.sql says.
 * Errors     Negative errno with a sentence in `problem`.
 * Cost       One pass over this node's orders.
 */
#ifndef HOTSHELF_PERSIST_AUDIT_POSTGRES_H
#define HOTSHELF_PERSIST_AUDIT_POSTGRES_H

#include <libpq-fe.h>
#include <stddef.h>

#include "persist/audit_model.h"

/* What PostgreSQL has of each SKU by its name. */
struct audit_name {
    uint32_t sku_number; /* the latest of this name */
    bool began;          /* it saw the allotment rise from 0 */
    int64_t began_ms;    /* when it last did */
    uint64_t sold;       /* in orders older than what is kept */
    uint64_t sold_since; /* of those, since it last began */
    uint64_t gone;       /* as the journals say */
};

struct audit_names {
    struct audit_name *items;
    uint32_t count;
    struct audit_index index; /* name -> items */
};

struct audit_postgres {
    PGconn *connection;
    uint16_t node;
    uint16_t shards;
    uint64_t orders;     /* rows of this node */
    uint64_t behind;     /* events of the journal not yet there */
    uint64_t older;      /* rows of orders forgotten before what is kept */
    bool unsettled;      /* the position is before what is kept, so their sums may not be final */
    uint32_t young_skus; /* whose beginning PostgreSQL did not see, and which lack orders */
    struct audit_names names;
    char problem[512];
};

int audit_postgres_open(struct audit_postgres *postgres, const char *dsn, uint16_t node,
    uint16_t shards, struct audit_model *model);
int audit_postgres_compare(struct audit_postgres *postgres, struct audit_model *model);
void audit_postgres_close(struct audit_postgres *postgres);

#endif
