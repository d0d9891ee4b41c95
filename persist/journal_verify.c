/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Happy path: recovery's judgement of the whole directory, then every batch once more for the
 * table. What can go wrong: damage, told by whoever finds it first; the table then ends where the
 * damage begins, and the other shards have theirs.
 */
#include "persist/journal_verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/json_writer.h"
#include "persist/journal_visit.h"
#include "persist/recover.h"

/* What one segment was found to hold. */
struct row {
    uint32_t shard;
    uint32_t segment; /* 0: none yet */
    uint64_t first_batch, last_batch;
    uint64_t records;
    uint64_t first_seq, last_seq; /* none when first is greater */
    uint64_t bytes;
    int64_t first_wall_ms, last_wall_ms;
};

struct verify {
    struct datadir directory;
    bool progress;
    bool alone; /* no server has the directory */
    FILE *out;
    struct row row;
    struct recovery *recovery; /* alone */
    struct visit_end ends[SHARDS_MAX];
    char problem[1024];
};

static void show_reading(const struct verify *verify, uint32_t shard, uint32_t segment)
{
    if (verify->progress)
        fprintf(stderr,
            "\r\033[Khotshelf: reading shard %" PRIu32 " of %" PRIu32 ", segment %" PRIu32, shard,
            verify->directory.shards, segment);
}

static void end_progress(const struct verify *verify)
{
    if (verify->progress)
        fprintf(stderr, "\r\033[K");
}

static void ignore_event(void *context, uint32_t shard, const struct event *event)
{
    (void)context, (void)shard, (void)event;
}

static void judged(void *context, uint64_t done, uint64_t total)
{
    const struct verify *verify = context;
    if (verify->progress)
        fprintf(stderr, "\r\033[Khotshelf: judging, %" PRIu64 " of %" PRIu64 " MiB", done >> 20,
            total >> 20);
}

/* As a start would: damage in what is not in use, and a file that is missing, too. */
static int judge(struct verify *verify)
{
    const struct recover_options options = {.directory = &verify->directory,
        .replay = ignore_event,
        .progress = judged,
        .context = verify};
    return recover(verify->recovery, &options, verify->problem, sizeof(verify->problem));
}

static void print_row(struct verify *verify)
{
    const struct row *row = &verify->row;
    char first[JSON_TIME_SIZE], last[JSON_TIME_SIZE];
    char seqs[48] = "-";
    char batches[48];
    if (row->segment == 0)
        return;
    json_format_time(first, row->first_wall_ms);
    json_format_time(last, row->last_wall_ms);
    if (row->first_seq <= row->last_seq)
        (void)snprintf(seqs, sizeof(seqs), "%" PRIu64 "-%" PRIu64, row->first_seq, row->last_seq);
    (void)snprintf(
        batches, sizeof(batches), "%" PRIu64 "-%" PRIu64, row->first_batch, row->last_batch);
    fprintf(verify->out,
        "%5" PRIu32 " %8" PRIu32 "  %-21s %9" PRIu64 "  %-21s %9" PRIu64 "  %.24s  %.24s\n",
        row->shard, row->segment, batches, row->records, seqs, row->bytes >> 10, first, last);
    verify->row.segment = 0;
}

static void note_batch(void *context, uint32_t shard, struct reader *reader)
{
    struct verify *verify = context;
    const struct batch_header *header = &reader->header;
    if (verify->row.shard != shard || verify->row.segment != header->segment) {
        print_row(verify);
        show_reading(verify, shard, header->segment);
        verify->row = (struct row){.shard = shard,
            .segment = header->segment,
            .first_batch = header->number,
            .first_seq = header->first_seq,
            .first_wall_ms = header->wall_ms};
    }
    struct row *row = &verify->row;
    row->last_batch = header->number;
    row->records += header->record_count;
    row->last_seq = header->last_seq;
    row->bytes += header->size;
    row->last_wall_ms = header->wall_ms;
}

/* How the journal of a shard ends, as the end of a sentence. */
static const char *end_text(const struct verify *verify, uint32_t shard)
{
    const struct visit_end *end = &verify->ends[shard];
    bool is_blank = end->verdict == BATCH_BLANK || end->verdict == BATCH_NO_ROOM;
    if (!verify->alone)
        return "a server is using it, and what it is writing now was not judged";
    if (!is_blank)
        return "a write was cut short there; the next start overwrites it";
    if (end->number == 0)
        return "nothing was written yet";
    return verify->recovery->shards[shard].closed ? "closed by a clean stop"
                                                  : "the last stop was not a clean one";
}

static void print_end(const struct verify *verify, uint32_t shard)
{
    char path[DATADIR_FILE_PATH_SIZE_MAX];
    const struct visit_end *end = &verify->ends[shard];
    if (end->result != 0) {
        fprintf(verify->out, "shard %" PRIu32 ": damaged after batch %" PRIu64 "\n", shard,
            end->number);
        return;
    }
    datadir_segment_path(&verify->directory, shard, end->segment, path);
    fprintf(verify->out,
        "shard %" PRIu32 ": %" PRIu64 " batches, ends in %s at offset %" PRIu32 ": %s\n", shard,
        end->batches, path, end->offset, end_text(verify, shard));
}

static int report(struct verify *verify)
{
    char problem[sizeof(verify->problem)];
    const struct visit_options options = {.directory = &verify->directory,
        .shard = VISIT_EVERY_SHARD,
        .batch = note_batch,
        .context = verify};
    int judgement = verify->alone ? judge(verify) : 0;
    end_progress(verify);
    fprintf(verify->out, "%5s %8s  %-21s %9s  %-21s %9s  %-24s  %-24s\n", "shard", "segment",
        "batches", "records", "stream numbers", "KiB", "from", "to");
    int reading = journal_visit(&options, verify->ends, problem, sizeof(problem));
    end_progress(verify);
    print_row(verify);
    for (uint32_t i = 0; i < verify->directory.shards; i++)
        print_end(verify, i);
    if (judgement == 0 && reading == 0) {
        fprintf(verify->out, "ok\n");
        return 0;
    }
    fprintf(verify->out, "NOT ok: %s\n", judgement != 0 ? verify->problem : problem);
    return 1;
}

int journal_verify(const char *dir, bool progress, FILE *out)
{
    struct verify *verify = calloc(1, sizeof(*verify));
    struct recovery *recovery = calloc(1, sizeof(*recovery));
    int status = 1;
    if (verify == NULL || recovery == NULL) {
        fprintf(stderr, "hotshelf: journal verify: out of memory\n");
    } else if (datadir_read(&verify->directory, dir, verify->problem, sizeof(verify->problem)) <
               0) {
        fprintf(out, "NOT ok: %s\n", verify->problem);
    } else {
        verify->progress = progress;
        verify->out = out;
        verify->recovery = recovery;
        verify->alone = datadir_try_lock(&verify->directory);
        status = report(verify);
        datadir_close(&verify->directory);
    }
    free(recovery);
    free(verify);
    return status;
}
