/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ordinary clients say before they ask for anything: enough of it is answered that they find a
 * server they know, and nothing is promised that is not there.
 */
#include "net/resp/session.h"

#include <stdio.h>

#include "core/check.h"
#include "net/http/http.h"
#include "net/resp/reply.h"

static uint8_t capital(uint8_t byte)
{
    return byte >= 'a' && byte <= 'z' ? (uint8_t)(byte - ('a' - 'A')) : byte;
}

/* Most words that are compared here are others: the first letters tell. */
bool resp_is_word(struct bytes text, const char *word)
{
    for (uint32_t i = 0; i < text.size; i++) {
        if (word[i] == 0 || capital(text.data[i]) != capital((uint8_t)word[i]))
            return false;
    }
    return word[text.size] == 0;
}

bool resp_is_admitted(const struct http_context *context, const struct resp_session *session)
{
    const struct config *config = context->config;
    bool trusted = config->auth.mode == AUTH_HEADER && config_is_local(&config->server.resp);
    return trusted || session->is_known;
}

/* The token may stand on another line now, or have another name. */
void resp_session_refresh(const struct http_context *context, struct resp_session *session)
{
    const struct identity *identity = context->identity;
    if (!session->is_known || session->epoch == identity->epoch)
        return;
    const struct token *found = tokens_find_digest(&identity->services, session->digest);
    session->epoch = identity->epoch;
    session->is_known = found != NULL;
    if (found != NULL)
        session->service = (uint8_t)(found - identity->services.list);
}

struct bytes resp_session_name(
    const struct http_context *context, const struct resp_session *session)
{
    const struct tokens *services = &context->identity->services;
    if (!session->is_known)
        return BYTES("service");
    CHECK(session->epoch == context->identity->epoch);
    CHECK(session->service < services->count);
    const struct token *token = &services->list[session->service];
    return bytes_of(token->name, token->name_size);
}

static void know(struct resp_call *call, const struct token *token)
{
    const struct identity *identity = call->context->identity;
    struct resp_session *session = call->session;
    session->is_known = true;
    session->service = (uint8_t)(token - identity->services.list);
    session->epoch = identity->epoch;
    tokens_digest(token, session->digest);
}

/* "default" is what client libraries call whoever gives a token alone. */
static bool authenticate(struct resp_call *call, struct bytes name, struct bytes token)
{
    const struct tokens *services = &call->context->identity->services;
    const struct token *found = tokens_find(services, token);
    bool is_named = found != NULL && bytes_equal(bytes_of(found->name, found->name_size), name);
    if (found != NULL && (is_named || bytes_equal(name, BYTES("default")))) {
        know(call, found);
        return true;
    }
    if (services->count == 0 && resp_is_admitted(call->context, call->session))
        resp_answer_error(call->request, "ERR", "there are no tokens here, and none is needed");
    else
        resp_answer_error(call->request, "WRONGPASS", "nobody has this name and token");
    return false;
}

void resp_auth(struct resp_call *call)
{
    bool named = call->count == 3;
    struct bytes name = named ? call->arguments[1] : BYTES("default");
    if (authenticate(call, name, call->arguments[named ? 2 : 1]))
        resp_answer_simple(call->request, "OK");
}

static void answer_hello(struct resp_call *call)
{
    struct resp_writer writer = resp_begin(call->request);
    resp_open_map(&writer, 7);
    resp_put_member(&writer, "server", BYTES("redis")); /* clients know no other */
    resp_put_member(&writer, "version", BYTES("7.0.0"));
    resp_put_member_integer(&writer, "proto", call->session->is_three ? 3 : 2);
    resp_put_member_integer(&writer, "id", 1);
    resp_put_member(&writer, "mode", BYTES("standalone"));
    resp_put_member(&writer, "role", BYTES("master"));
    resp_put_text(&writer, BYTES("modules"));
    resp_open_array(&writer, 0);
    resp_end(call->request, &writer);
}

/* [AUTH name token] [SETNAME name]: where the name of AUTH stands, 0 without it. */
static bool read_hello_options(struct resp_call *call, uint32_t *name_at)
{
    *name_at = 0;
    for (uint32_t i = 2; i < call->count;) {
        uint32_t left = call->count - i;
        bool auth = left >= 3 && resp_is_word(call->arguments[i], "AUTH");
        if (!auth && !(left >= 2 && resp_is_word(call->arguments[i], "SETNAME"))) {
            resp_answer_error(call->request, "ERR", "syntax error in HELLO");
            return false;
        }
        if (auth)
            *name_at = i + 1;
        i += auth ? 3 : 2;
    }
    return true;
}

/* HELLO [version [AUTH name token] [SETNAME name]]: read whole before any of it is done. */
void resp_hello(struct resp_call *call)
{
    const struct bytes *arguments = call->arguments;
    bool three = call->session->is_three;
    uint32_t name_at;
    if (call->count > 1) {
        three = resp_is_word(arguments[1], "3");
        if (!three && !resp_is_word(arguments[1], "2")) {
            resp_answer_error(call->request, "NOPROTO", "versions 2 and 3 are spoken here");
            return;
        }
    }
    if (!read_hello_options(call, &name_at))
        return;
    if (name_at != 0 && !authenticate(call, arguments[name_at], arguments[name_at + 1]))
        return;
    if (!resp_is_admitted(call->context, call->session)) {
        resp_answer_error(call->request, "NOAUTH", "say HELLO 3 AUTH name token, or AUTH token");
        return;
    }
    call->session->is_three = three;
    call->request->protocol = three ? PROTOCOL_RESP3 : PROTOCOL_RESP2;
    answer_hello(call);
}

void resp_reset(struct resp_call *call)
{
    *call->session = (struct resp_session){.is_known = false};
    call->request->protocol = PROTOCOL_RESP2;
    resp_answer_simple(call->request, "RESET");
}

/* Names of clients are heard and not kept. */
void resp_client(struct resp_call *call)
{
    struct bytes verb = call->arguments[1];
    struct resp_writer writer = resp_begin(call->request);
    if (resp_is_word(verb, "ID"))
        resp_put_integer(&writer, 1);
    else if (resp_is_word(verb, "GETNAME"))
        resp_put_null(&writer);
    else if (resp_is_word(verb, "SETNAME") || resp_is_word(verb, "SETINFO"))
        resp_put_simple(&writer, "OK");
    else {
        resp_answer_error(call->request, "ERR", "unknown subcommand of CLIENT");
        return;
    }
    resp_end(call->request, &writer);
}

/* redis-benchmark asks for save and appendonly: neither is how we keep anything. */
void resp_config(struct resp_call *call)
{
    static const char *const names[] = {"save", "appendonly", "databases", "maxmemory"};
    static const char *const values[] = {"", "yes", "1", "0"};
    if (call->count != 3 || !resp_is_word(call->arguments[1], "GET")) {
        resp_answer_error(call->request, "ERR", "CONFIG GET name is all there is");
        return;
    }
    struct resp_writer writer = resp_begin(call->request);
    uint32_t found = 0;
    while (found < 4 && !resp_is_word(call->arguments[2], names[found]))
        found++;
    resp_open_map(&writer, found < 4 ? 1 : 0);
    if (found < 4)
        resp_put_member(&writer, names[found], bytes_of_string(values[found]));
    resp_end(call->request, &writer);
}

void resp_describe(struct resp_call *call)
{
    struct resp_writer writer = resp_begin(call->request);
    if (call->count > 1 && resp_is_word(call->arguments[1], "COUNT"))
        resp_put_integer(&writer, 0);
    else if (call->count > 1 && resp_is_word(call->arguments[1], "DOCS"))
        resp_open_map(&writer, 0);
    else
        resp_open_array(&writer, 0);
    resp_end(call->request, &writer);
}

void resp_info(struct resp_call *call)
{
    char text[256];
    int size = snprintf(text, sizeof(text),
        "# Server\r\nredis_version:7.0.0\r\nredis_mode:standalone\r\nhotshelf_version:%s\r\n"
        "# Persistence\r\nloading:%d\r\n# Replication\r\nrole:master\r\n",
        HOTSHELF_VERSION, call->context->recovering ? 1 : 0);
    struct resp_writer writer = resp_begin(call->request);
    resp_put_text(&writer, bytes_of(text, (uint32_t)size));
    resp_end(call->request, &writer);
}
