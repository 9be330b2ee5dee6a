#include <math.h>

#include "base/hash.h"
#include "base/memory.h"
#include "learn/embed_form.h"
#include "unit.h"

#include "embed_data.h"

#define OPS (&aglm_learner_embed)

enum { DOCS = 120 };

struct world {
    aglm_dataset *data;
    void *self;
    aglm_fit_context ctx;
    uint32_t rows[DOCS];
    size_t labels;
};

static void open_world(struct world *w, unsigned labels, bool multi_label, double dim)
{
    double values[AGLM_HPARAM_MAX];
    aglm_error err = {0};

    memset(w, 0, sizeof *w);
    w->ctx.seed = 7;
    w->labels = labels;
    embed_values(values, multi_label, dim);
    if (embed_data(&w->data, DOCS, labels, multi_label, &err) ||
        OPS->open(&w->self, w->data, values, &w->ctx, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(aglm_dataset_n_labels(w->data), labels);
    for (uint32_t i = 0; i < DOCS; i++)
        w->rows[i] = i;
}

static void close_world(struct world *w)
{
    OPS->close(w->self);
    aglm_dataset_free(w->data);
}

static aglm_model *fit(struct world *w)
{
    aglm_model *m = NULL;
    aglm_error err = {0};

    if (OPS->fit(w->self, w->rows, DOCS, &w->ctx, &m, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(m->n_labels, w->labels);
    return m;
}

static float *score(struct world *w, const aglm_model *m)
{
    float *logits = aglm_calloc(DOCS * w->labels, sizeof *logits);

    assert_int_equal(OPS->score(w->self, m, w->rows, DOCS, logits, NULL), AGLM_OK);
    return logits;
}

static aglm_str save(const aglm_model *m)
{
    aglm_str s;

    aglm_str_init(&s, 1 << 28);
    assert_int_equal(OPS->save(m, &s, NULL), AGLM_OK);
    return s;
}

static size_t argmax(const float *v, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        best = v[i] > v[best] ? i : best;
    return best;
}

static unsigned right(const struct world *w, const float *logits)
{
    unsigned n = 0;

    for (size_t i = 0; i < DOCS; i++)
        n += argmax(logits + i * w->labels, w->labels) == aglm_dataset_doc(w->data, i).labels[0];
    return n;
}

static void overfits_a_small_set(unsigned labels, double dim)
{
    struct world w;

    open_world(&w, labels, false, dim);
    aglm_model *m = fit(&w);
    float *logits = score(&w, m);
    assert_int_equal(right(&w, logits), DOCS);
    free(logits);
    OPS->free_model(m);
    close_world(&w);
}

static void overfits(void **state)
{
    (void)state;
    overfits_a_small_set(2, 16);
    overfits_a_small_set(3, 40);
    overfits_a_small_set(12, 10); /* more labels than dimensions: not folded */
}

static void every_label_of_many_is_learned(void **state)
{
    struct world w;
    unsigned wrong = 0;

    (void)state;
    open_world(&w, 4, true, 32);
    aglm_model *m = fit(&w);
    float *logits = score(&w, m);
    assert_true(m->multi_label);
    for (size_t i = 0; i < DOCS; i++) {
        aglm_doc d = aglm_dataset_doc(w.data, i);
        bool has[4] = {false};
        for (size_t k = 0; k < d.n_labels; k++)
            has[d.labels[k]] = true;
        for (size_t l = 0; l < 4; l++)
            wrong += (logits[i * 4 + l] > 0) != has[l];
    }
    assert_true(wrong <= 4);
    free(logits);
    OPS->free_model(m);
    close_world(&w);
}

/* The same numbers from the fitted model, the loaded one, and one text at a time. */
static void a_saved_model_is_the_model(unsigned labels, double dim)
{
    struct world w;
    aglm_model *again = NULL;
    aglm_predictor *p = NULL;
    float one[16];

    open_world(&w, labels, false, dim);
    aglm_model *m = fit(&w);
    float *logits = score(&w, m);
    aglm_str s = save(m);
    assert_int_equal(OPS->load(&again, s.data, s.len, NULL), AGLM_OK);
    aglm_str t = save(again);
    assert_int_equal(s.len, t.len);
    assert_memory_equal(s.data, t.data, s.len);
    assert_int_equal(again->n_labels, labels);
    assert_int_equal(OPS->predictor(&p, again, NULL), AGLM_OK);
    for (size_t i = 0; i < DOCS; i++) {
        aglm_doc d = aglm_dataset_doc(w.data, i);
        assert_int_equal(OPS->predict(p, d.text, d.len, one, NULL), AGLM_OK);
        assert_memory_equal(one, logits + i * labels, labels * sizeof *one);
    }
    OPS->free_predictor(p);
    OPS->free_model(again);
    OPS->free_model(m);
    aglm_str_clear(&s);
    aglm_str_clear(&t);
    free(logits);
    close_world(&w);
}

static void saves_and_loads(void **state)
{
    (void)state;
    a_saved_model_is_the_model(2, 33);
    a_saved_model_is_the_model(3, 64);
    a_saved_model_is_the_model(12, 8);
}

static void a_seed_names_a_model(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, 3, false, 24);
    aglm_model *a = fit(&w);
    aglm_model *b = fit(&w);
    w.ctx.seed++;
    aglm_model *c = fit(&w);
    aglm_str sa = save(a), sb = save(b), sc = save(c);
    assert_int_equal(sa.len, sb.len);
    assert_memory_equal(sa.data, sb.data, sa.len);
    assert_true(sa.len != sc.len || memcmp(sa.data, sc.data, sa.len) != 0);
    aglm_str_clear(&sa);
    aglm_str_clear(&sb);
    aglm_str_clear(&sc);
    OPS->free_model(a);
    OPS->free_model(b);
    OPS->free_model(c);
    close_world(&w);
}

/* On every machine: the kernels of all instruction sets agree, and no libm function of varying last
 * bit takes part. */
static void a_model_is_the_same_everywhere(void **state)
{
    const uint64_t want[2] = {0xecbaf1d3bfc2d57a, 0x3c4b70b230744aee};

    (void)state;
    for (int folded = 0; folded < 2; folded++) {
        struct world w;
        open_world(&w, 12, false, folded ? 40 : 8);
        aglm_model *m = fit(&w);
        aglm_str s = save(m);
        assert_int_equal(aglm_hash64(s.data, s.len, 0), want[folded]);
        aglm_str_clear(&s);
        OPS->free_model(m);
        close_world(&w);
    }
}

static void damage_is_noticed(void **state)
{
    struct world w;
    aglm_model *again = NULL;
    aglm_error err = {0};

    (void)state;
    open_world(&w, 12, false, 8);
    aglm_model *m = fit(&w);
    aglm_str s = save(m);
    for (size_t i = 0; i < s.len; i += i < 128 ? 1 : 61) {
        s.data[i] ^= 0x10;
        aglm_rc rc = OPS->load(&again, s.data, s.len, &err);
        s.data[i] ^= 0x10;
        if (i < 56 || i >= 64) /* the rest of the head is kept for later */
            assert_int_equal(rc, AGLM_FORMAT);
        else if (!rc)
            OPS->free_model(again);
    }
    for (size_t n = 0; n < s.len; n += n < 128 ? 1 : 997)
        assert_int_equal(OPS->load(&again, s.data, n, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "byte"));
    aglm_str_clear(&s);
    OPS->free_model(m);
    close_world(&w);
}

struct steps {
    struct world *w;
    unsigned seen, stop_at;
    unsigned right;
    aglm_str last;
};

static aglm_rc on_step(void *arg, const aglm_model *so_far, unsigned step, unsigned steps)
{
    struct steps *s = arg;
    float *logits = score(s->w, so_far);

    assert_int_equal(step, ++s->seen);
    assert_true(step <= steps);
    s->right = right(s->w, logits);
    free(logits);
    if (step == steps) {
        aglm_str_clear(&s->last);
        s->last = save(so_far);
    }
    return step == s->stop_at ? AGLM_PRUNED : AGLM_OK;
}

static void steps_are_told(void **state)
{
    struct world w;

    (void)state;
    open_world(&w, 12, false, 8);
    struct steps s = {.w = &w};
    aglm_str_init(&s.last, 1);
    w.ctx.on_step = on_step;
    w.ctx.arg = &s;
    aglm_model *m = fit(&w);
    assert_int_equal(s.seen, EMBED_EPOCHS);
    assert_int_equal(s.right, DOCS);
    aglm_str saved = save(m);
    assert_int_equal(saved.len, s.last.len);
    assert_memory_equal(saved.data, s.last.data, saved.len);
    OPS->free_model(m);
    aglm_str_clear(&saved);

    s.seen = 0;
    s.stop_at = 2;
    assert_int_equal(OPS->fit(w.self, w.rows, DOCS, &w.ctx, &m, NULL), AGLM_PRUNED);
    assert_int_equal(s.seen, 2);
    aglm_str_clear(&s.last);
    close_world(&w);
}

static void stops_and_limits(void **state)
{
    struct world w;
    aglm_model *m = NULL;
    aglm_cancel cancel;
    aglm_error err = {0};
    double values[AGLM_HPARAM_MAX];
    void *self = NULL;

    (void)state;
    open_world(&w, 3, false, 24);
    aglm_cancel_init(&cancel, NULL, 0);
    aglm_cancel_stop(&cancel);
    w.ctx.cancel = &cancel;
    embed_values(values, false, 24);
    assert_int_equal(OPS->fit(w.self, w.rows, DOCS, &w.ctx, &m, &err), AGLM_CANCELLED);
    assert_int_equal(OPS->open(&self, w.data, values, &w.ctx, &err), AGLM_CANCELLED);
    w.ctx.cancel = NULL;
    w.ctx.max_memory_bytes = 50000;
    assert_int_equal(OPS->fit(w.self, w.rows, DOCS, &w.ctx, &m, &err), AGLM_LIMIT);
    assert_non_null(strstr(err.msg, "50000"));
    w.ctx.max_memory_bytes = 5000;
    assert_int_equal(OPS->open(&self, w.data, values, &w.ctx, &err), AGLM_LIMIT);
    w.ctx.max_memory_bytes = 0;
    values[0] = 1e9;
    assert_int_equal(OPS->open(&self, w.data, values, &w.ctx, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "lr"));
    values[0] = NAN;
    assert_int_equal(OPS->open(&self, w.data, values, &w.ctx, &err), AGLM_INVALID);
    close_world(&w);
}

static void words_are_explained(void **state)
{
    struct world w;
    aglm_predictor *p = NULL;
    aglm_explained e[4];
    size_t n = 0;
    const char text[] = "noise1, mark2 noise3";

    (void)state;
    open_world(&w, 3, false, 24);
    aglm_model *m = fit(&w);
    assert_int_equal(OPS->predictor(&p, m, NULL), AGLM_OK);
    assert_int_equal(OPS->explain(p, text, strlen(text), 2, e, 4, &n, NULL), AGLM_OK);
    assert_true(n >= 1);
    assert_int_equal(e[0].begin, 8);
    assert_int_equal(e[0].end, 13);
    assert_true(e[0].weight > 0);
    assert_int_equal(OPS->explain(p, text, strlen(text), 2, e, 1, &n, NULL), AGLM_OK);
    assert_int_equal(n, 1);
    assert_int_equal(e[0].begin, 8);
    assert_int_equal(OPS->explain(p, "", 0, 2, e, 4, &n, NULL), AGLM_OK);
    assert_int_equal(n, 0);
    assert_int_equal(OPS->explain(p, text, strlen(text), 3, e, 4, &n, NULL), AGLM_INVALID);
    OPS->free_predictor(p);
    OPS->free_model(m);
    close_world(&w);
}

static void an_unknown_text_gets_the_bias(void **state)
{
    struct world w;
    aglm_predictor *p = NULL;
    float a[3], b[3];

    (void)state;
    open_world(&w, 3, false, 24);
    aglm_model *m = fit(&w);
    assert_int_equal(OPS->predictor(&p, m, NULL), AGLM_OK);
    assert_int_equal(OPS->predict(p, "", 0, a, NULL), AGLM_OK);
    assert_int_equal(OPS->predict(p, "\xd0\xb6", 2, b, NULL), AGLM_OK);
    assert_memory_equal(a, b, sizeof a);
    for (int i = 0; i < 3; i++)
        assert_true(isfinite(a[i]));
    OPS->free_predictor(p);
    OPS->free_model(m);
    close_world(&w);
}

/* --- the gradient --- */

struct trained {
    aglm_dataset *data;
    aglm_matrix *matrix;
    aglm_embed_task task;
    aglm_embed_net *net;
    uint32_t doc;
};

static const aglm_feature_options words_only = {.word_n = 1, .lower = true};

static void open_trained(struct trained *t, const aglm_embed_options *o, bool multi_label)
{
    const aglm_fit_context ctx = {.seed = 3};
    aglm_rng r;
    aglm_error err = {0};

    memset(t, 0, sizeof *t);
    t->doc = 5;
    if (embed_data(&t->data, 12, 3, multi_label, &err) ||
        aglm_matrix_new(&t->matrix, t->data, &words_only, &(aglm_matrix_limits){0}, &err))
        fail_msg("%s", err.msg);
    t->task = (aglm_embed_task){
        .matrix = t->matrix, .data = t->data, .docs = &t->doc, .n = 1, .multi_label = multi_label};
    assert_int_equal(aglm_embed_net_new(&t->net, &t->task, o, &ctx, NULL), AGLM_OK);
    aglm_rng_init(&r, 4);
    for (size_t i = 0; i < (size_t)t->net->rows * t->net->width; i++)
        if (i % t->net->width < t->net->dim)
            t->net->in[i] = (float)(aglm_rng_uniform(&r) - 0.5);
}

static void close_trained(struct trained *t)
{
    aglm_embed_net_free(t->net);
    aglm_matrix_free(t->matrix);
    aglm_dataset_free(t->data);
}

/* Cross-entropy of the document with smoothed targets, in double and by libm. */
static double loss(const struct trained *t, const aglm_embed_options *o)
{
    const aglm_embed_net *net = t->net;
    aglm_embed_bag bag = {0};
    aglm_doc d = aglm_dataset_doc(t->data, t->doc);
    double z[3], sum = 0, total = 0;

    const aglm_embed_rows rows = {
        .matrix = t->matrix, .row_of = net->row_of, .worth = net->worth, .worth_stride = 1};
    assert_int_equal(aglm_embed_bag_fill(&bag, &rows, t->doc), AGLM_OK);
    for (size_t l = 0; l < 3; l++) {
        z[l] = (double)net->bias[l];
        for (size_t i = 0; i < bag.n; i++)
            for (size_t k = 0; k < net->dim; k++)
                z[l] += (double)bag.weight[i] * (double)net->in[bag.row[i] * net->width + k] *
                        (double)net->out[l * net->width + k];
        sum += exp(z[l]);
    }
    for (size_t l = 0; l < 3; l++) {
        double target = o->smoothing / 3;
        for (size_t k = 0; k < d.n_labels; k++)
            target += d.labels[k] == l ? 1 - o->smoothing : 0;
        double p = 1 / (1 + exp(-z[l]));
        total -= o->one_vs_rest ? target * log(p) + (1 - target) * log(1 - p)
                                : target * (z[l] - log(sum));
    }
    aglm_embed_bag_clear(&bag);
    return total;
}

static double slope(const struct trained *t, const aglm_embed_options *o, float *x)
{
    const float step = 1e-2f;
    float was = *x;

    *x = was + step;
    double up = loss(t, o);
    *x = was - step;
    double down = loss(t, o);
    *x = was;
    return (up - down) / (2 * (double)step);
}

/* One plain step of a small rate moves a number by -rate times the slope of the loss. */
static void check_gradient(bool one_vs_rest, bool multi_label)
{
    const aglm_embed_options o = {.rate = 1e-3,
                                  .dim = 5,
                                  .epochs = 1,
                                  .smoothing = 0.1,
                                  .min_count = 1,
                                  .one_vs_rest = one_vs_rest,
                                  .max_rows = 1000};
    const aglm_fit_context ctx = {.seed = 3};
    struct trained before, after;

    open_trained(&before, &o, multi_label);
    open_trained(&after, &o, multi_label);
    assert_int_equal(aglm_embed_train(after.net, &after.task, &o, &ctx, NULL, NULL), AGLM_OK);
    assert_true(loss(&after, &o) < loss(&before, &o));
    for (size_t i = 0; i < (size_t)before.net->rows * before.net->width; i++) {
        double moved = (double)after.net->in[i] - (double)before.net->in[i];
        if (i % before.net->width < 5)
            assert_true(fabs(moved / o.rate + slope(&before, &o, &before.net->in[i])) < 2e-3);
        else
            assert_true(moved == 0);
    }
    for (size_t i = 0; i < 3 * before.net->width; i++) {
        double moved = (double)after.net->out[i] - (double)before.net->out[i];
        assert_true(fabs(moved / o.rate + slope(&before, &o, &before.net->out[i])) < 2e-3);
    }
    close_trained(&before);
    close_trained(&after);
}

static void steps_follow_the_gradient(void **state)
{
    (void)state;
    check_gradient(false, false);
    check_gradient(true, false);
    check_gradient(true, true);
}

/* sqrt(idf (KL + 0.01)) in 32nds, straight from its definition. */
static void check_worth(const struct trained *t, const uint8_t *worth, size_t f)
{
    double with[3] = {0}, of[3] = {0}, df = 0, pairs = 0, all = 0, kl = 0;

    for (size_t i = 0; i < t->task.n; i++) {
        aglm_doc d = aglm_dataset_doc(t->data, i);
        bool has = false;
        for (uint32_t k = aglm_matrix_begin(t->matrix, i, 0);
             k < aglm_matrix_begin(t->matrix, i + 1, 0); k++)
            has = has || t->matrix->feature[k] == f;
        df += has;
        for (size_t l = 0; l < d.n_labels; l++) {
            with[d.labels[l]] += has;
            of[d.labels[l]]++;
        }
    }
    for (size_t l = 0; l < 3; l++) {
        pairs += with[l];
        all += of[l];
    }
    for (size_t l = 0; l < 3; l++) {
        double share = (with[l] + of[l] / all) / (pairs + 1);
        kl += share * log(share * all / of[l]);
    }
    double want = 32 * sqrt((1 + log(13 / (1 + df))) * (kl + 0.01));
    assert_true(fabs(worth[f] - want) <= 0.51 || (worth[f] == 1 && want < 1));
}

static void worth_follows_its_definition(void **state)
{
    const aglm_embed_options o = {
        .rate = 0.1, .dim = 5, .epochs = 1, .min_count = 1, .max_rows = 1000};
    uint32_t all[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    uint32_t df[200] = {0};
    uint8_t worth[200];
    struct trained t;

    (void)state;
    for (int multi_label = 0; multi_label < 2; multi_label++) {
        open_trained(&t, &o, multi_label);
        t.task.docs = all;
        t.task.n = 12;
        assert_true(t.matrix->n_features < 200);
        memset(df, 0, sizeof df);
        for (size_t k = 0; k < t.matrix->n_entries; k++)
            df[t.matrix->feature[k]]++;
        assert_int_equal(aglm_embed_worth(worth, &t.task, df, true), AGLM_OK);
        for (size_t f = 0; f < t.matrix->n_features; f++)
            check_worth(&t, worth, f);
        assert_int_equal(aglm_embed_worth(worth, &t.task, df, false), AGLM_OK);
        for (size_t f = 0; f < t.matrix->n_features; f++)
            assert_true(fabs(worth[f] - 16 * (1 + log(13.0 / (1 + df[f])))) <= 0.51);
        close_trained(&t);
    }
}

static void rare_features_go_first(void **state)
{
    const aglm_embed_options o = {
        .rate = 0.1, .dim = 5, .epochs = 1, .min_count = 1, .max_rows = 20};
    const aglm_fit_context ctx = {.seed = 3};
    struct trained t;
    uint32_t all[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

    (void)state;
    open_trained(&t, &o, false);
    aglm_embed_net_free(t.net);
    t.task.docs = all;
    t.task.n = 12;
    assert_int_equal(aglm_embed_net_new(&t.net, &t.task, &o, &ctx, NULL), AGLM_OK);
    assert_true(t.net->rows > 0 && t.net->rows <= 20);
    for (uint32_t r = 0; r < t.net->rows; r++)
        assert_true(t.net->worth[r] <
                    46); /* 16 (1 + ln 13 / 2): what a feature of one document has */
    close_trained(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(overfits),
        cmocka_unit_test(every_label_of_many_is_learned),
        cmocka_unit_test(saves_and_loads),
        cmocka_unit_test(a_seed_names_a_model),
        cmocka_unit_test(a_model_is_the_same_everywhere),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(steps_are_told),
        cmocka_unit_test(stops_and_limits),
        cmocka_unit_test(words_are_explained),
        cmocka_unit_test(an_unknown_text_gets_the_bias),
        cmocka_unit_test(steps_follow_the_gradient),
        cmocka_unit_test(worth_follows_its_definition),
        cmocka_unit_test(rare_features_go_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
