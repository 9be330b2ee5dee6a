/* What a search for a prompt learns from: examples, their task, a metric, three parts. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "base/memory.h"
#include "tune/answer_run_priv.h"

#define ROWS_LEAST 20
#define VALID_SHARE 0.4
#define VALID_MOST 200 /* more would make each trial dearer than it is worth */
#define TEST_SHARE 0.2
#define TEST_MOST 300
#define RECURS 5 /* answers that stand so often on the mean are labels */

static const aglm_text_metric METRICS[AGLM_PROMPT_TASKS] = {
    [AGLM_PROMPT_CLASSIFICATION] = AGLM_TEXT_LABEL,
    [AGLM_PROMPT_EXTRACTION] = AGLM_TEXT_TOKEN_F1,
    [AGLM_PROMPT_SUMMARIZATION] = AGLM_TEXT_ROUGE_L,
    [AGLM_PROMPT_QUESTION_ANSWERING] = AGLM_TEXT_TOKEN_F1,
    [AGLM_PROMPT_TRANSLATION] = AGLM_TEXT_CHRF,
    [AGLM_PROMPT_REWRITING] = AGLM_TEXT_CHRF,
    [AGLM_PROMPT_CODE] = AGLM_TEXT_CHRF,
    [AGLM_PROMPT_ARITHMETIC] = AGLM_TEXT_NUMERIC,
    [AGLM_PROMPT_CHAT] = AGLM_TEXT_ROUGE_L,
    [AGLM_PROMPT_TEXT_GENERATION] = AGLM_TEXT_ROUGE_L,
};

/* ---- do examples want texts? ---- */

static bool answers_recur(const aglm_table *t, size_t col)
{
    size_t rows = aglm_table_rows(t);
    aglm_map *seen = aglm_map_new(rows + 2, (size_t)4 << 30);
    uint32_t number;
    aglm_rc rc = seen ? AGLM_OK : AGLM_NOMEM;

    for (size_t i = 0; rc == AGLM_OK && i < rows; i++) {
        aglm_cell c = aglm_table_cell(t, i, col);
        rc = aglm_map_intern(seen, c.text, c.len, &number, NULL);
    }
    bool recur = rc != AGLM_OK || aglm_map_size(seen) * RECURS <= rows;
    aglm_map_free(seen);
    return recur;
}

/* By the last of the user's columns, which is what is asked. */
static aglm_rc detect(aglm_example_guess *guess, const aglm_table *t, const aglm_task_options *o,
                      aglm_error *err)
{
    const char *comma = o->text ? strrchr(o->text, ',') : NULL;

    return aglm_example_task_detect(guess, t, comma ? comma + 1 : o->text, o->label, err);
}

bool aglm_answer_wanted(const aglm_input_options *in)
{
    aglm_table *t = NULL;
    aglm_example_guess guess;
    bool wanted = false;

    if (strcmp(in->file, "-") == 0 || in->task.task != AGLM_TASK_AUTO || in->task.features ||
        aglm_table_read(&t, in->file, &in->read, NULL) != AGLM_OK)
        return false;
    if (detect(&guess, t, &in->task, NULL) == AGLM_OK && guess.columns.output >= 0 &&
        aglm_table_report(t)->format != AGLM_FORMAT_CONLL)
        wanted = guess.task == AGLM_PROMPT_ARITHMETIC ||
                 (guess.task != AGLM_PROMPT_CLASSIFICATION &&
                  !answers_recur(t, (size_t)guess.columns.output));
    aglm_str_clear(&guess.evidence);
    aglm_table_free(t);
    return wanted;
}

/* ---- three parts ---- */

struct place {
    uint64_t hash; /* equal for examples about the same text */
    uint64_t own;
    uint32_t row;
};

static int compare(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (x->own != y->own)
        return x->own < y->own ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static uint64_t hash_of(const char *text, uint64_t seed)
{
    return aglm_hash64(text, strlen(text), seed);
}

/* The first field is the passage where there is one: questions about one passage stay in one part.
 */
static void order_rows(const aglm_example_set *set, uint64_t seed, struct place *places)
{
    for (uint32_t i = 0; i < set->n; i++) {
        const char *asked = set->at[i].field[set->n_fields - 1];
        places[i] = (struct place){hash_of(set->at[i].field[0], seed), hash_of(asked, seed), i};
    }
    qsort(places, set->n, sizeof *places, compare);
}

/* The end of a part of n places, moved so that it does not divide what belongs together; by no more
 * than half of it. */
static size_t part_end(const struct place *places, size_t all, size_t from, size_t n)
{
    size_t end = from + n, most = end + n / 2 < all ? end + n / 2 : all;

    for (size_t to = end; to < most; to++)
        if (to == 0 || places[to].hash != places[to - 1].hash)
            return to;
    return end;
}

static size_t share(size_t n, double part, size_t most)
{
    size_t some = (size_t)((double)n * part);

    return some < most ? some : most;
}

static aglm_rc divide(aglm_answer_run *r, aglm_error *err)
{
    const aglm_example_set *set = r->set;
    size_t n = set->n;
    struct place *places = aglm_calloc(n + 1, sizeof *places);

    r->rows = aglm_calloc(n + 1, sizeof *r->rows);
    if (!places || !r->rows) {
        free(places);
        return aglm_error_set(err, AGLM_NOMEM, "no memory for %zu examples", n);
    }
    order_rows(set, r->o->tune.seed, places);
    size_t test = part_end(places, n, 0, share(n, TEST_SHARE, TEST_MOST));
    size_t valid = part_end(places, n, test, share(n, VALID_SHARE, VALID_MOST)) - test;
    size_t pool = n - test - valid;
    for (size_t i = 0; i < n; i++) { /* the test stands first in the order, last in rows */
        size_t to = i < test           ? pool + valid + i
                    : i < test + valid ? pool + i - test
                                       : i - test - valid;
        r->rows[to] = places[i].row;
    }
    free(places);
    r->pool = (aglm_answer_part){set, r->rows, pool};
    r->valid = (aglm_answer_part){set, r->rows + pool, valid};
    r->test = (aglm_answer_part){set, r->rows + pool + valid, test};
    return AGLM_OK;
}

/* ---- all of it ---- */

aglm_rc aglm_answer_check(aglm_text_metric metric, const aglm_example_set *set, const char *file,
                          aglm_error *err)
{
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < set->n; i++) {
        const aglm_example *e = &set->at[i];
        const aglm_text_answer nothing = {.text = "", .refs = e->refs, .n_refs = e->n_refs};
        aglm_text_counts counts;
        rc = aglm_text_count(&counts, metric, &nothing, err);
        if (rc == AGLM_FORMAT || rc == AGLM_INVALID) {
            aglm_error_prefix(err, "%s:%zu", file, e->line);
            rc = AGLM_INVALID;
        }
    }
    return rc;
}

/* Lists and objects are compared part by part. */
static bool answers_are_json(const aglm_example_set *set)
{
    size_t json = 0;

    for (size_t i = 0; i < set->n; i++)
        json += *set->at[i].bare == '[' || *set->at[i].bare == '{';
    return json == set->n;
}

static aglm_rc understand(aglm_answer_run *r, aglm_example_guess *guess, aglm_error *err)
{
    const aglm_answer_options *o = r->o;
    aglm_example_form form;

    aglm_rc rc = detect(guess, r->table, &o->tune.input.task, err);
    if (rc != AGLM_OK)
        return rc;
    if (o->task >= 0)
        guess->task = (aglm_prompt_task)o->task;
    rc = aglm_example_form_make(&form, guess, r->table, o->tune.input.task.text, err);
    if (rc == AGLM_OK)
        rc = aglm_example_set_new(&r->set, r->table, &form, err);
    if (rc != AGLM_OK)
        return rc;
    r->result->task = guess->task;
    r->result->metric = o->metric >= 0 ? (aglm_text_metric)o->metric
                        : guess->task == AGLM_PROMPT_EXTRACTION && answers_are_json(r->set)
                            ? AGLM_TEXT_JSON_F1
                            : METRICS[guess->task];
    return AGLM_OK;
}

aglm_rc aglm_answer_data_open(aglm_answer_run *r, aglm_error *err)
{
    const aglm_input_options *in = &r->o->tune.input;
    aglm_example_guess guess = {0};
    aglm_rc rc = aglm_table_read(&r->table, in->file, &in->read, err);

    if (rc != AGLM_OK)
        return rc;
    rc = understand(r, &guess, err);
    r->result->evidence = guess.evidence; /* handed over */
    if (rc == AGLM_OK && r->set->n < ROWS_LEAST)
        rc = aglm_error_set(err, AGLM_INVALID,
                            "%s: %zu examples; a prompt is found from %d or more", in->file,
                            r->set->n, ROWS_LEAST);
    if (rc == AGLM_OK)
        rc = aglm_answer_check(r->result->metric, r->set, in->file, err);
    if (rc == AGLM_OK)
        rc = divide(r, err);
    r->result->pool = r->pool.n;
    r->result->valid = r->valid.n;
    r->result->test = r->test.n;
    r->result->skipped = r->set ? r->set->skipped : 0;
    return rc;
}
