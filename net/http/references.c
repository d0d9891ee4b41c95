/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/references.h"

#include "core/check.h"
#include "core/json_writer.h"
#include "net/http/decode.h"

bool references_name_is_valid(struct bytes name)
{
    for (uint32_t i = 0; i < name.size; i++) {
        uint8_t byte = name.data[i];
        if (byte != '_' && (byte < 'a' || byte > 'z'))
            return false;
    }
    return name.size >= 1 && name.size <= REFERENCE_NAME_SIZE_MAX;
}

static bool name_before(struct bytes a, struct bytes b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order != 0 ? order < 0 : a.size < b.size;
}

enum reference_fault references_add(
    struct references *references, struct bytes name, struct bytes value)
{
    CHECK(value.size <= REFERENCE_VALUE_SIZE_MAX);
    if (!references_name_is_valid(name))
        return REFERENCE_NAME;
    for (uint32_t i = 0; i < references->count; i++) {
        if (bytes_equal(references->list[i].name, name))
            return REFERENCE_TWICE;
    }
    if (decode_has_card_number(value))
        return REFERENCE_CARD_NUMBER;
    if (references->count == REFERENCES_MAX)
        return REFERENCE_TOO_MANY;
    uint32_t at = references->count++;
    for (; at > 0 && name_before(name, references->list[at - 1].name); at--)
        references->list[at] = references->list[at - 1];
    references->list[at].name = name;
    references->list[at].value = value;
    return REFERENCE_ADDED;
}

uint32_t references_write(const struct references *references, uint8_t text[REFERENCES_SIZE_MAX])
{
    struct json_writer writer = json_writer_of(text, REFERENCES_SIZE_MAX);
    json_open_object(&writer);
    for (uint32_t i = 0; i < references->count; i++) {
        struct bytes name = references->list[i].name;
        char terminated[REFERENCE_NAME_SIZE_MAX + 1] = {0};
        memcpy(terminated, name.data, name.size);
        json_put_member_string(&writer, terminated, references->list[i].value);
    }
    json_close_object(&writer);
    return writer.overflow ? 0 : writer.size;
}
