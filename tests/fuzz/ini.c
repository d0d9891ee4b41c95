/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration under libFuzzer: whatever is read is in range, and comes back unchanged when
 * its values are written and read again. */
#include "core/check.h"
#include "net/config.h"
#include "net/http/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const struct config *config)
{
    static struct config again;
    again = *config;
    for (uint32_t i = 0; i < config_key_count; i++) {
        char text[512], reason[256];
        if (config_keys[i].kind == CONFIG_SECRET)
            continue;
        config_format_value(config, &config_keys[i], text, sizeof text);
        CHECK(config_parse_value(&again, &config_keys[i], text, reason, sizeof reason));
    }
    CHECK(memcmp(&again, config, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config config;
    struct config_error error = {.text = ""};
    if (size > 4096)
        return 0;
    config_defaults(&config);
    if (config_read_text(&config, "fuzz.ini", bytes_of(data, (uint32_t)size), &error)) {
        check_values(&config);
        if (!config_check(&config, &error))
            CHECK(error.text[0] != 0);
    } else {
        CHECK(error.text[0] != 0);
    }
    char assignment[256] = "";
    uint32_t taken = size < sizeof assignment - 1 ? (uint32_t)size : sizeof assignment - 1;
    memcpy(assignment, data, taken);
    config_set(&config, assignment, &error);
    return 0;
}
