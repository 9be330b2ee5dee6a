/* Every allocation of the look at examples fails once, and then for good. */
#include "lm/example_task.h"
#include "oom.h"
#include "unit.h"

/* Reading a table is the room data's; here it is there already. */
static aglm_rc use_examples(void *arg, aglm_error *err)
{
    aglm_example_guess g;

    aglm_rc rc = aglm_example_task_detect(&g, arg, NULL, NULL, err);
    aglm_str_clear(&g.evidence);
    return rc;
}

static void assert_survives(const char *data)
{
    oom_result result;
    aglm_error err = {0};
    aglm_table *t;

    if (aglm_table_parse(&t, "x.jsonl", data, strlen(data), NULL, &err))
        fail_msg("%s", err.msg);
    for (int lasting = 0; lasting < 2; lasting++) {
        const oom_options options = {.lasting = lasting};
        if (!oom_run(use_examples, t, &options, &result))
            fail_msg("%s", result.message);
        assert_true(result.refused > 0);
    }
    aglm_table_free(t);
}

static void examples(void **state)
{
    assert_survives("{\"input\":\"Tim lives in Rome.\",\"output\":{\"person\":\"Tim\"}}\n"
                    "{\"input\":\"Eva moved to Bonn.\",\"output\":{\"person\":\"Eva\"}}\n");
    assert_survives("{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},{\"role\":\"assistant\","
                    "\"content\":\"hello\"}]}\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
