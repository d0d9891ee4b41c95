/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live stock over a loop without a kernel: what a subscriber is told, when he takes it, when he
 * does not, and that nothing of him is left when he is gone. A random walk beside a model proves
 * that whoever has taken all that was due knows the stock as it is (A1, A2).
 */
#include "tests/net/ticking.h"

enum { WALK_STEPS = 20000, WALK_SKUS = 15, WALK_PEOPLE = 12, FIRST_ROOM = 16384, TEXT = 512 };

static struct subscribers *watchers(const struct scene *scene)
{
    return &scene->shards[0]->subscribers;
}

static void pass(struct scene *scene, uint32_t ms)
{
    for (uint32_t i = 0; i < SHARDS; i++) {
        io_of(scene, i)->times.monotonic_ms += ms;
        io_of(scene, i)->times.wall_ms += ms;
    }
    ticks(scene);
    subscribers_check(watchers(scene));
}

static int subscribe(struct scene *scene, const char *query)
{
    char path[128];
    int socket = connect_client(scene);
    (void)snprintf(path, sizeof(path), "/v1/availability/stream?%s", query);
    get(scene, socket, path, "anybody");
    return socket;
}

static uint32_t count_of(const char *text, const char *words)
{
    uint32_t count = 0;
    for (const char *at = text; (at = strstr(at, words)) != NULL; at++)
        count++;
    return count;
}

static void assert_empty(const struct scene *scene)
{
    const struct subscribers *subscribers = watchers(scene);
    subscribers_check(subscribers);
    assert_int_equal(subscribers->open, 0);
    assert_int_equal(subscribers->watched_open, 0);
    assert_int_equal(subscribers->edges_open, 0);
}

static void first_all_then_what_has_changed(void **state)
{
    struct scene *scene = *state;
    int watcher = subscribe(scene, "skus=S,NONE"), writer = connect_client(scene);
    const char *first = fake_io_received(io_of(scene, 0), watcher);
    assert_non_null(strstr(first, "\"sku\":\"S\",\"status\":\"available\",\"available\":3"));
    assert_non_null(strstr(first, "\"sku\":\"NONE\",\"status\":\"unknown\""));
    pass(scene, LOOK_MS);
    assert_nothing(scene, watcher);
    put_line(scene, writer, scene->names[1][0], 1);
    assert_nothing(scene, writer); /* its disk has not answered: the unit is gone all the same */
    pass(scene, LOOK_MS);
    const char *second = fake_io_received(io_of(scene, 0), watcher);
    assert_non_null(strstr(second, "\"sku\":\"S\",\"status\":\"available\",\"available\":2"));
    assert_null(strstr(second, "NONE"));
    pass(scene, LOOK_MS);
    assert_nothing(scene, watcher);
}

static void what_happens_while_an_event_is_on_its_way_comes_in_one(void **state)
{
    struct scene *scene = *state;
    struct io *io = io_of(scene, 0);
    int watcher = subscribe(scene, "skus=S"), writer = connect_client(scene);
    fake_io_received(io, watcher);
    io->clients[watcher].takes_nothing = true;
    for (uint32_t units = 1; units <= 3; units++) {
        put_line(scene, writer, scene->names[0][0], units);
        pass(scene, LOOK_MS);
    }
    assert_reply(scene, watcher, "\"available\":2");
    fake_io_takes(io, watcher, false);
    ticks(scene);
    const char *news = fake_io_received(io, watcher);
    assert_int_equal(count_of(news, "event:"), 1);
    assert_non_null(strstr(news, "\"status\":\"held_by_others\",\"available\":0"));
}

/* The others hear all of it meanwhile; then his place is free. */
static void who_takes_nothing_is_dropped(void **state)
{
    struct scene *scene = *state;
    struct io *io = io_of(scene, 0);
    int slow = subscribe(scene, "skus=S"), quick = subscribe(scene, "skus=S");
    int writer = connect_client(scene);
    fake_io_received(io, quick);
    io->clients[slow].takes_nothing = true;
    put_line(scene, writer, scene->names[0][0], 1);
    pass(scene, LOOK_MS);
    assert_reply(scene, quick, "\"available\":2");
    pass(scene, STALL_MS - 2 * LOOK_MS);
    put_line(scene, writer, scene->names[0][0], 2);
    pass(scene, LOOK_MS);
    assert_reply(scene, quick, "\"available\":1");
    assert_int_equal(watchers(scene)->dropped, 0);
    assert_int_equal(watchers(scene)->open, 2);
    pass(scene, SWEEP_MS);
    assert_int_equal(watchers(scene)->dropped, 1);
    assert_int_equal(watchers(scene)->open, 1);
}

static void a_comment_every_fifteen_seconds(void **state)
{
    struct scene *scene = *state;
    struct io *io = io_of(scene, 0);
    int one = subscribe(scene, "skus=S"), other = subscribe(scene, "skus=S");
    for (uint32_t round = 0; round < 3; round++) {
        fake_io_received(io, one);
        fake_io_received(io, other);
        for (uint32_t look = 0; look < COMMENT_LOOKS; look++)
            pass(scene, LOOK_MS);
        assert_int_equal(count_of(fake_io_received(io, one), "\r\n:\n\n\r\n"), 1);
        assert_int_equal(count_of(fake_io_received(io, other), "\r\n:\n\n\r\n"), 1);
    }
}

static void comments_of_a_crowd_do_not_fall_together(void **state)
{
    struct scene *scene = *state;
    int people[8];
    for (uint32_t i = 0; i < 8; i++)
        people[i] = subscribe(scene, "skus=S");
    for (uint32_t i = 0; i < 8; i++)
        fake_io_received(io_of(scene, 0), people[i]);
    for (uint32_t look = 0; look < COMMENT_LOOKS; look++) {
        pass(scene, LOOK_MS);
        uint32_t comments = 0;
        for (uint32_t i = 0; i < 8; i++)
            comments += fake_io_received(io_of(scene, 0), people[i])[0] != 0;
        assert_true(comments <= 1);
    }
}

/* While his first event is under way, between two, while one is under way; by his own end, a broken
 * send, or both. */
static void whoever_leaves_leaves_nothing(void **state)
{
    struct scene *scene = *state;
    struct io *io = io_of(scene, 0);
    int writer = connect_client(scene);
    for (uint32_t way = 0; way < 6; way++) {
        int watcher = connect_client(scene);
        bool opening = way < 2, sending = opening || way >= 4;
        io->clients[watcher].takes_nothing = opening;
        get(scene, watcher, "/v1/availability/stream?skus=S,T", "anybody");
        io->clients[watcher].takes_nothing = sending;
        assert_int_equal(watchers(scene)->open, 1);
        put_line(scene, writer, scene->names[0][0], 1 + way % 2);
        catch_up(scene);
        pass(scene, LOOK_MS);
        assert_true(io->clients[watcher].sent == sending);
        if (way % 2 == 0 || !sending)
            fake_io_hangs_up(io, watcher);
        ticks(scene);
        if (io->clients[watcher].sent)
            fake_io_takes(io, watcher, true);
        ticks(scene);
        assert_empty(scene);
        assert_int_equal(scene->shards[0]->connections.open, 1);
    }
}

static void what_a_watcher_says_is_not_a_request(void **state)
{
    struct scene *scene = *state;
    struct io *io = io_of(scene, 0);
    int watcher = subscribe(scene, "skus=S");
    fake_io_received(io, watcher);
    char more[1024];
    memset(more, 'x', sizeof(more) - 1);
    more[sizeof(more) - 1] = 0;
    fake_io_sends(io, watcher, "GET /livez HTTP/1.1\r\nHost: shop\r\n\r\n");
    ticks(scene);
    assert_nothing(scene, watcher);
    for (uint32_t i = 0; i < 8 && watchers(scene)->open > 0; i++) {
        fake_io_sends(io, watcher, more);
        ticks(scene);
    }
    assert_empty(scene);
}

static void a_full_table_refuses_and_a_place_that_is_free_serves(void **state)
{
    struct scene *scene = *state;
    struct io *io = io_of(scene, 0);
    uint32_t places = watchers(scene)->count;
    int people[FAKE_CLIENTS];
    assert_true(places + 1 < FAKE_CLIENTS);
    for (uint32_t i = 0; i < places; i++) {
        people[i] = subscribe(scene, i % 2 ? "skus=S,T" : "skus=T,S,T");
        assert_reply(scene, people[i], "HTTP/1.1 200 ");
    }
    assert_int_equal(watchers(scene)->selections_used, 1);
    int more = subscribe(scene, "skus=S");
    const char *refusal = fake_io_received(io, more);
    assert_non_null(strstr(refusal, "\"code\":\"capacity_exhausted\""));
    assert_non_null(strstr(refusal, "Retry-After: "));
    fake_io_hangs_up(io, people[0]);
    ticks(scene);
    get(scene, more, "/v1/availability/stream?skus=S", "anybody");
    assert_reply(scene, more, "HTTP/1.1 200 ");
}

/* --- A walk: people come, are told, take it or do not, leave; units go and come back. --- */

struct person {
    uint32_t index;   /* SUBSCRIBER_NONE: not there */
    uint32_t watched; /* bit per SKU */
    bool busy;        /* what he was sent is on its way */
    uint32_t shown[WALK_SKUS];
};

struct walk {
    struct scene *scene;
    struct subscribers *subscribers;
    struct dice dice;
    struct person people[WALK_PEOPLE];
    uint32_t stock[WALK_SKUS];
};

/* Long ones: all of them do not fit into one event. */
static struct bytes walk_sku(uint32_t number)
{
    static char names[WALK_SKUS][SKU_SIZE_MAX + 1];
    int size = snprintf(names[number], sizeof(names[number]), "%063u", number);
    return bytes_of(names[number], (uint32_t)size);
}

/* What an event's text says becomes what the person knows. */
static void hear(struct person *person, const uint8_t *data, uint32_t size)
{
    char text[FIRST_ROOM + 1];
    memcpy(text, data, size);
    text[size] = 0;
    for (uint32_t i = 0; i < WALK_SKUS; i++) {
        char words[96];
        (void)snprintf(words, sizeof(words), "{\"sku\":\"%s\",", (const char *)walk_sku(i).data);
        const char *item = strstr(text, words);
        if (item == NULL)
            continue;
        assert_true(person->watched >> i & 1);
        assert_null(strstr(item + 1, words)); /* once in an event */
        item = strstr(item, "\"available\":");
        person->shown[i] = (uint32_t)strtoul(item + strlen("\"available\":"), NULL, 10);
    }
}

static void come(struct walk *walk, struct person *person)
{
    struct command_item items[WALK_SKUS * 4] = {0};
    uint8_t data[FIRST_ROOM];
    uint32_t count = 1 + dice_below(&walk->dice, 4 * WALK_SKUS);
    person->watched = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = dice_below(&walk->dice, WALK_SKUS);
        if (dice_below(&walk->dice, 3) == 0)
            number %= 2; /* many want the same few, so that selections are shared */
        items[i].sku = walk_sku(number);
        person->watched |= 1U << number;
    }
    struct http_context *context = &walk->scene->shards[0]->http;
    struct sse_event first = sse_begin(data, sizeof(data), true, offer_as_of(context), 0);
    person->index = subscribers_join(walk->subscribers, context, items, count, &first);
    if (person->index == SUBSCRIBER_NONE) {
        assert_int_equal(walk->subscribers->open, walk->subscribers->count);
        return;
    }
    walk->subscribers->subscribers[person->index].connection_index =
        (uint32_t)(person - walk->people);
    assert_int_equal(first.items, __builtin_popcount(person->watched));
    hear(person, data, sse_end(&first));
    person->busy = true;
}

static void move_units(struct walk *walk)
{
    uint32_t number = dice_below(&walk->dice, WALK_SKUS);
    const struct catalog *catalog = &walk->scene->house.shelf.catalog;
    struct stock *stock = &walk->scene->house.shelf.stock;
    uint32_t sku_index = catalog_find(catalog, walk_sku(number));
    if (walk->stock[number] > 0 && dice_below(&walk->dice, 2)) {
        assert_int_equal(stock_take(stock, sku_index, 1), STOCK_TAKEN);
        walk->stock[number]--;
    } else if (walk->stock[number] < 3) {
        stock_give(stock, sku_index, 1);
        walk->stock[number]++;
    }
}

/* As many as are due are told, or only the first few. */
static void tell(struct walk *walk, uint32_t most)
{
    struct http_context *context = &walk->scene->shards[0]->http;
    for (uint32_t told = 0; told < most; told++) {
        uint32_t index = subscribers_next(walk->subscribers);
        if (index == SUBSCRIBER_NONE)
            return;
        struct person *person =
            &walk->people[walk->subscribers->subscribers[index].connection_index];
        assert_int_equal(person->index, index);
        assert_false(person->busy);
        struct bytes bytes = subscribers_write(walk->subscribers, context, index);
        assert_true(bytes.size > 0 && bytes.size <= SUBSCRIBER_BUFFER_SIZE);
        uint32_t before[WALK_SKUS];
        memcpy(before, person->shown, sizeof(before));
        hear(person, bytes.data, bytes.size);
        /* Whatever it says is as it is in this tick, however long it was due (A1). */
        for (uint32_t i = 0; i < WALK_SKUS; i++)
            assert_true(person->shown[i] == before[i] || person->shown[i] == walk->stock[i]);
        person->busy = true;
    }
}

static void look(struct walk *walk)
{
    struct http_context *context = &walk->scene->shards[0]->http;
    subscribers_look(walk->subscribers, context, dice_below(&walk->dice, 2));
    if (dice_below(&walk->dice, 16) == 0)
        subscribers_remind(walk->subscribers, dice_below(&walk->dice, COMMENT_LOOKS));
}

static void step(struct walk *walk)
{
    struct person *person = &walk->people[dice_below(&walk->dice, WALK_PEOPLE)];
    bool there = person->index != SUBSCRIBER_NONE;
    switch (dice_below(&walk->dice, 8)) {
    case 0:
        if (!there)
            come(walk, person);
        break;
    case 1:
        if (there && dice_below(&walk->dice, 3) == 0) {
            subscribers_leave(walk->subscribers, person->index);
            if (walk->subscribers->subscribers[person->index].state == SUBSCRIBER_LEFT)
                subscribers_sent(walk->subscribers, person->index);
            *person = (struct person){.index = SUBSCRIBER_NONE};
        }
        break;
    case 2:
    case 3:
        if (there && person->busy) {
            person->busy = false;
            subscribers_sent(walk->subscribers, person->index);
        }
        break;
    case 4:
        look(walk);
        tell(walk, dice_below(&walk->dice, 4));
        break;
    default:
        /* Now and then all at once: more than an event holds. */
        for (uint32_t left = dice_below(&walk->dice, 16) == 0 ? 100 : 1; left > 0; left--)
            move_units(walk);
    }
    subscribers_check(walk->subscribers);
}

/* Everybody takes everything: then everybody knows the stock. */
static void settle(struct walk *walk)
{
    for (uint32_t round = 0; round < 8; round++) {
        for (uint32_t i = 0; i < WALK_PEOPLE; i++) {
            if (walk->people[i].index != SUBSCRIBER_NONE && walk->people[i].busy)
                subscribers_sent(walk->subscribers, walk->people[i].index);
            walk->people[i].busy = false;
        }
        subscribers_look(walk->subscribers, &walk->scene->shards[0]->http, true);
        tell(walk, UINT32_MAX);
    }
    for (uint32_t i = 0; i < WALK_PEOPLE * WALK_SKUS; i++) {
        const struct person *person = &walk->people[i / WALK_SKUS];
        if (person->index != SUBSCRIBER_NONE && person->watched >> i % WALK_SKUS & 1)
            assert_int_equal(person->shown[i % WALK_SKUS], walk->stock[i % WALK_SKUS]);
    }
}

static void whoever_has_taken_all_knows_the_stock(void **state)
{
    struct scene *scene = *state;
    static struct walk walk;
    walk = (struct walk){
        .scene = scene, .subscribers = watchers(scene), .dice = dice_seeded("subscribers")};
    for (uint32_t i = 0; i < WALK_SKUS; i++) {
        put_on_sale(scene, (const char *)walk_sku(i).data, 3);
        walk.stock[i] = 3;
    }
    for (uint32_t i = 0; i < WALK_PEOPLE; i++)
        walk.people[i].index = SUBSCRIBER_NONE;
    for (uint32_t i = 0; i < WALK_STEPS; i++) {
        step(&walk);
        if (i % 500 == 499)
            settle(&walk);
    }
    for (uint32_t i = 0; i < WALK_PEOPLE; i++) {
        if (walk.people[i].index == SUBSCRIBER_NONE)
            continue;
        if (walk.people[i].busy)
            subscribers_sent(walk.subscribers, walk.people[i].index);
        subscribers_leave(walk.subscribers, walk.people[i].index);
    }
    assert_empty(scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TICK_TEST(first_all_then_what_has_changed),
        TICK_TEST(what_happens_while_an_event_is_on_its_way_comes_in_one),
        TICK_TEST(who_takes_nothing_is_dropped),
        TICK_TEST(a_comment_every_fifteen_seconds),
        TICK_TEST(comments_of_a_crowd_do_not_fall_together),
        TICK_TEST(whoever_leaves_leaves_nothing),
        TICK_TEST(what_a_watcher_says_is_not_a_request),
        TICK_TEST(a_full_table_refuses_and_a_place_that_is_free_serves),
        TICK_TEST(whoever_has_taken_all_knows_the_stock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
