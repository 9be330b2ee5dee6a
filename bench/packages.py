#!/usr/bin/env python3
"""The main job on Debian's package descriptions: does it keep to its budget and its memory?

usage: packages.py [--file FILE] [--budget SECONDS] [--max-memory MB] [--threads N]

FILE defaults to _demo/packages.tsv, which ./dev demo makes. Prints one row; fails when the wall time is above 105 % of
the budget or the peak memory above the limit.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(os.environ.get("AGLM_SOURCE_ROOT") or Path(__file__).resolve().parents[1])
PROGRAM = os.environ.get("AUTOGLM", str(ROOT / "build" / "autoglm"))


def tune(options, folder):
    """(what the program says, wall seconds, peak resident MB)."""
    command = [PROGRAM, "tune", options.file, "--label", "section", "--text", "description", "--budget",
               f"{options.budget:g}s", "--threads", str(options.threads), "--max-memory", f"{options.max_memory}MB",
               "--seed", "0", "--out", str(Path(folder) / "bundle"), "--json"]
    start = time.monotonic()
    with open(Path(folder) / "out", "w+", encoding="utf-8") as out:
        child = subprocess.Popen(command, stdout=out, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"autoglm tune ended with exit code {child.returncode}")
        out.seek(0)
        return json.loads(out.read()), wall, usage.ru_maxrss * 1024 / 1e6


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--file", default=str(ROOT / "_demo" / "packages.tsv"))
    p.add_argument("--budget", type=float, default=60)
    p.add_argument("--max-memory", type=int, default=2000, metavar="MB")
    p.add_argument("--threads", type=int, default=2)
    options = p.parse_args()
    if not Path(options.file).exists():
        print(f"no {options.file}: ./dev demo makes it")
        return 77
    with open(options.file, encoding="utf-8") as f:
        rows = sum(1 for _ in f) - 1
    with tempfile.TemporaryDirectory(prefix="aglm-packages-") as folder:
        told, wall, peak = tune(options, folder)
    print("   rows budget s  wall s  peak MB limit MB accuracy trials refitted")
    print(f"{rows:7} {options.budget:8g} {wall:7.1f} {peak:8.0f} {options.max_memory:8} {told['accuracy']:8.4f} "
          f"{told['trials_complete']:6} {'yes' if told['refitted'] else 'no'}")
    return 0 if wall <= 1.05 * options.budget and peak <= options.max_memory else 1


if __name__ == "__main__":
    sys.exit(main())
