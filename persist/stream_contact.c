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
 *     of another directory            it was rebuilt from here meanwhile: S1
 *     held by another                 another server has taken over this node's stream
 *     <= sending, >= streamed         the batch under way was committed, or was not
 *     < streamed                      PostgreSQL lost commits (a failover): send them again
 *     < the oldest event kept         it lost more than there is: go on with the oldest, and with
 *                                     what is live, as with a new one; dead_letters names the rest
 *     of a shard number that is gone  the same comparisons; when that has lost something, or when a
 *                                     journal of another number of shards had it, any shard may
 *                                     have its orders now: all adopt
 *     none                            a new database: start with the oldest event kept, and with
 *                                     what is live when that is not the first (stream_adopt.c)
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/bugs.h"
#include "core/check.h"
#include "persist/postgres_schema.h"
#include "persist/stream_state.h"

struct position {
    int64_t shard;
    uint64_t epoch;
    uint64_t seq;
    int64_t holder;
    bool adopting;
    int64_t directory; /* identity; 0: of the next that comes */
    uint64_t age_ms;   /* since it was adopted; UINT64_MAX: it never was, or is not yet */
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
        " Start with the directory that was in use; if it is lost, hotshelf recover --from-postgres"
        " makes another from what PostgreSQL has",
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

/* With nothing streamed there is nothing that could be sold twice. */
static bool is_anothers(const struct stream *stream, const struct position *position)
{
    return position->directory != 0 && position->seq > 0 &&
           position->directory != (int64_t)stream->options.directory->directory;
}

static int refuse_directory(struct stream *stream, const struct position *position)
{
    stream_refuse(stream,
        "PostgreSQL's position of node %u shard %" PRId64
        " is that of another data directory than %s. Another one has been in use since, rebuilt "
        "from PostgreSQL perhaps, and selling from this one could sell units twice. Start with the "
        "directory that was in use last",
        stream->options.directory->node, position->shard, stream->options.directory->path);
    return -ESTALE;
}

/* Of a shard number that this directory does not use: it knows what was streamed under it. */
static int check_gone(struct stream *stream, const struct position *position)
{
    const uint64_t *seqs = stream->options.seqs;
    if (is_anothers(stream, position))
        return refuse_directory(stream, position);
    if (seqs == NULL || position->shard < 0 || position->shard >= SHARDS_MAX ||
        position->seq <= seqs[position->shard])
        return 0;
    return refuse_behind(stream, position, seqs[position->shard]);
}

static int check_position(struct stream *stream, const struct position *position)
{
    const struct stream_shard *shard = &stream->shards[position->shard];
    uint64_t durable = durable_of(stream, (uint32_t)position->shard);
    if (position->seq > durable && !bug(BUG_BEHIND_POSTGRES))
        return refuse_behind(stream, position, durable);
    if (is_anothers(stream, position))
        return refuse_directory(stream, position);
    if (!shard->known)
        return 0;
    /* A database that has gone back may name who held it before us. */
    bool has_gone_back = position->epoch < shard->epoch;
    if ((position->holder != stream->holder && !has_gone_back) || position->seq > shard->sending)
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
        .adopting = PQgetvalue(result, row, 4)[0] == 't',
        .directory = strtoll(PQgetvalue(result, row, 5), NULL, 10),
        .age_ms = PQgetisnull(result, row, 6) ? UINT64_MAX
                                              : strtoull(PQgetvalue(result, row, 6), NULL, 10),
    };
}

/* Every row is checked before any is believed. Positions of shards that are gone are kept. */
static int read_positions(
    struct stream *stream, const char *node, struct position positions[SHARDS_MAX])
{
    PGresult *result = NULL;
    int failure = postgres_query(&stream->postgres,
        "SELECT shard, epoch, seq, holder, adopting, directory, "
        "CASE WHEN adopted_at IS NOT NULL THEN greatest(0, floor(1000 * "
        "extract(epoch FROM clock_timestamp() - adopted_at)))::bigint END "
        "FROM hotshelf.stream_position WHERE node = $1 ORDER BY shard FOR UPDATE",
        1, &node, &result);
    for (int i = 0; failure == 0 && i < PQntuples(result); i++) {
        struct position position = parse_position(result, i);
        bool is_gone = position.shard < 0 || position.shard >= stream->options.directory->shards;
        failure = is_gone ? check_gone(stream, &position) : check_position(stream, &position);
        if (position.shard >= 0 && position.shard < SHARDS_MAX)
            positions[position.shard] = position;
    }
    PQclear(result);
    return failure;
}

/* Whether the batch that is shown begins with a walk: what was before it stands in its images. */
static bool begins_with_walk(struct reader *reader)
{
    struct event event;
    return reader_next(reader, &event, NULL) && event.kind == EVENT_WALK_BEGUN;
}

/* The number before the oldest event kept: where a database that is new to this journal starts. */
static int first_position(struct stream *stream, uint32_t number, struct position *position)
{
    struct stream_shard *shard = &stream->shards[number];
    struct journal_mark *mark = &stream->options.shared->marks[number];
    uint64_t oldest = 0;
    shard->streamed = 0;
    shard->adopting = false; /* the reader starts after a number */
    int failure = stream_shard_rewind(shard, &oldest);
    if (failure == -ERANGE) {
        shard->streamed = oldest - 1;
        failure = stream_shard_rewind(shard, &oldest);
    }
    if (failure < 0)
        return failure;
    int ready = reader_next_batch(&shard->reader, atomic_load(&mark->durable_place));
    position->seq = ready == 1 ? shard->reader.header.first_seq - 1 : shard->streamed;
    position->adopting = position->seq > 0 || (ready == 1 && begins_with_walk(&shard->reader));
    return ready < 0 ? ready : 0;
}

static int insert_position(struct stream *stream, const char *node, struct position *position)
{
    char shard[24], seq[24];
    uint32_t number = (uint32_t)position->shard;
    int failure = first_position(stream, number, position);
    if (failure == -ERANGE) /* overwritten while we looked */
        return stream_shard_overtaken(stream, number);
    if (failure < 0) {
        stream_shard_halt(stream, number, reader_problem(&stream->shards[number].reader));
        return 0;
    }
    uint64_t durable = durable_of(stream, number);
    if (position->seq > 0 || durable > 0)
        stream_note(stream,
            "PostgreSQL does not know node %s shard %u: its stream starts after %" PRIu64
            ", %" PRIu64 " events are kept%s",
            node, number, position->seq, durable - position->seq,
            position->adopting ? "; orders and products that are live become rows" : "");
    snprintf(shard, sizeof(shard), "%u", number);
    snprintf(seq, sizeof(seq), "%" PRIu64, position->seq);
    const char *parameters[] = {node, shard, seq, position->adopting ? "true" : "false"};
    return postgres_query(&stream->postgres,
        "INSERT INTO hotshelf.stream_position (node, shard, epoch, seq, holder, adopting) "
        "VALUES ($1, $2, 0, $3, 0, $4)",
        4, parameters, NULL);
}

/* The position moves behind what is lost, which gets a name. */
static int note_lost(struct stream *stream, const char *node, uint32_t number, uint64_t first,
    const struct position *position)
{
    char shard[24], from[24], last[24];
    (void)snprintf(shard, sizeof(shard), "%u", number);
    (void)snprintf(from, sizeof(from), "%" PRIu64, first);
    (void)snprintf(last, sizeof(last), "%" PRIu64, position->seq);
    const char *parameters[] = {node, shard, from, last};
    int failure = postgres_query(&stream->postgres,
        "UPDATE hotshelf.stream_position SET seq = $4::bigint "
        "WHERE node = $1 AND shard = $2 AND seq = $3::bigint - 1",
        4, parameters, NULL);
    if (failure < 0)
        return failure;
    return postgres_query(&stream->postgres,
        "INSERT INTO hotshelf.dead_letters (node, shard, seq, reason, detail) VALUES ($1, $2, "
        "$3::bigint, 'lost', format('events %s to %s: PostgreSQL has lost them, and no journal "
        "keeps them', $3::bigint, $4::bigint))",
        4, parameters, NULL);
}

/* Shards from `first` to before `end` lack what is live. */
static int set_adopting(struct stream *stream, const char *node, uint32_t first, uint32_t end)
{
    char from[24], to[24];
    (void)snprintf(from, sizeof(from), "%u", first);
    (void)snprintf(to, sizeof(to), "%u", end);
    const char *parameters[] = {node, from, to};
    return postgres_query(&stream->postgres,
        "UPDATE hotshelf.stream_position SET adopting = true "
        "WHERE node = $1 AND shard >= $2 AND shard < $3",
        3, parameters, NULL);
}

/* What PostgreSQL has lost and nobody keeps will never come: who waits for it waits for ever. */
static int skip_lost(struct stream *stream, const char *node, struct position *position)
{
    uint32_t number = (uint32_t)position->shard;
    struct stream_shard *shard = &stream->shards[number];
    uint64_t oldest = 0, first = position->seq + 1, streamed = shard->streamed;
    if (reader_seek(&shard->reader, position->seq, &oldest) != -ERANGE)
        return 0; /* another failure is met again */
    int failure = first_position(stream, number, position);
    shard->streamed = streamed;
    shard->sending = position->seq; /* the commit may be there, and nobody told us */
    if (failure < 0 || position->seq < first)
        return failure;
    stream_note(stream,
        "PostgreSQL lacks events %" PRIu64 " to %" PRIu64 " of shard %u, which are no longer kept: "
        "it goes on after them; orders and products that are live become rows again",
        first, position->seq, number);
    failure = note_lost(stream, node, number, first, position);
    return failure < 0 ? failure : set_adopting(stream, node, number, number + 1);
}

/* Of a shard number that no journal has any more. */
static int skip_gone(struct stream *stream, const char *node, struct position *position)
{
    uint64_t first = position->seq + 1;
    uint32_t number = (uint32_t)position->shard;
    position->seq = stream->options.seqs[number];
    stream_note(stream,
        "PostgreSQL lacks events %" PRIu64 " to %" PRIu64
        " of shard %u, which there was before the "
        "number of shards changed: orders and products that are live become rows again",
        first, position->seq, number);
    return note_lost(stream, node, number, first, position);
}

/* Whose rows are lost may live on any shard. */
static int adopt_everywhere(
    struct stream *stream, const char *node, struct position positions[SHARDS_MAX])
{
    for (uint32_t i = 0; i < stream->options.directory->shards; i++) {
        positions[i].adopting = true;
        stream->shards[i].adopting = false; /* by a walk that begins from now on */
    }
    return set_adopting(stream, node, 0, stream->options.directory->shards);
}

/* The epoch of a new row is then 1. */
static int raise_epochs(struct stream *stream, const char *node)
{
    char holder[24], shards[24], directory[24];
    snprintf(
        directory, sizeof(directory), "%" PRId64, (int64_t)stream->options.directory->directory);
    snprintf(holder, sizeof(holder), "%" PRId64, stream->holder);
    snprintf(shards, sizeof(shards), "%u", stream->options.directory->shards);
    const char *parameters[] = {node, shards, holder, directory};
    return postgres_query(&stream->postgres,
        bug(BUG_EPOCH_NOT_RAISED)
            ? "UPDATE hotshelf.stream_position SET holder = $3, directory = $4 "
              "WHERE node = $1 AND shard < $2"
            : "UPDATE hotshelf.stream_position SET epoch = epoch + 1, holder = $3, "
              "directory = $4, updated_at = clock_timestamp() WHERE node = $1 AND shard < $2",
        4, parameters, NULL);
}

/* `elsewhere`: what is lost may have been another shard's when it was sent. */
static int claim_position(struct stream *stream, const char *node, uint32_t number,
    struct position *position, bool *elsewhere)
{
    uint64_t seq = position->seq;
    bool is_new = position->shard < 0;
    position->shard = number;
    if (is_new)
        return insert_position(stream, node, position);
    int failure = skip_lost(stream, node, position);
    if (position->seq != seq && stream->options.directory->generation > 1)
        *elsewhere = true;
    return failure;
}

static int claim_positions(struct stream *stream, struct position positions[SHARDS_MAX])
{
    char node[8];
    snprintf(node, sizeof(node), "%u", stream->options.directory->node);
    for (uint32_t i = 0; i < SHARDS_MAX; i++)
        positions[i] = (struct position){.shard = -1, .age_ms = UINT64_MAX};
    bool elsewhere = false;
    int failure = read_positions(stream, node, positions);
    for (uint32_t i = 0; failure == 0 && i < stream->options.directory->shards; i++) {
        if (!stream->shards[i].halted)
            failure = claim_position(stream, node, i, &positions[i], &elsewhere);
    }
    for (uint32_t i = stream->options.directory->shards; failure == 0 && i < SHARDS_MAX; i++) {
        bool is_lost = positions[i].shard >= 0 && stream->options.seqs != NULL &&
                       positions[i].seq < stream->options.seqs[i];
        elsewhere = elsewhere || is_lost;
        if (is_lost)
            failure = skip_gone(stream, node, &positions[i]);
    }
    if (failure == 0 && elsewhere)
        failure = adopt_everywhere(stream, node, positions);
    return failure < 0 ? failure : raise_epochs(stream, node);
}

static int follow_positions(struct stream *stream, const struct position positions[SHARDS_MAX])
{
    int failure = 0;
    for (uint32_t i = 0; i < stream->options.directory->shards; i++) {
        struct stream_shard *shard = &stream->shards[i];
        if (shard->halted)
            continue;
        CHECK(positions[i].shard == i);
        struct position raised = positions[i];
        raised.epoch += bug(BUG_EPOCH_NOT_RAISED) ? 0 : 1;
        take_position(stream, &raised);
        stream_adopt_contact(stream, i, raised.adopting, raised.age_ms);
        uint64_t oldest = 0;
        stream_shard_publish(stream, i);
        int result = stream_shard_rewind(shard, &oldest);
        if (result == -ERANGE)
            failure = stream_shard_overtaken(stream, i);
        else if (result < 0)
            stream_shard_halt(stream, i, reader_problem(&shard->reader));
    }
    return failure;
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
    stream->copy_denied = false;
    if (failure == 0)
        failure = postgres_script(&stream->postgres, "BEGIN");
    if (failure == 0)
        failure = claim_positions(stream, positions);
    if (failure == 0)
        failure = postgres_commit(&stream->postgres);
    if (failure == 0)
        failure = postgres_pipeline(&stream->postgres);
    if (failure < 0)
        return failure;
    failure = follow_positions(stream, positions);
    announce(stream, identity);
    return failure;
}
