#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "learn/embed_priv.h"

typedef struct predictor {
    const aglm_embed_model *model;
    aglm_embed_model *finished; /* owned; when the model given was still in training */
    aglm_extractor *extractor;  /* without spans */
    aglm_extractor *spans;      /* made when first asked to explain */
    aglm_embed_bag bag;
    uint32_t *found; /* [cap_found] row of each feature of the list */
    size_t cap_found;
    uint32_t *slot; /* [slots] open addressing by row: place in the bag, 1-based; 0 free */
    size_t slots;
    float *hidden;
    float *byte_weight; /* of the text being explained */
    size_t cap_bytes;
} predictor;

aglm_rc aglm_embed_predictor_new(aglm_predictor **out, const aglm_model *m, aglm_error *err)
{
    predictor *p = aglm_calloc(1, sizeof *p);
    aglm_rc rc = AGLM_OK;

    if (!p)
        return aglm_error_set(err, AGLM_NOMEM, "predictor: out of memory");
    p->model = (const aglm_embed_model *)m;
    if (p->model->live) {
        rc = aglm_embed_model_finish(&p->finished, p->model, err);
        p->model = p->finished;
    }
    if (!rc)
        rc = aglm_extractor_new(&p->extractor, &p->model->form.options, false, err);
    if (rc)
        goto failed;
    p->hidden = aglm_calloc_aligned(AGLM_LANES_UP((size_t)p->model->form.columns),
                                    sizeof *p->hidden);
    if (!p->hidden) {
        rc = aglm_error_set(err, AGLM_NOMEM, "predictor: out of memory");
        goto failed;
    }
    *out = (aglm_predictor *)p;
    return AGLM_OK;
failed:
    aglm_embed_predictor_free((aglm_predictor *)p);
    return rc;
}

void aglm_embed_predictor_free(aglm_predictor *opaque)
{
    predictor *p = (predictor *)opaque;

    if (!p)
        return;
    if (p->finished)
        aglm_embed_model_free(&p->finished->base);
    aglm_extractor_free(p->extractor);
    aglm_extractor_free(p->spans);
    aglm_embed_bag_clear(&p->bag);
    free(p->found);
    free(p->slot);
    free(p->hidden);
    free(p->byte_weight);
    free(p);
}

/* Room for a list of n features, and no slot taken. */
static aglm_rc reserve(predictor *p, size_t n)
{
    size_t slots = p->slots ? p->slots : 256;

    while (slots < 2 * n)
        slots *= 2;
    if (slots > p->slots) {
        free(p->slot);
        p->slots = 0;
        p->slot = aglm_calloc(slots, sizeof *p->slot);
        if (!p->slot)
            return AGLM_NOMEM;
        p->slots = slots;
    } else {
        memset(p->slot, 0, slots * sizeof *p->slot);
    }
    if (aglm_grow(&p->found, &p->cap_found, n, sizeof *p->found, SIZE_MAX / 16))
        return AGLM_NOMEM;
    return aglm_embed_bag_reserve(&p->bag, n);
}

/* Where the row stands in the bag, or the free slot for it. */
static uint32_t *slot_of(const predictor *p, uint32_t row)
{
    size_t at = (row * 0x9e3779b1U) & (p->slots - 1);

    while (p->slot[at] && p->bag.row[p->slot[at] - 1] != row)
        at = (at + 1) & (p->slots - 1);
    return &p->slot[at];
}

static void add_row(predictor *p, uint32_t row, uint8_t group)
{
    aglm_embed_bag *bag = &p->bag;
    uint32_t *slot = slot_of(p, row);

    if (*slot) {
        uint8_t *count = &bag->count[*slot - 1];
        *count = (uint8_t)(*count + (*count < 255));
        return;
    }
    bag->row[bag->n] = row;
    bag->count[bag->n] = 1;
    bag->worth[bag->n] = aglm_embed_form_worth(&p->model->form, row);
    bag->group[bag->n++] = group;
    *slot = (uint32_t)bag->n;
}

/* The known features of the text, weighed as in training. */
static aglm_rc fill_bag(predictor *p, const aglm_feature_list *list, aglm_error *err)
{
    size_t at = 0;

    if (reserve(p, list->n))
        return aglm_error_set(err, AGLM_NOMEM, "%zu features: out of memory", list->n);
    aglm_embed_form_find(&p->model->form, list->hash, list->n, p->found);
    p->bag.n = 0;
    for (unsigned g = 0; g < AGLM_FEATURES_GROUPS; g++)
        for (; at < list->group_end[g]; at++)
            if (p->found[at] != AGLM_EMBED_NONE)
                add_row(p, p->found[at], (uint8_t)g);
    aglm_embed_bag_weigh(&p->bag);
    return AGLM_OK;
}

aglm_rc aglm_embed_predict(aglm_predictor *opaque, const char *text, size_t len, float *logits,
                           aglm_error *err)
{
    predictor *p = (predictor *)opaque;
    aglm_feature_list list;
    aglm_rc rc = aglm_extractor_run(p->extractor, text, len, &list, err);

    if (!rc)
        rc = fill_bag(p, &list, err);
    if (rc)
        return rc;
    aglm_embed_form_logits(&p->model->form, &p->bag, p->hidden, logits);
    return AGLM_OK;
}

/* --- explaining --- */

/* Each feature's part, evenly over the bytes it stands on, so that the bytes sum to the logit
 * without its bias. */
static void spread_parts(predictor *p, const aglm_feature_list *list, uint32_t label)
{
    for (size_t i = 0; i < list->n; i++) {
        uint32_t row = p->found[i];
        uint32_t begin = list->begin[i], end = list->end[i];
        if (row == AGLM_EMBED_NONE || end <= begin)
            continue;
        size_t k = *slot_of(p, row) - 1;
        float part = p->bag.weight[k] * aglm_embed_form_part(&p->model->form, row, label) /
                     (float)p->bag.count[k];
        for (uint32_t b = begin; b < end; b++)
            p->byte_weight[b] += part / (float)(end - begin);
    }
}

enum piece { GAP, WORD, SINGLE };

static enum piece piece_of(uint32_t cp)
{
    if (aglm_cp_is_space(cp) || aglm_cp_is_punct(cp))
        return GAP;
    return aglm_cp_is_cjk(cp) ? SINGLE : WORD;
}

/* Keeps out[0..*n) the largest, in falling order; ties in order of the text. */
static void keep_largest(aglm_explained *out, size_t cap, size_t *n, aglm_explained e)
{
    size_t at = *n;

    while (at > 0 && out[at - 1].weight < e.weight)
        at--;
    if (at >= cap)
        return;
    size_t moved = (*n < cap ? *n : cap - 1) - at;
    memmove(out + at + 1, out + at, moved * sizeof *out);
    out[at] = e;
    *n += *n < cap;
}

/* Words and single CJK characters with the sum of their bytes. */
static void sum_words(const predictor *p, const char *text, size_t len, aglm_explained *out,
                      size_t cap, size_t *n)
{
    aglm_explained word = {0};
    enum piece kind = GAP;

    for (size_t at = 0; at < len;) {
        uint32_t cp;
        size_t next = at + aglm_utf8_decode(text + at, len - at, &cp);
        enum piece now = piece_of(cp);
        if (now != kind || now == SINGLE) {
            if (kind != GAP && word.weight > 0)
                keep_largest(out, cap, n, word);
            word = (aglm_explained){.begin = (uint32_t)at};
            kind = now;
        }
        for (size_t b = at; b < next; b++)
            word.weight += p->byte_weight[b];
        word.end = (uint32_t)next;
        at = next;
    }
    if (kind != GAP && word.weight > 0)
        keep_largest(out, cap, n, word);
}

aglm_rc aglm_embed_explain(aglm_predictor *opaque, const char *text, size_t len, uint32_t label,
                           aglm_explained *out, size_t cap, size_t *n, aglm_error *err)
{
    predictor *p = (predictor *)opaque;
    aglm_feature_list list;
    aglm_rc rc = AGLM_OK;

    *n = 0;
    if (label >= p->model->form.labels)
        return aglm_error_set(err, AGLM_INVALID, "label %u of %u", label, p->model->form.labels);
    if (!p->spans)
        rc = aglm_extractor_new(&p->spans, &p->model->form.options, true, err);
    if (!rc)
        rc = aglm_extractor_run(p->spans, text, len, &list, err);
    if (!rc && aglm_grow(&p->byte_weight, &p->cap_bytes, len, sizeof *p->byte_weight, UINT32_MAX))
        rc = aglm_error_set(err, AGLM_NOMEM, "explaining %zu bytes: out of memory", len);
    if (!rc)
        rc = fill_bag(p, &list, err);
    if (rc)
        return rc;
    if (len)
        memset(p->byte_weight, 0, len * sizeof *p->byte_weight);
    spread_parts(p, &list, label);
    sum_words(p, text, len, out, cap, n);
    return AGLM_OK;
}
