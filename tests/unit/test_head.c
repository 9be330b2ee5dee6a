/* The trained head: its gradient and optimiser against plain arithmetic, then the learner's
 * contract over a tiny model of the GLM family. Without autoglm-llama (AGLM_LLAMA) the second half
 * has nothing to read. */
#include <math.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/pool.h"
#include "base/rng.h"
#include "glm_model.h"
#include "lm/head.h"
#include "lm/head_net.h"
#include "lm/hidden.h"
#include "tune_data.h"

#define OPS (&aglm_learner_head)

enum { N = 12 };

/* ---- the net ---- */

struct made {
    aglm_head_net net;
    aglm_head_scratch s;
    float *x;
    uint32_t rows[N], label[2 * N];
    size_t start[N + 1];
    aglm_head_data data;
};

/* Random weights and rows; of several labels a row has one or two. */
static void make(struct made *m, const aglm_head_shape *shape)
{
    aglm_rng r;

    aglm_rng_init(&r, shape->hidden + shape->labels);
    assert_int_equal(aglm_head_net_init(&m->net, shape), AGLM_OK);
    assert_int_equal(aglm_head_scratch_init(&m->s, &m->net), AGLM_OK);
    m->x = aglm_calloc_aligned(N * m->net.width, sizeof *m->x);
    assert_non_null(m->x);
    for (size_t i = 0; i < N; i++) {
        size_t at = m->start[i];
        m->rows[i] = (uint32_t)i;
        for (size_t c = 0; c < shape->inputs; c++)
            m->x[i * m->net.width + c] = (float)aglm_rng_normal(&r);
        m->label[at++] = (uint32_t)(i % shape->labels);
        if (shape->one_vs_rest && i % 2)
            m->label[at++] = (uint32_t)((i + 1) % shape->labels);
        m->start[i + 1] = at;
    }
    m->data = (aglm_head_data){m->x, m->label, m->start, N};
    for (size_t j = 0; j < shape->hidden; j++)
        for (size_t c = 0; c < shape->inputs; c++)
            m->net.w[j * m->net.width + c] = (float)(0.4 * aglm_rng_normal(&r));
    for (size_t j = 0; j < shape->hidden; j++)
        m->net.w[m->net.at_hidden_bias + j] = (float)(0.4 * aglm_rng_normal(&r));
    size_t seen = shape->hidden ? shape->hidden : shape->inputs;
    for (size_t l = 0; l < shape->labels; l++) {
        for (size_t c = 0; c < seen; c++)
            m->net.w[m->net.at_out + l * m->net.seen + c] = (float)(0.4 * aglm_rng_normal(&r));
        m->net.w[m->net.at_out_bias + l] = (float)(0.4 * aglm_rng_normal(&r));
    }
}

static void unmake(struct made *m)
{
    aglm_head_net_clear(&m->net);
    aglm_head_scratch_clear(&m->s);
    free(m->x);
}

/* The mean loss in doubles, by its definition. */
static double plain_loss(const struct made *m, const double *w, const float *mask)
{
    const aglm_head_net *net = &m->net;
    const aglm_head_shape *s = &net->shape;
    double sum = 0;

    for (size_t i = 0; i < N; i++) {
        double seen[64], z[8], most = -INFINITY, all = 0;
        const float *x = m->x + i * net->width;
        for (size_t j = 0; j < s->hidden; j++) {
            double v = w[net->at_hidden_bias + j];
            for (size_t c = 0; c < s->inputs; c++)
                v += w[j * net->width + c] * (double)x[c];
            seen[j] = tanh(v);
        }
        for (size_t c = 0; !s->hidden && c < s->inputs; c++)
            seen[c] = (double)x[c];
        for (size_t l = 0; l < s->labels; l++) {
            z[l] = w[net->at_out_bias + l];
            for (size_t c = 0; c < (s->hidden ? s->hidden : s->inputs); c++)
                z[l] += w[net->at_out + l * net->seen + c] * seen[c] * (mask ? (double)mask[c] : 1);
            most = fmax(most, z[l]);
        }
        for (size_t l = 0; l < s->labels; l++)
            all += exp(z[l] - most);
        for (size_t l = 0; s->one_vs_rest && l < s->labels; l++)
            sum += log1p(exp(z[l]));
        for (size_t at = m->start[i]; at < m->start[i + 1]; at++)
            sum += s->one_vs_rest ? -z[m->label[at]] : most + log(all) - z[m->label[at]];
    }
    return sum / N;
}

/* The same mask for every row. */
static void fixed_mask(void *arg, float *mask, size_t n)
{
    memcpy(mask, arg, n * sizeof *mask);
}

static void check_gradient(const aglm_head_shape *shape, bool dropout)
{
    struct made m = {0};
    float mask[64];

    make(&m, shape);
    for (size_t i = 0; i < 64; i++)
        mask[i] = i % 3 ? 1.5f : 0;
    aglm_head_batch b = {m.rows, N, dropout ? fixed_mask : NULL, mask};
    float *grad = aglm_calloc_aligned(m.net.n, sizeof *grad);
    double *w = aglm_calloc(m.net.n, sizeof *w);
    aglm_head_gradient(&m.net, &m.s, &m.data, &b, grad);
    for (size_t i = 0; i < m.net.n; i++)
        w[i] = (double)m.net.w[i];
    for (size_t i = 0; i < m.net.n; i++) {
        double step = 1e-5, was = w[i];
        w[i] = was + step;
        double up = plain_loss(&m, w, dropout ? mask : NULL);
        w[i] = was - step;
        double down = plain_loss(&m, w, dropout ? mask : NULL);
        w[i] = was;
        double slope = (up - down) / (2 * step);
        if (fabs((double)grad[i] - slope) > 1e-5 + 1e-4 * fabs(slope))
            fail_msg("weight %zu of %zu: gradient %g, slope %g", i, m.net.n, (double)grad[i],
                     slope);
    }
    if (!dropout)
        assert_float_equal(aglm_head_loss(&m.net, &m.s, &m.data, &b), plain_loss(&m, w, NULL),
                           1e-5);
    free(grad);
    free(w);
    unmake(&m);
}

static void gradients_are_slopes(void **state)
{
    (void)state;
    for (uint32_t hidden = 0; hidden <= 21; hidden += 7)
        for (unsigned kind = 0; kind < 4; kind++)
            check_gradient(&(aglm_head_shape){19, hidden, 4, kind % 2}, kind / 2);
}

/* AdamW in doubles, for a logistic layer that sees all rows in every step. */
static void plain_adamw(struct made *m, double *w, unsigned steps, double lr, double decay)
{
    size_t n = m->net.n;
    double *first = aglm_calloc(n, sizeof *first), *second = aglm_calloc(n, sizeof *second);

    for (unsigned t = 1; t <= steps; t++) {
        double rate = lr * (1 - (double)(t - 1) / steps), *was = aglm_calloc(n, sizeof *was);
        memcpy(was, w, n * sizeof *w);
        for (size_t i = 0; i < n; i++) {
            double up, down, keep = was[i];
            was[i] = keep + 1e-6;
            up = plain_loss(m, was, NULL);
            was[i] = keep - 1e-6;
            down = plain_loss(m, was, NULL);
            was[i] = keep;
            double g = (up - down) / 2e-6;
            first[i] = 0.9 * first[i] + 0.1 * g;
            second[i] = 0.999 * second[i] + 0.001 * g * g;
            if (fabs(g) < 1e-9) /* a padded place: no gradient but the difference's noise */
                continue;
            w[i] -= rate *
                    (first[i] / (1 - pow(0.9, t)) / (sqrt(second[i] / (1 - pow(0.999, t))) + 1e-8) +
                     (i < m->net.at_out_bias ? decay : 0) * w[i]);
        }
        free(was);
    }
    free(first);
    free(second);
}

static void steps_are_those_of_adamw(void **state)
{
    const aglm_head_options o = {.lr = 0.05, .weight_decay = 0.3, .batch = N, .epochs = 6};
    struct made m = {0};

    (void)state;
    make(&m, &(aglm_head_shape){4, 0, 5, false}); /* labels out of balance: no gradient is 0 */
    double *w = aglm_calloc(m.net.n, sizeof *w);
    assert_int_equal(aglm_head_train(&m.net, &m.data, &o), AGLM_OK);
    plain_adamw(&m, w, 6, 0.05, 0.3);
    for (size_t i = 0; i < m.net.n; i++)
        assert_float_equal(m.net.w[i], w[i], 2e-4);
    free(w);
    unmake(&m);
}

static void scales_and_constants(void **state)
{
    const float x[] = {1, 5, 1e-3f, 3, 5, 3e-3f, 5, 5, 5e-3f};
    aglm_head_net net;
    float rows[3 * AGLM_LANES] = {0}, out[AGLM_LANES] = {0};

    (void)state;
    assert_int_equal(aglm_head_net_init(&net, &(aglm_head_shape){3, 0, 2, false}), AGLM_OK);
    for (size_t i = 0; i < 9; i++)
        rows[i / 3 * AGLM_LANES + i % 3] = x[i];
    aglm_head_learn_scale(&net, rows, 3);
    aglm_head_standardise(&net, rows + 2 * AGLM_LANES, out);
    assert_float_equal(out[0], sqrt(1.5), 1e-5); /* (5 - 3) / sqrt(8 / 3) */
    assert_float_equal(out[1], 0, 0);
    assert_float_equal(out[2], sqrt(1.5), 1e-4);
    aglm_head_net_clear(&net);
}

/* ---- the learner ---- */

static char folder[] = "/tmp/aglm_head_XXXXXX";
static char model[256];

static int make_model(void **state)
{
    aglm_str s;

    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(model, sizeof model, "%s/tiny.gguf", folder);
    aglm_str_init(&s, (size_t)64 << 20);
    glm_model_make(GLM_GLM4, 7, NULL, &s);
    aglm_rc rc = aglm_file_write(model, s.data, s.len, NULL);
    aglm_str_clear(&s);
    return rc == AGLM_OK ? 0 : -1;
}

static int remove_model(void **state)
{
    (void)state;
    return aglm_dir_remove(folder, NULL) == AGLM_OK ? 0 : -1;
}

enum { DOCS = 60 };

struct world {
    aglm_dataset *data;
    aglm_hidden *hidden;
    void *self;
    aglm_fit_context ctx;
    uint32_t rows[DOCS];
    double values[AGLM_HPARAM_MAX];
};

static void set_value(double *values, const char *name, double v)
{
    aglm_hparam space[AGLM_HPARAM_MAX];
    size_t n = OPS->space(&(aglm_data_shape){.language_model = true}, space), i = 0;

    while (i < n && strcmp(space[i].name, name) != 0)
        i++;
    assert_true(i < n);
    values[i] = v;
}

static void open_world(struct world *w, bool multi_label, double hidden)
{
    const aglm_hidden_options o = {.model = model};
    const aglm_data_shape shape = {.docs = DOCS, .labels = 3, .language_model = true};
    aglm_error err = {0};

    memset(w, 0, sizeof *w);
    w->data = tune_documents(DOCS, 3, multi_label);
    if (aglm_hidden_open(&w->hidden, &o, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    w->ctx = (aglm_fit_context){.seed = 7, .language_model = model, .hidden = w->hidden};
    tune_values(OPS, &shape, w->values);
    set_value(w->values, "hidden", hidden);
    set_value(w->values, "lr", 0.02);
    set_value(w->values, "epochs", 80);
    set_value(w->values, "pooling", AGLM_POOLING_BOTH);
    if (OPS->open(&w->self, w->data, w->values, &w->ctx, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    for (uint32_t i = 0; i < DOCS; i++)
        w->rows[i] = i;
}

static void close_world(struct world *w)
{
    OPS->close(w->self);
    aglm_hidden_unref(w->hidden);
    aglm_dataset_free(w->data);
}

static aglm_model *fit(struct world *w)
{
    aglm_model *m = NULL;
    aglm_error err = {0};

    if (OPS->fit(w->self, w->rows, DOCS, &w->ctx, &m, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(m->n_labels, 3);
    return m;
}

static aglm_str saved(const aglm_model *m)
{
    aglm_str s;

    aglm_str_init(&s, 1 << 26);
    assert_int_equal(OPS->save(m, &s, NULL), AGLM_OK);
    return s;
}

static unsigned right(const struct world *w, const aglm_model *m)
{
    float logits[DOCS * 3];
    unsigned n = 0;

    assert_int_equal(OPS->score(w->self, m, w->rows, DOCS, logits, NULL), AGLM_OK);
    for (size_t i = 0; i < DOCS; i++) {
        const float *z = logits + 3 * i;
        aglm_doc d = aglm_dataset_doc(w->data, i);
        bool has[3] = {false};
        for (size_t k = 0; k < d.n_labels; k++)
            has[d.labels[k]] = true;
        if (m->multi_label)
            n += (z[0] > 0) == has[0] && (z[1] > 0) == has[1] && (z[2] > 0) == has[2];
        else
            n += has[z[0] > z[1] ? (z[0] > z[2] ? 0 : 2) : (z[1] > z[2] ? 1 : 2)];
    }
    return n;
}

static void learns_what_it_is_shown(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        struct world w;
        open_world(&w, kind % 2, kind / 2);
        aglm_model *m = fit(&w);
        assert_int_equal(m->multi_label, kind % 2);
        assert_true(right(&w, m) > DOCS * 9 / 10);
        OPS->free_model(m);
        close_world(&w);
    }
}

/* The same numbers from the fitted model and the loaded one, in bulk and one text at a time. */
static void what_is_saved_is_the_model(void **state)
{
    (void)state;
    for (unsigned hidden = 0; hidden < 2; hidden++) {
        struct world w;
        aglm_model *again = NULL;
        aglm_predictor *p = NULL;
        float all[DOCS * 3], one[3];
        aglm_error err = {0};
        open_world(&w, false, hidden);
        aglm_model *m = fit(&w);
        aglm_str a = saved(m);
        if (OPS->load(&again, a.data, a.len, &err) != AGLM_OK)
            fail_msg("%s", err.msg);
        aglm_str b = saved(again);
        assert_int_equal(a.len, b.len);
        assert_memory_equal(a.data, b.data, a.len);
        assert_true(aglm_model_reading(again) == aglm_model_reading(m));
        assert_int_equal(OPS->score(w.self, m, w.rows, DOCS, all, NULL), AGLM_OK);
        OPS->free_model(m);
        if (OPS->predictor(&p, again, &err) != AGLM_OK)
            fail_msg("%s", err.msg);
        for (size_t i = 0; i < 5; i++) {
            aglm_doc d = aglm_dataset_doc(w.data, i);
            assert_int_equal(OPS->predict(p, d.text, d.len, one, &err), AGLM_OK);
            assert_memory_equal(one, all + 3 * i, sizeof one);
        }
        OPS->free_predictor(p);
        OPS->free_model(again);
        aglm_str_clear(&a);
        aglm_str_clear(&b);
        close_world(&w);
    }
}

static void shuffle(uint32_t *rows, uint64_t seed)
{
    aglm_rng r;

    aglm_rng_init(&r, seed);
    aglm_rng_shuffle(&r, rows, DOCS);
}

struct job {
    struct world *w;
    aglm_model *m[4];
};

static void fit_one(void *arg, size_t i)
{
    struct job *j = arg;
    uint32_t rows[DOCS];

    memcpy(rows, j->w->rows, sizeof rows);
    shuffle(rows, i);
    if (OPS->fit(j->w->self, rows, DOCS, &j->w->ctx, &j->m[i], NULL) != AGLM_OK)
        j->m[i] = NULL;
}

/* Whatever the number of threads, the order of the rows, and whether states were kept. */
static void a_seed_names_a_model(void **state)
{
    struct world w;
    struct job j = {.w = &w};
    aglm_pool *pool;

    (void)state;
    open_world(&w, false, 1);
    assert_int_equal(aglm_pool_new(&pool, 4, 4, NULL), AGLM_OK);
    assert_int_equal(aglm_pool_for(pool, 4, fit_one, &j, NULL), AGLM_OK);
    aglm_pool_free(pool);
    assert_non_null(j.m[0]);
    aglm_str first = saved(j.m[0]);
    for (size_t i = 1; i < 4; i++) {
        assert_non_null(j.m[i]);
        aglm_str s = saved(j.m[i]);
        assert_memory_equal(s.data, first.data, first.len);
        aglm_str_clear(&s);
    }
    w.ctx.seed = 8;
    aglm_model *other = fit(&w);
    aglm_str s = saved(other);
    assert_memory_not_equal(s.data, first.data, first.len);
    aglm_str_clear(&s);
    OPS->free_model(other);
    for (size_t i = 0; i < 4; i++)
        OPS->free_model(j.m[i]);
    aglm_str_clear(&first);
    close_world(&w);
}

static void damage_is_noticed(void **state)
{
    struct world w;
    aglm_model *again = NULL;

    (void)state;
    open_world(&w, false, 0);
    aglm_model *m = fit(&w);
    aglm_str s = saved(m);
    for (size_t n = 0; n < s.len; n += n < 70 ? 1 : 97)
        assert_int_equal(OPS->load(&again, s.data, n, NULL), AGLM_FORMAT);
    for (size_t at = 0; at < s.len; at += at < 70 ? 1 : 53) {
        aglm_error err = {0};
        s.data[at] ^= 0x20;
        assert_int_equal(OPS->load(&again, s.data, s.len, &err), AGLM_FORMAT);
        assert_non_null(strstr(err.msg, "byte"));
        s.data[at] ^= 0x20;
    }
    aglm_str_clear(&s);
    OPS->free_model(m);
    close_world(&w);
}

static aglm_rc stop_at_three(void *arg, const aglm_model *so_far, unsigned step, unsigned steps)
{
    *(unsigned *)arg = step;
    assert_int_equal(steps, 80);
    assert_int_equal(so_far->n_labels, 3);
    return step == 3 ? AGLM_PRUNED : AGLM_OK;
}

static void stops_and_limits(void **state)
{
    struct world w;
    aglm_model *m = NULL;
    aglm_cancel stop;
    unsigned step = 0;
    aglm_error err = {0};

    (void)state;
    open_world(&w, false, 0);
    w.ctx.on_step = stop_at_three;
    w.ctx.arg = &step;
    assert_int_equal(OPS->fit(w.self, w.rows, DOCS, &w.ctx, &m, &err), AGLM_PRUNED);
    assert_true(step == 3 && !m);
    w.ctx.on_step = NULL;
    w.ctx.max_memory_bytes = 1000;
    assert_int_equal(OPS->fit(w.self, w.rows, DOCS, &w.ctx, &m, &err), AGLM_LIMIT);
    w.ctx.max_memory_bytes = 0;
    aglm_cancel_init(&stop, NULL, 0);
    aglm_cancel_stop(&stop);
    w.ctx.cancel = &stop;
    assert_int_equal(OPS->fit(w.self, w.rows, DOCS, &w.ctx, &m, &err), AGLM_CANCELLED);
    assert_int_equal(OPS->fit(w.self, w.rows, 0, &w.ctx, &m, &err), AGLM_INVALID);
    close_world(&w);
}

static void values_are_checked(void **state)
{
    struct world w;
    void *self;
    aglm_error err = {0};

    (void)state;
    open_world(&w, false, 0);
    set_value(w.values, "lr", -1);
    assert_int_equal(OPS->open(&self, w.data, w.values, &w.ctx, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "lr is -1"));
    set_value(w.values, "lr", 1e-3);
    set_value(w.values, "epochs", 2.5);
    assert_int_equal(OPS->open(&self, w.data, w.values, &w.ctx, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "epochs is 2.5"));
    close_world(&w);
}

static void another_model_of_that_name_is_refused(void **state)
{
    struct world w;
    aglm_model *again = NULL;
    aglm_predictor *p;
    aglm_error err = {0};

    (void)state;
    open_world(&w, false, 0);
    aglm_model *m = fit(&w);
    aglm_str s = saved(m);
    uint64_t sum;
    s.data[40] ^= 1; /* the bytes of the language model's tensors */
    sum = aglm_hash64(s.data + 64, s.len - 64, aglm_hash64(s.data, 56, 0));
    memcpy(s.data + 56, &sum, sizeof sum);
    assert_int_equal(OPS->load(&again, s.data, s.len, &err), AGLM_OK);
    assert_int_equal(OPS->predictor(&p, again, &err), AGLM_FORMAT);
    assert_non_null(strstr(err.msg, "another language model"));
    OPS->free_model(again);
    OPS->free_model(m);
    aglm_str_clear(&s);
    close_world(&w);
}

/* ---- hidden states ---- */

static void states_are_kept_and_the_same(void **state)
{
    aglm_hidden_options o = {.model = model, .max_bytes = 1};
    aglm_hidden *small = NULL, *large = NULL;
    float a[2 * GLM_DIM], b[2 * GLM_DIM], c[2 * GLM_DIM];
    aglm_error err = {0};

    (void)state;
    assert_int_equal(aglm_hidden_open(&small, &o, &err), AGLM_OK);
    o.max_bytes = 0;
    assert_int_equal(aglm_hidden_open(&large, &o, &err), AGLM_OK);
    assert_int_equal(aglm_hidden_layer(large, 0), 1);
    assert_int_equal(aglm_hidden_layer(large, AGLM_HIDDEN_DEPTHS - 1), 2);
    for (int32_t layer = 1; layer <= 2; layer++)
        for (int pooling = 0; pooling < 3; pooling++) {
            const aglm_hidden_text t = {"the good film", 13, layer, (aglm_pooling)pooling, NULL};
            size_t n = aglm_hidden_size(large, t.pooling) * sizeof *a;
            assert_int_equal(aglm_hidden_get(small, &t, a, &err), AGLM_OK);
            assert_int_equal(aglm_hidden_get(large, &t, b, &err), AGLM_OK);
            assert_int_equal(aglm_hidden_read(large, &t, c, &err), AGLM_OK);
            assert_memory_equal(a, b, n);
            assert_memory_equal(a, c, n);
        }
    aglm_hidden_unref(small);
    aglm_hidden_unref(large);
    o.max_tokens = AGLM_LM_READ_MAX + 1;
    assert_int_equal(aglm_hidden_open(&large, &o, &err), AGLM_INVALID);
}

static void get(aglm_hidden *h, const char *text, float *out)
{
    const aglm_hidden_text t = {text, strlen(text), 2, AGLM_POOLING_BOTH, NULL};
    aglm_error err = {0};

    if (aglm_hidden_get(h, &t, out, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
}

static aglm_hidden *open_cached(const char *path, size_t max_tokens)
{
    const aglm_hidden_options o = {.model = model, .cache = path, .max_tokens = max_tokens};
    aglm_hidden *h = NULL;
    aglm_error err = {0};

    if (aglm_hidden_open(&h, &o, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    return h;
}

static size_t file_size(const char *path, char **bytes)
{
    size_t n;

    assert_int_equal(aglm_file_read(path, (size_t)1 << 24, bytes, &n, NULL), AGLM_OK);
    return n;
}

/* Reads "one" and "two" through the file; expects that it has so many bytes then. */
static void read_two(const char *path, const float *one, size_t size)
{
    float a[2 * GLM_DIM];
    char *bytes;
    aglm_hidden *h = open_cached(path, 0);

    get(h, "one", a);
    assert_memory_equal(a, one, sizeof a);
    get(h, "two", a);
    aglm_hidden_unref(h);
    assert_int_equal(file_size(path, &bytes), size);
    free(bytes);
}

static void states_outlive_a_run(void **state)
{
    char path[300], *bytes;
    float one[2 * GLM_DIM], two[2 * GLM_DIM];
    aglm_hidden *other = NULL;
    aglm_error err = {0};

    (void)state;
    tune_path(path, sizeof path, folder, "states");
    aglm_hidden_options o = {.model = model, .cache = path};
    aglm_hidden *h = open_cached(path, 0);
    get(h, "one", one);
    get(h, "two", two);
    get(h, "one", one);
    assert_int_equal(aglm_hidden_open(&other, &o, &err), AGLM_BUSY);
    aglm_hidden_unref(h);
    size_t size = file_size(path, &bytes), record = (size - 64) / 2;
    read_two(path, one, size);
    /* what a crash left half written is read again */
    tune_path(path, sizeof path, folder, "cut");
    assert_int_equal(aglm_file_write(path, bytes, size - 7, NULL), AGLM_OK);
    read_two(path, one, size);
    bytes[64 + record / 2] ^= 1; /* of the first record: both are read again */
    assert_int_equal(aglm_file_write(path, bytes, size, NULL), AGLM_OK);
    read_two(path, one, size);
    /* other readings, other files */
    o.cache = path;
    o.max_tokens = 5;
    assert_int_equal(aglm_hidden_open(&other, &o, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "another model"));
    o.cache = model;
    assert_int_equal(aglm_hidden_open(&other, &o, &err), AGLM_FORMAT);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest nets[] = {
        cmocka_unit_test(gradients_are_slopes),
        cmocka_unit_test(steps_are_those_of_adamw),
        cmocka_unit_test(scales_and_constants),
    };
    const struct CMUnitTest learners[] = {
        cmocka_unit_test(states_are_kept_and_the_same),
        cmocka_unit_test(states_outlive_a_run),
        cmocka_unit_test(learns_what_it_is_shown),
        cmocka_unit_test(what_is_saved_is_the_model),
        cmocka_unit_test(a_seed_names_a_model),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(stops_and_limits),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(another_model_of_that_name_is_refused),
    };
    int failed = cmocka_run_group_tests(nets, NULL, NULL);

    if (getenv("AGLM_LLAMA"))
        failed += cmocka_run_group_tests(learners, make_model, remove_model);
    return failed;
}
