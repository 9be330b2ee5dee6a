#include "lm/answerer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "lm/answerer_priv.h"
#include "lm/example_index.h"
#include "num/stats.h"

#define TOKENS_LOOKED_AT 100 /* answers whose tokens are counted */
#define EXAMPLE_CHARS 200

/* ---- the shape of the examples ---- */

static size_t chars_of(const char *text)
{
    size_t n = 0;

    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static aglm_rc count_tokens(aglm_answer_shape *out, const aglm_example_set *set,
                            const uint32_t *rows, size_t n, aglm_lm *lm, aglm_error *err)
{
    double counts[TOKENS_LOOKED_AT];
    size_t some = n < TOKENS_LOOKED_AT ? n : TOKENS_LOOKED_AT;
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < some; i++) {
        const char *answer = set->at[rows[i * n / some]].answer;
        aglm_lm_tokens tokens = {0};
        rc = aglm_lm_tokenize(lm, answer, strlen(answer), false, &tokens, err);
        counts[i] = (double)tokens.n;
        free(tokens.at);
    }
    if (rc != AGLM_OK)
        return rc;
    aglm_sort_doubles(counts, some);
    out->most_tokens = (size_t)aglm_quantile(counts, some, 0.9);
    out->longest_tokens = (size_t)counts[some - 1];
    return rc;
}

aglm_rc aglm_answer_shape_make(aglm_answer_shape *out, const aglm_example_set *set,
                               const uint32_t *rows, size_t n, aglm_lm *lm, aglm_error *err)
{
    size_t json = 0;

    for (size_t i = 0; i < n; i++) {
        const aglm_example *e = &set->at[rows[i]];
        json += *e->answer == '[' || *e->answer == '{';
        for (size_t f = 0; f < set->n_fields; f++) {
            size_t chars = chars_of(e->field[f]);
            out->longest_chars = chars > out->longest_chars ? chars : out->longest_chars;
        }
    }
    out->json = n > 0 && json == n;
    out->chat = lm->info.template && *lm->info.template;
    out->derived = set->derived;
    out->multiline = set->multiline;
    out->passage = set->n_fields > 1;
    return count_tokens(out, set, rows, n, lm, err);
}

/* ---- which examples ---- */

struct by_length {
    const aglm_example_set *set;
    uint32_t row;
    size_t len;
};

static int compare(const void *a, const void *b)
{
    const struct by_length *x = a, *y = b;

    return x->len != y->len ? (x->len > y->len) - (x->len < y->len)
                            : (x->row > y->row) - (x->row < y->row);
}

static bool keep_example(aglm_answerer *a, const aglm_example *e, bool bare)
{
    aglm_answer_example *kept = &a->pool[a->n_pool++];
    bool ok = (kept->answer = strdup(bare ? e->bare : e->answer)) != NULL;

    for (size_t f = 0; ok && f < a->n_fields; f++)
        ok = (kept->field[f] = strdup(e->field[f])) != NULL;
    return ok;
}

/* One of each part of the rows ordered by the length of their answers, so that few examples show
 * short and long ones; in random order. The draw means the same in every trial. */
static bool draw_examples(aglm_answerer *a, const aglm_answer_params *p,
                          const aglm_answer_source *s)
{
    struct by_length *order = aglm_calloc(s->n + 1, sizeof *order);
    uint32_t *chosen = aglm_calloc(p->shots + 1, sizeof *chosen);
    size_t shots = p->shots < s->n ? p->shots : s->n;
    bool ok = order && chosen;
    aglm_rng rng;

    for (size_t i = 0; ok && i < s->n; i++)
        order[i] = (struct by_length){s->set, s->rows[i], strlen(s->set->at[s->rows[i]].answer)};
    if (ok)
        qsort(order, s->n, sizeof *order, compare);
    aglm_rng_init_stream(&rng, 0, p->draw);
    for (size_t i = 0; ok && i < shots; i++) {
        size_t from = i * s->n / shots, to = (i + 1) * s->n / shots;
        chosen[i] = order[from + aglm_rng_below(&rng, to - from)].row;
    }
    if (ok)
        aglm_rng_shuffle(&rng, chosen, shots);
    for (size_t i = 0; ok && i < shots; i++)
        ok = keep_example(a, &s->set->at[chosen[i]], p->bare);
    free(order);
    free(chosen);
    return ok;
}

static bool keep_examples(aglm_answerer *a, const aglm_answer_params *p,
                          const aglm_answer_source *s)
{
    size_t most = a->alike ? s->n : p->shots;
    bool ok = (a->pool = aglm_calloc(most + 1, sizeof *a->pool)) != NULL;

    if (!a->alike)
        return ok && draw_examples(a, p, s);
    for (size_t i = 0; ok && i < s->n; i++)
        ok = keep_example(a, &s->set->at[s->rows[i]], p->bare);
    return ok;
}

/* ---- making one ---- */

aglm_rc aglm_answerer_file_size(const char *path, uint64_t *bytes, aglm_error *err)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return aglm_error_set(err, AGLM_NOTFOUND, "%s: the language model is not there", path);
    *bytes = (uint64_t)st.st_size;
    return AGLM_OK;
}

aglm_rc aglm_answerer_new(aglm_answerer **out, const double *values, const aglm_answer_source *s,
                          aglm_error *err)
{
    aglm_answer_params p = aglm_answer_read(values, s->shape);
    aglm_answerer *a = aglm_calloc(1, sizeof *a);
    bool ok = a != NULL;

    *out = NULL;
    if (ok) {
        a->base.ops = &aglm_learner_answerer;
        a->n_fields = s->set->n_fields;
        ok = (a->file = strdup(s->file)) && keep_examples(a, &p, s);
    }
    for (size_t f = 0; ok && f < a->n_fields; f++)
        ok = (a->name[f] = strdup(s->set->names[f])) != NULL;
    aglm_rc rc = ok ? aglm_answerer_file_size(s->file, &a->file_bytes, err)
                    : aglm_error_set(err, AGLM_NOMEM, "no memory for a prompt");
    if (rc == AGLM_OK)
        rc = aglm_answer_form(a, &p, s, err);
    if (rc == AGLM_OK)
        *out = a;
    else
        aglm_answerer_free(a);
    return rc;
}

aglm_model *aglm_answerer_model(aglm_answerer *a)
{
    return &a->base;
}

const aglm_answerer *aglm_answerer_of(const aglm_model *m)
{
    return (const aglm_answerer *)m;
}

size_t aglm_answerer_fields(const aglm_answerer *a)
{
    return a->n_fields;
}

const char *aglm_answerer_field(const aglm_answerer *a, size_t i)
{
    return a->name[i];
}

const char *aglm_answerer_file(const aglm_answerer *a)
{
    return a->file;
}

/* ---- asking ---- */

struct aglm_asker {
    const aglm_answerer *a;
    aglm_lm *lm;
    aglm_example_index *index; /* of the pool, where examples are chosen by likeness */
    aglm_str prefix, prompt;
};

void aglm_asker_free(aglm_asker *k)
{
    if (!k)
        return;
    aglm_example_index_free(k->index);
    aglm_str_clear(&k->prefix);
    aglm_str_clear(&k->prompt);
    free(k);
}

/* By what is asked: the last field. */
static aglm_rc make_index(aglm_asker *k, aglm_error *err)
{
    const aglm_answerer *a = k->a;
    const char **texts = aglm_calloc(a->n_pool + 1, sizeof *texts);

    if (!texts)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for %zu examples", a->n_pool);
    for (size_t i = 0; i < a->n_pool; i++)
        texts[i] = a->pool[i].field[a->n_fields - 1];
    aglm_rc rc = aglm_example_index_new(&k->index, texts, a->n_pool, err);
    free(texts);
    return rc;
}

/* Another file under the old name would answer otherwise than what was measured. */
static aglm_rc check_file(const aglm_answerer *a, aglm_error *err)
{
    uint64_t bytes = 0;
    aglm_rc rc = aglm_answerer_file_size(a->file, &bytes, err);

    if (rc == AGLM_OK && bytes != a->file_bytes)
        return aglm_error_set(
            err, AGLM_FORMAT, "%s has %llu bytes; the prompt was found for a model of %llu",
            a->file, (unsigned long long)bytes, (unsigned long long)a->file_bytes);
    return rc;
}

aglm_rc aglm_asker_new(aglm_asker **out, const aglm_answerer *a, aglm_lm *lm, aglm_error *err)
{
    aglm_asker *k = aglm_calloc(1, sizeof *k);

    *out = NULL;
    if (!k)
        return aglm_error_set(err, AGLM_NOMEM, "no memory for a prompt");
    k->a = a;
    k->lm = lm;
    aglm_str_init(&k->prefix, AGLM_ANSWERER_MAX_PROMPT);
    aglm_str_init(&k->prompt, AGLM_ANSWERER_MAX_PROMPT);
    aglm_rc rc = check_file(a, err);
    if (rc == AGLM_OK && a->alike)
        rc = make_index(k, err);
    if (rc == AGLM_OK)
        *out = k;
    else
        aglm_asker_free(k);
    return rc;
}

static void put_fields(const aglm_answerer *a, const char *const *fields, aglm_str *out)
{
    const char *asked = fields[a->n_fields - 1];

    aglm_str_puts(out, a->before);
    for (size_t f = 0; f < a->n_fields; f++) {
        aglm_str_puts(out, a->label[f]);
        aglm_answer_cut(out, fields[f], a->max_chars, a->near && f + 1 < a->n_fields, asked);
    }
}

/* Of a passage an example shows the part around its answer alone: enough to show what is done. */
static void put_example(const aglm_answerer *a, const aglm_answer_example *e, aglm_str *out)
{
    size_t most = a->max_chars < EXAMPLE_CHARS ? a->max_chars : EXAMPLE_CHARS;

    aglm_str_puts(out, a->before);
    for (size_t f = 0; f < a->n_fields; f++) {
        bool passage = f + 1 < a->n_fields;
        aglm_str_puts(out, a->label[f]);
        aglm_answer_cut(out, e->field[f], passage ? most : a->max_chars, passage, e->answer);
    }
    aglm_str_puts(out, a->after);
    aglm_str_puts(out, a->gap);
    aglm_str_puts(out, e->answer);
    aglm_str_puts(out, a->end);
}

/* The most alike stands last, next to what is asked. */
static aglm_rc put_alike(aglm_asker *k, const char *asked, aglm_str *out, aglm_error *err)
{
    size_t n = 0;
    uint32_t *found = aglm_calloc(k->a->shots + 1, sizeof *found);
    aglm_rc rc = found ? aglm_example_index_find(k->index, asked, k->a->shots, found, &n, err)
                       : aglm_error_set(err, AGLM_NOMEM, "no memory for examples");

    while (rc == AGLM_OK && n > 0)
        put_example(k->a, &k->a->pool[found[--n]], out);
    free(found);
    return rc;
}

aglm_rc aglm_asker_prompt(aglm_asker *k, const char *const *fields, aglm_str *prefix,
                          aglm_str *prompt, aglm_error *err)
{
    const aglm_answerer *a = k->a;
    aglm_rc rc = AGLM_OK;

    aglm_str_puts(prefix, a->head);
    for (size_t i = 0; !a->alike && i < a->n_pool; i++)
        put_example(a, &a->pool[i], prefix);
    if (a->alike)
        rc = put_alike(k, fields[a->n_fields - 1], prompt, err);
    put_fields(a, fields, prompt);
    aglm_str_puts(prompt, a->last);
    if (rc == AGLM_OK && (prefix->rc || prompt->rc))
        rc = aglm_error_set(err, prefix->rc ? prefix->rc : prompt->rc,
                            "a prompt of more than %zu bytes", AGLM_ANSWERER_MAX_PROMPT);
    return rc;
}

/* Without blanks around it. */
static void tidy(aglm_str *s)
{
    size_t from = 0;

    while (s->len && strchr(" \t\r\n", s->data[s->len - 1]))
        s->len--;
    while (from < s->len && strchr(" \t\r\n", s->data[from]))
        from++;
    memmove(s->data, s->data + from, s->len - from);
    s->len -= from;
    if (s->cap)
        s->data[s->len] = '\0';
}

aglm_rc aglm_asker_ask(aglm_asker *k, const char *const *fields, aglm_lm_answer *out,
                       aglm_error *err)
{
    const aglm_answerer *a = k->a;
    aglm_decoding d;

    aglm_decoding_init(&d);
    d.max_tokens = (int64_t)a->max_tokens;
    aglm_str_reset(&k->prefix);
    aglm_str_reset(&k->prompt);
    aglm_rc rc = aglm_asker_prompt(k, fields, &k->prefix, &k->prompt, err);
    aglm_lm_request r = {.prefix = k->prefix.len ? k->prefix.data : NULL,
                         .prompt = k->prompt.data,
                         .decoding = &d,
                         .stop = (const char *const *)a->stop,
                         .n_stop = a->n_stops};
    if (rc == AGLM_OK)
        rc = aglm_lm_generate(k->lm, &r, out, err);
    if (rc == AGLM_OK)
        tidy(&out->text);
    return rc;
}
