#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "lm/check_priv.h"

#define MANY_OUTPUTS 8       /* from so many accepted ones on their spread is used */
#define LEAST_SPREAD 0.1     /* nats a token */
#define FAR 6.0              /* spreads below the median that give score 0 */
#define FLOOR_LOGPROB (-6.0) /* without a history */
#define SHORT_ANSWER 32
#define FEW_CHARS 24
#define COPIED_CHARS 40.0

static aglm_rc check_pattern(const aglm_check_view *v, aglm_check_result *r, aglm_error *err)
{
    bool found = false;
    aglm_rc rc;

    if (aglm_utf8_check(v->text, v->len) < v->len) {
        aglm_check_say(r, 0, "not UTF-8");
        return AGLM_OK;
    }
    rc = aglm_regex_match(v->options->pattern, v->text, v->len, &found, err);
    if (rc == AGLM_OK)
        aglm_check_say(r, found, found ? "matches the pattern" : "does not match the pattern");
    return rc;
}

static aglm_rc check_schema(const aglm_check_view *v, aglm_check_result *r, aglm_error *err)
{
    aglm_json_doc *doc = NULL;
    bool valid = false;
    aglm_error why_not = {0};
    aglm_str why;
    aglm_rc rc = aglm_json_parse(&doc, v->text, v->len, NULL, &why_not);

    if (rc != AGLM_OK) {
        aglm_check_say(r, 0, "not JSON: %.120s", why_not.msg);
        return rc == AGLM_NOMEM ? aglm_error_set(err, rc, "out of memory") : AGLM_OK;
    }
    aglm_str_init(&why, 1 << 20);
    rc = aglm_json_schema_check(v->options->schema, aglm_json_root(doc), &valid, &why, err);
    if (rc == AGLM_OK)
        aglm_check_say(r, valid, "%.*s", valid ? 20 : (int)strcspn(why.data, "\n"),
                       valid ? "keeps to the schema" : why.data);
    aglm_str_clear(&why);
    aglm_json_free(doc);
    return rc;
}

aglm_rc aglm_check_format(const aglm_check_view *v, aglm_check_result *r, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    r->score = 1;
    if (v->options->pattern)
        rc = check_pattern(v, r, err);
    if (rc == AGLM_OK && v->options->schema && r->score > 0)
        rc = check_schema(v, r, err);
    if (rc != AGLM_LIMIT)
        return rc;
    aglm_check_say(r, 0, "the format could not be told with the work allowed");
    return AGLM_OK;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, by_value);
    return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* Median and 1.4826 times the median absolute deviation, which for a normal distribution is the
 * standard deviation (Hampel 1974). */
static void middle_and_spread(const aglm_check_history *h, double *middle, double *spread)
{
    double x[AGLM_CHECK_HISTORY];
    size_t n = h->n < AGLM_CHECK_HISTORY ? h->n : AGLM_CHECK_HISTORY;

    memcpy(x, h->value, n * sizeof *x);
    *middle = median(x, n);
    for (size_t i = 0; i < n; i++)
        x[i] = fabs(x[i] - *middle);
    *spread = fmax(LEAST_SPREAD, 1.4826 * median(x, n));
}

aglm_rc aglm_check_likelihood(const aglm_check_view *v, aglm_check_result *r, aglm_error *err)
{
    const aglm_check_history *h = v->options->history;
    double mean = v->options->mean_logprob, middle, spread;

    if (!isfinite(mean)) {
        aglm_check_say(r, 0, "the mean log-probability is not a number");
        return AGLM_OK;
    }
    if (!h || h->n < MANY_OUTPUTS) {
        aglm_check_say(r, 1 - mean / FLOOR_LOGPROB, "%.2f nats a token", mean);
        return AGLM_OK;
    }
    middle_and_spread(h, &middle, &spread);
    aglm_check_say(r, 1 + (mean - middle) / (spread * FAR),
                   "%.2f nats a token, %.1f spreads from the median of %.2f", mean,
                   (mean - middle) / spread, middle);
    return AGLM_OK;
}

/* Letters and digits in lower case: what two short answers are compared by. */
static aglm_rc read_answer(aglm_symbols *out, const char *text, size_t len)
{
    aglm_rc rc = AGLM_OK;
    uint32_t cp;

    for (size_t i = 0; i < len && rc == AGLM_OK;) {
        i += aglm_utf8_decode(text + i, len - i, &cp);
        cp = aglm_cp_lower(aglm_cp_fold_width(cp));
        if (!aglm_cp_is_space(cp) && (!aglm_cp_is_punct(cp) || cp == '-' || cp == '.'))
            rc = aglm_symbols_push(out, cp);
    }
    while (out->n > 0 && out->at[out->n - 1] == '.')
        out->n--;
    return rc;
}

/* 1 or 0 for short answers, else how much their characters agree. */
static aglm_rc agreement(const aglm_symbols *a, const aglm_symbols *b, double *out)
{
    bool brief = a->n <= SHORT_ANSWER && b->n <= SHORT_ANSWER;
    aglm_chrf c;
    aglm_rc rc;

    if (brief) {
        *out = a->n == b->n && (a->n == 0 || memcmp(a->at, b->at, a->n * sizeof *a->at) == 0);
        return AGLM_OK;
    }
    rc = aglm_chrf_count(&c, a, b);
    *out = rc == AGLM_OK ? aglm_chrf_score(&c) : 0;
    return rc;
}

aglm_rc aglm_check_consistency(const aglm_check_view *v, aglm_check_result *r, aglm_error *err)
{
    size_t n = v->options->n_samples;
    aglm_symbols own = {0};
    double sum = 0;
    aglm_rc rc = read_answer(&own, v->text, v->len);

    for (size_t i = 0; i < n && rc == AGLM_OK; i++) {
        const char *text = v->options->samples[i];
        aglm_symbols other = {0};
        double one = 0;
        rc = read_answer(&other, text, strnlen(text, AGLM_CHECK_MAX_BYTES));
        if (rc == AGLM_OK)
            rc = agreement(&own, &other, &one);
        sum += one;
        aglm_symbols_clear(&other);
    }
    aglm_symbols_clear(&own);
    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "samples: %s", aglm_rc_text(rc));
    aglm_check_say(r, sum / (double)n, "agrees by %.2f with %zu other samples", sum / (double)n, n);
    return AGLM_OK;
}

/* An answer may well quote its prompt: what counts is that it says most of the prompt again and
 * little else. */
aglm_rc aglm_check_copy(const aglm_check_view *v, aglm_check_result *r, aglm_error *err)
{
    aglm_symbols prompt = {0};
    size_t run = 0;
    aglm_rc rc = aglm_symbols_read(&prompt, v->options->prompt, v->options->prompt_len, true, err);

    if (rc == AGLM_OK && (rc = aglm_overlap_run(&run, &prompt, &v->chars)) != AGLM_OK)
        aglm_error_set(err, rc, "out of memory");
    if (rc == AGLM_OK && v->chars.n < FEW_CHARS) {
        aglm_check_say(r, 1, "too short to tell");
    } else if (rc == AGLM_OK) {
        double of_output = (double)run / (double)v->chars.n;
        double of_prompt = (double)run / fmax(COPIED_CHARS, 0.9 * (double)prompt.n);
        aglm_check_say(r, 1 - of_output * fmin(1, of_prompt),
                       "%zu characters on end are the prompt's, %.0f %% of the output", run,
                       100 * of_output);
    }
    aglm_symbols_clear(&prompt);
    return rc;
}

aglm_rc aglm_check_words(const aglm_check_view *v, aglm_check_result *r, aglm_error *err)
{
    size_t n;
    aglm_str first;
    aglm_rc rc;

    aglm_str_init(&first, 4096);
    rc = aglm_word_list_count(v->options->words, v->text, v->len, &n, &first);
    if (rc == AGLM_OK)
        rc = first.rc;
    if (rc != AGLM_OK)
        aglm_error_set(err, rc, "list of words: %s", aglm_rc_text(rc));
    else if (n > 0)
        aglm_check_say(r, 0, "%zu words of the list, first \"%.100s\"", n, first.data);
    else
        aglm_check_say(r, 1, "no word of the list");
    aglm_str_clear(&first);
    return rc;
}
