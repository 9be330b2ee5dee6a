#!/usr/bin/env python3
"""How training time grows with documents and classes: 1x, 4x, 16x the documents, 4x the classes.

usage: growth.py [--set NAME] [--repeats N] [LEARNER...]

The documents of a real set are repeated; in each repetition, the first too, every word is replaced with probability
0.3 by one drawn from the whole set, so that texts differ and features grow, as the table states. More classes: each
label is cut into 4 by the number of the row. A pass is a fit divided by its epochs (embedding bag) or the first pass of
the solver (linear), which visits every row. How many passes a whole linear fit needs is shown, not judged.
CPU time, the best of N. Linear means: at most 15 % above the growth of the data.
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ.get("AGLM_SOURCE_ROOT") or Path(__file__).resolve().parents[1])
FIT = ROOT / "build" / "bench" / "fit"
CASES = [(1, 1), (4, 1), (16, 1), (1, 4)]  # documents, classes
SLACK = 1.15
REPLACED = 0.3


def grown(rows, documents, classes, seed=1):
    """Lines of `documents` times the rows with `classes` times the labels."""
    rng = random.Random(seed)
    words = [word for _, text in rows for word in text.split()]
    lines = []
    for _ in range(documents):
        for label, text in rows:
            text = " ".join(rng.choice(words) if rng.random() < REPLACED else w for w in text.split())
            suffix = f".{len(lines) % classes}" if classes > 1 else ""
            lines.append(f"{label}{suffix}\t{text}\n")
    return lines


def vocabulary(lines):
    return len({word for line in lines for word in line.split("\t", 1)[1].split()})


def measure(what, path, repeats):
    """The figures of bench/fit.c, times the best of some runs."""
    runs = []
    for _ in range(repeats):
        run = subprocess.run([FIT, what, path], capture_output=True, text=True, check=True)
        fields = run.stdout.split()
        runs.append({key: float(value) for key, value in zip(fields[::2], fields[1::2])})
    return {key: min(run[key] for run in runs) for key in runs[0]}


def stages(what, figures):
    """(name, seconds) of what is judged."""
    if what == "passes":
        return [("a pass of the solver", figures["fit_s"] / figures["steps"])]
    found = [("features", figures["features_s"])]
    if figures["steps"] > 1:
        return found + [("an epoch", figures["fit_s"] / figures["steps"])]
    return found + [("fit, all passes", figures["fit_s"])]


def judge(what, files, repeats):
    """Prints the rows of one learner; False when a pass grows faster than the data."""
    first, linear = {}, True
    for documents, classes in CASES:
        path, words = files[documents, classes]
        figures = measure(what, path, repeats)
        for stage, seconds in stages(what, figures):
            ratio = seconds / first.setdefault(stage, seconds)
            good = ratio <= SLACK * documents * classes
            linear = linear and (good or stage.startswith("fit"))
            verdict = "" if (documents, classes) == (1, 1) else "linear" if good else "more than linear"
            print(f"{what:8} {stage:20} {documents:3}x {classes:3}x {int(figures['docs']):8} "
                  f"{int(figures['labels']):7} {words:8} {int(figures['features']) or '-':>9} "
                  f"{seconds:10.4f} {ratio:8.2f}x  {verdict}", flush=True)
    return linear


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--set", default="trec6")
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("learners", nargs="*", default=["passes", "linear", "embed"])
    options = p.parse_args()
    source = Path(os.environ.get("AGLM_SHARED") or ROOT.parent / "shared") / "data" / options.set / "train.tsv"
    if not source.exists() or not FIT.exists():
        print(f"no {options.set}/train.tsv in the shared data, or build/bench/fit is not built")
        return 77
    rows = [line.rstrip("\n").split("\t", 1) for line in source.read_text(encoding="utf-8").splitlines()]
    linear = True
    with tempfile.TemporaryDirectory(prefix="aglm-growth-") as folder:
        files = {}
        for case in CASES:
            lines = grown(rows, *case)
            path = Path(folder) / "{}-{}.tsv".format(*case)
            path.write_text("".join(lines), encoding="utf-8")
            files[case] = (path, vocabulary(lines))
        print(f"{'learner':8} {'what':20} data classes   docs  labels    words  features      CPU s    to 1x")
        for what in options.learners:
            linear = judge(what, files, options.repeats) and linear
    return 0 if linear else 1


if __name__ == "__main__":
    sys.exit(main())
