#!/bin/sh
# optimize --engine slurm on a real Slurm of four nodes on this machine.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1

run 2 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --storage memory --engine slurm -- true
says err 'the nodes cannot reach a study in memory'

if ! folder=$("$AGLM_SOURCE_ROOT/tests/slurm_cluster.sh" start $$ 2>why); then
    skip "optimize --engine slurm" "$(tail -n 1 why)"
    finish
fi
SLURM_CONF=$folder/slurm.conf
export SLURM_CONF

cat >square.sh <<'END'
#!/bin/sh
sleep 0.1
echo "trial $AUTOGLM_TRIAL of task ${SLURM_ARRAY_TASK_ID:-none} on ${SLURMD_NODENAME:-none}, $GREETING" >&2
echo "$SLURMD_NODENAME" >>nodes
awk -v x="$1" 'BEGIN { print (x - 2) ^ 2 }'
END
chmod +x square.sh

# Four workers, 40 trials together; the environment comes along, the output stays.
run 0 env GREETING="it's here" "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --trials 40 --storage sqlite:///s.db --study q \
    --engine slurm --workers 4 --json -- ./square.sh '{x}' "it's \$HOME"
says err 'job [0-9]+: 4 workers'
check "40 trials, the best near the optimum" python3 -c '
import json
r = json.load(open("out"))
assert r["trials_complete"] == 40 and r["trials_failed"] == 0 and r["best"]["value"] < 0.5, r
assert r["stopped_by"] == "the trials are done", r'
check "every node worked" sh -c '[ "$(sort -u nodes | grep -c "^n[1-4]$")" = 4 ]'
check "no job is left" sh -c '[ -z "$(squeue --noheader)" ]'
run 0 "$AUTOGLM" study trials --storage s.db --study q --json
check "numbers are dense, no point twice" python3 -c '
import json
trials = json.load(open("out"))["trials"]
assert [t["number"] for t in trials] == list(range(40))
assert len({t["params"]["x"] for t in trials}) == 40'

# The rules that stop a search are the workers'.
run 0 env GREETING=hello "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --trials 300 --stop-regret 0.5 --storage s.db --study regret \
    --engine slurm --workers 2 --json -- ./square.sh '{x}'
check "the regret's bound stops them" python3 -c '
import json
r = json.load(open("out"))
assert 20 <= r["trials_complete"] < 300 and r["stopped_by"] == "the workers have ended", r'

# A trial that fails keeps its last words, environment and all.
run 1 env GREETING="it's here" "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --trials 2 --storage s.db --study bad \
    --engine slurm --workers 2 -- sh -c './square.sh 1 >/dev/null; exit 3'
"$AUTOGLM" study trials --storage s.db --study bad --json >bad.json
check "failures tell where they were, and the environment" python3 -c '
import json
words = [t["attrs"]["output"] for t in json.load(open("bad.json"))["trials"]]
assert len(words) == 2 and all("of task" in w and "here" in w for w in words), words'

# Ctrl-C ends the job, and the same command goes on.
"$AUTOGLM" optimize --space 'x=uniform(0,1)' --trials 8 --storage s.db --study int --engine slurm --workers 2 \
    -- sh -c 'sleep 0.7; echo {x}' >out 2>err &
pid=$!
for _ in $(seq 60); do
    squeue --noheader --states=running | grep -q . && break
    sleep 0.2
done
sleep 1
kill -INT "$pid"
wait "$pid"
check "Ctrl-C exits with 130" test $? = 130
check "its job is cancelled" sh -c '[ -z "$(squeue --noheader)" ]'
run 0 "$AUTOGLM" optimize --space 'x=uniform(0,1)' --trials 8 --storage s.db --study int --engine slurm --workers 2 \
    -- sh -c 'sleep 0.1; echo {x}'
says err '^8 trials complete'

# A deadline ends it too.
start=$(date +%s)
run 1 "$AUTOGLM" optimize --space 'x=uniform(0,1)' --timeout 2s --storage s.db --study late --engine slurm --workers 2 -- sleep 613
check "a timeout of 2 s ends within 20" test $(($(date +%s) - start)) -lt 20
check "no process is left" sh -c "sleep 1; ! pgrep -f '[s]leep 613'"

# What Slurm refuses is said in its words.
run 1 "$AUTOGLM" optimize --space 'x=uniform(0,1)' --storage s.db --study no --engine slurm --slurm '--partition=none' -- true
says err 'sbatch failed: .*partition'

"$AGLM_SOURCE_ROOT/tests/slurm_cluster.sh" stop "$folder"
finish
