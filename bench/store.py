#!/usr/bin/env python3
"""Durable ask + tell of ten parameters, in memory and in SQLite, and reading 100,000 trials back; Optuna's SQLite beside it.

usage: bench/store.py [TRIALS]    Optuna writes 50 random trials."""
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STORE = Path(__file__).resolve().parents[1] / "build" / "bench" / "store"
OPTUNA_TRIALS = 50


def optunas(folder):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=f"sqlite:///{folder}/s.db", sampler=optuna.samplers.RandomSampler(seed=0))
    start = time.perf_counter()
    for _ in range(OPTUNA_TRIALS):
        trial = study.ask()
        study.tell(trial, sum(trial.suggest_float(f"x{i}", 0, 1) for i in range(10)))
    return time.perf_counter() - start


def main():
    trials = sys.argv[1] if len(sys.argv) > 1 else "100000"
    if not STORE.exists():
        print(f"skipped: {STORE} is not built")
        return 77
    subprocess.run([STORE, trials], check=True)
    with tempfile.TemporaryDirectory(prefix="aglm_bench_") as folder:
        try:
            wall = optunas(folder)
        except ImportError as e:
            print(f"Optuna is not here to compare with ({e})")
            return 0
    print(f"{'Optuna, SQLite':<24} {OPTUNA_TRIALS:7d} trials  {OPTUNA_TRIALS / wall:9.1f} ask+tell/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
