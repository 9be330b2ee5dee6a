#include "plot/scale.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MARGIN 0.05
#define HUGEST 1.7e308
#define TINY 1e-290
#define LOG_FROM 1000.0 /* largest over smallest */

/* ---- scales ---- */

aglm_scale aglm_scale_over(double low, double high, bool log)
{
    aglm_scale s = {.kind = log ? AGLM_SCALE_LOG : AGLM_SCALE_LINEAR};

    if (!isfinite(low) || !isfinite(high)) {
        low = isfinite(low) ? low : isfinite(high) ? high : 0;
        high = low;
    }
    s.low = fmin(low, high);
    s.high = fmax(low, high);
    if (log && s.low <= 0)
        s.kind = AGLM_SCALE_LINEAR;
    else if (log)
        s.low = fmax(s.low, TINY);
    s.high = fmax(s.low, s.high);
    if (s.kind == AGLM_SCALE_LOG) {
        bool narrow = s.high / s.low < 1 + 1e-9;
        s.low = narrow ? s.low / 2 : s.low;
        s.high = narrow ? fmin(s.high * 2, HUGEST) : s.high;
        return s;
    }
    double least = fmax(fmax(fabs(s.low), fabs(s.high)) * 1e-9, TINY);
    if (s.high / 2 - s.low / 2 <= least) {
        double middle = s.low / 2 + s.high / 2;
        double half = fabs(middle) > TINY ? fabs(middle) * 0.1 : 0.5;
        s.low = fmax(middle - half, -HUGEST);
        s.high = fmin(middle + half, HUGEST);
    }
    return s;
}

aglm_scale aglm_scale_of(const double *v, size_t n)
{
    double low = INFINITY;
    double high = -INFINITY;

    for (size_t i = 0; i < n; i++) {
        if (!isfinite(v[i]))
            continue;
        low = fmin(low, v[i]);
        high = fmax(high, v[i]);
    }
    if (low > high)
        return aglm_scale_over(0, 1, false);
    bool wide = low > 0 && high / low >= LOG_FROM;
    aglm_scale s = aglm_scale_over(low, high, wide);
    if (s.kind == AGLM_SCALE_LOG) {
        double ratio = exp(MARGIN * (log(s.high) - log(s.low)));
        s.low = fmax(s.low / ratio, 1e-307);
        s.high = fmin(s.high * ratio, HUGEST);
        return s;
    }
    double room = (s.high / 2 - s.low / 2) * 2 * MARGIN;
    s.low = fmax(s.low - room, -HUGEST);
    s.high = fmin(s.high + room, HUGEST);
    return s;
}

aglm_scale aglm_scale_named(const char *const *names, size_t n)
{
    return (aglm_scale){.kind = AGLM_SCALE_NAMES,
                        .low = -0.5,
                        .high = n > 0 ? (double)n - 0.5 : 0.5,
                        .names = names,
                        .n_names = n};
}

double aglm_scale_unit(const aglm_scale *s, double v)
{
    if (s->kind != AGLM_SCALE_LOG)
        return (v / 2 - s->low / 2) / (s->high / 2 - s->low / 2); /* halves: no overflow */
    if (!(v > 0))
        return NAN;
    return (log(v) - log(s->low)) / (log(s->high) - log(s->low));
}

/* ---- ticks ---- */

/* "1.50e-05" as "1.5e-5". */
static void tidy_exponent(char *buf)
{
    char *e = strchr(buf, 'e');

    if (!e)
        return;
    char *digits = e;
    if (memchr(buf, '.', (size_t)(e - buf)))
        while (digits[-1] == '0')
            digits--;
    if (digits[-1] == '.')
        digits--;
    char *power = e + 1;
    bool minus = *power == '-';
    while (*power == '-' || *power == '+' || (*power == '0' && power[1]))
        power++;
    *digits++ = 'e';
    if (minus)
        *digits++ = '-';
    memmove(digits, power, strlen(power) + 1);
}

void aglm_scale_label(char buf[AGLM_TICK_BYTES], double v, int digits)
{
    double size = fabs(v);

    snprintf(buf, AGLM_TICK_BYTES, "%.*g", digits, v == 0 ? 0 : v);
    if (size != 0 && isfinite(v) && (size < 1e-3 || size >= 1e6))
        snprintf(buf, AGLM_TICK_BYTES, "%.*e", digits - 1, v);
    tidy_exponent(buf);
}

/* As many decimals as the step has, so that labels of one axis look alike. */
static void step_label(char *buf, double v, double step, double largest)
{
    int decimals = (int)fmax(0, -floor(log10(step) + 1e-9));

    if (fabs(v) < step * 1e-6)
        v = 0;
    if (largest >= 1e6 || step < 1e-4) {
        int digits = v == 0 ? 0 : (int)(floor(log10(fabs(v))) - floor(log10(step) + 1e-9));
        snprintf(buf, AGLM_TICK_BYTES, "%.*e", digits < 0 ? 0 : digits > 12 ? 12 : digits, v);
        tidy_exponent(buf);
        if (v == 0)
            snprintf(buf, AGLM_TICK_BYTES, "0");
        return;
    }
    snprintf(buf, AGLM_TICK_BYTES, "%.*f", decimals, v);
}

/* The smallest of 1, 2, 5 times a power of ten that is not below v. */
static double round_up(double v)
{
    double power = pow(10, floor(log10(v)));
    double lead = v / power;

    return power * (lead <= 1 + 1e-9 ? 1 : lead <= 2 + 1e-9 ? 2 : lead <= 5 + 1e-9 ? 5 : 10);
}

static double tick_count(const aglm_scale *s, double step)
{
    return floor(s->high / step + 1e-9) - ceil(s->low / step - 1e-9) + 1;
}

static size_t linear_ticks(const aglm_scale *s, size_t most, aglm_tick *out)
{
    double span = s->high - s->low;
    size_t n = 0;

    if (!isfinite(span))
        span = HUGEST;
    double step = round_up(span / (double)most);
    if (s->whole && step < 1)
        step = 1;
    while (tick_count(s, step) > (double)most)
        step = round_up(step * 1.5);
    double first = ceil(s->low / step - 1e-9);
    for (double k = first; k * step <= s->high + step * 1e-9 && n < most; k += 1) {
        out[n].at = k * step;
        out[n].name = NULL;
        step_label(out[n++].label, k * step, step, fmax(fabs(s->low), fabs(s->high)));
    }
    return n;
}

static size_t log_ticks(const aglm_scale *s, size_t most, aglm_tick *out)
{
    static const double ALL[] = {1, 2, 5};
    double first = floor(log10(s->low) + 1e-9);
    double last = floor(log10(s->high) + 1e-9);
    double decades = last - first + 1;
    size_t leads = decades * 3 <= (double)most ? 3 : 1;
    double stride = fmax(1, ceil(decades / (double)most));
    size_t n = 0;

    for (double d = first; d <= last; d += stride) {
        for (size_t k = 0; k < leads && n < most; k++) {
            double v = ALL[k] * pow(10, d);
            if (v < s->low * (1 - 1e-9) || v > s->high * (1 + 1e-9))
                continue;
            out[n].at = v;
            out[n].name = NULL;
            aglm_scale_label(out[n++].label, v, 6);
        }
    }
    return n;
}

static size_t name_ticks(const aglm_scale *s, size_t most, aglm_tick *out)
{
    size_t stride = (s->n_names + most - 1) / most;
    size_t n = 0;

    for (size_t i = 0; i < s->n_names && n < most; i += stride)
        out[n++] = (aglm_tick){.at = (double)i, .name = s->names[i]};
    return n;
}

size_t aglm_scale_ticks(const aglm_scale *s, size_t most, aglm_tick out[AGLM_TICKS_MAX])
{
    most = most < 1 ? 1 : most > AGLM_TICKS_MAX ? AGLM_TICKS_MAX : most;
    if (s->kind == AGLM_SCALE_NAMES)
        return name_ticks(s, most, out);
    if (s->kind == AGLM_SCALE_LINEAR)
        return linear_ticks(s, most, out);
    size_t n = log_ticks(s, most, out);
    return n >= 2 ? n : linear_ticks(s, most, out);
}
