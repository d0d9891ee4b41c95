/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of some columns of a product: the members sent are laid over the product as it is, and
 * the whole goes to the engine with the version it was made from, so that no other change is lost.
 *
 *     prices  what it costs, by currency      currency  which of them is its own
 *     price   the amount in its own
 *
 * A new own currency needs a price: `price`, or one in prices. The one before it stays in prices
 * unless these are sent without it. All that is wrong is told in one reply.
 */
#include "core/check.h"
#include "core/currency.h"
#include "core/rfc3339.h"
#include "net/http/decode.h"
#include "net/http/product.h"

_Static_assert(SKU_SIZE_MAX + 6 * NAME_SIZE_MAX + 2 * TITLE_SIZE_MAX <= (int)REQUEST_TEXT_SIZE,
    "the slot keeps the texts of a whole product, and who changes it");

static uint32_t member(const struct decoder *decoder, const char *name)
{
    return json_member(&decoder->json, JSON_ROOT, bytes_of_string(name));
}

static bool is_null(const struct decoder *decoder, uint32_t token)
{
    return json_type_of(&decoder->json, token) == JSON_NULL;
}

static void patch_title(struct decoder *decoder, struct bytes *title)
{
    uint32_t token = member(decoder, "title");
    struct bytes text;
    if (token == JSON_NONE || !json_read_string(&decoder->json, token, 1, TITLE_SIZE_MAX, &text))
        return;
    if (catalog_title_is_valid(text))
        *title = text;
    else
        json_add_fault(&decoder->json, token, JSON_FAULT_VALUE, "has control characters");
}

/* What is required cannot be null: reading it as a string says so. */
static void patch_name(struct decoder *decoder, const char *name, uint32_t size_max,
    bool is_required, struct bytes *value)
{
    uint32_t token = member(decoder, name);
    struct bytes text;
    if (token == JSON_NONE)
        return;
    if (is_null(decoder, token) && !is_required) {
        *value = (struct bytes){0};
        return;
    }
    if (!json_read_string(&decoder->json, token, 1, size_max, &text))
        return;
    if (catalog_name_is_valid(text, 1, size_max))
        *value = text;
    else
        json_add_fault(&decoder->json, token, JSON_FAULT_VALUE, "has control characters");
}

static void patch_number(struct decoder *decoder, const char *name, uint32_t max, uint32_t *number)
{
    uint32_t token = member(decoder, name);
    if (token == JSON_NONE)
        return;
    if (is_null(decoder, token))
        *number = 0;
    else
        json_read_uint32(&decoder->json, token, 1, max, number);
}

static void patch_time(struct decoder *decoder, const char *name, int64_t *wall_ms)
{
    uint32_t token = member(decoder, name);
    struct bytes text;
    int64_t read_ms;
    if (token == JSON_NONE)
        return;
    if (is_null(decoder, token))
        *wall_ms = 0;
    else if (!json_read_string(&decoder->json, token, 1, 64, &text))
        return;
    else if (rfc3339_read(text, &read_ms) && read_ms > 0)
        *wall_ms = read_ms;
    else
        json_add_fault(&decoder->json, token, JSON_FAULT_VALUE,
            "must be a time with its offset, as 2026-11-27T09:00:00Z");
}

static void patch_reserve_on(struct decoder *decoder, uint8_t *reserve_on)
{
    static const char *const choices[] = {"cart", "checkout"};
    _Static_assert(RESERVE_CART == 1 && RESERVE_CHECKOUT == 2, "choices stand in their order");
    uint32_t token = member(decoder, "reserve_on"), choice;
    if (token == JSON_NONE)
        return;
    if (is_null(decoder, token))
        *reserve_on = RESERVE_UNSET;
    else if (json_read_choice(&decoder->json, token, choices, 2, &choice))
        *reserve_on = (uint8_t)(choice + RESERVE_CART);
}

/* False: there is no room for one more currency. */
static bool set_price(struct product_image *image, const uint8_t currency[4], int64_t amount)
{
    uint32_t at = product_price_at(image, currency);
    if (at == PRICES_MAX) {
        if (image->price_count == PRICES_MAX)
            return false;
        at = image->price_count++;
    }
    memcpy(image->prices[at].currency, currency, 4);
    image->prices[at].amount = amount;
    return true;
}

static void read_prices(struct decoder *decoder, uint32_t object, struct product_image *sent)
{
    struct json_document *json = &decoder->json;
    for (uint32_t at = json_first(json, object); at != JSON_NONE; at = json_next(json, at)) {
        struct bytes name =
            bytes_of(json->text.data + json->tokens[at].start, json->tokens[at].size);
        uint8_t currency[4];
        int64_t amount = 0;
        if (!currency_find(name, currency))
            json_add_fault(json, at + 1, JSON_FAULT_VALUE,
                "must be named by a currency code of ISO 4217, in capital letters");
        else if (json_read_int64(json, at + 1, 0, INT64_MAX, &amount) &&
                 !set_price(sent, currency, amount))
            json_add_fault(json, at + 1, JSON_FAULT_SIZE, "is one currency too many");
    }
}

/* Those that stay keep their order, so that the same prices again are no change. */
static void patch_all_prices(struct decoder *decoder, uint32_t object, struct product_image *image)
{
    struct product_image sent = {0};
    if (!is_null(decoder, object)) {
        if (!json_expect(&decoder->json, object, JSON_OBJECT))
            return;
        read_prices(decoder, object, &sent);
    }
    uint32_t kept = 0;
    for (uint32_t i = 0; i < image->price_count; i++) {
        uint32_t at = product_price_at(&sent, image->prices[i].currency);
        if (at != PRICES_MAX)
            image->prices[kept++] = sent.prices[at];
    }
    image->price_count = (uint8_t)kept;
    for (uint32_t i = 0; i < sent.price_count; i++)
        set_price(image, sent.prices[i].currency, sent.prices[i].amount);
}

/* prices[0] is the product's own. */
static void bring_to_front(struct product_image *image, uint32_t at)
{
    const struct product_image before = *image;
    CHECK(at < image->price_count);
    image->prices[0] = before.prices[at];
    for (uint32_t i = 0; i < at; i++)
        image->prices[i + 1] = before.prices[i];
}

static void patch_prices(struct decoder *decoder, struct product_image *image)
{
    struct json_document *json = &decoder->json;
    const struct product_image before = *image;
    uint32_t prices = member(decoder, "prices"), price = member(decoder, "price");
    uint8_t currency[4];
    int64_t amount = before.prices[0].amount;
    memcpy(currency, before.prices[0].currency, 4);
    decode_currency(decoder, member(decoder, "currency"), currency);
    if (prices != JSON_NONE)
        patch_all_prices(decoder, prices, image);
    if (price != JSON_NONE && !json_read_int64(json, price, 0, INT64_MAX, &amount))
        return;
    uint32_t at = product_price_at(image, currency);
    bool is_known = at != PRICES_MAX;
    if (price != JSON_NONE && prices != JSON_NONE && is_known && image->prices[at].amount != amount)
        json_add_fault(json, price, JSON_FAULT_VALUE, "is another one than prices has");
    if (price == JSON_NONE && !is_known && memcmp(currency, before.prices[0].currency, 3) != 0)
        decode_fault(decoder, "price", "must be sent: there is none yet in the new currency");
    if ((price != JSON_NONE || !is_known) && !set_price(image, currency, amount))
        decode_fault(decoder, "currency", "is one currency too many");
    else
        bring_to_front(image, product_price_at(image, currency));
}

static void patch_times(struct decoder *decoder, struct product_image *image)
{
    uint32_t faults_before = decoder->faults->count;
    patch_time(decoder, "starts_at", &image->starts_wall_ms);
    patch_time(decoder, "ends_at", &image->ends_wall_ms);
    bool are_times = decoder->faults->count == faults_before;
    if (are_times && image->ends_wall_ms != 0 && image->ends_wall_ms <= image->starts_wall_ms)
        decode_fault(decoder, "ends_at", "must be later than starts_at");
}

static void patch(struct decoder *decoder, struct product_image *image)
{
    static const char *const names[] = {"title", "category", "seller", "price", "currency",
        "prices", "group", "option", "image", "max_per_customer", "sale", "starts_at", "ends_at",
        "reserve_on", "hold_seconds"};
    json_refuse_unknown(&decoder->json, JSON_ROOT, names, sizeof(names) / sizeof(names[0]));
    patch_title(decoder, &image->title);
    patch_name(decoder, "category", NAME_SIZE_MAX, true, &image->category);
    patch_name(decoder, "seller", NAME_SIZE_MAX, true, &image->seller);
    patch_name(decoder, "group", NAME_SIZE_MAX, false, &image->group);
    patch_name(decoder, "option", NAME_SIZE_MAX, false, &image->option);
    patch_name(decoder, "image", TITLE_SIZE_MAX, false, &image->image);
    patch_name(decoder, "sale", NAME_SIZE_MAX, false, &image->sale);
    patch_number(decoder, "max_per_customer", UINT32_MAX, &image->max_per_customer);
    patch_number(decoder, "hold_seconds", CATALOG_HOLD_SECONDS_MAX, &image->hold_seconds);
    patch_reserve_on(decoder, &image->reserve_on);
    patch_prices(decoder, image);
    patch_times(decoder, image);
}

/* The product as it is, still borrowed from what was read of it; false: refused. */
static bool find_product(
    struct decoder *decoder, struct product_terms *terms, struct product_texts *texts)
{
    const struct catalog *catalog = &decoder->context->shelf->catalog;
    uint32_t sku_index = catalog_find(catalog, decoder->request->work->command.sku);
    if (sku_index == SKU_NONE)
        return decode_refuse(decoder, PROBLEM_NOT_FOUND, "There is no such product.");
    catalog_terms(catalog, sku_index, terms);
    catalog_texts(catalog, sku_index, texts);
    if (decode_is_stale(decoder, terms->version))
        return decode_refuse(decoder, PROBLEM_STALE_VERSION,
            "If-Match names the version of the product in quotes, and it has another one now.");
    return true;
}

static void keep_texts(struct decoder *decoder, struct product_image *image)
{
    struct bytes *texts[] = {&image->title, &image->category, &image->seller, &image->sale,
        &image->group, &image->option, &image->image};
    for (uint32_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = decode_keep(decoder, *texts[i]);
}

bool decode_product_patch(struct decoder *decoder)
{
    struct command *command = &decoder->request->work->command;
    struct product_image *image = &decoder->request->work->product;
    struct product_terms terms;
    struct product_texts texts;
    CHECK(decoder->context->shard == 0); /* so that nothing changes before the command has run */
    command->kind = COMMAND_PRODUCT_SET;
    command->actor = decode_keep(decoder, decoder->caller.actor);
    if (!decode_take_sku(decoder) || !decode_body(decoder) ||
        !find_product(decoder, &terms, &texts))
        return false;
    product_describe(&decoder->context->shelf->catalog, &terms, &texts, image);
    image->sku = command->sku;
    image->expected_version = terms.version;
    patch(decoder, image);
    keep_texts(decoder, image);
    command->product = image;
    return decode_end(decoder);
}
