#!/bin/sh
# A study that begins with another one's best points, and one whose choices grow.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1

# best SPACE STORAGE STUDY TRIALS [OPTION...]
best() {
    space=$1 storage=$2 study=$3 trials=$4
    shift 4
    run "${expected:-0}" "$AUTOGLM" optimize --space "$space" --sampler random --storage "$storage" --study "$study" \
        --trials "$trials" --json "$@" -- sh -c 'echo {x}'
}

best 'x=uniform(0,1)' old.db old 20
cp out old.json
best 'x=uniform(0,1)' new.db new 7 --warm-start old@old.db
says err 'warm start: 5 points of study old'
"$AUTOGLM" study trials --storage new.db --study new --json >trials.json
check "the best of the old study comes first, marked" python3 -c '
import json
old, trials = json.load(open("old.json"))["best"], json.load(open("trials.json"))["trials"]
assert len(trials) == 7 and trials[0]["params"] == old["params"]
marks = [t["attrs"].get("autoglm:warm_start") for t in trials]
assert marks[0] == {"study": "old", "trial": old["number"]} and all(marks[:5]) and not any(marks[5:]), marks'
best 'x=uniform(0,1)' new.db new 9 --warm-start old@old.db
"$AUTOGLM" study trials --storage new.db --study new --json >trials.json
check "a study that goes on takes nothing more" python3 -c '
import json
trials = json.load(open("trials.json"))["trials"]
assert len(trials) == 9 and sum("autoglm:warm_start" in t["attrs"] for t in trials) == 5'
best 'x=uniform(0,1)' old.db beside 3 --warm-start old
expected=1
best 'x=uniform(0,1)' new.db other 3 --warm-start old@absent.db
says err 'there is no such file'
best 'x=uniform(0,1)' new.db other 3 --warm-start absent
says err 'warm-start: no study named "absent"'
expected=2
best 'x=uniform(0,1)' new.db turned 3 --warm-start old@old.db --direction maximize
says err 'the other direction'

expected=0
best 'x=choice(1,2)' g.db g 2
best 'x=choice(1,2,0)' g.db g 3
check "the new choice is tried" python3 -c '
import json
r = json.load(open("out"))
assert r["trials_complete"] == 3 and r["best"]["value"] == 0, r'
expected=2
best 'x=choice(1,2)' g.db g 3
says err 'stored with another space: x: stored as'
best 'x=choice(2,1,0,3)' g.db g 3
says err 'stored with another space'

finish
