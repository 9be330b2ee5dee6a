/* runtime_contract.h - what every runtime of lm/runtime.h must do, whoever plays the model. */
#ifndef AGLM_TESTS_RUNTIME_CONTRACT_H
#define AGLM_TESTS_RUNTIME_CONTRACT_H

#include "lm/runtime.h"
#include "unit.h"

typedef struct contract_ear {
    aglm_str text;
    size_t pieces, enough; /* enough: stops listening then; 0: never */
} contract_ear;

static inline bool contract_hear(void *arg, const char *piece, size_t n)
{
    contract_ear *ear = arg;

    aglm_str_append(&ear->text, piece, n);
    return ++ear->pieces != ear->enough;
}

/* The model must be one that answers `prompt` with at least two pieces within 8 tokens. */
static inline void contract_generate(aglm_lm *lm, const char *prompt)
{
    aglm_decoding d;
    aglm_lm_answer answer;
    aglm_error err = {0};
    contract_ear ear = {.enough = 0};

    aglm_decoding_init(&d);
    d.max_tokens = 8;
    aglm_lm_answer_init(&answer);
    aglm_str_init(&ear.text, 1 << 20);
    aglm_lm_request r = {.prompt = prompt, .decoding = &d, .on_piece = contract_hear, .arg = &ear};

    /* the pieces are the text */
    if (aglm_lm_generate(lm, &r, &answer, &err) != AGLM_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(ear.text.data, answer.text.data);
    assert_true(answer.text.len > 0 && answer.tokens > 0 && answer.prompt_tokens > 0);
    assert_true(isnan(answer.log_prob));
    /* who has heard enough ends it */
    ear.pieces = 0;
    ear.enough = 1;
    assert_int_equal(aglm_lm_generate(lm, &r, &answer, &err), AGLM_CANCELLED);
    /* and the next request is answered again, without a listener too */
    r.on_piece = NULL;
    assert_int_equal(aglm_lm_generate(lm, &r, &answer, &err), AGLM_OK);
    /* what cannot be drawn from is refused before */
    d.top_p = 2;
    assert_int_equal(aglm_lm_generate(lm, &r, &answer, &err), AGLM_INVALID);
    assert_non_null(strstr(err.msg, "top_p"));
    aglm_str_clear(&ear.text);
    aglm_lm_answer_clear(&answer);
}

#endif
