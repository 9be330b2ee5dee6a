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
def answerer(**more):
    a = {"version": 1, "model": "some.gguf", "model_bytes": 10, "fields": ["context", "question"],
         "labels": ["Context: ", "\nQuestion: "], "head": "Answer.\n\n", "before": "", "after": "\nAnswer:", "gap": " ",
         "end": "\n\n", "last": "\nAnswer:", "max_chars": 500, "near": False, "max_tokens": 24, "stop": ["\n\n"],
         "alike": False, "shots": 1, "examples": [{"fields": ["蜜蜂酿蜜。", "蜜蜂做什么？"], "answer": "酿蜜"}]}
    return json.dumps(dict(a, **more)).encode()
def bundle(name, *members, task="binary", labels=["gut", "schlecht"]):
    folder = pathlib.Path(name)
    folder.mkdir()
    rows = []
    for i, (learner, weight, data) in enumerate(members):
        (folder / f"model-{i}.bin").write_bytes(data)
        rows.append({"file": f"model-{i}.bin", "learner": learner, "bytes": len(data), "weight": weight, "scale": 1, "shift": 0,
                     "sha256": hashlib.sha256(data).hexdigest(), "trial": 7, "params": {"learner": learner, "prompted.shots": "1"}})
    (folder / "manifest.json").write_text(json.dumps({"format": "autoglm-bundle", "version": 1, "task": task,
                                                      "labels": labels, "members": rows}))
pathlib.Path("some.gguf").write_bytes(b"0123456789")
bundle("qa.bundle", ("answerer", 1, answerer()), task="generation", labels=[])
bundle("alike.bundle", ("answerer", 1, answerer(alike=True)), task="generation", labels=[])
bundle("ask.bundle", ("answerer", 1, answerer(fields=["text"], labels=["Q: "], examples=[])), task="generation", labels=[])
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
two	four five'
printf 'Label each text.\n\nText: 很好\nCategory: good\n\nText: one two four\nCategory:\n' >wanted
check "is what is sent, to the byte" cmp wanted out
printf 'one\ntwo\tfour five\r\n' >text
check "from standard input, too" sh -c "'$AUTOGLM' prompt render one.bundle <text >again && cmp wanted again"
run 0 "$AUTOGLM" prompt render two.bundle --json --text x
check "as JSON" python3 -c '
import json
p = json.load(open("out"))
assert p["prompt"] == "Q: x\nCategory:" and p["answers"][0] == " good", p
assert p["prefix"].startswith("Label each text."), p'

run 0 "$AUTOGLM" prompt show qa.bundle
says out '^answer +the likeliest tokens, at most 24, until "\\n\\n"$'
says out '^Context: 蜜蜂酿蜜。$'
says out '^Answer: 酿蜜$'
says out '^Question: \{question\}$'
run 0 "$AUTOGLM" prompt show alike.bundle
says out '^\[here the 1 of 1 examples that are most like what is asked\]$'
run 0 "$AUTOGLM" prompt show --json qa.bundle
check "as JSON" python3 -c '
import json
p = json.load(open("out"))
assert p["question"] == "Context: {context}\nQuestion: {question}\nAnswer:" and p["stop"] == ["\n\n"], p
assert p["prefix"].startswith("Answer.\n\nContext: 蜜蜂酿蜜。") and p["max_tokens"] == 24 and not p["alike"], p'
printf 'Answer.\n\nContext: 蜜蜂酿蜜。\nQuestion: 蜜蜂做什么？\nAnswer: 酿蜜\n\nContext: 河向北流。\nQuestion: 流向哪里？\nAnswer:\n' >wanted
for kind in qa alike; do
    run 0 "$AUTOGLM" prompt render $kind.bundle question='流向哪里？' context='河向北流。'
    check "is what is sent, to the byte" cmp wanted out
done
run 2 "$AUTOGLM" prompt render qa.bundle question=x
says err 'the prompt has 2 fields: give context='
run 2 "$AUTOGLM" prompt render qa.bundle question=x text=y
says err 'no value for the field: give context='
run 0 "$AUTOGLM" prompt render ask.bundle --text 'why?'
says out '^Q: why\?$'

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
