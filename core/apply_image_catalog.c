/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply, for the images of shard 0: catalog, switches, an import. What is made of one is decided
 * and durable at once, which happens at recovery only, while nobody reads.
 */
#include "core/check.h"
#include "core/restate_catalog.h"

void apply_catalog_begun(struct engine *engine, const struct event *event)
{
    const struct fact_walk *fact = &event->fact.walk;
    struct shelf *shelf = engine->shelf;
    CHECK(engine->shard == 0);
    (void)catalog_put_heads(&shelf->catalog, fact->sku_next, fact->leaving);
    switches_put_last(&shelf->switches, fact->kill_last);
    if (engine->walk.open)
        catalog_restate_give_up(&shelf->catalog);
    catalog_restate_begin(&shelf->catalog);
}

void apply_name_image(struct engine *engine, const struct event *event)
{
    CHECK(engine->shard == 0);
    if (!catalog_put_name(&engine->shelf->catalog, event))
        return;
    engine->sales_due_wall_ms = 0; /* look at all again, from the first */
    engine->sales_at = 0;
}

void apply_product_image(struct engine *engine, const struct event *event)
{
    struct shelf *shelf = engine->shelf;
    CHECK(engine->shard == 0);
    if (!catalog_put_product(&shelf->catalog, event))
        return;
    uint32_t number = event->fact.product.sku_number;
    switches_put_sku(&shelf->switches, catalog_find_number(&shelf->catalog, number), number);
}

void apply_switch_image(struct engine *engine, const struct event *event)
{
    CHECK(engine->shard == 0);
    switches_put(&engine->shelf->switches, event);
}

void apply_import_image(struct engine *engine, const struct event *event)
{
    CHECK(engine->shard == 0);
    (void)catalog_put_import(&engine->shelf->catalog, event);
}
