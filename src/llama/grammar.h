/* llama/grammar.h - draws tokens that a grammar allows.
 * Threads: confined. */
#ifndef AGLM_LLAMA_GRAMMAR_H
#define AGLM_LLAMA_GRAMMAR_H

#include "llama/session.h"

typedef struct aglm_llama_grammar aglm_llama_grammar;

/* text: GBNF with a rule "root". AGLM_FORMAT: llama.cpp does not take it, and why. */
aglm_rc aglm_llama_grammar_new(aglm_llama_grammar **out, const struct llama_vocab *vocab,
                               const char *text, aglm_error *err);
void aglm_llama_grammar_free(aglm_llama_grammar *g); /* NULL is fine */

/* The token that the chain draws from those the grammar allows behind `text`, which with it stays
 * UTF-8. AGLM_INVALID: there is none. */
aglm_rc aglm_llama_grammar_draw(aglm_llama_grammar *g, struct llama_sampler *chain,
                                struct llama_context *ctx, const aglm_str *text, llama_token *token,
                                aglm_error *err);

#endif
