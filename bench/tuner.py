#!/usr/bin/env python3
"""The GLM tuner: heads with parameters set by hand beside searched ones, over a frozen language model.

usage: tuner.py [--sets A,B] [--trials N] [--seed N] [--learned N] [--scored N]

Needs ../shared/data (AGLM_SHARED) and AGLM_LM_MODEL, a GGUF file; ends with 77 where one is missing. By default
1000 documents to learn from and 500 of the test part to score; the search sees the first alone, by 5-fold cross-validation."""
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


def measure(name, o):
    with tempfile.TemporaryDirectory() as folder:
        command = [str(o.build / "bench" / "tuner"), MODEL, draw(name, "train", o.learned, folder),
                   draw(name, "test", o.scored, folder), str(o.trials), str(o.seed)]
        env = {"AGLM_LLAMA": str(o.build / "autoglm-llama"), **os.environ}
        done = subprocess.run(command, stdout=subprocess.PIPE, env=env, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sets", default="sst2,chnsenticorp_htl,trec6")
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--learned", type=int, default=1000)
    parser.add_argument("--scored", type=int, default=500)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    o = parser.parse_args()
    if not DATA.is_dir() or not os.path.isfile(MODEL):
        print("tuner: ../shared/data or AGLM_LM_MODEL is missing: skipped")
        return 77
    print("| data | way | trials | out of fold | accuracy | macro-F1 | CPU s |\n|---|---|---|---|---|---|---|")
    for name in o.sets.split(","):
        *ways, last = measure(name, o)
        for w in ways:
            print(f"| {name} | {w['way']} | {w['trials']} | {100 * w['out_of_fold']:.1f} | {100 * w['accuracy']:.1f} "
                  f"| {100 * w['macro_f1']:.1f} | {w['cpu_s']:.1f} |")
        print(f"| {name} | reading {o.learned + o.scored} texts, once | | | | | {last['read_cpu_s']:.1f} |", flush=True)
        for w in ways:
            print(f"{name}: {w['way']}: {json.dumps(w['params'])}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
