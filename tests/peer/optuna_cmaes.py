#!/usr/bin/env python3
"""CMA-ES beside Optuna's CmaEsSampler (package cmaes): the best of 200 trials on smooth, turned, multi-modal and mixed
problems. Runs build/bench/tpe. Exit code 77 where Optuna or cmaes is absent."""
import json
import math
import statistics
import subprocess
import sys
import warnings
from pathlib import Path

try:
    import cmaes  # noqa: F401
    import numpy as np
    import optuna
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
TPE = Path(__file__).resolve().parents[2] / "build" / "bench" / "tpe"
N_TRIALS, OUR_SEEDS, THEIR_SEEDS = 200, 60, 15
TURN = np.linalg.qr(np.random.default_rng(7).normal(size=(5, 5)))[0]
H6A = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14]])
H6P = 1e-4 * np.array([[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
                       [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]])


def floats(s, n, low, high):
    return np.array([s.flt(f"x{i}", low, high) for i in range(n)])


def centre(n, half):
    return np.array([0.5 * half * math.sin(1.7 * (i + 1)) for i in range(n)])


def sphere(s):
    return float(((floats(s, 10, -5, 5) - centre(10, 5)) ** 2).sum())


def rosenbrock(s):
    x = floats(s, 5, -5, 10)
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def ackley(s):
    z = floats(s, 5, -32.768, 32.768) - centre(5, 32.768)
    return float(-20 * np.exp(-0.2 * np.sqrt((z * z).mean())) - np.exp(np.cos(2 * np.pi * z).mean()) + 20 + math.e)


def hartmann6(s):
    x = floats(s, 6, 0, 1)
    return 3.322368011415515 - float(np.array([1, 1.2, 3, 3.2]) @ np.exp(-(H6A * (x - H6P) ** 2).sum(1)))


def ellipsoid(s):
    z = TURN @ (floats(s, 5, -5, 5) - centre(5, 5))
    return float((1e3 ** (np.arange(5) / 4) * z * z).sum())


def mixed(s):
    f = 0.1 * sum((s.flt(f"x{i}", -5, 5) - 2.5 * math.sin(1.7 * (i + 1))) ** 2 for i in range(4))
    a, b = s.flt("g0", 1e-5, 1, log=True), s.flt("g1", 1e-5, 1, log=True)
    f += 0.2 * (math.log10(a) + 3.3) ** 2 + 0.2 * (math.log10(a * b) + 4.6) ** 2
    k = [s.int("k0", 0, 20), s.int("k1", 0, 20)]
    f += 0.02 * (k[0] - 13) ** 2 + 0.02 * (k[1] - k[0] + 9) ** 2
    c = "abcd".index(s.cat("c", ["a", "b", "c", "d"]))
    return f + [0.7, 0.0, 0.4, 1.1][c]


class Theirs:
    def __init__(self, trial):
        self.t = trial

    def flt(self, name, low, high, log=False):
        return self.t.suggest_float(name, low, high, log=log)

    def int(self, name, low, high):
        return self.t.suggest_int(name, low, high)

    def cat(self, name, choices):
        return self.t.suggest_categorical(name, choices)


class Shape:
    """Collects the space of a problem by asking it once."""

    def __init__(self):
        self.params = []

    def add(self, name, kind, value, **attributes):
        self.params.append({"name": name, "distribution": {"name": kind + "Distribution", "attributes": attributes}})
        return value

    def flt(self, name, low, high, log=False):
        return self.add(name, "Float", high, low=low, high=high, log=log, step=None)

    def int(self, name, low, high):
        return self.add(name, "Int", low, low=low, high=high, log=False, step=1)

    def cat(self, name, choices):
        return self.add(name, "Categorical", choices[0], choices=choices)


class Point:
    def __init__(self, params):
        self.p = params

    def flt(self, name, *_, **__):
        return self.p[name]

    int = cat = flt


def run_ours(problem, seed):
    shape = Shape()
    problem(shape)
    p = subprocess.Popen([TPE, "drive", "cmaes", str(seed), "24"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    p.stdin.write(json.dumps({"params": shape.params}) + "\n")
    value, best = "-", math.inf
    for _ in range(N_TRIALS):
        p.stdin.write(f"{value}\n")
        p.stdin.flush()
        value = problem(Point(json.loads(p.stdout.readline())))
        best = min(best, value)
    p.stdin.close()
    p.wait()
    return best


def run_theirs(problem, seed):
    study = optuna.create_study(sampler=optuna.samplers.CmaEsSampler(seed=seed, warn_independent_sampling=False))
    study.optimize(lambda t: problem(Theirs(t)), n_trials=N_TRIALS)
    return study.best_value


def main():
    """Level or better: of all pairs of a run of ours with one of Optuna's, at least 45 in 100 end lower."""
    ok = True
    for problem in (sphere, rosenbrock, ackley, hartmann6, ellipsoid, mixed):
        ours = [run_ours(problem, s) for s in range(OUR_SEEDS)]
        theirs = [run_theirs(problem, s) for s in range(THEIR_SEEDS)]
        wins = statistics.mean(a < b for a in ours for b in theirs)
        ok = ok and wins >= 0.45
        print(f"{problem.__name__}: best of {N_TRIALS} trials, medians: ours {statistics.median(ours):.4g} ({OUR_SEEDS} seeds), "
              f"Optuna {statistics.median(theirs):.4g} ({THEIR_SEEDS} seeds); ours is below in {wins:.0%} of the pairs")
    return ok


if __name__ == "__main__":
    if not TPE.exists():
        print(f"skipped: {TPE} is not built")
        sys.exit(77)
    sys.exit(0 if main() else 1)
