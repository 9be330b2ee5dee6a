#!/bin/sh
# study importance and study plot: tables, pictures in characters, pages in files.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1

run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --space 'm=choice(a,b)' --space 'lr=loguniform(1e-5,1)' --sampler random \
    --pruner asha --trials 60 --quiet --storage s.db --study q -- sh -c \
    'awk -v x="$1" -v m="$2" "BEGIN { v = x * x + (m == \"b\"); printf \"{\\\"step\\\": 1, \\\"value\\\": %g}\\n%g\\n\", v + 1, v }"' sh '{x}' '{m}'

run 0 "$AUTOGLM" study importance --storage s.db
says out '^x +[01]\.[0-9]+  #'
run 0 "$AUTOGLM" study importance --storage s.db --evaluator fanova --json
says out '"evaluator":"fanova"'
check "x decides" python3 -c 'import json; i = json.load(open("out"))["importance"]; assert list(i)[0] == "x" and abs(sum(i.values()) - 1) < 1e-9, i'
run 2 "$AUTOGLM" study importance --storage s.db --evaluator shap
says err '--evaluator shap: expected one of ped-anova'
run 2 "$AUTOGLM" study importance q --storage s.db
says err 'importance: "q" is one word too many'

for kind in history importance slice contour rank parallel edf front intermediate timeline; do
    run 0 env LC_ALL=C "$AUTOGLM" study plot "$kind" --storage s.db
    check "$kind is plain ASCII without a UTF-8 locale" python3 -c 'assert open("out").read().isascii()'
done
run 0 env LC_ALL=C.UTF-8 "$AUTOGLM" study plot --storage s.db
check "braille fits 80 columns" python3 -c '
t = open("out", encoding="utf-8").read()
assert any(0x2800 < ord(c) < 0x2900 for c in t) and all(len(line) <= 80 for line in t.splitlines()) and "\x1b" not in t, t'
run 0 env LC_ALL=C.UTF-8 FORCE_COLOR=1 "$AUTOGLM" study plot --storage s.db
says out '\[0;32m'
run 0 env LC_ALL=C.UTF-8 FORCE_COLOR=1 NO_COLOR=1 "$AUTOGLM" study plot --storage s.db
check "NO_COLOR wins" sh -c '! grep -q "\[0;" out'

run 0 "$AUTOGLM" study plot --storage s.db --out page.html
check "the page holds every kind and needs no network" python3 -c '
import re
t = open("page.html", encoding="utf-8").read()
assert t.count("<section ") == 10 and t.count("<svg ") == 9, t.count("<svg ")
assert set(re.findall(r"https?://[^\"]*", t)) == {"http://www.w3.org/2000/svg"}'
run 0 "$AUTOGLM" study plot slice --storage s.db --out slice.svg
check "an SVG file is well formed" python3 -c 'import xml.dom.minidom as m; m.parse("slice.svg")'
run 1 "$AUTOGLM" study plot front --storage s.db --out front.svg
says err 'A front takes two objectives'
run 2 "$AUTOGLM" study plot --storage s.db --out page.png
says err '--out page.png: expected a name in .html or .svg'
run 2 "$AUTOGLM" study plot pie --storage s.db
says err 'plot pie: expected one of history, importance, slice'

# copy and delete ask for the name, and leave the rest alone
run 0 "$AUTOGLM" study copy --storage s.db --study q --as r
says err '60 trials copied to study "r"'
run 0 "$AUTOGLM" study copy --storage s.db --study q --to sqlite:///other.db
for at in "s.db q" "s.db r" "other.db q"; do
    "$AUTOGLM" study export --storage "${at% *}" --study "${at#* }" | sed 's/"name":"[^"]*"//' >"copy-${at#* }-${at% *}"
done
check "the copies are the same to the byte" sh -c 'cmp copy-q-s.db copy-r-s.db && cmp copy-q-s.db copy-q-other.db'
run 2 "$AUTOGLM" study copy --storage s.db --study q --as r
says err 'r'
run 2 "$AUTOGLM" study copy --storage s.db --study q
says err 'copy: give the new name with --as'
run 2 "$AUTOGLM" study delete --storage other.db
says err 'delete: say which with --study NAME'
run 1 "$AUTOGLM" study delete --storage s.db --study nothing
says err 'there is no study "nothing"'
run 0 "$AUTOGLM" study delete --storage s.db --study r
run 0 "$AUTOGLM" study list --storage s.db
check "the other study is still there" sh -c 'grep -q "^q " out && ! grep -q "^r " out'

# export and import: JSON loses nothing, a CSV what it has no column for
"$AUTOGLM" study export --storage s.db --study q >q.json
"$AUTOGLM" study export --storage s.db --study q --format csv >q.csv
run 0 "$AUTOGLM" study import q.json --storage in.db --study j
says err '60 trials imported into study "j"'
check "JSON comes back to the byte" sh -c "'$AUTOGLM' study export --storage in.db --study j | sed 's/\"name\":\"j\"/\"name\":\"q\"/' | cmp - q.json"
run 0 "$AUTOGLM" study import q.csv --storage in.db --study c --space 'x=uniform(-5,5)' --space 'm=choice(a,b)' --space 'lr=loguniform(1e-5,1)'
"$AUTOGLM" study export --storage in.db --study c --format csv | cut -d, -f1-3,5- >c.csv
check "a CSV has every state, value and parameter" sh -c 'cut -d, -f1-3,5- q.csv | cmp - c.csv'
run 0 "$AUTOGLM" optimize --space 'x=uniform(-5,5)' --space 'm=choice(a,b)' --space 'lr=loguniform(1e-5,1)' --trials 62 --quiet \
    --storage in.db --study c -- echo '{x}'
run 0 "$AUTOGLM" study import q.csv --storage in.db --study guessed
run 0 "$AUTOGLM" study show --storage in.db --study guessed
says out '^ *m +choice .[ab], [ab]'
run 0 "$AUTOGLM" study import sqlite:///s.db --from-study q --storage in.db --study c
run 0 "$AUTOGLM" study list --storage in.db
says out '^c +122 trials'
sed '7s/,[ab]$/,z/;7s/,[ab],/,z,/' q.csv >bad.csv
run 1 "$AUTOGLM" study import bad.csv --storage in.db --study c
says err 'bad.csv:7: column "m": "z" is none of the parameter.s choices'
run 1 "$AUTOGLM" study import q.csv --storage in.db --study fresh --direction minimize --direction maximize
says err 'q.csv:1: 1 columns of values .* 2 objectives'
head -c 3000 q.json >cut.json
run 1 "$AUTOGLM" study import cut.json --storage in.db --study fresh
says err 'cut.json: line 1, column'
run 2 "$AUTOGLM" study import q.json --storage in.db
says err 'say into which study with --study NAME'
run 0 "$AUTOGLM" study list --storage in.db
check "what failed wrote nothing" sh -c 'grep -q "^c .* 122 trials" out && ! grep -q fresh out'

finish
