#!/usr/bin/env python3
"""CPU time of ask + tell with TPE on a mixed problem of ten parameters, ours in memory and Optuna's beside it.

usage: bench/tpe.py [TRIALS]    Optuna runs 100 trials, and 1,000 (some 20 s) unless TRIALS is smaller."""
import math
import subprocess
import sys
import time
from pathlib import Path

MARKS = (100, 1000, 3000)
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


def ours(sampler):
    out = subprocess.run([TPE, "cost", sampler, str(MARKS[-1])], capture_output=True, text=True, check=True).stdout
    return {int(n): float(s) for n, s, _ in (line.split() for line in out.splitlines())}


def optunas(trials):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    seconds, start = {}, time.process_time()
    for n in range(1, trials + 1):
        t = study.ask()
        study.tell(t, objective(t))
        if n in MARKS:
            seconds[n] = time.process_time() - start
    return seconds


def main():
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    if not TPE.exists():
        print(f"skipped: {TPE} is not built")
        return 77
    mine, random = ours("tpe"), ours("random")
    try:
        theirs = optunas(limit)
    except ImportError as e:
        print(f"Optuna is not here to compare with ({e})")
        theirs = {}
    print("trials  ours, CPU s  us/trial  Optuna, CPU s  ratio   random, us/trial")
    for n in MARKS:
        peer = f"{theirs[n]:13.2f}  {theirs[n] / mine[n]:5.0f}" if n in theirs else f"{'-':>13}  {'-':>5}"
        print(f"{n:6}  {mine[n]:11.4f}  {1e6 * mine[n] / n:8.1f}  {peer}   {1e6 * random[n] / n:16.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
