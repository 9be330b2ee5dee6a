#include "cli/remote.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static aglm_rc read_amount(const aglm_args *a, const char *name, double *out, aglm_error *err)
{
    const char *text = aglm_args_text(a, name, NULL);

    if (!text || (aglm_double_parse(text, strlen(text), out) && isfinite(*out) && *out >= 0))
        return AGLM_OK;
    return aglm_error_set(err, AGLM_INVALID, "--%s: %s is no amount: a number, 0 or more", name,
                          text);
}

static aglm_rc read_options(const aglm_args *a, aglm_lm_remote_options *o, aglm_error *err)
{
    const struct {
        const char *name;
        double *to;
    } AMOUNTS[] = {
        {"price-prompt", &o->price_prompt},
        {"price-answer", &o->price_answer},
        {"requests-per-minute", &o->requests_per_minute},
        {"tokens-per-minute", &o->tokens_per_minute},
    };
    aglm_rc rc = AGLM_OK;

    aglm_lm_remote_options_init(o);
    o->key_env = aglm_args_text(a, "key-env", NULL);
    o->service = aglm_args_text(a, "service", NULL);
    o->thinking = aglm_args_text(a, "thinking", NULL);
    o->retries = (unsigned)aglm_args_number(a, "retries", o->retries);
    o->total_s = 1e-9 * (double)aglm_args_number(a, "timeout", 0);
    o->seed = (uint64_t)aglm_args_number(a, "seed", 0);
    for (size_t i = 0; rc == AGLM_OK && i < sizeof AMOUNTS / sizeof *AMOUNTS; i++)
        rc = read_amount(a, AMOUNTS[i].name, AMOUNTS[i].to, err);
    return rc;
}

/* An option that says nothing about a file is a mistake rather than to be passed over. */
static aglm_rc check_no_service(const aglm_args *a, aglm_error *err)
{
    static const char *const OPTIONS[] = {
        "key-env",           "service",      "thinking",
        "price-prompt",      "price-answer", "requests-per-minute",
        "tokens-per-minute", "retries",      "timeout"};

    for (size_t i = 0; i < sizeof OPTIONS / sizeof *OPTIONS; i++)
        if (aglm_args_given(a, OPTIONS[i]))
            return aglm_error_set(err, AGLM_INVALID, "--%s is for a service: give its --url, too",
                                  OPTIONS[i]);
    return AGLM_OK;
}

aglm_rc aglm_cli_model_open(const aglm_args *a, aglm_lm **out, aglm_error *err)
{
    const char *model = aglm_args_text(a, "model", "");
    aglm_lm_remote_options o;
    aglm_rc rc;

    if (!aglm_args_given(a, "url")) {
        rc = check_no_service(a, err);
        return rc == AGLM_OK
                   ? aglm_lm_open_file(out, model, (unsigned)aglm_args_number(a, "threads", 1), err)
                   : rc;
    }
    rc = read_options(a, &o, err);
    return rc == AGLM_OK ? aglm_lm_open_remote(out, aglm_args_text(a, "url", ""), model, &o, err)
                         : rc;
}

static bool has_price(const aglm_args *a)
{
    return aglm_args_given(a, "price-prompt") || aglm_args_given(a, "price-answer");
}

void aglm_cli_usage_put(const aglm_args *a, const aglm_lm *lm, aglm_json_writer *w)
{
    aglm_lm_usage u;

    if (!aglm_args_given(a, "url"))
        return;
    aglm_lm_remote_usage(lm, &u);
    aglm_json_member_text(w, "service", lm->info.description);
    aglm_json_member_int(w, "requests", u.requests);
    aglm_json_member_int(w, "attempts", u.attempts);
    aglm_json_member_int(w, "all_prompt_tokens", u.prompt_tokens);
    aglm_json_member_int(w, "all_tokens", u.tokens);
    aglm_json_member_bool(w, "estimated", u.uncounted > 0);
    aglm_json_member_double(w, "waited_seconds", u.waited_s);
    if (has_price(a))
        aglm_json_member_double(w, "cost", u.cost);
}

void aglm_cli_usage_tell(const aglm_args *a, const aglm_lm *lm)
{
    aglm_lm_usage u;

    if (!aglm_args_given(a, "url"))
        return;
    aglm_lm_remote_usage(lm, &u);
    fprintf(stderr,
            "service %s: %" PRId64 " request%s in %" PRId64 " attempt%s, %" PRId64 " + %" PRId64
            " tokens%s",
            lm->info.description, u.requests, u.requests == 1 ? "" : "s", u.attempts,
            u.attempts == 1 ? "" : "s", u.prompt_tokens, u.tokens,
            u.uncounted > 0 ? " (estimated)" : "");
    if (has_price(a))
        fprintf(stderr, ", cost %.6g", u.cost);
    if (u.waited_s > 0)
        fprintf(stderr, ", waited %.1f s for the rate limit", u.waited_s);
    fputc('\n', stderr);
}
