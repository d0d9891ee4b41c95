/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A large batch goes by binary COPY, as far as its rows are new for certain: orders that began in
 * it, their lines, and the outbox. COPY looks for no row that may be there, makes no array and no
 * tuple store of it first, and reads rows while we encode the next ones; what it costs is a round
 * trip for each table, which a small batch is not worth.
 *
 *     all rows are new   BEGIN; advance; COPY orders; COPY order_lines; COPY outbox; COMMIT
 *     some are not       BEGIN; advance; COPY ..   then, in a pipeline, their statements and COMMIT
 *
 * What began in a batch may be in PostgreSQL all the same: its image came before it, or somebody
 * has written it. Whatever PostgreSQL says against COPY but that the position is another: nothing
 * is written, and the same batch goes by statements, which know what to do with a row that is
 * there, and can be taken apart.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/bugs.h"
#include "core/check.h"
#include "persist/stream_state.h"

enum { SQL_SIZE_MAX = 2 * POSTGRES_SQL_SIZE_MAX };

bool stream_copy_wants(const struct stream *stream, const struct stream_shard *shard)
{
    uint32_t events_min = stream->options.copy_events;
    if (events_min == 0)
        events_min = STREAM_COPY_EVENTS;
    return stream->batch.event_count >= events_min && !shard->adopting && !stream->copy_denied &&
           !bug(BUG_POSITION_ALONE);
}

static bool has_others(const struct stream_batch *batch)
{
    bool others = false;
    for (uint32_t i = 0; i < POSTGRES_STATEMENTS; i++)
        others = others || postgres_rows_count(i, batch) > 0;
    return others;
}

/* Numbers are the only values: there is nothing to quote. */
static int put_position(
    char sql[SQL_SIZE_MAX], const struct stream_batch *batch, const struct stream_shard *shard)
{
    if (bug(BUG_POSITION_NOT_COMPARED))
        return snprintf(sql, SQL_SIZE_MAX,
            "BEGIN; UPDATE hotshelf.stream_position SET seq = %" PRIu64
            " WHERE node = %u AND shard = %u",
            batch->last_seq, batch->node, batch->shard);
    return snprintf(sql, SQL_SIZE_MAX,
        "BEGIN; SELECT hotshelf.advance(%u, %u, %" PRIu64 ", %" PRIu64 ", %" PRIu64 ")",
        batch->node, batch->shard, shard->epoch, batch->first_seq - 1, batch->last_seq);
}

static int start(struct stream *stream, const struct stream_shard *shard, const char *end)
{
    char sql[SQL_SIZE_MAX];
    int size = put_position(sql, &stream->batch, shard);
    for (uint32_t i = 0; i < POSTGRES_STATEMENTS; i++) {
        char copy[POSTGRES_SQL_SIZE_MAX];
        if (postgres_rows_copied(i, &stream->batch) == 0)
            continue;
        postgres_rows_copy_sql(i, copy);
        size += snprintf(sql + size, (size_t)(SQL_SIZE_MAX - size), "; %s", copy);
        CHECK(size < SQL_SIZE_MAX);
    }
    size += snprintf(sql + size, (size_t)(SQL_SIZE_MAX - size), "%s", end);
    CHECK(size < SQL_SIZE_MAX);
    return postgres_copy_start(&stream->postgres, sql);
}

static int copy_table(struct stream *stream, uint32_t statement)
{
    struct postgres *postgres = &stream->postgres;
    uint32_t next = 0, count = postgres_rows_copied(statement, &stream->batch);
    int failure = count == 0 ? 0 : postgres_copy_next(postgres);
    while (failure == 0 && next < count) {
        postgres_rows_copy_encode(statement, &stream->batch, &next, &stream->arrays);
        failure = postgres_copy_rows(postgres, stream->arrays.data, stream->arrays.size);
    }
    return failure == 0 && count > 0 ? postgres_copy_end(postgres) : failure;
}

static int send_others(struct stream *stream)
{
    int failure = stream_shard_send_rows(stream);
    if (failure == 0)
        failure = postgres_send_text(&stream->postgres, "COMMIT", 0, NULL);
    return failure < 0 ? failure : postgres_finish(&stream->postgres);
}

static int send(struct stream *stream, const struct stream_shard *shard)
{
    bool others = has_others(&stream->batch);
    int failure = start(stream, shard, others ? "" : "; COMMIT");
    if (failure < 0)
        return failure;
    for (uint32_t i = 0; i < POSTGRES_STATEMENTS && failure == 0; i++)
        failure = copy_table(stream, i);
    failure = postgres_copy_finish(&stream->postgres, failure);
    return failure == 0 && others ? send_others(stream) : failure;
}

/* Whether the connection goes on behind this. */
static bool is_refusal(int failure)
{
    return failure == -EEXIST || failure == -EILSEQ || failure == -EPERM;
}

/* Statements will do: it is slower, and no problem that a person must look at. */
static void note_denied(struct stream *stream)
{
    stream->copy_denied = true;
    fprintf(stderr, "hotshelf: stream: PostgreSQL takes no COPY: %s\n", stream->postgres.problem);
}

int stream_copy_send(struct stream *stream, const struct stream_shard *shard)
{
    struct stream_batch *batch = &stream->batch;
    memcpy(batch->row_copied, batch->row_new, sizeof(batch->row_copied));
    int failure = send(stream, shard);
    memset(batch->row_copied, 0, sizeof(batch->row_copied));
    if (!is_refusal(failure))
        return failure;
    if (failure == -EPERM)
        note_denied(stream);
    failure = postgres_send_text(&stream->postgres, "ROLLBACK", 0, NULL);
    if (failure == 0)
        failure = postgres_finish(&stream->postgres);
    if (failure == 0 && bug(BUG_REFUSED_COPY_COUNTS))
        return 0;
    return failure < 0 ? failure : 1;
}
