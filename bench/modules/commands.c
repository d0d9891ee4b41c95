/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench commands: what the engine does for each kind of command, its three steps apart.
 *
 * `decide` is what comes due for the customer, then the rules and the claim on the shared stock;
 * `apply` the shard's own tables; `settle` what had to wait for the disk. A command is written into
 * one place before it is decided, as a request's slot is, and that is not measured.
 *
 * Warm is a shop of a thousand customers, cold one of a million: each has a paid order and a cart
 * line already, and they come in no order, so that all that is theirs has left the caches.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/modules/core_module.h"
#include "bench/modules/stand.h"
#include "core/check.h"
#include "net/http/offer.h"

enum kind {
    LOOK,
    CART_SET,
    CART_HOLD,
    CHECKOUT_NEW,
    CHECKOUT,
    CHECKOUT_FOUR,
    CHECKOUT_CART,
    PAY,
    CANCEL,
    EXPIRE_HOLD,
    EXPIRE_ORDER,
};

enum {
    WARM = 1024,
    COLD = 1 << 20,
    LOOKS = 100000,
    OPERATIONS = 1024, /* of one round: each warm customer once */
    LINES = 4,
    SKUS_WARM = 16,
    SKUS_COLD = 4096,
    TEXT = 24,
    EXPIRY_MS = 601 * 1000, /* of holds and of unpaid orders */
};

struct commands {
    struct stand stand;
    struct http_context look;
    enum kind kind;
    uint32_t customers, skus;
    uint32_t made; /* commands, ever */
    struct command command;
    struct command_item items[LINES];
    char customer[TEXT], key[TEXT], payment_id[TEXT], sku[LINES][TEXT];
    uint8_t (*orders)[ORDER_ID_SIZE]; /* of this round */
};

static struct bytes write_text(char text[TEXT], const char *what, uint32_t number)
{
    int size = snprintf(text, TEXT, "%s-%08u", what, number);
    return bytes_of(text, (uint32_t)size);
}

/* One after another where there are few; of a million each once, in no order that a processor could
 * foresee. Both counts are powers of two. */
static uint32_t any_of(const struct commands *commands, uint32_t count)
{
    uint32_t number = commands->made;
    if (commands->customers == COLD) {
        number = (number * 0x9e3779b1) % COLD;
        number ^= number >> 9;
        number = (number * 0x85ebca6b) % COLD;
        number ^= number >> 7;
    }
    return number % count;
}

static struct bytes any_sku(struct commands *commands, uint32_t line)
{
    uint32_t number = (any_of(commands, commands->skus) + line) % commands->skus;
    return write_text(commands->sku[line], "sold", number);
}

static void write_command(struct commands *commands, enum command_kind kind, uint32_t customer)
{
    commands->made++;
    stand_roll(&commands->stand);
    commands->command = (struct command){
        .kind = kind,
        .role = ROLE_CUSTOMER,
        .customer = write_text(commands->customer, "buyer", customer),
    };
}

static void write_cart(struct commands *commands, uint32_t customer, bool held, uint32_t quantity)
{
    write_command(commands, COMMAND_CART_SET, customer);
    commands->command.sku = write_text(commands->sku[0], held ? "held" : "sold", customer % 8);
    commands->command.quantity = quantity;
}

static void write_key(struct commands *commands)
{
    commands->command.key = write_text(commands->key, "order", commands->made);
}

static void write_checkout(struct commands *commands, uint32_t customer, uint32_t lines)
{
    write_command(commands, COMMAND_CHECKOUT, customer);
    write_key(commands);
    for (uint32_t i = 0; i < lines; i++)
        commands->items[i] = (struct command_item){.sku = any_sku(commands, i), .quantity = 1};
    commands->command.items = commands->items;
    commands->command.item_count = lines;
}

static void write_payment(struct commands *commands, const uint8_t order[ORDER_ID_SIZE])
{
    write_command(commands, COMMAND_PAYMENT, 0);
    struct command *command = &commands->command;
    command->role = ROLE_SERVICE;
    command->customer = (struct bytes){0};
    command->provider = BYTES("bank");
    command->payment_id = write_text(commands->payment_id, "payment", commands->made);
    command->result = RESULT_CAPTURED;
    command->amount = 999;
    memcpy(command->currency, "GBP", 4);
    memcpy(command->order_id, order, ORDER_ID_SIZE);
}

static void write_cancel(
    struct commands *commands, uint32_t customer, const uint8_t order[ORDER_ID_SIZE])
{
    write_command(commands, COMMAND_CANCEL, customer);
    write_key(commands);
    memcpy(commands->command.order_id, order, ORDER_ID_SIZE);
}

static void run(struct commands *commands)
{
    stand_run(&commands->stand, &commands->command);
}

static void fill(struct commands *commands)
{
    for (uint32_t i = 0; i < commands->skus; i++) {
        stand_sell(&commands->stand, (char *)write_text(commands->sku[0], "sold", i).data,
            RESERVE_CHECKOUT);
        stand_sell(
            &commands->stand, (char *)write_text(commands->sku[0], "held", i).data, RESERVE_CART);
    }
    for (uint32_t i = 0; i < commands->customers; i++) {
        write_checkout(commands, i, 1);
        run(commands);
        memcpy(commands->orders[0], commands->stand.event.fact.order.id, ORDER_ID_SIZE);
        write_payment(commands, commands->orders[0]);
        run(commands);
        if (commands->kind == CHECKOUT_CART)
            continue; /* carts are filled as they are bought */
        write_cart(commands, i, false, 1);
        run(commands);
    }
}

static void close_commands(void *context)
{
    struct commands *commands = context;
    stand_close(&commands->stand);
    free(commands->orders);
    free(commands);
}

/* Room for all rounds. */
static struct capacity capacity_for(const struct measure_case *own, uint32_t skus)
{
    uint32_t orders = own->scale + (MEASURE_ROUNDS_MAX + 2) * OPERATIONS;
    return (struct capacity){.skus = 2 * skus,
        .customers = orders,
        .orders = orders,
        .holds = 2 * own->scale + OPERATIONS,
        .lines = own->scale + (orders - own->scale) * LINES,
        .text_bytes = (uint64_t)orders * 128,
        .idempotency_keys = 2 * orders,
        .claims = PAYMENTS_PER_ORDER * orders,
        .identities = 64,
        .allowances = 64,
        .names = 64,
        .connections = 16,
        .requests = 16};
}

/* About orders that wait for their payment; all others are confirmed at once, as those of `floor`.
 */
static bool is_unpaid(enum kind kind)
{
    return kind == PAY || kind == CANCEL || kind == EXPIRE_ORDER;
}

static void *open_commands(const struct measure_case *own)
{
    struct commands *commands = calloc(1, sizeof *commands);
    uint32_t skus = own->scale == WARM ? SKUS_WARM : SKUS_COLD;
    const struct stand_plan plan = {
        .capacity = capacity_for(own, skus),
        .payment_mode = is_unpaid((enum kind)own->kind) ? PAYMENT_EXTERNAL : PAYMENT_DEFERRED,
    };
    if (commands == NULL || !stand_open(&commands->stand, &plan)) {
        free(commands);
        return NULL;
    }
    commands->kind = (enum kind)own->kind;
    commands->customers = own->scale;
    commands->skus = skus;
    commands->orders = calloc(OPERATIONS, sizeof *commands->orders);
    CHECK(commands->orders != NULL);
    fill(commands);
    commands->look =
        (struct http_context){.shelf = &commands->stand.shelf, .now = commands->stand.now};
    return commands;
}

/* Orders and holds that the commands of the round are about. */
static void prepare_round(void *context, uint32_t count)
{
    struct commands *commands = context;
    enum kind kind = commands->kind;
    /* What the round before has left open is over. */
    if (commands->customers == WARM) {
        stand_pass(&commands->stand, EXPIRY_MS);
        stand_expire(&commands->stand);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t customer = i % commands->customers;
        if (is_unpaid(kind)) {
            write_checkout(commands, customer, 1);
            run(commands);
            memcpy(commands->orders[i], commands->stand.event.fact.order.id, ORDER_ID_SIZE);
        } else if (kind == EXPIRE_HOLD) {
            write_command(commands, COMMAND_CART_SET, customer);
            commands->command.sku = write_text(commands->sku[0], "held", i / commands->customers);
            commands->command.quantity = 1;
            run(commands);
        }
    }
    if (kind == EXPIRE_HOLD || kind == EXPIRE_ORDER)
        stand_pass(&commands->stand, EXPIRY_MS);
}

static void write_next(void *context, uint32_t first, uint32_t count)
{
    struct commands *commands = context;
    uint32_t customer = any_of(commands, commands->customers);
    CHECK(count == 1);
    switch (commands->kind) {
    case CART_SET:
    case CART_HOLD:
        /* Each time another quantity, of whoever it is. */
        write_cart(commands, customer, commands->kind == CART_HOLD,
            2 + commands->made / commands->customers % 7);
        break;
    case CHECKOUT_NEW:
        write_checkout(commands, commands->customers + commands->made, 1);
        break;
    case CHECKOUT:
        write_checkout(commands, customer, 1);
        break;
    case CHECKOUT_FOUR:
        write_checkout(commands, customer, LINES);
        break;
    case CHECKOUT_CART:
        write_cart(commands, customer, false, 1);
        run(commands);
        write_checkout(commands, customer, 0);
        break;
    case PAY:
        write_payment(commands, commands->orders[first]);
        break;
    case CANCEL:
        write_cancel(commands, first % commands->customers, commands->orders[first]);
        break;
    case LOOK:
    case EXPIRE_HOLD:
    case EXPIRE_ORDER:
        break;
    }
}

static void decide(void *context, uint32_t first, uint32_t count)
{
    struct commands *commands = context;
    (void)first;
    (void)count;
    if (commands->kind == EXPIRE_HOLD)
        stand_due(&commands->stand, EVENT_HOLD_EXPIRED);
    else if (commands->kind == EXPIRE_ORDER)
        stand_due(&commands->stand, EVENT_ORDER_EXPIRED);
    else
        stand_decide(&commands->stand, &commands->command);
}

static void apply(void *context, uint32_t first, uint32_t count)
{
    (void)first;
    (void)count;
    stand_apply(&((struct commands *)context)->stand);
}

static void settle(void *context, uint32_t first, uint32_t count)
{
    (void)first;
    (void)count;
    stand_settle(&((struct commands *)context)->stand);
}

static void look(void *context, uint32_t first, uint32_t count)
{
    struct commands *commands = context;
    struct bytes sku = any_sku(commands, 0);
    for (uint32_t i = first; i < first + count; i++) {
        struct offer offer = offer_find(&commands->look, sku);
        CHECK(offer.status == OFFER_AVAILABLE);
        measure_keep(offer.available);
    }
}

#define COMMAND(title, what, which, how_many)                                                      \
    {                                                                                              \
        .name = (title), .operation = (what), .kind = (which), .scale = (how_many),                \
        .count = OPERATIONS, .step = 1, .is_cold = (how_many) == COLD, .open = open_commands,      \
        .close = close_commands, .round = prepare_round, .before = write_next,                     \
        .parts = {{"decide", decide}, {"apply", apply}, {"settle", settle}},                       \
        .sum = "decide+apply", .sum_parts = 2                                                      \
    }

static const struct measure_case cases[] = {
    {.name = "look",
        .operation = "what the shelf says of a product",
        .kind = LOOK,
        .scale = WARM,
        .count = LOOKS,
        .open = open_commands,
        .close = close_commands,
        .parts = {{.run = look}}},
    COMMAND("cart_set", "another quantity in a cart", CART_SET, WARM),
    COMMAND("cart_hold", "the same, held in the cart", CART_HOLD, WARM),
    COMMAND("checkout_new", "one line, of an unknown customer", CHECKOUT_NEW, WARM),
    COMMAND("checkout", "one line", CHECKOUT, WARM),
    COMMAND("checkout_4", "four lines", CHECKOUT_FOUR, WARM),
    COMMAND("checkout_cart", "a cart of one line", CHECKOUT_CART, WARM),
    COMMAND("pay", "a payment report", PAY, WARM),
    COMMAND("cancel", "an unpaid order of one line", CANCEL, WARM),
    COMMAND("expire_hold", "a hold whose time is over", EXPIRE_HOLD, WARM),
    COMMAND("expire_order", "an unpaid order whose time is over", EXPIRE_ORDER, WARM),
    COMMAND("checkout_cold", "one line, a million customers", CHECKOUT, COLD),
    COMMAND("cart_set_cold", "a cart, a million customers", CART_SET, COLD),
};

const struct core_module commands_module = {
    .name = "commands",
    .summary = "decide, apply and settle for each kind of command",
    .cases = cases,
    .count = sizeof cases / sizeof cases[0],
};
