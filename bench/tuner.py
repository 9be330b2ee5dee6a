#!/usr/bin/env python3
"""The GLM tuner: heads with parameters set by hand beside searched ones, over a frozen language model.

usage: tuner.py [--sets A,B] [--trials N] [--seed N]

Needs ../shared/data (AGLM_SHARED) and AGLM_LM_MODEL, a GGUF file; ends with 77 where one is missing. 1000 documents to
learn from, 500 of the test part to score; the search sees the first alone, by 5-fold cross-validation."""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ.get("AGLM_SOURCE_ROOT") or Path(__file__).resolve().parents[1])
DATA = Path(os.environ.get("AGLM_SHARED") or ROOT.parent / "shared") / "data"
MODEL = os.environ.get("AGLM_LM_MODEL", "")
LEARNED, SCORED = 1000, 500


def draw(name, part, most, folder):
    """A file of `most` rows in an order that a fixed seed shuffled."""
    rows = (DATA / name / f"{part}.tsv").read_text(encoding="utf-8").splitlines()
    rows = [row for row in rows if row.count("\t") == 1]
    if rows[0] == "label\ttext":
        rows = rows[1:]
    random.Random(1).shuffle(rows)
    path = Path(folder) / f"{part}.tsv"
    path.write_text("\n".join(["label\ttext", *rows[:most]]) + "\n", encoding="utf-8")
    return str(path)


def measure(name, trials, seed, build):
    with tempfile.TemporaryDirectory() as folder:
        command = [str(build / "bench" / "tuner"), MODEL, draw(name, "train", LEARNED, folder),
                   draw(name, "test", SCORED, folder), str(trials), str(seed)]
        env = {"AGLM_LLAMA": str(build / "autoglm-llama"), **os.environ}
        done = subprocess.run(command, stdout=subprocess.PIPE, env=env, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", default="sst2,chnsenticorp_htl,trec6")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    o = parser.parse_args()
    if not DATA.is_dir() or not os.path.isfile(MODEL):
        print("tuner: ../shared/data or AGLM_LM_MODEL is missing: skipped")
        return 77
    print("| data | way | trials | out of fold | accuracy | macro-F1 | CPU s |\n|---|---|---|---|---|---|---|")
    for name in o.sets.split(","):
        *ways, last = measure(name, o.trials, o.seed, o.build)
        for w in ways:
            print(f"| {name} | {w['way']} | {w['trials']} | {100 * w['out_of_fold']:.1f} | {100 * w['accuracy']:.1f} "
                  f"| {100 * w['macro_f1']:.1f} | {w['cpu_s']:.1f} |")
        print(f"| {name} | reading {LEARNED + SCORED} texts, once | | | | | {last['read_cpu_s']:.1f} |", flush=True)
        for w in ways:
            print(f"{name}: {w['way']}: {json.dumps(w['params'])}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
