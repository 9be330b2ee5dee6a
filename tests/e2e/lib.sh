# shellcheck shell=sh
# lib.sh - the words that end-to-end tests are written in. Sourced; never a test itself.
# Given: AUTOGLM (the program), AGLM_TMP (an empty folder of the test's own), AGLM_SOURCE_ROOT.
set -u
TESTS=0
FAILS=0

ok() {
    TESTS=$((TESTS + 1))
    echo "ok $TESTS - $1"
}

# not_ok TEXT [FILE]: with the end of FILE as what was found.
not_ok() {
    TESTS=$((TESTS + 1))
    FAILS=$((FAILS + 1))
    echo "not ok $TESTS - $1"
    if [ $# -gt 1 ] && [ -f "$2" ]; then
        tail -n 15 "$2" | sed 's/^/#   /'
    fi
}

# check TEXT COMMAND...: ok when the command succeeds.
check() {
    text=$1
    shift
    if "$@" >"$AGLM_TMP/.check" 2>&1; then
        ok "$text"
    else
        not_ok "$text: $*" "$AGLM_TMP/.check"
    fi
}

skip() {
    TESTS=$((TESTS + 1))
    echo "ok $TESTS - $1 # skip $2"
}

# run WANTED_CODE COMMAND...: output in $AGLM_TMP/out and $AGLM_TMP/err; ok when the exit code is so.
run() {
    wanted=$1
    shift
    code=0
    "$@" >"$AGLM_TMP/out" 2>"$AGLM_TMP/err" </dev/null || code=$?
    if [ "$code" = "$wanted" ]; then
        ok "exit $code: $*"
    else
        not_ok "exit $code instead of $wanted: $*" "$AGLM_TMP/err"
    fi
}

# says STREAM PATTERN: the last run printed a line that matches (out or err).
says() {
    if grep -Eq -- "$2" "$AGLM_TMP/$1"; then
        ok "std$1 says: $2"
    else
        not_ok "std$1 does not say: $2" "$AGLM_TMP/$1"
    fi
}

finish() {
    echo "1..$TESTS"
    [ "$FAILS" = 0 ]
    exit $?
}
