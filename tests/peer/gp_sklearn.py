#!/usr/bin/env python3
"""The Gaussian process beside scikit-learn's: posterior and likelihood for fixed lengths, scale and noise.

Runs build/bench/hpo. Exit code 77 where scikit-learn is absent."""
import math
import subprocess
import sys
from pathlib import Path

try:
    import numpy as np
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import ConstantKernel, Matern
except ImportError as e:
    print(f"skipped: no scikit-learn ({e})")
    sys.exit(77)

HPO = Path(__file__).resolve().parents[2] / "build" / "bench" / "hpo"


def priors(theta):
    """Minus the log of the priors of search/gp_fit.c."""
    w, s, noise = np.exp(theta[:-2]), math.exp(theta[-2]), math.exp(theta[-1])
    return float(np.sum(0.1 / w + 0.1 * w)) + s - theta[-2] + 30 * noise - 0.1 * theta[-1]


def ours(theta, x, y, at):
    rows = [[*theta]] + [[*p, v] for p, v in zip(x, y)] + [[*p] for p in at]
    text = f"{x.shape[1]} {len(x)} {len(at)}\n" + "\n".join(" ".join(repr(float(v)) for v in r) for r in rows)
    out = subprocess.run([HPO, "posterior"], input=text, capture_output=True, text=True, check=True).stdout.split()
    beliefs = np.array([float(v) for v in out[:-1]]).reshape(len(at), 2)
    return beliefs[:, 0], beliefs[:, 1], float(out[-1])


def worst_difference(seed):
    rng = np.random.default_rng(seed)
    d, n = int(rng.integers(1, 9)), int(rng.integers(1, 120))
    x, at = rng.random((n, d)), rng.random((50, d))
    y = np.sin(4 * x @ rng.normal(size=d)) + 0.1 * rng.normal(size=n)
    theta = np.concatenate([rng.normal(0.5, 1.0, d), [rng.normal(0, 0.5), rng.uniform(-8, -2)]])
    kernel = ConstantKernel(math.exp(theta[-2]), "fixed") * Matern(np.exp(-0.5 * theta[:-2]), "fixed", nu=2.5)
    peer = GaussianProcessRegressor(kernel, alpha=math.exp(theta[-1]), optimizer=None).fit(x, y)
    mean, std = peer.predict(at, return_std=True)
    objective = -peer.log_marginal_likelihood_value_ - 0.5 * n * math.log(2 * math.pi) + priors(theta)
    our_mean, our_variance, our_objective = ours(theta, x, y, at)
    return max(np.abs(our_mean - mean).max(), np.abs(our_variance - std ** 2).max(),
               abs(our_objective - objective) / (1 + abs(objective)))


def main():
    print("1..1")
    if not HPO.exists():
        print(f"not ok 1 - {HPO} is not built")
        return 1
    worst = max(worst_difference(seed) for seed in range(60))
    print(f"{'ok' if worst < 1e-8 else 'not ok'} 1 - posterior and likelihood as scikit-learn has them, off by {worst:.1e}")
    return 0 if worst < 1e-8 else 1


if __name__ == "__main__":
    sys.exit(main())
