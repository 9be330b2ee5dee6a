#include "search/distribution.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "num/dense.h"
#include "search/normal.h"

#define LATTICE_SLACK 1e-8 /* of a step, as Optuna's own check */

static aglm_rc check_bounds(double low, double high, bool log, aglm_error *err)
{
    if (!isfinite(low) || !isfinite(high))
        return aglm_error_set(err, AGLM_INVALID, "bounds must be finite numbers");
    if (low > high)
        return aglm_error_set(err, AGLM_INVALID, "low %.17g is over high %.17g: swap them", low,
                              high);
    if (log && low <= 0.0)
        return aglm_error_set(err, AGLM_INVALID, "low %.17g must be over 0 on a log scale", low);
    return AGLM_OK;
}

/* The last value that the step reaches; bounds a rounding error apart stay as they are. */
static double last_on_lattice(double low, double high, double step)
{
    double k = floor((high - low) / step + LATTICE_SLACK);
    double last = low + k * step;

    return fabs(last - high) < LATTICE_SLACK * step ? high : last;
}

aglm_rc aglm_dist_float(aglm_dist *out, double low, double high, double step, bool log,
                        aglm_error *err)
{
    aglm_rc rc = check_bounds(low, high, log, err);

    if (rc != AGLM_OK)
        return rc;
    if (!(step >= 0.0) || !isfinite(step))
        return aglm_error_set(err, AGLM_INVALID, "step %.17g must be over 0, or 0 for none", step);
    if (step > 0.0 && log)
        return aglm_error_set(err, AGLM_INVALID, "a log scale takes no step");
    if (step > 0.0)
        high = last_on_lattice(low, high, step);
    *out = (aglm_dist){.kind = AGLM_DIST_FLOAT, .log = log, .low = low, .high = high, .step = step};
    return AGLM_OK;
}

aglm_rc aglm_dist_int(aglm_dist *out, double low, double high, double step, bool log,
                      aglm_error *err)
{
    aglm_rc rc = check_bounds(low, high, log, err);

    if (rc != AGLM_OK)
        return rc;
    if (low != floor(low) || high != floor(high) || fabs(low) > AGLM_DIST_MAX_INT ||
        fabs(high) > AGLM_DIST_MAX_INT)
        return aglm_error_set(err, AGLM_INVALID,
                              "bounds %.17g and %.17g must be whole numbers within 2^53", low,
                              high);
    if (!(step >= 1.0) || step != floor(step) || step > AGLM_DIST_MAX_INT)
        return aglm_error_set(err, AGLM_INVALID, "step %.17g must be a whole number of at least 1",
                              step);
    if (step != 1.0 && log)
        return aglm_error_set(err, AGLM_INVALID, "a log scale takes no step but 1");
    high = last_on_lattice(low, high, step);
    *out = (aglm_dist){.kind = AGLM_DIST_INT, .log = log, .low = low, .high = high, .step = step};
    return AGLM_OK;
}

bool aglm_choice_equal(const aglm_choice *a, const aglm_choice *b)
{
    bool number_a = a->kind == AGLM_CHOICE_INT || a->kind == AGLM_CHOICE_FLOAT;
    bool number_b = b->kind == AGLM_CHOICE_INT || b->kind == AGLM_CHOICE_FLOAT;

    if (number_a && number_b)
        return a->number == b->number;
    if (a->kind != b->kind)
        return false;
    if (a->kind == AGLM_CHOICE_TEXT)
        return strcmp(a->text, b->text) == 0;
    return a->kind == AGLM_CHOICE_NULL || a->number == b->number;
}

aglm_rc aglm_dist_choice(aglm_dist *out, const aglm_choice *choices, size_t n, aglm_error *err)
{
    if (n == 0)
        return aglm_error_set(err, AGLM_INVALID, "choices are empty: give at least one");
    if (n > AGLM_DIST_MAX_CHOICES)
        return aglm_error_set(err, AGLM_LIMIT, "%zu choices, at most %d are taken", n,
                              AGLM_DIST_MAX_CHOICES);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            if (aglm_choice_equal(&choices[i], &choices[j]))
                return aglm_error_set(err, AGLM_INVALID, "choices %zu and %zu are equal", j, i);
        }
    }
    *out = (aglm_dist){.kind = AGLM_DIST_CHOICE,
                       .high = (double)(n - 1),
                       .step = 1.0,
                       .choices = choices,
                       .n_choices = n};
    return AGLM_OK;
}

aglm_rc aglm_dist_texts(aglm_dist *out, const char *const *texts, size_t n, aglm_arena *a,
                        aglm_error *err)
{
    aglm_choice *choices = aglm_arena_array(a, n, sizeof *choices);

    if (!choices)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu choices", n);
    for (size_t i = 0; i < n; i++)
        choices[i] = (aglm_choice){.kind = AGLM_CHOICE_TEXT, .text = texts[i]};
    return aglm_dist_choice(out, choices, n, err);
}

aglm_rc aglm_dist_copy(aglm_dist *out, const aglm_dist *from, aglm_arena *a, aglm_error *err)
{
    *out = *from;
    if (from->n_choices == 0)
        return AGLM_OK;
    aglm_choice *choices = aglm_arena_array(a, from->n_choices, sizeof *choices);
    for (size_t i = 0; choices && i < from->n_choices; i++) {
        choices[i] = from->choices[i];
        if (choices[i].kind != AGLM_CHOICE_TEXT)
            continue;
        choices[i].text = aglm_arena_strdup(a, from->choices[i].text);
        if (!choices[i].text)
            choices = NULL;
    }
    out->choices = choices;
    return choices ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "out of memory for choices");
}

bool aglm_dist_compatible(const aglm_dist *a, const aglm_dist *b)
{
    if (a->kind != b->kind || a->log != b->log || a->n_choices != b->n_choices)
        return false;
    for (size_t i = 0; i < a->n_choices; i++) {
        if (!aglm_choice_equal(&a->choices[i], &b->choices[i]))
            return false;
    }
    return true;
}

bool aglm_dist_equal(const aglm_dist *a, const aglm_dist *b)
{
    return aglm_dist_compatible(a, b) && a->low == b->low && a->high == b->high &&
           a->step == b->step;
}

bool aglm_dist_grown(const aglm_dist *before, const aglm_dist *now)
{
    aglm_dist cut = *now;

    if (before->kind != AGLM_DIST_CHOICE || now->kind != AGLM_DIST_CHOICE)
        return aglm_dist_equal(before, now);
    if (now->n_choices > before->n_choices)
        cut.n_choices = before->n_choices;
    return aglm_dist_compatible(before, &cut);
}

bool aglm_dist_contains(const aglm_dist *d, double value)
{
    if (!(value >= d->low && value <= d->high))
        return false;
    if (d->kind == AGLM_DIST_FLOAT && d->step == 0.0)
        return true;
    double k = (value - d->low) / d->step;
    if (d->kind != AGLM_DIST_FLOAT)
        return k == floor(k);
    return fabs(k - floor(k + 0.5)) < LATTICE_SLACK;
}

double aglm_dist_snap(const aglm_dist *d, double value)
{
    if (!(value > d->low))
        return d->low;
    if (value >= d->high)
        return d->high;
    if (d->step == 0.0)
        return value;
    double snapped = d->low + floor((value - d->low) / d->step + 0.5) * d->step;
    return snapped > d->high ? d->high : snapped;
}

uint64_t aglm_dist_count(const aglm_dist *d)
{
    if (d->low == d->high)
        return 1;
    if (d->step == 0.0)
        return 0;
    double n = floor((d->high - d->low) / d->step + 0.5) + 1.0;
    return n < 0x1p63 ? (uint64_t)n : 0;
}

double aglm_dist_at(const aglm_dist *d, uint64_t i)
{
    double value = d->low + (double)i * d->step;

    return value > d->high ? d->high : value;
}

/* Bounds of the axis on which the law is even: the log of the value, cells of ints whole. */
static void log_bounds(const aglm_dist *d, double *low, double *high)
{
    *low = aglm_log(d->low - d->step / 2.0);
    *high = aglm_log(d->high + d->step / 2.0);
}

double aglm_dist_from_unit(const aglm_dist *d, double u)
{
    uint64_t n = aglm_dist_count(d);
    double low;
    double high;

    if (n > 0 && !d->log) {
        uint64_t i = (uint64_t)(u * (double)n);
        return aglm_dist_at(d, i < n ? i : n - 1);
    }
    if (!d->log)
        return aglm_dist_snap(d, d->low + u * (d->high - d->low));
    log_bounds(d, &low, &high);
    return aglm_dist_snap(d, aglm_exp(low + u * (high - low)));
}

void aglm_dist_cell(const aglm_dist *d, double value, double *low, double *high)
{
    uint64_t n = aglm_dist_count(d);
    double first;
    double last;

    if (d->low == d->high) {
        *low = 0.0;
        *high = 1.0;
    } else if (d->log) {
        log_bounds(d, &first, &last);
        *low = (aglm_log(value - d->step / 2.0) - first) / (last - first);
        *high = (aglm_log(value + d->step / 2.0) - first) / (last - first);
    } else if (n > 0) {
        *low = (value - d->low) / d->step / (double)n;
        *high = ((value - d->low) / d->step + 1.0) / (double)n;
    } else {
        *low = *high = (value - d->low) / (d->high - d->low);
    }
}

double aglm_dist_to_unit(const aglm_dist *d, double value)
{
    double low;
    double high;

    aglm_dist_cell(d, value, &low, &high);
    return 0.5 * (low + high);
}

double aglm_dist_sample(const aglm_dist *d, aglm_rng *rng)
{
    uint64_t n = aglm_dist_count(d);

    if (n > 0 && !d->log)
        return aglm_dist_at(d, aglm_rng_below(rng, n));
    return aglm_dist_from_unit(d, aglm_rng_uniform(rng));
}

/* json.dumps escapes everything outside printable ASCII, as UTF-16 units. */
static void write_python_text(const char *s, aglm_str *out)
{
    size_t n = strlen(s);

    aglm_str_putc(out, '"');
    while (n > 0) {
        uint32_t cp;
        size_t used = aglm_utf8_decode(s, n, &cp);
        static const char plain[] = "\"\\\n\r\t\f\b";
        static const char after[] = "\"\\nrtfb";
        const char *at = cp < 0x80 && cp != 0 ? strchr(plain, (int)cp) : NULL;
        if (at)
            aglm_str_printf(out, "\\%c", after[at - plain]);
        else if (cp >= 0x20 && cp < 0x7F)
            aglm_str_putc(out, (char)cp);
        else if (cp < 0x10000)
            aglm_str_printf(out, "\\u%04x", (unsigned)cp);
        else
            aglm_str_printf(out, "\\u%04x\\u%04x", (unsigned)(0xD800 + ((cp - 0x10000) >> 10)),
                            (unsigned)(0xDC00 + ((cp - 0x10000) & 0x3FF)));
        s += used;
        n -= used;
    }
    aglm_str_putc(out, '"');
}

static void write_float(double v, aglm_str *out)
{
    char buf[40];

    aglm_double_format(buf, v);
    aglm_str_puts(out, buf);
}

static void write_choice(const aglm_choice *c, aglm_str *out)
{
    switch (c->kind) {
    case AGLM_CHOICE_NULL:
        aglm_str_puts(out, "null");
        break;
    case AGLM_CHOICE_BOOL:
        aglm_str_puts(out, c->number != 0.0 ? "true" : "false");
        break;
    case AGLM_CHOICE_INT:
        aglm_str_printf(out, "%.0f", c->number);
        break;
    case AGLM_CHOICE_FLOAT:
        write_float(c->number, out);
        break;
    case AGLM_CHOICE_TEXT:
        write_python_text(c->text, out);
        break;
    }
}

static void write_choices(const aglm_dist *d, aglm_str *out)
{
    aglm_str_puts(out, "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [");
    for (size_t i = 0; i < d->n_choices; i++) {
        aglm_str_puts(out, i ? ", " : "");
        write_choice(&d->choices[i], out);
    }
    aglm_str_puts(out, "]}}");
}

void aglm_dist_write(const aglm_dist *d, aglm_str *out)
{
    const char *log = d->log ? "true" : "false";

    if (d->kind == AGLM_DIST_CHOICE) {
        write_choices(d, out);
        return;
    }
    if (d->kind == AGLM_DIST_INT) {
        aglm_str_printf(
            out,
            "{\"name\": \"IntDistribution\", \"attributes\": {\"log\": %s, \"step\": %.0f, "
            "\"low\": %.0f, \"high\": %.0f}}",
            log, d->step, d->low + 0.0, d->high + 0.0);
        return;
    }
    aglm_str_puts(out, "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": ");
    if (d->step > 0.0)
        write_float(d->step, out);
    else
        aglm_str_puts(out, "null");
    aglm_str_puts(out, ", \"low\": ");
    write_float(d->low, out);
    aglm_str_puts(out, ", \"high\": ");
    write_float(d->high, out);
    aglm_str_printf(out, ", \"log\": %s}}", log);
}

static aglm_rc read_choice(aglm_choice *out, const aglm_json *v, size_t i, aglm_arena *a,
                           aglm_error *err)
{
    size_t len;
    const char *text;

    *out = (aglm_choice){.kind = AGLM_CHOICE_NULL};
    switch (aglm_json_kind_of(v)) {
    case AGLM_JSON_NULL:
        return AGLM_OK;
    case AGLM_JSON_BOOL:
        *out = (aglm_choice){.kind = AGLM_CHOICE_BOOL, .number = aglm_json_bool(v, false)};
        return AGLM_OK;
    case AGLM_JSON_NUMBER: {
        /* Whether 1 was written as 1 or 1.0 is lost on a reader of doubles; Optuna takes them for
         * equal. */
        double number = aglm_json_double(v, NAN);
        bool whole = number == floor(number) && fabs(number) <= AGLM_DIST_MAX_INT;
        *out = (aglm_choice){.kind = whole ? AGLM_CHOICE_INT : AGLM_CHOICE_FLOAT, .number = number};
        return AGLM_OK;
    }
    case AGLM_JSON_STRING:
        text = aglm_json_string(v, &len);
        if (strlen(text) != len)
            return aglm_error_set(err, AGLM_FORMAT, "choices[%zu]: a text with a NUL character", i);
        *out = (aglm_choice){.kind = AGLM_CHOICE_TEXT, .text = aglm_arena_strndup(a, text, len)};
        return out->text ? AGLM_OK : aglm_error_set(err, AGLM_NOMEM, "out of memory for choices");
    default:
        return aglm_error_set(err, AGLM_FORMAT,
                              "choices[%zu]: expected null, bool, number or text, found %s", i,
                              aglm_json_kind_name(v));
    }
}

static aglm_rc read_choices(aglm_dist *out, const aglm_json *attrs, aglm_arena *a, aglm_error *err)
{
    const aglm_json *list = aglm_json_get(attrs, "choices");
    size_t n = aglm_json_size(list);

    if (!list || aglm_json_kind_of(list) != AGLM_JSON_ARRAY)
        return aglm_error_set(err, AGLM_FORMAT, "choices: expected an array");
    if (n > AGLM_DIST_MAX_CHOICES)
        return aglm_error_set(err, AGLM_LIMIT, "choices: %zu of them, at most %d are taken", n,
                              AGLM_DIST_MAX_CHOICES);
    aglm_choice *choices = aglm_arena_array(a, n, sizeof *choices);
    if (!choices)
        return aglm_error_set(err, AGLM_NOMEM, "out of memory for %zu choices", n);
    aglm_json_iter it = aglm_json_iterate(list);
    for (size_t i = 0; i < n; i++) {
        aglm_rc rc = read_choice(&choices[i], aglm_json_next(&it, NULL), i, a, err);
        if (rc != AGLM_OK)
            return rc;
    }
    return aglm_dist_choice(out, choices, n, err);
}

static const struct dist_word {
    const char *word;
    aglm_dist_kind kind;
    bool log;
    const char *step_key;
} dist_words[] = {
    {"FloatDistribution", AGLM_DIST_FLOAT, false, "step"},
    {"IntDistribution", AGLM_DIST_INT, false, "step"},
    {"CategoricalDistribution", AGLM_DIST_CHOICE, false, NULL},
    {"UniformDistribution", AGLM_DIST_FLOAT, false, NULL},
    {"LogUniformDistribution", AGLM_DIST_FLOAT, true, NULL},
    {"DiscreteUniformDistribution", AGLM_DIST_FLOAT, false, "q"},
    {"IntUniformDistribution", AGLM_DIST_INT, false, "step"},
    {"IntLogUniformDistribution", AGLM_DIST_INT, true, "step"},
    {"float", AGLM_DIST_FLOAT, false, "step"},
    {"int", AGLM_DIST_INT, false, "step"},
    {"categorical", AGLM_DIST_CHOICE, false, NULL},
};

static aglm_rc read_numbers(aglm_dist *out, const struct dist_word *w, const aglm_json *attrs,
                            aglm_error *err)
{
    double low;
    double high;
    double none = w->kind == AGLM_DIST_INT ? 1.0 : 0.0;
    aglm_rc rc = aglm_json_need_double(attrs, "low", &low, err);

    if (rc == AGLM_OK)
        rc = aglm_json_need_double(attrs, "high", &high, err);
    if (rc != AGLM_OK)
        return rc;
    double step = w->step_key ? aglm_json_double(aglm_json_get(attrs, w->step_key), none) : none;
    bool log = aglm_json_bool(aglm_json_get(attrs, "log"), w->log);
    if (w->kind == AGLM_DIST_INT)
        return aglm_dist_int(out, low, high, log ? 1.0 : step, log, err);
    return aglm_dist_float(out, low, high, step, log, err);
}

aglm_rc aglm_dist_read_value(aglm_dist *out, const aglm_json *v, aglm_arena *a, aglm_error *err)
{
    const aglm_json *attrs = aglm_json_get(v, "attributes");
    const char *word = aglm_json_string(aglm_json_get(v, attrs ? "name" : "type"), NULL);
    const struct dist_word *w = NULL;

    if (!word)
        return aglm_error_set(err, AGLM_FORMAT,
                              "distribution: expected \"name\" with \"attributes\", or \"type\"");
    for (size_t i = 0; i < sizeof dist_words / sizeof *dist_words; i++) {
        if (strcmp(dist_words[i].word, word) == 0)
            w = &dist_words[i];
    }
    if (!w)
        return aglm_error_set(err, AGLM_FORMAT, "distribution: unknown name \"%.64s\"", word);
    aglm_rc rc = w->kind == AGLM_DIST_CHOICE ? read_choices(out, attrs ? attrs : v, a, err)
                                             : read_numbers(out, w, attrs ? attrs : v, err);
    if (rc == AGLM_OK)
        return rc;
    aglm_error_prefix(err, "%s", word);
    rc = rc == AGLM_INVALID ? AGLM_FORMAT : rc;
    if (err)
        err->rc = rc;
    return rc;
}

aglm_rc aglm_dist_read(aglm_dist *out, const char *json, size_t len, aglm_arena *a, aglm_error *err)
{
    aglm_json_doc *doc = NULL;
    aglm_json_options options = {.origin = "distribution"};
    aglm_rc rc = aglm_json_parse(&doc, json, len, &options, err);

    if (rc == AGLM_OK)
        rc = aglm_dist_read_value(out, aglm_json_root(doc), a, err);
    aglm_json_free(doc);
    return rc;
}

void aglm_dist_put(const aglm_dist *d, double value, aglm_json_writer *w)
{
    if (d->kind == AGLM_DIST_FLOAT) {
        aglm_json_put_double(w, value);
        return;
    }
    if (d->kind == AGLM_DIST_INT) {
        aglm_json_put_int(w, (int64_t)value);
        return;
    }
    const aglm_choice *c = &d->choices[(size_t)value];
    switch (c->kind) {
    case AGLM_CHOICE_NULL:
        aglm_json_put_null(w);
        break;
    case AGLM_CHOICE_BOOL:
        aglm_json_put_bool(w, c->number != 0.0);
        break;
    case AGLM_CHOICE_INT:
        aglm_json_put_int(w, (int64_t)c->number);
        break;
    case AGLM_CHOICE_FLOAT:
        aglm_json_put_double(w, c->number);
        break;
    case AGLM_CHOICE_TEXT:
        aglm_json_put_text(w, c->text);
        break;
    }
}

static aglm_rc get_choice(const aglm_dist *d, const aglm_json *v, double *value, aglm_error *err)
{
    size_t len = 0;
    aglm_choice asked = {.text = aglm_json_string(v, &len), .number = aglm_json_double(v, NAN)};

    switch (aglm_json_kind_of(v)) {
    case AGLM_JSON_BOOL:
        asked.kind = AGLM_CHOICE_BOOL;
        asked.number = aglm_json_bool(v, false);
        break;
    case AGLM_JSON_NUMBER:
        asked.kind = AGLM_CHOICE_FLOAT;
        break;
    case AGLM_JSON_STRING:
        asked.kind = AGLM_CHOICE_TEXT;
        break;
    case AGLM_JSON_NULL:
        asked.kind = AGLM_CHOICE_NULL;
        break;
    default:
        return aglm_error_set(err, AGLM_INVALID, "expected a choice, found %s",
                              aglm_json_kind_name(v));
    }
    for (size_t i = 0; i < d->n_choices; i++) {
        if (aglm_choice_equal(&d->choices[i], &asked)) {
            *value = (double)i;
            return AGLM_OK;
        }
    }
    if (asked.kind == AGLM_CHOICE_TEXT)
        return aglm_error_set(err, AGLM_INVALID, "\"%.64s\" is none of the choices", asked.text);
    return aglm_error_set(err, AGLM_INVALID, "the value (%s) is none of the choices",
                          aglm_json_kind_name(v));
}

aglm_rc aglm_dist_get(const aglm_dist *d, const aglm_json *v, double *value, aglm_error *err)
{
    if (d->kind == AGLM_DIST_CHOICE)
        return get_choice(d, v, value, err);
    if (aglm_json_kind_of(v) != AGLM_JSON_NUMBER)
        return aglm_error_set(err, AGLM_INVALID, "expected a number, found %s",
                              aglm_json_kind_name(v));
    *value = aglm_json_double(v, NAN);
    if (!aglm_dist_contains(d, *value))
        return aglm_error_set(err, AGLM_INVALID, "%.17g is not in %.17g..%.17g%s", *value, d->low,
                              d->high, d->step > 0.0 ? " on its step" : "");
    return AGLM_OK;
}

void aglm_dist_format(const aglm_dist *d, double value, char *buf, size_t size)
{
    char number[40];

    if (d->kind != AGLM_DIST_CHOICE) {
        snprintf(buf, size, d->kind == AGLM_DIST_INT ? "%.0f" : "%.6g", value);
        return;
    }
    const aglm_choice *c = &d->choices[(size_t)value];
    switch (c->kind) {
    case AGLM_CHOICE_NULL:
        snprintf(buf, size, "null");
        break;
    case AGLM_CHOICE_BOOL:
        snprintf(buf, size, "%s", c->number != 0.0 ? "true" : "false");
        break;
    case AGLM_CHOICE_INT:
        snprintf(buf, size, "%.0f", c->number);
        break;
    case AGLM_CHOICE_FLOAT:
        aglm_double_format(number, c->number);
        snprintf(buf, size, "%s", number);
        break;
    case AGLM_CHOICE_TEXT:
        snprintf(buf, size, "%s", c->text);
        break;
    }
}
