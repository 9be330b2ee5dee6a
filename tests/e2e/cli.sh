#!/bin/sh
# Help, usage errors and exit codes of the program.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"

run 2 "$AUTOGLM"
says err 'usage: autoglm COMMAND'
run 0 "$AUTOGLM" --help
says out '^  tune '
run 2 "$AUTOGLM" tnue
says err 'no command "tnue"'
for command in tune predict eval optimize worker ask tell study strategy doctor help; do
    run 0 "$AUTOGLM" "$command" --help
    says out "^usage: autoglm $command"
done

run 2 "$AUTOGLM" tune
says err 'argument is missing: autoglm tune FILE'
run 2 "$AUTOGLM" tune a b
says err '"b" is one argument too many'
run 2 "$AUTOGLM" tune x --budget -5s
says err '--budget -5s: expected a time above zero'
run 2 "$AUTOGLM" tune x --trials zero
says err '--trials zero: expected a whole number from 1'
run 2 "$AUTOGLM" tune x --frobnicate
says err '--frobnicate: no such option'
run 2 "$AUTOGLM" tune x --metric bleu
says err '--metric bleu: expected one of accuracy'
run 2 "$AUTOGLM" tune x --max-size 20parsec
says err '--max-size 20parsec: expected a size'
run 2 "$AUTOGLM" tune x --budget
says err '--budget: TIME is missing'

run 0 "$AUTOGLM" help man
says out '^\.TH AUTOGLM 1'
if command -v man >/dev/null 2>&1; then
    check "the man page has no troff warnings" sh -c \
        "man --warnings -l '$AGLM_TMP/out' 2>&1 >/dev/null | (! grep .)"
else
    skip "the man page has no troff warnings" "man is not installed"
fi
run 0 "$AUTOGLM" help bash
cp "$AGLM_TMP/out" "$AGLM_TMP/completion"
if command -v bash >/dev/null 2>&1; then
    check "bash takes the completions" bash -n "$AGLM_TMP/completion"
    check "bash completes an option" bash -c ". '$AGLM_TMP/completion'
        COMP_WORDS=(autoglm tune --bud)
        COMP_CWORD=2
        _autoglm
        [ \"\${COMPREPLY[0]}\" = --budget ]"
fi
run 0 "$AUTOGLM" help fish
says out 'complete -c autoglm'
run 0 "$AUTOGLM" help zsh
says out '#compdef autoglm'
run 2 "$AUTOGLM" help tcsh

run 0 "$AUTOGLM" doctor
says out '^learners +ok'

finish
