/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The storefront's door is as wide as there are shards, so that the kernel deals out its clients;
 * the admin's leads to shard 0 alone, which owns catalog and stock. When an address is taken or
 * forbidden the start ends there, with the setting's name.
 */
#include "net/doors.h"

#include <stdio.h>
#include <sys/resource.h>

#include "net/house.h"

enum {
    DESCRIPTORS_PER_SHARD = 9, /* ring or set, eventfd, listeners, two segments */
    SPARE_DESCRIPTORS = 64,    /* one refused client for each shard, PostgreSQL, the spool, .. */
};

uint64_t doors_descriptors(const struct config *config)
{
    uint32_t shards = house_shards(config);
    uint64_t clients = (uint64_t)shards * shard_connections(config->capacity.connections, shards);
    return clients + (uint64_t)shards * DESCRIPTORS_PER_SHARD + SPARE_DESCRIPTORS;
}

/* A client more than there are descriptors would be refused by the kernel instead of by us. */
void doors_raise_descriptors(const struct config *config)
{
    struct rlimit limit;
    rlim_t wanted = doors_descriptors(config);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
        fprintf(stderr, "hotshelf: %llu file descriptors, %llu may be needed: raise ulimit -Hn\n",
            (unsigned long long)limit.rlim_cur, (unsigned long long)wanted);
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
