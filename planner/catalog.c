/*
 * catalog.c -- snapshots as sorted arrays of shared objects.
 *
 * A snapshot holds three arrays of pointers, each sorted by name and searched by halving.  Copying
 * a snapshot copies the arrays and takes a reference on each object, so that an edit costs the
 * number of objects, not their size; statements are rare, look-ups are not.
 *
 * Objects begin with their name and end with their reference count in places that differ, so each
 * kind has three small accessors (KindOps) and one shared implementation.
 */
#include "planner/catalog.h"

#include <assert.h>

typedef enum Kind { KIND_SOURCE, KIND_QUERY, KIND_TYPE, KIND_COUNT_ } Kind;

typedef struct ObjectList {
    void **items;
    size_t len, cap;
} ObjectList;

struct Catalog {
    ObjectList lists[KIND_COUNT_];
    int        refs; /* atomic */
};

typedef struct KindOps {
    Str (*name)(const void *object);
    int *(*refs)(void *object);
    Arena *(*mem)(void *object);
} KindOps;

static Str source_name_of(const void *object)
{
    return ((const Source *)object)->name;
}

static int *source_refs_of(void *object)
{
    return &((Source *)object)->refs;
}

static Arena *source_mem_of(void *object)
{
    return ((Source *)object)->mem;
}

static Str query_name_of(const void *object)
{
    return ((const CatalogQuery *)object)->id;
}

static int *query_refs_of(void *object)
{
    return &((CatalogQuery *)object)->refs;
}

static Arena *query_mem_of(void *object)
{
    return ((CatalogQuery *)object)->mem;
}

static Str type_name_of(const void *object)
{
    return ((const CatalogType *)object)->name;
}

static int *type_refs_of(void *object)
{
    return &((CatalogType *)object)->refs;
}

static Arena *type_mem_of(void *object)
{
    return ((CatalogType *)object)->mem;
}

static const KindOps kinds[KIND_COUNT_] = {
    [KIND_SOURCE] = {source_name_of, source_refs_of, source_mem_of},
    [KIND_QUERY] = {query_name_of, query_refs_of, query_mem_of},
    [KIND_TYPE] = {type_name_of, type_refs_of, type_mem_of},
};

static void refs_up(int *refs)
{
    int before = __atomic_fetch_add(refs, 1, __ATOMIC_RELAXED);

    assert(before > 0);
}

/* True when the last reference went. */
static bool refs_down(int *refs)
{
    int before = __atomic_fetch_sub(refs, 1, __ATOMIC_ACQ_REL);

    assert(before > 0);
    return before == 1;
}

/* The object lives in its own arena: freeing that is all, but for a query that borrows a plan. */
static void object_unref(Kind kind, void *object)
{
    while (object && refs_down(kinds[kind].refs(object))) {
        void *origin = kind == KIND_QUERY ? ((CatalogQuery *)object)->origin : NULL;

        arena_free(kinds[kind].mem(object));
        object = origin;
    }
}

/* Index of name, or where it would stand; *found says which. */
static size_t list_search(const ObjectList *list, Kind kind, Str name, bool *found)
{
    size_t low = 0, high = list->len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int    order = str_cmp(kinds[kind].name(list->items[middle]), name);

        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

static void *list_get(const Catalog *catalog, Kind kind, Str name)
{
    bool   found;
    size_t at = list_search(&catalog->lists[kind], kind, name, &found);

    return found ? catalog->lists[kind].items[at] : NULL;
}

static void list_put(Catalog *edit, Kind kind, void *object)
{
    ObjectList *list = &edit->lists[kind];
    bool        found;
    size_t      at = list_search(list, kind, kinds[kind].name(object), &found);

    if (found) {
        object_unref(kind, list->items[at]);
        list->items[at] = object;
        return;
    }
    if (list->len == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 8;
        list->items = mem_realloc(list->items, list->cap * sizeof *list->items);
    }
    memmove(list->items + at + 1, list->items + at, (list->len - at) * sizeof *list->items);
    list->items[at] = object;
    list->len++;
}

static bool list_drop(Catalog *edit, Kind kind, Str name)
{
    ObjectList *list = &edit->lists[kind];
    bool        found;
    size_t      at = list_search(list, kind, name, &found);
    void       *object;

    if (!found)
        return false;
    object = list->items[at];
    list->len--;
    memmove(list->items + at, list->items + at + 1, (list->len - at) * sizeof *list->items);
    object_unref(kind, object);
    return true;
}

Catalog *catalog_new(void)
{
    Catalog *catalog = MEM_NEW(Catalog);

    catalog->refs = 1;
    return catalog;
}

Catalog *catalog_ref(const Catalog *catalog)
{
    Catalog *shared = (Catalog *)(uintptr_t)catalog; /* only its count changes */

    refs_up(&shared->refs);
    return shared;
}

void catalog_unref(Catalog *catalog)
{
    if (!catalog || !refs_down(&catalog->refs))
        return;
    for (int kind = 0; kind < KIND_COUNT_; kind++) {
        for (size_t i = 0; i < catalog->lists[kind].len; i++)
            object_unref((Kind)kind, catalog->lists[kind].items[i]);
        mem_free(catalog->lists[kind].items);
    }
    mem_free(catalog);
}

Catalog *catalog_edit(const Catalog *catalog)
{
    Catalog *edit = catalog_new();

    for (int kind = 0; kind < KIND_COUNT_; kind++) {
        const ObjectList *from = &catalog->lists[kind];
        ObjectList       *to = &edit->lists[kind];

        if (from->len == 0)
            continue;
        to->cap = from->len + 1;
        to->items = mem_alloc(to->cap * sizeof *to->items);
        memcpy(to->items, from->items, from->len * sizeof *to->items);
        to->len = from->len;
        for (size_t i = 0; i < to->len; i++)
            refs_up(kinds[kind].refs(to->items[i]));
    }
    return edit;
}

const Source *catalog_source(const Catalog *catalog, Str name)
{
    return list_get(catalog, KIND_SOURCE, name);
}

const CatalogQuery *catalog_query(const Catalog *catalog, Str id)
{
    return list_get(catalog, KIND_QUERY, id);
}

const CatalogType *catalog_type(const Catalog *catalog, Str name)
{
    return list_get(catalog, KIND_TYPE, name);
}

size_t catalog_sources_len(const Catalog *catalog)
{
    return catalog->lists[KIND_SOURCE].len;
}

const Source *catalog_source_at(const Catalog *catalog, size_t i)
{
    assert(i < catalog->lists[KIND_SOURCE].len);
    return catalog->lists[KIND_SOURCE].items[i];
}

size_t catalog_queries_len(const Catalog *catalog)
{
    return catalog->lists[KIND_QUERY].len;
}

const CatalogQuery *catalog_query_at(const Catalog *catalog, size_t i)
{
    assert(i < catalog->lists[KIND_QUERY].len);
    return catalog->lists[KIND_QUERY].items[i];
}

size_t catalog_types_len(const Catalog *catalog)
{
    return catalog->lists[KIND_TYPE].len;
}

const CatalogType *catalog_type_at(const Catalog *catalog, size_t i)
{
    assert(i < catalog->lists[KIND_TYPE].len);
    return catalog->lists[KIND_TYPE].items[i];
}

void catalog_put_source(Catalog *edit, Source *source)
{
    list_put(edit, KIND_SOURCE, source);
}

void catalog_put_query(Catalog *edit, CatalogQuery *query)
{
    list_put(edit, KIND_QUERY, query);
}

void catalog_put_type(Catalog *edit, CatalogType *type)
{
    list_put(edit, KIND_TYPE, type);
}

bool catalog_drop_source(Catalog *edit, Str name)
{
    return list_drop(edit, KIND_SOURCE, name);
}

bool catalog_drop_query(Catalog *edit, Str id)
{
    return list_drop(edit, KIND_QUERY, id);
}

bool catalog_drop_type(Catalog *edit, Str name)
{
    return list_drop(edit, KIND_TYPE, name);
}

Source *source_new(void)
{
    Arena  *mem = arena_new(0);
    Source *source = ARENA_NEW(mem, Source);

    source->mem = mem;
    source->refs = 1;
    source->timestamp.column = -1;
    return source;
}

CatalogQuery *catalog_query_new(void)
{
    Arena        *mem = arena_new(0);
    CatalogQuery *query = ARENA_NEW(mem, CatalogQuery);

    query->mem = mem;
    query->refs = 1;
    return query;
}

CatalogQuery *catalog_query_with_status(const CatalogQuery *query, QueryStatus status)
{
    CatalogQuery *changed = catalog_query_new();
    Arena        *mem = changed->mem;
    int           refs = changed->refs;

    *changed = *query;
    changed->mem = mem;
    changed->refs = refs;
    changed->status = status;
    changed->origin = catalog_query_ref(query->origin ? query->origin : query);
    return changed;
}

CatalogType *catalog_type_new(void)
{
    Arena       *mem = arena_new(0);
    CatalogType *type = ARENA_NEW(mem, CatalogType);

    type->mem = mem;
    type->refs = 1;
    return type;
}

Source *source_ref(const Source *source)
{
    Source *shared = (Source *)(uintptr_t)source; /* only its count changes */

    refs_up(&shared->refs);
    return shared;
}

CatalogQuery *catalog_query_ref(const CatalogQuery *query)
{
    CatalogQuery *shared = (CatalogQuery *)(uintptr_t)query; /* only its count changes */

    refs_up(&shared->refs);
    return shared;
}

void source_unref(Source *source)
{
    object_unref(KIND_SOURCE, source);
}

void catalog_query_unref(CatalogQuery *query)
{
    object_unref(KIND_QUERY, query);
}

void catalog_type_unref(CatalogType *type)
{
    object_unref(KIND_TYPE, type);
}
