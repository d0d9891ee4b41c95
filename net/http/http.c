/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a request: its id, its route, its caller, the segment in its path, then the decoder of
 * the route. Each step may end it with a problem.
 *
 * Until recovery is over only /livez, /readyz and /openapi.json are served.
 */
#include "net/http/http.h"

#include "core/check.h"
#include "net/http/decode.h"
#include "net/http/guest.h"
#include "net/http/openapi.h"
#include "net/http/rate.h"
#include "net/http/signature.h"
#include "net/http/sse.h"
#include "net/http/target.h"

void http_init(struct http_context *context, struct arena *arena, const struct config *config,
    struct shelf *shelf, const struct identity *identity, uint32_t shard, uint32_t shard_count)
{
    CHECK(shard < shard_count);
    uint32_t body = config->limits.body_bytes, head = config->limits.header_bytes;
    struct decode_room *room = arena_take(arena, "decoding", 1, sizeof(*room));
    room->token_count_max = body / 2 + 1;
    room->tokens = arena_take(arena, "decoding", room->token_count_max, sizeof(struct json_token));
    room->scratch_size = body > head ? body : head;
    room->scratch = arena_take(arena, "decoding", room->scratch_size, 1);
    *context = (struct http_context){
        .config = config,
        .shelf = shelf,
        .identity = identity,
        .shard = shard,
        .shard_count = shard_count,
        .room = room,
        .recovering = true,
        .made_wall_ms = INT64_MIN,
    };
    if (config->auth.mode == AUTH_JWT)
        context->bearer = bearer_create(arena, config, shard_count);
}

int64_t http_wall_of(const struct http_context *context, uint64_t shelf_ms)
{
    if (shelf_ms == 0 || context->now.frozen)
        return 0;
    return context->now.wall_ms - (int64_t)context->now.shelf_ms + (int64_t)shelf_ms;
}

int64_t http_first_due(const struct fact_order *order)
{
    if (order->born_due_shelf_ms == 0)
        return 0;
    return order->created_wall_ms + (int64_t)(order->born_due_shelf_ms - order->created_shelf_ms);
}

/* Whose business a route is. */
enum access {
    ACCESS_PUBLIC,
    ACCESS_CUSTOMER,
    ACCESS_ORDER,
    ACCESS_SIGNED,
    ACCESS_VIEWER,
    ACCESS_OPERATOR,
};

/* What the route of a request does, and for whom. */
struct call {
    enum access access;
    void (*answer)(struct decoder *decoder);
    bool (*decode)(struct decoder *decoder); /* true: the command is complete */
};

static const struct call *call_of(const struct decoder *decoder);

/* For the log. The query may be anything and is left out; nobody puts a secret into a path. */
static void note_act(struct decoder *decoder)
{
    static const struct bytes methods[HTTP_METHOD_COUNT] = {
        [HTTP_POST] = {(const uint8_t *)"POST", 4},
        [HTTP_PUT] = {(const uint8_t *)"PUT", 3},
        [HTTP_PATCH] = {(const uint8_t *)"PATCH", 5},
        [HTTP_DELETE] = {(const uint8_t *)"DELETE", 6},
    };
    struct act *act = &decoder->request->act;
    act_begin(act, decoder->caller.role, decoder->caller.actor);
    act_add(act, methods[decoder->parsed->method]);
    act_add(act, decoder->parsed->path);
}

static bool admit_admin(struct decoder *decoder, enum access access)
{
    const char *reason;
    if (identity_of_admin(decoder->context->identity, decoder->parsed, &decoder->caller, &reason) !=
        IDENTITY_KNOWN)
        return decode_refuse(decoder, PROBLEM_UNAUTHENTICATED, reason);
    if (access == ACCESS_OPERATOR)
        note_act(decoder);
    if (access == ACCESS_OPERATOR && decoder->caller.role != ROLE_OPERATOR)
        return decode_refuse(decoder, PROBLEM_FORBIDDEN, "A viewer may not change anything.");
    return true;
}

/* Who says that he is a guest shows a token that we signed; nobody acts for a forged one. */
static bool admit_guest(struct decoder *decoder)
{
    struct caller *caller = &decoder->caller;
    const struct http_context *context = decoder->context;
    if (!guest_is_token(caller->customer))
        return true;
    caller->guest =
        guest_token_valid(&context->identity->guests, caller->customer, context->clock_ms);
    return caller->guest || decode_refuse(decoder, PROBLEM_UNAUTHENTICATED,
                                "The guest's token is not one of this server's, or has ended; get "
                                "a new one by POST /v1/guests.");
}

static bool refuse_caller(struct decoder *decoder, enum identity_answer answer, const char *reason)
{
    if (answer == IDENTITY_FORBIDDEN)
        return decode_refuse(decoder, PROBLEM_FORBIDDEN, reason);
    if (answer == IDENTITY_LATER)
        return decode_refuse(decoder, PROBLEM_OVERLOADED, "Tokens cannot be verified just now.");
    struct problem problem;
    problem_begin(&problem, decoder->context, decoder->request, PROBLEM_UNAUTHENTICATED, reason, 0);
    problem.head.invalid_token = answer == IDENTITY_INVALID;
    problem_end(&problem, decoder->context, decoder->request);
    return false;
}

static bool admit_storefront(struct decoder *decoder, enum access access)
{
    const char *reason;
    struct http_context *context = decoder->context;
    enum identity_answer answer =
        context->bearer == NULL
            ? identity_of_storefront(decoder->parsed, &decoder->caller, &reason)
            : bearer_identify(context->bearer, context->identity, context->clock_ms,
                  decoder->parsed, &decoder->caller, &reason);
    if (answer != IDENTITY_KNOWN)
        return refuse_caller(decoder, answer, reason);
    if (access == ACCESS_CUSTOMER && decoder->caller.customer.size == 0)
        return decode_refuse(decoder, PROBLEM_UNAUTHENTICATED,
            "Role service names the customer it acts for in X-Customer-Id.");
    return admit_guest(decoder);
}

/* The signature is the identity: whoever has the key speaks for the payment provider. */
static bool admit_signed(struct decoder *decoder)
{
    const struct http_request *parsed = decoder->parsed;
    const struct http_context *context = decoder->context;
    if (http_repeated(parsed, HTTP_FIELD_HOTSHELF_SIGNATURE))
        return decode_refuse(
            decoder, PROBLEM_UNAUTHENTICATED, "Hotshelf-Signature may be sent once.");
    const char *fault = signature_fault(&context->identity->webhooks,
        parsed->field[HTTP_FIELD_HOTSHELF_SIGNATURE], parsed->body, context->clock_ms);
    if (fault != NULL)
        return decode_refuse(decoder, PROBLEM_UNAUTHENTICATED, fault);
    decoder->caller.role = ROLE_SERVICE;
    return true;
}

static bool admit_as(struct decoder *decoder, enum access access)
{
    switch (access) {
    case ACCESS_PUBLIC:
        return true;
    case ACCESS_CUSTOMER:
    case ACCESS_ORDER:
        return admit_storefront(decoder, access);
    case ACCESS_SIGNED:
        return admit_signed(decoder);
    case ACCESS_VIEWER:
    case ACCESS_OPERATOR:
        return admit_admin(decoder, access);
    }
    CHECK(!"every access is listed");
    return false;
}

/* What is refused first when there is more than can be done; the rest never. */
static const uint8_t works[ROUTE_COUNT] = {
    [ROUTE_PRODUCTS] = SHED_LOOK,
    [ROUTE_PRODUCT] = SHED_LOOK,
    [ROUTE_AVAILABILITY] = SHED_LOOK,
    [ROUTE_AVAILABILITY_POST] = SHED_LOOK,
    [ROUTE_STREAM] = SHED_LOOK,
    [ROUTE_CART] = SHED_READ,
    [ROUTE_ORDERS] = SHED_READ,
    [ROUTE_ORDER] = SHED_READ,
    [ROUTE_GUESTS] = SHED_HOLD,
    [ROUTE_CART_ITEM_PUT] = SHED_HOLD,
    [ROUTE_CART_EXTEND] = SHED_HOLD,
    [ROUTE_CART_MERGE] = SHED_HOLD,
    [ROUTE_CART_CLEAR] = SHED_CHECKOUT,
    [ROUTE_CART_ITEM_DELETE] = SHED_CHECKOUT,
    [ROUTE_CHECKOUT] = SHED_CHECKOUT,
    [ROUTE_CANCEL] = SHED_CONFIRMATION,
    [ROUTE_PAYMENT] = SHED_CONFIRMATION,
    [ROUTE_PAYMENT_EVENT] = SHED_CONFIRMATION,
};

static bool has_time(struct decoder *decoder)
{
    uint32_t work = works[decoder->request->route];
    if (work == SHED_NEVER || (decoder->context->refused >> work & 1) == 0)
        return true;
    return decode_refuse(decoder, PROBLEM_OVERLOADED,
        "More is asked for than can be done now: reads are refused first, payments last.");
}

/* Who calls, and whether the call is his and not one too many. The customer goes into the command.
 */
static bool admit(struct decoder *decoder)
{
    enum access access = call_of(decoder)->access;
    if (!has_time(decoder) || !admit_as(decoder, access))
        return false;
    bool of_customer = access == ACCESS_CUSTOMER || access == ACCESS_ORDER;
    if (of_customer && !rate_ask_customer(decoder))
        return false;
    struct command *command = &decoder->request->work->command;
    command->role = decoder->caller.role;
    command->guest = decoder->caller.guest;
    command->customer = decode_keep(decoder, decoder->caller.customer);
    return true;
}

static bool take_capture(struct decoder *decoder, struct bytes raw)
{
    struct decode_room *room = decoder->context->room;
    if (raw.size == 0)
        return true;
    enum http_unescape answer =
        http_unescape_segment(raw, room->scratch, CUSTOMER_SIZE_MAX + 1, &decoder->capture);
    if (answer == HTTP_UNESCAPE_TOO_LONG)
        return decode_refuse(decoder, PROBLEM_NOT_FOUND, "Nothing has a name as long as that.");
    if (answer == HTTP_UNESCAPED)
        return true;
    decoder->request->keep_alive = false;
    decoder->request->reply.close = true;
    return decode_refuse(decoder, PROBLEM_MALFORMED,
        "The path is not percent-encoded: % and two hexadecimal digits, not %00.");
}

static void refuse_route(struct decoder *decoder, uint32_t allowed)
{
    if (allowed == 0) {
        decode_refuse(decoder, PROBLEM_NOT_FOUND, "Nothing is served under this path.");
        return;
    }
    struct problem problem;
    problem_begin(&problem, decoder->context, decoder->request, PROBLEM_METHOD_NOT_ALLOWED,
        "The field Allow names the methods of this path.", 0);
    problem.head.allowed = allowed;
    problem_end(&problem, decoder->context, decoder->request);
}

/* RFC 9110 9.3.7: of one path, or of the server. */
static void answer_options(struct decoder *decoder, uint32_t allowed)
{
    struct head head = {.status = 204, .type = HEAD_NO_BODY, .cache = HEAD_NO_STORE};
    head.allowed = allowed != 0 ? allowed : (1U << HTTP_METHOD_COUNT) - 1;
    head_put(decoder->context, decoder->request, &head, 0);
}

/* Stateless: nothing is kept of a guest until he puts something into his cart. */
static void answer_guest(struct decoder *decoder)
{
    struct http_context *context = decoder->context;
    struct guest_token token;
    if (!decode_body(decoder))
        return;
    json_refuse_unknown(&decoder->json, JSON_ROOT, NULL, 0);
    if (!decode_end(decoder))
        return;
    uint64_t random[2];
    for (uint32_t i = 0; i < 2; i++) {
        context->roll(context->host);
        random[i] = context->now.random;
    }
    guest_token_make(&context->identity->guests, random, context->clock_ms, &token);
    struct json_writer json = head_body(decoder->request);
    struct bytes text = bytes_of(token.text, token.size);
    json_open_object(&json);
    json_put_member_string(&json, "guest_token", text);
    json_put_member_string(&json, "customer", text);
    json_put_member_time(&json, "expires_at", token.expires_wall_ms);
    json_close_object(&json);
    struct head head = {.status = 201, .type = HEAD_JSON, .cache = HEAD_PRIVATE_NO_STORE};
    decode_answer(decoder, &json, &head);
}

static void answer_livez(struct decoder *decoder)
{
    struct json_writer json = head_body(decoder->request);
    json_open_object(&json);
    json_put_member_string(&json, "status", BYTES("ok"));
    json_close_object(&json);
    struct head head = {.status = 200, .type = HEAD_JSON, .cache = HEAD_NO_STORE};
    decode_answer(decoder, &json, &head);
}

static void answer_readyz(struct decoder *decoder)
{
    struct http_context *context = decoder->context;
    struct json_writer json = head_body(decoder->request);
    uint32_t size = 0;
    CHECK(context->ready != NULL);
    bool ready = context->ready(context->host, json.data, json.size_max, &size);
    CHECK(size <= json.size_max);
    struct head head = {
        .status = ready ? 200 : 503,
        .type = HEAD_JSON,
        .cache = HEAD_NO_STORE,
        .retry_after_seconds = ready ? 0 : 1,
    };
    head_put(context, decoder->request, &head, size);
}

static void answer_openapi(struct decoder *decoder)
{
    struct bytes text = openapi_json();
    if (!decode_has_room(decoder, text.size))
        return;
    struct json_writer json = head_body(decoder->request);
    json_put_raw(&json, text);
    struct head head = {
        .status = 200,
        .type = HEAD_JSON,
        .cache = HEAD_NO_CACHE,
        .etag = HEAD_ETAG_STRONG,
        .etag_hash = openapi_hash(),
    };
    decode_answer(decoder, &json, &head);
}

static void answer_home(struct decoder *decoder)
{
    struct json_writer json = head_body(decoder->request);
    json_put_raw(&json, BYTES("<!doctype html><title>hotshelf</title><h1>hotshelf</h1>"
                              "<ul><li><a href=/readyz>readyz</a><li><a href=/livez>livez</a>"
                              "</ul><p>The calls of /admin/v1 want a token.</p>\n"));
    struct head head = {.status = 200, .type = HEAD_HTML, .cache = HEAD_NO_STORE};
    decode_answer(decoder, &json, &head);
}

static bool decode_cart_read(struct decoder *decoder)
{
    decoder->request->work->command.kind = COMMAND_CART_READ;
    return decode_end(decoder);
}

/* A call is answered here and now, or makes a command. */
static const struct call calls[ROUTE_COUNT] = {
    [ROUTE_PRODUCTS] = {ACCESS_PUBLIC, answer_products, NULL},
    [ROUTE_PRODUCT] = {ACCESS_PUBLIC, answer_product, NULL},
    [ROUTE_AVAILABILITY] = {ACCESS_PUBLIC, answer_availability, NULL},
    [ROUTE_AVAILABILITY_POST] = {ACCESS_PUBLIC, answer_availability, NULL},
    [ROUTE_STREAM] = {ACCESS_PUBLIC, answer_stream, NULL},
    [ROUTE_GUESTS] = {ACCESS_PUBLIC, answer_guest, NULL},
    [ROUTE_OPENAPI] = {ACCESS_PUBLIC, answer_openapi, NULL},
    [ROUTE_LIVEZ] = {ACCESS_PUBLIC, answer_livez, NULL},
    [ROUTE_READYZ] = {ACCESS_PUBLIC, answer_readyz, NULL},
    [ROUTE_ADMIN_HOME] = {ACCESS_PUBLIC, answer_home, NULL},
    [ROUTE_CART] = {ACCESS_CUSTOMER, NULL, decode_cart_read},
    [ROUTE_CART_CLEAR] = {ACCESS_CUSTOMER, NULL, decode_cart_clear},
    [ROUTE_CART_ITEM_PUT] = {ACCESS_CUSTOMER, NULL, decode_cart_put},
    [ROUTE_CART_ITEM_DELETE] = {ACCESS_CUSTOMER, NULL, decode_cart_delete},
    [ROUTE_CART_EXTEND] = {ACCESS_CUSTOMER, NULL, decode_cart_extend},
    [ROUTE_CART_MERGE] = {ACCESS_CUSTOMER, NULL, decode_cart_merge},
    [ROUTE_CHECKOUT] = {ACCESS_CUSTOMER, NULL, decode_checkout},
    [ROUTE_ORDERS] = {ACCESS_CUSTOMER, NULL, decode_orders},
    [ROUTE_ORDER] = {ACCESS_ORDER, NULL, decode_order},
    [ROUTE_CANCEL] = {ACCESS_ORDER, NULL, decode_cancel},
    [ROUTE_PAYMENT] = {ACCESS_ORDER, NULL, decode_payment},
    [ROUTE_PAYMENT_EVENT] = {ACCESS_SIGNED, NULL, decode_payment_event},
    [ROUTE_ADMIN_PRODUCT] = {ACCESS_VIEWER, answer_product, NULL},
    [ROUTE_ADMIN_STOCK] = {ACCESS_VIEWER, NULL, decode_stock_read},
    [ROUTE_ADMIN_STOCK_LIST] = {ACCESS_VIEWER, NULL, decode_stock_list},
    [ROUTE_ADMIN_SALES] = {ACCESS_VIEWER, answer_sales, NULL},
    [ROUTE_ADMIN_SALE] = {ACCESS_VIEWER, answer_sale, NULL},
    [ROUTE_ADMIN_SALE_PUT] = {ACCESS_OPERATOR, NULL, decode_sale_put},
    [ROUTE_ADMIN_SALE_DELETE] = {ACCESS_OPERATOR, NULL, decode_sale_delete},
    [ROUTE_ADMIN_ORDER] = {ACCESS_VIEWER, NULL, decode_order},
    [ROUTE_ADMIN_ORDERS] = {ACCESS_VIEWER, NULL, decode_orders_find},
    [ROUTE_ADMIN_CUSTOMER] = {ACCESS_VIEWER, NULL, decode_customer},
    [ROUTE_ADMIN_RESERVATIONS] = {ACCESS_VIEWER, NULL, decode_reservations},
    [ROUTE_ADMIN_AUDIT] = {ACCESS_VIEWER, NULL, decode_audit},
    [ROUTE_ADMIN_PRODUCT_PATCH] = {ACCESS_OPERATOR, NULL, decode_product_patch},
    [ROUTE_ADMIN_STOCK_CHANGE] = {ACCESS_OPERATOR, NULL, decode_stock_change},
    [ROUTE_ADMIN_SWITCHES] = {ACCESS_VIEWER, NULL, decode_switches},
    [ROUTE_ADMIN_PAUSE] = {ACCESS_OPERATOR, NULL, decode_switch},
    [ROUTE_ADMIN_FREEZE] = {ACCESS_OPERATOR, NULL, decode_switch},
    [ROUTE_ADMIN_KILL] = {ACCESS_OPERATOR, NULL, decode_switch},
    [ROUTE_ADMIN_RESUME] = {ACCESS_OPERATOR, NULL, decode_switch},
    [ROUTE_ADMIN_ORDER_REVIEW] = {ACCESS_OPERATOR, NULL, decode_review},
    [ROUTE_ADMIN_ORDER_CANCEL] = {ACCESS_OPERATOR, NULL, decode_cancel},
    [ROUTE_ADMIN_IMPORT] = {ACCESS_OPERATOR, NULL, decode_import},
    [ROUTE_ADMIN_IMPORT_DRY_RUN] = {ACCESS_OPERATOR, NULL, decode_import},
};

static const struct call *call_of(const struct decoder *decoder)
{
    const struct call *call = &calls[decoder->request->route];
    CHECK((call->answer == NULL) != (call->decode == NULL));
    return call;
}

static bool run_route(struct decoder *decoder)
{
    const struct call *call = call_of(decoder);
    if (call->decode != NULL)
        return call->decode(decoder);
    call->answer(decoder);
    return false;
}

static bool is_open_while_recovering(enum http_route route)
{
    return route == ROUTE_LIVEZ || route == ROUTE_READYZ || route == ROUTE_OPENAPI ||
           route == ROUTE_ADMIN_HOME;
}

enum http_verdict http_decode(struct http_context *context, enum http_listener listener,
    const struct http_request *parsed, struct request *request, uint32_t *target)
{
    struct decoder decoder;
    decoder.context = context;
    decoder.parsed = parsed;
    decoder.request = request;
    decoder.caller = (struct caller){.role = ROLE_NONE};
    decoder.capture = (struct bytes){0};
    decoder.faults = &context->room->faults;
    decoder.faults->count = 0;
    decoder.own_count = 0;
    decoder.bound = NULL;
    decoder.forbidden = NULL;
    decoder.full = false;
    decoder.asked = decoder.direct = false;
    decoder.waits = false;
    request->keep_alive = parsed->keep_alive;
    request->tells_keep_alive = parsed->minor == 0;
    request->head_only = parsed->method == HTTP_HEAD;
    head_take_request_id(context, request, parsed->field[HTTP_FIELD_X_REQUEST_ID]);
    struct route_match match = listener == HTTP_ADMIN
                                   ? route_find_admin(parsed->method, parsed->path)
                                   : route_find_storefront(parsed->method, parsed->path);
    request->route = (uint8_t)match.route;
    if (listener == HTTP_STOREFRONT && !rate_ask_address(&decoder))
        return HTTP_ANSWERED;
    bool of_server = bytes_equal(parsed->path, BYTES("*"));
    if (parsed->method == HTTP_OPTIONS && (match.allowed != 0 || of_server)) {
        answer_options(&decoder, match.allowed);
        return HTTP_ANSWERED;
    }
    if (match.route == ROUTE_NONE) {
        refuse_route(&decoder, match.allowed);
        return HTTP_ANSWERED;
    }
    if (context->recovering && !is_open_while_recovering(match.route)) {
        decode_refuse(&decoder, PROBLEM_RECOVERING, "The server is reading its journal.");
        return HTTP_ANSWERED;
    }
    if (!admit(&decoder) || !take_capture(&decoder, match.capture) || !run_route(&decoder))
        return decoder.waits ? HTTP_WAITS : HTTP_ANSWERED;
    *target = command_shard(&request->work->command, context->shard_count);
    CHECK(*target < context->shard_count);
    return request->work->command.kind == COMMAND_IMPORT_BEGIN ? HTTP_IMPORT : HTTP_COMMAND;
}

void http_refuse(struct http_context *context, struct request *request, uint32_t status,
    const char *code, const char *detail)
{
    enum problem_code found = problem_find(bytes_of_string(code));
    CHECK(found < PROBLEM_COUNT);
    struct problem problem;
    problem_begin_as(&problem, context, request, found, (uint16_t)status, detail);
    problem_end(&problem, context, request);
    CHECK(!request->reply.overflow);
}
