#!/bin/sh
# The program starts, and says which it is.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"

"$AUTOGLM" --version >"$AGLM_TMP/out" 2>&1 || :
check "names itself and its version" grep -q '^autoglm [0-9]*\.[0-9]*\.[0-9]*' "$AGLM_TMP/out"

finish
