/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stream means for the journals: they keep what PostgreSQL does not have, and the first of
 * them notes which PostgreSQL that is.
 */
#include "core/restate.h"
#include "tests/simulate/node.h"

/* As the server's shard 0 notes its first contact. In a walk images would come before it. */
static void note_contact(struct node *node)
{
    uint64_t system_id = stream_system_id(node->streaming->stream);
    if (node->met != 0 || system_id == 0 || restate_is_under_way(node->shop->engines[0]) ||
        !journal_room(&node->journals[0]))
        return;
    struct event event = {.kind = EVENT_STREAM_ATTACHED};
    event.fact.mark =
        (struct fact_mark){.system_id = system_id, .now_wall_ms = node->shop->now.wall_ms};
    walker_record(&node->walkers[0], &event);
    node->met = system_id;
}

/* Whether a journal is soon full of what PostgreSQL does not have. */
bool node_is_short(const struct node *node)
{
    uint64_t whole =
        node->directory.geometry.segments * (uint64_t)journal_segment_room(&node->journals[0]);
    for (uint32_t i = 0; i < node->shop->shards; i++)
        if (journal_bytes_left(&node->journals[i]) < whole / 3)
            return true;
    return false;
}

/* The stream number of the oldest event that a journal still has. */
static uint64_t oldest_seq(const struct node *node, uint32_t shard)
{
    const struct segment_map *map = &node->journals[shard].ring.map;
    uint32_t oldest = segment_map_oldest(map);
    uint64_t seq = map->slots[segment_map_find(map, oldest) - 1].first_seq;
    if (oldest == 1)
        return 1;
    return seq == 0 ? UINT64_MAX : seq;
}

/* Only if the journals still have what the replica lacks; and before they use that room again. */
static const char *fail_over(struct node *node)
{
    for (uint32_t i = 0; i < node->shop->shards; i++)
        if (node->streaming->postgres->replica.positions[i].seq + 1 < oldest_seq(node, i))
            return NULL;
    postgres_sim_fail_over(node->streaming->postgres);
    return streaming_catch_up(node->streaming);
}

static void stream_is(struct node *node, const char *wrong)
{
    if (wrong == NULL)
        return;
    stream_problem(node->streaming->stream, node->error);
    node_fail(node, wrong);
}

/* The directory of now is copied, to be put back one day. */
static void keep_old(struct node *node)
{
    if (node->old == NULL)
        node->old = disk_sim_create(dice_next(&node->dice));
    disk_sim_copy(node->old, node->disk);
}

void node_stream(struct node *node)
{
    disk_sim_use(node->disk);
    const char *wrong = streaming_turn(node->streaming);
    if (wrong == NULL && node_is_short(node))
        wrong = streaming_catch_up(node->streaming);
    if (wrong == NULL && dice_below(&node->dice, 200) == 0)
        wrong = fail_over(node);
    stream_is(node, wrong);
    note_contact(node);
    if (dice_below(&node->dice, 500) == 0)
        keep_old(node);
}

void node_catch_up(struct node *node)
{
    disk_sim_use(node->disk);
    stream_is(node, streaming_catch_up(node->streaming));
    for (uint32_t i = 0; i < node->shop->shards; i++)
        journal_look_ahead(&node->journals[i]);
}

void node_judge_stream(struct node *node)
{
    node_catch_up(node);
    stream_is(node, streaming_judge(node->streaming));
}
