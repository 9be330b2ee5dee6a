#!/usr/bin/env python3
"""Durable ask + tell of ten parameters, in memory, in SQLite and in PostgreSQL (one worker and eight), and reading 100,000
trials back; eight processes with whole studies on 80,000 trials, two of them killed; Optuna's SQLite beside it. PostgreSQL waits for the disk at every commit, so it is measured in memory (what
the program itself costs) and on the disk of the temporary folder (what its flushes allow).

usage: bench/store.py [TRIALS]    Optuna writes 50 random trials."""
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STORE = Path(__file__).resolve().parents[1] / "build" / "bench" / "store"
MANY = Path(__file__).resolve().parents[1] / "build" / "tests" / "unit" / "test_many"
SERVER = Path(__file__).resolve().parents[1] / "tests" / "unit" / "postgres_server.sh"
OPTUNA_TRIALS = 50
MANY_TRIALS = 80000


def optunas(folder):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(storage=f"sqlite:///{folder}/s.db", sampler=optuna.samplers.RandomSampler(seed=0))
    start = time.perf_counter()
    for _ in range(OPTUNA_TRIALS):
        trial = study.ask()
        study.tell(trial, sum(trial.suggest_float(f"x{i}", 0, 1) for i in range(10)))
    return time.perf_counter() - start


def many(url):
    """Numbers dense, nothing lost, doubled or locked: the test says."""
    p = subprocess.run([MANY, url, str(MANY_TRIALS)], capture_output=True, text=True)
    rates = [line for line in p.stdout.splitlines() if "ask+tell/s" in line]
    print(f"whole studies, two of eight workers killed: {rates[-1] if rates else p.stdout + p.stderr}", flush=True)
    if p.returncode:
        sys.exit(f"test_many {url}: {p.stdout}{p.stderr}")


def postgres(where, root, trials, together):
    p = subprocess.run([SERVER, "start", str(os.getpid())], stdout=subprocess.PIPE, text=True,
                       env=dict(os.environ, AGLM_PG_ROOT=root))
    if p.returncode:
        print("no PostgreSQL server to measure")
        return
    folder = p.stdout.strip()
    url = f"postgresql://aglm@/postgres?host={folder}"
    print(f"PostgreSQL, its data {where}:", flush=True)
    try:
        subprocess.run([STORE, str(trials), url], check=True)
        subprocess.run([STORE, str(together), url, "8"], check=True)
        if root != "/tmp":
            many(url)
    finally:
        subprocess.run([SERVER, "stop", folder], check=True)


def main():
    trials = sys.argv[1] if len(sys.argv) > 1 else "100000"
    if not STORE.exists():
        print(f"skipped: {STORE} is not built")
        return 77
    subprocess.run([STORE, trials], check=True)
    with tempfile.TemporaryDirectory(prefix="aglm_bench_") as folder:
        many(f"sqlite:///{folder}/s.db")
    if Path("/dev/shm").is_dir():
        postgres("in memory", "/dev/shm", trials, 24000)
    postgres("on disk", "/tmp", 500, 4000)
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
