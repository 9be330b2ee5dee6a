#!/bin/sh
# Prompts where answers are texts: found, asked, measured, refused. The model is tiny and says one thing.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1
build=$(dirname "$AUTOGLM")
if [ ! -x "$build/tests/unit/glm_file" ] || [ ! -x "$build/autoglm-llama" ]; then
    skip "prompts for texts" "autoglm-llama or glm_file was not built"
    finish
fi
"$build/tests/unit/glm_file" tiny.gguf || exit 1
awk 'BEGIN { for (i = 0; i < 60; i++)
    printf "{\"context\":\"It is about %d.\",\"question\":\"What is it about?\",\"answer\":\"%s\"}\n", i,
        i % 2 ? "thing " i : "XYZQJKVW" }' >examples.jsonl
# shellcheck disable=SC2317 # run calls it by name
tune() {
    "$AUTOGLM" tune "$@" --model tiny.gguf --threads 1
}

run 0 tune examples.jsonl --trials 4 -o b --metric exact
says err 'task: question-answering'
says err 'answer .--label overrides.: column "answer"'
says out 'examples to show, .* to choose by, .* to test by'
says out 'this prompt +0\.[0-9]+ .95 % interval'
says out 'a plain question'
check "the bundle is whole" test -f b/manifest.json -a -f b/model-0.bin -a -f b/study.json -a -f b/README.md
run 0 tune examples.jsonl --trials 4 -o c --metric exact --storage memory --json
check "the same seed finds the same prompt" cmp b/model-0.bin c/model-0.bin
check "as JSON" python3 -c '
import json
t = json.load(open("out"))
assert t["metric"] == "exact_match" and t["task"] == "question-answering", t
assert t["test"]["low_95"] <= t["test"]["value"] <= t["test"]["high_95"], t'
run 0 tune examples.jsonl --trials 6 -o b --metric exact --json-lines
check "events go on from the study's trials" python3 -c '
import json
e = [json.loads(l) for l in open("out")]
assert [x["number"] for x in e if x["event"] == "trial_end"] == [4, 5], e
assert e[-1]["event"] == "done"'

run 0 tune examples.jsonl --trials 9 -o nothing --metric exact --dry-run
says out 'about [0-9]+ answers, .* tokens read, .* s on one thread'
check "a dry run leaves nothing" test ! -e nothing -a ! -e nothing.study.db
run 0 tune examples.jsonl --plain -o plain --metric exact
says out 'layout=ask instruction=full shots=0'

head -n 3 examples.jsonl >three.jsonl
run 0 "$AUTOGLM" predict b three.jsonl
check "an answer a line" test "$(cat out)" = "XYZQJKVW
XYZQJKVW
XYZQJKVW"
run 0 "$AUTOGLM" predict b three.jsonl --json
check "answers as JSON" python3 -c '
import json
a = [json.loads(l) for l in open("out")]
assert len(a) == 3 and a[0]["answer"] == "XYZQJKVW" and a[0]["tokens"] > 0, a'
run 0 "$AUTOGLM" eval b examples.jsonl
says out 'exact_match 0.5000 .95 % interval .* of 60 answers'
run 0 "$AUTOGLM" eval b examples.jsonl --json
check "half of them are right" python3 -c '
import json
assert json.load(open("out"))["value"] == 0.5'

run 2 tune examples.jsonl --trials 1 --metric f9
says err '.--metric f9: answers are texts here; expected one of label, exact_match'
run 2 tune examples.jsonl --trials 1 --label target
says err 'no column "target"'
run 2 tune examples.jsonl --trials 1 --folds 3
says err '.--folds: does not apply where answers are texts'
run 2 tune examples.jsonl --task binary --plain
says err '.--plain: applies where answers are texts'
run 2 tune examples.jsonl --trials 1 --metric number
says err 'examples.jsonl:1: '
run 2 tune three.jsonl --task question-answering --trials 1
says err '3 examples; a prompt is found from 20 or more'
: >empty.jsonl
run 1 tune empty.jsonl --task question-answering --trials 1
says err 'empty.jsonl'
run 2 "$AUTOGLM" predict b three.jsonl --top 2
says err 'answers with texts, not with labels'
echo '{"question":"?"}' >half.jsonl
run 2 "$AUTOGLM" predict b half.jsonl
says err 'half.jsonl: no column "context"'
sed 's/XYZ/ABC/' b/model-0.bin >c/model-0.bin
sed -i 's/"version": 1/"version": 9/' c/manifest.json
run 1 "$AUTOGLM" predict c three.jsonl
says err 'c/manifest.json: version: 9'
mv tiny.gguf other.gguf
run 1 "$AUTOGLM" predict b three.jsonl
says err 'tiny.gguf'

finish
