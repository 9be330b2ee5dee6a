/* Every allocation of the room search fails once, and then for good. */
#include <math.h>

#include "oom.h"
#include "search/importance.h"
#include "search/space_text.h"
#include "search/study.h"
#include "unit.h"

static aglm_rc build_space(aglm_space **out, aglm_error *err)
{
    static const char *const kinds[] = {"linear", "embed"};
    aglm_dist lr = {0};
    aglm_dist dim = {0};
    aglm_dist kind = {0};
    aglm_arena a;

    aglm_arena_init(&a, 1u << 16);
    aglm_rc rc = aglm_dist_float(&lr, 1e-4, 1.0, 0.0, true, err);
    if (rc == AGLM_OK)
        rc = aglm_dist_int(&dim, 1, 9, 1, false, err);
    if (rc == AGLM_OK)
        rc = aglm_dist_texts(&kind, kinds, 2, &a, err);
    if (rc == AGLM_OK)
        rc = aglm_space_new(out, err);
    if (rc == AGLM_OK)
        rc = aglm_space_add(*out, "lr", &lr, NULL, 0, err);
    if (rc == AGLM_OK)
        rc = aglm_space_add(*out, "kind", &kind, NULL, 0, err);
    if (rc == AGLM_OK)
        rc = aglm_space_add(*out, "dim", &dim, "kind", 2, err);
    aglm_arena_clear(&a);
    return rc;
}

static aglm_rc copy_space(void *arg, aglm_error *err)
{
    aglm_space *s = NULL;
    aglm_space *back = NULL;
    aglm_str text;

    (void)arg;
    aglm_str_init(&text, 1u << 16);
    aglm_rc rc = build_space(&s, err);
    if (rc == AGLM_OK) {
        aglm_space_write(s, &text);
        rc = text.rc == AGLM_OK ? aglm_space_read(&back, text.data, text.len, err)
                                : aglm_error_set(err, text.rc, "the text");
    }
    aglm_str_clear(&text);
    aglm_space_free(back);
    aglm_space_free(s);
    return rc;
}

static aglm_rc one_trial(aglm_study *s, size_t i, aglm_error *err)
{
    double x[3];
    int64_t n;
    bool prune;
    aglm_rc rc = aglm_study_ask(s, &n, x, err);

    if (rc != AGLM_OK)
        return rc;
    double v[2] = {fabs(log(x[0]) + 3.0) + x[1], x[0]};
    rc = aglm_study_report(s, n, 1, v[0], &prune, err);
    if (rc == AGLM_OK)
        rc = aglm_study_set_trial_attr(s, n, "bytes", "12", err);
    if (rc == AGLM_OK && i % 3 == 0)
        rc = aglm_study_set_violation(s, n, 0.5, err);
    if (rc == AGLM_OK)
        rc = aglm_study_tell(s, n, prune ? AGLM_TRIAL_PRUNED : AGLM_TRIAL_COMPLETE, v,
                             prune ? 0 : aglm_study_objectives(s), err);
    return rc;
}

static aglm_rc look(aglm_study *s, aglm_error *err)
{
    aglm_arena a;
    aglm_trial *all;
    aglm_trial best;
    size_t n;

    aglm_arena_init(&a, 1u << 22);
    aglm_rc rc = aglm_study_trials(s, &a, &all, &n, err);
    if (rc == AGLM_OK && aglm_study_objectives(s) == 1)
        rc = aglm_study_best_trial(s, &a, &best, err);
    if (rc == AGLM_OK)
        rc = aglm_study_front(s, &a, &all, &n, err);
    aglm_arena_clear(&a);
    return rc;
}

static aglm_rc parse_space(void *arg, aglm_error *err)
{
    static const char text[] = "lr=loguniform(1e-5,1) n=hp.quniform(0,9,2) "
                               "m=choice(svm(C=normal(0,1)), 'a b', forest(k=int(1,9)))";
    static const char clause[] = "m=svm & lr>0.1";
    aglm_space *s = NULL;
    aglm_str out;
    aglm_space *back = NULL;

    (void)arg;
    aglm_str_init(&out, 1u << 16);
    aglm_rc rc = aglm_space_new(&s, err);
    if (rc == AGLM_OK)
        rc = aglm_space_parse(s, text, strlen(text), err);
    if (rc == AGLM_OK)
        rc = aglm_space_parse_forbidden(s, clause, strlen(clause), err);
    if (rc == AGLM_OK) {
        aglm_space_write(s, &out);
        rc = out.rc == AGLM_OK ? aglm_space_read(&back, out.data, out.len, err)
                               : aglm_error_set(err, out.rc, "the text");
    }
    aglm_str_clear(&out);
    aglm_space_free(back);
    aglm_space_free(s);
    return rc;
}

struct job {
    const aglm_sampler_ops *sampler;
    const aglm_pruner_ops *pruner; /* NULL: asha */
    size_t trials;
    aglm_space *space;
    bool several; /* objectives, and no pruner */
};

/* Some trials, then the study again from the store for as many more. */
static aglm_rc search(void *arg, aglm_error *err)
{
    const struct job *job = arg;
    aglm_store *store = NULL;
    aglm_study_options o;
    const double first[3] = {0.5, 0, NAN};

    aglm_study_options_init(&o);
    o.sampler = job->sampler;
    o.sampler_options.n_startup = 3;
    o.sampler_options.n_candidates = 4;
    o.pruner = job->pruner ? job->pruner : &aglm_pruner_asha;
    o.pruner_options.wrapped = &aglm_pruner_median;
    o.pruner_options.n_startup_trials = 0;
    o.pruner_options.patience = 0;
    o.pruner_options.lower = 0.0;
    if (job->several) {
        o.pruner = &aglm_pruner_none;
        o.n_directions = 2;
        o.sampler_options.population = 4;
    }
    aglm_rc rc = aglm_store_open(&store, "memory", err);
    for (int round = 0; rc == AGLM_OK && round < 2; round++) {
        aglm_study *s = NULL;
        rc = aglm_study_open(&s, store, "s", job->space, &o, err);
        if (rc == AGLM_OK && round == 0)
            rc = aglm_study_enqueue(s, first, NULL, err);
        for (size_t i = 0; rc == AGLM_OK && i < job->trials; i++)
            rc = one_trial(s, i, err);
        if (rc == AGLM_OK)
            rc = look(s, err);
        aglm_study_close(s);
    }
    aglm_store_close(store);
    return rc;
}

static void run(oom_scenario scenario, void *arg, unsigned long stride)
{
    oom_result r;

    for (int lasting = 0; lasting < 2; lasting++) {
        oom_options o = {.stride = stride, .lasting = lasting};
        if (!oom_run(scenario, arg, &o, &r))
            fail_msg("%s", r.message);
        assert_true(r.runs > 10);
    }
}

static void spaces_may_run_out_of_memory(void **state)
{
    (void)state;
    run(copy_space, NULL, 1);
    run(parse_space, NULL, 1);
}

static void studies_may_run_out_of_memory(void **state)
{
    size_t n;
    const aglm_sampler_ops *const *all = aglm_samplers(&n);
    struct job job = {.trials = 6};

    (void)state;
    assert_int_equal(build_space(&job.space, NULL), AGLM_OK);
    for (size_t i = 0; i < n; i++) {
        job.sampler = all[i];
        run(search, &job, 1);
    }
    aglm_space_free(job.space);
}

static void pruners_may_run_out_of_memory(void **state)
{
    size_t n;
    const aglm_pruner_ops *const *all = aglm_pruners(&n);
    struct job job = {.sampler = &aglm_sampler_random, .trials = 6};

    (void)state;
    assert_int_equal(build_space(&job.space, NULL), AGLM_OK);
    for (size_t i = 0; i < n; i++) {
        job.pruner = all[i];
        run(search, &job, 1);
    }
    aglm_space_free(job.space);
}

/* Past the first growth of TPE's arrays, and some generations of CMA-ES. */
static void longer_studies_may_run_out_of_memory(void **state)
{
    struct job job = {.sampler = &aglm_sampler_tpe, .trials = 45};

    (void)state;
    assert_int_equal(build_space(&job.space, NULL), AGLM_OK);
    run(search, &job, 13);
    job.sampler = &aglm_sampler_cmaes;
    run(search, &job, 13);
    aglm_space_free(job.space);
}

static void studies_of_several_objectives_may_run_out_of_memory(void **state)
{
    static const aglm_sampler_ops *const ops[] = {&aglm_sampler_tpe, &aglm_sampler_nsga2};
    struct job job = {.trials = 12, .several = true};

    (void)state;
    assert_int_equal(build_space(&job.space, NULL), AGLM_OK);
    for (size_t i = 0; i < 2; i++) {
        job.sampler = ops[i];
        run(search, &job, 3);
    }
    aglm_space_free(job.space);
}

static aglm_rc weigh(void *arg, aglm_error *err)
{
    aglm_space *space = arg;
    const aglm_importance_ops *both[] = {&aglm_importance_ped_anova, &aglm_importance_fanova};
    double x[12][3];
    aglm_trial trials[12];
    aglm_importance out[3];
    aglm_rc rc = AGLM_OK;
    aglm_rng rng;
    size_t n;

    aglm_rng_init(&rng, 1);
    for (size_t i = 0; i < 12; i++) {
        aglm_space_sample(space, &rng, x[i]);
        trials[i] = (aglm_trial){.state = AGLM_TRIAL_COMPLETE, .x = x[i], .loss = x[i][0]};
    }
    aglm_importance_source source = {.space = space, .trials = trials, .n = 12};
    for (size_t i = 0; rc == AGLM_OK && i < 2; i++)
        rc = aglm_importance_rank(both[i], &source, out, &n, err);
    return rc;
}

static void importance_may_run_out_of_memory(void **state)
{
    aglm_space *space = NULL;

    (void)state;
    assert_int_equal(build_space(&space, NULL), AGLM_OK);
    run(weigh, space, 1);
    aglm_space_free(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spaces_may_run_out_of_memory),
        cmocka_unit_test(studies_may_run_out_of_memory),
        cmocka_unit_test(pruners_may_run_out_of_memory),
        cmocka_unit_test(longer_studies_may_run_out_of_memory),
        cmocka_unit_test(studies_of_several_objectives_may_run_out_of_memory),
        cmocka_unit_test(importance_may_run_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
