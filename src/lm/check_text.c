#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "lm/check_priv.h"

#define NGRAM 4
#define FEW_UNITS 24
#define TAIL_CHARS 4096
#define LOOP_CHARS 24
#define LONG_LOOP_CHARS 60
#define RULE_CHARS 64 /* a line of one mark */
#define SENTENCE_CHARS 40

aglm_rc aglm_check_empty(const aglm_check_view *v, aglm_check_result *r, aglm_error *err)
{
    size_t said = 0;

    for (size_t i = 0; i < v->chars.n; i++) {
        uint32_t cp = v->chars.at[i];
        said += !aglm_cp_is_space(cp) && !aglm_cp_is_punct(cp) && cp != AGLM_UTF8_BAD && cp >= '0';
    }
    aglm_check_say(r, said > 0, said ? "%zu letters and digits" : "no letter and no digit", said);
    return AGLM_OK;
}

aglm_rc aglm_check_repetition(const aglm_check_view *v, aglm_check_result *r, aglm_error *err)
{
    size_t total = v->units.n >= NGRAM ? v->units.n - NGRAM + 1 : 0, distinct;
    aglm_rc rc = aglm_overlap_distinct(&distinct, &v->units, NGRAM);

    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "out of memory");
    double again = total ? 1 - (double)distinct / (double)total : 0;
    if (v->units.n < FEW_UNITS)
        aglm_check_say(r, 1, "too short to tell");
    else
        aglm_check_say(r, 1 - again, "%.0f %% of its runs of %d words were there before",
                       100 * again, NGRAM);
    return AGLM_OK;
}

/* The longest end of the text made of a period at least three times: by the failure function of
 * Knuth, Morris and Pratt over the reversed tail. */
static aglm_rc find_period(const aglm_symbols *s, size_t *covered, size_t *period)
{
    size_t n = s->n < TAIL_CHARS ? s->n : TAIL_CHARS;
    uint32_t *fail = aglm_calloc(n + 1, sizeof *fail);
    const uint32_t *last = s->at + s->n - 1;

    *covered = *period = 0;
    if (!fail)
        return AGLM_NOMEM;
    for (size_t i = 1, k = 0; i < n; i++) {
        while (k > 0 && *(last - i) != *(last - k))
            k = fail[k];
        k += *(last - i) == *(last - k);
        fail[i + 1] = (uint32_t)k;
        size_t p = i + 1 - k;
        if ((i + 1) / p >= 3) {
            *covered = i + 1;
            *period = p;
        }
    }
    free(fail);
    return AGLM_OK;
}

static size_t loop_least(const aglm_check_view *v, size_t period)
{
    return period == 1 && aglm_cp_is_punct(v->chars.at[v->chars.n - 1]) ? RULE_CHARS : LOOP_CHARS;
}

aglm_rc aglm_check_loop(const aglm_check_view *v, aglm_check_result *r, aglm_error *err)
{
    size_t covered = 0, period = 0;
    aglm_rc rc = v->chars.n ? find_period(&v->chars, &covered, &period) : AGLM_OK;

    if (rc != AGLM_OK)
        return aglm_error_set(err, rc, "out of memory");
    if (covered < loop_least(v, period) || period == 0) {
        aglm_check_say(r, 1, "no loop at the end");
        return AGLM_OK;
    }
    double copies = (double)covered / (double)period;
    if (covered >= LONG_LOOP_CHARS)
        copies += 1;
    aglm_check_say(r, 3 / (copies + 1), "its last %zu characters are a piece of %zu, over and over",
                   covered, period);
    return AGLM_OK;
}

static bool ends_sentence(uint32_t cp)
{
    static const uint32_t marks[] = {'.',    '!',    '?',    ';',    ':',    '~',
                                     0x3002, 0xFF01, 0xFF1F, 0x2026, 0xFF1B, 0xFF1A,
                                     0xFF5E, 0xFF0E, '}',    ']',    '`',    '*'};

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (marks[i] == cp)
            return true;
    return false;
}

static bool goes_on(uint32_t cp)
{
    return cp == ',' || cp == 0xFF0C || cp == 0x3001 || cp == '(' || cp == 0xFF08 || cp == 0x300A ||
           cp == '[' || cp == '{' || cp == 0x201C;
}

/* Opening and closing marks; those of pairs alike (quotes) are not counted: apostrophes. */
static const uint32_t PAIRS[][2] = {{'(', ')'},       {'[', ']'},       {'{', '}'},
                                    {0xFF08, 0xFF09}, {0x300A, 0x300B}, {0x201C, 0x201D},
                                    {0x3010, 0x3011}, {0x300C, 0x300D}};
#define N_PAIRS (sizeof PAIRS / sizeof *PAIRS)

/* How many marks are open at the end. "(" may be closed by its wide form. */
static size_t open_marks(const aglm_symbols *s)
{
    long depth[N_PAIRS] = {0};
    size_t open = 0;

    for (size_t i = 0; i < s->n; i++) {
        for (size_t p = 0; p < N_PAIRS; p++) {
            size_t kind = p == 3 ? 0 : p;
            if (s->at[i] == PAIRS[p][0])
                depth[kind]++;
            else if (s->at[i] == PAIRS[p][1] && depth[kind] > 0)
                depth[kind]--;
        }
    }
    for (size_t p = 0; p < N_PAIRS; p++)
        open += depth[p] > 0;
    return open;
}

static bool fence_open(const aglm_check_view *v)
{
    const char *at = v->text, *end = v->text + v->len;
    size_t n = 0;

    while ((at = memmem(at, (size_t)(end - at), "```", 3))) {
        n++;
        at += 3;
    }
    return n % 2 == 1;
}

/* The last character but for closing marks. */
static uint32_t last_char(const aglm_symbols *s)
{
    for (size_t i = s->n; i > 0; i--) {
        uint32_t cp = s->at[i - 1];
        bool closing = cp == '"' || cp == '\'' || cp == ')' || cp == 0x201D || cp == 0x2019 ||
                       cp == 0xFF09 || cp == 0x300B || cp == 0x300D || aglm_cp_is_space(cp);
        if (!closing)
            return cp;
    }
    return 0;
}

aglm_rc aglm_check_truncated(const aglm_check_view *v, aglm_check_result *r, aglm_error *err)
{
    size_t open = open_marks(&v->chars);
    uint32_t last = last_char(&v->chars);
    bool whole = ends_sentence(last) || v->chars.n < SENTENCE_CHARS;
    bool midway = v->chars.n > 0 && goes_on(v->chars.at[v->chars.n - 1]);
    bool fence = fence_open(v), cut = v->options->cut;
    double score = 1 - (cut ? 0.4 : 0) - (open ? 0.3 : 0) - (fence ? 0.6 : 0) - (whole ? 0 : 0.25) -
                   (midway ? 0.4 : 0);

    aglm_check_say(r, score, "%s%s%s%s%s", cut ? "the bound on tokens was met; " : "",
                   open ? "a bracket or quote is open; " : "",
                   fence ? "a code fence is open; " : "", midway ? "a clause goes on; " : "",
                   whole ? "ends" : "no end of a sentence");
    return AGLM_OK;
}

/* How much of a text is in which script; a Latin word weighs about as a Chinese character. */
struct scripts {
    double chinese;
    double latin;
    double other;
};

static struct scripts scripts_of(const aglm_symbols *chars)
{
    struct scripts s = {0};

    for (size_t i = 0; i < chars->n; i++) {
        uint32_t cp = aglm_cp_lower(aglm_cp_fold_width(chars->at[i]));
        if (aglm_cp_is_cjk(cp))
            s.chinese++;
        else if ((cp >= 'a' && cp <= 'z') || (cp >= 0xC0 && cp < 0x250))
            s.latin += 0.25;
        else if (cp >= 0x370 && cp < 0x2000)
            s.other += 0.25;
    }
    return s;
}

static bool mentions(const char *text, size_t len, const char *word)
{
    return memmem(text, len, word, strlen(word)) != NULL;
}

/* A prompt that speaks of languages may want another than its own. */
static bool speaks_of_language(const aglm_check_options *o)
{
    static const char *const words[] = {"ranslat", "English", "Chinese", "翻译", "英文", "英语",
                                        "中文",    "汉语",    "译成",    "译为", "语言", "anguage"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (mentions(o->prompt, o->prompt_len, words[i]))
            return true;
    return false;
}

/* 'z', 'e' or, where it cannot be told, 0. */
static aglm_rc wanted_language(const aglm_check_options *o, char *wanted, aglm_error *err)
{
    aglm_symbols prompt = {0};
    aglm_rc rc;

    *wanted = o->language ? o->language[0] : 0;
    if (o->language || speaks_of_language(o))
        return AGLM_OK;
    rc = aglm_symbols_read(&prompt, o->prompt, o->prompt_len, false, err);
    if (rc == AGLM_OK) {
        struct scripts s = scripts_of(&prompt);
        double all = s.chinese + s.latin + s.other;
        if (all >= 3 && s.chinese > 0.5 * all)
            *wanted = 'z';
        else if (all >= 3 && s.latin > 0.95 * all)
            *wanted = 'e';
    }
    aglm_symbols_clear(&prompt);
    return rc;
}

aglm_rc aglm_check_language(const aglm_check_view *v, aglm_check_result *r, aglm_error *err)
{
    struct scripts s = scripts_of(&v->chars);
    double all = s.chinese + s.latin + s.other;
    char wanted;
    aglm_rc rc = wanted_language(v->options, &wanted, err);

    if (rc != AGLM_OK)
        return rc;
    if (wanted == 0 || all < 6)
        aglm_check_say(r, 1, wanted ? "too short to tell" : "no language is wished");
    else if (wanted == 'z')
        aglm_check_say(r, s.chinese / all, "%.0f %% is Chinese, which is wished",
                       100 * s.chinese / all);
    else
        aglm_check_say(r, s.latin / all, "%.0f %% is in Latin letters, which is wished",
                       100 * s.latin / all);
    return AGLM_OK;
}

aglm_rc aglm_check_length(const aglm_check_view *v, aglm_check_result *r, aglm_error *err)
{
    size_t n = v->chars.n, low = v->options->min_chars, high = v->options->max_chars;

    if (n < low)
        aglm_check_say(r, (double)n / (double)low, "%zu characters, at least %zu are wished", n,
                       low);
    else if (high > 0 && n > high)
        aglm_check_say(r, (double)high / (double)n, "%zu characters, at most %zu are wished", n,
                       high);
    else
        aglm_check_say(r, 1, "%zu characters", n);
    return AGLM_OK;
}
