#!/bin/sh
# What a bundle asks its language model, and templates with their variables filled.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1

python3 - <<'END'
import hashlib, json, pathlib
def model(**more):
    m = {"version": 1, "model": "/models/some.gguf", "model_bytes": 91700000, "max_chars": 12, "mean": False,
         "prefix": "Label each text.\n\nText: 很好\nCategory: good\n\n", "before": "Text: ", "after": "\nCategory:",
         "answers": [" good", " bad\u001b[31m"], "bias": [0.25, -0.25]}
    return json.dumps(dict(m, **more)).encode()
def bundle(name, *members):
    folder = pathlib.Path(name)
    folder.mkdir()
    rows = []
    for i, (learner, weight, data) in enumerate(members):
        (folder / f"model-{i}.bin").write_bytes(data)
        rows.append({"file": f"model-{i}.bin", "learner": learner, "bytes": len(data), "weight": weight, "scale": 1, "shift": 0,
                     "sha256": hashlib.sha256(data).hexdigest(), "trial": 7, "params": {"learner": learner, "prompted.shots": "1"}})
    (folder / "manifest.json").write_text(json.dumps({"format": "autoglm-bundle", "version": 1, "task": "binary",
                                                      "labels": ["gut", "schlecht"], "members": rows}))
bundle("one.bundle", ("prompted", 1, model()))
bundle("two.bundle", ("prompted", 0.25, model(mean=True)), ("prompted", 0.75, model(before="Q: ")))
END
printf 'gut\tgood morning and a good day\nschlecht\tbad evening and a bad night\n' >few.tsv
for _ in 1 2 3 4 5; do cat few.tsv; done >train.tsv
run 0 "$AUTOGLM" tune train.tsv --trials 1 --seed 1 --out words.bundle

run 0 "$AUTOGLM" prompt show one.bundle
says out '^model +/models/some.gguf \(91\.7 MB\)$'
says out '^parameters +learner=prompted prompted.shots=1'
says out '^words +gut +" good" \+0\.250$'
says out '^ +schlecht +" bad\\x1b\[31m" -0\.250$'
says out 'by the sum of their$'
says out '^Text: 很好$'
says out '^Text: \{text\}$'
run 0 "$AUTOGLM" prompt show --json two.bundle
check "the heavier model, as JSON" python3 -c '
import json
p = json.load(open("out"))
assert p["member"] == 1 and p["before"] == "Q: " and p["score"] == "sum", p
assert p["labels"][0] == {"label": "gut", "words": " good", "bias": 0.25}, p
assert p["parameters"]["prompted.shots"] == "1" and p["trial"] == 7, p'
run 0 "$AUTOGLM" prompt show --json --member 0 two.bundle
says out '"score":"mean"'
run 1 "$AUTOGLM" prompt show --member 2 two.bundle
says err 'two.bundle: it has no model 2'
run 1 "$AUTOGLM" prompt show words.bundle
says err 'words.bundle: no prompt there: its models are: (linear|embed)'
run 1 "$AUTOGLM" prompt show absent.bundle
says err 'absent.bundle'

run 0 "$AUTOGLM" prompt render one.bundle --text 'one
two	three four'
printf 'Label each text.\n\nText: 很好\nCategory: good\n\nText: one two thre\nCategory:\n' >wanted
check "is what is sent, to the byte" cmp wanted out
printf 'one\ntwo\tthree four\r\n' >text
check "from standard input, too" sh -c "'$AUTOGLM' prompt render one.bundle <text >again && cmp wanted again"
run 0 "$AUTOGLM" prompt render two.bundle --json --text x
check "as JSON" python3 -c '
import json
p = json.load(open("out"))
assert p["prompt"] == "Q: x\nCategory:" and p["answers"][0] == " good", p
assert p["prefix"].startswith("Label each text."), p'

printf 'Translate "{text}" into {language}.\n' >simple.txt
printf '{%% if formal %%}Dear {{ name }},{%% endif %%} hello\n' >jinja.txt
run 0 "$AUTOGLM" prompt render --template simple.txt text='a=b {x}' language=中文
printf 'Translate "a=b {x}" into 中文.\n' >wanted
check "filled, values as they stand" cmp wanted out
run 0 "$AUTOGLM" prompt render --template jinja.txt formal=yes name=Ada
says out '^Dear Ada, hello'
run 2 "$AUTOGLM" prompt render --template simple.txt text=x
says err "simple.txt: template line 1, column 25: unknown variable 'language'; the input variables are: text"
run 2 "$AUTOGLM" prompt render --template simple.txt text=x language
says err 'language: expected NAME=VALUE'
run 1 "$AUTOGLM" prompt render --template absent.txt
says err 'absent.txt'
printf '{%% if %%}' >broken.txt
run 1 "$AUTOGLM" prompt render --template broken.txt
says err 'broken.txt: .*line 1'
printf 'a\0b' >nul.txt
run 1 "$AUTOGLM" prompt render --template nul.txt
says err 'nul.txt: byte 1 is a NUL'
run 2 "$AUTOGLM" prompt render
says err 'usage: autoglm prompt render BUNDLE'
run 2 "$AUTOGLM" prompt paint
says err 'there are show and render'
run 0 "$AUTOGLM" help fish
says out '__fish_use_subcommand -a prompt'

finish
