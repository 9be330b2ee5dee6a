#!/bin/sh
# prompts.sh - tasks of labelled prompts as the detector sees them: macro F1, confusion, time. Further
# files of the same three columns (task, language, prompt) may stand in AGLM_PROMPTS.
set -eu
root=${AGLM_SOURCE_ROOT:-$(dirname "$0")/..}
# shellcheck disable=SC2086 # a list of files
exec "$root/build/bench/prompts" "$root/tests/data/prompts.tsv" "$root/tests/data/prompts_held_out.tsv" ${AGLM_PROMPTS:-}
