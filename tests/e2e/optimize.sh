#!/bin/sh
# optimize, worker, ask, tell and study on programs that behave and programs that do not.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1

# quadratic.sh X MODEL: two steps, then the value (x - 2)^2 + a constant of the model.
cat >quadratic.sh <<'END'
#!/bin/sh
exec awk -v x="$1" -v m="$2" 'BEGIN {
    v = (x - 2) * (x - 2) + (m == "b")
    print "some talk"
    printf "{\"step\": 1, \"value\": %g}\n{\"step\": 2, \"value\": %g}\n", v + 1, v
    printf "{\"value\": %.9g}\n", v
}'
END
# odd.sh N: everything that an objective can do wrong.
cat >odd.sh <<'END'
#!/bin/sh
case $1 in
0) sleep 612 & echo 1 ;;
1) kill -SEGV $$ ;;
2) echo garbage; echo last words >&2 ;;
3) echo nan ;;
4) sleep 612 ;;
5) echo '{"value": null}' ;;
6) exit 3 ;;
7) : ;;
8) trap '' TERM; sleep 612 & wait; sleep 612 ;;
9) printf 0.5 ;;
esac
END
chmod +x quadratic.sh odd.sh

run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --space 'm=choice(a,b)' --forbid 'm=b & x>0' --trials 40 --jobs 2 \
    --storage sqlite:///s.db --study q --json -- ./quadratic.sh '{x}' '{m}'
check "the best is near the optimum" python3 -c '
import json
r = json.load(open("out"))
assert r["trials_complete"] == 40 and r["best"]["value"] < 0.5 and r["best"]["params"]["m"] == "a", r'
run 0 "$AUTOGLM" study trials --storage s.db --study q --json
check "no forbidden combination was tried, and steps are kept" python3 -c '
import json
trials = json.load(open("out"))["trials"]
assert len(trials) == 40
assert not any(t["params"]["m"] == "b" and t["params"]["x"] > 0 for t in trials)
assert all(set(t["intermediate_values"]) == {"1", "2"} for t in trials)'
run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --space 'm=choice(a,b)' --forbid 'm=b & x>0' --trials 42 \
    --storage sqlite:///s.db --study q --json-lines -- ./quadratic.sh '{x}' '{m}'
check "it goes on where it stopped, with events" python3 -c '
import json
events = [json.loads(line) for line in open("out")]
kinds = [e["event"] for e in events]
assert kinds[0] == "start" and kinds[-1] == "done" and kinds.count("trial_end") == 2, kinds
assert events[-1]["best_value"] < 0.5'
run 2 "$AUTOGLM" optimize --space 'x=uniform(-5,6)' --space 'm=choice(a,b)' --storage s.db --study q -- true
says err 'stored with another space: x: stored as float -5..5, asked for as float -5..6'

run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --sampler random --pruner asha --trials 30 --storage s.db --study p \
    -- ./quadratic.sh '{x}' a
says out '^best: trial [0-9]+, value 0'
says err ' [1-9][0-9]* pruned'
# What a pruner reads of the command line, and who does not read it.
run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --sampler random --pruner threshold --upper 4 --trials 20 --storage memory \
    -- ./quadratic.sh '{x}' a
says err ' [1-9][0-9]* pruned'
run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --sampler random --pruner percentile --percentile 10 --trials 20 \
    --storage memory -- ./quadratic.sh '{x}' a
says err ' [1-9][0-9]* pruned'
run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --pruner patient --patience 5 --trials 5 --storage memory \
    -- ./quadratic.sh '{x}' a
run 2 "$AUTOGLM" optimize --space 'x=uniform(0,1)' --pruner nop --storage memory -- true
says err '--pruner nop: expected one of none, asha, successive-halving, hyperband, median, percentile, threshold, patient'
run 2 "$AUTOGLM" optimize --space 'x=uniform(0,1)' --pruner percentile --percentile 101 --storage memory -- true
says err '--percentile 101: expected a number from 0 to 100'
run 2 "$AUTOGLM" optimize --space 'x=uniform(0,1)' --pruner threshold --lower low --storage memory -- true
says err '--lower low: expected a number'
run 2 "$AUTOGLM" optimize --space 'x=uniform(0,1)' --pruner median --patience 3 --storage memory -- true
says err '--patience is read by --pruner patient only, not by median'

run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --target 1 --storage s.db --study t -- ./quadratic.sh '{x}' a
says err 'the target is reached'
run 3 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --target -1 --trials 3 --storage memory -- ./quadratic.sh '{x}' a
run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --stop-after-stagnation 5 --trials 1000 --storage memory \
    -- ./quadratic.sh '{x}' a
says err 'no better trial for long'
run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --stop-regret 0.5 --trials 200 --storage memory -- ./quadratic.sh '{x}' a
says err 'no point is likely to be better by much'
cat >scored.sh <<'END'
#!/bin/sh
awk -v x="$1" 'BEGIN { v = x * x; printf "{\"value\": %.17g, \"scores\": [%.17g, %.17g, %.17g]}\n", v, v - 1, v, v + 1 }'
END
chmod +x scored.sh
run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --stop-regret cv --trials 200 --storage s.db --study cv -- ./scored.sh '{x}'
says err 'no point is likely to be better by much'
run 2 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --stop-regret -1 --storage memory -- true
says err '--stop-regret -1: expected a number above 0, or cv'

# Everything that can go wrong in an objective is a failed trial with its reason.
run 0 "$AUTOGLM" optimize --space 'n=int(0,9)' --sampler grid --trial-timeout 1s --grace 200ms --storage s.db --study odd \
    -- ./odd.sh '{n}'
says err '2 trials complete, 0 pruned, 8 failed; no point is left'
"$AUTOGLM" study trials --storage s.db --study odd --json >odd.json
check "each failure has its reason" python3 -c '
import json
t = json.load(open("odd.json"))["trials"]
why = [x["attrs"].get("error", "") for x in t]
for i, word in {1: "signal 11", 2: "no value", 3: "not a number", 4: "time limit of 1 s", 5: "not a number", 6: "exit code 3",
                7: "no value", 8: "time limit"}.items():
    assert t[i]["state"] == "FAIL" and word in why[i], (i, t[i])
assert t[2]["attrs"]["output"] == "garbage\nlast words\n", t[2]
assert t[0]["values"] == [1.0] and t[9]["values"] == [0.5]'
check "no process is left" sh -c "! pgrep -f '[s]leep 612'"
run 1 "$AUTOGLM" optimize --space 'n=int(0,9)' --trials 3 --storage memory -- ./odd.sh 6
says err 'no trial was complete; the last one failed: exit code 3'
run 1 "$AUTOGLM" optimize --space 'n=int(0,9)' --storage memory -- ./absent.sh
says err './absent.sh: could not be started: No such file'
run 1 "$AUTOGLM" optimize --space 'n=int(6,6)' --retries 2 --storage s.db --study r -- ./odd.sh '{n}'
"$AUTOGLM" study trials --storage s.db --study r >trials
check "a failed point is tried twice more" sh -c '[ "$(grep -c FAIL trials)" = 3 ]'

# A megabyte without a line's end, and processes that would outlive their trial.
cat >long.sh <<'END'
#!/bin/sh
head -c 1000000 /dev/zero | tr '\0' x
[ "$1" = 0 ] || printf '\n%s\n' "$1"
END
cat >fork.sh <<'END'
#!/bin/sh
(trap '' TERM; sleep 614 & sleep 614 & wait) &
sleep 614
END
chmod +x long.sh fork.sh
run 0 "$AUTOGLM" optimize --space 'n=int(0,1)' --sampler grid --storage s.db --study long -- ./long.sh '{n}'
"$AUTOGLM" study trials --storage s.db --study long --json >long.json
check "a megabyte is no value, and its beginning is kept" python3 -c '
import json
t = json.load(open("long.json"))["trials"]
assert t[0]["state"] == "FAIL" and "no value" in t[0]["attrs"]["error"], t[0]
assert 100 < len(t[0]["attrs"]["output"]) <= 4096 and t[1]["values"] == [1.0], t'
run 1 "$AUTOGLM" optimize --space 'n=int(0,2)' --sampler grid --trial-timeout 300ms --grace 200ms --storage memory -- ./fork.sh
says err '3 failed; no point is left'
run 1 "$AUTOGLM" optimize --space 'n=int(0,2)' --timeout 1s --grace 200ms --storage memory -- ./fork.sh
says err 'stopped: out of time'
check "no grandchild is left" sh -c "! pgrep -f '[s]leep 614'"

# Spaces that are none: the parameter, the character and the mend.
space() {
    run 2 "$AUTOGLM" optimize --space "$1" --trials 2 --storage memory -- echo 1
    says err "$2"
}
space 'x=uniform(3,1)' 'parameter "x", character 11: low 3 is over high 1: swap them'
space 'x=loguniform(0,1)' 'parameter "x", character 14: low 0 must be over 0 on a log scale'
space 'n=logint(-1,9)' 'parameter "n", character 10: low -1 must be at least 1 on a log scale'
space 'x=unform(0,1)' 'character 3: "unform" is no distribution: expected uniform'
space 'x=uniform(0,nan)' 'character 13: "nan" is not finite'
space 'x=quniform(0,1,0)' 'q must be over 0'

# Storages that are none.
storage() {
    run "$1" "$AUTOGLM" optimize --space 'x=uniform(0,1)' --trials 1 --storage "$2" -- echo 1
    says err "$3"
}
storage 1 mysql://me@host/db 'storage mysql is not built in'
storage 2 sqlite://s.db 'sqlite://s.db: a SQLite file is given as sqlite:///FILE'
storage 2 sqlite:s.db 'a SQLite file is given as sqlite:///FILE'
storage 1 sqlite:///no/such/folder/s.db 'no/such/folder/s.db: cannot be opened: No such file'
if "$AUTOGLM" optimize --space 'x=uniform(0,1)' --trials 1 --storage postgresql://me@127.0.0.1:1/db -- echo 1 2>&1 | grep -q 'not built in'; then
    skip "a PostgreSQL server that is not there" "built without libpq"
else
    storage 1 postgresql://me@127.0.0.1:1/db 'cannot connect: .*Connection refused'
    storage 2 'postgresql://[' 'not of the form postgresql://USER'
fi
"$AUTOGLM" optimize --space 'x=uniform(0,1)' --trials 1 --storage newer.db --quiet -- echo 1 >/dev/null 2>&1
python3 -c '
import sqlite3
d = sqlite3.connect("newer.db")
d.execute("update alembic_version set version_num = ?", ("v9.9.0.a",))
d.commit()'
storage 1 newer.db 'newer.db: schema version v9.9.0.a, but this program speaks v3.2.0.a'

# Wrong command lines.
run 2 "$AUTOGLM" optimize --space 'lr=loguniform(0.1,1e-5)' -- true
says err "--space 'lr=loguniform\(0.1,1e-5\)': parameter \"lr\", character 15: low 0.1 is over high 1e-05: swap them"
run 2 "$AUTOGLM" optimize --space 'lr=lognuniform(1,2)' -- true
says err 'character 4: "lognuniform" is no distribution'
run 2 "$AUTOGLM" optimize --space 'x=int(1,2)' --forbid 'y=1' -- true
says err "--forbid 'y=1': character 1: there is no parameter"
run 2 "$AUTOGLM" optimize --space 'x=int(1,2)' --storage memory -- ./p '{y}'
says err '\{y\} in the command is no parameter'
run 2 "$AUTOGLM" optimize --storage memory -- true
says err 'give --space'
run 2 "$AUTOGLM" optimize --space 'x=int(1,2)' --sampler magic -- true
says err '--sampler: magic: expected one of random'
run 2 "$AUTOGLM" optimize --space 'x=int(1,2)' --target best -- true
run 1 "$AUTOGLM" worker --storage nothing.db --study q -- true
says err 'there is no such file'
check "no database is made of a mistake" test ! -e autoglm.db -a ! -e nothing.db

# A deadline is hard, and Ctrl-C leaves a study that can be resumed.
start=$(date +%s%N)
run 1 "$AUTOGLM" optimize --space 'x=uniform(0,1)' --timeout 1s --grace 200ms --jobs 2 --storage memory -- sleep 612
took=$((($(date +%s%N) - start) / 1000000))
check "a timeout of 1 s took $took ms" test "$took" -lt 2500
"$AUTOGLM" optimize --space 'x=uniform(0,1)' --trials 5 --jobs 2 --storage s.db --study int -- sh -c 'sleep 0.5; echo {x}' >out 2>err &
pid=$!
sleep 0.8
kill -INT "$pid"
wait "$pid"
check "Ctrl-C exits with 130" test $? = 130
says err 'the same command goes on'
run 0 "$AUTOGLM" optimize --space 'x=uniform(0,1)' --trials 5 --jobs 2 --storage s.db --study int -- sh -c 'echo {x}'
says err '^5 trials complete'

# Workers share a study; the space is the stored one. One of them is killed.
run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --trials 1 --storage s.db --study w -- ./quadratic.sh '{x}' a
pids=
for i in 1 2 3; do
    "$AUTOGLM" worker --storage s.db --study w --trials 60 --quiet -- ./quadratic.sh '{x}' a >/dev/null 2>"worker$i" &
    pids="$pids $!"
done
# shellcheck disable=SC2086 # a list of numbers
set -- $pids
sleep 0.2
kill -9 "$3" 2>/dev/null
wait "$1"
check "worker 1 is done" test $? = 0
wait "$2"
check "worker 2 is done" test $? = 0
run 0 "$AUTOGLM" worker --storage s.db --study w --trials 60 --quiet -- ./quadratic.sh '{x}' a
run 0 "$AUTOGLM" study trials --storage s.db --study w --json
check "numbers are dense, nothing runs, no point twice" python3 -c '
import json
trials = json.load(open("out"))["trials"]
assert [t["number"] for t in trials] == list(range(len(trials)))
assert all(t["state"] in ("COMPLETE", "FAIL") for t in trials)
done = [t["params"]["x"] for t in trials if t["state"] == "COMPLETE"]
assert len(done) == 60 and len(set(done)) == len(done), len(done)'

# Ask and tell.
run 0 "$AUTOGLM" ask --storage s.db --study a --space 'x=uniform(0,1)' --direction maximize --count 8 --json
check "eight different points" python3 -c '
import json
points = [json.loads(line) for line in open("out")]
assert [p["number"] for p in points] == list(range(8)) and len({p["params"]["x"] for p in points}) == 8'
run 0 "$AUTOGLM" tell 3 0.9 --storage s.db --study a
run 0 "$AUTOGLM" tell 4 -0.5 --storage s.db --study a
run 0 "$AUTOGLM" tell 5 --state fail --storage s.db --study a
run 2 "$AUTOGLM" tell 3 0.7 --storage s.db --study a
says err 'trial 3 of study "a" is not running'
run 0 "$AUTOGLM" tell 3 0.7 --skip-if-finished --storage s.db --study a
run 1 "$AUTOGLM" tell 99 0.7 --storage s.db --study a
says err 'no trial 99'
run 2 "$AUTOGLM" tell 6 --storage s.db --study a
says err "the trial's value is missing"
run 2 "$AUTOGLM" tell six 1 --storage s.db --study a
run 0 "$AUTOGLM" study best --storage s.db --study a --json
check "the best is the one that was told" python3 -c '
import json
t = json.load(open("out"))
assert t["number"] == 3 and t["values"] == [0.9]'
run 0 "$AUTOGLM" study show --storage s.db --study a
says out '8: 2 complete, 0 pruned, 1 failed, 5 running'
run 0 "$AUTOGLM" ask --storage s.db --study a
says out '^8	x='

finish
