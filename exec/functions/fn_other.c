/*
 * fn_other.c -- AS_VALUE and GEO_DISTANCE.
 */
#include <math.h>

#include "exec/functions/fn_table.h"
#include "exec/functions/fn_value.h"

static const char OTHER[] = "OTHER";

static const double EARTH_RADIUS_KM = 6371;
static const double EARTH_RADIUS_MILES = 3959;

static ErrCode as_value(const FnCall *call, const Value *args, Value *out, Err *err)
{
    (void)call, (void)err;
    return fn_give(out, args[0]);
}

static ErrCode radius_of(Value unit, double *out, Err *err)
{
    static const char *const km[] = {"",           "km",        "kilometer",
                                     "kilometers", "kilometre", "kilometres"};
    static const char *const miles[] = {"mi", "mile", "miles"};
    Str                      word = value_is_null(unit) ? STR("") : str_trim(value_as_str(unit));

    for (size_t i = 0; i < sizeof km / sizeof km[0]; i++) {
        if (str_eq_nocase(word, str_from(km[i]))) {
            *out = EARTH_RADIUS_KM;
            return ERR_OK;
        }
    }
    for (size_t i = 0; i < sizeof miles / sizeof miles[0]; i++) {
        if (str_eq_nocase(word, str_from(miles[i]))) {
            *out = EARTH_RADIUS_MILES;
            return ERR_OK;
        }
    }
    return err_set(err, ERR_EVAL, "unknown unit of distance '%.*s': use km or miles",
                   word.len > 40 ? 40 : (int)word.len, word.ptr);
}

static double square_of_half_sine(double degrees)
{
    double s = sin(degrees * (M_PI / 180) / 2);

    return s * s;
}

/* The haversine formula. */
static ErrCode geo_distance(const FnCall *call, const Value *args, Value *out, Err *err)
{
    double radius = 0;
    double lat1, lon1, lat2, lon2, h;

    for (uint32_t i = 0; i < 4; i++) {
        double bound = i % 2 == 0 ? 90 : 180;

        if (value_is_null(args[i]))
            return err_set(err, ERR_EVAL, "function GEO_DISTANCE does not take null");
        if (!(fabs(args[i].u.d) <= bound))
            return err_set(err, ERR_EVAL, "%s %g is not within -%g and %g",
                           i % 2 == 0 ? "latitude" : "longitude", args[i].u.d, bound, bound);
    }
    TRY(radius_of(call->args_len == 5 ? args[4] : value_null(), &radius, err));
    lat1 = args[0].u.d;
    lon1 = args[1].u.d;
    lat2 = args[2].u.d;
    lon2 = args[3].u.d;
    h = square_of_half_sine(lat2 - lat1) +
        cos(lat1 * (M_PI / 180)) * cos(lat2 * (M_PI / 180)) * square_of_half_sine(lon2 - lon1);
    return fn_give(out, value_double(2 * radius * asin(fmin(1, sqrt(h)))));
}

static const char GEO_DOC[] =
    "The distance on the earth's surface between two points given in degrees, in kilometres or, "
    "with the unit 'miles', in miles. A null unit is kilometres. A null coordinate, a latitude "
    "beyond 90, a longitude beyond 180 and another unit are errors.";

const FnDef fn_other[] = {
    FN("AS_VALUE", OTHER, "(column T) -> T", NULL_IS_VALUE, as_value,
       "The column itself. In the SELECT list of a persistent query it makes a copy of a key "
       "column that goes into the value; name it with AS. Null stays null.",
       "AS_VALUE(3) = 3"),
    FN("GEO_DISTANCE", OTHER, "(lat1 DOUBLE, lon1 DOUBLE, lat2 DOUBLE, lon2 DOUBLE) -> DOUBLE",
       NULL_IS_VALUE, geo_distance, GEO_DOC,
       "ROUND(GEO_DISTANCE(37.4, -122.1, 37.8, -122.4)) = 52"),
    FN("GEO_DISTANCE", OTHER,
       "(lat1 DOUBLE, lon1 DOUBLE, lat2 DOUBLE, lon2 DOUBLE, unit STRING) -> DOUBLE", NULL_IS_VALUE,
       geo_distance, GEO_DOC, "ROUND(GEO_DISTANCE(37.4, -122.1, 37.8, -122.4, 'miles')) = 32"),
    {.name = NULL},
};
