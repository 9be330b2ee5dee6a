#!/bin/sh
# Tables of numbers and categories: tune, predict, eval, for classes and for numbers to predict.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1

table() {
    awk -v n="$1" -v seed="$2" -v kind="$3" -f "$AGLM_SOURCE_ROOT/tests/e2e/table.awk"
}
table 500 1 classes >train.csv
table 200 2 classes >test.csv

run 1 env AGLM_XGBOOST=/nowhere.so "$AUTOGLM" tune train.csv --trials 2 --out none.bundle
says err 'install libxgboost-dev'
if ! "$AUTOGLM" doctor | grep '^learners' | grep -q 'trees$'; then
    skip "tables are learned from" "XGBoost is not installed"
    finish
fi

run 0 "$AUTOGLM" tune train.csv --trials 6 --threads 1 --seed 7 --out a.bundle
says err '^label: column "target", by its name'
says err '^numbers: 3 columns: "height", "width", "noise"'
says err '^categories: 1 column: "colour" \(3\)'
says err '^task: multiclass, 3 classes'
says err '^500 rows, 3 labels'
says out '^\* .*0\.[0-9]{4}'
check "the manifest names the columns" python3 -c '
import json
m = json.load(open("a.bundle/manifest.json"))
assert m["data"]["feature_columns"] == ["height", "width", "colour", "noise"], m["data"]
assert m["labels"] == ["high", "low", "middle"] and m["metrics"]["accuracy"] > 0.85, m
assert all(x["learner"] == "trees" for x in m["members"])'
run 0 "$AUTOGLM" tune train.csv --trials 6 --threads 2 --seed 7 --out b.bundle
check "the same seed gives the same models, for any threads" cmp a.bundle/model-0.bin b.bundle/model-0.bin
run 0 "$AUTOGLM" eval a.bundle test.csv --json
check "eval: high accuracy on new rows" python3 -c '
import json
e = json.load(open("out"))
assert 0.85 < e["accuracy"] <= 1 and e["accuracy_95"][0] <= e["accuracy"] <= e["accuracy_95"][1], e
assert "rmse" not in e'

# Rows are found by the columns' names, whatever their order, and need no label.
awk -F, -v OFS=, '{ print $4, $3, $2, $1 }' test.csv >moved.csv
run 0 "$AUTOGLM" predict a.bundle moved.csv
check "one label a row" sh -c '[ "$(wc -l <out)" = 200 ]'
cp out moved.labels
run 0 "$AUTOGLM" predict a.bundle test.csv
check "the order of columns does not matter" cmp out moved.labels
"$AUTOGLM" predict a.bundle <test.csv >out 2>err
check "standard input is read as CSV" cmp out moved.labels
cut -d, -f1-3 test.csv >narrow.csv
run 2 "$AUTOGLM" predict a.bundle narrow.csv
says err 'no column "noise"'
printf 'height,width,colour,noise\n9.5,8,green,0.5\n,,violet,\n' >two.csv
run 0 "$AUTOGLM" predict a.bundle two.csv --explain --top 3
says out '^high	0\.[0-9]{4}	'
says out '^ +\+[0-9.]+ +(colour = green|height = 9.5)'
run 0 "$AUTOGLM" predict a.bundle two.csv --explain --json
check "json: the columns that speak for the label" python3 -c '
import json
rows = [json.loads(line) for line in open("out")]
assert rows[0]["labels"] == ["high"] and rows[0]["because"][0]["column"] in ("colour", "height"), rows'

# Numbers to predict.
table 500 3 numbers >train.csv
table 200 4 numbers >test.csv
run 2 "$AUTOGLM" tune train.csv --trials 2 --out r.bundle
says err 'name it with --label COL'
run 0 "$AUTOGLM" tune train.csv --label price --trials 6 --threads 1 --out r.bundle
says err '^task: regression'
says out '^RMSE [0-9.]+ \(95 % interval .*R2 0\.[0-9]{4}'
run 0 "$AUTOGLM" eval r.bundle test.csv --json
check "eval: most of the variance is explained" python3 -c '
import json
e = json.load(open("out"))
assert e["r2"] > 0.85 and e["rmse_95"][0] <= e["rmse"] <= e["rmse_95"][1] and e["mae"] < e["rmse"], e
assert "accuracy" not in e'
run 0 "$AUTOGLM" predict r.bundle two.csv --explain
says out '^[0-9.]+$'
run 2 "$AUTOGLM" eval r.bundle test.csv --min-accuracy 0.5
run 2 "$AUTOGLM" tune train.csv --label price --metric accuracy --trials 2 --out x.bundle
says err '--metric accuracy: does not fit the task, regression'
run 2 "$AUTOGLM" tune train.csv --label price --learners linear --trials 2 --out x.bundle
says err 'learns from texts only'
check "the report shows the error" grep -q 'RMSE' r.bundle/report.html

# A row without its number is named; damage is noticed.
printf '1,2,red,0,none\n' >>train.csv
run 2 "$AUTOGLM" tune train.csv --label price --task regression --trials 2 --out x.bundle
says err 'no numbers'
python3 - <<'END'
b = bytearray(open("a.bundle/model-0.bin", "rb").read())
b[len(b) // 2] ^= 0x40
open("a.bundle/model-0.bin", "wb").write(b)
END
run 1 "$AUTOGLM" predict a.bundle two.csv
says err 'a.bundle/model-0.bin'

finish
