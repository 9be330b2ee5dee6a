/* lm/remote_reply.h - reads what an OpenAI-compatible service answers: whole, in pieces, refused,
 * or scored. Threads: confined. */
#ifndef AGLM_LM_REMOTE_REPLY_H
#define AGLM_LM_REMOTE_REPLY_H

#include "lm/runtime.h"

typedef struct aglm_remote_reply {
    const aglm_lm_request *request; /* stop words and listener */
    const char *secret;             /* covered in the service's words; may be NULL */
    aglm_str *text;
    size_t given;  /* bytes the listener has */
    bool finished; /* the service said so, or a stop word came */
    aglm_lm_reason reason;
    bool counted; /* the service gave the counts */
    int64_t prompt_tokens, cached_tokens, tokens, pieces;
    double log_prob;   /* NAN: none came */
    uint64_t first_ns; /* when the first piece came; 0: none */
} aglm_remote_reply;

void aglm_remote_reply_init(aglm_remote_reply *r, const aglm_lm_request *request,
                            const char *secret, aglm_str *text);
/* One event of a stream (an aglm_event_sink; arg is the reply). AGLM_DONE at its end. */
aglm_rc aglm_remote_reply_event(void *reply, const char *data, size_t n, aglm_error *err);
/* A whole answer. */
aglm_rc aglm_remote_reply_whole(aglm_remote_reply *r, const char *body, size_t n, aglm_error *err);
/* Nothing more comes: gives the listener what waited. AGLM_IO when the end is missing and `cut`
 * does not allow that. */
aglm_rc aglm_remote_reply_end(aglm_remote_reply *r, bool cut, aglm_error *err);

/* What the service says in the body of a refusal, in text ("" when nothing); true when it is about
 * the length of the prompt. */
bool aglm_remote_complaint(const char *body, size_t n, const char *secret, char *text, size_t size);

/* The log-probability (nats) of the answer's tokens in an echoed text of which the last
 * `answer_chars` of `chars` characters are the answer. AGLM_UNSUPPORTED when there is none. */
aglm_rc aglm_remote_score(const aglm_str *body, size_t chars, size_t answer_chars, double *score,
                          int64_t *tokens, aglm_error *err);

#endif
