/* tune/generator.h - text from a language model that chooses its own settings: finds out what a
 * prompt asks for, takes the settings that did best for such tasks, checks the answer, tries again
 * where it may be mended, and remembers how it went. Threads: a generator is confined. */
#ifndef AGLM_TUNE_GENERATOR_H
#define AGLM_TUNE_GENERATOR_H

#include "lm/check.h"
#include "lm/preset.h"
#include "lm/prompt_task.h"
#include "lm/runtime.h"

typedef struct aglm_generator aglm_generator;

typedef struct aglm_generator_options {
    const char *settings; /* the file of store/settings.h; NULL: nothing is remembered beyond this
                             generator */
    uint64_t seed;
    unsigned retries; /* further tries of an answer that fails a check */
    double floor;     /* lm/bandit.h */
    bool raw;         /* the prompt as it stands, without the model's chat template */
} aglm_generator_options;

/* Two retries, a floor of 0.15. */
void aglm_generator_options_init(aglm_generator_options *o);

/* Borrows lm. AGLM_IO, AGLM_FORMAT: the file of settings. */
aglm_rc aglm_generator_new(aglm_generator **out, aglm_lm *lm, const aglm_generator_options *o,
                           aglm_error *err);
void aglm_generator_free(aglm_generator *g); /* NULL is fine */

/* Adds settings of the user's to those of a task: a JSON file with an object {name: {member: value,
 * ...}, ...}, members as lm/preset.h has them; those left out are as in aglm_decoding_init, with
 * the task's own length. AGLM_FORMAT names the file and the member. */
aglm_rc aglm_generator_presets(aglm_generator *g, const char *path, aglm_error *err);

typedef struct aglm_generated {
    aglm_lm_answer answer; /* of the best try */
    aglm_prompt_task_guess guess;
    aglm_prompt_task task; /* the guess, or what was asked for */
    char setting[64];
    aglm_decoding decoding; /* of the best try */
    aglm_check_report report;
    double reward; /* 0..1: the mean of the checks' scores, a fifth less for each that failed */
    unsigned tries;
    unsigned best;  /* the try that is given, from 1 */
    double seconds; /* of all tries */
    aglm_str why;   /* how the settings were chosen, a line each */
} aglm_generated;

void aglm_generated_init(aglm_generated *out);
void aglm_generated_clear(aglm_generated *out);

typedef struct aglm_generator_request {
    const char *prompt;
    const aglm_prompt_task *task; /* NULL: found out */
    double limit_s;               /* of all tries; 0: none */
    int64_t max_tokens;           /* 0: what the settings say */
    /* Pieces of the answer as they come, whole UTF-8; a new attempt (from 1) begins the answer
     * anew. false ends the run with AGLM_CANCELLED. May be NULL. */
    bool (*on_piece)(void *arg, unsigned attempt, const char *piece, size_t n);
    void *arg;
} aglm_generator_request;

/* A further try that fails does not take away the answer of the one before: out->why has its
 * reason. Errors as aglm_lm_generate and store/settings.h. */
aglm_rc aglm_generator_run(aglm_generator *g, const aglm_generator_request *r, aglm_generated *out,
                           aglm_error *err);
/* The same prompt asked once with the plain settings of aglm_decoding_init: nothing is found out,
 * checked or learned (setting "plain", reward NAN). */
aglm_rc aglm_generator_run_plain(aglm_generator *g, const aglm_generator_request *r,
                                 aglm_generated *out, aglm_error *err);

/* Appends the prompt as the model gets it: in its chat template, unless options.raw. */
aglm_rc aglm_generator_prompt(const aglm_generator *g, const char *prompt, aglm_str *out,
                              aglm_error *err);

/* For a person: the task and what tells it, how the settings were chosen, what each check found,
 * and the tries, a line each. */
void aglm_generated_tell(const aglm_generated *g, aglm_str *out);

#endif
