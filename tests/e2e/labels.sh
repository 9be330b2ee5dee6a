#!/bin/sh
# Several labels a document, from joined cells and from lists; labels that are awkward to print.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1

python3 - <<'END'
import csv, json, random
random.seed(1)
words = {"code": "kernel compiler server patch socket", "food": "recipe oven butter onion soup",
         "sport": "goal match team player score"}
words = {label: text.split() for label, text in words.items()}
rows = []
for i in range(240):
    labels = sorted(random.sample(sorted(words), random.choice([0, 1, 1, 2, 3])))
    text = [random.choice(words[l]) for l in labels for _ in range(4)]
    text += ["w%d" % random.randrange(30) for _ in range(4)]
    random.shuffle(text)
    rows.append((labels, " ".join(text)))
with open("joined.csv", "w", newline="") as f:
    w = csv.writer(f)
    w.writerow(["text", "labels"])
    w.writerows([text, "|".join(labels)] for labels, text in rows)
with open("lists.jsonl", "w") as f:
    for labels, text in rows:
        f.write(json.dumps({"text": text, "labels": labels}) + "\n")
END

run 0 "$AUTOGLM" tune joined.csv --trials 5 --threads 1 --out joined.bundle
says err "task: multilabel, 3 labels"
says out 'micro_f1'
run 0 "$AUTOGLM" tune lists.jsonl --trials 5 --threads 1 --out lists.bundle
says err 'labels are lists'
check "lists and joined cells give the same model" cmp joined.bundle/model-0.bin lists.bundle/model-0.bin
printf 'kernel compiler goal match team server\nrecipe oven butter\nw1 w2\n' >lines
"$AUTOGLM" predict joined.bundle <lines >out 2>err
check "predict joins labels, and prints an empty line for none" sh -c \
    'printf "code|sport\nfood\n\n" | cmp - out'
"$AUTOGLM" predict joined.bundle --json <lines >out 2>err
check "predict --json lists them" python3 -c '
import json
rows = [json.loads(line) for line in open("out")]
assert [r["labels"] for r in rows] == [["code", "sport"], ["food"], []], rows
assert all(len(r["probabilities"]) == len(r["labels"]) for r in rows)'
"$AUTOGLM" predict joined.bundle --top 3 <lines >out 2>err
check "predict --top prints so many labels" sh -c \
    'awk -F"\t" "NF != 6 { exit 1 }" out && [ "$(wc -l <out)" = 3 ]'
run 0 "$AUTOGLM" eval lists.bundle lists.jsonl --json
check "eval scores label sets" python3 -c '
import json
e = json.load(open("out"))
assert e["micro_f1"] > 0.9 and e["confusion"] is None and len(e["classes"]) == 3, e'

# A label may hold what breaks a line or speaks to the terminal.
python3 - <<'END'
import csv
with open("odd.csv", "w", newline="") as f:
    w = csv.writer(f)
    w.writerow(["label", "text"])
    for i in range(20):
        w.writerow(["a\nb", "red apple %d" % i])
        w.writerow(["c\x1b[31m<i>", "blue sky %d" % i])
END
run 0 "$AUTOGLM" tune odd.csv --trials 2 --threads 1 --out odd.bundle
check "labels are escaped in the report" sh -c '! grep -q "<i>" odd.bundle/report.html'
printf 'red apple\nblue sky\n' | "$AUTOGLM" predict odd.bundle >out 2>err
check "a label stays on its line" sh -c 'printf "a\\\\nb\nc\\\\x1b[31m<i>\n" | cmp - out'
printf 'red apple\n' | "$AUTOGLM" predict odd.bundle --json >out 2>err
check "JSON has the label as it is" python3 -c '
import json
assert json.load(open("out"))["labels"] == ["a\nb"]'

# Runs side by side share a study and a bundle.
"$AUTOGLM" tune joined.csv --trials 4 --threads 1 --out both.bundle >one 2>&1 &
pid=$!
run 0 "$AUTOGLM" tune joined.csv --trials 4 --threads 1 --out both.bundle
wait "$pid"
check "both runs end well" test $? = 0
check "nothing is left beside the bundle" sh -c '! ls -d both.bundle.*.old both.bundle.part-* 2>/dev/null'
run 0 "$AUTOGLM" eval both.bundle joined.csv

run 0 "$AUTOGLM" tune joined.csv --trials 4 --threads 1 --sampler grid --out grid.bundle
finish
