/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recovery - what the fuzzer of recovery and the program that writes its seeds agree on: a script
 * of records for two shards, each with [flags 1][0][size 2] before it, and the tables they fit in.
 *
 * Ownership  None.
 * Threads    None.
 * Units      Bytes; entities.
 * Errors     None.
 * Cost       None.
 */
#ifndef HOTSHELF_TESTS_FUZZ_RECOVERY_H
#define HOTSHELF_TESTS_FUZZ_RECOVERY_H

#include "core/limits.h"

enum { SHARDS = 2, ITEM_HEADER_SIZE = 4 };

enum item_flag {
    ITEM_SHARD = 1,  /* of shard 1 */
    ITEM_BATCH = 2,  /* begins a batch */
    ITEM_SEQ = 4,    /* its stream number is as it stands */
    ITEM_LATER = 8,  /* a minute later */
    ITEM_CLAIM = 16, /* the batch says of the other shard more than there is */
};

static const struct capacity recovery_capacity = {
    .skus = 8,
    .customers = 32,
    .orders = 32,
    .holds = 64,
    .lines = 64,
    .text_bytes = 32768,
    .idempotency_keys = 64,
    .claims = 64,
    .identities = 32,
    .allowances = 64,
    .names = 16,
    .connections = 1,
    .requests = 1,
};

#endif
