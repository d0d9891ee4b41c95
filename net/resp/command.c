/* SPDX-License-Identifier: Apache-2.0 */
#include "net/resp/command.h"

#include <stdio.h>

#include "core/check.h"
#include "core/currency.h"
#include "core/partition.h"
#include "net/http/decode.h"
#include "net/http/guest.h"
#include "net/http/offer.h"
#include "net/resp/reply.h"

enum { AVAIL_ITEM_SIZE_MAX = 320, WORDS_ANY = RESP_ARGUMENTS_MAX };

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

/* What is sent back may be as large as a request can be. */
static enum resp_verdict echo(struct resp_call *call)
{
    struct request *request = call->request;
    if (call->count > 1) {
        uint32_t size = call->arguments[1].size + 32;
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

static enum resp_verdict refuse_sku(struct resp_call *call, uint32_t argument)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "argument %u cannot be a SKU", argument);
    resp_answer_error(call->request, "ERR", text);
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
        if (!catalog_sku_is_valid(call->arguments[i]))
            return refuse_sku(call, i);
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

/* HS.STOCK sku */
static enum resp_verdict stock(struct resp_call *call)
{
    struct command *command = &call->request->command;
    if (!catalog_sku_is_valid(call->arguments[1]))
        return refuse_sku(call, 1);
    command->kind = COMMAND_STOCK_READ;
    command->role = ROLE_SERVICE;
    command->sku = request_keep(call->request, call->arguments[1]);
    CHECK(command->sku.data != NULL);
    return RESP_COMMAND;
}

/* Whose cart: the texts are kept in the slot, which has room for them. A guest is one by a token
 * that we signed. */
static bool take_customer(struct resp_call *call, enum command_kind kind)
{
    struct command *command = &call->request->command;
    struct http_context *context = call->context;
    struct bytes customer = call->arguments[1];
    if (!identity_customer_is_valid(customer)) {
        resp_answer_error(call->request, "ERR", "a customer has 1 to 127 bytes of printable ASCII");
        return false;
    }
    command->guest = guest_is_token(customer);
    if (command->guest &&
        !guest_token_valid(&context->identity->guests, customer, context->clock_ms)) {
        resp_answer_error(call->request, "NOPERM", "the guest's token is not valid");
        return false;
    }
    command->kind = kind;
    command->role = ROLE_SERVICE;
    command->customer = request_keep(call->request, customer);
    CHECK(command->customer.data != NULL);
    return true;
}

/* HS.CART.GET customer */
static enum resp_verdict cart_get(struct resp_call *call)
{
    return take_customer(call, COMMAND_CART_READ) ? RESP_COMMAND : RESP_ANSWERED;
}

/* HS.CART.CLEAR customer */
static enum resp_verdict cart_clear(struct resp_call *call)
{
    return take_customer(call, COMMAND_CART_CLEAR) ? RESP_COMMAND : RESP_ANSWERED;
}

/* Decimal digits, at most nine. */
static bool read_quantity(struct bytes text, uint32_t *quantity)
{
    *quantity = 0;
    for (uint32_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *quantity = *quantity * 10 + (uint32_t)(text.data[i] - '0');
    }
    return text.size >= 1 && text.size <= 9;
}

/* HS.CART.SET customer sku quantity [CURRENCY c] */
static enum resp_verdict cart_set(struct resp_call *call)
{
    struct request *request = call->request;
    struct command *command = &request->command;
    if (!catalog_sku_is_valid(call->arguments[2]))
        return refuse_sku(call, 2);
    if (!take_customer(call, COMMAND_CART_SET))
        return RESP_ANSWERED;
    command->sku = request_keep(request, call->arguments[2]);
    CHECK(command->sku.data != NULL);
    bool named = call->count == 6 && resp_is_word(call->arguments[4], "CURRENCY");
    if (!read_quantity(call->arguments[3], &command->quantity))
        resp_answer_error(request, "ERR", "the quantity is not a number of units");
    else if (command->quantity > call->context->config->policy.units_per_line)
        resp_answer_error(request, "LIMIT", "the quantity is more than units_per_line");
    else if (call->count != 4 && !named)
        resp_answer_error(request, "ERR", "syntax error in HS.CART.SET");
    else if (named && !currency_find(call->arguments[5], command->currency))
        resp_answer_error(request, "ERR", "the currency is not a code of ISO 4217");
    else
        return RESP_COMMAND;
    return RESP_ANSWERED;
}

/* HS.ORDER id: of whomever; an id that cannot be one of ours is that of an unknown order. */
static enum resp_verdict order(struct resp_call *call)
{
    struct command *command = &call->request->command;
    command->kind = COMMAND_ORDER_READ;
    command->role = ROLE_SERVICE;
    if (order_id_parse(call->arguments[1], command->order_id))
        return RESP_COMMAND;
    struct resp_writer writer = resp_begin(call->request);
    resp_put_null(&writer);
    resp_end(call->request, &writer);
    return RESP_ANSWERED;
}

struct spoken {
    const char *name;
    uint32_t least, most; /* words, the name with them */
    bool is_open;         /* to whoever has shown no token yet */
    bool sells;           /* not before recovery is over */
    void (*answer)(struct resp_call *call);
    enum resp_verdict (*run)(struct resp_call *call);
};

static const struct spoken names[] = {
    {"HS.AVAIL", 2, WORDS_ANY, false, true, NULL, avail},
    {"HS.STOCK", 2, 2, false, true, NULL, stock},
    {"HS.CART.GET", 2, 2, false, true, NULL, cart_get},
    {"HS.CART.SET", 4, 6, false, true, NULL, cart_set},
    {"HS.CART.CLEAR", 2, 2, false, true, NULL, cart_clear},
    {"HS.ORDER", 2, 2, false, true, NULL, order},
    {"PING", 1, 2, false, false, NULL, echo},
    {"ECHO", 2, 2, false, false, NULL, echo},
    {"HELLO", 1, WORDS_ANY, true, false, resp_hello, NULL},
    {"AUTH", 2, 3, true, false, resp_auth, NULL},
    {"QUIT", 1, WORDS_ANY, true, false, NULL, quit},
    {"RESET", 1, 1, true, false, resp_reset, NULL},
    {"SELECT", 2, 2, false, false, NULL, select_database},
    {"CLIENT", 2, WORDS_ANY, false, false, resp_client, NULL},
    {"COMMAND", 1, WORDS_ANY, false, false, resp_describe, NULL},
    {"INFO", 1, WORDS_ANY, false, false, resp_info, NULL},
    {"CONFIG", 2, WORDS_ANY, false, false, resp_config, NULL},
    {"TIME", 1, 1, false, false, NULL, tell_time},
};

static const struct spoken *find(struct bytes word)
{
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (resp_is_word(word, names[i].name))
            return &names[i];
    }
    return NULL;
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
        *target = command_shard(&request->command, context->shard_count);
    return verdict;
}
