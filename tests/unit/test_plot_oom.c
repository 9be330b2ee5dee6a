/* Every allocation of the room plot fails once, and then for good. */
#include <math.h>

#include "oom.h"
#include "plot/canvas.h"
#include "plot/page.h"
#include "search/space_text.h"
#include "unit.h"

#define TRIALS 8

struct study {
    aglm_plot_study view;
    aglm_trial trials[TRIALS];
    double x[TRIALS][2], values[TRIALS][2];
    aglm_step_row step;
};

static const aglm_direction DIRECTIONS[2] = {AGLM_MINIMIZE, AGLM_MAXIMIZE};

static void fill(struct study *s, const aglm_space *space)
{
    aglm_rng rng;

    aglm_rng_init(&rng, 1);
    s->step = (aglm_step_row){1, 2.0};
    for (size_t i = 0; i < TRIALS; i++) {
        aglm_space_sample(space, &rng, s->x[i]);
        s->values[i][0] = s->x[i][0];
        s->values[i][1] = -s->x[i][0];
        s->trials[i] = (aglm_trial){.number = (int64_t)i,
                                    .state = AGLM_TRIAL_COMPLETE,
                                    .x = s->x[i],
                                    .values = s->values[i],
                                    .n_values = 2,
                                    .loss = s->values[i][0],
                                    .violation = NAN,
                                    .steps = &s->step,
                                    .n_steps = 1,
                                    .started_s = (double)i,
                                    .duration_s = 1};
    }
    s->view = (aglm_plot_study){"s", space, s->trials, TRIALS, DIRECTIONS, 2, -1};
}

static aglm_rc make_page(void *arg, aglm_error *err)
{
    const struct study *s = arg;
    aglm_str out;

    aglm_str_init(&out, 1u << 24);
    aglm_rc rc = aglm_page_put(&s->view, NULL, &out, err);
    aglm_str_clear(&out);
    return rc;
}

static aglm_rc make_texts(void *arg, aglm_error *err)
{
    const struct study *s = arg;
    const aglm_text_options o = {60, true, true};
    size_t n;
    const aglm_plot_kind *kinds = aglm_plot_kinds(&n);
    aglm_rc rc = AGLM_OK;

    for (size_t i = 0; rc == AGLM_OK && i < n; i++) {
        aglm_figure figure;
        aglm_arena a;
        aglm_str out;
        aglm_arena_init(&a, 1u << 26);
        aglm_str_init(&out, 1u << 24);
        rc = aglm_plot_make(&kinds[i], &s->view, &a, &figure, err);
        if (rc == AGLM_OK)
            rc = aglm_text_put(&figure, &o, &a, &out, err);
        aglm_str_clear(&out);
        aglm_arena_clear(&a);
    }
    return rc;
}

static void figures_may_run_out_of_memory(void **state)
{
    static const char text[] = "x=uniform(0,1) c=choice(a,b)";
    aglm_space *space = NULL;
    struct study s;
    const oom_scenario scenarios[] = {make_page, make_texts};

    (void)state;
    assert_int_equal(aglm_space_new(&space, NULL), AGLM_OK);
    assert_int_equal(aglm_space_parse(space, text, strlen(text), NULL), AGLM_OK);
    fill(&s, space);
    for (size_t i = 0; i < 4; i++) {
        oom_options o = {.stride = 1, .lasting = i % 2};
        oom_result r;
        if (!oom_run(scenarios[i / 2], &s, &o, &r))
            fail_msg("%s", r.message);
        assert_true(r.runs > 10);
    }
    aglm_space_free(space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(figures_may_run_out_of_memory)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
