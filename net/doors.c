/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The storefront's door is as wide as there are shards, so that the kernel deals out its clients;
 * the admin's leads to shard 0 alone, which owns catalog and stock. When an address is taken or
 * forbidden the start ends there, with the setting's name.
 */
#include "net/doors.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>

#include "net/house.h"

enum {
    DESCRIPTORS_PER_SHARD = 9, /* ring or set, eventfd, listeners, two segments */
    SPARE_DESCRIPTORS = 64,    /* one refused client for each shard, PostgreSQL, the spool, .. */
};

static uint64_t descriptors_for(uint32_t connections, uint32_t shards)
{
    uint64_t clients = (uint64_t)shards * shard_connections(connections, shards);
    return clients + (uint64_t)shards * DESCRIPTORS_PER_SHARD + SPARE_DESCRIPTORS;
}

uint64_t doors_descriptors(const struct config *config)
{
    return descriptors_for(config->capacity.connections, house_shards(config));
}

/* The most connections for which so many descriptors will do. */
static uint32_t connections_within(uint64_t descriptors, uint32_t wanted, uint32_t shards)
{
    uint32_t fit = 0;
    for (uint32_t step = UINT32_C(1) << 31; step > 0; step /= 2) {
        if (step <= wanted - fit && descriptors_for(fit + step, shards) <= descriptors)
            fit += step;
    }
    return fit;
}

static uint64_t raise_limit(uint64_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return wanted;
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : before;
}

/* A client more than there are descriptors would be refused by the kernel instead of by us, and
 * would have taken one that the journal needs. */
int doors_fit_descriptors(struct config *config, char *error, size_t error_size)
{
    uint32_t shards = house_shards(config);
    uint32_t wanted = config->capacity.connections;
    unsigned long long needed = doors_descriptors(config), has = raise_limit(needed);
    config->capacity.connections = connections_within(has, wanted, shards);
    if (config->capacity.connections == wanted)
        return 0;
    if (config->capacity.connections == 0) {
        snprintf(error, error_size,
            "%llu file descriptors are too few: raise the hard limit (ulimit -Hn, LimitNOFILE=) "
            "to %llu",
            has, needed);
        return -EMFILE;
    }
    fprintf(stderr,
        "hotshelf: %llu file descriptors: %u connections instead of capacity.connections = %u; "
        "raise the hard limit (ulimit -Hn, LimitNOFILE=) to %llu\n",
        has, config->capacity.connections, wanted, needed);
    return 0;
}

int doors_open(struct shards *shards, const struct config *config, char *error, size_t error_size)
{
    int result = listener_open(
        &shards->storefront, &config->server.http, shards->count, "server.http", error, error_size);
    if (result == 0)
        result = listener_open(
            &shards->admin, &config->server.admin, 1, "server.admin", error, error_size);
    if (result == 0 && !config->server.resp.is_off)
        result = listener_open(
            &shards->resp, &config->server.resp, shards->count, "server.resp", error, error_size);
    return result;
}

static void announce(const char *name, const char *scheme, const struct listener *listener)
{
    printf("%s %s%s\n", name, listener->local ? "" : scheme, listener->address);
}

void doors_announce(const struct shards *shards)
{
    announce("storefront", "http://", &shards->storefront);
    announce("admin", "http://", &shards->admin);
    if (shards->resp.count > 0)
        announce("resp", "redis://", &shards->resp);
}

void doors_close(struct shards *shards)
{
    listener_close(&shards->storefront);
    listener_close(&shards->admin);
    listener_close(&shards->resp);
}
