/* lm/remote_service.h - what the kinds of OpenAI-compatible services differ in, their URLs and the
 * bodies of requests to them.
 * Threads: pure functions. */
#ifndef AGLM_LM_REMOTE_SERVICE_H
#define AGLM_LM_REMOTE_SERVICE_H

#include "base/str.h"
#include "lm/runtime.h"

typedef struct aglm_remote_service {
    const char *name;
    const char *path;       /* of the API, where the URL names none */
    const char *hosts[2];   /* its own, with all below them; NULL: none */
    const char *key_env;    /* the variable of the key for these, NULL: none */
    const char *max_tokens; /* what chat calls it */
    size_t max_stops;
    bool penalties; /* presence and frequency */
    bool sampling;  /* top_k, min_p, repetition penalty */
    bool typical;   /* typical_p */
    bool grammar;   /* GBNF */
    bool echo;      /* scores a prompt's tokens, perhaps */
    bool log_probs;
    bool asks_usage;    /* stream_options.include_usage */
    bool open_interval; /* temperature and top_p as GLM's client sends them */
} aglm_remote_service;

/* By name; NULL name: by the URL. NULL when there is none of that name. */
const aglm_remote_service *aglm_remote_service_find(const char *name, const char *url);

/* May the key in service->key_env go there? Only over TLS to the service's own hosts. */
bool aglm_remote_service_may_have_key(const aglm_remote_service *s, const char *url);

/* The address to generate at, and whether it is the old /completions. */
void aglm_remote_url(const aglm_remote_service *s, const char *url, aglm_str *out, bool *legacy);
/* The address of /completions beside it. */
void aglm_remote_completions_url(const char *generate_url, aglm_str *out);

/* Whom a request is for. */
typedef struct aglm_remote_target {
    const aglm_remote_service *service;
    const char *model;
    const char *thinking; /* NULL: not said */
    bool legacy;          /* a text to /completions instead of messages */
} aglm_remote_target;

/* Leaves out of *d what the service has no word for. */
void aglm_remote_fit(const aglm_remote_service *s, aglm_decoding *d);
/* AGLM_UNSUPPORTED names the member of the request that the service has no word for. */
aglm_rc aglm_remote_body(const aglm_remote_target *t, const aglm_lm_request *r, aglm_str *out,
                         aglm_error *err);
void aglm_remote_score_body(const char *model, const char *text, aglm_str *out);
/* Is the answer to come in pieces? */
bool aglm_remote_streams(const aglm_lm_request *r);

#endif
