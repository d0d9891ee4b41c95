/* SPDX-License-Identifier: Apache-2.0 */
#include "core/check.h"
#include "core/engine.h"
#include "net/http/render.h"

enum { SWITCH_ITEM_SIZE_MAX = 192 + SWITCH_SCOPE_SIZE_MAX + ACTOR_SIZE_MAX, LIST_SIZE_MIN = 128 };

/* Escapes in names of sales may make it larger than this: then the list is refused as too large. */
_Static_assert(LIST_SIZE_MIN + SWITCHES_MAX * (int)SWITCH_ITEM_SIZE_MAX <=
                   (int)REQUEST_REPLY_LARGE - (int)REQUEST_HEAD_SIZE,
    "the full list of names without escapes fits");

static void put_scope(struct json_writer *json, uint8_t scope, struct bytes name)
{
    uint8_t text[SWITCH_SCOPE_SIZE_MAX];
    uint32_t size = switches_scope_text(scope, name, text);
    json_put_member_string(json, "scope", bytes_of(text, size));
}

void render_switch(
    struct http_context *context, struct request *request, const struct answer *answer)
{
    const struct command *command = &request->work->command;
    struct json_writer json = head_body(request);
    json_open_object(&json);
    put_scope(&json, command->switch_scope,
        command->switch_scope == SCOPE_SALE ? command->sale : command->sku);
    json_put_member_string(&json, "state", switches_name(answer->switched));
    if (command->switch_action == SWITCH_KILL) {
        json_put_member_integer(&json, "released", (int64_t)answer->released);
        json_put_member_integer(&json, "cancelled", (int64_t)answer->cancelled);
    }
    json_close_object(&json);
    render_end(context, request, &json, (struct head){.status = 200});
}

static struct bytes name_of(const struct catalog *catalog, const struct switch_entry *entry)
{
    if (entry->scope == SCOPE_SALE)
        return catalog_name(catalog, entry->number);
    if (entry->scope == SCOPE_SKU)
        return catalog_sku(catalog, catalog_find_number(catalog, entry->number));
    return (struct bytes){0};
}

static void put_entry(const struct http_context *context, struct json_writer *json, uint32_t index)
{
    const struct switches *switches = &context->shelf->switches;
    const struct switch_entry *entry = &switches->entries[index];
    uint64_t released, cancelled;
    json_open_object(json);
    put_scope(json, entry->scope, name_of(&context->shelf->catalog, entry));
    json_put_member_string(json, "state", switches_name(entry->state));
    json_put_member_string(json, "actor", bytes_of(entry->actor, entry->actor_size));
    json_put_member_time(json, "since", entry->since_wall_ms);
    uint32_t kill = atomic_load(&entry->kill);
    if (kill != 0 && switches_kill_totals(switches, kill, &released, &cancelled)) {
        json_put_member_boolean(
            json, "under_way", switches_kill_is_under_way(switches, index, context->shard_count));
        json_put_member_integer(json, "released", (int64_t)released);
        json_put_member_integer(json, "cancelled", (int64_t)cancelled);
    }
    json_close_object(json);
}

uint32_t render_switches_bound(void)
{
    return LIST_SIZE_MIN + SWITCHES_MAX * SWITCH_ITEM_SIZE_MAX;
}

/* What has been decided, durable or not: the reply waits for it. */
void render_switches(struct http_context *context, struct request *request)
{
    const struct switches *switches = &context->shelf->switches;
    CHECK(context->shard == 0);
    struct json_writer json = head_body(request);
    json_open_object(&json);
    json_put_member_boolean(&json, "frozen", context->now.frozen != 0);
    json_put_name(&json, "items");
    json_open_array(&json);
    for (uint32_t i = 0; i < SWITCHES_MAX; i++) {
        if (switches->entries[i].scope != 0)
            put_entry(context, &json, i);
    }
    json_close_array(&json);
    json_close_object(&json);
    render_end(context, request, &json, (struct head){.status = 200});
}

const char *render_switch_detail(enum outcome outcome)
{
    if (outcome == OUTCOME_INVALID)
        return "No sale has this name.";
    if (outcome == OUTCOME_VERSION_CONFLICT)
        return "The kill of this scope is still giving units back; resume when it has answered.";
    return NULL;
}
