/* answer_data.h - a language model that is a table: tests of prompts for texts ask it.
 * It says what `says` holds, and remembers what it was asked.
 */
#ifndef AGLM_TESTS_ANSWER_DATA_H
#define AGLM_TESTS_ANSWER_DATA_H

#include "lm/answerer.h"
#include "unit.h"

#define CHATML                                                                                     \
    "{% if messages[0]['role'] != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n{% endif %}"  \
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"           \
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"

typedef struct said_lm {
    aglm_lm lm;
    const char *says;
    aglm_str asked; /* prefix, "|", prompt of the last request */
    int64_t max_tokens;
    aglm_str stops; /* a "|" after each */
} said_lm;

static inline aglm_rc said_tokenize(aglm_lm *lm, const char *text, size_t len, bool first,
                                    aglm_lm_tokens *out, aglm_error *err)
{
    (void)lm;
    (void)text;
    (void)first;
    (void)err;
    out->n = len;
    out->at = calloc(len + 1, sizeof *out->at);
    return AGLM_OK;
}

static inline aglm_rc said_generate(aglm_lm *lm, const aglm_lm_request *r, aglm_lm_answer *out,
                                    aglm_error *err)
{
    said_lm *l = (said_lm *)lm;

    (void)err;
    aglm_str_reset(&l->asked);
    aglm_str_printf(&l->asked, "%s|%s", r->prefix ? r->prefix : "", r->prompt);
    l->max_tokens = r->decoding->max_tokens;
    aglm_str_reset(&l->stops);
    for (size_t i = 0; i < r->n_stop; i++)
        aglm_str_printf(&l->stops, "%s|", r->stop[i]);
    aglm_str_puts(&out->text, l->says);
    out->tokens = 1;
    out->prompt_tokens = (int64_t)l->asked.len;
    out->prefix_tokens = r->prefix ? (int64_t)strlen(r->prefix) : 0;
    out->reason = AGLM_LM_STOP;
    return AGLM_OK;
}

static const aglm_lm_ops SAID_OPS = {
    .kind = "said", .tokenize = said_tokenize, .generate = said_generate};

static inline void said_init(said_lm *l, const char *chat_template)
{
    memset(l, 0, sizeof *l);
    l->lm.ops = &SAID_OPS;
    l->lm.info.template = chat_template;
    l->says = " 42 \n";
    aglm_str_init(&l->asked, 1 << 20);
    aglm_str_init(&l->stops, 1 << 20);
}

static inline void said_clear(said_lm *l)
{
    aglm_str_clear(&l->asked);
    aglm_str_clear(&l->stops);
}

#endif
