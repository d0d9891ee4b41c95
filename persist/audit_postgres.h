/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_postgres - whether PostgreSQL has what the journal says it must have, and nothing else.
 *
 *     open: one snapshot; the positions go to the model -> the journal is read -> compare: rows
 *
 * The positions and the rows are of one snapshot, so they fit together while a server streams.
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

struct audit_postgres {
    PGconn *connection;
    uint16_t node;
    uint16_t shards;
    uint64_t orders; /* rows of this node */
    uint64_t behind; /* events of the journal not yet there */
    char problem[512];
};

int audit_postgres_open(struct audit_postgres *postgres, const char *dsn, uint16_t node,
    uint16_t shards, struct audit_model *model);
int audit_postgres_compare(struct audit_postgres *postgres, struct audit_model *model);
void audit_postgres_close(struct audit_postgres *postgres);

#endif
