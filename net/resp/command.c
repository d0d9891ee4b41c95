/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resp/command.h"

#include <stdio.h>

#include "core/check.h"
#include "net/http/decode.h"
#include "net/http/offer.h"
#include "net/resp/reply.h"
#include "net/resp/selling.h"

enum {
    AVAIL_ITEM_SIZE_MAX = 320,
    BULK_SIZE = 32, /* what stands around a text, and a little more */
    WORDS_ANY = RESP_ARGUMENTS_MAX,
};

_Static_assert(DECODE_SKUS_MAX *(int)AVAIL_ITEM_SIZE_MAX + 64 <=
                   (int)REQUEST_REPLY_LARGE - (int)REQUEST_HEAD_SIZE,
    "the largest reply fits");

static enum resp_verdict answer_ping(struct resp_call *call)
{
    struct resp_writer writer = resp_begin(call->request);
    if (call->count == 1)
        resp_put_simple(&writer, "PONG");
    else
        resp_put_text(&writer, call->arguments[1]);
    resp_end(call->request, &writer);
    return RESP_ANSWERED;
}

/* What is sent back may be as large as a reply can be; requests may be larger (limits.body_bytes).
 */
static enum resp_verdict echo(struct resp_call *call)
{
    struct request *request = call->request;
    if (call->count > 1) {
        uint32_t size = call->arguments[1].size + BULK_SIZE;
        if (size > REQUEST_REPLY_LARGE - REQUEST_HEAD_SIZE) {
            resp_answer_error(request, "ERR", "that is more than a reply has room for");
            return RESP_ANSWERED;
        }
        if (size > request->reply.size_max - REQUEST_HEAD_SIZE &&
            !call->context->enlarge(call->context->host, request, size))
            return RESP_WAITS;
    }
    return answer_ping(call);
}

static enum resp_verdict quit(struct resp_call *call)
{
    resp_answer_simple(call->request, "OK");
    call->request->reply.close = true;
    return RESP_ANSWERED;
}

static enum resp_verdict select_database(struct resp_call *call)
{
    if (resp_is_word(call->arguments[1], "0"))
        resp_answer_simple(call->request, "OK");
    else
        resp_answer_error(call->request, "ERR", "DB index is out of range: there is 0 alone");
    return RESP_ANSWERED;
}

static enum resp_verdict tell_time(struct resp_call *call)
{
    char text[32];
    int64_t now_ms = call->context->clock_ms;
    struct resp_writer writer = resp_begin(call->request);
    resp_open_array(&writer, 2);
    (void)snprintf(text, sizeof(text), "%lld", (long long)(now_ms / 1000));
    resp_put_text(&writer, bytes_of_string(text));
    (void)snprintf(text, sizeof(text), "%lld", (long long)(now_ms % 1000 * 1000));
    resp_put_text(&writer, bytes_of_string(text));
    resp_end(call->request, &writer);
    return RESP_ANSWERED;
}

static void put_offer(struct resp_writer *writer, struct bytes sku, const struct offer *offer)
{
    resp_open_map(writer, 5);
    resp_put_member(writer, "sku", sku);
    resp_put_member(writer, "status", offer_status_name(offer->status));
    resp_put_text(writer, BYTES("available"));
    if (offer->is_hidden)
        resp_put_null(writer);
    else
        resp_put_integer(writer, offer->available);
    resp_put_member_time(writer, "next_release_at", offer->next_release_wall_ms);
    resp_put_member_time(writer, "starts_at", offer->starts_wall_ms);
}

/* HS.AVAIL sku [sku ..]: from the shared counters, as GET /v1/availability. */
static enum resp_verdict avail(struct resp_call *call)
{
    struct request *request = call->request;
    uint32_t count = call->count - 1;
    if (count > DECODE_SKUS_MAX) {
        resp_answer_error(request, "ERR", "at most 500 SKUs can be asked for at once");
        return RESP_ANSWERED;
    }
    for (uint32_t i = 1; i <= count; i++) {
        if (!catalog_sku_is_valid(call->arguments[i])) {
            resp_answer_error(request, "ERR", "what cannot be a SKU is among those asked for");
            return RESP_ANSWERED;
        }
    }
    uint32_t size = count * AVAIL_ITEM_SIZE_MAX + 64;
    if (size > request->reply.size_max - REQUEST_HEAD_SIZE &&
        !call->context->enlarge(call->context->host, request, size))
        return RESP_WAITS;
    struct resp_writer writer = resp_begin(request);
    resp_open_array(&writer, count);
    for (uint32_t i = 1; i <= count; i++) {
        struct offer offer = offer_find(call->context, call->arguments[i]);
        put_offer(&writer, call->arguments[i], &offer);
    }
    resp_end(request, &writer);
    return RESP_ANSWERED;
}

struct spoken {
    const char *name;
    uint32_t least, most; /* words, the name with them */
    bool is_open;         /* to whoever has shown no token yet */
    bool sells;           /* not before recovery is over */
    enum shed_work work;  /* what is refused first when there is too much */
    void (*answer)(struct resp_call *call);
    enum resp_verdict (*run)(struct resp_call *call);
};

/* Found from its front: first what is asked most. */
static const struct spoken names[] = {
    {"HS.CHECKOUT", 3, WORDS_ANY, false, true, SHED_CHECKOUT, NULL, selling_checkout},
    {"HS.AVAIL", 2, WORDS_ANY, false, true, SHED_LOOK, NULL, avail},
    {"HS.STOCK", 2, 2, false, true, SHED_LOOK, NULL, selling_stock},
    {"HS.STOCK.ADD", 5, 5, false, true, SHED_NEVER, NULL, selling_stock_add},
    {"HS.CART.GET", 2, 2, false, true, SHED_READ, NULL, selling_cart_get},
    {"HS.CART.SET", 4, 6, false, true, SHED_HOLD, NULL, selling_cart_set},
    {"HS.CART.CLEAR", 2, 2, false, true, SHED_CHECKOUT, NULL, selling_cart_clear},
    {"HS.ORDER", 2, 2, false, true, SHED_READ, NULL, selling_order},
    {"HS.PAY", 7, 9, false, true, SHED_CONFIRMATION, NULL, selling_pay},
    {"HS.CANCEL", 4, WORDS_ANY, false, true, SHED_CONFIRMATION, NULL, selling_cancel},
    {"PING", 1, 2, false, false, SHED_NEVER, NULL, echo},
    {"ECHO", 2, 2, false, false, SHED_NEVER, NULL, echo},
    {"HELLO", 1, WORDS_ANY, true, false, SHED_NEVER, resp_hello, NULL},
    {"AUTH", 2, 3, true, false, SHED_NEVER, resp_auth, NULL},
    {"QUIT", 1, WORDS_ANY, true, false, SHED_NEVER, NULL, quit},
    {"RESET", 1, 1, true, false, SHED_NEVER, resp_reset, NULL},
    {"SELECT", 2, 2, false, false, SHED_NEVER, NULL, select_database},
    {"CLIENT", 2, WORDS_ANY, false, false, SHED_NEVER, resp_client, NULL},
    {"COMMAND", 1, WORDS_ANY, false, false, SHED_NEVER, resp_describe, NULL},
    {"INFO", 1, WORDS_ANY, false, false, SHED_NEVER, resp_info, NULL},
    {"CONFIG", 2, WORDS_ANY, false, false, SHED_NEVER, resp_config, NULL},
    {"TIME", 1, 1, false, false, SHED_NEVER, NULL, tell_time},
};

static const struct spoken *find(struct bytes word)
{
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (resp_is_word(word, names[i].name))
            return &names[i];
    }
    return NULL;
}

bool resp_is_selling(const struct resp_request *parsed)
{
    const struct spoken *name = find(parsed->arguments[0]);
    return name != NULL && name->sells && name->run != avail;
}

static enum resp_verdict run(struct resp_call *call)
{
    const struct spoken *name = find(call->arguments[0]);
    if (!resp_is_admitted(call->context, call->session) && (name == NULL || !name->is_open)) {
        resp_answer_error(call->request, "NOAUTH", "Authentication required.");
        return RESP_ANSWERED;
    }
    char text[128];
    struct bytes word = call->arguments[0];
    int shown = word.size < 64 ? (int)word.size : 64;
    if (name == NULL) {
        (void)snprintf(
            text, sizeof(text), "unknown command '%.*s'", shown, (const char *)word.data);
        resp_answer_error(call->request, "ERR", text);
        return RESP_ANSWERED;
    }
    if (call->count < name->least || call->count > name->most) {
        (void)snprintf(
            text, sizeof(text), "wrong number of arguments for '%s' command", name->name);
        resp_answer_error(call->request, "ERR", text);
        return RESP_ANSWERED;
    }
    if (name->sells && call->context->recovering) {
        resp_answer_error(call->request, "LOADING", "The server is reading its journal.");
        return RESP_ANSWERED;
    }
    if (name->work != SHED_NEVER && (call->context->refused >> name->work & 1) != 0) {
        resp_refuse(call->request, "overloaded", "More is asked for than can be done now.");
        return RESP_ANSWERED;
    }
    if (name->run != NULL)
        return name->run(call);
    name->answer(call);
    return RESP_ANSWERED;
}

enum resp_verdict resp_decode(struct http_context *context, struct resp_session *session,
    const struct resp_request *parsed, struct request *request, uint32_t *target)
{
    struct resp_call call = {
        .context = context,
        .session = session,
        .request = request,
        .arguments = parsed->arguments,
        .count = parsed->count,
    };
    CHECK(parsed->count > 0);
    resp_session_refresh(context, session);
    request->protocol = session->is_three ? PROTOCOL_RESP3 : PROTOCOL_RESP2;
    enum resp_verdict verdict = run(&call);
    if (verdict == RESP_COMMAND)
        *target = command_shard(&request->work->command, context->shard_count);
    return verdict;
}
