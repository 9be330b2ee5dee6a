#!/usr/bin/env python3
"""Words a second a thread in training: our embedding bag beside fastText.

usage: words.py [--sets A,B] [--repeats N] [NAME=VALUE...]   (parameters of our learner)

Both learn from the same file with dimension 100, word bigrams, no dropout, one thread. The time is CPU time of one more
epoch: (25 epochs - 5 epochs) / 20, so that reading, the dictionary and writing the model do not count; best of N. Words
are the tokens of fastText's file, the end of each line being one, as fastText counts.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ.get("AGLM_SOURCE_ROOT") or Path(__file__).resolve().parents[1])
FIT = ROOT / "build" / "bench" / "fit"
FEW, MANY, DIMENSION = 5, 25, 100
SAME = ["embedding_dim=100", "word_n=2", "chars=none", "dropout=0", "smoothing=0", "lr=0.5"]
BAR = 2


def child_cpu_s(command):
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command[0]} ended with exit code {child.returncode}")
    return usage.ru_utime + usage.ru_stime


def fasttext_s(path, epochs, folder):
    return child_cpu_s(["fasttext", "supervised", "-input", str(path), "-output", str(Path(folder) / "model"),
                        "-thread", "1", "-dim", str(DIMENSION), "-wordNgrams", "2", "-epoch", str(epochs),
                        "-lr", "0.5", "-bucket", "200000"])


def ours_s(path, epochs, given):
    run = subprocess.run([FIT, "embed", path, *SAME, f"epochs={epochs}", *given], capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stderr.strip())
    fields = run.stdout.split()
    return float(dict(zip(fields[::2], fields[1::2]))["fit_s"])


def epoch_s(train, repeats):
    """Seconds of one epoch; train(epochs) gives seconds."""
    return (min(train(MANY) for _ in range(repeats)) - min(train(FEW) for _ in range(repeats))) / (MANY - FEW)


def write_files(source, folder):
    """The set for both, and how many words it has."""
    rows = [line.split("\t", 1) for line in source.read_text(encoding="utf-8").splitlines()]
    rows = [(label, " ".join(re.sub(r"([.!?,'/()\":;])", r" \1 ", text.lower()).split())) for label, text in rows]
    mine, theirs = Path(folder) / "rows.tsv", Path(folder) / "rows.txt"
    mine.write_text("".join(f"{label}\t{text}\n" for label, text in rows), encoding="utf-8")
    theirs.write_text("".join(f"__label__{label} {text}\n" for label, text in rows), encoding="utf-8")
    return mine, theirs, sum(len(text.split()) + 1 for _, text in rows)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--sets", default="trec6,sst2,banking77")
    p.add_argument("--repeats", type=int, default=3)
    p.add_argument("given", nargs="*")
    options = p.parse_args()
    data = Path(os.environ.get("AGLM_SHARED") or ROOT.parent / "shared") / "data"
    sets = [name for name in options.sets.split(",") if (data / name / "train.tsv").exists()]
    if not sets or not FIT.exists() or not shutil.which("fasttext"):
        print("no sets in the shared data, no fastText, or build/bench/fit is not built")
        return 77
    short = False
    print("set             words  fastText words/s  ours words/s   ratio")
    for name in sets:
        with tempfile.TemporaryDirectory(prefix="aglm-words-") as folder:
            mine, theirs, words = write_files(data / name / "train.tsv", folder)
            other = words / epoch_s(lambda n: fasttext_s(theirs, n, folder), options.repeats)
            own = words / epoch_s(lambda n: ours_s(mine, n, options.given), options.repeats)
        short = short or own < BAR * other
        print(f"{name:12} {words:8} {other:17.0f} {own:13.0f} {own / other:7.2f}", flush=True)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
