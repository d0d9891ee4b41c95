/* SPDX-License-Identifier: Apache-2.0 */
/*
 * After every connect: one transaction locks this node's positions, compares each with its journal,
 * raises every epoch, and writes this run's name as holder.
 *
 * The lock waits for a backend of an earlier connection that is still committing; the raised epoch
 * fails one that only now reads what was sent. So the positions read are true, and stay so until
 * this connection changes them.
 *
 *     position                        means
 *     > durable in the journal        the data directory is lost or old: S1
 *     held by another                 another server has taken over this node's stream
 *     <= sending, >= streamed         the batch under way was committed, or was not
 *     < streamed                      PostgreSQL lost commits (a failover): send them again
 *     none                            a new database: start with the oldest event kept
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/check.h"
#include "persist/postgres_schema.h"
#include "persist/stream_state.h"

struct position {
    int64_t shard;
    uint64_t epoch;
    uint64_t seq;
    int64_t holder;
};

static uint64_t durable_of(const struct stream *stream, uint32_t shard)
{
    return atomic_load(&stream->options.shared->marks[shard].durable_seq);
}

static int refuse_behind(struct stream *stream, const struct position *position, uint64_t durable)
{
    stream_refuse(stream,
        "the data directory %s is behind PostgreSQL: the journal of node %u shard %" PRId64
        " ends at stream number %" PRIu64 ", PostgreSQL has %" PRIu64
        ". It is an old copy, or another directory, and selling from it could sell units twice."
        " Start with the directory that was in use",
        stream->options.directory->path, stream->options.directory->node, position->shard, durable,
        position->seq);
    return -ESTALE;
}

static int refuse_holder(struct stream *stream, const struct position *position)
{
    stream_refuse(stream,
        "another server has taken over the stream of node %u (shard %" PRId64 ", epoch %" PRIu64
        "): two servers with one node number, or two copies of one data directory",
        stream->options.directory->node, position->shard, position->epoch);
    return -ESTALE;
}

static int check_position(struct stream *stream, const struct position *position)
{
    const struct stream_shard *shard = &stream->shards[position->shard];
    uint64_t durable = durable_of(stream, (uint32_t)position->shard);
    if (position->seq > durable)
        return refuse_behind(stream, position, durable);
    if (!shard->known)
        return 0;
    if (position->holder != stream->holder || position->seq > shard->sending)
        return refuse_holder(stream, position);
    if (position->seq < shard->streamed)
        stream_note(stream,
            "PostgreSQL has gone back from %" PRIu64 " to %" PRIu64 " on shard %" PRId64
            ": what it lost is sent again",
            shard->streamed, position->seq, position->shard);
    return 0;
}

static void take_position(struct stream *stream, const struct position *position)
{
    struct stream_shard *shard = &stream->shards[position->shard];
    shard->known = true;
    shard->epoch = position->epoch;
    shard->streamed = position->seq;
    shard->sending = position->seq;
}

static struct position parse_position(const PGresult *result, int row)
{
    return (struct position){
        .shard = strtoll(PQgetvalue(result, row, 0), NULL, 10),
        .epoch = strtoull(PQgetvalue(result, row, 1), NULL, 10),
        .seq = strtoull(PQgetvalue(result, row, 2), NULL, 10),
        .holder = strtoll(PQgetvalue(result, row, 3), NULL, 10),
    };
}

/* Every row is checked before any is believed. Positions of shards that are gone are kept. */
static int read_positions(
    struct stream *stream, const char *node, struct position positions[SHARDS_MAX])
{
    PGresult *result = NULL;
    int failure = postgres_query(&stream->postgres,
        "SELECT shard, epoch, seq, holder FROM hotshelf.stream_position WHERE node = $1 "
        "ORDER BY shard FOR UPDATE",
        1, &node, &result);
    for (int i = 0; failure == 0 && i < PQntuples(result); i++) {
        struct position position = parse_position(result, i);
        if (position.shard < 0 || position.shard >= stream->options.directory->shards)
            continue;
        positions[position.shard] = position;
        failure = check_position(stream, &position);
    }
    PQclear(result);
    return failure;
}

/* The number before the oldest event kept: where a database that is new to this journal starts. */
static int first_position(struct stream *stream, uint32_t number, uint64_t *seq)
{
    struct stream_shard *shard = &stream->shards[number];
    struct journal_mark *mark = &stream->options.shared->marks[number];
    shard->streamed = 0;
    int failure = stream_shard_rewind(shard);
    if (failure < 0)
        return failure;
    int ready = reader_next_batch(&shard->reader, atomic_load(&mark->durable_place));
    *seq = ready == 1 ? shard->reader.header.first_seq - 1 : 0;
    return ready < 0 ? ready : 0;
}

static int insert_position(struct stream *stream, const char *node, struct position *position)
{
    char shard[24], seq[24];
    uint32_t number = (uint32_t)position->shard;
    int failure = first_position(stream, number, &position->seq);
    if (failure < 0) {
        stream_shard_halt(stream, number, reader_problem(&stream->shards[number].reader));
        return 0;
    }
    uint64_t durable = durable_of(stream, number);
    if (position->seq > 0 || durable > 0)
        stream_note(stream,
            "PostgreSQL does not know node %s shard %u: its stream starts after %" PRIu64
            ", %" PRIu64 " events are kept",
            node, number, position->seq, durable - position->seq);
    snprintf(shard, sizeof(shard), "%u", number);
    snprintf(seq, sizeof(seq), "%" PRIu64, position->seq);
    const char *parameters[] = {node, shard, seq};
    return postgres_query(&stream->postgres,
        "INSERT INTO hotshelf.stream_position (node, shard, epoch, seq, holder) "
        "VALUES ($1, $2, 0, $3, 0)",
        3, parameters, NULL);
}

/* The epoch of a new row is then 1. */
static int raise_epochs(struct stream *stream, const char *node)
{
    char holder[24], shards[24];
    snprintf(holder, sizeof(holder), "%" PRId64, stream->holder);
    snprintf(shards, sizeof(shards), "%u", stream->options.directory->shards);
    const char *parameters[] = {node, shards, holder};
    return postgres_query(&stream->postgres,
        "UPDATE hotshelf.stream_position SET epoch = epoch + 1, holder = $3, "
        "updated_at = clock_timestamp() WHERE node = $1 AND shard < $2",
        3, parameters, NULL);
}

static int claim_positions(struct stream *stream, struct position positions[SHARDS_MAX])
{
    char node[8];
    snprintf(node, sizeof(node), "%u", stream->options.directory->node);
    for (uint32_t i = 0; i < SHARDS_MAX; i++)
        positions[i] = (struct position){.shard = -1};
    int failure = read_positions(stream, node, positions);
    for (uint32_t i = 0; failure == 0 && i < stream->options.directory->shards; i++) {
        if (positions[i].shard >= 0 || stream->shards[i].halted)
            continue;
        positions[i].shard = i;
        failure = insert_position(stream, node, &positions[i]);
    }
    return failure < 0 ? failure : raise_epochs(stream, node);
}

static void follow_positions(struct stream *stream, const struct position positions[SHARDS_MAX])
{
    for (uint32_t i = 0; i < stream->options.directory->shards; i++) {
        struct stream_shard *shard = &stream->shards[i];
        if (shard->halted)
            continue;
        CHECK(positions[i].shard == i);
        struct position raised = positions[i];
        raised.epoch++;
        take_position(stream, &raised);
        atomic_store(&stream->options.shared->marks[i].streamed_seq, shard->streamed);
        if (stream_shard_rewind(shard) < 0)
            stream_shard_halt(stream, i, reader_problem(&shard->reader));
    }
}

static void announce(struct stream *stream, uint64_t identity)
{
    uint64_t attached = stream->options.attached_id;
    if (attached != 0 && attached != identity)
        stream_note(stream, "this is another database than the one the journal has met before");
    stream->options.attached_id = identity;
    atomic_store(&stream->system_id, identity);
    pthread_mutex_lock(&stream->mutex);
    stream->contact = STREAM_CONTACT_MADE;
    pthread_cond_broadcast(&stream->contact_changed);
    pthread_mutex_unlock(&stream->mutex);
}

int stream_contact(struct stream *stream)
{
    struct position positions[SHARDS_MAX];
    uint64_t identity = 0;
    int failure = postgres_schema_prepare(&stream->postgres, &identity);
    if (failure == 0)
        failure = postgres_script(&stream->postgres, "BEGIN");
    if (failure == 0)
        failure = claim_positions(stream, positions);
    if (failure == 0)
        failure = postgres_script(&stream->postgres, "COMMIT");
    if (failure == 0)
        failure = postgres_pipeline(&stream->postgres);
    if (failure < 0)
        return failure;
    follow_positions(stream, positions);
    announce(stream, identity);
    return 0;
}
