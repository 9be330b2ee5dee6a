#!/usr/bin/env python3
"""CPU time and memory of ask + tell on a mixed problem of ten parameters, ours in memory and Optuna's TPE beside it.

usage: bench/tpe.py [TRIALS]    Optuna runs once, up to 3,000 trials (some two minutes) or TRIALS."""
import math
import subprocess
import sys
import time
from pathlib import Path

MARKS = (100, 1000, 3000)
OTHERS = ("random", "qmc", "cmaes", "nsga2")
TPE = Path(__file__).resolve().parents[1] / "build" / "bench" / "tpe"


def objective(t):
    """The problem of bench/tpe.c."""
    x = [t.suggest_float(f"x{i}", -5, 5) for i in range(4)]
    g = [t.suggest_float(f"g{i}", 1e-5, 1.0, log=True) for i in range(2)]
    k = [t.suggest_int(f"k{i}", 0, 20) for i in range(2)]
    q = t.suggest_float("q", 0.0, 1.0, step=0.05)
    c = "abcd".index(t.suggest_categorical("c", ["a", "b", "c", "d"]))
    f = 0.1 * sum((v - 2.5 * math.sin(1.7 * (i + 1))) ** 2 for i, v in enumerate(x))
    f += 0.2 * (math.log10(g[0]) + 3.3) ** 2 + 0.2 * (math.log10(g[0] * g[1]) + 4.6) ** 2
    f += 0.02 * (k[0] - 13) ** 2 + 0.02 * (k[1] - k[0] + 9) ** 2
    return f + 2.0 * (q - (0.25 if c == 1 else 0.70)) ** 2 + [0.7, 0.0, 0.4, 1.1][c]


def ours(sampler, trials=MARKS[-1]):
    """{trials: (CPU s, heap bytes)}"""
    out = subprocess.run([TPE, "cost", sampler, str(trials)], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in out.splitlines()]
    return {int(n): (float(s), float(heap)) for n, s, _, heap in rows}


def growth(seconds, few, many):
    """The exponent e of a cost a trial that grows as trials^e between the two marks."""
    return math.log(seconds[many] / many / (seconds[few] / few)) / math.log(many / few)


def show_others():
    print("\nsampler    us a trial at 100   1,000   3,000   10,000  bytes a trial, 3,000 to 10,000")
    for sampler in OTHERS:
        rows = ours(sampler, 10000)
        us = "  ".join(f"{1e6 * rows[n][0] / n:6.2f}" for n in (100, 1000, 3000, 10000))
        print(f"{sampler:10} {'':11}{us}  {(rows[10000][1] - rows[3000][1]) / 7000:20.0f}")


def tpe_sampler():
    import optuna

    return optuna.samplers.TPESampler(seed=0)


def optunas(sampler, trials, marks):
    """{trials: CPU seconds} of Optuna's sampler that sampler() makes."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=sampler())
    seconds, start = {}, time.process_time()
    for n in range(1, trials + 1):
        t = study.ask()
        study.tell(t, objective(t))
        if n in marks:
            seconds[n] = time.process_time() - start
    return seconds


def main():
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else MARKS[-1]
    if not TPE.exists():
        print(f"skipped: {TPE} is not built")
        return 77
    runs = [ours("tpe") for _ in range(3)]
    mine = {n: min(run[n][0] for run in runs) for n in MARKS}
    heap = {n: runs[0][n][1] for n in MARKS}
    try:
        theirs = optunas(tpe_sampler, limit, MARKS)
    except ImportError as e:
        print(f"Optuna is not here to compare with ({e})")
        theirs = {}
    print("TPE     ours, CPU s  us/trial  bytes/trial  Optuna, CPU s  ratio")
    for n in MARKS:
        peer = f"{theirs[n]:13.2f}  {theirs[n] / mine[n]:5.0f}" if n in theirs else f"{'-':>13}  {'-':>5}"
        print(f"{n:6}  {mine[n]:11.4f}  {1e6 * mine[n] / n:8.1f}  {heap[n] / n:11.0f}  {peer}")
    print(f"cost a trial grows as trials^{growth(mine, 100, 1000):.2f} from 100 to 1,000 and as "
          f"trials^{growth(mine, 1000, 3000):.2f} to 3,000 (linear: 1)")
    print(f"heap: {(heap[3000] - heap[1000]) / 2000:.0f} bytes for each trial from 1,000 to 3,000")
    show_others()
    return 0


if __name__ == "__main__":
    sys.exit(main())
