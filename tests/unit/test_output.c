#include "job/output.h"

#include <math.h>

#include "unit.h"

static aglm_output_kind line(aglm_output *o, const char *text)
{
    return aglm_output_line(o, text, strlen(text), false);
}

static void the_last_number_or_object_counts(void **state)
{
    aglm_output o;

    (void)state;
    aglm_output_init(&o);
    assert_int_equal(line(&o, "epoch 1: loss 0.7"), AGLM_OUTPUT_TALK);
    assert_int_equal(line(&o, "0.5"), AGLM_OUTPUT_RESULT);
    assert_int_equal(line(&o, "  -1e-3\t"), AGLM_OUTPUT_RESULT);
    assert_int_equal(line(&o, "done"), AGLM_OUTPUT_TALK);
    assert_int_equal(line(&o, ""), AGLM_OUTPUT_TALK);
    assert_int_equal(o.n_values, 1);
    assert_float_equal(o.values[0], -1e-3, 0);
    assert_int_equal(line(&o, "{\"value\": 0.25, \"note\": \"x\"}"), AGLM_OUTPUT_RESULT);
    assert_float_equal(o.values[0], 0.25, 0);
    assert_int_equal(line(&o, "{\"values\": [1, 2.5]}"), AGLM_OUTPUT_RESULT);
    assert_int_equal(o.n_values, 2);
    assert_float_equal(o.values[1], 2.5, 0);
    assert_int_equal(line(&o, "{\"value\": null}"), AGLM_OUTPUT_RESULT);
    assert_true(isnan(o.values[0]));
    assert_int_equal(line(&o, "inf"), AGLM_OUTPUT_RESULT);
    assert_true(isinf(o.values[0]));
}

static void constraints_come_with_the_result(void **state)
{
    aglm_output o;

    (void)state;
    aglm_output_init(&o);
    assert_true(isnan(o.violation));
    line(&o, "{\"values\": [1, 2], \"constraints\": [-3, 0.5, 0.25]}");
    assert_float_equal(o.violation, 0.75, 0);
    assert_int_equal(line(&o, "{\"constraints\": [1]}"), AGLM_OUTPUT_TALK);
    assert_float_equal(o.violation, 0.75, 0);
    line(&o, "{\"value\": 1, \"constraints\": [-3]}");
    assert_float_equal(o.violation, 0.0, 0);
    line(&o, "{\"value\": 1, \"constraints\": [null]}"); /* nobody knows: not feasible */
    assert_true(isinf(o.violation));
    line(&o, "3");
    assert_true(isnan(o.violation));
}

static void scores_come_with_the_result(void **state)
{
    aglm_output o;

    (void)state;
    aglm_output_init(&o);
    line(&o, "{\"value\": 2, \"scores\": [1, 2, 3.5]}");
    assert_int_equal(o.n_scores, 3);
    assert_float_equal(o.scores[2], 3.5, 0);
    line(&o, "{\"value\": 2, \"scores\": [1, \"a\"]}");
    assert_int_equal(o.n_scores, 0);
    line(&o, "{\"value\": 2, \"scores\": [1]}");
    assert_int_equal(o.n_scores, 0);
    line(&o, "{\"value\": 2, \"scores\": [1, 2]}");
    line(&o, "3");
    assert_int_equal(o.n_scores, 0);
}

static void steps_are_told_apart(void **state)
{
    aglm_output o;

    (void)state;
    aglm_output_init(&o);
    assert_int_equal(line(&o, "{\"step\": 3, \"value\": 0.8}"), AGLM_OUTPUT_STEP);
    assert_int_equal(o.step, 3);
    assert_float_equal(o.step_value, 0.8, 0);
    assert_int_equal(line(&o, "{\"step\": 4, \"value\": NaN}"), AGLM_OUTPUT_STEP);
    assert_true(isnan(o.step_value));
    assert_int_equal(o.n_values, 0);
    assert_int_equal(line(&o, "{\"step\": -1, \"value\": 1}"), AGLM_OUTPUT_TALK);
    assert_int_equal(line(&o, "{\"step\": 1"), AGLM_OUTPUT_TALK);
    assert_int_equal(line(&o, "{\"values\": []}"), AGLM_OUTPUT_TALK);
    assert_int_equal(aglm_output_line(&o, "7", 1, true), AGLM_OUTPUT_TALK);
    assert_int_equal(o.n_values, 0);
}

static void the_tail_holds_the_last_lines(void **state)
{
    aglm_output o;
    char text[32];
    char *long_line = malloc(5000);

    (void)state;
    aglm_output_init(&o);
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "line %d", i);
        line(&o, text);
    }
    assert_true(strlen(o.tail) < sizeof o.tail);
    assert_non_null(strstr(o.tail, "line 1999\n"));
    assert_int_equal(strncmp(o.tail, "line ", 5), 0);
    aglm_output_line(&o, "a\xff\0z", 4, true);
    assert_non_null(strstr(o.tail, "line 1999\na??z\n"));
    memset(long_line, 'x', 5000);
    aglm_output_line(&o, long_line, 5000, false);
    assert_true(strlen(o.tail) < sizeof o.tail);
    free(long_line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_number_or_object_counts),
        cmocka_unit_test(constraints_come_with_the_result),
        cmocka_unit_test(scores_come_with_the_result),
        cmocka_unit_test(steps_are_told_apart),
        cmocka_unit_test(the_tail_holds_the_last_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
