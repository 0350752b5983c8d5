/*
 * json_codec.c -- JSON text to values of a type, and back.
 *
 * One pass over the text, directed by the type: the scanner of common/json.h says what stands next,
 * the type says how to take it, and nothing is built in between.  Strings without an escape point
 * into the text.
 *
 * Finding a field.  Records of one topic nearly always have the same fields in the same order.
 * An object's reader therefore remembers, for each position in the object, the name it last met
 * there and what that name meant; when the same bytes stand there again (one memcmp), the name is
 * not even scanned.  Anything else is looked up: by the exact name first, then by
 * the upper-cased name; an exact match wins over an upper-cased one wherever it stands, and of
 * equal ones the last.
 *
 * Columns that the plan does not need are read over, but a value of the wrong kind in one of them
 * makes the record as bad as it would be in any other: whether a record counts must not depend on
 * which columns a query happens to use.
 *
 * Writing appends to the record's buffer, with the pieces `{"A":` and `,"B":` made ready with
 * the first.
 */
#include "exec/formats/json_codec.h"

#include "common/decimal.h"
#include "common/limit.h"
#include "common/map.h"
#include "common/vec.h"

enum {
    SHARED_WITHIN = 8,  /* fields that a codec is looked for in */
    GUESSES_MAX = 64,   /* positions of an object whose name is remembered */
    GUESS_BYTES = 46,   /* longer names are looked up each time */
    MAP_LINEAR_MAX = 16 /* entries up to which a map's keys are compared one by one */
};

/* How a member's name was found: of two members for one field the higher match counts. */
typedef enum JsonMatch { MATCH_NONE, MATCH_UPPER, MATCH_EXACT } JsonMatch;

typedef struct JsonField {
    Str        name;
    JsonCodec *codec;
    JsonMatch  seen; /* in the object being read */
    bool       is_wanted;
} JsonField;

typedef struct JsonGuess {
    char       text[GUESS_BYTES]; /* "NAME": as it stood in the text */
    JsonField *field;             /* NULL: no field of ours */
    uint8_t    len;               /* 0: nothing remembered */
    uint8_t    match;
} JsonGuess;

struct JsonFields {
    Arena     *mem;
    JsonField *items;
    uint32_t   len;

    /* Made when first needed: a side is read or written and not both, and many a query of a wide
     * source waits long for its first record. */
    Map        by_name;
    JsonGuess *guesses; /* GUESSES_MAX of them; NULL: nothing was read yet */
    Str       *pieces;  /* {"NAME": or ,"NAME": per field; NULL: nothing was written yet */
};

/* --- opening ---------------------------------------------------------------------------------- */

/* Codecs of scalars keep nothing of what they read: fields of one type can share one. */
static JsonCodec *shared_codec(const JsonFields *fields, uint32_t len, const Type *type)
{
    for (uint32_t i = len; i > 0 && i + SHARED_WITHIN > len && !type_is_nested(type); i--) {
        if (type_eq(fields->items[i - 1].codec->type, type))
            return fields->items[i - 1].codec;
    }
    return NULL;
}

ErrCode json_fields_open(Arena *arena, const TypeField *fields, uint32_t len, const bool *is_wanted,
                         bool is_lenient, JsonFields **out, Err *err)
{
    JsonFields *self = ARENA_NEW(arena, JsonFields);

    self->mem = arena;
    self->items = ARENA_ARRAY(arena, JsonField, len);
    self->len = len;
    for (uint32_t i = 0; i < len; i++) {
        JsonField *field = &self->items[i];

        field->name = fields[i].name;
        field->is_wanted = !is_wanted || is_wanted[i];
        field->codec = shared_codec(self, i, fields[i].type);
        if (!field->codec)
            TRY(json_codec_open(arena, fields[i].type, is_lenient, &field->codec, err));
    }
    *out = self;
    return ERR_OK;
}

ErrCode json_codec_open(Arena *arena, const Type *type, bool is_lenient, JsonCodec **out, Err *err)
{
    JsonCodec *self = ARENA_NEW(arena, JsonCodec);

    self->type = type;
    self->kind = type->kind;
    self->is_lenient = is_lenient;
    if (type->kind == T_MAP && type->key->kind != T_STRING && !is_lenient)
        return err_set(err, ERR_STATEMENT,
                       "format JSON cannot hold a MAP with keys of type %s: only STRING",
                       type_kind_name(type->key->kind));
    if (type->kind == T_ARRAY || type->kind == T_MAP)
        TRY(json_codec_open(arena, type->elem, is_lenient, &self->elem, err));
    if (type->kind == T_STRUCT)
        TRY(json_fields_open(arena, type->fields, type->fields_len, NULL, is_lenient, &self->fields,
                             err));
    *out = self;
    return ERR_OK;
}

/* --- reading nested values -------------------------------------------------------------------- */

typedef VEC(Value) ValueVec;

static ErrCode read_array(JsonIn *in, JsonCodec *codec, Value *out)
{
    ValueVec items = {0};
    bool     is_first = true;

    if (!json_enter(&in->scan))
        return json_malformed(in);
    while (json_next_item(&in->scan, &is_first)) {
        Value v;

        if ((int64_t)items.len >= g_limits.items)
            return err_set(in->err, ERR_DESERIALIZE, "array at byte %zu has over %lld elements",
                           json_byte_of(in), (long long)g_limits.items);
        TRY(json_codec_read(codec->elem, in, &v));
        vec_push(in->mem, &items, v);
    }
    if (in->scan.why)
        return json_malformed(in);
    *out = value_items(T_ARRAY, items.items, items.len);
    return ERR_OK;
}

/*
 * Where the entry of a key stands, or -1.  Short maps are compared one by one; a longer one gets an
 * index of positions (plus one), so that a hostile record costs no quadratic time.
 */
static ptrdiff_t map_entry_find(Map *index, const ValueVec *entries, Str key)
{
    if (entries->len / 2 > MAP_LINEAR_MAX)
        return (ptrdiff_t)(uintptr_t)map_get(index, key) - 1;
    for (size_t i = 0; i < entries->len; i += 2) {
        if (str_eq(value_as_str(entries->items[i]), key))
            return (ptrdiff_t)i;
    }
    return -1;
}

/* Called after an entry was added: indexes it, and all those before when the index begins. */
static void map_entry_index(Map *index, const ValueVec *entries)
{
    size_t count = entries->len / 2;

    if (count <= MAP_LINEAR_MAX)
        return;
    for (size_t i = count == MAP_LINEAR_MAX + 1 ? 0 : count - 1; i < count; i++)
        map_put(index, value_as_str(entries->items[2 * i]), (void *)(uintptr_t)(2 * i + 1));
}

/* Map keys are gathered as text, then turned into the key's type. */
static ErrCode map_keys_convert(JsonIn *in, const JsonCodec *codec, ValueVec *entries)
{
    JsonCodec key_codec = {
        .type = codec->type->key, .kind = codec->type->key->kind, .is_lenient = codec->is_lenient};

    if (key_codec.kind == T_STRING)
        return ERR_OK;
    for (size_t i = 0; i < entries->len; i += 2)
        TRY(json_scalar_of_text(in, &key_codec, value_as_str(entries->items[i]),
                                &entries->items[i]));
    return ERR_OK;
}

static ErrCode read_map(JsonIn *in, JsonCodec *codec, Value *out)
{
    ValueVec entries = {0};
    Map      index;
    bool     is_first = true, has_escape;
    Str      name;

    map_init(&index, in->mem);
    if (!json_enter(&in->scan))
        return json_malformed(in);
    while (json_next_member(&in->scan, &is_first, &name, &has_escape)) {
        Value     v;
        ptrdiff_t at;

        if (has_escape)
            name = json_unescape(in->mem, name);
        TRY(json_codec_read(codec->elem, in, &v));
        at = map_entry_find(&index, &entries, name);
        if (at >= 0) {
            entries.items[at + 1] = v;
            continue;
        }
        if ((int64_t)entries.len / 2 >= g_limits.items)
            return err_set(in->err, ERR_DESERIALIZE, "map at byte %zu has over %lld entries",
                           json_byte_of(in), (long long)g_limits.items);
        vec_push(in->mem, &entries, value_str(name));
        vec_push(in->mem, &entries, v);
        map_entry_index(&index, &entries);
    }
    if (in->scan.why)
        return json_malformed(in);
    TRY(map_keys_convert(in, codec, &entries));
    *out = value_items(T_MAP, entries.items, entries.len / 2);
    return ERR_OK;
}

/* What a member's name means, looked up; upper-casing is ASCII, as names of columns nearly are. */
static JsonField *field_find(const JsonFields *fields, Arena *mem, Str name, JsonMatch *match)
{
    JsonField *field = map_get(&fields->by_name, name);

    *match = MATCH_EXACT;
    if (field)
        return field;
    *match = MATCH_UPPER;
    return map_get(&fields->by_name, str_upper_ascii(mem, name));
}

/* memcmp() for names, which are short: two loads that may overlap. */
static inline bool is_same(const char *a, const char *b, size_t len)
{
    uint64_t a_first, a_last, b_first, b_last;

    if (len < 8 || len > 16)
        return memcmp(a, b, len) == 0;
    memcpy(&a_first, a, 8);
    memcpy(&b_first, b, 8);
    memcpy(&a_last, a + len - 8, 8);
    memcpy(&b_last, b + len - 8, 8);
    return a_first == b_first && a_last == b_last;
}

/* Consumes the comma and the name that stood at this position before, if they stand here again. */
static bool guess_holds(const JsonGuess *guess, JsonScan *scan, bool *is_first)
{
    const char *at = scan->at;

    if (guess->len == 0 || scan->end - at < guess->len + 2)
        return false;
    if (!*is_first) {
        if (*at++ != ',')
            return false;
        at += *at == ' '; /* as Python writes it */
    }
    if (!is_same(at, guess->text, guess->len))
        return false;
    scan->at = at + guess->len;
    *is_first = false;
    return true;
}

/* raw has no escapes, so the same bytes between quotes are the same name. */
static void guess_set(JsonGuess *guess, Str raw, JsonField *field, JsonMatch match)
{
    guess->len = 0;
    if (raw.len + 3 > GUESS_BYTES)
        return;
    guess->text[0] = '"';
    memcpy(guess->text + 1, raw.ptr, raw.len);
    memcpy(guess->text + 1 + raw.len, "\":", 2);
    guess->len = (uint8_t)(raw.len + 3);
    guess->field = field;
    guess->match = (uint8_t)match;
}

/* The next member's field (NULL: none of ours); false at the object's end or on an error. */
static bool next_field(JsonFields *fields, JsonIn *in, uint32_t position, bool *is_first,
                       JsonField **out, JsonMatch *match)
{
    JsonGuess *guess = position < GUESSES_MAX ? &fields->guesses[position] : NULL;
    Str        name;
    bool       has_escape;

    if (guess && guess_holds(guess, &in->scan, is_first)) {
        *out = guess->field;
        *match = (JsonMatch)guess->match;
        return true;
    }
    if (!json_next_member(&in->scan, is_first, &name, &has_escape))
        return false;
    if (has_escape)
        name = json_unescape(in->mem, name);
    *out = field_find(fields, in->mem, name, match);
    if (guess && !has_escape)
        guess_set(guess, name, *out, *match);
    return true;
}

/* A value that nobody wants: what is surely right is skipped, the rest is read for its errors. */
static ErrCode read_unwanted(JsonIn *in, JsonCodec *codec)
{
    JsonKind found = json_peek(&in->scan);
    Value    unused;
    Str      text;
    bool     has_escape;

    if (found == JSON_STRING && codec->kind == T_STRING)
        return json_string(&in->scan, &text, &has_escape) ? ERR_OK : json_malformed(in);
    if (found == JSON_NULL || codec->kind == T_STRING)
        return json_skip(&in->scan, NULL) ? ERR_OK : json_malformed(in);
    return json_codec_read(codec, in, &unused);
}

static void prepare_to_read(JsonFields *fields)
{
    fields->guesses = ARENA_ARRAY(fields->mem, JsonGuess, GUESSES_MAX);
    map_init(&fields->by_name, fields->mem);
    map_reserve(&fields->by_name, fields->len);
    for (uint32_t i = 0; i < fields->len; i++)
        map_put(&fields->by_name, fields->items[i].name, &fields->items[i]);
}

ErrCode json_fields_read(JsonFields *fields, JsonIn *in, Value *out)
{
    bool       is_first = true;
    uint32_t   position = 0;
    JsonField *field;
    JsonMatch  match;

    if (!fields->guesses)
        prepare_to_read(fields);
    for (uint32_t i = 0; i < fields->len; i++)
        fields->items[i].seen = MATCH_NONE;
    if (!json_enter(&in->scan))
        return json_malformed(in);
    while (next_field(fields, in, position++, &is_first, &field, &match)) {
        ErrCode rc;

        if (!field || match < field->seen) {
            if (!json_skip(&in->scan, NULL))
                return json_malformed(in);
            continue;
        }
        field->seen = match;
        rc = field->is_wanted ? json_codec_read(field->codec, in, &out[field - fields->items])
                              : read_unwanted(in, field->codec);
        if (rc != ERR_OK) {
            err_wrap(in->err, "column \"%.*s\"", STR_ARG(field->name));
            return rc;
        }
    }
    if (in->scan.why)
        return json_malformed(in);
    for (uint32_t i = 0; i < fields->len; i++) {
        if (fields->items[i].seen == MATCH_NONE && fields->items[i].is_wanted)
            out[i] = value_null();
    }
    return ERR_OK;
}

static ErrCode read_struct(JsonIn *in, JsonCodec *codec, Value *out)
{
    Value *items = arena_alloc(in->mem, sizeof(Value) * codec->fields->len);

    TRY(json_fields_read(codec->fields, in, items));
    *out = value_items(T_STRUCT, items, codec->fields->len);
    return ERR_OK;
}

ErrCode json_codec_read(JsonCodec *codec, JsonIn *in, Value *out)
{
    JsonKind found = json_peek(&in->scan);

    if (found == JSON_ERROR)
        return json_malformed(in);
    if (found == JSON_NULL) {
        *out = value_null();
        return json_word(&in->scan) ? ERR_OK : json_malformed(in);
    }
    switch (codec->kind) {
    case T_ARRAY:
        return found == JSON_ARRAY ? read_array(in, codec, out) : json_mismatch(in, codec, found);
    case T_MAP:
        return found == JSON_OBJECT ? read_map(in, codec, out) : json_mismatch(in, codec, found);
    case T_STRUCT:
        return found == JSON_OBJECT ? read_struct(in, codec, out) : json_mismatch(in, codec, found);
    default:
        return json_scalar_read(in, codec, found, out);
    }
}

ErrCode json_codec_end(JsonIn *in)
{
    if (json_at_end(&in->scan))
        return ERR_OK;
    return err_set(in->err, ERR_DESERIALIZE, "malformed JSON at byte %zu: text behind the value",
                   json_byte_of(in));
}

/* --- writing ---------------------------------------------------------------------------------- */

static void prepare_to_write(JsonFields *fields)
{
    Buf piece = {0};

    fields->pieces = ARENA_ARRAY(fields->mem, Str, fields->len + 1);
    for (uint32_t i = 0; i < fields->len; i++) {
        buf_clear(&piece);
        buf_put(&piece, i ? ',' : '{');
        json_put_string(&piece, fields->items[i].name);
        buf_put(&piece, ':');
        fields->pieces[i] = str_copy(fields->mem, buf_view(&piece));
    }
    buf_deinit(&piece);
}

void json_fields_write(JsonFields *fields, const Value *values, Buf *out)
{
    if (!fields->pieces)
        prepare_to_write(fields);
    if (fields->len == 0)
        buf_put(out, '{');
    for (uint32_t i = 0; i < fields->len; i++) {
        buf_str(out, fields->pieces[i]);
        json_codec_write(fields->items[i].codec, values[i], out);
    }
    buf_put(out, '}');
}

/* --- writing ---------------------------------------------------------------------------------- */

static void write_items(const JsonCodec *codec, Value v, Buf *out)
{
    buf_put(out, '[');
    for (uint32_t i = 0; i < v.len; i++) {
        if (i > 0)
            buf_put(out, ',');
        json_codec_write(codec->elem, v.u.items[i], out);
    }
    buf_put(out, ']');
}

static void write_entries(const JsonCodec *codec, Value v, Buf *out)
{
    buf_put(out, '{');
    for (uint32_t i = 0; i < v.len; i++) {
        if (i > 0)
            buf_put(out, ',');
        /* A null key cannot stand in JSON; Java's map of strings prints it as the word. */
        json_put_string(out, value_is_null(v.u.items[2 * i]) ? STR("null")
                                                             : value_as_str(v.u.items[2 * i]));
        buf_put(out, ':');
        json_codec_write(codec->elem, v.u.items[2 * i + 1], out);
    }
    buf_put(out, '}');
}

void json_codec_write(const JsonCodec *codec, Value v, Buf *out)
{
    if (value_is_null(v)) {
        buf_append(out, "null", 4);
        return;
    }
    switch (codec->kind) {
    case T_STRING:
        json_put_string(out, value_as_str(v));
        return;
    case T_BOOLEAN:
        buf_str(out, v.u.b ? STR("true") : STR("false"));
        return;
    case T_DOUBLE:
        json_put_double(out, v.u.d);
        return;
    case T_DECIMAL:
        decimal_print(out, v);
        return;
    case T_BYTES:
        buf_put(out, '"');
        base64_encode(out, value_as_str(v));
        buf_put(out, '"');
        return;
    case T_ARRAY:
        write_items(codec, v, out);
        return;
    case T_MAP:
        write_entries(codec, v, out);
        return;
    case T_STRUCT:
        json_fields_write(codec->fields, v.u.items, out);
        return;
    default:
        buf_i64(out, v.u.i);
        return;
    }
}
