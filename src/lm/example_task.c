#include "lm/example_task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "lm/prompt_shape.h"

#define EVIDENCE_MAX ((size_t)64 << 10)
#define SAMPLE_ROWS ((size_t)200)
#define PROMPT_MAX ((size_t)64 << 10)
#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define MARK "####"
/* Shares of the rows. */
#define NEARLY_ALL 0.8
#define HALF 0.5
#define LONG_TEXT 200.0 /* bytes that are worth a summary */

/* What the sampled rows have in common: counts of rows unless said otherwise. */
typedef struct facts {
    size_t rows;
    size_t numeric;             /* the answer is a number */
    size_t marked;              /* ends with MARK and a number */
    size_t json;                /* the answer is an object or a list */
    size_t tags;                /* a sequence of B-, I- and O tags */
    size_t inside;              /* stands word for word in the input or context */
    size_t script;              /* is in another script than the input */
    size_t code;                /* looks like source code */
    size_t sums;                /* the input holds two numbers or more */
    size_t turns;               /* conversations with more than one exchange */
    size_t distinct;            /* answers */
    double in_bytes, out_bytes; /* sums */
    double kept;                /* sum of the shares of the answer's words that the input has */
    double votes[AGLM_PROMPT_TASKS]; /* of the prompts, by their confidence */
} facts;

typedef struct detection {
    const aglm_table *t;
    aglm_example_guess *out;
    facts f;
    aglm_map *answers;
    aglm_str prompt;
    aglm_prompt_reading reading;
    aglm_error *err;
} detection;

/* --- one row --- */

static aglm_cell cell_of(const detection *d, size_t row, int col)
{
    static const aglm_cell none = {"", 0, AGLM_CELL_MISSING};

    return col < 0 ? none : aglm_table_cell(d->t, row, (size_t)col);
}

static bool holds(aglm_cell text, const char *s, size_t n)
{
    return n && n <= text.len && memmem(text.text, text.len, s, n);
}

/* Without white space at the ends; of a list, the first element. */
static aglm_cell trimmed(aglm_cell c)
{
    const char *stop = c.kind == AGLM_CELL_LIST ? memchr(c.text, '\x1f', c.len) : NULL;

    if (stop)
        c.len = (uint32_t)(stop - c.text);
    for (; c.len && strchr(" \t\r\n", c.text[0]); c.len--)
        c.text++;
    while (c.len && strchr(" \t\r\n", c.text[c.len - 1]))
        c.len--;
    return c;
}

static bool is_json(aglm_cell c)
{
    aglm_json_doc *doc;

    if (c.len < 2 || !strchr("{[", c.text[0]) ||
        aglm_json_parse(&doc, c.text, c.len, NULL, NULL) != AGLM_OK)
        return false;
    aglm_json_free(doc);
    return true;
}

static bool is_number(aglm_cell c)
{
    double value;

    return aglm_double_parse(c.text, c.len, &value);
}

static bool is_marked(aglm_cell c)
{
    const char *mark = memmem(c.text, c.len, MARK, strlen(MARK));

    return mark && (size_t)(c.text + c.len - mark) < 40;
}

/* "B-PER I-PER O": all words are tags, and one is no O. */
static bool is_tags(aglm_cell c)
{
    bool inside = false;

    for (uint32_t i = 0; i < c.len; i++) {
        bool starts = i == 0 || strchr(" \x1f", c.text[i - 1]);
        if (!starts || c.text[i] == ' ')
            continue;
        if (strchr("BIES", c.text[i]) && i + 1 < c.len && c.text[i + 1] == '-')
            inside = true;
        else if (c.text[i] != 'O')
            return false;
    }
    return inside;
}

/* How many words of s, a Chinese character being one, are in the set of 4096 hashes; `add` puts
 * them there. */
static size_t count_words(const char *s, size_t n, uint64_t *seen, bool add)
{
    size_t found = 0;
    uint32_t cp;

    for (size_t i = 0; i < n;) {
        size_t at = i;
        i += aglm_utf8_decode(s + i, n - i, &cp);
        if (aglm_cp_is_space(cp) || aglm_cp_is_punct(cp))
            continue;
        while (!aglm_cp_is_cjk(cp) && i < n && !strchr(" \t\r\n.,;:!?\"()", s[i]))
            i++;
        uint64_t h = aglm_hash64(s + at, i - at, 1) & 4095;
        found += seen[h / 64] >> (h % 64) & 1;
        if (add)
            seen[h / 64] |= (uint64_t)1 << (h % 64);
    }
    return found;
}

static size_t all_words(const char *s, size_t n)
{
    uint64_t every[64];

    memset(every, 0xFF, sizeof every);
    return count_words(s, n, every, false);
}

/* Share of the answer's words that the input has. */
static double kept_words(aglm_cell in, aglm_cell out)
{
    uint64_t seen[64] = {0};
    size_t n = all_words(out.text, out.len);

    count_words(in.text, in.len, seen, true);
    return n ? (double)count_words(out.text, out.len, seen, false) / (double)n : 0;
}

/* 'h' for Chinese, 'l' for Latin letters, 'o' for others; 0 without letters. */
static char script_of(detection *d, aglm_cell c, aglm_prompt_shape *shape)
{
    aglm_prompt_read(&d->reading, c.text, c.len);
    aglm_prompt_shape_look(&d->reading, shape);
    size_t han = 3 * shape->han;
    if (shape->other > shape->latin && 2 * shape->other >= shape->han)
        return 'o';
    return han > shape->latin ? 'h' : shape->latin ? 'l' : 0;
}

static void look_at_answer(detection *d, aglm_cell in, aglm_cell context, aglm_cell out)
{
    aglm_prompt_shape shape;
    facts *f = &d->f;
    char asked = script_of(d, in, &shape);

    f->sums += shape.numbers > 1;
    char answered = script_of(d, out, &shape);
    f->code += shape.code_signs > 2;
    f->script += asked && answered && asked != answered;
    f->numeric += is_number(out);
    f->marked += is_marked(out);
    f->json += is_json(out);
    f->tags += is_tags(out);
    f->inside += holds(in, out.text, out.len) || holds(context, out.text, out.len);
    f->in_bytes += in.len + context.len;
    f->out_bytes += out.len;
    f->kept += kept_words(in, out);
}

static void vote(detection *d)
{
    aglm_prompt_task_guess g;

    aglm_prompt_task_detect(d->prompt.data, d->prompt.len, &g);
    d->f.votes[g.task] += g.confidence;
}

static void add_part(detection *d, aglm_cell c)
{
    if (c.len && d->prompt.len)
        aglm_str_putc(&d->prompt, '\n');
    if (d->prompt.rc == AGLM_OK)
        aglm_str_append(&d->prompt, c.text, c.len < PROMPT_MAX / 4 ? c.len : PROMPT_MAX / 4);
}

static aglm_rc look_at_row(detection *d, size_t row)
{
    const aglm_example_columns *c = &d->out->columns;
    aglm_cell in = trimmed(cell_of(d, row, c->input));
    aglm_cell context = trimmed(cell_of(d, row, c->context));
    aglm_cell out = trimmed(cell_of(d, row, c->output));
    uint32_t number;

    if (in.len == 0 || out.len == 0)
        return AGLM_OK;
    d->f.rows++;
    look_at_answer(d, in, context, out);
    aglm_str_reset(&d->prompt);
    add_part(d, trimmed(cell_of(d, row, c->instruction)));
    add_part(d, context);
    add_part(d, in);
    vote(d);
    return d->prompt.rc ? d->prompt.rc
                        : aglm_map_intern(d->answers, out.text, out.len, &number, d->err);
}

/* --- a row of conversations --- */

static const char *member(const aglm_json *v, const char *a, const char *b, size_t *len)
{
    const char *s = aglm_json_string(aglm_json_get(v, a), len);

    return s ? s : aglm_json_string(aglm_json_get(v, b), len);
}

/* What the user says first is the prompt. */
static void look_at_turns(detection *d, const aglm_json *list)
{
    aglm_json_iter it = aglm_json_iterate(list);
    size_t asked = 0;

    aglm_str_reset(&d->prompt);
    for (const aglm_json *v; (v = aglm_json_next(&it, NULL));) {
        size_t n = 0;
        const char *role = member(v, "role", "from", &n);
        const char *text = member(v, "content", "value", &n);
        if (!role || !text || (strcmp(role, "user") != 0 && strcmp(role, "human") != 0))
            continue;
        if (asked++ == 0)
            aglm_str_append(&d->prompt, text, n < PROMPT_MAX / 2 ? n : PROMPT_MAX / 2);
    }
    if (asked == 0)
        return;
    d->f.rows++;
    d->f.turns += asked > 1;
    vote(d);
}

static aglm_rc look_at_conversation(detection *d, size_t row)
{
    aglm_cell c = cell_of(d, row, d->out->columns.messages);
    aglm_json_doc *doc;
    aglm_rc rc = aglm_json_parse(&doc, c.text, c.len, NULL, NULL);

    if (rc)
        return rc == AGLM_NOMEM ? rc : AGLM_OK;
    look_at_turns(d, aglm_json_root(doc));
    aglm_json_free(doc);
    return d->prompt.rc;
}

/* --- from facts to scores --- */

static void add(detection *d, aglm_prompt_task task, double weight, const char *why)
{
    d->out->score[task] += weight;
    aglm_str_printf(&d->out->evidence, "  %+.1f %s: %s\n", weight, aglm_prompt_task_name(task),
                    why);
}

static bool most(const detection *d, size_t n, double share)
{
    return d->f.rows && (double)n >= share * (double)d->f.rows;
}

static void weigh_names(detection *d)
{
    static const struct {
        aglm_prompt_task task;
        double weight;
        const char *name;
    } known[] = {
        {AGLM_PROMPT_SUMMARIZATION, 2.5, "summary"},
        {AGLM_PROMPT_SUMMARIZATION, 2.5, "highlights"},
        {AGLM_PROMPT_SUMMARIZATION, 2.5, "摘要"},
        {AGLM_PROMPT_TRANSLATION, 2.5, "translation"},
        {AGLM_PROMPT_TRANSLATION, 2.5, "译文"},
        {AGLM_PROMPT_CODE, 2.0, "code"},
        {AGLM_PROMPT_CODE, 2.0, "canonical_solution"},
        {AGLM_PROMPT_EXTRACTION, 2.5, "entities"},
        {AGLM_PROMPT_EXTRACTION, 3.0, "ner_tags"},
        {AGLM_PROMPT_EXTRACTION, 2.5, "tags"},
        {AGLM_PROMPT_REWRITING, 2.0, "paraphrase"},
        {AGLM_PROMPT_REWRITING, 2.0, "rewritten"},
        {AGLM_PROMPT_REWRITING, 2.0, "corrected"},
        {AGLM_PROMPT_ARITHMETIC, 2.0, "equation"},
        {AGLM_PROMPT_QUESTION_ANSWERING, 1.5, "question"},
        {AGLM_PROMPT_QUESTION_ANSWERING, 1.5, "问题"},
        {AGLM_PROMPT_CLASSIFICATION, 1.0, "label"},
    };
    char why[64];

    for (size_t i = 0; i < COUNT(known); i++) {
        if (aglm_example_column_named(d->t, &known[i].name, 1) < 0)
            continue;
        snprintf(why, sizeof why, "a column \"%s\"", known[i].name);
        add(d, known[i].task, known[i].weight, why);
    }
    if (d->out->columns.context >= 0)
        add(d, AGLM_PROMPT_QUESTION_ANSWERING, 2.0, "a passage beside what is asked");
}

static void weigh_answers(detection *d)
{
    const facts *f = &d->f;

    if (most(d, f->marked, HALF)) {
        add(d, AGLM_PROMPT_ARITHMETIC, 3.0, "answers end with #### and a number");
        d->out->answer_mark = MARK;
    }
    if (most(d, f->numeric, NEARLY_ALL) && most(d, f->sums, HALF))
        add(d, AGLM_PROMPT_ARITHMETIC, 3.0,
            "answers are numbers, and so are parts of the questions");
    if (most(d, f->json, NEARLY_ALL))
        add(d, AGLM_PROMPT_EXTRACTION, 3.0, "answers are JSON");
    if (most(d, f->tags, NEARLY_ALL))
        add(d, AGLM_PROMPT_EXTRACTION, 3.0, "answers are sequences of B-, I- and O tags");
    if (most(d, f->code, HALF))
        add(d, AGLM_PROMPT_CODE, 2.5, "answers are lines of code");
    if (most(d, f->script, NEARLY_ALL))
        add(d, AGLM_PROMPT_TRANSLATION, 3.0, "answers are in another script");
    if (f->rows >= 10 && f->distinct * 5 <= f->rows && f->distinct <= 50)
        add(d, AGLM_PROMPT_CLASSIFICATION, 3.0, "answers recur");
}

/* What the answers have of the texts they answer. */
static void weigh_likeness(detection *d)
{
    const facts *f = &d->f;
    double ratio = f->in_bytes > 0 ? f->out_bytes / f->in_bytes : 1;

    if (f->rows == 0 || most(d, f->numeric, HALF) || most(d, f->json, HALF))
        return;
    if (most(d, f->inside, NEARLY_ALL))
        add(d,
            d->out->score[AGLM_PROMPT_QUESTION_ANSWERING] > 0 ? AGLM_PROMPT_QUESTION_ANSWERING
                                                              : AGLM_PROMPT_EXTRACTION,
            2.0, "answers stand word for word in the texts");
    else if (ratio < 0.4 && f->in_bytes > LONG_TEXT * (double)f->rows &&
             f->kept > HALF * (double)f->rows)
        add(d, AGLM_PROMPT_SUMMARIZATION, 2.0, "answers are much shorter, of the same words");
    else if (ratio > 0.5 && ratio < 1.6 && f->kept > HALF * (double)f->rows)
        add(d, AGLM_PROMPT_REWRITING, 2.5, "answers are as long, of the same words");
}

static void weigh_votes(detection *d)
{
    char why[96];
    double sum = 0;
    size_t best = 0;

    for (size_t i = 0; i < AGLM_PROMPT_TASKS; i++) {
        sum += d->f.votes[i];
        best = d->f.votes[i] > d->f.votes[best] ? i : best;
    }
    if (sum <= 0)
        return;
    snprintf(why, sizeof why, "%.0f %% of the prompts, read alone", 100 * d->f.votes[best] / sum);
    /* An input without an order reads like a text that goes on. */
    add(d, (aglm_prompt_task)best,
        (best == AGLM_PROMPT_TEXT_GENERATION ? 1.0 : 2.5) * d->f.votes[best] / sum, why);
    if (d->f.votes[best] < HALF * sum)
        add(d, AGLM_PROMPT_TEXT_GENERATION, 1.0, "prompts of many kinds");
}

static void settle(detection *d)
{
    aglm_example_guess *g = d->out;
    double sum = 0;

    add(d, AGLM_PROMPT_TEXT_GENERATION, 0.5, "answers are texts");
    for (size_t i = 0; i < AGLM_PROMPT_TASKS; i++)
        if (g->score[i] > g->score[g->task])
            g->task = (aglm_prompt_task)i;
    for (size_t i = 0; i < AGLM_PROMPT_TASKS; i++)
        sum += exp(g->score[i] - g->score[g->task]);
    g->confidence = 1 / sum;
    aglm_str_printf(&g->evidence, "task: %s (%.0f %%)\n", aglm_prompt_task_name(g->task),
                    100 * g->confidence);
}

/* --- all together --- */

static aglm_rc look_at_rows(detection *d)
{
    const size_t rows = aglm_table_rows(d->t);
    const size_t step = rows / SAMPLE_ROWS + 1;
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; i < rows && !rc; i += step)
        rc = d->out->columns.messages >= 0 ? look_at_conversation(d, i) : look_at_row(d, i);
    d->f.distinct = aglm_map_size(d->answers);
    return rc;
}

static aglm_rc detect(detection *d, const char *input, const char *output)
{
    aglm_example_guess *g = d->out;

    aglm_rc rc = aglm_example_columns_find(&g->columns, d->t, input, output, &g->evidence, d->err);
    if (rc)
        return rc;
    if (aglm_table_report(d->t)->format == AGLM_FORMAT_CONLL) {
        add(d, AGLM_PROMPT_EXTRACTION, 6.0, "one token and its tag a line");
        settle(d);
        return AGLM_OK;
    }
    if ((rc = look_at_rows(d)) != AGLM_OK)
        return rc;
    weigh_names(d);
    if (most(d, d->f.turns, HALF))
        add(d, AGLM_PROMPT_CHAT, 3.0, "conversations of several turns");
    if (g->columns.messages < 0) {
        weigh_answers(d);
        weigh_likeness(d);
    }
    weigh_votes(d);
    settle(d);
    return AGLM_OK;
}

aglm_rc aglm_example_task_detect(aglm_example_guess *out, const aglm_table *t, const char *input,
                                 const char *output, aglm_error *err)
{
    const char *file = aglm_table_report(t)->name;

    *out = (aglm_example_guess){.task = AGLM_PROMPT_TEXT_GENERATION};
    out->columns = (aglm_example_columns){-1, -1, -1, -1, -1, -1};
    aglm_str_init(&out->evidence, EVIDENCE_MAX);
    if (aglm_table_rows(t) == 0)
        return aglm_error_set(err, AGLM_FORMAT, "%s: no rows", file);
    detection *d = aglm_calloc(1, sizeof *d);
    if (!d)
        return aglm_error_set(err, AGLM_NOMEM, "%s: out of memory", file);
    d->t = t;
    d->out = out;
    d->err = err;
    aglm_str_init(&d->prompt, PROMPT_MAX);
    d->answers = aglm_map_new(SAMPLE_ROWS + 2, (size_t)1 << 30);
    aglm_rc rc = d->answers ? detect(d, input, output) : AGLM_NOMEM;
    if (!rc)
        rc = out->evidence.rc;
    if (rc == AGLM_NOMEM || rc == AGLM_LIMIT)
        aglm_error_set(err, rc, "%s: %s", file, aglm_rc_text(rc));
    aglm_map_free(d->answers);
    aglm_str_clear(&d->prompt);
    free(d);
    return rc;
}
