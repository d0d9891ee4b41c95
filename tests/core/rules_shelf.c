/* SPDX-License-Identifier: Apache-2.0 */
/* What a merchant does to the shelf and sees of it, and what everybody sees. */
#include <stdio.h>
#include <string.h>

#include "core/check.h"
#include "core/currency.h"
#include "net/http/offer.h"
#include "net/http/product.h"
#include "tests/core/rules_play.h"

static void read_price(const struct table_line *line, struct product_image *image,
    const char *decimal, const char *currency)
{
    uint8_t code[4];
    int64_t amount;
    if (!currency_find(bytes_of_string(currency), code) ||
        currency_amount_read(bytes_of_string(decimal), code, &amount) != CURRENCY_AMOUNT_READ)
        line_fail(line, "'%s %s' is not a price", decimal, currency);
    CHECK(image->price_count < PRICES_MAX);
    memcpy(image->prices[image->price_count].currency, code, 4);
    image->prices[image->price_count++].amount = amount;
}

/* "USD:12.99;JPY:1800" */
static void read_prices(
    const struct table_line *line, struct product_image *image, const char *prices)
{
    char copy[256];
    char *rest = NULL;
    (void)snprintf(copy, sizeof(copy), "%s", prices);
    for (char *price = strtok_r(copy, ";", &rest); price != NULL;
         price = strtok_r(NULL, ";", &rest)) {
        char *colon = strchr(price, ':');
        if (colon == NULL)
            line_fail(line, "'%s' is not a price", price);
        *colon = 0;
        read_price(line, image, colon + 1, price);
    }
}

static void read_name(struct table_line *line, const char *option, struct bytes *name)
{
    const char *word = line_option(line, option);
    if (word != NULL)
        *name = bytes_of_string(word);
}

static void read_terms(struct play *play, struct table_line *line, struct product_image *image)
{
    const char *word = line_option(line, "max");
    if (word != NULL)
        image->max_per_customer = strcmp(word, "none") == 0 ? 0 : (uint32_t)line_number(line, word);
    if ((word = line_option(line, "hold")) != NULL)
        image->hold_seconds = (uint32_t)(line_duration(line, word) / 1000);
    if ((word = line_option(line, "reserve_on")) != NULL)
        image->reserve_on = strcmp(word, "cart") == 0 ? RESERVE_CART : RESERVE_CHECKOUT;
    if ((word = line_option(line, "starts")) != NULL)
        image->starts_wall_ms = play_time(play, line, word);
    if ((word = line_option(line, "ends")) != NULL)
        image->ends_wall_ms = play_time(play, line, word);
    read_name(line, "sale", &image->sale);
    read_name(line, "seller", &image->seller);
    read_name(line, "group", &image->group);
}

static void set_product(struct play *play, const struct product_image *image, struct seen *seen)
{
    struct command command = {
        .kind = COMMAND_PRODUCT_SET,
        .role = ROLE_OPERATOR,
        .product = image,
        .actor = BYTES("tests"),
    };
    if (!play_run(play, &command, seen))
        return;
    const struct answer *answer = &play->shop.answer;
    seen_word(seen, answer->created ? "created" : answer->unchanged ? "unchanged" : "updated");
    seen_number(seen, "stock_ignored", answer->stock_ignored);
    seen_number(seen, "version", answer->version);
}

void play_stock(struct play *play, struct table_line *line, struct seen *seen)
{
    struct product_image image = {
        .title = BYTES("A thing"),
        .category = BYTES("things"),
        .seller = BYTES("seller-1"),
    };
    const char *price = line_option(line, "price"), *currency = line_option(line, "currency");
    read_price(line, &image, price == NULL ? "1.00" : price, currency == NULL ? "GBP" : currency);
    if ((price = line_option(line, "prices")) != NULL)
        read_prices(line, &image, price);
    read_terms(play, line, &image);
    image.sku = bytes_of_string(line_word(line));
    image.stock = (uint32_t)line_number(line, line_word(line));
    set_product(play, &image, seen);
}

static uint32_t find(const struct play *play, const struct table_line *line, const char *sku)
{
    uint32_t sku_index = catalog_find(&play->shop.shelf->catalog, bytes_of_string(sku));
    if (sku_index == SKU_NONE)
        line_fail(line, "there is no product %s", sku);
    return sku_index;
}

void play_change(struct play *play, struct table_line *line, struct seen *seen)
{
    const struct catalog *catalog = &play->shop.shelf->catalog;
    struct product_terms terms;
    struct product_texts texts;
    struct product_image image;
    const char *price = line_option(line, "price"), *prices = line_option(line, "prices");
    const char *sku = NULL;
    for (uint32_t i = 1; i < line->word_count && sku == NULL; i++)
        sku = line->used[i] ? NULL : line->words[i];
    CHECK(sku != NULL);
    uint32_t sku_index = find(play, line, sku);
    catalog_terms(catalog, sku_index, &terms);
    catalog_texts(catalog, sku_index, &texts);
    product_describe(catalog, &terms, &texts, &image);
    read_terms(play, line, &image);
    (void)line_word(line); /* the SKU */
    if (price != NULL) {
        char own[4] = {0};
        struct product_image read = {0};
        memcpy(own, image.prices[0].currency, 3);
        read_price(line, &read, price, own);
        image.prices[0].amount = read.prices[0].amount;
    }
    if (prices != NULL) {
        image.price_count = 1;
        read_prices(line, &image, prices);
    }
    set_product(play, &image, seen);
    if (seen->is_success)
        seen_word(seen, "ok");
}

static void see_numbers(struct seen *seen, const struct answer *answer)
{
    seen_number(seen, "allotment", answer->allotment);
    seen_number(seen, "available", answer->stock_available);
    seen_number(seen, "held", answer->held);
    seen_number(seen, "sold", answer->sold);
}

/* allot S1 +2 | allot S1 to 9 was 5 */
void play_allot(struct play *play, struct table_line *line, struct seen *seen)
{
    struct command command = {
        .kind = COMMAND_STOCK_CHANGE,
        .role = ROLE_OPERATOR,
        .key = play_key(play, line),
        .actor = BYTES("tests"),
        .stock_floor = line_flag(line, "floor"),
    };
    const char *to = line_option(line, "to"), *was = line_option(line, "was");
    command.sku = bytes_of_string(line_word(line));
    command.stock_set = to != NULL;
    if (to != NULL && was == NULL) { /* what the decoder answers */
        seen_word(seen, "invalid");
        return;
    }
    if (to != NULL) {
        command.stock_value = (uint32_t)line_number(line, to);
        command.stock_compare = (uint32_t)line_number(line, was);
    } else {
        command.stock_delta = line_number(line, line_word(line));
    }
    if (!play_run(play, &command, seen))
        return;
    const struct answer *answer = &play->shop.answer;
    seen_word(seen, "ok");
    seen->is_replayed = answer->replayed;
    see_numbers(seen, answer);
    seen_number(seen, "short", answer->short_units);
}

void play_numbers(struct play *play, struct table_line *line, struct seen *seen)
{
    struct command command = {
        .kind = COMMAND_STOCK_READ, .role = ROLE_OPERATOR, .sku = bytes_of_string(line_word(line))};
    if (play_run(play, &command, seen))
        see_numbers(seen, &play->shop.answer);
}

static struct http_context context_of(struct play *play)
{
    struct http_context context = {.shelf = play->shop.shelf, .now = play->shop.now};
    context.now.frozen = switches_frozen(&play->shop.shelf->switches);
    return context;
}

static void see_offer(
    const struct play *play, struct seen *seen, struct bytes what, const struct offer *offer)
{
    int64_t now = play->shop.now.wall_ms;
    if (!offer->is_hidden)
        seen_number_of(seen, what, "available", offer->available);
    if (offer->next_release_wall_ms != 0)
        seen_number_of(seen, what, "next_release_in", offer->next_release_wall_ms - now);
    if (offer->starts_wall_ms != 0)
        seen_number_of(seen, what, "starts_in", offer->starts_wall_ms - now);
}

void play_look(struct play *play, struct table_line *line, struct seen *seen)
{
    struct http_context context = context_of(play);
    bool only_available = line_flag(line, "only_available");
    uint32_t count = 0;
    bool several = line->word_count > 2;
    while (line_has_more(line)) {
        struct bytes sku = bytes_of_string(line_word(line));
        struct offer offer = offer_find(&context, sku);
        struct bytes status = offer_status_name(offer.status);
        if (only_available && offer.status != OFFER_AVAILABLE)
            continue;
        count++;
        if (several)
            seen_text_of(seen, sku, "", status);
        else
            seen_text(seen, "status", status);
        see_offer(play, seen, several ? sku : (struct bytes){0}, &offer);
    }
    seen->is_success = true;
    seen_number(seen, "count", count);
    if (!several)
        seen_word(seen, seen->fields[0].value);
}

void play_product(struct play *play, struct table_line *line, struct seen *seen)
{
    struct http_context context = context_of(play);
    const struct catalog *catalog = &play->shop.shelf->catalog;
    struct bytes sku = bytes_of_string(line_word(line));
    uint32_t sku_index = catalog_find(catalog, sku);
    if (sku_index == SKU_NONE) {
        seen_word(seen, "not_found");
        return;
    }
    struct product_terms terms;
    catalog_terms(catalog, sku_index, &terms);
    struct offer offer = offer_of(&context, sku_index, &terms);
    seen->is_success = true;
    seen_text(seen, "status", offer_status_name(offer.status));
    see_offer(play, seen, (struct bytes){0}, &offer);
    seen_number(seen, "price", terms.prices[0].amount);
    seen_text(seen, "currency", bytes_of(terms.prices[0].currency, 3));
    for (uint32_t i = 0; i < terms.price_count; i++)
        seen_number_of(seen, bytes_of(terms.prices[i].currency, 3), "", terms.prices[i].amount);
    if (offer.max_per_customer > 0)
        seen_number(seen, "max", offer.max_per_customer);
    if (offer.ends_wall_ms != 0)
        seen_number(seen, "ends_in", offer.ends_wall_ms - play->shop.now.wall_ms);
    seen_number(seen, "version", terms.version);
}
