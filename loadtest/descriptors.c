/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/descriptors.h"

#include <stdio.h>
#include <sys/resource.h>

/* The ring, files, PostgreSQL and the admin listener. */
#define OTHERS 64

int descriptors_allow(uint32_t connections)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)connections + OTHERS;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
        return 0;
    limit.rlim_cur = wanted;
    if (wanted <= limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) == 0)
        return 0;
    fprintf(stderr,
        "hotshelf-loadtest: %u connections take %llu file descriptors, `ulimit -Hn` is %llu\n",
        connections, (unsigned long long)wanted, (unsigned long long)limit.rlim_max);
    return -1;
}
