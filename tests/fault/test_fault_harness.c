#include "fault.h"
#include "unit.h"

/* Three allocations, each checked. */
static aglm_rc careful(void *arg, aglm_error *err)
{
    aglm_rc rc = AGLM_NOMEM;
    char *a = malloc(10);
    char *b = a ? strdup("text") : NULL;
    char *c = b ? realloc(a, 100) : NULL;

    (void)arg;
    if (c) {
        a = c;
        rc = AGLM_OK;
    }
    free(a);
    free(b);
    return rc == AGLM_OK ? rc : aglm_error_set(err, rc, "out of memory");
}

static void every_allocation_is_met_once(void **state)
{
    (void)state;
    assert_int_equal(fault_each_allocation(careful, NULL, NULL), 4);
}

static void steps_and_the_cap_are_kept(void **state)
{
    (void)state;
    assert_int_equal(fault_each_allocation(careful, NULL, &(fault_plan){.step = 2}), 3);
    assert_int_equal(fault_each_allocation(careful, NULL, &(fault_plan){.max_runs = 1}), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_allocation_is_met_once),
        cmocka_unit_test(steps_and_the_cap_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
