#!/usr/bin/env python3
"""Prompts found by autoglm tune against a plain question, where answers are texts: arithmetic, Chinese reading, names.

usage: lm_texts.py [--set NAME] [--train N] [--test N] [--trials N] [--budget SECONDS]

Needs a small language model in AGLM_LM_MODEL (SmolLM2-135M-Instruct Q4_0 gave the figures in docs/benchmarks.md) and the
data beside the clone, ../shared/data. Each set: a search on N examples, then both prompts answer N questions that the
search never saw. Intervals are 95 %, by the bootstrap; seconds are those of one thread.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ.get("AGLM_SOURCE_ROOT") or Path(__file__).resolve().parents[1])
PROGRAM = os.environ.get("AUTOGLM", str(ROOT / "build" / "autoglm"))
DATA = Path(os.environ.get("AGLM_SHARED", ROOT / ".." / "shared")) / "data"
PLAIN_ROWS = 60  # enough to know how long answers are: a plain question shows no examples
NAMES_TOLD = "List the names of persons and places in the text, separated by semicolons."


def rows(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def plain_number(text):
    value = float(text)
    return str(int(value)) if value == int(value) else str(value)


def sum_of(row):
    """The derivation, which SVAMP gives as an equation, and the number."""
    steps = re.sub(r"\d+\.\d+", lambda m: plain_number(m.group()), row["equation"]).strip()
    if steps.startswith("(") and steps.endswith(")"):
        steps = steps[1:-1].strip()
    final = plain_number(row["final"])
    return {"question": row["question"], "answer": f"{steps} = {final}", "final": final}


def reading_of(row):
    return {key: row[key] for key in ("context", "question", "answers")}


def sentences(path):
    sentence = []
    with open(path, encoding="utf-8") as f:
        for line in f:
            if line.strip():
                sentence.append(line.rstrip("\n").split("\t"))
            elif sentence:
                yield sentence
                sentence = []
    if sentence:
        yield sentence


def names_of(sentence):
    """The persons and places of a tagged sentence, each once, in their order; None where there are none."""
    found, at = [], 0
    while at < len(sentence):
        tag, end = sentence[at][1], at + 1
        if tag in ("B-PER", "B-LOC"):
            while end < len(sentence) and sentence[end][1] == "I-" + tag[2:]:
                end += 1
            found.append(" ".join(word for word, _ in sentence[at:end]))
        at = end
    text = " ".join(word for word, _ in sentence)
    return {"text": text, "names": "; ".join(dict.fromkeys(found))} if found else None


def load(name):
    """(training rows, test rows, options of tune)."""
    if name == "svamp":
        train, test = ([sum_of(r) for r in rows(DATA / "svamp" / f"{part}.jsonl")] for part in ("dev", "test"))
        return train, test, ["--task", "arithmetic", "--metric", "number"]
    if name == "cmrc2018":
        train, test = ([reading_of(r) for r in rows(DATA / "cmrc2018_trial" / f"{part}.jsonl")]
                       for part in ("dev", "test"))
        return train, test, ["--task", "question-answering", "--metric", "token_f1"]
    train, test = ([row for s in sentences(DATA / "wikigold" / f"{part}.conll")
                    if 6 <= len(s) <= 40 and (row := names_of(s))] for part in ("train", "test"))
    return train, test, ["--task", "extraction", "--metric", "token_f1", "--instruction", NAMES_TOLD]


def dump(path, examples):
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(json.dumps(e, ensure_ascii=False) + "\n" for e in examples)
    return str(path)


def run(*words):
    child = subprocess.run([PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True, check=False)
    if child.returncode:
        sys.exit(f"autoglm {words[0]} ended with exit code {child.returncode}: {child.stderr[-400:]}")
    return json.loads(child.stdout)


def tune(file, model, out, words):
    return run("tune", file, "--model", model, "--threads", "1", "--storage", "memory", "--out", out, "--json", *words)


def row_of(name, what, told):
    return (f"{name:9} {what:6} {told['metric']:9} {told['answers']:5} {told['value']:7.4f} "
            f"{told['low_95']:7.4f} to {told['high_95']:6.4f} {told['tokens_read']:8.1f} {told['tokens_written']:8.1f} "
            f"{told['mean_s']:8.3f}")


def measure(name, options, model, folder):
    train, test, words = load(name)
    questions = dump(folder / "test.jsonl", test[:options.test])
    few = dump(folder / "few.jsonl", train[:PLAIN_ROWS])
    examples = dump(folder / "train.jsonl", train[:options.train])
    plain, tuned = str(folder / "plain"), str(folder / "tuned")
    tune(few, model, plain, [*words, "--plain"])
    told = tune(examples, model, tuned, [*words, "--trials", str(options.trials), "--budget", f"{options.budget:g}s"])
    figures = [run("eval", bundle, questions, "--json") for bundle in (plain, tuned)]
    for what, f in zip(("plain", "tuned"), figures):
        print(row_of(name, what, f), flush=True)
    print(f"          trial {told['trial']} of {told['trials_complete']} complete and {told['trials_pruned']} stopped, "
          f"{told['total_s']:.0f} s: {json.dumps(told['params'])}", flush=True)
    return figures


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--set", choices=["svamp", "cmrc2018", "names"], action="append")
    p.add_argument("--train", type=int, default=200)
    p.add_argument("--test", type=int, default=300)
    p.add_argument("--trials", type=int, default=40)
    p.add_argument("--budget", type=float, default=900)
    options = p.parse_args()
    model = os.environ.get("AGLM_LM_MODEL", "")
    if not model or not Path(model).exists():
        print("no model: name one in AGLM_LM_MODEL")
        return 77
    if not (DATA / "svamp").exists():
        print(f"no data in {DATA}")
        return 77
    print("set       prompt metric    answers  value  95 % interval     tokens read, written seconds an answer")
    for name in options.set or ["svamp", "cmrc2018", "names"]:
        with tempfile.TemporaryDirectory(prefix="aglm-texts-") as folder:
            measure(name, options, model, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
