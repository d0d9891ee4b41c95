/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One deadline stands over each answer as a whole, so that one which comes byte by byte ends, too.
 * What can go wrong: the server is away, slow or says "not now" (asked again until patience ends),
 * or it says no (told at once).
 */
#include "loadtest/admin_link.h"

#include "loadtest/clock.h"
#include "loadtest/plain.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_SIZE (512 * 1024)
#define ANSWER_OVERDUE_NS (5 * CLOCK_NS_PER_SECOND)
#define CONNECT_OVERDUE_MS 1000 /* nothing is told within */
#define RETRY_MS 100

int admin_link_open(struct admin_link *link, const char *url)
{
    *link = (struct admin_link){.url = url, .fd = -1, .answer = malloc(ANSWER_SIZE)};
    if (link->answer == NULL) {
        fprintf(stderr, "hotshelf-loadtest: no memory for an answer of the admin listener\n");
        return -1;
    }
    return endpoint_parse(&link->endpoint, url);
}

static void hang_up(struct admin_link *link)
{
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
}

void admin_link_close(struct admin_link *link)
{
    hang_up(link);
    free(link->answer);
    link->answer = NULL;
}

static int until_overdue_ms(const struct admin_link *link)
{
    uint64_t now_ns = clock_now_ns();
    return link->overdue_ns <= now_ns ? 0
                                      : (int)((link->overdue_ns - now_ns) / CLOCK_NS_PER_MS) + 1;
}

/* False when the answer is overdue. */
static bool wait_for_bytes(struct admin_link *link)
{
    int left_ms;
    while (patience_is_left(&link->patience) && (left_ms = until_overdue_ms(link)) > 0) {
        if (patience_poll(&link->patience, link->fd, POLLIN, left_ms))
            return true;
    }
    return false;
}

/* 0, or the errno with which the connection went. */
static int receive(struct admin_link *link)
{
    size_t size = 0;
    while (wait_for_bytes(link)) {
        ssize_t got = recv(link->fd, link->answer + size, ANSWER_SIZE - size, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return got < 0 ? errno : size == ANSWER_SIZE ? EMSGSIZE : ECONNRESET;
        size += (size_t)got;
        enum reply_result result = reply_parse(&link->reply, link->answer, size);
        if (result == REPLY_BROKEN || (result == REPLY_COMPLETE && link->reply.size < size))
            return EBADMSG;
        if (result == REPLY_COMPLETE)
            return 0;
    }
    return ETIMEDOUT;
}

static int connect_again(const struct admin_link *link)
{
    int left_ms = until_overdue_ms(link);
    int patience_ms = left_ms < CONNECT_OVERDUE_MS ? left_ms : CONNECT_OVERDUE_MS;
    return endpoint_connect(&link->endpoint, patience_ms > 0 ? (uint32_t)patience_ms : 1);
}

static int exchange(struct admin_link *link, const struct writer *question)
{
    link->overdue_ns = clock_now_ns() + ANSWER_OVERDUE_NS;
    if (link->overdue_ns > link->patience.until_ns)
        link->overdue_ns = link->patience.until_ns;
    int fd = link->fd >= 0 ? link->fd : connect_again(link);
    if (fd < 0)
        return -fd;
    link->fd = fd;
    ssize_t sent = send(fd, question->data, question->size, MSG_NOSIGNAL);
    int error = sent == (ssize_t)question->size ? receive(link) : ECONNRESET;
    if (error != 0 || link->reply.closes)
        hang_up(link);
    return error;
}

static const char *reason_of(int error)
{
    if (error == 0)
        return "not now (503)";
    if (error == EBADMSG)
        return "what comes is no HTTP";
    if (error == EMSGSIZE)
        return "what comes is larger than any answer";
    return error == ETIMEDOUT ? "no whole answer came" : strerror(error);
}

int admin_link_ask(
    struct admin_link *link, const struct writer *question, uint32_t patience_seconds)
{
    const struct reply *reply = &link->reply;
    int error;
    patience_begin(&link->patience, patience_seconds, "the admin listener at %s", link->url);
    do {
        error = exchange(link, question);
        if (error == 0 && reply->status == 200)
            return 0;
        if (error == 0 && reply->status != 503) {
            char shown[PLAIN_SHOWN_SIZE];
            fprintf(stderr, "hotshelf-loadtest: the admin listener at %s answered %d: %s\n",
                link->url, reply->status, plain_start(shown, reply->body, reply->body_size));
            return -1;
        }
        patience_poll(&link->patience, -1, 0, RETRY_MS);
    } while (patience_is_left(&link->patience));
    if (link->patience.is_interrupted)
        return -1;
    fprintf(stderr,
        "hotshelf-loadtest: the admin listener at %s gave no answer within %u s: %s; is --admin "
        "the right place, and the server well?\n",
        link->url, patience_seconds, reason_of(error));
    return -1;
}
