#include "tune/generator.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "lm/bandit.h"
#include "lm/chat.h"
#include "store/settings.h"

#define MAX_PRESETS_FILE ((size_t)1 << 20)
#define MAX_PROMPT ((size_t)64 << 20)
#define PRIOR_WEIGHT                                                                               \
    6.0 /* checks see form, not truth: what a task is known to want counts for more than a few     \
           answers */
#define OWN_PRIOR 0.7 /* of settings that the user adds */
#define FAILED_PRICE 0.2
#define MORE_TOKENS 2
#define MAX_TOKENS 2048

struct aglm_generator {
    aglm_lm *lm;
    aglm_generator_options o;
    aglm_settings *settings;
    aglm_jinja *chat; /* NULL: the prompt as it stands */
    char model[256];  /* its name in the settings */
    uint64_t runs;
    bool offered[AGLM_PROMPT_TASKS]; /* the presets of this task are among the settings */
    aglm_check_history history;
};

void aglm_generator_options_init(aglm_generator_options *o)
{
    *o = (aglm_generator_options){.retries = 2, .floor = 0.15};
}

/* A template that this engine does not take is no reason to give up: the model then gets the prompt
 * as it stands. */
static void open_chat(aglm_generator *g)
{
    const char *text = g->lm->info.template;

    if (!g->o.raw && text && *text && aglm_jinja_new(&g->chat, text, strlen(text), NULL) != AGLM_OK)
        g->chat = NULL;
}

aglm_rc aglm_generator_new(aglm_generator **out, aglm_lm *lm, const aglm_generator_options *o,
                           aglm_error *err)
{
    aglm_generator *g = aglm_calloc(1, sizeof *g);
    const aglm_lm_info *i = &lm->info;

    *out = NULL;
    if (!g)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a generator");
    g->lm = lm;
    g->o = *o;
    snprintf(g->model, sizeof g->model, "%.100s, %.100s, %lld bytes", i->name ? i->name : "",
             i->description ? i->description : "", (long long)i->bytes);
    aglm_rc rc = aglm_settings_open(&g->settings, o->settings ? o->settings : ":memory:", err);
    if (rc != AGLM_OK) {
        aglm_generator_free(g);
        return rc;
    }
    open_chat(g);
    *out = g;
    return rc;
}

void aglm_generator_free(aglm_generator *g)
{
    if (!g)
        return;
    aglm_settings_close(g->settings);
    aglm_jinja_free(g->chat);
    free(g);
}

void aglm_generated_init(aglm_generated *out)
{
    memset(out, 0, sizeof *out);
    aglm_lm_answer_init(&out->answer);
    aglm_str_init(&out->why, 1 << 20);
}

void aglm_generated_clear(aglm_generated *out)
{
    aglm_lm_answer_clear(&out->answer);
    aglm_str_clear(&out->why);
}

/* ---- settings ---- */

static aglm_rc offer(aglm_generator *g, const char *task, const char *name, const char *source,
                     const aglm_decoding *d, aglm_error *err)
{
    aglm_json_writer w;
    aglm_str params;

    aglm_str_init(&params, AGLM_SETTING_MAX_PARAMS);
    aglm_json_writer_init(&w, &params);
    aglm_decoding_put(d, &w);
    aglm_rc rc = params.rc;
    if (rc == AGLM_OK)
        rc = aglm_settings_offer(
            g->settings, &(aglm_setting_key){g->model, task},
            &(aglm_setting){.name = name, .params = params.data, .source = source}, err);
    aglm_str_clear(&params);
    return rc;
}

/* What one of the user's settings leaves out is the likeliest token and the task's length. */
static aglm_rc offer_own(aglm_generator *g, const char *path, const char *name,
                         const aglm_json *members, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (int task = 0; rc == AGLM_OK && task < AGLM_PROMPT_TASKS; task++) {
        aglm_preset presets[AGLM_PRESETS_MAX];
        aglm_presets((aglm_prompt_task)task, NULL, presets);
        aglm_decoding d = presets[0].decoding;
        rc = aglm_decoding_get(members, &d, err);
        if (rc == AGLM_OK)
            rc = offer(g, aglm_prompt_task_name((aglm_prompt_task)task), name, path, &d, err);
        else
            aglm_error_prefix(err, "%s: %s", path, name);
    }
    return rc;
}

aglm_rc aglm_generator_presets(aglm_generator *g, const char *path, aglm_error *err)
{
    char *text = NULL;
    size_t n;
    aglm_json_doc *doc = NULL;
    const char *name;

    aglm_rc rc = aglm_file_read(path, MAX_PRESETS_FILE, &text, &n, err);
    if (rc == AGLM_OK)
        rc = aglm_json_parse(&doc, text, n, &(aglm_json_options){.origin = path}, err);
    if (rc == AGLM_OK && aglm_json_kind_of(aglm_json_root(doc)) != AGLM_JSON_OBJECT)
        rc = aglm_error_set(err, AGLM_FORMAT, "%s: expected an object of settings by name", path);
    aglm_json_iter it = aglm_json_iterate(doc ? aglm_json_root(doc) : NULL);
    for (const aglm_json *v; rc == AGLM_OK && (v = aglm_json_next(&it, &name));)
        rc = offer_own(g, path, name, v, err);
    aglm_json_free(doc);
    free(text);
    return rc;
}

/* Once a task: what is known already would be offered again with every answer, a write to the file
 * each. */
static aglm_rc offer_presets(aglm_generator *g, aglm_prompt_task task, const aglm_preset *presets,
                             size_t n, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && !g->offered[task] && i < n; i++)
        rc = offer(g, aglm_prompt_task_name(task), presets[i].name,
                   strcmp(presets[i].name, "model") == 0 ? "the model's file" : "preset",
                   &presets[i].decoding, err);
    if (rc == AGLM_OK)
        g->offered[task] = true;
    return rc;
}

static double prior_of(const aglm_preset *presets, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(presets[i].name, name) == 0)
            return presets[i].prior;
    return OWN_PRIOR;
}

static void tell(aglm_str *out, const aglm_setting *list, const aglm_bandit_arm *arms, size_t n,
                 size_t chosen)
{
    for (size_t i = 0; i < n; i++)
        aglm_str_printf(
            out, "%c %-16.60s expected %.3f +- %.3f after %lld answers, drawn %.3f%s, from %.60s\n",
            i == chosen ? '*' : ' ', list[i].name, arms[i].posterior, arms[i].spread,
            (long long)list[i].n, arms[i].draw,
            arms[i].left_out ? ", left out: far below the best" : "", list[i].source);
}

/* The bandit's choice; its settings go to out->decoding. */
static aglm_rc choose(aglm_generator *g, const char *task, const aglm_preset *presets,
                      size_t n_presets, aglm_generated *out, aglm_error *err)
{
    const aglm_bandit_options options = {.floor = g->o.floor, .prior_weight = PRIOR_WEIGHT};
    aglm_bandit_arm arms[AGLM_SETTINGS_MAX] = {0};
    aglm_setting *list;
    aglm_arena arena;
    aglm_rng rng;
    size_t n, chosen = 0, seen = 0;
    aglm_json_doc *doc = NULL;

    aglm_arena_init(&arena, 8u << 20);
    aglm_rc rc = aglm_settings_list(g->settings, &(aglm_setting_key){g->model, task}, &arena, &list,
                                    &n, err);
    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        arms[i] = (aglm_bandit_arm){.n = (double)list[i].n,
                                    .mean = list[i].mean,
                                    .m2 = list[i].m2,
                                    .prior = prior_of(presets, n_presets, list[i].name)};
        seen += (size_t)list[i].n;
    }
    if (rc == AGLM_OK) {
        aglm_rng_init_stream(&rng, g->o.seed, seen + g->runs++);
        chosen = aglm_bandit_choose(arms, n, &options, &rng);
        tell(&out->why, list, arms, n, chosen);
        snprintf(out->setting, sizeof out->setting, "%s", list[chosen].name);
        rc = aglm_json_parse(&doc, list[chosen].params, strlen(list[chosen].params), NULL, err);
    }
    if (rc == AGLM_OK)
        rc = aglm_decoding_get(aglm_json_root(doc), &out->decoding, err);
    aglm_json_free(doc);
    aglm_arena_clear(&arena);
    return rc;
}

/* ---- one answer ---- */

aglm_rc aglm_generator_prompt(const aglm_generator *g, const char *prompt, aglm_str *out,
                              aglm_error *err)
{
    const aglm_chat_message message = {"user", prompt};
    const aglm_chat_options options = {.add_generation_prompt = true,
                                       .bos_token = g->lm->info.add_bos ? NULL : g->lm->info.bos,
                                       .eos_token = g->lm->info.eos,
                                       .now_s = (int64_t)time(NULL)};

    if (g->chat)
        return aglm_chat_render(g->chat, &message, 1, &options, out, err);
    return aglm_str_puts(out, prompt);
}

static double reward_of(const aglm_check_report *r)
{
    double sum = 0, n = 0;

    for (size_t i = 0; i < AGLM_CHECKS; i++) {
        sum += r->result[i].ran ? r->result[i].score : 0;
        n += r->result[i].ran;
    }
    return fmax(0, (n > 0 ? sum / n : 1) - FAILED_PRICE * (double)r->n_failed);
}

struct ask {
    const aglm_generator_request *r;
    aglm_str text; /* the prompt as the model gets it */
    bool language_said;
    uint64_t start;
    unsigned attempt; /* from 1 */
    bool stopped;     /* by who listens */
};

static bool hear(void *arg, const char *piece, size_t n)
{
    struct ask *ask = arg;

    ask->stopped = !ask->r->on_piece(ask->r->arg, ask->attempt, piece, n);
    return !ask->stopped;
}

/* One answer, not looked at yet. */
static aglm_rc write(aglm_generator *g, struct ask *ask, double limit_s, bool want_log_prob,
                     aglm_generated *out, aglm_error *err)
{
    int64_t most = ask->r->max_tokens;
    const aglm_lm_request request = {.prompt = ask->text.data,
                                     .decoding = &out->decoding,
                                     .limit_s = limit_s,
                                     .want_log_prob = want_log_prob,
                                     .on_piece = ask->r->on_piece ? hear : NULL,
                                     .arg = ask};

    if (most > 0 && most < out->decoding.max_tokens)
        out->decoding.max_tokens = most;
    aglm_lm_fit_decoding(g->lm, &out->decoding);
    ask->attempt++;
    return aglm_lm_generate(g->lm, &request, &out->answer, err);
}

static aglm_rc attempt(aglm_generator *g, struct ask *ask, double limit_s, aglm_generated *out,
                       aglm_error *err)
{
    aglm_rc rc = write(g, ask, limit_s, true, out, err);

    if (rc != AGLM_OK)
        return rc;
    bool likely = !isnan(out->answer.log_prob) && out->answer.tokens > 0;
    const aglm_check_options options = {
        .prompt = ask->r->prompt,
        .prompt_len = strlen(ask->r->prompt),
        .cut = out->answer.reason != AGLM_LM_STOP,
        .has_logprob = likely,
        .mean_logprob = likely ? out->answer.log_prob / (double)out->answer.tokens : 0,
        .history = &g->history};
    rc = aglm_check_run(&out->report, out->answer.text.data, out->answer.text.len, &options, err);
    out->reward = rc == AGLM_OK ? reward_of(&out->report) : 0;
    out->best = ask->attempt;
    if (rc == AGLM_OK && out->report.n_failed == 0 && likely)
        aglm_check_history_add(&g->history, options.mean_logprob);
    return rc;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Other settings for the next try; false where nothing can be done, or the model would say the same
 * again. most: of tokens, 0: MAX_TOKENS. */
static bool mend(const aglm_lm *lm, aglm_decoding *d, aglm_mend how, int64_t most)
{
    const aglm_decoding before = *d;

    switch (how) {
    case AGLM_MEND_RESAMPLE:
        d->temperature = d->temperature > 0 ? d->temperature : 0.5;
        break;
    case AGLM_MEND_MORE_TOKENS:
        d->max_tokens = smaller(d->max_tokens * MORE_TOKENS, most > 0 ? most : MAX_TOKENS);
        break;
    case AGLM_MEND_FEWER_TOKENS:
        d->max_tokens = d->max_tokens > 16 ? d->max_tokens / 2 : d->max_tokens;
        break;
    case AGLM_MEND_PENALTY:
        d->repetition_penalty = fmax(d->repetition_penalty, 1) + 0.1;
        break;
    case AGLM_MEND_LOWER_TEMPERATURE:
        d->temperature /= 2;
        break;
    default:
        return false;
    }
    aglm_lm_fit_decoding(lm, d);
    d->seed++;
    return d->temperature > 0 || d->max_tokens > before.max_tokens ||
           d->temperature < before.temperature || d->repetition_penalty > before.repetition_penalty;
}

/* The prompt once more, with the language of its own words named behind it. */
static bool say_language(aglm_generator *g, struct ask *ask, aglm_prompt_language language)
{
    static const char *const WORDS[] = {[AGLM_PROMPT_ENGLISH] = "\n\nAnswer in English.",
                                        [AGLM_PROMPT_CHINESE] = "\n\n请用中文回答。",
                                        [AGLM_PROMPT_OTHER_LANGUAGE] = NULL};
    aglm_str told;

    if (ask->language_said || !WORDS[language])
        return false;
    ask->language_said = true;
    aglm_str_init(&told, MAX_PROMPT);
    aglm_str_puts(&told, ask->r->prompt);
    aglm_str_puts(&told, WORDS[language]);
    aglm_str_reset(&ask->text);
    bool ok = told.rc == AGLM_OK &&
              aglm_generator_prompt(g, told.data, &ask->text, NULL) == AGLM_OK;
    aglm_str_clear(&told);
    return ok;
}

/* What is done for the next try; false where nothing can be. */
static bool prepare(aglm_generator *g, struct ask *ask, aglm_generated *next,
                    aglm_prompt_language language)
{
    if (next->report.mend == AGLM_MEND_SAY_LANGUAGE)
        return say_language(g, ask, language);
    return mend(g->lm, &next->decoding, next->report.mend, ask->r->max_tokens);
}

/* Keeps the better of two tries in *best. */
static void keep_better(aglm_generated *best, aglm_generated *next)
{
    if (next->reward > best->reward) {
        aglm_lm_answer swap = best->answer;
        best->answer = next->answer;
        next->answer = swap;
        best->decoding = next->decoding;
        best->report = next->report;
        best->reward = next->reward;
        best->best = next->best;
    }
}

/* Tries again while a check fails that may be mended, and the time allows another answer of that
 * length. */
static aglm_rc retry(aglm_generator *g, struct ask *ask, aglm_generated *best, aglm_error *err)
{
    aglm_generated next;
    aglm_error failure = {0};
    aglm_rc rc = AGLM_OK;

    aglm_generated_init(&next);
    next.decoding = best->decoding;
    next.report = best->report;
    while (rc == AGLM_OK && next.report.n_failed > 0 && best->tries <= g->o.retries) {
        double spent = aglm_clock_since_s(ask->start),
               left = ask->r->limit_s > 0 ? ask->r->limit_s - spent : INFINITY;
        aglm_mend how = next.report.mend;
        if (left < spent / best->tries || !prepare(g, ask, &next, best->guess.language))
            break;
        aglm_str_printf(&best->why, "try %u failed: %s; next: %s\n", best->tries,
                        aglm_check_name(next.report.worst), aglm_mend_text(how));
        rc = attempt(g, ask, ask->r->limit_s > 0 ? left : 0, &next, &failure);
        best->tries++;
        if (rc == AGLM_OK)
            keep_better(best, &next);
        else
            aglm_str_printf(&best->why, "try %u was not answered: %s\n", best->tries, failure.msg);
    }
    aglm_generated_clear(&next);
    return ask->stopped ? aglm_error_set(err, rc, "%s", failure.msg) : AGLM_OK;
}

/* The presets of the task join what is known; then one setting is chosen. */
static aglm_rc choose_setting(aglm_generator *g, const char *task, aglm_generated *out,
                              aglm_error *err)
{
    aglm_preset presets[AGLM_PRESETS_MAX];
    size_t n = aglm_presets(out->task, &g->lm->info, presets);
    aglm_rc rc = offer_presets(g, out->task, presets, n, err);
    if (rc == AGLM_OK)
        rc = choose(g, task, presets, n, out, err);
    out->decoding.seed = g->o.seed;
    return rc;
}

static void begin(const aglm_generator *g, const aglm_generator_request *r, aglm_generated *out)
{
    aglm_str_reset(&out->why);
    memset(&out->guess, 0, sizeof out->guess);
    memset(&out->report, 0, sizeof out->report);
    out->task = r->task ? *r->task : AGLM_PROMPT_TEXT_GENERATION;
    aglm_decoding_init(&out->decoding);
    out->decoding.seed = g->o.seed;
    out->tries = out->best = 1;
}

aglm_rc aglm_generator_run(aglm_generator *g, const aglm_generator_request *r, aglm_generated *out,
                           aglm_error *err)
{
    struct ask ask = {.r = r, .start = aglm_clock_ns()};

    begin(g, r, out);
    aglm_prompt_task_detect(r->prompt, strlen(r->prompt), &out->guess);
    out->task = r->task ? *r->task : out->guess.task;
    const char *task = aglm_prompt_task_name(out->task);
    aglm_str_init(&ask.text, MAX_PROMPT);
    aglm_rc rc = choose_setting(g, task, out, err);
    if (rc == AGLM_OK)
        rc = aglm_generator_prompt(g, r->prompt, &ask.text, err);
    if (rc == AGLM_OK)
        rc = attempt(g, &ask, r->limit_s, out, err);
    if (rc == AGLM_OK)
        rc = aglm_settings_learn(g->settings, &(aglm_setting_key){g->model, task}, out->setting,
                                 out->reward, out->answer.prompt_s + out->answer.generate_s, err);
    if (rc == AGLM_OK)
        rc = retry(g, &ask, out, err);
    out->seconds = aglm_clock_since_s(ask.start);
    aglm_str_clear(&ask.text);
    return rc;
}

aglm_rc aglm_generator_run_plain(aglm_generator *g, const aglm_generator_request *r,
                                 aglm_generated *out, aglm_error *err)
{
    struct ask ask = {.r = r, .start = aglm_clock_ns()};

    begin(g, r, out);
    if (r->max_tokens > 0)
        out->decoding.max_tokens = r->max_tokens;
    snprintf(out->setting, sizeof out->setting, "plain");
    out->reward = NAN;
    aglm_str_init(&ask.text, MAX_PROMPT);
    aglm_rc rc = aglm_generator_prompt(g, r->prompt, &ask.text, err);
    if (rc == AGLM_OK)
        rc = write(g, &ask, r->limit_s, false, out, err);
    out->seconds = aglm_clock_since_s(ask.start);
    aglm_str_clear(&ask.text);
    return rc;
}

void aglm_generated_tell(const aglm_generated *g, aglm_str *out)
{
    aglm_prompt_task_tell(&g->guess, out);
    aglm_str_puts(out, g->why.data);
    for (size_t i = 0; i < AGLM_CHECKS; i++)
        if (g->report.result[i].ran)
            aglm_str_printf(out, "check %-12s %.2f%s %s\n", aglm_check_name((aglm_check)i),
                            g->report.result[i].score, g->report.result[i].failed ? " FAILED" : "",
                            g->report.result[i].reason);
    aglm_str_printf(out, "%s: reward %.3f, %u tr%s, %.2f s\n", g->setting, g->reward, g->tries,
                    g->tries == 1 ? "y" : "ies", g->seconds);
}
