/* Every allocation of the room eval fails once, and then for good. */
#include "documents.h"
#include "eval/latency.h"
#include "eval/score.h"
#include "oom.h"
#include "unit.h"

static const float PROBS[] = {0.75f, 0.25f, 0.5f, 0.5f, 0.25f, 0.75f, 0.625f, 0.375f};

static aglm_rc score_all(void *arg, aglm_error *err)
{
    const aglm_dataset *d = arg;
    aglm_score s;
    aglm_rc rc = aglm_score_make(&s, &(aglm_predicted){d, NULL, 4, PROBS}, err);

    if (rc == AGLM_OK)
        rc = aglm_score_bootstrap(&s, &(aglm_predicted){d, NULL, 4, PROBS}, 20, 1, err);
    aglm_score_clear(&s);
    return rc;
}

static aglm_rc score_each(void *arg, aglm_error *err)
{
    aglm_rc rc = AGLM_OK;
    double value;

    for (int m = 0; m < AGLM_METRICS && rc == AGLM_OK; m++)
        rc = aglm_score_metric(&value, (aglm_metric)m, &(aglm_predicted){arg, NULL, 4, PROBS}, err);
    return rc;
}

static aglm_rc no_work(void *arg, const char *text, size_t len, aglm_error *err)
{
    return AGLM_OK;
}

static aglm_rc probe(void *arg, aglm_error *err)
{
    aglm_latency l;

    return aglm_latency_probe(&l, &(aglm_latency_plan){arg, NULL, 4, no_work, NULL, 50, UINT64_MAX},
                              err);
}

static void memory_may_run_out(void **state)
{
    static const oom_scenario scenarios[] = {score_all, score_each, probe};
    aglm_dataset *d = documents_new("n\tu\nn\tv\ny\tw\ny\tx\n", AGLM_TASK_BINARY, NULL, 0);
    oom_result r;

    for (size_t i = 0; i < 2 * sizeof scenarios / sizeof *scenarios; i++) {
        oom_options o = {.lasting = i % 2};
        if (!oom_run(scenarios[i / 2], d, &o, &r))
            fail_msg("%s", r.message);
        assert_true(r.allocations >= 1);
        assert_int_equal(r.refused, r.allocations);
    }
    aglm_dataset_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(memory_may_run_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
