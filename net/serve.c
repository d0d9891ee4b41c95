/* SPDX-License-Identifier: Apache-2.0 */
#include "net/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "core/bugs.h"
#include "core/check.h"
#include "core/tables.h"
#include "net/doors.h"
#include "net/house.h"
#include "net/http/guest.h"
#include "net/io_choice.h"
#include "net/memory.h"
#include "net/readiness.h"
#include "net/reshard.h"
#include "net/rotation.h"
#include "persist/generation.h"
#include "persist/recover.h"
#include "persist/stream.h"

enum {
    ERROR_SIZE = 1024,
    CONTACT_WAIT_MS = 5000, /* of PostgreSQL at start, before selling without it */
    MAIN_LOOK_MS = 100,     /* of the main thread, for contact with it and for what admins did */
    ACTS_LOOK_MS = 5,       /* .. while they do more */
    STREAM_DRAIN_MS = 3000, /* at the end; the rest is sent after the next start */
};

struct server {
    struct house *house;
    struct memory memory;
    struct datadir directory;
    struct recovery recovery;
    struct reshard reshard;
    bool resharded; /* and what was written for it is not in force yet */
    struct stream *stream;
    uint32_t tenth_shown;
    bool attached; /* the journal knows its PostgreSQL, or will */
    char error[ERROR_SIZE];
};

const char *serve_refuses(const struct config *config)
{
    if (config->auth.mode == AUTH_JWT && config->auth.jwt_secret_file[0] == '\0' &&
        config->auth.jwt_public_key_file[0] == '\0')
        return "auth.mode = jwt needs auth.jwt_secret_file or auth.jwt_public_key_file; behind a "
               "gateway that has checked the customer use auth.mode = header";
    if (config->redis.url[0] != '\0')
        return "redis.url: the fan-out to Redis is not built yet; leave it empty";
    if (shard_connections(config->capacity.connections, house_shards(config)) > IO_CONNECTIONS_MAX)
        return "capacity.connections: more than 16384 for each shard; raise server.shards";
    return NULL;
}

static int complain(const char *error)
{
    fprintf(stderr, "hotshelf: %s\n", error);
    return 1;
}

static uint64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A line is shown for each tenth. */
static bool is_next_tenth(struct server *server, uint64_t done, uint64_t total)
{
    uint32_t tenth = (uint32_t)(total == 0 ? 10 : done * 10 / total);
    bool is_next = tenth != server->tenth_shown;
    server->tenth_shown = tenth;
    return is_next;
}

static void show_zeros(void *context, uint64_t done, uint64_t total)
{
    if (is_next_tenth(context, done, total))
        fprintf(stderr, "hotshelf: preparing the journal: %llu of %llu MiB\n",
            (unsigned long long)done >> 20, (unsigned long long)total >> 20);
}

static int open_directory(struct server *server, const struct config *config, uint32_t shards)
{
    struct datadir_options options = {
        .path = config->data.dir,
        .journal_bytes = config->data.journal_bytes,
        .shards = shards,
        .node = config->policy.node,
        .any_shards = true,
        .progress = show_zeros,
        .context = server,
    };
    return datadir_open(&server->directory, &options, server->error, ERROR_SIZE);
}

/* The directory is that of another number of shards. */
static int change_shards(struct server *server, const struct config *config, uint32_t shards)
{
    if (server->directory.shards == shards)
        return 0;
    fprintf(stderr, "hotshelf: the journal of %u shards becomes one of %u\n",
        server->directory.shards, shards);
    server->reshard = (struct reshard){.progress = show_zeros, .context = server};
    server->resharded = true;
    return reshard(&server->reshard, &server->directory, config, shards, server->error, ERROR_SIZE);
}

static int build(struct server *server, const struct config *config, uint32_t shards)
{
    uint64_t bytes, seed;
    struct house_space space;
    int result = house_measure(config, shards, &server->directory.geometry, &bytes, NULL, &space,
        server->error, ERROR_SIZE);
    if (result == 0 && !house_fits(&space, config, shards, server->error, ERROR_SIZE)) {
        fprintf(stderr, "hotshelf: %s\n", server->error);
        server->error[0] = 0;
    }
    if (result == 0)
        result = memory_take(&server->memory, bytes, server->error, ERROR_SIZE);
    if (result != 0)
        return result;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed)
        seed = (uint64_t)errno + monotonic_ms();
    server->house->config = *config;
    house_build(server->house, server->memory.base, bytes, shards, seed);
    return 0;
}

static void replay(void *context, uint32_t shard, const struct event *event)
{
    struct server *server = context;
    struct shards *shards = server->house->shards;
    CHECK(shard < shards->count);
    engine_replay(shards->shard[shard]->engine, event);
    if (shard == 0)
        import_note(shards->shard[0]->import, event);
}

static void show_replay(void *context, uint64_t done, uint64_t total)
{
    struct server *server = context;
    if (is_next_tenth(server, done, total))
        fprintf(stderr, "hotshelf: recovering: %llu %% of %llu MiB\n",
            (unsigned long long)(done * 100 / total), (unsigned long long)total >> 20);
}

/* What all shards share is derived once from their tables; then proofs. */
static void prove(void *context)
{
    const struct server *server = context;
    const struct shards *shards = server->house->shards;
    struct engine *engines[SHARDS_MAX];
    for (uint32_t i = 0; i < shards->count; i++)
        engines[i] = shards->shard[i]->engine;
    shelf_derive(&server->house->shelf, engines, shards->count);
    for (uint32_t i = 0; i < shards->count; i++)
        engine_check(engines[i]);
}

/* What to do about a journal that is damaged. */
static void name_remedy(struct server *server)
{
    size_t size = strlen(server->error);
    snprintf(server->error + size, ERROR_SIZE - size,
        ". `hotshelf recover --salvage` tells what of it is whole, and changes nothing");
}

static int recover_all(struct server *server)
{
    struct shards *shards = server->house->shards;
    uint64_t began_ms = monotonic_ms();
    struct recover_options options = {.directory = &server->directory,
        .replay = replay,
        .prove = prove,
        .progress = show_replay,
        .context = server};
    int result = recover(&server->recovery, &options, server->error, ERROR_SIZE);
    if (result == -EBADMSG)
        name_remedy(server);
    if (result != 0)
        return result;
    if (!server->recovery.empty)
        fprintf(stderr, "hotshelf: recovered %llu records in %.2f seconds, %llu MiB read%s\n",
            (unsigned long long)server->recovery.records,
            (double)(monotonic_ms() - began_ms) / 1000,
            (unsigned long long)server->recovery.bytes >> 20,
            server->recovery.clean ? "" : "; the last stop was not a clean one");
    return import_resume(shards->shard[0]->import, server->error, ERROR_SIZE);
}

static int open_journals(struct server *server)
{
    struct house *house = server->house;
    int result = journal_shared_open(&house->journals);
    for (uint32_t i = 0; i < house->shards->count && result == 0; i++) {
        struct shard *shard = house->shards->shard[i];
        struct journal_options options = {
            .directory = &server->directory,
            .shard = i,
            .start = server->recovery.shards[i].chain,
            .walk = server->recovery.shards[i].walk,
            .streamed = server->recovery.postgres_system_id != 0,
            .incarnation = server->recovery.incarnation,
        };
        result = journal_open(
            &shard->journal, &house->arena, &house->journals, &options, server->error, ERROR_SIZE);
        walker_open(&shard->walker, shard->engine, &shard->journal);
        if (result == 0 && walker_resume(&shard->walker, &server->recovery.shards[i].cut))
            fprintf(stderr, "hotshelf: shard %u goes on with walk %llu\n", i,
                (unsigned long long)server->recovery.shards[i].cut.begun.number);
        shard->http.now.wall_ms = server->recovery.shards[i].chain.wall_ms;
    }
    house->shards->met = server->recovery.postgres_system_id;
    arena_seal(&house->arena);
    return result;
}

/* What is open is in force from here on, and nothing else is kept. */
static int settle_generation(struct server *server)
{
    char problem[ERROR_SIZE];
    int result = 0;
    if (server->resharded)
        result = reshard_publish(
            &server->reshard, &server->directory, server->house->shards, server->error, ERROR_SIZE);
    if (result == 0 && generation_sweep(&server->directory, problem, sizeof problem) != 0)
        fprintf(stderr, "hotshelf: %s\n", problem);
    return result;
}

/* The shelf clock goes on where the journals ended: an outage costs no customer a hold. Deadline 0
 * means none, so the first clock ever begins at 1. */
static void start_shelf_clock(struct server *server)
{
    uint64_t shelf_ms = server->recovery.shelf_ms > 0 ? server->recovery.shelf_ms : 1;
    struct shards *shards = server->house->shards;
    atomic_store(&shards->shelf_offset_ms, monotonic_ms() - shelf_ms);
    if (switches_frozen(&server->house->shelf.switches))
        atomic_store(&shards->frozen_ms, shelf_ms);
}

static void have_contact(struct server *server)
{
    struct shards *shards = server->house->shards;
    if (server->recovery.postgres_system_id == 0)
        atomic_store(&shards->attach, stream_system_id(server->stream));
    server->attached = true;
    atomic_store(&shards->may_sell, true);
}

/* Without PostgreSQL a journal that has records sells on: it cannot be a lost one (S1, S5). */
static int meet_postgres(struct server *server)
{
    struct house *house = server->house;
    struct stream_options options = {
        .directory = &server->directory,
        .shared = &house->journals,
        .dsn = house->config.postgres.dsn,
        .attached_id = server->recovery.postgres_system_id,
        .seqs = house->shards->shard[0]->engine->seqs,
        .gather_ms = house->shards->confirms ? 0 : STREAM_GATHER_MS,
        .settles_ms = 1000 * (uint64_t)house->config.retention.streamed_segments_seconds,
        .committed = house->shards->confirms ? shards_confirmed : NULL,
        .context = house->shards,
    };
    int result = stream_start(&server->stream, &options);
    if (result != 0) {
        snprintf(server->error, ERROR_SIZE, "cannot start the stream: %s", strerror(-result));
        return result;
    }
    house->shards->stream = server->stream;
    result = stream_first_contact(server->stream, CONTACT_WAIT_MS);
    if (result == 0) {
        have_contact(server);
        return 0;
    }
    char problem[STREAM_PROBLEM_SIZE];
    stream_problem(server->stream, problem);
    if (result == -ESTALE) {
        snprintf(server->error, ERROR_SIZE, "%s", problem);
        return result;
    }
    fprintf(stderr, "hotshelf: PostgreSQL is not reached: %s\n", problem);
    bool may_sell = !server->recovery.empty || bug(BUG_SELLS_BEFORE_CONTACT);
    atomic_store(&house->shards->may_sell, may_sell);
    return 0;
}

static int open_doors(struct server *server)
{
    const struct config *config = &server->house->config;
    struct shards *shards = server->house->shards;
    int result = doors_open(shards, config, server->error, ERROR_SIZE);
    if (result == 0)
        result = shards_start(shards, server->error, ERROR_SIZE);
    return result;
}

static void announce(const struct server *server)
{
    const struct shards *shards = server->house->shards;
    printf("hotshelf %s: %u shard%s on %s, %.1f MiB of memory%s%s, journal %.1f MiB in %s\n",
        HOTSHELF_VERSION, shards->count, shards->count == 1 ? "" : "s",
        io_name(shards->shard[0]->io), (double)server->memory.size / (1 << 20),
        server->memory.huge ? ", huge pages" : "", server->memory.locked ? ", locked" : "",
        (double)server->house->config.data.journal_bytes / (1 << 20), server->directory.path);
    doors_announce(shards);
    fflush(stdout);
}

/* It may come while journals are read, and then is heard when the doors are open. */
static void block_rotation(void)
{
    sigset_t rotate;
    sigemptyset(&rotate);
    sigaddset(&rotate, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &rotate, NULL);
}

/* Signals are blocked in every thread and waited for here alone. Until now, with nothing
 * acknowledged, they ended the process at once. */
static void block_signals(sigset_t *heard)
{
    sigemptyset(heard);
    sigaddset(heard, SIGHUP);
    sigaddset(heard, SIGTERM);
    sigaddset(heard, SIGINT);
    pthread_sigmask(SIG_BLOCK, heard, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void look_for_contact(struct server *server)
{
    if (server->stream == NULL || server->attached || !stream_has_contact(server->stream))
        return;
    have_contact(server);
    shards_wake(server->house->shards);
}

static void wait_for_stop(struct server *server, const sigset_t *heard)
{
    struct timespec look = {.tv_nsec = MAIN_LOOK_MS * 1000000};
    for (;;) {
        int signal_number = sigtimedwait(heard, NULL, &look);
        bool acts = shards_tell_acts(server->house->shards);
        look.tv_nsec = (acts ? ACTS_LOOK_MS : MAIN_LOOK_MS) * 1000000;
        shards_tell_shedding(server->house->shards);
        shards_tell_door(server->house->shards, monotonic_ms());
        if (signal_number == SIGHUP)
            rotation_run(server->house);
        else if (signal_number > 0)
            return;
        look_for_contact(server);
    }
}

static void tell_walks(const struct shards *shards)
{
    uint64_t walks = 0, bytes = 0;
    for (uint32_t i = 0; i < shards->count; i++) {
        walks += shards->shard[i]->walker.ended;
        bytes += shards->shard[i]->walker.bytes;
    }
    if (walks > 0)
        fprintf(stderr, "hotshelf: %llu times restated, %llu MiB\n", (unsigned long long)walks,
            (unsigned long long)bytes >> 20);
}

static void stop_all(struct server *server)
{
    struct shards *shards = server->house->shards;
    fprintf(stderr, "hotshelf: stopping\n");
    shards_stop(shards);
    shards_join(shards);
    shards_tell_acts(shards);
    tell_walks(shards);
    doors_close(shards);
    if (server->stream != NULL)
        stream_stop(server->stream, STREAM_DRAIN_MS);
    shards_close(shards);
    for (uint32_t i = 0; i < shards->count; i++)
        journal_close(&shards->shard[i]->journal);
    journal_shared_close(&server->house->journals);
    datadir_close(&server->directory);
    memory_give(&server->memory);
}

/* Tokens of those who call, and keys that others sign with. */
static int load_keys(struct server *server, const struct config *config)
{
    int result = identity_load(&server->house->identities[0], config, server->error, ERROR_SIZE);
    /* Touched now: the first rotation takes no memory. */
    explicit_bzero(&server->house->identities[1], sizeof server->house->identities[1]);
    if (result == 0 && server->error[0] != 0)
        fprintf(stderr, "hotshelf: %s\n", server->error);
    return result;
}

/* The data directory must be ours: a first start makes the key in it. */
static int load_guest_keys(struct server *server, const struct config *config)
{
    int result = guest_keys_load(&server->house->identities[0].guests,
        config->auth.guest_secret_file, server->directory.path, server->error, ERROR_SIZE);
    if (result == 0 && server->error[0] != 0)
        fprintf(stderr, "hotshelf: %s\n", server->error);
    return result;
}

static int prepare(struct server *server, const struct config *config)
{
    uint32_t shards = house_shards(config);
    int result = load_keys(server, config);
    if (result == 0)
        result = open_directory(server, config, shards);
    if (result == 0)
        result = load_guest_keys(server, config);
    if (result == 0)
        result = change_shards(server, config, shards);
    if (result == 0)
        result = build(server, config, shards);
    if (result == 0)
        result = recover_all(server);
    if (result == 0)
        result = open_journals(server);
    if (result == 0)
        result = settle_generation(server);
    return result;
}

/* What runs from here on is one of the two. */
static bool choose_io(struct config *config)
{
    char said[IO_CHOICE_TEXT_SIZE];
    enum config_io chosen;
    bool works = io_choose((enum config_io)config->server.io, &chosen, said);
    config->server.io = chosen;
    if (said[0] != '\0')
        complain(said);
    return works;
}

int serve(const struct config *given)
{
    const char *refusal = serve_refuses(given);
    if (refusal != NULL)
        return complain(refusal);
    if (given->server.demo)
        complain("server.demo: the demonstration pages are not built yet; the rest is served");
    struct config chosen = *given;
    const struct config *config = &chosen;
    char error[ERROR_SIZE];
    block_rotation();
    if (doors_fit_descriptors(&chosen, error, sizeof error) != 0)
        return complain(error);
    if (!choose_io(&chosen))
        return 1;
    memory_forbid_cores();
    struct server *server = calloc(1, sizeof *server);
    struct house *house = calloc(1, sizeof *house);
    if (server == NULL || house == NULL)
        return complain("no memory");
    server->house = house;
    if (prepare(server, config) != 0)
        return complain(server->error);
    sigset_t heard;
    block_signals(&heard);
    readiness_install(house->shards);
    start_shelf_clock(server);
    if (config->postgres.dsn[0] == '\0')
        atomic_store(&house->shards->may_sell, true);
    else if (meet_postgres(server) != 0)
        return complain(server->error);
    /* Before the doors open: from the first request on, resident memory does not change. */
    memory_lock(&server->memory);
    if (open_doors(server) != 0)
        return complain(server->error);
    announce(server);
    wait_for_stop(server, &heard);
    stop_all(server);
    free(server);
    free(house);
    return 0;
}
