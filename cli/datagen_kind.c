/*
 * datagen_kind.c -- the kinds as tables of fields; adding one is adding a table.
 */
#include "cli/datagen_kind.h"

#include <assert.h>
#include <inttypes.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SEQUENCE(name)                                                                             \
    {                                                                                              \
        name, "BIGINT", FIELD_SEQUENCE, 0, 0, NULL, NULL                                           \
    }
#define NOW(name)                                                                                  \
    {                                                                                              \
        name, "BIGINT", FIELD_NOW, 0, 0, NULL, NULL                                                \
    }
#define INT(name, low, high)                                                                       \
    {                                                                                              \
        name, "INT", FIELD_INT, low, high, NULL, NULL                                              \
    }
#define DECIMAL(name, low, high)                                                                   \
    {                                                                                              \
        name, "DECIMAL(10, 2)", FIELD_DECIMAL, low, high, NULL, NULL                               \
    }
#define WORD(name, ...)                                                                            \
    {                                                                                              \
        name, "STRING", FIELD_WORD, 0, 0, WORDS(__VA_ARGS__), NULL                                 \
    }
#define NUMBERED(name, word, low, high)                                                            \
    {                                                                                              \
        name, "STRING", FIELD_NUMBERED, low, high, WORDS(word), NULL                               \
    }
#define STRUCT(name, fields)                                                                       \
    {                                                                                              \
        name, NULL, FIELD_STRUCT, 0, 0, NULL, fields                                               \
    }
#define END                                                                                        \
    {                                                                                              \
        0                                                                                          \
    }

/* --- kinds ------------------------------------------------------------------------------------ */

static const Field address[] = {
    NUMBERED("street", "Mill Road ", 1, 99),
    WORD("city", "Aarhus", "Bergen", "Cork", "Delft", "Espoo", "Freiburg", "Graz", "Haarlem"),
    NUMBERED("zipcode", "", 10000, 99999),
    END,
};

static const Field orders[] = {
    SEQUENCE("order_id"),
    WORD("customer_id", "ada", "bo", "cleo", "dan", "eve", "finn", "gus", "hana", "ian", "jo"),
    WORD("item", "lamp", "desk", "chair", "shelf", "rug", "clock", "mirror", "sofa"),
    INT("amount", 1, 9),
    DECIMAL("price", 495, 29900),
    STRUCT("address", address),
    END,
};

static const Field users[] = {
    NUMBERED("userid", "User_", 1, 9),
    NOW("registertime"),
    NUMBERED("regionid", "Region_", 1, 9),
    WORD("gender", "FEMALE", "MALE", "OTHER"),
    END,
};

static const Field pageviews[] = {
    NOW("viewtime"),
    NUMBERED("userid", "User_", 1, 9),
    NUMBERED("pageid", "Page_", 10, 99),
    END,
};

static const Field ratings[] = {
    SEQUENCE("rating_id"),
    INT("user_id", 1, 20),
    INT("stars", 1, 5),
    INT("route_id", 1, 9999),
    NOW("rating_time"),
    WORD("channel", "web", "ios", "android", "phone"),
    WORD("message", "on time, thank you", "the seats are narrow", "I would come again",
         "my luggage came a day later", "friendly crew"),
    END,
};

static const Field clickstream[] = {
    WORD("ip", "198.51.100.4", "198.51.100.17", "203.0.113.5", "203.0.113.77", "192.0.2.9"),
    INT("userid", 1, 39),
    NOW("clicked_at"),
    WORD("request", "GET /index.html HTTP/1.1", "GET /images/logo.png HTTP/1.1",
         "GET /site/login.html HTTP/1.1", "POST /cart HTTP/1.1"),
    WORD("status", "200", "200", "200", "302", "404", "405", "500"),
    INT("bytes", 200, 20000),
    WORD("referrer", "-", "https://search.example", "https://news.example"),
    END,
};

static const Field clickstream_codes[] = {
    WORD("code", "200", "302", "404", "405", "500"),
    WORD("definition", "answered", "moved", "not found", "not allowed", "failed"),
    END,
};

static const Field clickstream_users[] = {
    INT("user_id", 1, 39),
    NOW("registered_at"),
    NUMBERED("username", "user", 1, 999),
    WORD("city", "Aarhus", "Bergen", "Cork", "Delft"),
    WORD("level", "Gold", "Silver", "Platinum"),
    END,
};

static const Field stock[] = {
    WORD("symbol", "ZAB", "ZBC", "ZCD", "ZDE", "ZEF"),
    WORD("side", "BUY", "SELL"),
    INT("quantity", 1, 5000),
    DECIMAL("price", 500, 99900),
    WORD("account", "ABC123", "LMN456", "XYZ789"),
    NUMBERED("userid", "User_", 1, 9),
    END,
};

const DatagenKind datagen_kinds[] = {
    {"orders", "orders of a shop; fits docs/examples/orders.sql", orders},
    {"users", "people of a few regions", users},
    {"pageviews", "who looks at which page", pageviews},
    {"ratings", "stars and words", ratings},
    {"clickstream", "requests of a web server", clickstream},
    {"clickstream_codes", "what its status codes mean", clickstream_codes},
    {"clickstream_users", "who its users are", clickstream_users},
    {"stock", "trades", stock},
    {0},
};

const DatagenKind *datagen_kind_find(Str name)
{
    for (const DatagenKind *kind = datagen_kinds; kind->name; kind++) {
        if (str_eq_nocase(name, str_from(kind->name)))
            return kind;
    }
    return NULL;
}

/* --- statements ------------------------------------------------------------------------------- */

static void put_type(Buf *out, const Field *field)
{
    if (field->kind != FIELD_STRUCT) {
        buf_c(out, field->type);
        return;
    }
    buf_c(out, "STRUCT<");
    for (const Field *inner = field->fields; inner->name; inner++) {
        buf_printf(out, "%s%s ", inner > field->fields ? ", " : "", inner->name);
        put_type(out, inner);
    }
    buf_put(out, '>');
}

static void put_string(Buf *out, Str text)
{
    buf_put(out, '\'');
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\'')
            buf_put(out, '\'');
        buf_put(out, text.ptr[i]);
    }
    buf_put(out, '\'');
}

void datagen_create(Buf *out, const DatagenKind *kind, Str stream, Str topic, Str format)
{
    buf_printf(out, "CREATE STREAM IF NOT EXISTS %.*s (", STR_ARG(stream));
    for (const Field *field = kind->fields; field->name; field++) {
        buf_printf(out, "%s%s ", field > kind->fields ? ", " : "", field->name);
        put_type(out, field);
        buf_c(out, field == kind->fields ? " KEY" : "");
    }
    buf_c(out, ") WITH (KAFKA_TOPIC = ");
    put_string(out, topic);
    buf_c(out, ", VALUE_FORMAT = ");
    put_string(out, format);
    buf_c(out, ", PARTITIONS = 1);");
}

void datagen_columns(Buf *out, const DatagenKind *kind)
{
    for (const Field *field = kind->fields; field->name; field++)
        buf_printf(out, "%s%s", field > kind->fields ? ", " : "", field->name);
}

/* --- rows ------------------------------------------------------------------------------------- */

void datagen_init(Datagen *gen, uint64_t seed, int64_t now_ms)
{
    enum { MS_PER_STEP = 100 };
    static const int64_t first_ms = INT64_C(1704067200000); /* 2024: short numbers */

    gen->random = seed ? seed : 1; /* xorshift never leaves 0 */
    gen->now_ms = now_ms;
    gen->sequence = now_ms > first_ms ? (now_ms - first_ms) / MS_PER_STEP : 0;
}

/* xorshift64*: short, and good enough to look alive. */
static int64_t between(Datagen *gen, int64_t low, int64_t high)
{
    uint64_t range = (uint64_t)(high - low) + 1;

    gen->random ^= gen->random >> 12;
    gen->random ^= gen->random << 25;
    gen->random ^= gen->random >> 27;
    return low + (int64_t)(((gen->random * UINT64_C(2685821657736338717)) >> 16) % range);
}

static const char *one_of(Datagen *gen, const char *const *words)
{
    int64_t len = 0;

    while (words[len])
        len++;
    return words[between(gen, 0, len - 1)];
}

static void put_value(Buf *out, const Field *field, Datagen *gen);

static void put_struct(Buf *out, const Field *field, Datagen *gen)
{
    buf_c(out, "STRUCT(");
    for (const Field *inner = field->fields; inner->name; inner++) {
        buf_printf(out, "%s%s := ", inner > field->fields ? ", " : "", inner->name);
        put_value(out, inner, gen);
    }
    buf_put(out, ')');
}

static void put_value(Buf *out, const Field *field, Datagen *gen)
{
    int64_t number;

    switch (field->kind) {
    case FIELD_SEQUENCE:
        buf_i64(out, gen->sequence++);
        break;
    case FIELD_NOW:
        buf_i64(out, gen->now_ms);
        break;
    case FIELD_INT:
        buf_i64(out, between(gen, field->low, field->high));
        break;
    case FIELD_DECIMAL:
        number = between(gen, field->low, field->high);
        buf_printf(out, "%" PRId64 ".%02d", number / 100, (int)(number % 100));
        break;
    case FIELD_WORD:
        put_string(out, str_from(one_of(gen, field->words)));
        break;
    case FIELD_NUMBERED:
        buf_printf(out, "'%s%" PRId64 "'", field->words[0], between(gen, field->low, field->high));
        break;
    case FIELD_STRUCT:
        put_struct(out, field, gen);
        break;
    }
}

void datagen_row(Buf *out, const DatagenKind *kind, Datagen *gen)
{
    for (const Field *field = kind->fields; field->name; field++) {
        buf_c(out, field > kind->fields ? ", " : "");
        put_value(out, field, gen);
    }
}
