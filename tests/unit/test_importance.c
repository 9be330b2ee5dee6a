#include "search/importance.h"

#include <math.h>

#include "search/forest.h"
#include "search/space_text.h"
#include "unit.h"

#define TRIALS 600
#define PARAMS_MAX 8

struct table {
    aglm_space *space;
    aglm_trial trials[TRIALS];
    double x[TRIALS][PARAMS_MAX];
    size_t n;
};

typedef double (*objective)(const double *x);

static struct table *make_table(const char *space, objective f, size_t n)
{
    struct table *t = calloc(1, sizeof *t);
    aglm_error err = {0};
    aglm_rng rng;

    aglm_rng_init(&rng, 7);
    assert_int_equal(aglm_space_new(&t->space, NULL), AGLM_OK);
    if (aglm_space_parse(t->space, space, strlen(space), &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    assert_true(t->space->n <= PARAMS_MAX && n <= TRIALS);
    t->n = n;
    for (size_t i = 0; i < n; i++) {
        aglm_space_sample(t->space, &rng, t->x[i]);
        t->trials[i] = (aglm_trial){
            .number = (int64_t)i, .state = AGLM_TRIAL_COMPLETE, .x = t->x[i], .loss = f(t->x[i])};
    }
    return t;
}

static void free_table(struct table *t)
{
    aglm_space_free(t->space);
    free(t);
}

/* shares by parameter; returns how many there are. */
static size_t rank(const aglm_importance_ops *ops, const struct table *t, double *share)
{
    aglm_importance_source source = {.space = t->space, .trials = t->trials, .n = t->n};
    aglm_importance out[PARAMS_MAX];
    double sum = 0;
    size_t n;

    assert_int_equal(aglm_importance_rank(ops, &source, out, &n, NULL), AGLM_OK);
    for (size_t i = 0; i < PARAMS_MAX; i++)
        share[i] = 0;
    for (size_t i = 0; i < n; i++) {
        assert_true(out[i].share >= 0 && (i == 0 || out[i].share <= out[i - 1].share));
        assert_string_equal(out[i].name, t->space->params[out[i].param].name);
        share[out[i].param] = out[i].share;
        sum += out[i].share;
    }
    assert_true(n == 0 || fabs(sum - 1) < 1e-9);
    return n;
}

static double additive(const double *x)
{
    return 4 * x[0] + 2 * log10(x[1]) / 4 + 0.5 * x[2] + 0 * x[3];
}

static void fanova_finds_the_shares_of_an_additive_function(void **state)
{
    struct table *t = make_table("a=uniform(0,1) b=loguniform(1e-4,1) c=choice(u,v,w) d=int(1,9)",
                                 additive, TRIALS);
    double share[PARAMS_MAX];
    /* variances: 16/12, 4/12 in the log, and 0.25 * 2/3 of three choices */
    double total = 16.0 / 12 + 4.0 / 12 + 0.25 * 2 / 3;

    (void)state;
    assert_int_equal(rank(&aglm_importance_fanova, t, share), 4);
    assert_true(fabs(share[0] - 16.0 / 12 / total) < 0.06);
    assert_true(fabs(share[1] - 4.0 / 12 / total) < 0.04);
    assert_true(fabs(share[2] - 0.25 * 2 / 3 / total) < 0.04);
    assert_true(share[3] < 0.03);
    free_table(t);
}

static void ped_anova_puts_what_decides_first(void **state)
{
    struct table *t = make_table("a=uniform(0,1) b=loguniform(1e-4,1) c=choice(u,v,w) d=int(1,9)",
                                 additive, TRIALS);
    double share[PARAMS_MAX];

    (void)state;
    assert_int_equal(rank(&aglm_importance_ped_anova, t, share), 4);
    assert_true(share[0] > share[1] && share[1] > share[2] && share[2] > share[3]);
    assert_true(share[0] > 0.5);
    free_table(t);
}

static double under_condition(const double *x)
{
    return isnan(x[1]) ? 3.0 * x[2] : x[1] + 0.1 * x[0];
}

static void conditional_parameters_are_judged_where_they_are_active(void **state)
{
    struct table *t = make_table("kind=choice(svm(c=uniform(0,1)),forest(depth=uniform(0,1)))",
                                 under_condition, TRIALS);
    double share[PARAMS_MAX];

    (void)state;
    assert_int_equal(rank(&aglm_importance_fanova, t, share), 3);
    /* depth has nine times the variance of c, on as many trials */
    assert_true(share[2] > 6 * share[1] && share[1] > 0.02);
    assert_int_equal(rank(&aglm_importance_ped_anova, t, share), 3);
    assert_true(share[1] > 0 && share[2] > 0);
    free_table(t);
}

static double constant(const double *x)
{
    (void)x;
    return 2.5;
}

static double huge(const double *x)
{
    return x[0] < 0.5 ? -1.7e308 : 1.7e308 * x[0];
}

static void tables_without_information_give_equal_shares(void **state)
{
    const aglm_importance_ops *both[] = {&aglm_importance_ped_anova, &aglm_importance_fanova};
    struct table *t = make_table("a=uniform(0,1) b=uniform(2,2)", constant, 20);
    struct table *h = make_table("a=uniform(0,1) b=uniform(0,1)", huge, 50);
    double share[PARAMS_MAX];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        t->n = 20;
        rank(both[i], t, share);
        assert_true(share[0] >= 0.5 - 1e-9);
        t->n = 1;
        assert_int_equal(rank(both[i], t, share), 0);
        t->n = 0;
        assert_int_equal(rank(both[i], t, share), 0);
        t->n = 20;
        for (size_t k = 1; k < 20; k++)
            t->trials[k].loss = k % 2 ? INFINITY : NAN;
        assert_int_equal(rank(both[i], t, share), 0);
        for (size_t k = 1; k < 20; k++)
            t->trials[k].loss = 2.5;
        rank(both[i], h, share);
        assert_true(share[0] > share[1]);
    }
    free_table(t);
    free_table(h);
}

static double by_choice(const double *x)
{
    return x[0] == 70 ? 1 : 0;
}

static void many_choices_are_read(void **state)
{
    char text[1024] = "a=choice(";
    double share[PARAMS_MAX];

    (void)state;
    for (int i = 0; i < 80; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%sc%d", i ? "," : "", i);
    snprintf(text + strlen(text), sizeof text - strlen(text), ") b=uniform(0,1)");
    struct table *t = make_table(text, by_choice, TRIALS);
    rank(&aglm_importance_fanova, t, share);
    assert_true(share[0] > 0.5);
    rank(&aglm_importance_ped_anova, t, share);
    assert_true(share[0] > 0);
    free_table(t);
}

static double tree_value(const aglm_tree_node *nodes, const aglm_forest_data *d, size_t sample)
{
    uint32_t i = 0;

    while (nodes[i].feature >= 0) {
        size_t f = (size_t)nodes[i].feature;
        double v = d->x[f * d->n + sample];
        bool left = d->n_choices[f] ? nodes[i].set >> (unsigned)v & 1 : v <= nodes[i].cut;
        i = left ? nodes[i].left : nodes[i].left + 1;
    }
    return nodes[i].value;
}

/* What was drawn is reproduced exactly, and that is about 1 - 1/e of the samples. */
static void trees_learn_their_samples_by_heart(void **state)
{
    enum { N = 400 };
    double x[2 * N];
    double y[N];
    unsigned n_choices[2] = {0, 5};
    aglm_forest_data d = {x, n_choices, y, N, 2};
    const aglm_tree_node *nodes;
    aglm_forest *f;
    aglm_arena a;
    aglm_rng rng;
    size_t exact = 0;

    (void)state;
    aglm_rng_init(&rng, 3);
    for (size_t i = 0; i < N; i++) {
        x[i] = aglm_rng_uniform(&rng);
        x[N + i] = (double)aglm_rng_below(&rng, 5);
        y[i] = aglm_rng_uniform(&rng);
    }
    aglm_arena_init(&a, 1u << 22);
    assert_int_equal(aglm_forest_new(&f, &d, &a, NULL), AGLM_OK);
    size_t n = aglm_forest_grow(f, &rng, &nodes);
    assert_true(n < 2 * N);
    for (size_t i = 0; i < N; i++)
        exact += tree_value(nodes, &d, i) == y[i];
    assert_in_range(exact, N * 58 / 100, N * 68 / 100);
    aglm_arena_clear(&a);
}

static void names_are_found(void **state)
{
    (void)state;
    assert_ptr_equal(aglm_importance_find("ped-anova"), &aglm_importance_ped_anova);
    assert_ptr_equal(aglm_importance_find("fanova"), &aglm_importance_fanova);
    assert_null(aglm_importance_find("shap"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fanova_finds_the_shares_of_an_additive_function),
        cmocka_unit_test(ped_anova_puts_what_decides_first),
        cmocka_unit_test(conditional_parameters_are_judged_where_they_are_active),
        cmocka_unit_test(tables_without_information_give_equal_shares),
        cmocka_unit_test(many_choices_are_read),
        cmocka_unit_test(trees_learn_their_samples_by_heart),
        cmocka_unit_test(names_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
