/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The spool is written as the body comes and read twice: the first pass finds every error and asks
 * for room; the second, after IMPORT_BEGUN, puts the rows on the shelf.
 *
 * It is not touched again before IMPORT_DONE is durable, since a crash up to then needs it.
 */
#include "net/http/import.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "core/check.h"
#include "net/http/import_steps.h"
#include "net/http/route.h"

enum { WRITE_BEHIND = 1024 * 1024 };

struct import *import_create(
    struct arena *arena, const struct config *config, struct shelf *shelf, const char *directory)
{
    struct import *import = arena_take(arena, "import", 1, sizeof(*import));
    import->config = config;
    import->shelf = shelf;
    import->spool = -1;
    int size = snprintf(import->directory, sizeof(import->directory), "%s", directory);
    CHECK(size > 0);
    CHECK(size < IMPORT_PATH_SIZE);
    snprintf(import->path, sizeof(import->path), "%s/import.spool", directory);
    import_check_init(&import->check, arena, &shelf->catalog, &config->capacity);
    return import;
}

void import_close_spool(struct import *import)
{
    if (import->spool >= 0)
        close(import->spool);
    import->spool = -1;
}

static void settle(struct import *import)
{
    if (import->state != IMPORT_SETTLING || import->shelf->catalog.importing)
        return;
    import_close_spool(import);
    import->state = IMPORT_IDLE;
}

void import_begin_pass(struct import *import)
{
    import->read_at = 0;
    import->read_all = false;
    import->row_waits = false;
    import->created = import->updated = import->unchanged = 0;
    catalog_csv_open(&import->csv, import->row);
    XXH3_128bits_reset(&import->hash);
}

static void begin_check(struct import *import)
{
    import_check_begin(&import->check);
    import_begin_pass(import);
    import->state = IMPORT_CHECKING;
}

static bool refuse(struct http_context *context, struct request *request, enum problem_code code,
    const char *detail)
{
    problem_answer(context, request, code, detail);
    return false;
}

bool import_begin(struct import *import, struct http_context *context, struct request *request,
    uint64_t body_size)
{
    settle(import);
    if (import->state != IMPORT_IDLE)
        return refuse(context, request, PROBLEM_VERSION_CONFLICT, "Another import is under way.");
    if (body_size > import->config->limits.import_bytes)
        return refuse(
            context, request, PROBLEM_BODY_TOO_LARGE, "The file is larger than import_bytes.");
    import->spool = open(import->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (import->spool < 0)
        return refuse(context, request, PROBLEM_CAPACITY_EXHAUSTED,
            "import.spool in the data directory cannot be opened.");
    import->request = request;
    import->dry_run = request->route == ROUTE_ADMIN_IMPORT_DRY_RUN;
    import->failure = 0;
    import->size = body_size;
    import->received = import->written_behind = 0;
    struct bytes actor = request->work->command.actor;
    CHECK(actor.size <= NAME_SIZE_MAX);
    memcpy(import->actor, actor.data, actor.size);
    import->actor_size = actor.size;
    import->state = IMPORT_RECEIVING;
    if (body_size == 0)
        begin_check(import);
    return true;
}

static int write_all(int file, struct bytes bytes, uint64_t offset)
{
    while (bytes.size > 0) {
        ssize_t written = pwrite(file, bytes.data, bytes.size, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? errno : EIO;
        bytes = bytes_of(bytes.data + written, bytes.size - (uint32_t)written);
        offset += (uint64_t)written;
    }
    return 0;
}

/* Starts what has gathered on its way to the disk, so that the sync at the end finds little. */
static void write_behind(struct import *import)
{
    uint64_t ready = import->received - import->written_behind;
    if (ready < WRITE_BEHIND)
        return;
    sync_file_range(
        import->spool, (off_t)import->written_behind, (off_t)ready, SYNC_FILE_RANGE_WRITE);
    import->written_behind = import->received;
}

void import_feed(struct import *import, struct bytes bytes)
{
    CHECK(import->state == IMPORT_RECEIVING);
    CHECK(bytes.size <= import->size - import->received);
    if (import->failure == 0)
        import->failure = write_all(import->spool, bytes, import->received);
    import->received += bytes.size;
    if (import->failure == 0)
        write_behind(import);
    if (import->received == import->size)
        begin_check(import);
}

uint64_t import_missing(const struct import *import)
{
    return import->state == IMPORT_RECEIVING ? import->size - import->received : 0;
}

void import_abandon(struct import *import)
{
    CHECK(import->state == IMPORT_RECEIVING);
    import_close_spool(import);
    import->request = NULL;
    import->state = IMPORT_IDLE;
}

bool import_is_busy(const struct import *import)
{
    return import->state == IMPORT_CHECKING || import->state == IMPORT_SYNCING ||
           import->state == IMPORT_APPLYING || import->state == IMPORT_ENDING;
}

bool import_is_idle(const struct import *import)
{
    return import->state == IMPORT_IDLE;
}

/* The next piece of the spool to the reader; at its end, that it is the end. */
void import_read_on(struct import *import)
{
    uint64_t left = import->size - import->read_at;
    size_t want = left < IMPORT_BYTES_PER_TICK ? (size_t)left : IMPORT_BYTES_PER_TICK;
    ssize_t got = 0;
    if (want > 0)
        got = pread(import->spool, import->buffer, want, (off_t)import->read_at);
    if (got < 0 || (got == 0 && want > 0)) {
        import->failure = got < 0 ? errno : EIO;
        return;
    }
    if (got == 0) {
        import->read_all = true;
        catalog_csv_finish(&import->csv);
        return;
    }
    struct bytes piece = bytes_of(import->buffer, (uint32_t)got);
    XXH3_128bits_update(&import->hash, piece.data, piece.size);
    import->read_at += piece.size;
    catalog_csv_feed(&import->csv, piece);
}

struct request *import_tick(
    struct import *import, struct http_context *context, const struct import_host *host)
{
    switch (import->state) {
    case IMPORT_CHECKING:
        return import_check_on(import, context, host);
    case IMPORT_SYNCING:
        return import_record_begin(import, context, host);
    case IMPORT_APPLYING:
        import_apply_on(import, host);
        return NULL;
    case IMPORT_ENDING:
        return import_record_end(import, context, host);
    case IMPORT_SETTLING:
        settle(import);
        return NULL;
    case IMPORT_IDLE:
    case IMPORT_RECEIVING:
        break;
    }
    return NULL;
}

void import_note(struct import *import, const struct event *event)
{
    if (event->kind == EVENT_IMPORT_DONE)
        import->begun = false;
    if (event->kind != EVENT_IMPORT_BEGUN && event->kind != EVENT_IMPORT_IMAGE)
        return;
    struct bytes actor = event->text[TEXT_ACTOR];
    import->begun = true;
    import->fact = event->fact.import;
    import->actor_size = actor.size < NAME_SIZE_MAX ? actor.size : NAME_SIZE_MAX;
    if (actor.size > 0)
        memcpy(import->actor, actor.data, import->actor_size);
}

/* The hash of the whole spool: it must be the file that was recorded. */
static bool is_recorded_file(struct import *import)
{
    off_t end = lseek(import->spool, 0, SEEK_END);
    if (end < 0 || (uint64_t)end != import->fact.size)
        return false;
    import->size = import->fact.size;
    XXH3_128bits_reset(&import->hash);
    for (uint64_t at = 0; at < import->size;) {
        ssize_t got = pread(import->spool, import->buffer, sizeof(import->buffer), (off_t)at);
        if (got <= 0)
            return false;
        XXH3_128bits_update(&import->hash, import->buffer, (size_t)got);
        at += (uint64_t)got;
    }
    XXH128_hash_t hash = XXH3_128bits_digest(&import->hash);
    return hash.low64 == import->fact.hash.low && hash.high64 == import->fact.hash.high;
}

int import_resume(struct import *import, char *error, uint32_t error_size)
{
    CHECK(import->state == IMPORT_IDLE);
    if (!import->begun)
        return 0;
    import->begun = false;
    import->spool = open(import->path, O_RDWR | O_CLOEXEC);
    if (import->spool < 0) {
        int failure = errno;
        snprintf(error, error_size,
            "%s: %s; it holds the catalog of an import that a crash cut short, and is needed to "
            "finish it",
            import->path, strerror(failure));
        return -failure;
    }
    if (!is_recorded_file(import)) {
        import_close_spool(import);
        snprintf(error, error_size,
            "%s is not the file of the import that a crash cut short (%llu bytes, another hash); "
            "put the right one there",
            import->path, (unsigned long long)import->fact.size);
        return -EBADMSG;
    }
    import_begin_pass(import);
    import->state = IMPORT_APPLYING;
    return 0;
}
