/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_visit - every batch that is kept, shard by shard, and the end of each shard judged: for
 * whoever looks at a journal without being its server, beside a running one or without.
 *
 * The journal of a running server moves while it is read. What proves a batch to have been durable
 * (a later one, or one of another shard that names it) also proves that reading it again must find
 * it; only what is then still not there is damage. So nothing of a live journal is taken for
 * damage, and no damage for a live end. Without a server recover() judges more strictly: it holds
 * the locks, and looks at every file that CURRENT promises.
 *
 * Ownership  All memory is taken and given back inside.
 * Threads    One.
 * Units      Batch numbers; places as in reader.h.
 * Errors     -EBADMSG damage, -ENOMEM, -errno of reading; `problem` is a sentence with file and
 *            offset. The other shards are visited all the same: the first problem is kept.
 * Cost       One pass over what was written, then what voucher.h says.
 */
#ifndef HOTSHELF_PERSIST_JOURNAL_VISIT_H
#define HOTSHELF_PERSIST_JOURNAL_VISIT_H

#include <stddef.h>
#include <stdint.h>

#include "persist/reader.h"

#define VISIT_EVERY_SHARD UINT32_MAX

/* How a shard's journal was found to end. */
struct visit_end {
    uint64_t batches; /* shown */
    uint64_t number;  /* of the last batch; 0 none */
    enum batch_verdict verdict;
    uint32_t segment;
    uint32_t offset;
    int result; /* 0, or the negative errno of this shard's problem */
};

struct visit_options {
    const struct datadir *directory;
    uint32_t shard; /* or VISIT_EVERY_SHARD */
    /* Called for each batch, which reader_next() may read; batches of a shard come in order. */
    void (*batch)(void *context, uint32_t shard, struct reader *reader);
    void *context;
};

/* `ends` has SHARDS_MAX places. Answers 0 or the first problem. */
int journal_visit(const struct visit_options *options, struct visit_end *ends, char *problem,
    size_t problem_size);

#endif
