/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/rate.h"

#include <stdio.h>

#include "core/check.h"
#include "net/http/forwarded.h"

enum { JITTER_MS = 250 }; /* and an eighth of the wait */

#define MS_NS 1000000ULL
#define SECOND_NS 1000000000ULL

void rates_init(struct rates *rates, struct arena *arena, const struct config *config, uint64_t key)
{
    char reason[64];
    *rates = (struct rates){
        .requests = limit_rate(config->limits.requests_per_second, config->limits.burst),
        .guests = limit_rate(config->limits.guests_per_second, config->limits.guests_burst),
    };
    bool parsed = proxies_parse(
        &rates->proxies, bytes_of_string(config->server.trusted_proxies), reason, sizeof(reason));
    CHECK(parsed); /* by config_check(), too */
    uint32_t words =
        rates->requests.interval_ns != 0 ? (uint32_t)LIMIT_WORDS : (uint32_t)RATE_WORDS_OF_GUESTS;
    limit_init(&rates->limit, arena, words, key);
}

static bool is_for_all(const struct decoder *decoder)
{
    enum http_route route = (enum http_route)decoder->request->route;
    return route == ROUTE_LIVEZ || route == ROUTE_READYZ || route == ROUTE_PAYMENT_EVENT;
}

static bool is_back_end(const struct decoder *decoder)
{
    const struct http_context *context = decoder->context;
    if (context->bearer == NULL)
        return bytes_equal(decoder->parsed->field[HTTP_FIELD_X_ROLE], BYTES("service"));
    return bearer_remembers_service(
        context->bearer, context->identity, context->clock_ms, decoder->parsed);
}

static bool refuse(struct decoder *decoder, enum rate_policy policy, uint64_t retry_ns)
{
    static const char *const details[] = {
        [RATE_ADDRESS] = "Too many requests from this address.",
        [RATE_CUSTOMER] = "Too many requests of this customer.",
        [RATE_GUESTS] = "Too many guests from this address.",
    };
    int64_t retry_ms = (int64_t)((retry_ns + MS_NS - 1) / MS_NS);
    retry_ms += problem_jitter_ms(decoder->context, JITTER_MS + (uint32_t)(retry_ms / 8));
    decoder->request->told.pauses = decoder->direct;
    struct problem problem;
    problem_begin(&problem, decoder->context, decoder->request, PROBLEM_RATE_LIMITED,
        details[policy], retry_ms);
    problem_end(&problem, decoder->context, decoder->request);
    return false;
}

/* Of several the one that has less left is told. */
static void tell(struct request *request, enum rate_policy policy, struct limit_verdict verdict)
{
    struct limit_told *told = &request->told;
    if (told->policy != RATE_NONE && told->remaining <= verdict.remaining)
        return;
    *told = (struct limit_told){
        .policy = (uint8_t)policy,
        .remaining = verdict.remaining,
        .full_seconds = (uint32_t)((verdict.full_ns + SECOND_NS - 1) / SECOND_NS),
    };
}

static bool ask(struct decoder *decoder, enum rate_policy policy, enum limit_kind kind,
    const struct limit_rate *rate, struct bytes name)
{
    struct http_context *context = decoder->context;
    if (rate->interval_ns == 0 || name.size == 0)
        return true;
    struct limit_verdict verdict =
        limit_ask(&context->rates->limit, rate, kind, name, context->now.monotonic_ms * MS_NS);
    tell(decoder->request, policy, verdict);
    return verdict.allowed || refuse(decoder, policy, verdict.retry_ns);
}

bool rate_ask_address(struct decoder *decoder)
{
    struct http_context *context = decoder->context;
    struct rates *rates = context->rates;
    struct request *request = decoder->request;
    bool makes_guest = request->route == ROUTE_GUESTS;
    decoder->direct = false;
    decoder->asked = request->told.policy != RATE_NONE;
    if (rates == NULL || (rates->requests.interval_ns == 0 && !makes_guest) || decoder->asked ||
        is_for_all(decoder) || is_back_end(decoder))
        return true;
    struct address peer;
    context->peer(context->host, request, &peer);
    decoder->direct = peer.kind == ADDRESS_IP && !proxies_trust(&rates->proxies, &peer);
    struct address client = forwarded_client(&rates->proxies, &peer, decoder->parsed);
    struct bytes name = address_name(&client);
    return ask(decoder, RATE_ADDRESS, LIMIT_ADDRESS, &rates->requests, name) &&
           (!makes_guest || ask(decoder, RATE_GUESTS, LIMIT_GUEST, &rates->guests, name));
}

bool rate_ask_customer(struct decoder *decoder)
{
    const struct rates *rates = decoder->context->rates;
    if (rates == NULL || decoder->asked || decoder->caller.role != ROLE_CUSTOMER)
        return true;
    return ask(decoder, RATE_CUSTOMER, LIMIT_CUSTOMER, &rates->requests, decoder->caller.customer);
}

bool rate_ask_connection(struct http_context *context, const struct address *peer)
{
    struct rates *rates = context->rates;
    return limit_ask(&rates->limit, &rates->requests, LIMIT_CONNECTION, address_name(peer),
        context->now.monotonic_ms * MS_NS)
        .allowed;
}

uint32_t rate_fields(const struct config *config, const struct request *request, char *text)
{
    static const char *const names[] = {
        [RATE_ADDRESS] = "address", [RATE_CUSTOMER] = "customer", [RATE_GUESTS] = "guests"};
    const struct limit_told *told = &request->told;
    if (told->policy == RATE_NONE)
        return 0;
    bool guests = told->policy == RATE_GUESTS;
    uint32_t rate = guests ? config->limits.guests_per_second : config->limits.requests_per_second;
    uint32_t burst = guests ? config->limits.guests_burst : config->limits.burst;
    CHECK(rate > 0);
    int size = snprintf(text, RATE_FIELDS_SIZE_MAX,
        "\r\nRateLimit-Policy: \"%s\";q=%u;w=%u\r\nRateLimit: \"%s\";r=%u;t=%u",
        names[told->policy], burst, (burst + rate - 1) / rate, names[told->policy], told->remaining,
        told->full_seconds);
    CHECK(size > 0 && size < RATE_FIELDS_SIZE_MAX);
    return (uint32_t)size;
}
