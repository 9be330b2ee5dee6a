#!/bin/sh
# optimize, ask, tell and study with several objectives.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1

# two.sh X: near 1 is good for the first, which is minimised; near -1 for the second, which is maximised.
cat >two.sh <<'END'
#!/bin/sh
exec awk -v x="$1" 'BEGIN {
    print "{\"step\": 1, \"value\": 3}"
    printf "{\"values\": [%.9g, %.9g]}\n", (x - 1) ^ 2, -(x + 1) ^ 2
}'
END
cat >same.sh <<'END'
#!/bin/sh
printf '{"values": [%s, %s]}\n' "$1" "$1"
END
chmod +x two.sh same.sh

run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --direction minimize --direction maximize --trials 40 --jobs 2 \
    --storage sqlite:///s.db --study two --json -- ./two.sh '{x}'
check "the front is where neither gets better without the other" python3 -c '
import json
r = json.load(open("out"))
front = r["front"]
assert r["trials_complete"] == 40 and len(front) > 3 and "best" not in r, r
x = [t["params"]["x"] for t in front]
assert max(x) < 1.3 and min(x) > -1.3, x
for a in front:
    assert not any(b["values"][0] <= a["values"][0] and b["values"][1] > a["values"][1] for b in front)'
cp out front.json
run 0 "$AUTOGLM" study best-trials --storage s.db --study two --json
check "study best-trials names the same" python3 -c '
import json
a, b = json.load(open("out")), json.load(open("front.json"))["front"]
assert [(t["number"], t["values"]) for t in a] == [(t["number"], t["values"]) for t in b]'
run 0 "$AUTOGLM" study best-trials --storage s.db --study two
check "a line a trial" python3 -c '
import json
assert len(open("out").readlines()) == len(json.load(open("front.json"))["front"])'
run 0 "$AUTOGLM" study show --storage s.db --study two
says out '^direction minimize, maximize$'
says out '^front$'
run 0 "$AUTOGLM" study list --storage s.db
says out '40 trials  minimize, maximize'
run 0 "$AUTOGLM" study show --storage s.db --study two --json
check "show has the front" python3 -c '
import json
r = json.load(open("out"))
assert r["directions"] == ["minimize", "maximize"] and len(r["front"]) > 3 and "best" not in r'
run 2 "$AUTOGLM" study best --storage s.db --study two
says err 'has 2 objectives.*best-trials'
run 0 "$AUTOGLM" study export --storage s.db --study two --format csv
says out '^number,state,value_0,value_1,duration_s,x$'
run 0 "$AUTOGLM" optimize --trials 44 --storage s.db --study two -- ./two.sh '{x}'
says out '^front: trial [0-9]+, value [0-9.e-]+ -[0-9.e-]+$'
run 0 "$AUTOGLM" optimize --trials 46 --storage s.db --study two --json-lines -- ./two.sh '{x}'
check "events have both values" python3 -c '
import json
events = [json.loads(line) for line in open("out")]
ends = [e for e in events if e["event"] == "trial_end"]
assert len(ends) == 2 and all(len(e["values"]) == 2 for e in ends), events'
for sampler in random qmc halton grid tpe nsga2; do
    run 0 "$AUTOGLM" optimize --space 'x=int(-4,5)' --direction maximize --direction minimize --sampler "$sampler" --trials 10 \
        --storage memory --quiet --json -- ./same.sh '{x}'
    check "$sampler: all are on the front" python3 -c '
import json
assert len(json.load(open("out"))["front"]) == 10'
done
run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --direction minimize --direction maximize --stop-after-stagnation 8 \
    --trials 2000 --storage memory -- ./same.sh 1
says err '^9 trials complete.*no better trial for long'

# Points over 0 violate a constraint: none of them is on the front.
cat >limited.sh <<'END'
#!/bin/sh
printf '{"values": [%s, %s], "constraints": [-1, %s]}\n' "$1" "$1" "$1"
END
chmod +x limited.sh
run 0 "$AUTOGLM" optimize --space 'x=int(-4,5)' --direction maximize --direction minimize --trials 10 --storage s.db --study c \
    --quiet --json -- ./limited.sh '{x}'
check "five of ten are feasible" python3 -c '
import json
assert sorted(t["params"]["x"] for t in json.load(open("out"))["front"]) == [-4, -3, -2, -1, 0]'

# Each objective has an importance of its own, by number or metric name.
cat >axes.sh <<'END'
#!/bin/sh
echo "{\"values\": [$1, $2]}"
END
chmod +x axes.sh
run 0 "$AUTOGLM" optimize --space 'x=uniform(0,1)' --space 'y=uniform(0,1)' --direction minimize --direction maximize --sampler random \
    --trials 100 --storage s.db --study axes --quiet -- ./axes.sh '{x}' '{y}'
python3 -c '
import sqlite3
d = sqlite3.connect("s.db")
(i,) = d.execute("select study_id from studies where study_name = ?", ("axes",)).fetchone()
d.execute("insert into study_system_attributes (study_id, key, value_json) values (?, ?, ?)", (i, "study:metric_names", """["cost", "gain"]"""))
d.commit()'
for pair in 0:x 1:y cost:x gain:y; do
    run 0 "$AUTOGLM" study importance --storage s.db --study axes --objective "${pair%:*}" --json
    check "objective ${pair%:*} is of ${pair#*:}" python3 -c '
import json, sys
share = json.load(open("out"))["importance"]
assert share[sys.argv[1]] > 0.9, share' "${pair#*:}"
done
run 2 "$AUTOGLM" study importance --storage s.db --study axes --objective 2
says err '--objective 2: study "axes" has 2, numbered from 0'
run 2 "$AUTOGLM" study importance --storage s.db --study axes --objective speed
says err 'none of that name'

# What goes wrong.
run 1 "$AUTOGLM" optimize --trials 50 --storage s.db --study two --sampler gp -- ./two.sh '{x}'
says err 'sampler gp is for one objective, not 2: take one of random'
run 1 "$AUTOGLM" optimize --trials 50 --storage s.db --study two --pruner asha -- ./two.sh '{x}'
says err 'pruner asha compares one objective'
run 2 "$AUTOGLM" optimize --trials 50 --storage s.db --study two --target 1 -- ./two.sh '{x}'
says err 'target: a study of 2 objectives'
run 2 "$AUTOGLM" optimize --trials 50 --storage s.db --study two --direction minimize -- ./two.sh '{x}'
says err 'stored with 2 objectives, asked for with 1'
run 1 "$AUTOGLM" optimize --space 'x=uniform(0,1)' --direction minimize --direction maximize --trials 2 --storage memory -- echo 3
says err 'told 1 values, expected 2'

# Ask and tell.
run 0 "$AUTOGLM" ask --storage s.db --study a --space 'x=uniform(0,1)' --direction maximize --direction maximize --count 3 --json
run 0 "$AUTOGLM" tell 0 1 2 --storage s.db --study a
run 0 "$AUTOGLM" tell 1 2 1 --storage s.db --study a
run 2 "$AUTOGLM" tell 2 0.5 --storage s.db --study a
says err 'told 1 values, expected 2'
run 0 "$AUTOGLM" tell 2 0.5 0.5 --storage s.db --study a
run 0 "$AUTOGLM" study best-trials --storage s.db --study a --json
check "two of three are on the front" python3 -c '
import json
assert [t["number"] for t in json.load(open("out"))] == [0, 1]'

finish
