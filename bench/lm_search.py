#!/usr/bin/env python3
"""lm_search.py - a search of 40 prompts on 100 examples: CPU seconds of the program and of all its children.
usage: lm_search.py [SET...]; AGLM_MODEL names a GGUF file, AGLM_SHARED the folder with data/."""
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ.get("AGLM_SOURCE_ROOT", pathlib.Path(__file__).resolve().parent.parent))
PROGRAM = os.environ.get("AGLM_PROGRAM", str(ROOT / "build" / "autoglm"))
SHARED = pathlib.Path(os.environ.get("AGLM_SHARED", ROOT.parent / "shared")) / "data"
EXAMPLES, TRIALS = 100, 40


def children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def search(name, model, folder):
    """CPU seconds, and what tune --json told."""
    train = folder / "train.tsv"
    lines = (SHARED / name / "train.tsv").read_text().splitlines(True)[:EXAMPLES]
    train.write_text("".join(lines))
    before = children_cpu()
    done = subprocess.run(
        [PROGRAM, "tune", train, "--model", model, "--learners", "prompted", "--trials", str(TRIALS),
         "--threads", "1", "--seed", "0", "--metric", "accuracy", "--storage", "memory",
         "--out", folder / (name + ".bundle"), "--json", "--quiet"],
        stdout=subprocess.PIPE, check=True)
    told = json.loads(done.stdout)
    return children_cpu() - before, told


def main():
    model = os.environ.get("AGLM_MODEL")
    if not model or not SHARED.is_dir():
        print("lm_search: AGLM_MODEL names no GGUF file, or there is no shared data")
        return 77
    print(f"| {TRIALS} prompts, {EXAMPLES} examples | CPU s | must | complete | stopped early | accuracy |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in sys.argv[1:] or ["sst2", "trec6"]:
        with tempfile.TemporaryDirectory() as folder:
            cpu, told = search(name, model, pathlib.Path(folder))
        print(f"| {name} | {cpu:.0f} | 600 | {told['trials_complete']} | {told['trials_pruned']} | "
              f"{told['accuracy']:.3f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
