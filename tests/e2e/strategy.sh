#!/bin/sh
# Strategies of the user's own, behaved and not, alone and in a portfolio.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1
examples=$AGLM_SOURCE_ROOT/examples

cat >score.sh <<'END2'
#!/bin/sh
exec awk -v x="$1" -v k="$2" 'BEGIN { print (x - 2) * (x - 2) + (k != "b") }'
END2
chmod +x score.sh

# optimize STUDY SAMPLER [OPTION...]: 40 trials.
optimize() {
    study=$1 sampler=$2
    shift 2
    run "${expected:-0}" "$AUTOGLM" optimize --space 'x=uniform(-50,50)' --space 'k=choice(a,b,c)' --sampler "$sampler" --trials 40 \
        --storage s.db --study "$study" --json "$@" -- ./score.sh '{x}' '{k}'
}

# notes STUDY: its trials, for the checks below.
notes() {
    "$AUTOGLM" study trials --storage s.db --study "$1" --json >notes
}

check "the example builds with the installed header alone" \
    "${CC:-cc}" -std=c11 -O2 -Wall -Werror -shared -fPIC -I"$AGLM_SOURCE_ROOT/include" -o climber.so "$examples/strategy.c" -lm
optimize so climber.so
check "it climbs" python3 -c '
import json
r = json.load(open("out"))
assert r["best"]["value"] < 1 and r["best"]["params"]["k"] == "b", r'
notes so
check "all points are its own" python3 -c '
import json
trials = json.load(open("notes"))["trials"]
assert len(trials) == 40 and not any("autoglm:strategy_error" in t["attrs"] for t in trials)'
optimize cmd "cmd:python3 '$examples/strategy.py'" --jobs 3
check "it breeds" python3 -c '
import json
r = json.load(open("out"))
assert r["best"]["value"] < 2, r'
run 0 "$AUTOGLM" strategy ./climber.so
run 127 "$AUTOGLM" strategy ./absent.so
says err 'absent.so'

optimize mixed "portfolio:auto,random,./climber.so,cmd:python3 '$examples/strategy.py'"
notes mixed
check "each had a share" python3 -c '
import collections, json
trials = json.load(open("notes"))["trials"]
share = collections.Counter(t["attrs"]["autoglm:strategy"] for t in trials)
assert len(share) == 4 and min(share.values()) >= 2, share'

# misbehaves NAME TEXT SCRIPT: 40 trials all the same, with TEXT as the reason.
misbehaves() {
    printf '%s\n' "$3" >"$1.sh"
    optimize "$1" "cmd:sh $1.sh" --sampler-timeout 300ms
    notes "$1"
    check "$1: 40 trials, and the reason" python3 -c '
import json, sys
trials = json.load(open("notes"))["trials"]
assert len(trials) == 40 and all(t["state"] == "COMPLETE" for t in trials)
assert len({str(t["params"]) for t in trials}) == 40
why = [t["attrs"].get("autoglm:strategy_error", "") for t in trials]
assert all(sys.argv[1] in w for w in why[1:]), why' "$2"
}
misbehaves hang 'did not answer in time' 'sleep 613'
misbehaves die 'it ended with exit code 3: no more' 'echo no more >&2; exit 3'
misbehaves garbage 'its answer' 'echo hello; cat >/dev/null'
misbehaves outside 'x: 51 is not in -50..50' 'while read -r l; do case $l in *ask*) echo "{\"params\": {\"x\": 51, \"k\": \"a\"}}";; esac; done'
misbehaves unknown '"z" is no parameter' 'while read -r l; do case $l in *ask*) echo "{\"params\": {\"z\": 1}}";; esac; done'
misbehaves choice 'k: ' 'while read -r l; do case $l in *ask*) echo "{\"params\": {\"x\": 1, \"k\": \"q\"}}";; esac; done'
misbehaves again 'has its point already' 'while read -r l; do case $l in *ask*) echo "{\"params\": {\"x\": 1, \"k\": \"a\"}}";; esac; done'
# A second answer is not taken for that to the next question.
cat >twice.sh <<'END'
while read -r l; do case $l in *ask*) n=$((n + 1)); echo "{\"params\": {\"x\": $n, \"k\": \"a\"}}"; echo "{\"params\": {\"x\": -$n, \"k\": \"c\"}}";; esac; done
END
optimize twice 'cmd:sh twice.sh'
notes twice
check "twice: 40 trials, and the reason" python3 -c '
import json
trials = json.load(open("notes"))["trials"]
why = [t["attrs"].get("autoglm:strategy_error", "") for t in trials]
assert len(trials) == 40 and all(t["state"] == "COMPLETE" for t in trials)
assert sum("answered twice" in w for w in why) >= 12, why'
check "no process is left" sh -c "! pgrep -f '[s]leep 613'"

expected=1
optimize absent 'cmd:./absent.sh'
says err 'the strategy cmd:./absent.sh: it ended with exit code 127'
optimize noso ./absent.so
says err 'absent.so'
printf 'int x;\n' >empty.c
"${CC:-cc}" -shared -fPIC -o empty.so empty.c
optimize empty ./empty.so
says err 'exports no aglm_strategy_plugin'
expected=2
optimize bad magic
says err '--sampler: magic: expected one of random'
optimize bad portfolio:tpe,magic
says err 'portfolio: magic'
expected=0

# Several objectives: both directions and both values are told.
cat >front.sh <<'END'
while read -r l; do case $l in
*'"directions": ["minimize", "maximize"]'*) said=1 ;;
*'"values": ['*) n=$((n + 1)) ;;
*ask*) if [ "$said" = 1 ]; then echo "{\"params\": {\"x\": 0.$((n + 1))}}"; else echo '{"error": "deaf"}'; fi ;;
esac; done
END
cat >two.sh <<'END'
#!/bin/sh
echo "{\"values\": [$1, $1]}"
END
chmod +x two.sh
run 0 "$AUTOGLM" optimize --space 'x=uniform(0,1)' --direction minimize --direction maximize --sampler 'cmd:sh front.sh' --trials 8 \
    --storage s.db --study front -- ./two.sh '{x}'
notes front
check "it hears of each trial" python3 -c '
import json
assert [t["params"]["x"] for t in json.load(open("notes"))["trials"]] == [k / 10 for k in range(1, 9)]'

finish
