#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "learn/linear_priv.h"

/* Scratch memory that grows with the longest text seen. */
struct predictor {
    const aglm_linear_model *m;
    aglm_extractor *x;
    aglm_extractor *spans; /* made when an explanation is first asked for */
    uint32_t *row;         /* known features of the text, each once ... */
    uint16_t *count;
    uint32_t *entry_of; /* ... and for each occurrence which of them it is, or AGLM_NO_ROW */
    float *value;
    size_t cap_row, cap_count, cap_value, cap_entry_of;
    uint64_t *seen; /* a hash set of rows: stamp << 32 | entry */
    size_t n_seen;  /* a power of two */
    uint32_t stamp;
    aglm_linear_entries entries;
    float *sum;
};

/* More than the extractor gives for one text. */
#define MAX_OCCURRENCES ((size_t)1 << 24)

aglm_rc aglm_linear_predictor_new(aglm_predictor **out, const aglm_model *model, aglm_error *err)
{
    struct predictor *p = aglm_calloc(1, sizeof *p);
    aglm_rc rc = AGLM_NOMEM;

    *out = NULL;
    if (!p)
        goto done;
    p->m = (const aglm_linear_model *)model;
    p->n_seen = 1024;
    p->seen = aglm_calloc(p->n_seen, sizeof *p->seen);
    p->sum = aglm_calloc(aglm_linear_sum_size(p->m), sizeof *p->sum);
    if (p->seen && p->sum)
        rc = aglm_extractor_new(&p->x, &p->m->params.features, false, err);
done:
    if (rc == AGLM_NOMEM)
        aglm_error_set(err, rc, "out of memory for a predictor");
    if (rc)
        aglm_linear_predictor_free((aglm_predictor *)p);
    else
        *out = (aglm_predictor *)p;
    return rc;
}

void aglm_linear_predictor_free(aglm_predictor *self)
{
    struct predictor *p = (struct predictor *)self;

    if (!p)
        return;
    aglm_extractor_free(p->x);
    aglm_extractor_free(p->spans);
    free(p->row);
    free(p->count);
    free(p->value);
    free(p->entry_of);
    free(p->seen);
    free(p->sum);
    free(p);
}

static aglm_rc reserve(struct predictor *p, size_t n)
{
    aglm_rc rc = aglm_grow(&p->row, &p->cap_row, n, sizeof *p->row, MAX_OCCURRENCES);

    if (!rc)
        rc = aglm_grow(&p->count, &p->cap_count, n, sizeof *p->count, MAX_OCCURRENCES);
    if (!rc)
        rc = aglm_grow(&p->value, &p->cap_value, n, sizeof *p->value, MAX_OCCURRENCES);
    if (!rc)
        rc = aglm_grow(&p->entry_of, &p->cap_entry_of, n, sizeof *p->entry_of, MAX_OCCURRENCES);
    size_t want = p->n_seen;
    while (want < 2 * n)
        want *= 2;
    if (rc || want == p->n_seen)
        return rc;
    uint64_t *seen = aglm_calloc(want, sizeof *seen);
    if (!seen)
        return AGLM_NOMEM;
    free(p->seen);
    p->seen = seen;
    p->n_seen = want;
    p->stamp = 0;
    return AGLM_OK;
}

/* The stamp tells entries of this text from those of earlier ones, so that the set need not be
 * cleared. */
static void next_stamp(struct predictor *p)
{
    if (++p->stamp == 0) {
        memset(p->seen, 0, p->n_seen * sizeof *p->seen);
        p->stamp = 1;
    }
}

/* The entry of a row in this text, a new one (count 0) the first time. */
static uint32_t entry_of(struct predictor *p, uint32_t row, size_t *n)
{
    size_t mask = p->n_seen - 1;
    size_t at = (row * (size_t)0x9e3779b1) & mask;

    while (p->seen[at] >> 32 == p->stamp) {
        uint32_t e = (uint32_t)p->seen[at];
        if (p->row[e] == row)
            return e;
        at = (at + 1) & mask;
    }
    p->seen[at] = (uint64_t)p->stamp << 32 | *n;
    p->row[*n] = row;
    p->count[*n] = 0;
    return (uint32_t)(*n)++;
}

/* Rows of all occurrences; two rounds of prefetch hide the latency of a model larger than the
 * cache. */
static void find_rows(struct predictor *p, const aglm_feature_list *f)
{
    const aglm_linear_model *m = p->m;

    for (size_t i = 0; i < f->n; i++)
        __builtin_prefetch(&m->bucket[aglm_linear_bucket(m, f->hash[i])]);
    for (size_t i = 0; i < f->n; i++)
        __builtin_prefetch(&m->row[m->bucket[aglm_linear_bucket(m, f->hash[i])]]);
    for (size_t i = 0; i < f->n; i++) {
        uint32_t row = aglm_linear_find(m, f->hash[i] ? f->hash[i] : 1);
        size_t known = row == AGLM_NO_ROW ? 0 : row; /* a prefetch too many beats a branch */
        p->entry_of[i] = row;
        __builtin_prefetch((const uint8_t *)m->weights + known * m->n_vectors * m->weight_bytes);
    }
}

static aglm_rc find_entries(struct predictor *p, aglm_extractor *x, const char *text, size_t len,
                            aglm_feature_list *f, aglm_error *err)
{
    size_t n = 0;
    size_t i = 0;
    aglm_rc rc = aglm_extractor_run(x, text, len, f, err);

    if (rc)
        return rc;
    rc = reserve(p, f->n);
    if (rc)
        return aglm_error_set(err, rc, "no memory for a text of %zu features", f->n);
    find_rows(p, f);
    next_stamp(p);
    for (unsigned g = 0; g < AGLM_FEATURES_GROUPS; g++) {
        for (; i < f->group_end[g]; i++) {
            if (p->entry_of[i] == AGLM_NO_ROW)
                continue;
            uint32_t e = entry_of(p, p->entry_of[i], &n);
            p->entry_of[i] = e;
            p->count[e] += p->count[e] < UINT16_MAX;
        }
        p->entries.group_end[g] = n;
    }
    p->entries.row = p->row;
    p->entries.count = p->count;
    p->entries.value = p->value;
    return AGLM_OK;
}

aglm_rc aglm_linear_predict(aglm_predictor *self, const char *text, size_t len, float *logits,
                            aglm_error *err)
{
    struct predictor *p = (struct predictor *)self;
    aglm_feature_list f;
    aglm_rc rc = find_entries(p, p->x, text, len, &f, err);

    if (!rc)
        aglm_linear_logits(p->m, &p->entries, p->sum, logits);
    return rc;
}

uint64_t aglm_linear_reading(const aglm_model *model)
{
    const aglm_linear_model *m = (const aglm_linear_model *)model;
    const aglm_feature_options *f = &m->params.features;
    const uint8_t options[] = {f->word_n,   f->char_min, f->char_max,    f->cjk_n,
                               f->prefix_n, f->suffix_n, f->char_across, f->shape,
                               f->lower,    f->punct,    f->edges};
    size_t buckets = ((size_t)1 << m->bucket_bits) + 1;
    uint64_t h = aglm_hash64(options, sizeof options, m->n_features);

    h = aglm_hash64(m->bucket, buckets * sizeof *m->bucket, h);
    for (size_t i = 0; i < m->n_features; i++)
        h = aglm_mix64(h + m->row[i].tag);
    return h ? h : 1;
}

aglm_rc aglm_linear_predict_after(aglm_predictor *self, const aglm_predictor *first, float *logits,
                                  aglm_error *err)
{
    struct predictor *p = (struct predictor *)self;
    const struct predictor *q = (const struct predictor *)first;
    size_t n = q->entries.group_end[AGLM_FEATURES_GROUPS - 1];
    aglm_rc rc = aglm_grow(&p->value, &p->cap_value, n, sizeof *p->value, MAX_OCCURRENCES);

    if (rc)
        return aglm_error_set(err, rc, "no memory for a text of %zu features", n);
    p->entries = q->entries;
    p->entries.value = p->value;
    aglm_linear_logits(p->m, &p->entries, p->sum, logits);
    return AGLM_OK;
}

static bool is_blank(const char *text, size_t at)
{
    return (unsigned char)text[at] <= ' ';
}

/* Spreads what each occurrence adds to the logit evenly over the non-blank bytes it spans: part[]
 * becomes the sum a byte. inked[b] is the number of non-blank bytes before b; part has len + 1
 * places. */
static void spread_parts(const struct predictor *p, const aglm_feature_list *f, uint32_t label,
                         const uint32_t *inked, double *part, size_t len)
{
    const aglm_linear_model *m = p->m;

    aglm_linear_weigh(m, &p->entries);
    for (size_t i = 0; i < f->n; i++) {
        uint32_t e = p->entry_of[i];
        uint32_t bytes = inked[f->end[i]] - inked[f->begin[i]];
        if (e == AGLM_NO_ROW || !bytes)
            continue;
        double v = (double)p->value[e] / p->count[e] *
                   (double)aglm_linear_weight(m, p->row[e], label);
        part[f->begin[i]] += v / bytes;
        part[f->end[i]] -= v / bytes;
    }
    double running = 0;
    for (size_t b = 0; b < len; b++) {
        running += part[b];
        part[b] = inked[b + 1] > inked[b] ? running : 0;
    }
}

/* The next unit of the text from *at: a run of letters and digits, one mark, or one CJK character.
 * False at the end. */
static bool next_unit(const char *text, size_t len, size_t *at, aglm_explained *unit, bool *cjk)
{
    size_t begin;
    uint32_t cp;

    while (*at < len && (is_blank(text, *at) || (aglm_utf8_decode(text + *at, len - *at, &cp) > 1 &&
                                                 aglm_cp_is_space(cp))))
        *at += is_blank(text, *at) ? 1 : aglm_utf8_decode(text + *at, len - *at, &cp);
    begin = *at;
    if (begin >= len)
        return false;
    *at += aglm_utf8_decode(text + begin, len - begin, &cp);
    *cjk = aglm_cp_is_cjk(cp);
    bool single = *cjk || aglm_cp_is_punct(cp);
    while (!single && *at < len) {
        size_t n = aglm_utf8_decode(text + *at, len - *at, &cp);
        if (is_blank(text, *at) || aglm_cp_is_cjk(cp) || aglm_cp_is_punct(cp) ||
            aglm_cp_is_space(cp))
            break;
        *at += n;
    }
    *unit = (aglm_explained){(uint32_t)begin, (uint32_t)*at, 0};
    return true;
}

static void keep_largest(aglm_explained *out, size_t cap, size_t *n, aglm_explained unit)
{
    size_t at;

    if (!(unit.weight > 0) || cap == 0 || (*n == cap && !(unit.weight > out[cap - 1].weight)))
        return;
    at = *n < cap ? (*n)++ : cap - 1;
    for (; at > 0 && out[at - 1].weight < unit.weight; at--)
        out[at] = out[at - 1];
    out[at] = unit;
}

/* Neighbouring CJK characters that all speak for the label are shown as one span. */
static void collect_units(const char *text, size_t len, const double *part, aglm_explained *out,
                          size_t cap, size_t *n)
{
    aglm_explained unit, pending = {0};
    bool cjk = false, joins = false;

    for (size_t at = 0; next_unit(text, len, &at, &unit, &cjk);) {
        double sum = 0;
        for (size_t b = unit.begin; b < unit.end; b++)
            sum += part[b];
        unit.weight = (float)sum;
        if (joins && cjk && unit.weight > 0 && unit.begin == pending.end) {
            pending.end = unit.end;
            pending.weight += unit.weight;
            continue;
        }
        keep_largest(out, cap, n, pending);
        pending = unit;
        joins = cjk && unit.weight > 0;
    }
    keep_largest(out, cap, n, pending);
}

aglm_rc aglm_linear_explain(aglm_predictor *self, const char *text, size_t len, uint32_t label,
                            aglm_explained *out, size_t cap, size_t *n, aglm_error *err)
{
    struct predictor *p = (struct predictor *)self;
    aglm_feature_list f;
    uint32_t *inked = NULL;
    double *part = NULL;
    aglm_rc rc = AGLM_OK;

    *n = 0;
    if (label >= p->m->base.n_labels || len > UINT32_MAX - 1)
        return aglm_error_set(err, AGLM_INVALID, "no label %u, or a text of %zu bytes", label, len);
    if (!p->spans)
        rc = aglm_extractor_new(&p->spans, &p->m->params.features, true, err);
    if (!rc)
        rc = find_entries(p, p->spans, text, len, &f, err);
    if (rc)
        return rc;
    inked = aglm_calloc(len + 1, sizeof *inked);
    part = aglm_calloc(len + 1, sizeof *part);
    if (!inked || !part) {
        rc = aglm_error_set(err, AGLM_NOMEM, "out of memory to explain a text of %zu bytes", len);
        goto done;
    }
    for (size_t b = 0; b < len; b++)
        inked[b + 1] = inked[b] + !is_blank(text, b);
    spread_parts(p, &f, label, inked, part, len);
    collect_units(text, len, part, out, cap, n);
done:
    free(inked);
    free(part);
    return rc;
}
