/* SPDX-License-Identifier: Apache-2.0 */
/* A sale as it was put: another may be under way already, so it is written from the command. And
 * one that is removed, or why it is not. */
#include "core/check.h"
#include "core/sale_json.h"
#include "net/http/render.h"

static void render_removed(struct http_context *context, struct request *request)
{
    const struct head head = {.status = 204, .type = HEAD_NO_BODY, .cache = HEAD_PRIVATE_NO_STORE};
    head_put(context, request, &head, 0);
}

void render_sale(struct http_context *context, struct request *request, const struct answer *answer)
{
    const struct command *command = &request->work->command;
    if (command->kind == COMMAND_SALE_REMOVE) {
        render_removed(context, request);
        return;
    }
    const struct sale sale = sale_of_image(command->sale_image, 0, answer->version);
    struct json_writer json = head_body(request);
    CHECK(answer->version != 0);
    json_open_object(&json);
    sale_json_put_members(&json, command->sale, &sale);
    json_close_object(&json);
    render_end(context, request, &json,
        (struct head){.status = answer->created ? 201 : 200,
            .etag = HEAD_ETAG_VERSION,
            .etag_hash = answer->version});
}

const char *render_removal_detail(const struct answer *answer)
{
    if (answer->outcome != OUTCOME_VERSION_CONFLICT)
        return NULL;
    if (answer->removable_wall_ms == 0)
        return "Another sale is being removed, or an import is under way; try again.";
    if (answer->removable_wall_ms == INT64_MAX)
        return "The sale has no end; it is kept until a day after it.";
    return "The sale is kept until a day after its end, and while something of it is needed.";
}

void render_removal_members(struct json_writer *json, const struct answer *answer)
{
    const struct removal_counts *counts = &answer->removal;
    int64_t then = answer->removable_wall_ms;
    if (answer->outcome != OUTCOME_VERSION_CONFLICT || then == 0)
        return;
    json_put_member_time(json, "removable_at", then == INT64_MAX ? 0 : then);
    json_put_name(json, "kept_by");
    json_open_object(json);
    json_put_member_integer(json, "orders_not_final", counts->not_final);
    json_put_member_integer(json, "orders_not_streamed", counts->not_streamed);
    json_put_member_integer(json, "orders_shared", counts->shared);
    json_put_member_integer(json, "reservations", counts->held);
    json_close_object(json);
}
