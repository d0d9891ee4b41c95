/* SPDX-License-Identifier: Apache-2.0 */
#include "net/admin_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/http/identity.h"

enum { PIECE = 65536, REPLY_SIZE_MAX = 4 << 20 };

struct peer {
    struct sockaddr_storage address;
    socklen_t size;
};

static bool fail(char *error, const char *what, const char *why)
{
    snprintf(error, ADMIN_ERROR_SIZE, "%s: %s", what, why);
    return false;
}

static bool find_peer(const struct config_address *address, struct peer *peer)
{
    *peer = (struct peer){0};
    if (address->is_unix) {
        struct sockaddr_un *local = (struct sockaddr_un *)&peer->address;
        local->sun_family = AF_UNIX;
        snprintf(local->sun_path, sizeof local->sun_path, "%s", address->host);
        peer->size = sizeof *local;
        return true;
    }
    if (address->is_ipv6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&peer->address;
        *in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(address->port)};
        peer->size = sizeof *in6;
        return inet_pton(AF_INET6, address->host, &in6->sin6_addr) == 1;
    }
    struct sockaddr_in *in = (struct sockaddr_in *)&peer->address;
    *in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(address->port)};
    peer->size = sizeof *in;
    return inet_pton(AF_INET, address->host, &in->sin_addr) == 1;
}

static int open_socket(const struct config_address *address, char *error)
{
    struct peer peer;
    if (!find_peer(address, &peer)) {
        fail(error, "server.admin", "not an address");
        return -1;
    }
    int opened = socket(peer.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval silence = {.tv_sec = ADMIN_SILENCE_SECONDS};
    if (opened >= 0) {
        setsockopt(opened, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
        setsockopt(opened, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence);
        if (connect(opened, (struct sockaddr *)&peer.address, peer.size) == 0)
            return opened;
    }
    snprintf(error, ADMIN_ERROR_SIZE, "no server answers at server.admin = %s%s:%u: %s",
        address->is_unix ? "unix:" : "", address->host, address->port, strerror(errno));
    if (opened >= 0)
        close(opened);
    return -1;
}

static bool find_token(const struct config *config, char *token, size_t size, char *error)
{
    struct tokens *tokens = calloc(1, sizeof *tokens);
    if (tokens == NULL)
        return fail(error, "admin token", "no memory");
    bool found = false;
    if (config->auth.admin_tokens_file[0] == '\0')
        fail(error, "auth.admin_tokens_file", "not set; name a file with lines name:role:token");
    else if (tokens_load(tokens, TOKENS_OF_ADMINS, "auth.admin_tokens_file",
                 config->auth.admin_tokens_file, error, ADMIN_ERROR_SIZE) == 0)
        fail(error, config->auth.admin_tokens_file, "has no line with the role operator");
    for (uint32_t i = 0; i < tokens->count && !found; i++) {
        const struct token *line = &tokens->list[i];
        found = line->role == ROLE_OPERATOR;
        if (found)
            snprintf(token, size, "%.*s", (int)line->token_size, (const char *)line->token);
    }
    explicit_bzero(tokens, sizeof *tokens);
    free(tokens);
    return found;
}

static bool send_all(int to, const char *data, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t part = send(to, data + sent, size - sent, MSG_NOSIGNAL);
        if (part < 0 && errno == EINTR)
            continue;
        if (part <= 0)
            return false;
        sent += (size_t)part;
    }
    return true;
}

static long long body_size(FILE *body)
{
    if (body == NULL)
        return 0;
    if (fseek(body, 0, SEEK_END) != 0)
        return -1;
    long long size = ftell(body);
    rewind(body);
    return size;
}

/* A server that has refused stops reading: its reply is there all the same. */
static bool send_body(int to, FILE *body)
{
    char *piece = malloc(PIECE);
    if (piece == NULL)
        return false;
    bool sent = true;
    size_t size;
    while (sent && (size = fread(piece, 1, PIECE, body)) > 0)
        sent = send_all(to, piece, size);
    sent = sent && !ferror(body);
    free(piece);
    return sent;
}

static bool read_all(int from, char *reply, char *error)
{
    size_t got = 0;
    while (got < REPLY_SIZE_MAX) {
        ssize_t part = recv(from, reply + got, REPLY_SIZE_MAX - got, 0);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0 && got == 0)
            return fail(error, "no reply from the admin listener", strerror(errno));
        if (part <= 0)
            break;
        got += (size_t)part;
    }
    reply[got] = '\0';
    return got > 0 || fail(error, "no reply from the admin listener", "it hung up");
}

/* The reply ends with the connection: "Connection: close" was asked for. */
static bool read_reply(int from, struct admin_reply *reply, char *error)
{
    char *text = malloc(REPLY_SIZE_MAX + 1);
    if (text == NULL)
        return fail(error, "admin reply", "no memory");
    bool good = read_all(from, text, error);
    const char *body = good ? strstr(text, "\r\n\r\n") : NULL;
    if (good && (sscanf(text, "HTTP/1.1 %d", &reply->status) != 1 || body == NULL))
        good = fail(error, "the admin listener", "does not speak HTTP; is the address right?");
    if (good)
        memmove(text, body + 4, strlen(body + 4) + 1);
    reply->body = good ? text : NULL;
    if (!good)
        free(text);
    return good;
}

bool admin_call(const struct config *config, const struct admin_call *call,
    struct admin_reply *reply, char error[ADMIN_ERROR_SIZE])
{
    *reply = (struct admin_reply){0};
    char token[TOKENS_SIZE_MAX + 1];
    char head[1024];
    if (!find_token(config, token, sizeof token, error))
        return false;
    long long size = body_size(call->body);
    if (size < 0)
        return fail(error, "the body", "must be a file whose size is known");
    int head_size = snprintf(head, sizeof head,
        "%s %s HTTP/1.1\r\nHost: admin\r\nAuthorization: Bearer %s\r\n"
        "Content-Type: %s\r\nContent-Length: %lld\r\n%s%s%sConnection: close\r\n\r\n",
        call->method, call->target, token, call->type, size,
        call->key == NULL ? "" : "Idempotency-Key: ", call->key == NULL ? "" : call->key,
        call->key == NULL ? "" : "\r\n");
    explicit_bzero(token, sizeof token);
    int opened = open_socket(&config->server.admin, error);
    if (opened < 0)
        return false;
    bool sent = send_all(opened, head, (size_t)head_size);
    if (sent && call->body != NULL)
        send_body(opened, call->body);
    bool good = sent ? read_reply(opened, reply, error) : fail(error, "send", strerror(errno));
    explicit_bzero(head, sizeof head);
    close(opened);
    return good;
}
