/* lm/runtime_remote.h - a language model behind an OpenAI-compatible HTTP service: GLM's cloud,
 * OpenAI, vLLM, llama-server and those like them.
 * Threads: as lm/runtime.h; rate limits and counts are each runtime's own. */
#ifndef AGLM_LM_RUNTIME_REMOTE_H
#define AGLM_LM_RUNTIME_REMOTE_H

#include "base/clock.h"
#include "lm/runtime.h"

typedef struct aglm_lm_remote_options {
    /* The environment variable that holds the key. NULL: AGLM_API_KEY, else over TLS to GLM's hosts
     * ZHIPUAI_API_KEY, to OpenAI's OPENAI_API_KEY; those two go nowhere else unless named here. */
    const char *key_env;
    const char *service;  /* glm, openai, vllm, llama or any; NULL: told from the URL */
    const char *thinking; /* GLM's: "enabled" or "disabled"; NULL: the model's own way */
    double price_prompt, price_answer;             /* money per million tokens */
    double requests_per_minute, tokens_per_minute; /* 0: no limit */
    double connect_s;                              /* 0: 10 */
    double total_s;            /* a request without a limit of its own, 0: 600 */
    unsigned retries;          /* after 429, 5xx and broken connections */
    double backoff_s;          /* 0: 0.5 */
    uint64_t seed;             /* of the waits between attempts */
    const aglm_cancel *cancel; /* may be NULL */
} aglm_lm_remote_options;

/* Three retries, no rate limits, prices unknown (0). */
void aglm_lm_remote_options_init(aglm_lm_remote_options *o);

/* url: the base ("https://open.bigmodel.cn/api/paas/v4", "http://localhost:8000/v1", or only the
 * host), or the whole ".../chat/completions"; one that ends in "/completions" alone is asked in the
 * old way, with a text instead of messages. Nothing is sent yet. AGLM_INVALID, AGLM_NOTFOUND (the
 * named variable is not set), AGLM_UNSUPPORTED (built without libcurl).
 *
 * generate: prefix + prompt go as one message of the user. Stop words are also looked for here.
 * What the service has no word for is AGLM_UNSUPPORTED rather than left out. For GLM temperature 0
 * is do_sample=false, and temperature and top_p lie within 0.01 and 0.99. Answers: AGLM_INVALID
 * (401, 403: names the variable; 400: the service's words), AGLM_NOTFOUND (404), AGLM_LIMIT (too
 * long a prompt), AGLM_BUSY (429 after the last retry), AGLM_CANCELLED (no answer within the limit,
 * or the token), AGLM_FORMAT (not what the protocol says), AGLM_IO (else; a stream without its
 * end). After a failure the answer's text is empty. With a limit the answer is streamed, and what
 * has come until then is given with AGLM_LM_TIME; where nothing has, AGLM_CANCELLED.
 *
 * score: one POST to .../completions with echo and logprobs for each text, which vLLM and
 * llama-cpp-python know; AGLM_UNSUPPORTED elsewhere. A token that lies across the border of
 * item and answer counts for the answer. */
aglm_rc aglm_lm_open_remote(aglm_lm **out, const char *url, const char *model,
                            const aglm_lm_remote_options *options, aglm_error *err);

typedef struct aglm_lm_usage {
    int64_t requests; /* answered */
    int64_t attempts; /* with those that were retried */
    int64_t prompt_tokens, tokens;
    int64_t uncounted; /* answers to which the service gave no counts: theirs are estimates */
    double cost;       /* by the options' prices */
    double waited_s;   /* for the rate limits */
} aglm_lm_usage;

/* Zeros for a runtime that is not remote. */
void aglm_lm_remote_usage(const aglm_lm *lm, aglm_lm_usage *out);

#endif
