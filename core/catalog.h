/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog - the products on the shelf, for all shards at once; and the names of sellers and sales.
 *
 *     number  on disk, never used again        index  slot in memory: of catalog, of stock
 *
 * Shard 0 alone writes: a slot is reserved when a product event is applied and becomes visible when
 * its record is durable (catalog_publish at settle). A reader copies the record under the slot's
 * sequence lock, so it never sees half of a change.
 *
 * Ownership  One struct catalog in the shared arena.
 * Threads    Any shard, but for what is said to be shard 0's: all that changes products and sales.
 * Units      Minor units of money; wall milliseconds.
 * Errors     SKU_NONE for an unknown SKU. Room is asked before (catalog_room).
 * Cost       find: one hash, one or two cache lines. read: a copy of the record.
 */
#ifndef HOTSHELF_CORE_CATALOG_H
#define HOTSHELF_CORE_CATALOG_H

#include <stdatomic.h>
#include <stddef.h>

#include "core/arena.h"
#include "core/command.h"
#include "core/published.h"

#define SKU_NONE UINT32_MAX

/* A short text stored in place: length byte and bytes. */
struct name {
    uint8_t size;
    uint8_t data[NAME_SIZE_MAX];
};

struct price {
    uint8_t currency[4];
    uint32_t reserved;
    int64_t amount;
};

/* What selling needs, in two cache lines; read for every line of a checkout. */
struct product_terms {
    uint32_t number;
    uint32_t version;
    uint32_t seller_number;
    uint32_t sale_number;
    uint32_t max_per_customer;
    uint32_t hold_seconds;
    uint8_t reserve_on;
    uint8_t price_count;
    uint8_t reserved[6];
    int64_t starts_wall_ms;
    int64_t ends_wall_ms;
    struct name sku;
    struct price prices[PRICES_MAX];
};

/* What only a page shows. */
struct product_kind {
    struct name category, group;
};

struct product_texts {
    uint8_t title_size, image_size;
    uint8_t title[TITLE_SIZE_MAX];
    uint8_t image[TITLE_SIZE_MAX];
    struct name category, group, option;
};

struct sale {
    uint32_t number; /* names: its name */
    uint32_t hold_seconds, payment_seconds, review_seconds, max_per_customer;
    uint8_t reserve_on, payment_mode, counts, guests;
    uint32_t counts_cap;
    uint32_t version; /* 0: there is no such sale; 1 for one that only a product has named */
    int64_t starts_wall_ms, ends_wall_ms;
};

struct catalog_record {
    _Atomic uint32_t lock; /* sequence: odd while shard 0 writes */
    _Atomic uint32_t visible;
    /* The rest is shard 0's. */
    uint32_t reserved_version; /* of the newest change applied, durable or not */
    uint32_t reserved_sale;    /* its sale after it */
    uint32_t allotment;        /* after the newest change applied */
    uint64_t raising;          /* units of raises applied and not yet durable */
    uint32_t next_free;        /* index + 1, while it rests or is free */
    bool in_import;            /* seen when the import that brought it ends */
    bool restated;             /* as catalog->restated says when the walk has been here */
    struct product_terms terms;
    _Alignas(8) struct product_texts texts;
};

/* Copied word by word: see write_whole() in catalog.c. */
_Static_assert(sizeof(struct product_terms) % 8 == 0, "whole words");
_Static_assert(sizeof(struct product_texts) % 8 == 0, "whole words");
_Static_assert(sizeof(struct product_kind) % 8 == 0, "whole words");
_Static_assert(offsetof(struct product_texts, category) % 8 == 0, "and from a whole one on");
_Static_assert(offsetof(struct product_texts, group) ==
                   offsetof(struct product_texts, category) + offsetof(struct product_kind, group),
    "a kind is a part of the texts");
_Static_assert(sizeof(struct sale) % 8 == 0, "whole words");

struct catalog {
    struct catalog_record *records;
    struct published by_sku;
    struct published by_number;
    struct published by_name;
    uint32_t capacity;
    _Atomic uint32_t slots_used; /* records ever reserved: indexes below it may be walked */
    uint32_t number_next;
    struct name *names;
    struct catalog_sale {
        _Atomic uint32_t lock;
        _Atomic uint32_t number;   /* of the name that has this slot; 0: nobody */
        uint32_t reserved_version; /* shard 0's: of the newest change applied, durable or not */
        uint32_t number_next;      /* shard 0's: of the next name in a free slot; 0 never again */
        uint32_t next_free;        /* shard 0's: slot + 1 */
        uint32_t free_order;       /* shard 0's: of a free slot: the newest has the greatest */
        uint8_t told;              /* shard 0's: enum sale_told */
        bool is_seller;            /* shard 0's: a product has named a seller so */
        bool restated;             /* shard 0's: as in a record */
        struct sale sale;          /* all zero for the name of a seller */
    } * sales;
    _Atomic uint32_t names_used; /* slots ever taken */
    uint32_t names_capacity;
    uint32_t names_free_first, names_free_last, names_free; /* released slots, oldest first */
    uint32_t slots_free_first, slots_free;
    uint32_t changing; /* shard 0's: changes of products and sales applied and not yet durable */
    bool restated;     /* shard 0's: turned when a walk begins, like the bits of a pool (pool.h) */
    /* Of any sale so far; how long a cart holds, of any product, too. */
    _Atomic uint32_t payment_seconds_max, review_seconds_max, hold_seconds_max;
    bool importing;
    bool import_ending;        /* IMPORT_DONE is applied and not yet durable */
    struct fact_import import; /* shard 0's: which one, and whose, while importing */
    uint8_t import_actor[ACTOR_SIZE_MAX];
    uint8_t import_actor_size;

    /* A sale that leaves, see catalog_sales.c. */
    uint32_t leaving; /* shard 0's: its number, from closing applied until removed is durable */
    bool is_removed;  /* shard 0's: from removed applied until its slots are released */
    uint32_t sale_changes; /* shard 0's: of sales, and of what is in them and until when */
    uint32_t resting_first, resting_name; /* slots + 1 */
    _Atomic uint32_t closing;             /* its number, from closing until removed are durable */
    _Atomic uint64_t parts_done;          /* a bit for each shard */
    _Atomic uint32_t epoch;               /* how many were removed */
    struct catalog_seen {
        _Alignas(64) _Atomic uint32_t epoch; /* as a shard saw it when it looked at nothing here */
    } * seen;
};

void catalog_init(struct catalog *catalog, struct arena *arena, uint32_t skus, uint32_t names);

/* SKU_NONE when unknown or not yet visible. */
uint32_t catalog_find(const struct catalog *catalog, struct bytes sku);
/* Also of a product that is not visible yet: orders and holds keep numbers. SKU_NONE: no product
 * with this number is on the shelf. */
uint32_t catalog_find_number(const struct catalog *catalog, uint32_t number);

/* Of a slot that is below catalog_walk_end(). */
bool catalog_is_visible(const struct catalog *catalog, uint32_t index);
/* The number and the SKU of a slot; they change only with the product that has it. */
uint32_t catalog_number(const struct catalog *catalog, uint32_t index);
struct bytes catalog_sku(const struct catalog *catalog, uint32_t index);

void catalog_terms(const struct catalog *catalog, uint32_t index, struct product_terms *terms);
void catalog_texts(const struct catalog *catalog, uint32_t index, struct product_texts *texts);
/* Of the texts what a list looks for: a sixth of them. */
void catalog_kind(const struct catalog *catalog, uint32_t index, struct product_kind *kind);

/* Whether a slot may be in this sale (0: any) and this group (data NULL: any): a look at a word of
 * each, for what is read as a whole afterwards. */
bool catalog_may_be_in(const struct catalog *catalog, uint32_t index, uint32_t sale_number,
    struct bytes group);
/* Slots to walk for a list: indexes 0 .. catalog_walk_end() - 1; skip those not visible. */
uint32_t catalog_walk_end(const struct catalog *catalog);

/* The name of a seller or sale; size 0 for number 0, and for one that is gone. */
struct bytes catalog_name(const struct catalog *catalog, uint32_t number);
/* The number of a name, 0 when there is none. O(1). */
uint32_t catalog_name_find(const struct catalog *catalog, struct bytes name);
/* Slots of names to walk: 0 .. catalog_name_slots() - 1; the number of the name there, 0 for none.
 */
uint32_t catalog_name_slot(uint32_t number);
uint32_t catalog_name_slots(const struct catalog *catalog);
uint32_t catalog_name_at(const struct catalog *catalog, uint32_t slot);
/* Whether a name has, or has had, this number. Only while nothing changes. */
bool catalog_name_was_used(const struct catalog *catalog, uint32_t number);
/* The sale with this number as it is now; all zero for number 0, a seller's, or one gone. */
void catalog_sale(const struct catalog *catalog, uint32_t number, struct sale *sale);

/* A sale as an event, or as a merchant, describes it. */
struct sale sale_of(const struct fact_sale *fact);
struct sale sale_of_image(const struct sale_image *image, uint32_t number, uint32_t version);

/* The price in a currency, or false. All-zero currency means the product's own (prices[0]). */
bool product_price(const struct product_terms *terms, const uint8_t currency[4], int64_t *amount);

/* Shard 0 only, in this order: room and reserved (decide), reserve (apply), publish (settle). */
bool catalog_room(const struct catalog *catalog, uint32_t products, uint32_t names);
/* The slot of a SKU, visible or not; whether a change of it waits for the disk. */
uint32_t catalog_find_reserved(const struct catalog *catalog, struct bytes sku);
bool catalog_is_changing(const struct catalog *catalog, uint32_t index);
void catalog_reserve(struct catalog *catalog, const struct event *product_set);
void catalog_publish(struct catalog *catalog, const struct event *product_set);
/* Of the newest change of a sale that was applied; 0: no sale has this number. */
uint32_t catalog_sale_reserved(const struct catalog *catalog, uint32_t number);
void catalog_reserve_sale(struct catalog *catalog, const struct event *sale_set);
void catalog_told_sale(struct catalog *catalog, const struct event *opened_or_closed);
void catalog_publish_sale(struct catalog *catalog, const struct event *sale_set);
/* The number of the next name that is new, and of the one `after` so many others; 0: no room. */
uint32_t catalog_name_next(const struct catalog *catalog, uint32_t after);

/* How a sale leaves: closing and removed are reserved by apply and published by settle; between
 * them each shard says when its part is done. */
bool catalog_sale_is_leaving(const struct catalog *catalog, uint32_t number);
void catalog_reserve_removal(struct catalog *catalog, const struct event *closing_or_removed);
void catalog_publish_closing(struct catalog *catalog, uint32_t number);
/* Any shard: the sale whose parts are being removed, 0 none; the sale of a slot's product; whether
 * a shard has still a part of the one that is closing. */
uint32_t catalog_closing(const struct catalog *catalog);
uint32_t catalog_sale_of(const struct catalog *catalog, uint32_t index);
/* Whether a unit of this SKU in this sale (0: none) may not come to a customer any more. */
bool catalog_is_leaving(const struct catalog *catalog, uint32_t sku_number, uint32_t sale_number);
bool catalog_has_part(const struct catalog *catalog, uint32_t shard);
void catalog_part_is_done(struct catalog *catalog, uint32_t number, uint32_t shard);
/* A product of it, out of the indexes; then the sale itself. */
void catalog_take_out(struct catalog *catalog, uint32_t index);
void catalog_publish_removed(struct catalog *catalog, uint32_t number);
/* A shard holds nothing that it has read here. When all have said so since the last removal, what
 * was removed may be released: shard 0 does. */
void catalog_look_away(struct catalog *catalog, uint32_t shard);
bool catalog_is_unseen(const struct catalog *catalog, uint32_t shard_count);
void catalog_release(struct catalog *catalog);

void catalog_begin_import(struct catalog *catalog, const struct event *import_begun);
void catalog_end_import(struct catalog *catalog);
void catalog_publish_import(struct catalog *catalog);

/* A restating walk (restate.h) of shard 0. It may begin when no change waits for the disk: from
 * then on what is not restated is as it is published. What is new since then counts as restated. */
bool catalog_is_settled(const struct catalog *catalog);
void catalog_restate_begin(struct catalog *catalog);
/* Nobody goes on with it: all counts as restated. */
void catalog_restate_give_up(struct catalog *catalog);
/* The first that is not restated, at this slot or behind it; catalog_name_slots() or
 * catalog_walk_end() when there is none. Slots of names also when they are free. */
uint32_t catalog_restate_name(const struct catalog *catalog, uint32_t slot);
uint32_t catalog_restate_product(const struct catalog *catalog, uint32_t index);
/* What their images say; the texts are read as for anybody. */
void catalog_name_fact(const struct catalog *catalog, uint32_t slot, struct fact_name *fact);
void catalog_product_fact(const struct catalog *catalog, uint32_t index, struct fact_product *fact);
/* An image: makes what is not there, and otherwise CHECKs that it is what is there. A product may
 * be seen at once. True: it was made. */
bool catalog_put_heads(struct catalog *catalog, uint32_t number_next, uint32_t leaving);
bool catalog_put_name(struct catalog *catalog, const struct event *name_image);
bool catalog_put_product(struct catalog *catalog, const struct event *product_image);
bool catalog_put_import(struct catalog *catalog, const struct event *import_image);

/* A hash of all of it, for engine_digest(). */
uint64_t catalog_digest(const struct catalog *catalog);

#endif
