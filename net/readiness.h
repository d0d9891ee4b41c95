/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readiness - the named checks behind /readyz: may this server be sent customers?
 *
 *     {"status":"ready","checks":{"selling":"ok","journal":"ok","postgres":"degraded"}}
 *
 * PostgreSQL away, slow or stopped is `degraded`: selling goes on, so the server stays ready. So it
 * is while a PostgreSQL that was added later is `adopting` what is live.
 *
 * Ownership  Reads what the shards share; writes the caller's buffer.
 * Threads    Any shard, for its own journal.
 * Units      Bytes.
 * Errors     None.
 * Cost       A few loads.
 */
#ifndef HOTSHELF_NET_READINESS_H
#define HOTSHELF_NET_READINESS_H

#include "net/loop/shard.h"

/* Gives every shard's http_context its `ready`. */
void readiness_install(struct shards *shards);

#endif
