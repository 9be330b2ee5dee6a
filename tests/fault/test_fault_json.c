#include "base/json.h"
#include "fault.h"
#include "unit.h"

static const char text[] = "{\"name\": \"a long enough name to need a block of its own\","
                           " \"list\": [1, 2.5, [3, {\"x\": null}]], \"flag\": true}";

static aglm_rc parse_and_write(void *arg, aglm_error *err)
{
    aglm_json_doc *doc = NULL;
    aglm_json_writer w;
    aglm_str out;

    (void)arg;
    aglm_str_init(&out, 1 << 20);
    aglm_rc rc = aglm_json_parse(&doc, text, sizeof text - 1, NULL, err);
    if (rc == AGLM_OK) {
        aglm_json_writer_init(&w, &out);
        aglm_json_put_value(&w, aglm_json_root(doc));
        rc = out.rc;
    }
    aglm_json_free(doc);
    aglm_str_clear(&out);
    return rc;
}

static void json_survives_each_failure(void **state)
{
    (void)state;
    assert_true(fault_each_allocation(parse_and_write, NULL, NULL) > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_survives_each_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
