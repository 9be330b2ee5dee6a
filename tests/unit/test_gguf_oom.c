/* Every allocation of the reader of GGUF files fails once, and then for good. */
#include "gguf_data.h"
#include "lm/gguf.h"
#include "oom.h"
#include "unit.h"

static aglm_rc look(void *arg, aglm_error *err)
{
    const aglm_str *s = arg;
    aglm_gguf *g = NULL;
    aglm_rc rc = aglm_gguf_read(&g, s->data, s->len, "it", err);

    if (rc == AGLM_OK)
        rc = aglm_gguf_check(g, err);
    aglm_gguf_close(g);
    return rc;
}

static void memory_may_run_out(void **state)
{
    aglm_str s;
    oom_result r;

    aglm_str_init(&s, (size_t)1 << 20);
    gguf_small_file(&s);
    for (int lasting = 0; lasting < 2; lasting++) {
        oom_options o = {.lasting = lasting};
        if (!oom_run(look, &s, &o, &r))
            fail_msg("%s", r.message);
        assert_true(r.allocations > 5);
        assert_int_equal(r.refused, r.allocations);
    }
    aglm_str_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_may_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
