/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-floor PORT|unix:PATH REQUEST_BYTES REPLY_BYTES [resp]: the echo server that hotshelf is
 * measured against. Says "listening PORT" on stdout once it listens (PORT 0 takes any free port),
 * runs until killed.
 */
#include "bench/floor/echo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum exit_status { EXIT_USAGE = 2 };

static bool parse(const char *text, uint32_t max, uint32_t *number)
{
    char *end;
    unsigned long parsed = strtoul(text, &end, 10);
    *number = (uint32_t)parsed;
    return end != text && *end == '\0' && parsed <= max;
}

static int complain(int result)
{
    fprintf(stderr, "hotshelf-floor: %s\n", strerror(-result));
    return EXIT_FAILURE;
}

static bool parse_all(struct echo_plan *plan, int argc, char **argv)
{
    uint32_t port = 0;
    plan->is_resp = argc == 5 && strcmp(argv[4], "resp") == 0;
    if (argc != 4 && !plan->is_resp)
        return false;
    if (strncmp(argv[1], "unix:", 5) == 0)
        plan->path = argv[1] + 5;
    else if (!parse(argv[1], UINT16_MAX, &port))
        return false;
    plan->port = (uint16_t)port;
    return parse(argv[2], ECHO_REQUEST_SIZE_MAX, &plan->request_size) &&
           parse(argv[3], ECHO_REPLY_SIZE_MAX, &plan->reply_size);
}

int main(int argc, char **argv)
{
    struct echo_plan plan = {0};
    if (!parse_all(&plan, argc, argv)) {
        fputs("usage: hotshelf-floor PORT|unix:PATH REQUEST_BYTES REPLY_BYTES [resp]\n", stderr);
        return EXIT_USAGE;
    }
    struct echo *echo = calloc(1, sizeof *echo);
    if (echo == NULL)
        return EXIT_FAILURE;
    int result = echo_open(echo, &plan);
    if (result < 0)
        return complain(result);
    printf("listening %u\n", echo->port);
    fflush(stdout);
    while (result == 0)
        result = echo_tick(echo);
    return complain(result);
}
