/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http/walk.h"

#include "core/check.h"

struct walk walk_from(const struct http_context *context, uint64_t cursor, uint32_t limit)
{
    const struct catalog *catalog = &context->shelf->catalog;
    uint32_t count = catalog_walk_end(catalog);
    uint32_t at = cursor < count ? (uint32_t)cursor : count;
    CHECK(limit > 0);
    return (struct walk){
        .catalog = catalog,
        .at = at,
        .end = count - at < WALK_SLOTS_MAX ? count : at + WALK_SLOTS_MAX,
        .left = limit,
        .copies_left = WALK_COPIES_MAX,
    };
}

static uint32_t number_of(struct walk *walk, struct bytes name)
{
    uint32_t number = catalog_name_find(walk->catalog, name);
    walk->nothing = walk->nothing || number == 0;
    return number;
}

void walk_only_sale(struct walk *walk, struct bytes name)
{
    walk->sale_number = number_of(walk, name);
}

void walk_only_seller(struct walk *walk, struct bytes name)
{
    walk->seller_number = number_of(walk, name);
}

void walk_only_category(struct walk *walk, struct bytes name)
{
    walk->category = name;
}

void walk_only_group(struct walk *walk, struct bytes name)
{
    walk->group = name;
}

static bool texts_match(const struct walk *walk, uint32_t sku_index)
{
    if (walk->category.data == NULL && walk->group.data == NULL)
        return true;
    struct product_kind kind;
    catalog_kind(walk->catalog, sku_index, &kind);
    const struct name *category = &kind.category, *group = &kind.group;
    if (walk->category.data != NULL &&
        !bytes_equal(walk->category, bytes_of(category->data, category->size)))
        return false;
    return walk->group.data == NULL || bytes_equal(walk->group, bytes_of(group->data, group->size));
}

static bool terms_match(const struct walk *walk, const struct product_terms *terms)
{
    int64_t amount;
    if (walk->sale_number != 0 && terms->sale_number != walk->sale_number)
        return false;
    if (walk->seller_number != 0 && terms->seller_number != walk->seller_number)
        return false;
    return walk->currency[0] == 0 || product_price(terms, walk->currency, &amount);
}

bool walk_next(struct walk *walk, uint32_t *sku_index, struct product_terms *terms)
{
    if (walk->nothing)
        walk->at = walk->end = catalog_walk_end(walk->catalog);
    while (walk->left > 0 && walk->copies_left > 0 && walk->at < walk->end) {
        uint32_t index = walk->at++;
        if (!catalog_may_be_in(walk->catalog, index, walk->sale_number, walk->group))
            continue;
        walk->copies_left--;
        if (!catalog_is_visible(walk->catalog, index))
            continue;
        catalog_terms(walk->catalog, index, terms);
        if (!terms_match(walk, terms) || !texts_match(walk, index))
            continue;
        walk->left--;
        *sku_index = index;
        return true;
    }
    return false;
}

void walk_back(struct walk *walk, uint32_t sku_index)
{
    CHECK(sku_index < walk->at);
    walk->at = sku_index;
}

void walk_put_cursor(const struct walk *walk, struct json_writer *json)
{
    bool more = walk->at < catalog_walk_end(walk->catalog);
    json_put_member_cursor(json, "next_cursor", more ? walk->at : 0);
}
