#!/usr/bin/env python3
"""The regret bound beside Optuna's RegretBoundEvaluator (where torch is absent: the same formula by scikit-learn's Gaussian process
and brute force), and the error by cross-validation scores beside Optuna's evaluator, on studies that Optuna wrote.

The Gaussian processes have other priors, and the minimum over the space is searched by chance: the bounds agree in size, and rise
and fall together. Runs build/tests/peer/regret. Exit code 77 where Optuna or scikit-learn is absent."""
import math
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

try:
    import numpy as np
    import optuna
    from optuna.terminator import CrossValidationErrorEvaluator, RegretBoundEvaluator, report_cross_validation_scores
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

try:
    import torch
except ImportError:
    torch = None

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
REGRET = Path(__file__).resolve().parents[2] / "build" / "tests" / "peer" / "regret"


def bowl(t):
    x, y = t.suggest_float("x", -1, 1), t.suggest_float("y", -1, 1)
    return (x - 0.3) ** 2 + 2 * (y + 0.1) ** 2


def waves(t):
    x, y = t.suggest_float("x", 0, 3), t.suggest_float("y", 1e-3, 1, log=True)
    return 100 * (math.sin(3 * x) + (math.log10(y) + 1) ** 2)


def mixed(t):
    k, n, x = t.suggest_categorical("k", ["a", "b", "c"]), t.suggest_int("n", 1, 9), t.suggest_float("x", 0, 1)
    return {"a": 0.0, "b": 0.4, "c": 0.8}[k] + 0.05 * (n - 4) ** 2 + x * x


def encode(space, points):
    """The unit cube; a choice as one-hot, scaled so that two differ by 1."""
    columns = []
    for name, d in space.items():
        values = [p[name] for p in points]
        if isinstance(d, optuna.distributions.CategoricalDistribution):
            columns += [[0.5 ** 0.5 * (v == c) for v in values] for c in d.choices]
            continue
        turn = math.log if d.log else float
        columns.append([(turn(v) - turn(d.low)) / (turn(d.high) - turn(d.low)) for v in values])
    return np.array(columns).T


def brute_force(study):
    """Makarova et al. 2022, equation 3, with 20,000 points of the space."""
    sign = 1 if study.direction == optuna.study.StudyDirection.MINIMIZE else -1
    best = sorted((sign * t.value, t.number) for t in study.trials)[:max(20, len(study.trials) // 2)]
    loss = np.array([v for v, _ in best])
    space = optuna.search_space.intersection_search_space(study.trials)
    sampler = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    others = [sampler.ask(space).params for _ in range(20000)]
    x = encode(space, [study.trials[i].params for _, i in best])
    at = np.vstack([x, encode(space, others)])
    kernel = ConstantKernel(1, (0.05, 20)) * Matern(np.ones(x.shape[1]), (0.05, 20), nu=2.5) + WhiteKernel(1e-3, (1e-6, 1))
    gp = GaussianProcessRegressor(kernel, n_restarts_optimizer=2, random_state=0).fit(x, (loss - loss.mean()) / loss.std())
    latent = GaussianProcessRegressor(gp.kernel_.k1, alpha=gp.kernel_.k2.noise_level, optimizer=None)
    mean, deviation = latent.fit(x, (loss - loss.mean()) / loss.std()).predict(at, return_std=True)
    b = math.sqrt(0.4 * math.log(len(space) * len(x) ** 2 * math.pi ** 2 / 0.6))
    return ((mean + b * deviation)[:len(x)].min() - (mean - b * deviation).min()) * loss.std()


def pair(objective, n, seed, direction, folder):
    url = f"sqlite:///{folder}/{objective.__name__}-{n}-{seed}.db"
    study = optuna.create_study(study_name="s", storage=url, sampler=optuna.samplers.RandomSampler(seed=seed), direction=direction)
    rng = np.random.default_rng(seed)

    def scored(trial):
        value = objective(trial) * (1 if direction == "minimize" else -1)
        report_cross_validation_scores(trial, list(value + rng.normal(0, 0.1, 5)))
        return value

    study.optimize(scored, n_trials=n)
    theirs = RegretBoundEvaluator(seed=seed).evaluate(study.trials, study.direction) if torch else brute_force(study)
    their_error = CrossValidationErrorEvaluator().evaluate(study.trials, study.direction)
    out = subprocess.run([REGRET, url, "s"], capture_output=True, text=True, check=True).stdout.split()
    return float(out[0]), theirs, float(out[1]), their_error


def main():
    print("1..3")
    failed, ours, theirs, errors = 0, [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for i, (objective, n) in enumerate((o, n) for o in (bowl, waves, mixed) for n in (25, 45, 80)):
            a, b, e, f = pair(objective, n, i, "maximize" if i % 2 else "minimize", folder)
            print(f"# {objective.__name__} {n} trials: bound {a:.4g}, the peer's {b:.4g}; error {e:.4g}, Optuna's {f:.4g}")
            ours.append(a)
            theirs.append(b)
            errors.append(abs(e - f) / f)
    size = 3 if torch else 10  # scikit-learn's fits have no priors
    ratio = np.array(ours) / np.array(theirs)
    rank = float(np.corrcoef(np.argsort(np.argsort(ours)), np.argsort(np.argsort(theirs)))[0, 1])
    for i, (good, text) in enumerate([
            (ratio.max() < size and ratio.min() > 1 / size, f"bounds of one size: ours / the peer's {ratio.min():.2f} to {ratio.max():.2f}"),
            (rank > 0.8, f"rank correlation {rank:.2f}"),
            (max(errors) < 1e-9, f"the same error by scores, off by {max(errors):.1e}")]):
        print(f"{'ok' if good else 'not ok'} {i + 1} - {text}")
        failed += not good
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
