/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/ask.h"

#include "bench/reply.h"

#include <string.h>
#include <sys/socket.h>

bool ask(int fd, const char *command, char reply[ASK_REPLY_SIZE])
{
    const char *complaint = NULL;
    uint32_t size = 0;
    if (send(fd, command, strlen(command), MSG_NOSIGNAL) != (ssize_t)strlen(command))
        return false;
    while (size < ASK_REPLY_SIZE - 1) {
        ssize_t got = recv(fd, reply + size, ASK_REPLY_SIZE - 1 - size, 0);
        if (got <= 0)
            return false;
        size += (uint32_t)got;
        reply[size] = '\0';
        if (reply_of_resp(reply, size, &complaint) > 0)
            return complaint == NULL;
    }
    return false;
}
