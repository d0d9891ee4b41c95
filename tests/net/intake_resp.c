/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pipeline of the Redis protocol answers byte for byte what its commands answer one at a time:
 * whatever is decoded before the first of them runs, wherever the bytes are cut, and while the disk
 * does nothing and the shard has eight slots in all, and small batches.
 */
#include "tests/net/ticking.h"

#include "tests/lib/dice.h"

enum {
    COMMANDS = 60,
    PIECES = 6,
    SEEDS = 12,
    SCRIPT = 16000,
    REPLIES = 1 << 18,
    SMALL_BATCH = 1000,
    ROUNDS_MAX = 1000
};

struct script {
    char bytes[SCRIPT];
    uint32_t ends[COMMANDS]; /* of each command */
    uint32_t size;
};

struct play {
    struct scene *scene;
    int socket;
    char replies[REPLIES];
    uint32_t size;
};

static void __attribute__((format(printf, 2, 3)))
add(struct script *script, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    uint32_t room = SCRIPT - script->size;
    int size = vsnprintf(script->bytes + script->size, room, format, values);
    va_end(values);
    assert_in_range(size, 0, room - 1);
    script->size += (uint32_t)size;
}

static void say(struct script *script, const char *const *words, uint32_t count)
{
    add(script, "*%u\r\n", count);
    for (uint32_t i = 0; i < count; i++)
        add(script, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
}

/* As typed into telnet: its words are read in a room of their own. */
static void say_inline(struct script *script, const char *const *words, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        add(script, "%s\"%s\"", i == 0 ? "" : " ", words[i]);
    add(script, "\r\n");
}

static const char *one_of(struct dice *dice, const char *const *words, uint32_t count)
{
    return words[dice_below(dice, count)];
}

/* What sells, for customers of both shards, between what changes the session and what is no
 * command. Of each SKU there is enough: when a unit that comes back is seen is a matter of the
 * disk. */
static void write_command(struct scene *scene, struct script *script, struct dice *dice)
{
    const char *customers[] = {scene->names[0][0], scene->names[0][0], scene->names[0][1],
        scene->names[1][0], scene->names[1][1]};
    static const char *const keys[] = {"k1", "k2", "k3", "k4", "", "a key"};
    static const char *const units[] = {"1", "2", "3", "9", "x"};
    static const char *const skus[] = {"T", "T", "T", "U", "U", "none"};
    const char *customer = one_of(dice, customers, 5), *key = one_of(dice, keys, 6);
    const char *sku = one_of(dice, skus, 6), *unit = one_of(dice, units, 5);
    const char *const commands[][8] = {
        {"HS.CART.SET", customer, sku, unit},
        {"hs.cart.set", customer, sku, unit, "CURRENCY", "GBP"},
        {"HS.CHECKOUT", customer, key},
        {"HS.CHECKOUT", customer, key, "ITEM", sku, unit},
        {"HS.CHECKOUT", customer, key, "ITEM", "T", "1", "MODE", "deferred"},
        {"HS.CART.GET", customer},
        {"HS.STOCK.ADD", "V", unit, "because", key},
        {"HS.ORDER", "01890a5d-ac96-774b-bcce-b302099a8057"},
        {"HS.AVAIL", "none", "S"},
        {"HS.CART.SET", customer},
        {"HELLO", "3"},
        {"HELLO", "2"},
        {"HELLO", "4"},
        {"AUTH", "nobody"},
        {"AUTH", "token-of-the-erp-1"},
        {"HELLO", "3", "AUTH", "erp", "token-of-the-erp-1"},
        {"RESET"},
        {"SELECT", "0"},
        {"SELECT", "1"},
        {"PING", customer},
        {"WHATEVER", sku},
    };
    enum { SELLING = 7, KINDS = sizeof(commands) / sizeof(commands[0]) };
    bool sells = dice_below(dice, 4) > 0;
    const char *const *words = commands[dice_below(dice, sells ? SELLING : KINDS)];
    uint32_t count = 0;
    while (count < 8 && words[count] != NULL)
        count++;
    if (dice_below(dice, 5) == 0)
        say_inline(script, words, count);
    else
        say(script, words, count);
}

static void write_script(struct scene *scene, struct script *script, struct dice *dice)
{
    static const char *const last[] = {"QUIT"};
    static const char *const first[] = {"AUTH", "token-of-the-erp-1"};
    script->size = 0;
    say(script, first, 2);
    for (uint32_t i = 0; i < COMMANDS; i++) {
        if (i + 1 < COMMANDS)
            write_command(scene, script, dice);
        else
            say(script, last, 1);
        assert_true(script->size < SCRIPT - 512);
        script->ends[i] = script->size;
    }
}

/* By a door that is not on loopback, and shows nothing to whoever has shown no token. */
static void ask_for_tokens(struct scene *scene)
{
    char error[128];
    scene->house.config.server.resp = (struct config_address){.host = "192.0.2.1"};
    assert_int_equal(
        tokens_read(&scene->house.identities[0].services, TOKENS_OF_SERVICES,
            BYTES("erp:token-of-the-erp-1\n"), "auth.service_tokens_file", error, sizeof(error)),
        0);
}

/* A batch takes a few orders; then commands wait until it is written. */
static void keep_batches_small(struct scene *scene)
{
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        struct journal *journal = &scene->shards[shard]->journal;
        journal->command_size =
            journal->origin.batch_size - batch_header_size(SHARDS) - SMALL_BATCH;
    }
}

static struct play *begin(bool with_tokens)
{
    struct play *play = calloc(1, sizeof(*play));
    void *state = NULL;
    assert_int_equal(setup(&state), 0);
    play->scene = state;
    if (with_tokens)
        ask_for_tokens(play->scene);
    put_on_sale(play->scene, "T", 10000);
    put_on_sale(play->scene, "U", 10000);
    put_on_sale(play->scene, "V", 10000);
    play->socket = fake_io_client(io_of(play->scene, 0), DOOR_RESP);
    ticks(play->scene);
    keep_batches_small(play->scene);
    return play;
}

/* All that was asked has been answered, and no slot is kept. */
static void end(struct play *play)
{
    void *state = play->scene;
    for (uint32_t shard = 0; shard < SHARDS; shard++)
        assert_int_equal(play->scene->shards[shard]->requests.in_use, 0);
    assert_int_equal(teardown(&state), 0);
    free(play);
}

static void hear(struct play *play)
{
    const char *reply = fake_io_received(io_of(play->scene, 0), play->socket);
    uint32_t size = (uint32_t)strlen(reply);
    assert_true(play->size + size < REPLIES);
    memcpy(play->replies + play->size, reply, size + 1);
    play->size += size;
}

static bool is_under_way(const struct play *play)
{
    return play->scene->shards[0]->requests.in_use > 0;
}

/* Until nothing more comes. A batch gathers for some ticks, and a reply of another shard comes home
 * behind that shard's; but all that is under way ends. */
static void hear_out(struct play *play)
{
    uint32_t before, rounds = 0;
    do {
        assert_true(rounds++ < ROUNDS_MAX);
        before = play->size;
        catch_up(play->scene);
        hear(play);
    } while (play->size > before || is_under_way(play));
}

static void send_bytes(struct play *play, const char *bytes, uint32_t size)
{
    char piece[SCRIPT];
    struct io *io = io_of(play->scene, 0);
    if (!io->clients[play->socket].receiving)
        hear_out(play);
    memcpy(piece, bytes, size);
    piece[size] = 0;
    fake_io_sends(io, play->socket, piece);
}

static void play_alone(struct play *play, const struct script *script)
{
    uint32_t begun = 0;
    for (uint32_t i = 0; i < COMMANDS; i++) {
        send_bytes(play, script->bytes + begun, script->ends[i] - begun);
        begun = script->ends[i];
        hear_out(play);
    }
}

static void play_at_once(struct play *play, const struct script *script, struct dice *dice)
{
    uint32_t begun = 0;
    for (uint32_t i = 0; i < PIECES; i++) {
        uint32_t size = dice_below(dice, script->size - begun);
        if (i + 1 == PIECES)
            size = script->size - begun;
        if (size == 0)
            continue;
        send_bytes(play, script->bytes + begun, size);
        begun += size;
        if (dice_below(dice, 2) == 0)
            ticks(play->scene);
        if (dice_below(dice, 3) == 0)
            catch_up(play->scene);
        hear(play);
    }
    hear_out(play);
}

static void assert_same(const char *alone, const char *at_once)
{
    uint32_t at = 0;
    while (alone[at] != 0 && alone[at] == at_once[at])
        at++;
    uint32_t from = at > 60 ? at - 60 : 0;
    if (alone[at] != at_once[at])
        fail_msg(
            "from byte %u on, alone:\n%.300s\nat once:\n%.300s", at, alone + from, at_once + from);
}

static void a_pipeline_answers_what_its_commands_answer_alone(void **state)
{
    (void)state;
    struct dice dice = dice_seeded("intake_resp");
    static struct script script;
    for (uint32_t i = 0; i < SEEDS; i++) {
        struct play *alone = begin(i % 2 == 1), *at_once = begin(i % 2 == 1);
        write_script(alone->scene, &script, &dice);
        play_alone(alone, &script);
        play_at_once(at_once, &script, &dice);
        assert_same(alone->replies, at_once->replies);
        assert_non_null(strstr(alone->replies, "+OK\r\n"));
        end(alone);
        end(at_once);
    }
}

/* Whoever is gone, or is let go as the shop closes, keeps no slot; what he heard was in order. */
static void a_pipeline_that_is_cut_off_keeps_no_slot(void **state)
{
    (void)state;
    struct dice dice = dice_seeded("intake_resp");
    static struct script script;
    for (uint32_t i = 0; i < SEEDS; i++) {
        bool stops = i % 2 == 0;
        struct play *alone = begin(false), *cut = begin(false);
        write_script(alone->scene, &script, &dice);
        play_alone(alone, &script);
        send_bytes(cut, script.bytes, dice_below(&dice, script.size));
        for (uint32_t tick = dice_below(&dice, 4); tick > 0; tick--)
            shard_tick(cut->scene->shards[tick % SHARDS]);
        if (stops)
            atomic_store(&cut->scene->house.shards->stopping, true);
        else if (io_of(cut->scene, 0)->clients[cut->socket].receiving)
            fake_io_hangs_up(io_of(cut->scene, 0), cut->socket);
        hear_out(cut);
        if (strncmp(alone->replies, cut->replies, cut->size) != 0)
            assert_same(alone->replies, cut->replies);
        end(alone);
        end(cut);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipeline_answers_what_its_commands_answer_alone),
        cmocka_unit_test(a_pipeline_that_is_cut_off_keeps_no_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
