/* SPDX-License-Identifier: Apache-2.0 */
#include "net/check.h"

#include <errno.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "net/doors.h"
#include "net/house.h"
#include "net/io_choice.h"
#include "net/memory.h"
#include "net/serve.h"
#include "persist/disk.h"

enum {
    SYNC_WRITES = 200,
    SYNC_BLOCK = 4096,
    SYNC_SLOW_US = 2000, /* a checkout waits for one sync; above it a disk of its own is worth it */
};

struct findings {
    FILE *out;
    int status;
};

static void line(struct findings *findings, const char *verdict, const char *what,
    const char *format, va_list arguments)
{
    fprintf(findings->out, "%-5s %-14s ", verdict, what);
    vfprintf(findings->out, format, arguments);
    fputc('\n', findings->out);
}

__attribute__((format(printf, 3, 4))) static void good(
    struct findings *findings, const char *what, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    line(findings, "ok", what, format, arguments);
    va_end(arguments);
}

/* It works, and could work better. */
__attribute__((format(printf, 3, 4))) static void advise(
    struct findings *findings, const char *what, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    line(findings, "note", what, format, arguments);
    va_end(arguments);
}

__attribute__((format(printf, 3, 4))) static void mend(
    struct findings *findings, const char *what, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    line(findings, "mend", what, format, arguments);
    va_end(arguments);
    findings->status = 1;
}

static void check_configuration(struct findings *findings, const struct config *config)
{
    const char *refusal = serve_refuses(config);
    struct tokens *tokens = calloc(1, sizeof *tokens);
    char error[512];
    if (refusal != NULL)
        mend(findings, "configuration", "%s", refusal);
    else if (tokens == NULL ||
             tokens_load(tokens, TOKENS_OF_ADMINS, "auth.admin_tokens_file",
                 config->auth.admin_tokens_file, error, sizeof error) != 0 ||
             tokens_load(tokens, TOKENS_OF_SERVICES, "auth.service_tokens_file",
                 config->auth.service_tokens_file, error, sizeof error) != 0)
        mend(findings, "configuration", "%s", error);
    else
        good(findings, "configuration", "%u shards, %u connections", house_shards(config),
            config->capacity.connections);
    if (tokens != NULL)
        explicit_bzero(tokens, sizeof *tokens);
    free(tokens);
}

static void check_keys(struct findings *findings, const char *what, const char *setting,
    const char *path, const char *without)
{
    struct hmac_keys keys;
    char said[512];
    int result = hmac_keys_load(&keys, setting, path, said, sizeof said);
    if (result != 0)
        mend(findings, what, "%s", said);
    else if (said[0] != '\0')
        advise(findings, what, "%s", said);
    else if (keys.count == 0)
        good(findings, what, "%s", without);
    else
        good(findings, what, "signed with %s", keys.count == 1 ? "one key" : "either of two keys");
    explicit_bzero(&keys, sizeof keys);
}

static void check_signatures(struct findings *findings, const struct config *config)
{
    check_keys(findings, "webhooks", "auth.webhook_secret_file", config->auth.webhook_secret_file,
        "no auth.webhook_secret_file: none is accepted");
    check_keys(findings, "guests", "auth.guest_secret_file", config->auth.guest_secret_file,
        "signed with a key in data.dir, of this node alone");
}

/* They are read in every mode: what is configured is believed to work. */
static void check_jwt(struct findings *findings, const struct config *config)
{
    char error[512];
    struct jwt_keys *keys = calloc(1, sizeof *keys);
    const char *secrets = config->auth.jwt_secret_file;
    const char *public = config->auth.jwt_public_key_file;
    if (keys == NULL)
        mend(findings, "customers", "no memory");
    else if (jwt_secrets_load(keys, secrets, error, sizeof error) != 0 ||
             jwt_public_keys_load(keys, public, error, sizeof error) != 0)
        mend(findings, "customers", "%s", error);
    else if (config->auth.mode == AUTH_JWT)
        good(findings, "customers", "tokens of %u key%s", keys->count, keys->count == 1 ? "" : "s");
    else
        good(findings, "customers", "named by the gateway in front");
    if (keys != NULL)
        explicit_bzero(keys, sizeof *keys);
    free(keys);
}

static void check_kernel(struct findings *findings, const struct config *config)
{
    struct utsname name;
    int major = 0, minor = 0;
    if (uname(&name) != 0 || sscanf(name.release, "%d.%d", &major, &minor) != 2)
        advise(findings, "kernel", "does not say its version");
    else if (major > 6 || (major == 6 && minor >= 1))
        good(findings, "kernel", "%s", name.release);
    else if (config->server.io == IO_URING)
        mend(findings, "kernel", "%s; 6.1 or newer is needed (Debian 12 has it)", name.release);
    else
        advise(findings, "kernel", "%s; io_uring needs 6.1 or newer", name.release);
}

static void check_io(struct findings *findings, const struct config *config)
{
    char said[IO_CHOICE_TEXT_SIZE];
    enum config_io chosen;
    bool works = io_choose((enum config_io)config->server.io, &chosen, said);
    if (!works)
        mend(findings, "io", "%s", said);
    else if (said[0] != '\0')
        advise(findings, "io", "%s", said);
    else
        good(findings, "io", "%s: accept, receive, send, write, bell: as relied on",
            chosen == IO_EPOLL ? "epoll" : "io_uring");
}

static void check_descriptors(struct findings *findings, const struct config *config)
{
    struct rlimit limit;
    uint64_t needed = doors_descriptors(config);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_max < needed)
        mend(findings, "open files",
            "%llu at most, %llu are needed: raise the hard limit (ulimit -Hn, LimitNOFILE=)",
            (unsigned long long)limit.rlim_max, (unsigned long long)needed);
    else
        good(findings, "open files", "%llu needed, up to %llu allowed", (unsigned long long)needed,
            (unsigned long long)limit.rlim_max);
}

static void check_memory(struct findings *findings, const struct config *config)
{
    struct datadir_geometry geometry;
    uint64_t least, bytes;
    char error[512];
    struct house_space space;
    uint32_t shards = house_shards(config);
    if (datadir_divide(config->data.journal_bytes, shards, &geometry, &least) != 0) {
        mend(findings, "journal", "data.journal_bytes: at least %llu bytes for %u shards",
            (unsigned long long)least, shards);
        return;
    }
    if (house_measure(config, shards, &geometry, &bytes, NULL, &space, error, sizeof error) != 0) {
        mend(findings, "memory", "%s", error);
        return;
    }
    if (house_fits(&space, config, shards, error, sizeof error))
        good(findings, "journal", "room for a walk of full tables and %llu live holds",
            (unsigned long long)space.holds);
    else
        advise(findings, "journal", "%s", error);
    uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    if (bytes > machine)
        mend(findings, "memory", "%llu MiB needed, the machine has %llu: lower [capacity]",
            (unsigned long long)bytes >> 20, (unsigned long long)machine >> 20);
    else
        good(findings, "memory", "%llu MiB of %llu", (unsigned long long)bytes >> 20,
            (unsigned long long)machine >> 20);
    struct rlimit limit;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur < bytes && geteuid() != 0)
        advise(findings, "locked memory",
            "only %llu KiB may be locked: the tables may be swapped out (LimitMEMLOCK=infinity)",
            (unsigned long long)limit.rlim_cur >> 10);
}

static int by_size(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* As the journal writes: whole blocks of a file that was written before, durable when it returns.
 */
static int time_syncs(int file, void *block, uint64_t *times)
{
    for (int i = 0; i < SYNC_WRITES; i++) {
        if (pwrite(file, block, SYNC_BLOCK, (off_t)i * SYNC_BLOCK) != SYNC_BLOCK)
            return -errno;
    }
    if (fsync(file) != 0)
        return -errno;
    struct iovec part = {.iov_base = block, .iov_len = SYNC_BLOCK};
    for (int i = 0; i < SYNC_WRITES; i++) {
        uint64_t began = now_us();
        if (pwritev2(file, &part, 1, (off_t)i * SYNC_BLOCK, RWF_DSYNC) != SYNC_BLOCK)
            return -errno;
        times[i] = now_us() - began;
    }
    qsort(times, SYNC_WRITES, sizeof *times, by_size);
    return 0;
}

/* The data directory when it is there, else the directory it will be made in. */
static void disk_path(const struct config *config, char *path, size_t size)
{
    struct stat status;
    snprintf(path, size, "%s", config->data.dir);
    for (int i = 0; i < 16 && stat(path, &status) != 0; i++) {
        char *slash = strrchr(path, '/');
        if (slash == NULL || slash == path)
            snprintf(path, size, "%s", slash == NULL ? "." : "/");
        else
            *slash = '\0';
    }
}

static void judge_syncs(
    struct findings *findings, const char *path, bool direct, int result, const uint64_t *times)
{
    if (result != 0) {
        mend(findings, "disk", "%s: cannot write there: %s", path, strerror(-result));
        return;
    }
    if (!direct)
        advise(
            findings, "disk", "%s: no direct I/O; durable writes go through the page cache", path);
    uint64_t median = times[SYNC_WRITES / 2];
    uint64_t worst = times[SYNC_WRITES * 99 / 100];
    if (median > SYNC_SLOW_US)
        advise(findings, "disk",
            "%s: a durable write takes %llu us (99 %%: %llu): every reply to a "
            "checkout waits that long",
            path, (unsigned long long)median, (unsigned long long)worst);
    else
        good(findings, "disk", "%s: a durable write takes %llu us (99 %%: %llu)", path,
            (unsigned long long)median, (unsigned long long)worst);
}

static int open_as_journal(const char *path, bool *direct)
{
    int file = disk_create(path);
    if (file < 0)
        return file;
    disk_close(file);
    file = disk_open_direct(path, DISK_WRITE);
    *direct = file != -EINVAL;
    return *direct ? file : disk_open(path, DISK_WRITE);
}

static void check_disk(struct findings *findings, const struct config *config)
{
    char path[CONFIG_TEXT_SIZE];
    char file_path[CONFIG_TEXT_SIZE + 32];
    uint64_t times[SYNC_WRITES];
    bool direct = true;
    disk_path(config, path, sizeof path);
    snprintf(file_path, sizeof file_path, "%s/.hotshelf-check-%d", path, (int)getpid());
    int file = open_as_journal(file_path, &direct);
    int result = file < 0 ? file : 0;
    void *block = aligned_alloc(SYNC_BLOCK, SYNC_BLOCK);
    if (block != NULL && file >= 0) {
        memset(block, 0x5a, SYNC_BLOCK);
        result = time_syncs(file, block, times);
    }
    free(block);
    if (file >= 0)
        close(file);
    unlink(file_path);
    judge_syncs(findings, path, direct, result, times);
}

static void check_space(struct findings *findings, const struct config *config)
{
    char path[CONFIG_TEXT_SIZE];
    struct statvfs disk;
    struct stat status;
    disk_path(config, path, sizeof path);
    if (statvfs(path, &disk) != 0)
        return;
    uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize;
    bool there = stat(config->data.dir, &status) == 0;
    if (!there && left < config->data.journal_bytes)
        mend(findings, "disk space", "%llu MiB left at %s, data.journal_bytes wants %llu",
            (unsigned long long)left >> 20, path,
            (unsigned long long)config->data.journal_bytes >> 20);
    else
        good(findings, "disk space", "%llu MiB left at %s", (unsigned long long)left >> 20, path);
}

static void first_line(char *text)
{
    text[strcspn(text, "\n")] = '\0';
}

static void check_postgres(struct findings *findings, const struct config *config)
{
    if (config->postgres.dsn[0] == '\0') {
        good(findings, "PostgreSQL", "none: the journal alone");
        return;
    }
    PGconn *connection = PQconnectdb(config->postgres.dsn);
    if (PQstatus(connection) != CONNECTION_OK) {
        char problem[256];
        snprintf(problem, sizeof problem, "%s", PQerrorMessage(connection));
        first_line(problem);
        mend(findings, "PostgreSQL", "not reached: %s", problem);
    } else if (PQserverVersion(connection) < 150000) {
        mend(findings, "PostgreSQL", "version %d; 15 or newer is needed",
            PQserverVersion(connection) / 10000);
    } else {
        good(findings, "PostgreSQL", "reached, version %d", PQserverVersion(connection) / 10000);
    }
    PQfinish(connection);
}

/* Behind a gateway all customers have its address, unless its word about theirs is believed. */
static void check_limits(struct findings *findings, const struct config *config)
{
    bool counts = config->limits.requests_per_second > 0 || config->limits.guests_per_second > 0;
    if (counts && config->auth.mode == AUTH_HEADER && config->server.trusted_proxies[0] == '\0')
        advise(findings, "limits",
            "all who come by one gateway are counted as one address: name where it comes from in "
            "server.trusted_proxies");
    else
        good(findings, "limits", "requests_per_second %u, guests_per_second %u, 0 is off",
            config->limits.requests_per_second, config->limits.guests_per_second);
}

int check(const struct config *config, FILE *out)
{
    struct findings findings = {.out = out};
    check_configuration(&findings, config);
    check_jwt(&findings, config);
    check_signatures(&findings, config);
    check_limits(&findings, config);
    check_kernel(&findings, config);
    check_io(&findings, config);
    check_descriptors(&findings, config);
    check_memory(&findings, config);
    check_space(&findings, config);
    check_disk(&findings, config);
    check_postgres(&findings, config);
    return findings.status;
}
