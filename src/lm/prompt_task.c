#include "lm/prompt_task.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "lm/prompt_cue.h"
#include "lm/prompt_shape.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
/* A first line that asks this clearly leaves less to the lines behind it. */
#define CLEAR 2.0
#define DAMPED 0.4
/* Further words of one group of cues tell less and less. */
#define FADING 0.5
/* A question or a request to write may be of any task: they yield to words that say which. */
#define SPECIFIC 2.0
#define YIELDED 0.6
/* Scores under this leave the prompt open: its shape decides. */
#define OPEN 1.4
#define HALF_OPEN 2.3 /* the same of one that stops in the middle of a sentence */
#define FEW 16        /* letters of a greeting */

/* --- names --- */

static const char *const task_names[AGLM_PROMPT_TASKS] = {
    [AGLM_PROMPT_CLASSIFICATION] = "classification",
    [AGLM_PROMPT_EXTRACTION] = "extraction",
    [AGLM_PROMPT_SUMMARIZATION] = "summarization",
    [AGLM_PROMPT_QUESTION_ANSWERING] = "question-answering",
    [AGLM_PROMPT_TRANSLATION] = "translation",
    [AGLM_PROMPT_REWRITING] = "rewriting",
    [AGLM_PROMPT_CODE] = "code",
    [AGLM_PROMPT_ARITHMETIC] = "arithmetic",
    [AGLM_PROMPT_CHAT] = "chat",
    [AGLM_PROMPT_TEXT_GENERATION] = "text-generation",
};

static const struct {
    const char *name;
    aglm_prompt_task task;
} aliases[] = {
    {"text-classification", AGLM_PROMPT_CLASSIFICATION},
    {"zero-shot-classification", AGLM_PROMPT_CLASSIFICATION},
    {"sentiment-analysis", AGLM_PROMPT_CLASSIFICATION},
    {"information-extraction", AGLM_PROMPT_EXTRACTION},
    {"token-classification", AGLM_PROMPT_EXTRACTION},
    {"ner", AGLM_PROMPT_EXTRACTION},
    {"summarisation", AGLM_PROMPT_SUMMARIZATION},
    {"summary", AGLM_PROMPT_SUMMARIZATION},
    {"qa", AGLM_PROMPT_QUESTION_ANSWERING},
    {"table-question-answering", AGLM_PROMPT_QUESTION_ANSWERING},
    {"rewrite", AGLM_PROMPT_REWRITING},
    {"paraphrase", AGLM_PROMPT_REWRITING},
    {"text2text-generation", AGLM_PROMPT_REWRITING},
    {"code-generation", AGLM_PROMPT_CODE},
    {"math", AGLM_PROMPT_ARITHMETIC},
    {"conversational", AGLM_PROMPT_CHAT},
    {"generation", AGLM_PROMPT_TEXT_GENERATION},
    {"completion", AGLM_PROMPT_TEXT_GENERATION},
};

const char *aglm_prompt_task_names(void)
{
    return "classification, extraction, summarization, question-answering, translation, rewriting, "
           "code, arithmetic, chat, text-generation";
}

const char *aglm_prompt_task_name(aglm_prompt_task t)
{
    return (size_t)t < AGLM_PROMPT_TASKS ? task_names[t] : "unknown";
}

/* Are both the same but for case, '_' and '-'? */
static bool same_name(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == '-' || *a == '_')
            a++;
        while (*b == '-' || *b == '_')
            b++;
        if (strncasecmp(a, b, 1) != 0)
            return false;
        if (!*a)
            return true;
    }
}

bool aglm_prompt_task_from_name(const char *name, aglm_prompt_task *out)
{
    for (size_t i = 0; i < AGLM_PROMPT_TASKS; i++) {
        if (same_name(name, task_names[i])) {
            *out = (aglm_prompt_task)i;
            return true;
        }
    }
    for (size_t i = 0; i < COUNT(aliases); i++) {
        if (same_name(name, aliases[i].name)) {
            *out = aliases[i].task;
            return true;
        }
    }
    *out = AGLM_PROMPT_TRANSLATION; /* translation_en_to_fr */
    return strncasecmp(name, "translation_", 12) == 0;
}

const char *aglm_prompt_language_name(aglm_prompt_language l)
{
    return l == AGLM_PROMPT_ENGLISH ? "en" : l == AGLM_PROMPT_CHINESE ? "zh" : "other";
}

/* --- evidence --- */

typedef struct detection {
    aglm_prompt_reading r;
    aglm_prompt_shape shape;
    double first[AGLM_PROMPT_TASKS]; /* scores of the first line */
    double rest[AGLM_PROMPT_TASKS];  /* and of the others */
    aglm_prompt_task_guess *out;
} detection;

static void copy_words(char *out, const char *s, size_t n)
{
    size_t kept = n < AGLM_PROMPT_MAX_WORDS - 1 ? n : AGLM_PROMPT_MAX_WORDS - 1;

    while (kept < n && kept && (s[kept] & 0xC0) == 0x80)
        kept--;
    memcpy(out, s, kept);
    out[kept] = '\0';
}

/* Keeps the heaviest, in order. */
static void keep_evidence(aglm_prompt_task_guess *g, const aglm_prompt_evidence *e)
{
    size_t i = g->n_evidence;

    if (i == AGLM_PROMPT_MAX_EVIDENCE && g->evidence[i - 1].weight >= e->weight)
        return;
    if (i < AGLM_PROMPT_MAX_EVIDENCE)
        g->n_evidence = ++i;
    for (i--; i > 0 && g->evidence[i - 1].weight < e->weight; i--)
        g->evidence[i] = g->evidence[i - 1];
    g->evidence[i] = *e;
}

static void add_shape(detection *d, aglm_prompt_task task, double weight, const char *why)
{
    aglm_prompt_evidence e = {.task = task, .weight = weight, .why = why};

    d->first[task] += weight;
    keep_evidence(d->out, &e);
}

static void add_words(detection *d, const aglm_prompt_cue *cue, const aglm_prompt_match *m,
                      double weight)
{
    aglm_prompt_evidence e = {.task = cue->task, .weight = weight, .why = "words"};

    copy_words(e.words, d->r.text + m->at, m->len);
    if (m->at < d->r.first)
        d->first[cue->task] += weight;
    else
        d->rest[cue->task] += weight;
    keep_evidence(d->out, &e);
}

/* The words of one group, wherever it stands most weightily; further ones count less. */
static void look_for(detection *d, const aglm_prompt_cue *cue)
{
    aglm_prompt_match m;
    double share = 1;

    for (const char *p = cue->patterns, *stop; *p; p = stop + (*stop == '|')) {
        stop = strchr(p, '|');
        if (!stop)
            stop = p + strlen(p);
        if (!aglm_prompt_cue_find(&d->r, p, (size_t)(stop - p), &m))
            continue;
        add_words(d, cue, &m, cue->weight * share * m.percent / 100);
        share *= FADING;
    }
}

/* --- shape --- */

static void weigh_numbers(detection *d)
{
    const aglm_prompt_shape *s = &d->shape;

    if (s->code_signs > 2 || d->first[AGLM_PROMPT_CODE] > 2)
        return;
    if (s->sums)
        add_shape(d, AGLM_PROMPT_ARITHMETIC, s->sums > 1 ? 2.5 : 1.5, "a sum");
    if (s->equals_end)
        add_shape(d, AGLM_PROMPT_ARITHMETIC, 2.5, "ends with an equals sign");
    if (s->numbers > 1 && d->first[AGLM_PROMPT_ARITHMETIC] + d->rest[AGLM_PROMPT_ARITHMETIC] > 0.7)
        add_shape(d, AGLM_PROMPT_ARITHMETIC, 1.8, "several numbers");
    if (s->numbers > 1 && s->letters < 3 * s->numbers)
        add_shape(d, AGLM_PROMPT_ARITHMETIC, 2.0, "more numbers than words");
}

static void weigh_code(detection *d)
{
    if (d->shape.code_signs > 1)
        add_shape(d, AGLM_PROMPT_CODE, d->shape.code_signs > 3 ? 3.0 : 1.5, "lines of code");
}

static double best_of(const detection *d)
{
    double best = 0;

    for (size_t i = 0; i < AGLM_PROMPT_TASKS; i++)
        best = fmax(best, d->first[i] + d->rest[i]);
    return best;
}

static void weigh_open(detection *d)
{
    const aglm_prompt_shape *s = &d->shape;

    if (s->question)
        add_shape(d, AGLM_PROMPT_QUESTION_ANSWERING, 0.8, "a question mark");
    else
        add_shape(d, AGLM_PROMPT_TEXT_GENERATION, 0.3, "no question mark");
    if (s->foreign > 2 && s->foreign < s->letters)
        add_shape(d, AGLM_PROMPT_TRANSLATION, 1.2, "two scripts");
    if (best_of(d) >= (s->dangling ? HALF_OPEN : OPEN) || d->r.n == 0)
        return;
    if (s->dangling || (!s->ended && s->letters > FEW))
        add_shape(d, AGLM_PROMPT_TEXT_GENERATION, s->dangling ? 2.5 : 1.6, "the text stops short");
    else if (s->letters <= FEW && !s->question)
        add_shape(d, AGLM_PROMPT_CHAT, 1.0, "few words");
}

/* --- all together --- */

static void settle_language(detection *d)
{
    const aglm_prompt_shape *s = &d->shape;
    size_t han = s->han * 3;                                /* a character is about half a word */
    bool chinese = han > s->latin && s->han > 2 * s->other; /* Japanese has as many kana */

    d->out->language = chinese               ? AGLM_PROMPT_CHINESE
                       : s->other > s->latin ? AGLM_PROMPT_OTHER_LANGUAGE
                                             : AGLM_PROMPT_ENGLISH;
}

static void settle_scores(detection *d)
{
    double *score = d->out->score;
    double clearest = 0;
    double specific = 0;

    for (size_t i = 0; i < AGLM_PROMPT_TASKS; i++)
        clearest = fmax(clearest, d->first[i]);
    for (size_t i = 0; i < AGLM_PROMPT_TASKS; i++) {
        score[i] = d->first[i] + d->rest[i] * (clearest >= CLEAR ? DAMPED : 1);
        if (i != AGLM_PROMPT_QUESTION_ANSWERING && i != AGLM_PROMPT_TEXT_GENERATION)
            specific = fmax(specific, score[i]);
    }
    if (specific >= SPECIFIC) {
        score[AGLM_PROMPT_QUESTION_ANSWERING] *= YIELDED;
        score[AGLM_PROMPT_TEXT_GENERATION] *= YIELDED;
    }
}

static void rank(aglm_prompt_task_guess *g)
{
    double sum = 0;

    for (size_t i = 0; i < AGLM_PROMPT_TASKS; i++) {
        size_t k = i;
        for (; k > 0 && g->score[g->ranked[k - 1]] < g->score[i]; k--)
            g->ranked[k] = g->ranked[k - 1];
        g->ranked[k] = (aglm_prompt_task)i;
    }
    g->task = g->ranked[0];
    for (size_t i = 0; i < AGLM_PROMPT_TASKS; i++)
        sum += exp(g->score[i] - g->score[g->task]);
    g->confidence = 1 / sum;
}

void aglm_prompt_task_detect(const char *text, size_t len, aglm_prompt_task_guess *out)
{
    detection d;

    memset(out, 0, sizeof *out);
    memset(&d.first, 0, sizeof d.first);
    memset(&d.rest, 0, sizeof d.rest);
    d.out = out;
    aglm_prompt_read(&d.r, text, len);
    aglm_prompt_shape_look(&d.r, &d.shape);
    for (size_t i = 0; i < aglm_prompt_cue_count; i++)
        look_for(&d, &aglm_prompt_cues[i]);
    weigh_numbers(&d);
    weigh_code(&d);
    weigh_open(&d);
    settle_language(&d);
    settle_scores(&d);
    rank(out);
}

void aglm_prompt_task_tell(const aglm_prompt_task_guess *g, aglm_str *out)
{
    aglm_str_printf(out, "task: %s (%.0f %%), then %s; language: %s\n",
                    aglm_prompt_task_name(g->task), 100 * g->confidence,
                    aglm_prompt_task_name(g->ranked[1]), aglm_prompt_language_name(g->language));
    for (size_t i = 0; i < g->n_evidence; i++) {
        const aglm_prompt_evidence *e = &g->evidence[i];
        aglm_str_printf(out, "  %+.1f %s: ", e->weight, aglm_prompt_task_name(e->task));
        aglm_str_printf(out, *e->words ? "\"%s\"\n" : "%s\n", *e->words ? e->words : e->why);
    }
}
