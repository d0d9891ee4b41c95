/* SPDX-License-Identifier: Apache-2.0 */
#include "net/import_verb.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/admin_client.h"

int import_file(const struct config *config, const char *path, bool dry_run, FILE *out)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "hotshelf: %s: %s\n", path, strerror(errno));
        return 1;
    }
    struct admin_call call = {
        .method = "POST",
        .target = dry_run ? "/admin/v1/import?dry_run=true" : "/admin/v1/import",
        .type = "text/csv",
        .body = file,
    };
    struct admin_reply reply;
    char error[ADMIN_ERROR_SIZE];
    bool answered = admin_call(config, &call, &reply, error);
    fclose(file);
    if (!answered) {
        fprintf(stderr, "hotshelf: %s\n", error);
        return 1;
    }
    bool good = reply.status == 200;
    fprintf(good ? out : stderr, "%s\n", reply.body);
    free(reply.body);
    return good ? 0 : 1;
}
