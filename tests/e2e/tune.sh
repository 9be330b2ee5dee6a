#!/bin/sh
# The main job: tune, predict, eval, study, on a file made here.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1

corpus() {
    awk -v n="$1" -v seed="$2" -f "$AGLM_SOURCE_ROOT/tests/e2e/corpus.awk"
}
corpus 600 1 >train.tsv
corpus 200 2 >test.tsv

run 0 "$AUTOGLM" tune train.tsv --trials 6 --threads 1 --seed 7 --out a.bundle
says out '^\* .*0\.[0-9]{4}'
says out 'bundle: a.bundle'
for file in manifest.json model-0.bin study.json README.md report.html times.json; do
    check "the bundle has $file" test -s "a.bundle/$file"
done
check "no half bundle is left" sh -c '! ls -d *.part-* 2>/dev/null'
check "the manifest is JSON with its command" python3 -c '
import json
m = json.load(open("a.bundle/manifest.json"))
assert m["format"] == "autoglm-bundle" and m["labels"] == ["code", "food", "sport"], m
assert m["seed"] == 7 and m["data"]["file"]["sha256"] and m["command"][1:3] == ["tune", "train.tsv"]
assert abs(sum(x["weight"] for x in m["members"]) - 1) < 1e-9
assert m["metrics"]["accuracy"] > 0.9, m["metrics"]'
check "the report is one file of its own" sh -c '! grep -Eq "(src|href)=.?https?:" a.bundle/report.html'

# The same seed gives the same bundle, times apart; so does a run that goes on from a stored study.
run 0 "$AUTOGLM" tune train.tsv --trials 6 --threads 1 --seed 7 --out b.bundle
check "the same seed gives the same bundle" diff -r -x times.json a.bundle b.bundle
run 0 "$AUTOGLM" tune train.tsv --trials 3 --threads 1 --seed 7 --out c.bundle
run 0 "$AUTOGLM" tune train.tsv --trials 6 --threads 1 --seed 7 --out c.bundle
check "trials of the resumed study are the same" python3 -c '
import json
a, c = (json.load(open(d + ".bundle/study.json"))["trials"] for d in "ac")
assert a == c and len(a) == 6'
check "a resumed run gives the same models" sh -c 'cmp a.bundle/model-0.bin c.bundle/model-0.bin'

run 0 "$AUTOGLM" eval a.bundle test.tsv --json
check "eval: accuracy in 0..1 and high on new documents" python3 -c '
import json
e = json.load(open("out"))
assert 0.9 < e["accuracy"] <= 1 and 0.9 < e["macro_f1"] <= 1, e
assert e["accuracy_95"][0] <= e["accuracy"] <= e["accuracy_95"][1]
assert sum(map(sum, e["confusion"])) == 200'
run 3 "$AUTOGLM" eval a.bundle test.tsv --min-accuracy 1.0
run 0 "$AUTOGLM" eval a.bundle test.tsv --against b.bundle
says out 'McNemar .* p = 1$'

printf 'the goal of the match\nsoup with garlic\n' >lines
"$AUTOGLM" predict a.bundle <lines >labels 2>err
check "predict labels standard input" sh -c 'printf "sport\nfood\n" | cmp - labels'
cat lines lines lines >again
"$AUTOGLM" predict a.bundle again --format lines >out 2>err
check "repeated lines are texts, not labels" sh -c '[ "$(wc -l <out)" = 6 ]'
"$AUTOGLM" predict a.bundle --top 2 <lines >out 2>err
says out '^sport	0\.[0-9]{4}	[a-z]+	0\.[0-9]{4}$'
run 0 "$AUTOGLM" predict a.bundle test.tsv --text 2
check "one label a document" sh -c '[ "$(wc -l <out)" = 200 ]'
"$AUTOGLM" predict a.bundle --explain <lines >out 2>err
says out '^ +\+[0-9.]+ +.*goal'

db=sqlite:///a.bundle.study.db
run 0 "$AUTOGLM" study list --storage "$db"
says out '^tune-[0-9a-f]{16} +6 trials'
run 0 "$AUTOGLM" study show --storage "$db"
says out 'direction maximize'
run 0 "$AUTOGLM" study trials --storage "$db"
says out '^ +0 +COMPLETE'
run 0 "$AUTOGLM" study best --storage "$db" --json
run 0 "$AUTOGLM" study export --storage "$db" --format csv
check "the export has a row a trial" sh -c '[ "$(wc -l <out)" = 7 ]'
run 1 "$AUTOGLM" study list --storage sqlite:///nothing.db
says err 'there is no such file'
check "looking makes no file" test ! -e nothing.db

run 0 "$AUTOGLM" tune train.tsv --trials 5 --threads 2 --out d.bundle --json-lines
check "json-lines: the events of a run" python3 -c '
import json
events = [json.loads(line) for line in open("out")]
kinds = {e["event"] for e in events}
assert events[0]["event"] == "start" and events[-1]["event"] == "done", kinds
assert kinds == {"start", "trial_start", "trial_report", "trial_end", "best", "done"}, kinds
ends = [e for e in events if e["event"] == "trial_end"]
assert len(ends) == 5 and all({"number", "state", "values", "params"} <= set(e) for e in ends)'
run 0 "$AUTOGLM" tune train.tsv --trials 3 --out e.bundle --json
check "json: one object" python3 -c '
import json
r = json.load(open("out"))
assert r["bundle"] == "e.bundle" and r["accuracy"] > 0.9 and r["leaderboard"]'

# A budget is hard, and limits are obeyed.
start=$(date +%s%N)
run 0 "$AUTOGLM" tune train.tsv --budget 3s --threads 1 --out f.bundle
took=$((($(date +%s%N) - start) / 1000000))
check "3 s took $took ms" test "$took" -lt 3600
run 3 "$AUTOGLM" tune train.tsv --trials 3 --max-size 1kB --out g.bundle
says out 'no model met the limits'

finish
