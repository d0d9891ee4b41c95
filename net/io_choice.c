/* SPDX-License-Identifier: Apache-2.0 */
#include "net/io_choice.h"

#include <stdio.h>

#include "net/io_test.h"

static bool works(bool epoll, const char *setting, char *said)
{
    char problem[IO_CHOICE_TEXT_SIZE / 2 + IO_CHOICE_TEXT_SIZE / 4];
    said[0] = '\0';
    if (io_test(epoll, problem, sizeof problem))
        return true;
    snprintf(said, IO_CHOICE_TEXT_SIZE, "%s: %s", setting, problem);
    return false;
}

bool io_choose(enum config_io wanted, enum config_io *chosen, char *said)
{
    *chosen = wanted;
    switch (wanted) {
    case IO_URING:
        return works(false, "server.io = io_uring does not work here", said);
    case IO_EPOLL:
        return works(true, "server.io = epoll does not work here", said);
    case IO_AUTO:
        break;
    }
    *chosen = IO_URING;
    if (works(false, "serving on epoll, as io_uring does not work here", said))
        return true;
    char epoll[IO_CHOICE_TEXT_SIZE];
    *chosen = IO_EPOLL;
    if (works(true, "neither does epoll", epoll))
        return true;
    snprintf(said, IO_CHOICE_TEXT_SIZE, "%s", epoll);
    return false;
}
