/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows come as columns of a statement, or by COPY as they stand. Of all tables only orders and the
 * outbox are kept.
 */
#include "tests/simulate/postgres_sim_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/check.h"
#include "tests/simulate/columns_sim.h"

static void put_orders(struct postgres_sim *sim, const struct postgres_parameters *parameters)
{
    const struct postgres_column *columns = postgres_columns_orders;
    struct column ids = column_of(columns, "order_id", parameters);
    struct column versions = column_of(columns, "order_version", parameters);
    struct column status = column_of(columns, "status", parameters);
    while (ids.left > 0) {
        struct order_row *row = &postgres_sim_note(&sim->open, PUT_ORDER)->order;
        memcpy(row->id, column_text(&ids).data, sizeof(row->id));
        row->version = (uint32_t)column_number(&versions);
        row->status = rows_hash(column_text(&status));
    }
}

static void put_outbox(struct postgres_sim *sim, const struct postgres_parameters *parameters)
{
    const struct postgres_column *columns = postgres_columns_outbox;
    struct column shards = column_of(columns, "shard", parameters);
    struct column seqs = column_of(columns, "seq", parameters);
    struct column ids = column_of(columns, "aggregateid", parameters);
    while (seqs.left > 0) {
        struct operation *operation = postgres_sim_note(&sim->open, PUT_EVENT);
        operation->shard = (uint32_t)column_number(&shards);
        operation->seq = column_number(&seqs);
        operation->whose = rows_hash(column_text(&ids));
    }
}

int postgres_send(
    struct postgres *postgres, const char *name, const struct postgres_parameters *parameters)
{
    struct postgres_sim *sim = postgres_sim_in_use();
    if (!sim->connected)
        return postgres_sim_lose(sim, postgres, "the connection is gone");
    if (strcmp(name, "orders") == 0)
        put_orders(sim, parameters);
    if (strcmp(name, "outbox") == 0)
        put_outbox(sim, parameters);
    return 0;
}

void postgres_sim_end_block(struct postgres_sim *sim, bool commits)
{
    CHECK(sim->block != BLOCK_NONE);
    if (!commits) {
        sim->open.count = 0;
        sim->block = BLOCK_NONE;
    } else if (sim->block == BLOCK_OPEN) {
        sim->block = BLOCK_ENDS;
    }
}

static void begin(struct postgres_sim *sim, const char *sql)
{
    static const char compared[] = "BEGIN; SELECT hotshelf.advance(";
    uint32_t node, shard;
    uint64_t epoch = 0, from_seq = 0, seq;
    bool compares = strncmp(sql, compared, sizeof(compared) - 1) == 0;
    int read =
        compares ? sscanf(sql + sizeof(compared) - 1, "%u, %u, %" SCNu64 ", %" SCNu64 ", %" SCNu64,
                       &node, &shard, &epoch, &from_seq, &seq)
                 : sscanf(sql,
                       "BEGIN; UPDATE hotshelf.stream_position SET seq = %" SCNu64
                       " WHERE node = %u AND shard = %u",
                       &seq, &node, &shard);
    CHECK(read == (compares ? 5 : 3));
    struct operation *operation = postgres_sim_note(&sim->open, compares ? ADVANCE : PUT_POSITION);
    operation->shard = shard;
    operation->epoch = epoch;
    operation->from_seq = from_seq;
    operation->seq = seq;
}

int postgres_copy_start(struct postgres *postgres, const char *sql)
{
    struct postgres_sim *sim = postgres_sim_in_use();
    if (!sim->connected)
        return postgres_sim_lose(sim, postgres, "the connection is gone");
    CHECK(strlen(sql) < sizeof(sim->copy_sql));
    CHECK(sim->block == BLOCK_NONE);
    memcpy(sim->copy_sql, sql, strlen(sql) + 1);
    begin(sim, sql);
    sim->block = BLOCK_OPEN;
    sim->copied = sim->copy_sql;
    return 0;
}

int postgres_copy_next(struct postgres *postgres)
{
    static const char word[] = "COPY hotshelf.";
    struct postgres_sim *sim = postgres_sim_in_use();
    (void)postgres;
    sim->copied = strstr(sim->copied, word);
    CHECK(sim->copied != NULL);
    sim->copied += sizeof(word) - 1;
    sim->copy_begun = false;
    return 0;
}

static bool copies(const struct postgres_sim *sim, const char *table)
{
    size_t size = strlen(table);
    return strncmp(sim->copied, table, size) == 0 && sim->copied[size] == ' ';
}

static void put_row(struct postgres_sim *sim, const struct bytes fields[POSTGRES_COLUMNS_MAX])
{
    if (copies(sim, "orders")) {
        const struct postgres_column *columns = postgres_columns_orders;
        struct order_row *row = &postgres_sim_note(&sim->open, PUT_NEW_ORDER)->order;
        memcpy(row->id, field_of(columns, "order_id", fields).data, sizeof(row->id));
        row->version = (uint32_t)field_number(field_of(columns, "order_version", fields));
        row->status = rows_hash(field_of(columns, "status", fields));
    } else if (copies(sim, "outbox")) {
        const struct postgres_column *columns = postgres_columns_outbox;
        struct operation *operation = postgres_sim_note(&sim->open, PUT_EVENT);
        operation->shard = (uint32_t)field_number(field_of(columns, "shard", fields));
        operation->seq = field_number(field_of(columns, "seq", fields));
        operation->whose = rows_hash(field_of(columns, "aggregateid", fields));
    } else {
        CHECK(copies(sim, "order_lines"));
    }
}

int postgres_copy_rows(struct postgres *postgres, const void *rows, uint32_t size)
{
    enum { HEADER_SIZE = 19 };
    struct postgres_sim *sim = postgres_sim_in_use();
    const uint8_t *at = rows, *end = at + size;
    struct bytes fields[POSTGRES_COLUMNS_MAX];
    if (!sim->connected)
        return postgres_sim_lose(sim, postgres, "the connection is gone");
    if (!sim->copy_begun)
        at += HEADER_SIZE;
    sim->copy_begun = true;
    while (at < end && (at = field_row(at, fields)) != NULL)
        put_row(sim, fields);
    return 0;
}

int postgres_copy_end(struct postgres *postgres)
{
    (void)postgres;
    return 0;
}

int postgres_copy_finish(struct postgres *postgres, int failure)
{
    static const char commit[] = "; COMMIT";
    struct postgres_sim *sim = postgres_sim_in_use();
    size_t size = strlen(sim->copy_sql);
    if (failure < 0)
        return failure;
    if (sim->fault_every != 0 && dice_below(&sim->dice, sim->fault_every) == 0) {
        sim->faults[POSTGRES_NO_COPY]++;
        sim->block = BLOCK_ABORTED;
        return -EEXIST;
    }
    if (strcmp(sim->copy_sql + size - (sizeof(commit) - 1), commit) == 0)
        postgres_sim_end_block(sim, true);
    return postgres_sim_finish(sim, postgres);
}
