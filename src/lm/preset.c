#include "lm/preset.h"

#include <math.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* How far a task wants one right answer: what draws widely is expected to do worse there. */
static const struct {
    double exact; /* 0..1 */
    int64_t max_tokens;
} TASKS[AGLM_PROMPT_TASKS] = {
    [AGLM_PROMPT_CLASSIFICATION] = {1, 16},   [AGLM_PROMPT_EXTRACTION] = {1, 96},
    [AGLM_PROMPT_SUMMARIZATION] = {0.6, 160}, [AGLM_PROMPT_QUESTION_ANSWERING] = {0.7, 128},
    [AGLM_PROMPT_TRANSLATION] = {0.8, 160},   [AGLM_PROMPT_REWRITING] = {0.5, 200},
    [AGLM_PROMPT_CODE] = {0.8, 320},          [AGLM_PROMPT_ARITHMETIC] = {1, 96},
    [AGLM_PROMPT_CHAT] = {0.3, 160},          [AGLM_PROMPT_TEXT_GENERATION] = {0.2, 256},
};

/* width: how widely it draws, 0..1 */
static const struct {
    const char *name;
    double temperature, top_p, min_p, repetition_penalty, width;
    int64_t top_k;
} SHIPPED[] = {
    {"exact", 0, 1, 0, 1, 0, 0},
    {"exact-steady", 0, 1, 0, 1.1, 0.05, 0},
    {"narrow", 0.3, 0.9, 0.05, 1.05, 0.3, 40},
    {"usual", 0.7, 0.9, 0.05, 1.1, 0.6, 40},
    {"wide", 1.0, 0.95, 0.1, 1.1, 0.9, 0},
};

static double prior_of(double exact, double width)
{
    return 0.75 - 0.35 * fabs(1 - exact - width);
}

static double or_else(double v, double otherwise)
{
    return isnan(v) ? otherwise : v;
}

static bool has_own(const aglm_lm_info *info)
{
    return info && !(isnan(info->temperature) && isnan(info->top_k) && isnan(info->top_p) &&
                     isnan(info->min_p));
}

size_t aglm_presets(aglm_prompt_task task, const aglm_lm_info *info, aglm_preset *out)
{
    size_t n = 0;

    for (size_t i = 0; i < COUNT(SHIPPED); i++) {
        aglm_preset *p = &out[n++];
        aglm_decoding_init(&p->decoding);
        p->name = SHIPPED[i].name;
        p->decoding.temperature = SHIPPED[i].temperature;
        p->decoding.top_k = SHIPPED[i].top_k;
        p->decoding.top_p = SHIPPED[i].top_p;
        p->decoding.min_p = SHIPPED[i].min_p;
        p->decoding.repetition_penalty = SHIPPED[i].repetition_penalty;
        p->decoding.max_tokens = TASKS[task].max_tokens;
        p->prior = prior_of(TASKS[task].exact, SHIPPED[i].width);
    }
    if (has_own(info)) {
        aglm_preset *p = &out[n++];
        *p = out[3];
        p->name = "model";
        p->decoding.temperature = or_else(info->temperature, 0.8);
        p->decoding.top_k = (int64_t)or_else(info->top_k, 40);
        p->decoding.top_p = or_else(info->top_p, 0.95);
        p->decoding.min_p = or_else(info->min_p, 0.05);
        p->decoding.repetition_penalty = or_else(info->repetition_penalty, 1);
        p->prior = prior_of(TASKS[task].exact, fmin(p->decoding.temperature, 1));
    }
    return n;
}

/* ---- JSON ---- */

static const struct {
    const char *name;
    size_t at; /* of a double, or of an int64_t */
    bool whole;
} MEMBERS[] = {
    {"temperature", offsetof(aglm_decoding, temperature), false},
    {"top_k", offsetof(aglm_decoding, top_k), true},
    {"top_p", offsetof(aglm_decoding, top_p), false},
    {"min_p", offsetof(aglm_decoding, min_p), false},
    {"typical_p", offsetof(aglm_decoding, typical_p), false},
    {"repetition_penalty", offsetof(aglm_decoding, repetition_penalty), false},
    {"presence_penalty", offsetof(aglm_decoding, presence_penalty), false},
    {"frequency_penalty", offsetof(aglm_decoding, frequency_penalty), false},
    {"penalty_last_n", offsetof(aglm_decoding, penalty_last_n), true},
    {"max_tokens", offsetof(aglm_decoding, max_tokens), true},
};

void aglm_decoding_put(const aglm_decoding *d, aglm_json_writer *w)
{
    aglm_json_open_object(w);
    for (size_t i = 0; i < COUNT(MEMBERS); i++) {
        const char *at = (const char *)d + MEMBERS[i].at;
        if (MEMBERS[i].whole)
            aglm_json_member_int(w, MEMBERS[i].name, *(const int64_t *)(const void *)at);
        else
            aglm_json_member_double(w, MEMBERS[i].name, *(const double *)(const void *)at);
    }
    aglm_json_close_object(w);
}

static aglm_rc set_member(aglm_decoding *d, const char *name, const aglm_json *v, aglm_error *err)
{
    for (size_t i = 0; i < COUNT(MEMBERS); i++) {
        char *at = (char *)d + MEMBERS[i].at;
        if (strcmp(MEMBERS[i].name, name) != 0)
            continue;
        if (aglm_json_kind_of(v) != AGLM_JSON_NUMBER)
            return aglm_error_set(err, AGLM_FORMAT, "%s: expected a number, found %s", name,
                                  aglm_json_kind_name(v));
        if (MEMBERS[i].whole)
            *(int64_t *)(void *)at = aglm_json_int(v, -2);
        else
            *(double *)(void *)at = aglm_json_double(v, NAN);
        return AGLM_OK;
    }
    return aglm_error_set(err, AGLM_FORMAT, "%.60s: there is no such setting", name);
}

aglm_rc aglm_decoding_get(const aglm_json *object, aglm_decoding *out, aglm_error *err)
{
    aglm_json_iter it = aglm_json_iterate(object);
    aglm_rc rc = AGLM_OK;
    const char *name;

    if (aglm_json_kind_of(object) != AGLM_JSON_OBJECT)
        return aglm_error_set(err, AGLM_FORMAT, "expected an object of settings, found %s",
                              aglm_json_kind_name(object));
    for (const aglm_json *v; rc == AGLM_OK && (v = aglm_json_next(&it, &name));)
        rc = set_member(out, name, v, err);
    return rc == AGLM_OK ? aglm_decoding_check(out, err) : rc;
}
