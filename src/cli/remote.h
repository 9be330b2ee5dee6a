/* cli/remote.h - a language model behind --url: its options, and what its use came to.
 * Threads: confined. */
#ifndef AGLM_CLI_REMOTE_H
#define AGLM_CLI_REMOTE_H

#include "base/json.h"
#include "cli/command.h"
#include "lm/runtime_remote.h"

/* The file --model, or with --url the service's model of that name. */
aglm_rc aglm_cli_model_open(const aglm_args *a, aglm_lm **out, aglm_error *err);

/* Adds what a service counted as members; nothing for a file. */
void aglm_cli_usage_put(const aglm_args *a, const aglm_lm *lm, aglm_json_writer *w);
/* The same as a line on standard error. */
void aglm_cli_usage_tell(const aglm_args *a, const aglm_lm *lm);

#endif
