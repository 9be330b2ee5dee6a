/* Every allocation of the room eval fails once, and then for good. */
#include "documents.h"
#include "eval/latency.h"
#include "eval/score.h"
#include "eval/text_metric.h"
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

/* An answer long enough that no buffer on the stack holds it, and several references. */
static aglm_rc count_text(void *arg, aglm_error *err)
{
    aglm_text_metric m = *(const aglm_text_metric *)arg;
    const char *refs[] = {"the film is good 12", "人工智能 is 3/4 of 12,000 films"};
    static const char *const JSON[] = {"{\"a\":[\"b\",1],\"c\":null}", "{\"a\":2}"};
    aglm_text_answer answers[2];
    aglm_text_counts counts;
    char text[2000];
    double f1;

    memset(text, 'x', sizeof text);
    for (size_t i = 0; i + 20 < sizeof text; i += 20)
        memcpy(text + i, i % 40 ? " the film is good 12" : " 人工智能 is {}\n", 19);
    if (m == AGLM_TEXT_JSON_VALID || m == AGLM_TEXT_JSON_F1)
        snprintf(text, sizeof text, "```json\n%s\n```", JSON[0]);
    answers[0] = (aglm_text_answer){.text = text, .len = strnlen(text, sizeof text), .n_refs = 2};
    answers[0].refs = m == AGLM_TEXT_JSON_F1 ? JSON : refs;
    answers[1] = answers[0];
    aglm_rc rc = aglm_text_count(&counts, m, &answers[0], err);
    return rc == AGLM_OK && m == AGLM_TEXT_LABEL ? aglm_text_label_f1(&f1, answers, 2, err) : rc;
}

static void memory_may_run_out_for_written_answers(void **state)
{
    for (aglm_text_metric m = 0; m < AGLM_TEXT_METRICS; m++) {
#ifndef AGLM_HAVE_PCRE2
        if (m == AGLM_TEXT_REGEX)
            continue;
#endif
        for (int lasting = 0; lasting < 2; lasting++) {
            const oom_options o = {.lasting = lasting};
            oom_result r;
            if (!oom_run(count_text, &m, &o, &r))
                fail_msg("%s: %s", aglm_text_metric_name(m), r.message);
            assert_true(r.allocations >= 1 || m == AGLM_TEXT_NUMERIC);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out),
        cmocka_unit_test(memory_may_run_out_for_written_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
