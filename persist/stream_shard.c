/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One batch of one shard: gather what is durable, send it with its position, wait for the commit.
 *
 * When PostgreSQL refuses a value, the batch is taken apart: half of it, then half of that, until
 * what is refused is one event. That one becomes a row of dead_letters, with an outbox row that has
 * its envelope but no data, so that consumers see no gap; then batches grow again.
 */
#include <errno.h>
#include <stdio.h>

#include "core/bugs.h"
#include "core/check.h"
#include "persist/payload.h"
#include "persist/stream_state.h"

void stream_shard_halt(struct stream *stream, uint32_t shard, const char *why)
{
    stream->shards[shard].halted = true;
    atomic_store(&stream->any_halted, true);
    stream_note(stream, "the stream of shard %u has STOPPED after %llu: %s", shard,
        (unsigned long long)stream->shards[shard].streamed, why);
}

int stream_shard_overtaken(struct stream *stream, uint32_t number)
{
    struct stream_shard *shard = &stream->shards[number];
    shard->adopting = false; /* its walk may be gone: another one is asked for */
    shard->has_next = false;
    (void)snprintf(stream->postgres.problem, sizeof(stream->postgres.problem), "%s",
        reader_problem(&shard->reader));
    return -EAGAIN;
}

void stream_shard_publish(struct stream *stream, uint32_t shard)
{
    const struct stream_options *options = &stream->options;
    struct journal_mark *mark = &options->shared->marks[shard];
    atomic_store(&mark->streamed_seq, stream->shards[shard].streamed);
    atomic_store(&mark->known, true);
    if (options->committed != NULL)
        options->committed(options->context, shard);
}

bool stream_shard_waiting(const struct stream *stream, uint32_t shard)
{
    const struct stream_shard *is = &stream->shards[shard];
    struct journal_mark *mark = &stream->options.shared->marks[shard];
    return !is->halted && (is->has_next || atomic_load(&mark->durable_place) != is->seen_place);
}

int stream_shard_rewind(struct stream_shard *shard, uint64_t *oldest)
{
    shard->has_next = false;
    shard->in_batch = false;
    shard->seen_place = 0;
    if (shard->adopting && shard->sent_place.batch.number != 0) {
        reader_start(&shard->reader, &shard->sent_place.batch);
        return 0;
    }
    int result = reader_seek(&shard->reader, shard->streamed, oldest);
    /* Images have no number: what is wanted is judged here. */
    if (shard->adopting)
        shard->reader.after_seq = 0;
    return result;
}

/* Reads `next`; whether it is of the stream, and not sent yet. */
static bool read_wanted(struct stream_shard *shard, const struct reader_place *place)
{
    const struct event *event = &shard->next;
    const struct batch_header *header = &shard->reader.header;
    shard->next_place = (struct stream_place){
        .batch = {.number = 1,
            .segment = header->segment,
            .offset = header->offset,
            .batch = header->number},
        .record = journal_place(place->segment, place->offset),
    };
    if (event->stream_count == 0)
        return shard->adopting && stream_adopt_wants(shard);
    shard->passed_seq = event->stream_seq + event->stream_count - 1;
    return shard->passed_seq > shard->streamed;
}

/* Makes shard->next the next event to stream: 1, or 0 when nothing more is durable. */
static int find_next(struct stream_shard *shard, uint64_t limit)
{
    while (!shard->has_next) {
        struct reader_place place;
        if (shard->in_batch && reader_next(&shard->reader, &shard->next, &place)) {
            shard->has_next = read_wanted(shard, &place);
            continue;
        }
        int ready = reader_next_batch(&shard->reader, limit);
        shard->in_batch = ready == 1;
        if (ready <= 0)
            return ready;
        shard->passed_seq = shard->reader.header.first_seq - 1;
    }
    return 1;
}

static int fill_batch(struct stream *stream, uint32_t number)
{
    struct stream_shard *shard = &stream->shards[number];
    struct journal_mark *mark = &stream->options.shared->marks[number];
    uint64_t limit = atomic_load(&mark->durable_place);
    int found = 0;
    stream_batch_clear(&stream->batch, (uint16_t)number);
    while ((found = find_next(shard, limit)) == 1) {
        bool ends = shard->next.kind == EVENT_WALK_ENDED;
        if (!ends && !stream_batch_add(&stream->batch, &shard->next))
            return 0;
        shard->has_next = false;
        shard->taken_place = shard->next_place;
        stream->batch.adopted = ends;
        if (ends)
            return 0;
    }
    if (found == 0)
        shard->seen_place = limit;
    return found;
}

/* The first statement of a batch: everything after it stands or falls with it. */
static int send_position(struct stream *stream, const struct stream_shard *shard)
{
    const struct stream_batch *batch = &stream->batch;
    char text[5][24];
    const char *parameters[5];
    snprintf(text[0], sizeof(text[0]), "%u", batch->node);
    snprintf(text[1], sizeof(text[1]), "%u", batch->shard);
    snprintf(text[2], sizeof(text[2]), "%llu", (unsigned long long)shard->epoch);
    snprintf(text[3], sizeof(text[3]), "%llu", (unsigned long long)batch->first_seq - 1);
    snprintf(text[4], sizeof(text[4]), "%llu", (unsigned long long)batch->last_seq);
    for (uint32_t i = 0; i < 5; i++)
        parameters[i] = text[i];
    const char *sql = "SELECT hotshelf.advance($1, $2, $3, $4, $5)";
    if (bug(BUG_POSITION_NOT_COMPARED))
        sql = "UPDATE hotshelf.stream_position SET seq = $5 WHERE node = $1 AND shard = $2 "
              "AND $3::bigint >= 0 AND $4::bigint >= 0";
    int failure = postgres_send_text(&stream->postgres, sql, 5, parameters);
    return failure == 0 && batch->adopted ? stream_adopt_send_end(stream) : failure;
}

static int send_rows(struct stream *stream, uint32_t statement)
{
    struct postgres_parameters parameters;
    if (postgres_rows_count(statement, &stream->batch) == 0)
        return 0;
    int failure = postgres_rows_encode(statement, &stream->batch, &stream->arrays, &parameters);
    if (failure < 0)
        return failure;
    return postgres_send(&stream->postgres, postgres_rows_name(statement), &parameters);
}

int stream_shard_send_rows(struct stream *stream)
{
    int failure = 0;
    for (uint32_t i = 0; i < POSTGRES_STATEMENTS && failure == 0; i++)
        failure = send_rows(stream, i);
    return failure;
}

static int send_batch(struct stream *stream, struct stream_shard *shard)
{
    int failure = stream_copy_wants(stream, shard) ? stream_copy_send(stream, shard) : 1;
    if (failure <= 0)
        return failure;
    failure = send_position(stream, shard);
    if (failure == 0 && bug(BUG_POSITION_ALONE))
        failure = postgres_finish(&stream->postgres);
    if (failure == 0)
        failure = stream_shard_send_rows(stream);
    return failure < 0 ? failure : postgres_finish(&stream->postgres);
}

/* The raw payload goes as hexadecimal text: whatever is in it, that is a value anyone takes. An
 * image has none. */
static int send_dead_letter(struct stream *stream, const char *sqlstate, const char *detail)
{
    static const char digits[] = "0123456789abcdef";
    const struct stream_batch *batch = &stream->batch;
    struct payload_place place = {batch->node, batch->shard, 0};
    uint32_t half = stream->arrays.size_max / 4;
    struct json_writer json = json_writer_of(stream->arrays.data, half);
    if (!event_is_image(batch->events[0].kind))
        payload_put(&json, &batch->events[0], &place);
    char *hex = (char *)stream->arrays.data + half;
    for (uint32_t i = 0; i < json.size; i++) {
        hex[2 * i] = digits[json.data[i] >> 4];
        hex[2 * i + 1] = digits[json.data[i] & 15];
    }
    hex[2 * json.size] = 0;
    char node[8], shard[8], seq[24];
    snprintf(node, sizeof(node), "%u", batch->node);
    snprintf(shard, sizeof(shard), "%u", batch->shard);
    snprintf(seq, sizeof(seq), "%llu", (unsigned long long)batch->events[0].stream_seq);
    const char *parameters[] = {node, shard, seq, sqlstate, detail, hex};
    return postgres_send_text(&stream->postgres,
        "INSERT INTO hotshelf.dead_letters (node, shard, seq, reason, sqlstate, detail, raw) "
        "VALUES ($1, $2, $3, 'refused', $4, $5, decode($6::text, 'hex'))",
        6, parameters);
}

_Static_assert(PAYLOAD_SIZE_MAX < POSTGRES_ARRAYS_SIZE / 4, "and twice that as hexadecimal text");
_Static_assert(2 * PAYLOAD_SIZE_MAX < POSTGRES_ARRAYS_SIZE, "any one event can be sent");

/* The batch is one event, and its rows were refused. */
static int send_refused(struct stream *stream, uint32_t number)
{
    struct stream_shard *shard = &stream->shards[number];
    struct stream_batch *batch = &stream->batch;
    char sqlstate[6], detail[256];
    snprintf(sqlstate, sizeof(sqlstate), "%s", stream->postgres.sqlstate);
    snprintf(detail, sizeof(detail), "%.*s", (int)sizeof(detail) - 1, stream->postgres.problem);
    stream_note(stream, "PostgreSQL refuses %s %llu of shard %u, it goes to dead_letters: %s",
        event_is_image(batch->events[0].kind) ? "the image behind event" : "event",
        (unsigned long long)batch->events[0].stream_seq, number, detail);
    batch->refused = true;
    uint32_t outbox_rows = batch->row_count[STREAM_ROWS_OUTBOX];
    memset(batch->row_count, 0, sizeof(batch->row_count));
    batch->row_count[STREAM_ROWS_OUTBOX] = outbox_rows;
    int failure = send_position(stream, shard);
    if (failure == 0)
        failure = send_dead_letter(stream, sqlstate, detail);
    if (failure == 0)
        failure = stream_shard_send_rows(stream);
    return failure < 0 ? failure : postgres_finish(&stream->postgres);
}

/* What was gathered must be gathered again, half as much: 1, since there is more to send. */
static int send_halved(struct stream *stream, uint32_t number)
{
    struct stream_shard *shard = &stream->shards[number];
    CHECK(stream->batch.event_count > 1);
    stream->batch.event_count_max = stream->batch.event_count / 2;
    uint64_t oldest = 0;
    int result = stream_shard_rewind(shard, &oldest);
    if (result == -ERANGE)
        return stream_shard_overtaken(stream, number);
    if (result < 0)
        stream_shard_halt(stream, number, reader_problem(&shard->reader));
    return 1;
}

static void note_committed(struct stream *stream, uint32_t number)
{
    struct stream_shard *shard = &stream->shards[number];
    shard->streamed = stream->batch.last_seq;
    stream_shard_publish(stream, number);
    stream->notify_due = true;
    stream->sent_ms = postgres_clock_ms();
    if (shard->adopting)
        stream_adopt_committed(stream, number);
    uint32_t most = shard->event_count_max != 0 ? shard->event_count_max : STREAM_BATCH_EVENTS_MAX;
    stream->batch.event_count_max *= 2;
    if (stream->batch.event_count_max > most)
        stream->batch.event_count_max = most;
}

/*
 * What is sent but not yet synced goes away with the connection: a batch that outgrows the buffer
 * half way is dropped like that, for the worst texts only.
 */
static int drop_overflow(struct stream *stream, struct stream_shard *shard)
{
    CHECK(stream->batch.event_count > 1);
    stream->batch.event_count_max = stream->batch.event_count / 2;
    if (shard->adopting) /* the walk is sent again */
        shard->event_count_max = stream->batch.event_count_max;
    snprintf(stream->postgres.problem, sizeof(stream->postgres.problem),
        "a batch of %u events was too large", stream->batch.event_count);
    return -EAGAIN;
}

static int settle_failure(struct stream *stream, uint32_t number, int failure)
{
    if (failure == -ENOBUFS)
        return drop_overflow(stream, &stream->shards[number]);
    if (failure == -EILSEQ && stream->batch.event_count > 1)
        return send_halved(stream, number);
    if (failure == -EILSEQ)
        failure = send_refused(stream, number);
    if (failure == -EEXIST || failure == -EILSEQ)
        stream_shard_halt(stream, number, stream->postgres.problem);
    else if (failure == 0)
        note_committed(stream, number);
    return failure < 0 && !stream->shards[number].halted ? failure : 1;
}

int stream_shard_send(struct stream *stream, uint32_t number)
{
    struct stream_shard *shard = &stream->shards[number];
    int failure = fill_batch(stream, number);
    if (failure == -ERANGE)
        return stream_shard_overtaken(stream, number);
    if (failure < 0) {
        stream_shard_halt(stream, number, reader_problem(&shard->reader));
        return 0;
    }
    if (stream->batch.event_count == 0 && !stream->batch.adopted)
        return 0;
    if (stream->batch.first_seq == 0) { /* images only */
        stream->batch.first_seq = shard->streamed + 1;
        stream->batch.last_seq = shard->streamed;
    }
    if (stream->batch.first_seq != shard->streamed + 1) {
        stream_shard_halt(stream, number, "PostgreSQL's position is inside a record");
        return 0;
    }
    stream_batch_rows(&stream->batch);
    shard->sending = stream->batch.last_seq;
    if (bug(BUG_STREAMED_BEFORE_COMMIT))
        atomic_store(&stream->options.shared->marks[number].streamed_seq, shard->sending);
    failure = send_batch(stream, shard);
    if (failure < 0)
        return settle_failure(stream, number, failure);
    note_committed(stream, number);
    return 1;
}
