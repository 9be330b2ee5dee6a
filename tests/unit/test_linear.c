#include <math.h>

#include "learn/linear_priv.h"
#include "linear_data.h"
#include "lm/prompted.h"
#include "tune/learners.h"
#include "unit.h"

static const aglm_learner_ops *const L = &aglm_learner_linear;
static const aglm_fit_context CONTEXT = {.seed = 3};

/* An opened learner with a model of all rows. */
struct fitted {
    aglm_dataset *d;
    void *self;
    aglm_model *m;
    uint32_t *rows;
    size_t n;
};

static void fit(struct fitted *f, aglm_dataset *d, const linear_setting *set, size_t n_set)
{
    double values[AGLM_HPARAM_MAX];
    aglm_error err = {0};

    *f = (struct fitted){.d = d, .n = aglm_dataset_size(d)};
    linear_values(values, set, n_set);
    f->rows = calloc(f->n, sizeof *f->rows);
    assert_non_null(f->rows);
    for (size_t i = 0; i < f->n; i++)
        f->rows[i] = (uint32_t)i;
    if (L->open(&f->self, d, values, &CONTEXT, &err) != AGLM_OK)
        fail_msg("open: %s", err.msg);
    if (L->fit(f->self, f->rows, f->n, &CONTEXT, &f->m, &err) != AGLM_OK)
        fail_msg("fit: %s", err.msg);
}

static void drop(struct fitted *f)
{
    aglm_model_free(f->m);
    L->close(f->self);
    aglm_dataset_free(f->d);
    free(f->rows);
}

static aglm_str saved(const aglm_model *m)
{
    aglm_str s;

    aglm_str_init(&s, (size_t)1 << 28);
    assert_int_equal(L->save(m, &s, NULL), AGLM_OK);
    return s;
}

static size_t argmax(const float *z, size_t n)
{
    size_t best = 0;

    for (size_t k = 1; k < n; k++)
        best = z[k] > z[best] ? k : best;
    return best;
}

/* Scores of the opened dataset, of the model and of a reloaded copy on the bare texts: the same
 * bits, and mostly right. */
static void check_ways_agree(struct fitted *f, double want_accuracy)
{
    size_t k = f->m->n_labels, right = 0;
    float *z = calloc(f->n * k + 1, sizeof *z), *one = calloc(k + 1, sizeof *one);
    aglm_str s = saved(f->m), again;
    aglm_model *loaded;
    aglm_predictor *p;
    aglm_error err = {0};

    assert_int_equal(L->score(f->self, f->m, f->rows, f->n, z, &err), AGLM_OK);
    if (L->load(&loaded, s.data, s.len, &err) != AGLM_OK)
        fail_msg("load: %s", err.msg);
    again = saved(loaded);
    assert_int_equal(s.len, again.len);
    assert_memory_equal(s.data, again.data, s.len);
    assert_int_equal(L->predictor(&p, loaded, &err), AGLM_OK);
    for (size_t i = 0; i < f->n; i++) {
        aglm_doc doc = aglm_dataset_doc(f->d, i);
        assert_int_equal(L->predict(p, doc.text, doc.len, one, &err), AGLM_OK);
        assert_memory_equal(one, z + i * k, k * sizeof *one);
        right += argmax(one, k) == doc.labels[0];
    }
    assert_true((double)right >= want_accuracy * (double)f->n);
    L->free_predictor(p);
    aglm_model_free(loaded);
    aglm_str_clear(&again);
    aglm_str_clear(&s);
    free(z);
    free(one);
}

static void all_settings_learn(void **state)
{
    static const unsigned labels[] = {2, 3, 17};

    (void)state;
    for (unsigned i = 0; i < 15; i++) {
        struct fitted f;
        const linear_setting set[] = {
            {"weight", i % 5}, {"loss", i / 5 % 2}, {"balance", i % 2}, {"min_df", 1 + i % 2}};
        fit(&f, linear_documents(180, labels[i % 3], false, false), set, 4);
        check_ways_agree(&f, 0.95);
        drop(&f);
    }
}

static void bytes_do_not_depend_on_row_order(void **state)
{
    struct fitted f;
    aglm_model *other;
    aglm_rng r;

    (void)state;
    fit(&f, linear_documents(90, 3, false, false), NULL, 0);
    aglm_rng_init(&r, 1);
    aglm_rng_shuffle(&r, f.rows, f.n);
    assert_int_equal(L->fit(f.self, f.rows, f.n, &CONTEXT, &other, NULL), AGLM_OK);
    aglm_str a = saved(f.m), b = saved(other);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    uint64_t bytes;
    assert_int_equal(aglm_model_size(f.m, &bytes, NULL), AGLM_OK);
    assert_true(bytes == a.len);
    aglm_str_clear(&a);
    aglm_str_clear(&b);
    aglm_model_free(other);
    drop(&f);
}

/* A fold knows only the features of its own rows, and scores the others all the same. */
static void a_fold_scores_the_rest(void **state)
{
    struct fitted f;
    aglm_model *half;
    float z[3];
    size_t right = 0;

    (void)state;
    fit(&f, linear_documents(240, 3, false, false), NULL, 0);
    assert_int_equal(L->fit(f.self, f.rows, f.n / 2, &CONTEXT, &half, NULL), AGLM_OK);
    for (size_t i = f.n / 2; i < f.n; i++) {
        assert_int_equal(L->score(f.self, half, &f.rows[i], 1, z, NULL), AGLM_OK);
        right += argmax(z, 3) == aglm_dataset_doc(f.d, i).labels[0];
    }
    assert_true(right >= f.n / 2 * 95 / 100);
    aglm_model_free(half);
    drop(&f);
}

static void several_labels_a_document(void **state)
{
    struct fitted f;
    float z[5];
    size_t right = 0;

    (void)state;
    fit(&f, linear_documents(250, 5, true, false), NULL, 0);
    assert_true(f.m->multi_label);
    for (size_t i = 0; i < f.n; i++) {
        aglm_doc doc = aglm_dataset_doc(f.d, i);
        size_t l = 0, ok = 1;
        assert_int_equal(L->score(f.self, f.m, &f.rows[i], 1, z, NULL), AGLM_OK);
        for (uint32_t k = 0; k < 5; k++) {
            bool has = l < doc.n_labels && doc.labels[l] == k;
            l += has;
            ok = ok && (z[k] > 0) == has;
        }
        right += ok;
    }
    assert_true(right >= f.n * 9 / 10);
    check_ways_agree(&f, 0);
    drop(&f);
}

static double mean_margin(struct fitted *f, uint32_t label)
{
    float z[3];
    double sum = 0;
    size_t n = 0;

    for (size_t i = 0; i < f->n; i++) {
        if (aglm_dataset_doc(f->d, i).labels[0] != label)
            continue;
        assert_int_equal(L->score(f->self, f->m, &f->rows[i], 1, z, NULL), AGLM_OK);
        sum += (double)z[label];
        n++;
    }
    return sum / (double)n;
}

static void balance_helps_the_rare_label(void **state)
{
    struct fitted plain, balanced;
    const linear_setting off[] = {{"c", 0.02}}, on[] = {{"c", 0.02}, {"balance", 1}};

    (void)state;
    fit(&plain, linear_documents(300, 3, false, true), off, 1);
    fit(&balanced, linear_documents(300, 3, false, true), on, 2);
    assert_true(mean_margin(&balanced, 2) > mean_margin(&plain, 2) + 0.1);
    drop(&plain);
    drop(&balanced);
}

/* Sixteen bits for few labels, eight where the weights would pass 8 MB: the answers stay. */
static void integer_weights_cover_the_range(void **state)
{
    struct fitted f;

    (void)state;
    fit(&f, linear_documents(200, 17, false, false), NULL, 0);
    const aglm_linear_model *m = (const aglm_linear_model *)f.m;
    assert_int_equal(m->weight_bytes, 2);
    for (uint32_t row = 0; row < m->n_features; row++) {
        int largest = 0;
        for (uint32_t k = 0; k < m->n_vectors; k++) {
            int q = ((const int16_t *)m->weights)[(size_t)row * m->n_vectors + k];
            largest = abs(q) > largest ? abs(q) : largest;
        }
        assert_true(largest <= 32767);
        assert_true(largest > 32000 || m->row[row].weight == 0);
    }
    drop(&f);
}

/* Documents of one mark that tells the label and twenty words that no other document has. */
static aglm_dataset *rare_words(unsigned docs, unsigned labels)
{
    aglm_str s;

    aglm_str_init(&s, (size_t)1 << 26);
    for (unsigned i = 0; i < docs; i++) {
        aglm_str_printf(&s, "l%03u\tmark%u", i % labels, i % labels);
        for (unsigned k = 0; k < 20; k++)
            aglm_str_printf(&s, " rare%u", i * 20 + k);
        aglm_str_puts(&s, "\n");
    }
    aglm_dataset *d = documents_new(s.data, AGLM_TASK_MULTICLASS, NULL, 0);
    aglm_str_clear(&s);
    return d;
}

/* 500 labels x 40,000 words are 20 MB: words of one document go, marks stay. */
static void large_models_leave_out_the_least(void **state)
{
    const linear_setting words[] = {{"word_n", 1},   {"chars", 0}, {"cjk_n", 0},  {"prefix_n", 0},
                                    {"suffix_n", 0}, {"shape", 0}, {"min_df", 1}, {"weight", 0}};
    struct fitted f;

    (void)state;
    fit(&f, rare_words(2000, 500), words, sizeof words / sizeof *words);
    const aglm_linear_model *m = (const aglm_linear_model *)f.m;
    aglm_str s = saved(f.m);
    assert_true(s.len <= (size_t)17 << 20 && s.len > (size_t)15 << 20);
    aglm_str_clear(&s);
    check_ways_agree(&f, 0.99);
    assert_true(m->n_features < 40500);
    drop(&f);
}

static void wide_registers_change_no_logit(void **state)
{
    static const unsigned labels[] = {3, 9, 17, 40};

    (void)state;
    for (size_t i = 0; i < sizeof labels / sizeof *labels; i++) {
        struct fitted f;
        float wide[40], plain[40];
        fit(&f, linear_documents(4 * labels[i], labels[i], false, false), NULL, 0);
        aglm_linear_model *m = (aglm_linear_model *)f.m;
        for (size_t d = 0; d < f.n; d++) {
            m->plain = false;
            assert_int_equal(L->score(f.self, f.m, &f.rows[d], 1, wide, NULL), AGLM_OK);
            m->plain = true;
            assert_int_equal(L->score(f.self, f.m, &f.rows[d], 1, plain, NULL), AGLM_OK);
            assert_memory_equal(wide, plain, labels[i] * sizeof *wide);
        }
        drop(&f);
    }
}

static void halves_round_to_ten_bits(void **state)
{
    (void)state;
    for (double v = 1.6e-5; v < 6e4; v *= 1.01) {
        for (int sign = -1; sign <= 1; sign += 2) {
            double got = (double)aglm_half_unpack(aglm_half_pack(sign * v));
            if (fabs(got - sign * v) > v / 2000)
                fail_msg("%g became %g", sign * v, got);
        }
    }
    assert_true(aglm_half_unpack(aglm_half_pack(1)) == 1);
    assert_true(aglm_half_pack(0) == 0 && aglm_half_pack(1e9) == 0x7fff);
    assert_true(aglm_half_pack(-1e9) == UINT16_MAX);
}

static void every_damaged_byte_is_noticed(void **state)
{
    struct fitted f;
    aglm_model *m;
    aglm_error err;

    (void)state;
    fit(&f, linear_documents(40, 3, false, false), NULL, 0);
    aglm_str s = saved(f.m);
    for (size_t n = 0; n < s.len; n += 1 + s.len / 300)
        assert_int_equal(L->load(&m, s.data, n, &err), AGLM_FORMAT);
    for (size_t at = 0; at < s.len; at += at < 160 ? 1 : 1 + s.len / 500) {
        err.msg[0] = '\0';
        s.data[at] ^= 0x10;
        if (L->load(&m, s.data, s.len, &err) != AGLM_FORMAT)
            fail_msg("a changed byte %zu passed", at);
        assert_non_null(strstr(err.msg, "byte "));
        s.data[at] ^= 0x10;
    }
    assert_int_equal(L->load(&m, s.data, s.len, &err), AGLM_OK);
    aglm_model_free(m);
    aglm_str_clear(&s);
    drop(&f);
}

static void explanations_find_the_mark(void **state)
{
    struct fitted f;
    aglm_predictor *p;
    aglm_explained out[8];
    size_t n;
    const char *text = "noise1 noise2 mark1 noise3", *han = "noise4 标记0好 noise5";

    (void)state;
    fit(&f, linear_documents(120, 3, false, false), NULL, 0);
    assert_int_equal(L->predictor(&p, f.m, NULL), AGLM_OK);
    assert_int_equal(L->explain(p, text, strlen(text), 1, out, 8, &n, NULL), AGLM_OK);
    assert_true(n >= 1);
    assert_memory_equal(text + out[0].begin, "mark1", out[0].end - out[0].begin);
    for (size_t i = 1; i < n; i++)
        assert_true(out[i].weight <= out[i - 1].weight && out[i].weight > 0);
    assert_int_equal(L->explain(p, han, strlen(han), 0, out, 1, &n, NULL), AGLM_OK);
    assert_int_equal(n, 1);
    assert_true(out[0].begin >= strlen("noise4 ") && out[0].end <= strlen("noise4 标记0好"));
    assert_int_equal(L->explain(p, "", 0, 2, out, 8, &n, NULL), AGLM_OK);
    assert_int_equal(n, 0);
    assert_int_equal(L->explain(p, text, strlen(text), 3, out, 8, &n, NULL), AGLM_INVALID);
    L->free_predictor(p);
    drop(&f);
}

/* The parts of all words and the bias make the logit. */
static void models_of_one_vocabulary_read_a_text_once(void **state)
{
    const linear_setting other[] = {{"weight", 0}, {"c", 2}}, wider[] = {{"word_n", 1}};
    struct fitted a, b, c;
    aglm_predictor *first, *second;

    (void)state;
    fit(&a, linear_documents(120, 3, false, false), NULL, 0);
    fit(&b, linear_documents(120, 3, false, false), other, 2);
    fit(&c, linear_documents(120, 3, false, false), wider, 1);
    assert_true(aglm_model_reading(a.m) == aglm_model_reading(b.m));
    assert_true(aglm_model_reading(a.m) != aglm_model_reading(c.m));
    assert_int_equal(L->predictor(&first, a.m, NULL), AGLM_OK);
    assert_int_equal(L->predictor(&second, b.m, NULL), AGLM_OK);
    for (size_t i = 0; i < b.n; i++) {
        aglm_doc doc = aglm_dataset_doc(b.d, i);
        float alone[3], after[3], z[3];
        assert_int_equal(L->predict(second, doc.text, doc.len, alone, NULL), AGLM_OK);
        assert_int_equal(L->predict(first, doc.text, doc.len, z, NULL), AGLM_OK);
        assert_int_equal(L->predict_after(second, first, after, NULL), AGLM_OK);
        assert_memory_equal(alone, after, sizeof alone);
    }
    L->free_predictor(first);
    L->free_predictor(second);
    drop(&a);
    drop(&b);
    drop(&c);
}

static void explanations_add_up(void **state)
{
    struct fitted f;
    aglm_predictor *p;
    aglm_explained out[64];
    size_t n_for, n_against;
    float z[2];
    double sum;

    (void)state;
    fit(&f, linear_documents(120, 2, false, false),
        (const linear_setting[]){{"shape", 0}, {"prefix_n", 2}}, 2);
    assert_int_equal(L->predictor(&p, f.m, NULL), AGLM_OK);
    for (size_t i = 0; i < f.n; i++) {
        aglm_doc doc = aglm_dataset_doc(f.d, i);
        assert_int_equal(L->predict(p, doc.text, doc.len, z, NULL), AGLM_OK);
        sum = (double)aglm_linear_weight((const aglm_linear_model *)f.m,
                                         ((const aglm_linear_model *)f.m)->n_features, 1);
        assert_int_equal(L->explain(p, doc.text, doc.len, 1, out, 64, &n_for, NULL), AGLM_OK);
        for (size_t k = 0; k < n_for; k++)
            sum += (double)out[k].weight;
        assert_int_equal(L->explain(p, doc.text, doc.len, 0, out, 64, &n_against, NULL), AGLM_OK);
        for (size_t k = 0; k < n_against; k++)
            sum -= (double)out[k].weight;
        if (fabs(sum - (double)z[1]) > 1e-3)
            fail_msg("%s: parts make %g, the logit is %g", doc.text, sum, (double)z[1]);
    }
    L->free_predictor(p);
    drop(&f);
}

static void odd_texts_are_scored(void **state)
{
    struct fitted f;
    aglm_predictor *p;
    float z[3];
    static char longest[300000];

    (void)state;
    fit(&f, linear_documents(60, 3, false, false), NULL, 0);
    assert_int_equal(L->predictor(&p, f.m, NULL), AGLM_OK);
    memset(longest, 'a', sizeof longest);
    for (size_t i = 0; i < sizeof longest; i += 7)
        memcpy(longest + i, "mark1 ", i + 6 < sizeof longest ? 6 : 1);
    assert_int_equal(L->predict(p, "", 0, z, NULL), AGLM_OK);
    assert_true(isfinite(z[0]));
    assert_int_equal(L->predict(p, longest, sizeof longest, z, NULL), AGLM_OK);
    assert_int_equal(argmax(z, 3), 1);
    assert_int_equal(L->predict(p, "\xff\xfe\x80", 3, z, NULL), AGLM_OK);
    L->free_predictor(p);
    drop(&f);
}

static void limits_and_stops(void **state)
{
    double values[AGLM_HPARAM_MAX];
    aglm_dataset *d = linear_documents(400, 3, false, false);
    aglm_cancel stop;
    aglm_error err = {0};
    void *self;
    aglm_model *m;
    uint32_t rows[2] = {0, 1};

    (void)state;
    linear_values(values, NULL, 0);
    aglm_cancel_init(&stop, NULL, 0);
    aglm_fit_context tight = {.max_memory_bytes = 1000}, stopped = {.cancel = &stop};
    assert_int_equal(L->open(&self, d, values, &tight, &err), AGLM_LIMIT);
    assert_int_equal(L->open(&self, d, values, &stopped, &err), AGLM_OK);
    tight.max_memory_bytes = 10000;
    assert_int_equal(L->fit(self, rows, 2, &tight, &m, &err), AGLM_LIMIT);
    assert_int_equal(L->fit(self, rows, 0, &stopped, &m, &err), AGLM_INVALID);
    assert_int_equal(L->fit(self, rows, 2, &stopped, &m, &err), AGLM_OK);
    aglm_model_free(m);
    aglm_cancel_stop(&stop);
    assert_int_equal(L->fit(self, rows, 2, &stopped, &m, &err), AGLM_CANCELLED);
    L->close(self);
    assert_int_equal(L->open(&self, d, values, &stopped, &err), AGLM_CANCELLED);
    for (size_t i = 0; i < 8; i++) {
        double kept = values[i];
        values[i] = i % 2 ? NAN : 99;
        assert_int_equal(L->open(&self, d, values, &CONTEXT, &err), AGLM_INVALID);
        values[i] = kept;
    }
    aglm_dataset_free(d);
}

static void learners_have_names(void **state)
{
    size_t n;
    const aglm_learner_ops *const *all = aglm_learners(&n);

    (void)state;
    for (size_t i = 0; i < n; i++)
        assert_ptr_equal(aglm_learner_find(all[i]->name), all[i]);
    assert_null(aglm_learner_find("oracle"));
    aglm_model_free(NULL);
}

static void check_space(const aglm_learner_ops *learner, const aglm_data_shape *shape)
{
    aglm_hparam space[AGLM_HPARAM_MAX];
    size_t n = learner->space(shape, space);

    assert_true(n > 0 && n <= AGLM_HPARAM_MAX);
    for (size_t k = 0; k < n; k++) {
        bool choice = space[k].kind == AGLM_HPARAM_CHOICE;
        double low = choice ? 0 : space[k].low;
        double high = choice ? (double)space[k].n_choices - 1 : space[k].high;
        if (!(space[k].start >= low && space[k].start <= high))
            fail_msg("%s %s starts outside its range", learner->name, space[k].name);
    }
}

static void spaces_are_sound(void **state)
{
    size_t n;
    const aglm_learner_ops *const *all = aglm_learners(&n);

    (void)state;
    for (size_t i = 0; i < 4 * n; i++) {
        const bool tabular = all[i / 4] == &aglm_learner_trees;
        const aglm_data_shape shape = {.docs = 1000,
                                       .tabular = tabular,
                                       .labels = 2,
                                       .mean_chars = i % 4 < 2 ? 20 : 2000,
                                       .share_cjk = i % 2 ? 1 : 0,
                                       .multi_label = i % 4 == 3 && !tabular &&
                                                      all[i / 4] != &aglm_learner_prompted,
                                       .language_model = true};
        check_space(all[i / 4], &shape);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_settings_learn),
        cmocka_unit_test(bytes_do_not_depend_on_row_order),
        cmocka_unit_test(a_fold_scores_the_rest),
        cmocka_unit_test(several_labels_a_document),
        cmocka_unit_test(balance_helps_the_rare_label),
        cmocka_unit_test(integer_weights_cover_the_range),
        cmocka_unit_test(large_models_leave_out_the_least),
        cmocka_unit_test(wide_registers_change_no_logit),
        cmocka_unit_test(halves_round_to_ten_bits),
        cmocka_unit_test(every_damaged_byte_is_noticed),
        cmocka_unit_test(explanations_find_the_mark),
        cmocka_unit_test(models_of_one_vocabulary_read_a_text_once),
        cmocka_unit_test(explanations_add_up),
        cmocka_unit_test(odd_texts_are_scored),
        cmocka_unit_test(limits_and_stops),
        cmocka_unit_test(learners_have_names),
        cmocka_unit_test(spaces_are_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
