/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/identity.h"

#include "core/check.h"
#include "net/http/syntax.h"

bool identity_customer_is_valid(struct bytes customer)
{
    return customer.size >= 1 && customer.size <= CUSTOMER_SIZE_MAX && http_is_printable(customer);
}

static enum identity_answer unknown(const char **reason, const char *sentence)
{
    *reason = sentence;
    return IDENTITY_UNKNOWN;
}

enum identity_answer identity_of_storefront(
    const struct http_request *parsed, struct caller *caller, const char **reason)
{
    *caller = (struct caller){.role = ROLE_CUSTOMER};
    if (http_repeated(parsed, HTTP_FIELD_X_CUSTOMER_ID) || http_repeated(parsed, HTTP_FIELD_X_ROLE))
        return unknown(reason, "X-Customer-Id and X-Role may each be sent once.");
    if (http_has(parsed, HTTP_FIELD_X_ROLE)) {
        struct bytes role = parsed->field[HTTP_FIELD_X_ROLE];
        if (bytes_equal(role, BYTES("service")))
            caller->role = ROLE_SERVICE;
        else if (!bytes_equal(role, BYTES("customer")))
            return unknown(reason, "X-Role is customer or service.");
    }
    if (!http_has(parsed, HTTP_FIELD_X_CUSTOMER_ID)) {
        if (caller->role == ROLE_SERVICE)
            return IDENTITY_KNOWN;
        return unknown(reason, "Send the customer in X-Customer-Id.");
    }
    caller->customer = parsed->field[HTTP_FIELD_X_CUSTOMER_ID];
    if (!identity_customer_is_valid(caller->customer))
        return unknown(reason, "X-Customer-Id is 1 to 127 bytes of printable ASCII.");
    return IDENTITY_KNOWN;
}

bool identity_take_bearer(struct bytes field, struct bytes *token)
{
    static const char scheme[] = "bearer ";
    const uint32_t scheme_size = sizeof(scheme) - 1;
    if (field.size <= scheme_size || !http_equals_ignoring_case(field.data, scheme, scheme_size))
        return false;
    *token = bytes_of(field.data + scheme_size, field.size - scheme_size);
    return true;
}

enum identity_answer identity_of_admin(const struct identity *identity,
    const struct http_request *parsed, struct caller *caller, const char **reason)
{
    struct bytes given;
    *caller = (struct caller){.role = ROLE_NONE};
    if (http_repeated(parsed, HTTP_FIELD_AUTHORIZATION))
        return unknown(reason, "Authorization may be sent once.");
    if (!http_has(parsed, HTTP_FIELD_AUTHORIZATION) ||
        !identity_take_bearer(parsed->field[HTTP_FIELD_AUTHORIZATION], &given))
        return unknown(reason, "Send a token of admin_tokens_file as Authorization: Bearer TOKEN.");
    const struct token *token = tokens_find(&identity->admins, given);
    if (token == NULL)
        return unknown(reason, "The token is not in admin_tokens_file.");
    caller->role = token->role;
    caller->actor = bytes_of(token->name, token->name_size);
    return IDENTITY_KNOWN;
}
