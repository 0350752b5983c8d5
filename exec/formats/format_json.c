/*
 * format_json.c -- JSON records.
 *
 * One pass over the text, directed by the columns: the scanner of common/json.h says what stands
 * next, the column's type says how to take it, and nothing is built in between.  Strings without
 * an escape point into the record.
 *
 * Finding a field.  Records of one topic nearly always have the same fields in the same order.
 * An object's reader therefore remembers, for each position in the object, the name it last met
 * there and what that name meant; when the same bytes stand there again (one memcmp), no hash is
 * computed and no case is folded.  Anything else is looked up: by the exact name first, then by
 * the upper-cased name; an exact match wins over an upper-cased one wherever it stands, and of
 * equal ones the last.
 *
 * Columns that the plan does not need are read over, but a value of the wrong kind in one of them
 * makes the record as bad as it would be in any other: whether a record counts must not depend on
 * which columns a query happens to use.
 *
 * Writing appends to the record's buffer, with the pieces `{"A":` and `,"B":` made ready at open.
 */
#include "exec/formats/format_json.h"

#include <math.h>

#include "common/datetime.h"
#include "common/decimal.h"
#include "common/limit.h"
#include "common/map.h"
#include "common/vec.h"
#include "exec/formats/formats.h"

enum {
    GUESSES_MAX = 64,      /* positions of an object whose name is remembered */
    GUESS_NAME_BYTES = 48, /* longer names are looked up each time */
    MAP_LINEAR_MAX = 16,   /* entries up to which a map's keys are compared one by one */
    EXPONENT_MAX = 2000    /* more digits than any number of SQL has */
};

static const int64_t DATE_DAYS_MAX = INT64_MAX / MS_PER_DAY;

typedef struct JsonFields JsonFields;

struct JsonCodec {
    const Type *type;
    TypeKind    kind;
    bool        is_lenient;
    JsonCodec  *elem;   /* ARRAY, MAP */
    JsonFields *fields; /* STRUCT */
};

/* How a member's name was found: of two members for one field the higher match counts. */
typedef enum JsonMatch { MATCH_NONE, MATCH_UPPER, MATCH_EXACT } JsonMatch;

typedef struct JsonField {
    Str        name;
    Str        piece; /* {"NAME": or ,"NAME": */
    JsonCodec *codec;
    JsonMatch  seen; /* in the object being read */
    bool       is_wanted;
} JsonField;

typedef struct JsonGuess {
    char       name[GUESS_NAME_BYTES];
    JsonField *field; /* NULL: no field of ours */
    uint8_t    len;   /* 0: nothing remembered */
    uint8_t    match;
} JsonGuess;

struct JsonFields {
    JsonField *items;
    uint32_t   len;
    Map        by_name;
    JsonGuess *guesses; /* GUESSES_MAX of them */
};

/* --- opening ---------------------------------------------------------------------------------- */

static ErrCode fields_open(Arena *arena, const TypeField *fields, uint32_t len, bool is_lenient,
                           JsonFields **out, Err *err)
{
    JsonFields *self = ARENA_NEW(arena, JsonFields);

    self->items = ARENA_ARRAY(arena, JsonField, len);
    self->len = len;
    self->guesses = ARENA_ARRAY(arena, JsonGuess, GUESSES_MAX);
    map_init(&self->by_name, arena);
    for (uint32_t i = 0; i < len; i++) {
        JsonField *field = &self->items[i];
        Buf        piece = buf_in(arena);

        buf_put(&piece, i ? ',' : '{');
        json_put_string(&piece, fields[i].name);
        buf_put(&piece, ':');
        field->name = fields[i].name;
        field->piece = buf_view(&piece);
        field->is_wanted = true;
        TRY(json_codec_open(arena, fields[i].type, is_lenient, &field->codec, err));
        map_put(&self->by_name, field->name, field);
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
        TRY(fields_open(arena, type->fields, type->fields_len, is_lenient, &self->fields, err));
    *out = self;
    return ERR_OK;
}

/* --- errors of reading ------------------------------------------------------------------------ */

static size_t byte_of(const JsonIn *in)
{
    return (size_t)(in->scan.at - in->scan.begin);
}

static ErrCode malformed(JsonIn *in)
{
    return err_set(in->err, ERR_DESERIALIZE, "malformed JSON at byte %zu: %s", byte_of(in),
                   in->scan.why ? in->scan.why : "unexpected text");
}

static ErrCode mismatch(JsonIn *in, const JsonCodec *codec, JsonKind found)
{
    static const char *const names[] = {
        [JSON_ERROR] = "nothing",  [JSON_NULL] = "null",       [JSON_FALSE] = "a boolean",
        [JSON_TRUE] = "a boolean", [JSON_NUMBER] = "a number", [JSON_STRING] = "a string",
        [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object"};

    return err_set(in->err, ERR_DESERIALIZE, "cannot read %s at byte %zu as %s", names[found],
                   byte_of(in), type_kind_name(codec->kind));
}

/* The value that ends here is of the right kind but means nothing for the type. */
static ErrCode bad_value(JsonIn *in, const JsonCodec *codec, Str text, const char *why)
{
    return err_set(in->err, ERR_DESERIALIZE, "cannot read '%.*s%s' before byte %zu as %s: %s",
                   (int)(text.len > 60 ? 60 : text.len), text.len ? text.ptr : "",
                   text.len > 60 ? "..." : "", byte_of(in), type_kind_name(codec->kind), why);
}

/* --- reading scalars -------------------------------------------------------------------------- */

static ErrCode read_text(JsonIn *in, Str *out)
{
    bool has_escape;

    if (!json_string(&in->scan, out, &has_escape))
        return malformed(in);
    if (has_escape)
        *out = json_unescape(in->mem, *out);
    return ERR_OK;
}

/*
 * The integer part of a JSON number, modulo 2^64, as Java's BigDecimal.longValue() gives it.
 * False when the number has more digits than any SQL number (1e400 digits are an attack, not data).
 */
static bool number_to_i64(Str text, int64_t *out)
{
    size_t   i = text.ptr[0] == '-';
    size_t   digits = 0, int_digits;
    uint64_t v = 0;
    int64_t  exponent = 0, left;

    for (int_digits = 0; i + int_digits < text.len; int_digits++)
        if (text.ptr[i + int_digits] < '0' || text.ptr[i + int_digits] > '9')
            break;
    for (size_t e = i + int_digits; e < text.len; e++) {
        bool is_negative;

        if (text.ptr[e] != 'e' && text.ptr[e] != 'E')
            continue;
        is_negative = text.ptr[e + 1] == '-';
        for (e += is_negative || text.ptr[e + 1] == '+' ? 2 : 1; e < text.len; e++)
            if (exponent <= EXPONENT_MAX)
                exponent = exponent * 10 + (text.ptr[e] - '0');
        exponent = is_negative ? -exponent : exponent;
    }
    left = (int64_t)int_digits + exponent;
    if (left > EXPONENT_MAX)
        return false;
    for (; i < text.len && left > 0; i++) {
        if (text.ptr[i] == '.')
            continue;
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            break;
        v = v * 10 + (uint64_t)(text.ptr[i] - '0');
        left--;
        digits++;
    }
    for (; left > 0 && digits > 0 && v != 0; left--)
        v *= 10;
    *out = (int64_t)(text.ptr[0] == '-' ? 0 - v : v);
    return true;
}

/* A JSON integer of up to 18 digits; the common case of number_to_i64(). */
static bool short_integer(Str text, int64_t *out)
{
    bool    is_negative = text.ptr[0] == '-';
    int64_t v = 0;

    if (text.len > 18)
        return false;
    for (size_t i = is_negative; i < text.len; i++)
        v = v * 10 + (text.ptr[i] - '0');
    *out = is_negative ? -v : v;
    return true;
}

static ErrCode integer_fit(JsonIn *in, const JsonCodec *codec, Str text, int64_t i, Value *out)
{
    switch (codec->kind) {
    case T_INT:
        *out = value_int((int32_t)(uint32_t)(uint64_t)i); /* wraps, as Java's intValue() */
        return ERR_OK;
    case T_BIGINT:
        *out = value_bigint(i);
        return ERR_OK;
    case T_DATE:
        if (i < -DATE_DAYS_MAX || i > DATE_DAYS_MAX)
            return bad_value(in, codec, text, "days since 1970-01-01 out of range");
        break;
    case T_TIME:
        if (i < 0 || i >= MS_PER_DAY)
            return bad_value(in, codec, text, "milliseconds since midnight out of range");
        break;
    default:
        break;
    }
    *out = value_time(codec->kind, i);
    return ERR_OK;
}

static ErrCode date_of_text(const JsonCodec *codec, Str text, int64_t *out)
{
    Err unused;

    if (codec->kind == T_DATE)
        return datetime_parse_date(text, out, &unused);
    if (codec->kind == T_TIME)
        return datetime_parse_time(text, out, &unused);
    return datetime_parse_timestamp(text, out, &unused);
}

static ErrCode integer_of_text(JsonIn *in, const JsonCodec *codec, Str text, Value *out)
{
    bool    is_date = codec->kind != T_INT && codec->kind != T_BIGINT;
    int64_t i = 0;

    if (!str_to_i64(text, &i)) {
        if (!is_date || !codec->is_lenient || date_of_text(codec, text, &i) != ERR_OK)
            return bad_value(in, codec, text, "no integer");
    }
    if (codec->kind == T_INT && (i < INT32_MIN || i > INT32_MAX))
        return bad_value(in, codec, text, "out of range");
    return integer_fit(in, codec, text, i, out);
}

static ErrCode read_integer(JsonIn *in, const JsonCodec *codec, JsonKind found, Value *out)
{
    Str     text;
    bool    is_integer;
    int64_t i = 0;

    if (found == JSON_STRING) {
        TRY(read_text(in, &text));
        return integer_of_text(in, codec, text, out);
    }
    if (found != JSON_NUMBER)
        return mismatch(in, codec, found);
    if (!json_number(&in->scan, &text, &is_integer))
        return malformed(in);
    if (!(is_integer && short_integer(text, &i)) && !number_to_i64(text, &i))
        return bad_value(in, codec, text, "out of range");
    return integer_fit(in, codec, text, i, out);
}

static ErrCode double_of_text(JsonIn *in, const JsonCodec *codec, Str text, Value *out)
{
    double d;

    if (!value_parse_double(text, &d))
        return bad_value(in, codec, text, "no number");
    *out = value_double(d);
    return ERR_OK;
}

static ErrCode read_double(JsonIn *in, const JsonCodec *codec, JsonKind found, Value *out)
{
    Str     text;
    bool    is_integer;
    int64_t i;

    if (found == JSON_STRING) {
        TRY(read_text(in, &text));
        return double_of_text(in, codec, text, out);
    }
    if (found != JSON_NUMBER)
        return mismatch(in, codec, found);
    if (!json_number(&in->scan, &text, &is_integer))
        return malformed(in);
    if (is_integer && text.len <= 15 && text.ptr[0] != '-' && short_integer(text, &i)) {
        *out = value_double((double)i);
        return ERR_OK;
    }
    TRY(double_of_text(in, codec, text, out));
    if (isinf(out->u.d))
        return bad_value(in, codec, text, "out of range");
    return ERR_OK;
}

static ErrCode decimal_of_text(JsonIn *in, const JsonCodec *codec, Str text, Value *out)
{
    int64_t unused;
    Value   v;

    /* An exponent of a billion must not become a billion digits; other text is decimal_parse's. */
    if (text.len > 0 && text.ptr[0] != '+' && !number_to_i64(text, &unused))
        return bad_value(in, codec, text, "out of range");
    if (text.len > (size_t)EXPONENT_MAX * 2 || !decimal_parse(in->mem, text, &v))
        return bad_value(in, codec, text, "no decimal number");
    if (decimal_fit(in->mem, v, codec->type, DECIMAL_ROUND_NONE, out, in->err) != ERR_OK) {
        in->err->code = ERR_DESERIALIZE;
        err_wrap(in->err, "cannot read a DECIMAL before byte %zu", byte_of(in));
        return ERR_DESERIALIZE;
    }
    return ERR_OK;
}

static ErrCode read_decimal(JsonIn *in, const JsonCodec *codec, JsonKind found, Value *out)
{
    Str  text;
    bool is_integer;

    if (found == JSON_STRING)
        TRY(read_text(in, &text));
    else if (found != JSON_NUMBER)
        return mismatch(in, codec, found);
    else if (!json_number(&in->scan, &text, &is_integer))
        return malformed(in);
    return decimal_of_text(in, codec, text, out);
}

/* An array as text is its elements' text between brackets; an object is compact JSON. */
static void print_as_text(Buf *out, const Json *json)
{
    switch (json->kind) {
    case JSON_STRING:
        buf_str(out, json->text);
        break;
    case JSON_ARRAY:
        buf_put(out, '[');
        for (size_t i = 0; i < json->len; i++) {
            if (i > 0)
                buf_c(out, ", ");
            print_as_text(out, json->u.items[i]);
        }
        buf_put(out, ']');
        break;
    default:
        json_print(out, json);
        break;
    }
}

static ErrCode read_string(JsonIn *in, JsonKind found, Value *out)
{
    Str   text;
    bool  is_integer;
    Json *json;
    Buf   buf;

    switch (found) {
    case JSON_STRING:
        TRY(read_text(in, &text));
        break;
    case JSON_NUMBER:
        if (!json_number(&in->scan, &text, &is_integer))
            return malformed(in);
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        if (!json_word(&in->scan))
            return malformed(in);
        text = found == JSON_TRUE ? STR("true") : STR("false");
        break;
    default:
        if (!json_skip(&in->scan, &text))
            return malformed(in);
        TRY(json_parse(in->mem, text, &json, in->err));
        buf = buf_in(in->mem);
        print_as_text(&buf, json);
        text = buf_view(&buf);
        break;
    }
    *out = value_str(text);
    return ERR_OK;
}

static ErrCode bytes_of_text(JsonIn *in, const JsonCodec *codec, Str text, Value *out)
{
    Buf bytes = buf_in(in->mem);

    if (!base64_decode(&bytes, text))
        return bad_value(in, codec, text, "no base64");
    *out = value_bytes(buf_view(&bytes));
    return ERR_OK;
}

/* --- reading nested values -------------------------------------------------------------------- */

typedef VEC(Value) ValueVec;

static ErrCode read_array(JsonIn *in, JsonCodec *codec, Value *out)
{
    ValueVec items = {0};
    bool     is_first = true;

    if (!json_enter(&in->scan))
        return malformed(in);
    while (json_next_item(&in->scan, &is_first)) {
        Value v;

        if ((int64_t)items.len >= g_limits.items)
            return err_set(in->err, ERR_DESERIALIZE, "array at byte %zu has over %lld elements",
                           byte_of(in), (long long)g_limits.items);
        TRY(json_codec_read(codec->elem, in, &v));
        vec_push(in->mem, &items, v);
    }
    if (in->scan.why)
        return malformed(in);
    *out = value_items(T_ARRAY, items.items, items.len);
    return ERR_OK;
}

static ErrCode scalar_of_text(JsonIn *in, const JsonCodec *codec, Str text, Value *out)
{
    switch (codec->kind) {
    case T_STRING:
        *out = value_str(text);
        return ERR_OK;
    case T_BOOLEAN:
        if (!str_eq_nocase(text, STR("true")) && !str_eq_nocase(text, STR("false")))
            return bad_value(in, codec, text, "neither true nor false");
        *out = value_bool(str_eq_nocase(text, STR("true")));
        return ERR_OK;
    case T_DOUBLE:
        return double_of_text(in, codec, text, out);
    case T_DECIMAL:
        return decimal_of_text(in, codec, text, out);
    case T_BYTES:
        return bytes_of_text(in, codec, text, out);
    case T_INT:
    case T_BIGINT:
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        return integer_of_text(in, codec, text, out);
    default:
        return bad_value(in, codec, text, "no key of a JSON object");
    }
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
        TRY(scalar_of_text(in, &key_codec, value_as_str(entries->items[i]), &entries->items[i]));
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
        return malformed(in);
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
                           byte_of(in), (long long)g_limits.items);
        vec_push(in->mem, &entries, value_str(name));
        vec_push(in->mem, &entries, v);
        map_entry_index(&index, &entries);
    }
    if (in->scan.why)
        return malformed(in);
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

/* The same, by what stood at this position in the object before. */
static JsonField *field_guess(JsonFields *fields, Arena *mem, uint32_t position, Str name,
                              JsonMatch *match)
{
    JsonGuess *guess = &fields->guesses[position];

    if (position >= GUESSES_MAX || name.len == 0 || name.len > GUESS_NAME_BYTES)
        return field_find(fields, mem, name, match);
    if (guess->len != name.len || memcmp(guess->name, name.ptr, name.len) != 0) {
        memcpy(guess->name, name.ptr, name.len);
        guess->len = (uint8_t)name.len;
        guess->field = field_find(fields, mem, name, match);
        guess->match = (uint8_t)*match;
    }
    *match = (JsonMatch)guess->match;
    return guess->field;
}

/* A value that nobody wants: what is surely right is skipped, the rest is read for its errors. */
static ErrCode read_unwanted(JsonIn *in, JsonCodec *codec)
{
    JsonKind found = json_peek(&in->scan);
    Value    unused;
    Str      text;
    bool     has_escape;

    if (found == JSON_STRING && codec->kind == T_STRING)
        return json_string(&in->scan, &text, &has_escape) ? ERR_OK : malformed(in);
    if (found == JSON_NULL || codec->kind == T_STRING)
        return json_skip(&in->scan, NULL) ? ERR_OK : malformed(in);
    return json_codec_read(codec, in, &unused);
}

/*
 * Reads an object's members into out[0 .. fields->len); fields that are not wanted are left as
 * they are, wanted ones that do not stand in the text become null.
 */
static ErrCode read_fields(JsonIn *in, JsonFields *fields, Value *out)
{
    bool     is_first = true, has_escape;
    uint32_t position = 0;
    Str      name;

    for (uint32_t i = 0; i < fields->len; i++)
        fields->items[i].seen = MATCH_NONE;
    if (!json_enter(&in->scan))
        return malformed(in);
    while (json_next_member(&in->scan, &is_first, &name, &has_escape)) {
        JsonMatch  match;
        JsonField *field;
        ErrCode    rc;

        if (has_escape)
            name = json_unescape(in->mem, name);
        field = field_guess(fields, in->mem, position++, name, &match);
        if (!field || match < field->seen) {
            if (!json_skip(&in->scan, NULL))
                return malformed(in);
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
        return malformed(in);
    for (uint32_t i = 0; i < fields->len; i++) {
        if (fields->items[i].seen == MATCH_NONE && fields->items[i].is_wanted)
            out[i] = value_null();
    }
    return ERR_OK;
}

static ErrCode read_struct(JsonIn *in, JsonCodec *codec, Value *out)
{
    Value *items = arena_alloc(in->mem, sizeof(Value) * codec->fields->len);

    TRY(read_fields(in, codec->fields, items));
    *out = value_items(T_STRUCT, items, codec->fields->len);
    return ERR_OK;
}

static ErrCode read_boolean(JsonIn *in, const JsonCodec *codec, JsonKind found, Value *out)
{
    if (found != JSON_TRUE && found != JSON_FALSE)
        return mismatch(in, codec, found);
    if (!json_word(&in->scan))
        return malformed(in);
    *out = value_bool(found == JSON_TRUE);
    return ERR_OK;
}

static ErrCode read_bytes(JsonIn *in, const JsonCodec *codec, JsonKind found, Value *out)
{
    Str text;

    if (found != JSON_STRING)
        return mismatch(in, codec, found);
    TRY(read_text(in, &text));
    return bytes_of_text(in, codec, text, out);
}

ErrCode json_codec_read(JsonCodec *codec, JsonIn *in, Value *out)
{
    JsonKind found = json_peek(&in->scan);

    if (found == JSON_ERROR)
        return malformed(in);
    if (found == JSON_NULL) {
        *out = value_null();
        return json_word(&in->scan) ? ERR_OK : malformed(in);
    }
    switch (codec->kind) {
    case T_STRING:
        return read_string(in, found, out);
    case T_INT:
    case T_BIGINT:
    case T_DATE:
    case T_TIME:
    case T_TIMESTAMP:
        return read_integer(in, codec, found, out);
    case T_DOUBLE:
        return read_double(in, codec, found, out);
    case T_BOOLEAN:
        return read_boolean(in, codec, found, out);
    case T_DECIMAL:
        return read_decimal(in, codec, found, out);
    case T_BYTES:
        return read_bytes(in, codec, found, out);
    case T_ARRAY:
        return found == JSON_ARRAY ? read_array(in, codec, out) : mismatch(in, codec, found);
    case T_MAP:
        return found == JSON_OBJECT ? read_map(in, codec, out) : mismatch(in, codec, found);
    case T_STRUCT:
        return found == JSON_OBJECT ? read_struct(in, codec, out) : mismatch(in, codec, found);
    default:
        return mismatch(in, codec, found);
    }
}

ErrCode json_codec_end(JsonIn *in)
{
    if (json_at_end(&in->scan))
        return ERR_OK;
    return err_set(in->err, ERR_DESERIALIZE, "malformed JSON at byte %zu: text behind the value",
                   byte_of(in));
}

/* --- the decoder ------------------------------------------------------------------------------ */

typedef struct JsonDecoder {
    Decoder     base;   /* must be first */
    JsonFields *fields; /* wrapped: the columns */
    JsonCodec  *codec;  /* unwrapped: the only one */
    Str         column; /* its name */
    bool        is_wanted;
} JsonDecoder;

static bool is_unwrapped(const FormatSide *side)
{
    return side->len == 1 && (side->is_key || !side->spec.is_wrapped);
}

static ErrCode decode_wrapped(JsonDecoder *self, JsonIn *in, Value *out, bool *is_null)
{
    switch (json_peek(&in->scan)) {
    case JSON_OBJECT:
        *is_null = false;
        return read_fields(in, self->fields, out);
    case JSON_NULL:
        *is_null = true;
        return json_word(&in->scan) ? ERR_OK : malformed(in);
    case JSON_ERROR:
        return malformed(in);
    default:
        return err_set(in->err, ERR_DESERIALIZE, "cannot read a row at byte %zu: not an object",
                       byte_of(in));
    }
}

static ErrCode decode_bare(JsonDecoder *self, JsonIn *in, Value *out, bool *is_null)
{
    Value   v;
    ErrCode rc = json_codec_read(self->codec, in, &v);

    if (rc != ERR_OK) {
        err_wrap(in->err, "column \"%.*s\"", STR_ARG(self->column));
        return rc;
    }
    *is_null = value_is_null(v);
    if (self->is_wanted)
        out[0] = v;
    return ERR_OK;
}

static ErrCode json_decode(Decoder *base, Str bytes, Value *out, Arena *batch_mem, bool *is_null,
                           Err *err)
{
    JsonDecoder *self = (JsonDecoder *)base;
    JsonIn       in = {.mem = batch_mem, .err = err};

    json_scan_init(&in.scan, bytes);
    if (self->codec)
        TRY(decode_bare(self, &in, out, is_null));
    else
        TRY(decode_wrapped(self, &in, out, is_null));
    return json_codec_end(&in);
}

static ErrCode columns_open(Arena *arena, const FormatSide *side, JsonFields **out, Err *err)
{
    TypeField *fields = ARENA_ARRAY(arena, TypeField, side->len);

    for (uint32_t i = 0; i < side->len; i++)
        fields[i] = (TypeField){side->cols[i].name, side->cols[i].type};
    return fields_open(arena, fields, side->len, false, out, err);
}

static ErrCode json_decoder_open(Arena *query_mem, const FormatSide *side, const bool *is_wanted,
                                 Decoder **out, Err *err)
{
    JsonDecoder *self = ARENA_NEW(query_mem, JsonDecoder);

    self->base.run = json_decode;
    if (is_unwrapped(side)) {
        self->column = side->cols[0].name;
        self->is_wanted = format_is_wanted(is_wanted, 0);
        TRY(json_codec_open(query_mem, side->cols[0].type, false, &self->codec, err));
    } else {
        TRY(columns_open(query_mem, side, &self->fields, err));
        for (uint32_t i = 0; i < side->len; i++)
            self->fields->items[i].is_wanted = format_is_wanted(is_wanted, i);
    }
    *out = &self->base;
    return ERR_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

typedef struct JsonEncoder {
    Encoder     base;   /* must be first */
    JsonFields *fields; /* wrapped: the columns */
    JsonCodec  *codec;  /* unwrapped: the only one */
    bool        has_columns;
} JsonEncoder;

static void write_value(const JsonCodec *codec, Value v, Buf *out);

static void write_fields(const JsonFields *fields, const Value *values, Buf *out)
{
    if (fields->len == 0)
        buf_put(out, '{');
    for (uint32_t i = 0; i < fields->len; i++) {
        buf_str(out, fields->items[i].piece);
        write_value(fields->items[i].codec, values[i], out);
    }
    buf_put(out, '}');
}

static void write_items(const JsonCodec *codec, Value v, Buf *out)
{
    buf_put(out, '[');
    for (uint32_t i = 0; i < v.len; i++) {
        if (i > 0)
            buf_put(out, ',');
        write_value(codec->elem, v.u.items[i], out);
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
        write_value(codec->elem, v.u.items[2 * i + 1], out);
    }
    buf_put(out, '}');
}

static void write_value(const JsonCodec *codec, Value v, Buf *out)
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
        write_fields(codec->fields, v.u.items, out);
        return;
    default:
        buf_i64(out, v.u.i);
        return;
    }
}

static ErrCode json_encode(Encoder *base, const Value *cols, Buf *out, bool *is_null, Err *err)
{
    const JsonEncoder *self = (const JsonEncoder *)base;

    (void)err;
    *is_null = !self->has_columns || (self->codec && value_is_null(cols[0]));
    if (*is_null)
        return ERR_OK;
    if (self->codec)
        write_value(self->codec, cols[0], out);
    else
        write_fields(self->fields, cols, out);
    return ERR_OK;
}

static ErrCode json_encoder_open(Arena *query_mem, const FormatSide *side, Encoder **out, Err *err)
{
    JsonEncoder *self = ARENA_NEW(query_mem, JsonEncoder);

    self->base.run = json_encode;
    self->has_columns = side->len > 0;
    if (is_unwrapped(side))
        TRY(json_codec_open(query_mem, side->cols[0].type, false, &self->codec, err));
    else
        TRY(columns_open(query_mem, side, &self->fields, err));
    *out = &self->base;
    return ERR_OK;
}

const FormatClass format_json_class = {json_decoder_open, json_encoder_open};
