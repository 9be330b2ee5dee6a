#include "job/output.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

#define LINE_KEPT 1000 /* bytes of one line in the tail */

void aglm_output_init(aglm_output *o)
{
    o->n_values = 0;
    o->n_scores = 0;
    o->violation = NAN;
    o->tail_n = 0;
    o->tail[0] = '\0';
}

/* Makes room by whole lines from the front. */
static void make_room(aglm_output *o, size_t n)
{
    size_t drop = 0;

    while (o->tail_n - drop + n > sizeof o->tail) {
        const char *end = memchr(o->tail + drop, '\n', o->tail_n - drop);
        drop = end ? (size_t)(end - o->tail) + 1 : o->tail_n;
    }
    memmove(o->tail, o->tail + drop, o->tail_n - drop);
    o->tail_n -= drop;
}

/* A copy with what is no UTF-8, and NUL characters, as "?". */
static void keep(aglm_output *o, const char *line, size_t n)
{
    n = n > LINE_KEPT ? LINE_KEPT : n;
    make_room(o, n + 2);
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        size_t used = aglm_utf8_decode(line + i, n - i, &cp);
        bool bad = cp == 0 || (cp == AGLM_UTF8_BAD && used == 1);
        memcpy(o->tail + o->tail_n, bad ? "?" : line + i, used);
        o->tail_n += used;
        i += used;
    }
    o->tail[o->tail_n++] = '\n';
    o->tail[o->tail_n] = '\0';
}

static bool take_values(aglm_output *o, const aglm_json *list)
{
    aglm_json_iter it = aglm_json_iterate(list);
    size_t n = aglm_json_size(list);

    if (aglm_json_kind_of(list) != AGLM_JSON_ARRAY || n == 0 || n > AGLM_STORE_MAX_OBJECTIVES)
        return false;
    for (size_t i = 0; i < n; i++)
        o->values[i] = aglm_json_double(aglm_json_next(&it, NULL), NAN);
    o->n_values = n;
    return true;
}

/* A list with anything but numbers is none. */
static void take_scores(aglm_output *o, const aglm_json *list)
{
    aglm_json_iter it = aglm_json_iterate(list);
    size_t n = aglm_json_kind_of(list) == AGLM_JSON_ARRAY ? aglm_json_size(list) : 0;

    o->n_scores = n < 2 || n > AGLM_OUTPUT_MAX_SCORES ? 0 : n;
    for (size_t i = 0; i < o->n_scores; i++) {
        o->scores[i] = aglm_json_double(aglm_json_next(&it, NULL), NAN);
        if (!isfinite(o->scores[i]))
            o->n_scores = 0;
    }
}

static double sum_of_violated(const aglm_json *list)
{
    aglm_json_iter it = aglm_json_iterate(list);
    double sum = 0.0;

    if (aglm_json_kind_of(list) != AGLM_JSON_ARRAY)
        return NAN;
    for (size_t left = aglm_json_size(list); left > 0; left--) {
        double v = aglm_json_double(aglm_json_next(&it, NULL), INFINITY); /* no number: not kept */
        sum += v > 0.0 || isnan(v) ? v : 0.0;
    }
    return isnan(sum) ? INFINITY : sum;
}

static aglm_output_kind take_object(aglm_output *o, const aglm_json *v)
{
    const aglm_json *value = aglm_json_get(v, "value");
    const aglm_json *step = aglm_json_get(v, "step");

    if (step && value && aglm_json_kind_of(step) == AGLM_JSON_NUMBER) {
        o->step = aglm_json_int(step, -1);
        o->step_value = aglm_json_double(value, NAN);
        return o->step >= 0 ? AGLM_OUTPUT_STEP : AGLM_OUTPUT_TALK;
    }
    const aglm_json *values = aglm_json_get(v, "values");
    if (value) {
        o->values[0] = aglm_json_double(value, NAN); /* null is no number either */
        o->n_values = 1;
    } else if (!values || !take_values(o, values)) {
        return AGLM_OUTPUT_TALK;
    }
    take_scores(o, aglm_json_get(v, "scores"));
    const aglm_json *constraints = aglm_json_get(v, "constraints");
    o->violation = constraints ? sum_of_violated(constraints) : NAN;
    return AGLM_OUTPUT_RESULT;
}

static aglm_output_kind take_json(aglm_output *o, const char *line, size_t n)
{
    aglm_json_doc *doc = NULL;
    aglm_json_options options = {.allow_nonfinite = true};
    aglm_output_kind kind = AGLM_OUTPUT_TALK;

    if (aglm_json_parse(&doc, line, n, &options, NULL) == AGLM_OK)
        kind = take_object(o, aglm_json_root(doc));
    aglm_json_free(doc);
    return kind;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

aglm_output_kind aglm_output_line(aglm_output *o, const char *line, size_t n, bool is_error)
{
    double v;

    keep(o, line, n);
    while (n > 0 && is_blank(line[n - 1]))
        n--;
    while (n > 0 && is_blank(*line)) {
        line++;
        n--;
    }
    if (is_error || n == 0)
        return AGLM_OUTPUT_TALK;
    if (*line == '{')
        return take_json(o, line, n);
    if (!aglm_double_parse(line, n, &v))
        return AGLM_OUTPUT_TALK;
    o->values[0] = v;
    o->n_values = 1;
    o->n_scores = 0;
    o->violation = NAN;
    return AGLM_OUTPUT_RESULT;
}
