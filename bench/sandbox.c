/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory holds hotshelf.ini, the catalog, the admin token, the log and the data. Ports are
 * free ones that the kernel named a moment ago. Everything is removed at the end, whatever
 * happened.
 */
#include "bench/sandbox.h"

#include "bench/guard.h"
#include "bench/socket.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define READY_TRIES_MAX 6000
#define READY_LOOK_MS 10
#define IMPORT_TIMEOUT_MS 60000
#define STOP_TIMEOUT_MS 30000
#define SETS_MAX 32

/* Journal bytes of one checkout with its batch padding, taken generously, and of the carts. */
#define JOURNAL_BYTES_PER_ORDER 4096
#define JOURNAL_BYTES_MIN (UINT64_C(1) << 30)

static void file_path(
    const struct sandbox *sandbox, const char *name, char path[SANDBOX_FILE_PATH_SIZE])
{
    snprintf(path, SANDBOX_FILE_PATH_SIZE, "%s/%s", sandbox->directory, name);
}

static FILE *create(const struct sandbox *sandbox, const char *name)
{
    char path[SANDBOX_FILE_PATH_SIZE];
    file_path(sandbox, name, path);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        fprintf(stderr, "hotshelf-bench: %s cannot be written\n", path);
    return file;
}

static bool write_catalog(const struct sandbox *sandbox, const struct sandbox_plan *plan)
{
    FILE *file = create(sandbox, "catalog.csv");
    if (file == NULL)
        return false;
    fputs("sku,title,category,seller,price,currency,stock,reserve_on\n" SANDBOX_SKU
          ",A thing,bench,seller,9.99,GBP,1000000000,checkout\n" SANDBOX_SKU_CART
          ",Another thing,bench,seller,9.99,GBP,1000000000,cart\n",
        file);
    for (uint32_t i = 0; i < plan->skus; i++)
        fprintf(file, "BENCH-%08u,Yet another thing,bench,seller,9.99,GBP,1,checkout\n", i);
    return fclose(file) == 0;
}

static bool write_token(const struct sandbox *sandbox)
{
    unsigned char random[16];
    FILE *file = create(sandbox, "admin-tokens");
    if (file == NULL || getrandom(random, sizeof random, 0) != sizeof random)
        return false;
    fputs("bench:operator:", file);
    for (size_t at = 0; at < sizeof random; at++)
        fprintf(file, "%02x", random[at]);
    fputs("\n", file);
    char path[SANDBOX_FILE_PATH_SIZE];
    file_path(sandbox, "admin-tokens", path);
    return fclose(file) == 0 && chmod(path, 0600) == 0;
}

static void write_addresses(const struct sandbox *sandbox, FILE *file)
{
    if (sandbox->path[0] != '\0')
        fprintf(
            file, "[server]\nhttp = unix:%s\nresp = unix:%s\n", sandbox->path, sandbox->resp_path);
    else
        fprintf(file, "[server]\nhttp = 127.0.0.1:%u\nresp = 127.0.0.1:%u\n", sandbox->port,
            sandbox->resp_port);
}

static bool write_configuration(const struct sandbox *sandbox, const struct sandbox_plan *plan)
{
    uint32_t orders = plan->orders;
    FILE *file = create(sandbox, "hotshelf.ini");
    if (file == NULL)
        return false;
    uint64_t journal_bytes = (uint64_t)orders * JOURNAL_BYTES_PER_ORDER;
    if (journal_bytes < JOURNAL_BYTES_MIN)
        journal_bytes = JOURNAL_BYTES_MIN;
    if (plan->journal_bytes > 0)
        journal_bytes = plan->journal_bytes;
    write_addresses(sandbox, file);
    fprintf(file,
        "admin = 127.0.0.1:%u\nshards = 1\nio = %s\n"
        "[data]\ndir = %s/data\njournal_bytes = %llu\n"
        "[auth]\nmode = header\nadmin_tokens_file = %s/admin-tokens\n"
        "[payment]\nmode = deferred\n"
        "[limits]\noverload_ms = 0\n" /* waiting is measured, and a refused order is no sale */
        "[capacity]\nskus = %u\ncustomers = %u\norders = %u\nholds = %u\nlines = %u\n"
        "text_bytes = %llu\nidempotency_keys = %u\nconnections = 2048\n%s",
        sandbox->admin_port, plan->io == NULL ? "auto" : plan->io, sandbox->directory,
        (unsigned long long)journal_bytes, sandbox->directory, plan->skus + 16, orders + 4096,
        orders + 4096, 8192U, orders + 8192, (unsigned long long)(orders + 8192) * 128,
        orders + 4096, plan->more == NULL ? "" : plan->more);
    return fclose(file) == 0;
}

static bool is_ready(const struct sandbox *sandbox)
{
    static const char request[] = "GET /readyz HTTP/1.1\r\nHost: bench\r\n\r\n";
    struct timeval patience = {.tv_sec = 2};
    char reply[16] = "";
    int fd = socket_connect(sandbox->port, sandbox->path[0] == '\0' ? NULL : sandbox->path);
    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    bool ready = send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0 &&
                 recv(fd, reply, sizeof reply - 1, 0) > 12 &&
                 memcmp(reply, "HTTP/1.1 200", 12) == 0;
    close(fd);
    return ready;
}

static bool wait_until_ready(const struct sandbox *sandbox)
{
    for (int tries = 0; tries < READY_TRIES_MAX; tries++) {
        if (is_ready(sandbox))
            return true;
        /* Wakes early when the server has ended. */
        struct pollfd end = {.fd = sandbox->server.pidfd, .events = POLLIN};
        if (poll(&end, 1, READY_LOOK_MS) > 0)
            break;
    }
    fprintf(stderr, "hotshelf-bench: the server did not become ready\n");
    return false;
}

static bool start_server(struct sandbox *sandbox, const struct sandbox_plan *plan)
{
    char ini[SANDBOX_FILE_PATH_SIZE];
    char log[SANDBOX_FILE_PATH_SIZE];
    char path[SANDBOX_FILE_PATH_SIZE];
    file_path(sandbox, "hotshelf.ini", ini);
    file_path(sandbox, "server.log", log);
    snprintf(path, sizeof path, "%s", plan->server_path);
    char *serve[5 + 2 * SETS_MAX] = {path, (char[]){"serve"}, (char[]){"-c"}, ini};
    for (uint32_t at = 0; plan->sets != NULL && at < SETS_MAX && plan->sets[at] != NULL; at++) {
        serve[4 + 2 * at] = (char *)"--set";
        serve[5 + 2 * at] = (char *)plan->sets[at];
    }
    int result = process_start(&sandbox->server, serve, plan->core, log, false);
    if (result < 0) {
        fprintf(stderr, "hotshelf-bench: %s: %s\n", path, strerror(-result));
        return false;
    }
    return wait_until_ready(sandbox);
}

static bool import_catalog(struct sandbox *sandbox, const struct sandbox_plan *plan)
{
    char ini[SANDBOX_FILE_PATH_SIZE];
    char log[SANDBOX_FILE_PATH_SIZE];
    char path[SANDBOX_FILE_PATH_SIZE];
    char catalog[SANDBOX_FILE_PATH_SIZE];
    file_path(sandbox, "hotshelf.ini", ini);
    file_path(sandbox, "import.log", log);
    file_path(sandbox, "catalog.csv", catalog);
    snprintf(path, sizeof path, "%s", plan->server_path);
    char *import[] = {path, (char[]){"import"}, (char[]){"-c"}, ini, catalog, NULL};
    struct process process;
    if (process_start(&process, import, plan->core, log, false) == 0 &&
        process_wait(&process, IMPORT_TIMEOUT_MS) == 0)
        return true;
    fprintf(stderr, "hotshelf-bench: the catalog was not imported\n");
    return false;
}

static void tell_file(const struct sandbox *sandbox, const char *name)
{
    char path[SANDBOX_FILE_PATH_SIZE];
    char text[4096];
    file_path(sandbox, name, path);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    if (fseek(file, -(long)sizeof text, SEEK_END) < 0)
        rewind(file);
    size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    fprintf(stderr, "--- end of %s\n%.*s", name, (int)size, text);
}

void sandbox_tell_log(const struct sandbox *sandbox)
{
    tell_file(sandbox, "import.log");
    tell_file(sandbox, "server.log");
}

bool sandbox_open(struct sandbox *sandbox, const struct sandbox_plan *plan)
{
    *sandbox = (struct sandbox){.server = {.pidfd = -1, .output = -1}};
    snprintf(sandbox->directory, sizeof sandbox->directory, "%s/server-XXXXXX", plan->parent);
    if (mkdtemp(sandbox->directory) == NULL) {
        fprintf(stderr, "hotshelf-bench: no directory can be made in %s\n", plan->parent);
        sandbox->directory[0] = '\0';
        return false;
    }
    sandbox->port = socket_free_port();
    sandbox->admin_port = socket_free_port();
    sandbox->resp_port = socket_free_port();
    if (plan->over_unix) {
        file_path(sandbox, "http.sock", sandbox->path);
        file_path(sandbox, "resp.sock", sandbox->resp_path);
    }
    if (write_catalog(sandbox, plan) && write_token(sandbox) &&
        write_configuration(sandbox, plan) && start_server(sandbox, plan) &&
        import_catalog(sandbox, plan))
        return true;
    sandbox_tell_log(sandbox);
    return false;
}

void sandbox_kill(struct sandbox *sandbox)
{
    kill(sandbox->server.pid, SIGKILL);
    process_wait(&sandbox->server, STOP_TIMEOUT_MS);
}

bool sandbox_start_again(struct sandbox *sandbox, const struct sandbox_plan *plan)
{
    if (start_server(sandbox, plan))
        return true;
    sandbox_tell_log(sandbox);
    return false;
}

double sandbox_logged(const struct sandbox *sandbox, const char *text)
{
    char path[SANDBOX_FILE_PATH_SIZE], line[1024];
    double last = -1;
    file_path(sandbox, "server.log", path);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        char *found = strstr(line, text);
        while (found != NULL && found > line && strchr("0123456789. ", found[-1]) != NULL)
            found--;
        if (found != NULL)
            last = strtod(found, NULL);
    }
    if (file != NULL)
        fclose(file);
    return last;
}

void sandbox_close(struct sandbox *sandbox)
{
    if (sandbox->server.pid > 0 && process_stop(&sandbox->server, STOP_TIMEOUT_MS) != 0)
        fprintf(stderr, "hotshelf-bench: the server did not stop cleanly\n");
    if (sandbox->directory[0] != '\0')
        guard_remove_tree(sandbox->directory);
    *sandbox = (struct sandbox){.server = {.pidfd = -1, .output = -1}};
}
