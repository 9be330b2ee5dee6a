#include "store/process.h"

#include <unistd.h>

#include "unit.h"

static void processes_are_told_apart(void **state)
{
    aglm_machine here;
    aglm_machine other;
    int64_t pid = getpid();
    int64_t start = aglm_process_start(pid);

    (void)state;
    aglm_machine_init(&here);
    assert_true(start > 0);
    assert_true(here.boot[0] && here.host[0]);
    assert_false(aglm_process_gone(pid, start, &here, &here));
    /* The id was given to another process. */
    assert_true(aglm_process_gone(pid, start + 1, &here, &here));
    assert_true(aglm_process_gone(0x7ffffff0, 5, &here, &here));
    /* After a reboot nothing of before is alive. */
    other = here;
    other.boot[0] ^= 1;
    assert_true(aglm_process_gone(pid, start, &other, &here));
    /* Another host, or a container beside this one, cannot be judged. */
    other.host[0] ^= 1;
    assert_false(aglm_process_gone(pid, start + 1, &other, &here));
    other = here;
    other.pidns[0] ^= 1;
    assert_false(aglm_process_gone(0x7ffffff0, 5, &other, &here));
    assert_int_equal(aglm_process_start(0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(processes_are_told_apart)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
