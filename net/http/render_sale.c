/* SPDX-License-Identifier: Apache-2.0 */
/* A sale as it was put: another may be under way already, so it is written from the command. */
#include "core/check.h"
#include "core/sale_json.h"
#include "net/http/render.h"

void render_sale(struct http_context *context, struct request *request, const struct answer *answer)
{
    const struct command *command = &request->command;
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
