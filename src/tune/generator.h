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
 * ...}, ...}, members as lm/preset.h has them. AGLM_FORMAT names the file and the member. */
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
    aglm_str why; /* how the settings were chosen, a line each */
} aglm_generated;

void aglm_generated_init(aglm_generated *out);
void aglm_generated_clear(aglm_generated *out);

/* task: NULL: found out. limit_s: of all tries; 0: none. */
aglm_rc aglm_generator_run(aglm_generator *g, const char *prompt, const aglm_prompt_task *task,
                           double limit_s, aglm_generated *out, aglm_error *err);

#endif
