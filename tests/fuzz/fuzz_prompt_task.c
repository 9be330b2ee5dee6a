/* A prompt: whatever its bytes are there is an answer, in order, with valid UTF-8 as evidence. */
#include "fuzz.h"

#include <string.h>

#include "base/utf8.h"
#include "lm/prompt_task.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    aglm_prompt_task_guess g;
    aglm_str s;

    aglm_prompt_task_detect((const char *)data, size, &g);
    FUZZ_CHECK(g.task == g.ranked[0] && g.confidence > 0 && g.confidence <= 1);
    for (size_t i = 1; i < AGLM_PROMPT_TASKS; i++)
        FUZZ_CHECK(g.score[g.ranked[i - 1]] >= g.score[g.ranked[i]]);
    FUZZ_CHECK(g.n_evidence <= AGLM_PROMPT_MAX_EVIDENCE);
    aglm_str_init(&s, 1 << 14);
    aglm_prompt_task_tell(&g, &s);
    FUZZ_CHECK(s.rc == AGLM_OK && aglm_utf8_check(s.data, s.len) == s.len);
    aglm_str_clear(&s);
    return 0;
}
