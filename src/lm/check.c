#include "lm/check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "lm/check_priv.h"

struct check {
    const char *name;
    double least; /* a score below it fails */
    bool (*has)(const aglm_check_options *o);
    aglm_check_fn run;
    aglm_mend mend;
};

static bool always(const aglm_check_options *o)
{
    return true;
}

static bool has_language(const aglm_check_options *o)
{
    return o->language || o->prompt;
}

static bool has_format(const aglm_check_options *o)
{
    return o->pattern || o->schema;
}

static bool has_length(const aglm_check_options *o)
{
    return o->min_chars > 0 || o->max_chars > 0;
}

static bool has_logprob(const aglm_check_options *o)
{
    return o->has_logprob;
}

static bool has_samples(const aglm_check_options *o)
{
    return o->n_samples > 0;
}

static bool has_prompt(const aglm_check_options *o)
{
    return o->prompt && o->prompt_len > 0;
}

static bool has_words(const aglm_check_options *o)
{
    return o->words != NULL;
}

static const struct check CHECKS[AGLM_CHECKS] = {
    [AGLM_CHECK_EMPTY] = {"empty", 0.5, always, aglm_check_empty, AGLM_MEND_RESAMPLE},
    [AGLM_CHECK_REPETITION] = {"repetition", 0.5, always, aglm_check_repetition, AGLM_MEND_PENALTY},
    [AGLM_CHECK_LOOP] = {"loop", 0.7, always, aglm_check_loop, AGLM_MEND_PENALTY},
    [AGLM_CHECK_TRUNCATED] = {"truncated", 0.5, always, aglm_check_truncated,
                              AGLM_MEND_MORE_TOKENS},
    [AGLM_CHECK_LANGUAGE] = {"language", 0.4, has_language, aglm_check_language,
                             AGLM_MEND_SAY_LANGUAGE},
    [AGLM_CHECK_FORMAT] = {"format", 0.5, has_format, aglm_check_format, AGLM_MEND_GRAMMAR},
    [AGLM_CHECK_LENGTH] = {"length", 1, has_length, aglm_check_length, AGLM_MEND_FEWER_TOKENS},
    [AGLM_CHECK_LIKELIHOOD] = {"likelihood", 0.3, has_logprob, aglm_check_likelihood,
                               AGLM_MEND_LOWER_TEMPERATURE},
    [AGLM_CHECK_CONSISTENCY] = {"consistency", 0.3, has_samples, aglm_check_consistency,
                                AGLM_MEND_LOWER_TEMPERATURE},
    [AGLM_CHECK_COPY] = {"copy", 0.5, has_prompt, aglm_check_copy, AGLM_MEND_PENALTY},
    [AGLM_CHECK_WORDS] = {"words", 0.5, has_words, aglm_check_words, AGLM_MEND_RESAMPLE},
};

const char *aglm_check_name(aglm_check c)
{
    return CHECKS[c].name;
}

const char *aglm_mend_text(aglm_mend m)
{
    static const char *const texts[AGLM_MENDS] = {
        [AGLM_MEND_NONE] = "nothing to mend",
        [AGLM_MEND_RESAMPLE] = "sample again with another seed",
        [AGLM_MEND_MORE_TOKENS] = "allow more tokens",
        [AGLM_MEND_FEWER_TOKENS] = "allow fewer tokens, or give a stop word",
        [AGLM_MEND_PENALTY] = "raise the repetition penalty or the temperature",
        [AGLM_MEND_LOWER_TEMPERATURE] = "lower the temperature",
        [AGLM_MEND_GRAMMAR] = "decode by a grammar of the format",
        [AGLM_MEND_SAY_LANGUAGE] = "name the language in the prompt",
    };
    return texts[m];
}

void aglm_check_say(aglm_check_result *r, double score, const char *fmt, ...)
{
    va_list args;

    r->score = fmin(1, fmax(0, score));
    va_start(args, fmt);
    vsnprintf(r->reason, sizeof r->reason, fmt, args);
    va_end(args);
}

void aglm_check_history_add(aglm_check_history *h, double mean_logprob)
{
    if (isfinite(mean_logprob))
        h->value[h->n++ % AGLM_CHECK_HISTORY] = mean_logprob;
}

static bool in_word(uint32_t cp)
{
    return !aglm_cp_is_space(cp) && !aglm_cp_is_cjk(cp) && !aglm_cp_is_punct(cp);
}

static aglm_rc make_units(aglm_symbols *units, const aglm_symbols *chars)
{
    uint64_t word = 0;
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < chars->n && rc == AGLM_OK; i++) {
        uint32_t cp = aglm_cp_lower(aglm_cp_fold_width(chars->at[i]));
        if (in_word(cp)) {
            word = aglm_mix64(word ^ cp) | 1;
            if (i + 1 < chars->n && in_word(chars->at[i + 1]))
                continue;
            rc = aglm_symbols_push(units, (uint32_t)word | 0x80000000U);
            word = 0;
        } else if (!aglm_cp_is_space(cp)) {
            rc = aglm_symbols_push(units, cp);
        }
    }
    return rc;
}

static aglm_rc view_init(aglm_check_view *v, aglm_error *err)
{
    const char *s = v->text;
    size_t len = v->len;
    aglm_rc rc;

    while (len > 0 && aglm_cp_is_space((unsigned char)s[0])) {
        s++;
        len--;
    }
    rc = aglm_symbols_read(&v->chars, s, len, true, err);
    while (v->chars.n > 0 && aglm_cp_is_space(v->chars.at[v->chars.n - 1]))
        v->chars.n--;
    if (rc == AGLM_OK && (rc = make_units(&v->units, &v->chars)) != AGLM_OK)
        aglm_error_set(err, rc, "checks of a text: %s", aglm_rc_text(rc));
    return rc;
}

static void judge(aglm_check_report *out, aglm_check c)
{
    aglm_check_result *r = &out->result[c];

    r->ran = true;
    r->failed = r->score < CHECKS[c].least;
    if (!r->failed)
        return;
    out->n_failed++;
    if (out->worst == AGLM_CHECKS || r->score < out->result[out->worst].score) {
        out->worst = c;
        out->mend = CHECKS[c].mend;
    }
}

aglm_rc aglm_check_run(aglm_check_report *out, const char *text, size_t len,
                       const aglm_check_options *options, aglm_error *err)
{
    aglm_check_view v = {.text = text, .len = len, .options = options};
    aglm_rc rc;

    *out = (aglm_check_report){.worst = AGLM_CHECKS};
    if (len > AGLM_CHECK_MAX_BYTES || options->prompt_len > AGLM_CHECK_MAX_BYTES ||
        options->n_samples > AGLM_CHECK_MAX_SAMPLES)
        return aglm_error_set(err, AGLM_LIMIT,
                              "checks: at most %zu bytes of output and prompt, and %d samples",
                              AGLM_CHECK_MAX_BYTES, AGLM_CHECK_MAX_SAMPLES);
    rc = view_init(&v, err);
    for (int c = 0; c < AGLM_CHECKS && rc == AGLM_OK; c++) {
        if (!CHECKS[c].has(options))
            continue;
        rc = CHECKS[c].run(&v, &out->result[c], err);
        if (rc == AGLM_OK)
            judge(out, (aglm_check)c);
    }
    if (out->worst == AGLM_CHECK_LENGTH && v.chars.n < options->min_chars)
        out->mend = AGLM_MEND_MORE_TOKENS;
    aglm_symbols_clear(&v.chars);
    aglm_symbols_clear(&v.units);
    return rc;
}
