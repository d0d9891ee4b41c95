/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of [auth], but for the key of guests, which may stand in the data directory.
 */
#include "net/config.h"
#include "net/http/identity.h"

int identity_load(
    struct identity *identity, const struct config *config, char *error, uint32_t error_size)
{
    int result = tokens_load(&identity->admins, TOKENS_OF_ADMINS, "auth.admin_tokens_file",
        config->auth.admin_tokens_file, error, error_size);
    if (result == 0)
        result = tokens_load(&identity->services, TOKENS_OF_SERVICES, "auth.service_tokens_file",
            config->auth.service_tokens_file, error, error_size);
    if (result == 0)
        result = jwt_secrets_load(&identity->jwt, config->auth.jwt_secret_file, error, error_size);
    if (result == 0)
        result = jwt_public_keys_load(
            &identity->jwt, config->auth.jwt_public_key_file, error, error_size);
    if (result == 0)
        result = hmac_keys_load(&identity->webhooks, "auth.webhook_secret_file",
            config->auth.webhook_secret_file, error, error_size);
    return result;
}
