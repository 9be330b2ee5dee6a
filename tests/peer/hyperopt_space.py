#!/usr/bin/env python3
"""The words of Hyperopt (hp.uniform, ...) beside Hyperopt's own: bounds, support and distribution of 4000 draws each.

Continuous words by the Kolmogorov-Smirnov test of two samples, lattices and choices by chi-square over values that both drew
often. Runs build/autoglm. Exit code 77 where Hyperopt or SciPy is absent."""
import collections
import json
import subprocess
import sys
import warnings
from pathlib import Path

warnings.simplefilter("ignore")
try:
    import numpy as np
    from hyperopt import hp
    from hyperopt.pyll.stochastic import sample
    from scipy import stats
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

AUTOGLM = Path(__file__).resolve().parents[2] / "build" / "autoglm"
DRAWS = 4000
LEAST_P = 1e-4  # some 20 words: one false alarm in 500 seeds, and the seeds are fixed

WORDS = [  # our text, Hyperopt's node, continuous
    ("hp.uniform(-2,3)", hp.uniform("x", -2, 3), True),
    ("hp.loguniform(-5,-1)", hp.loguniform("x", -5, -1), True),
    ("hp.normal(1,2)", hp.normal("x", 1, 2), True),
    ("hp.lognormal(0,0.5)", hp.lognormal("x", 0, 0.5), True),
    ("hp.quniform(0,10,2)", hp.quniform("x", 0, 10, 2), False),
    ("hp.quniform(1,10,3)", hp.quniform("x", 1, 10, 3), False),
    ("hp.quniform(-1,1,0.25)", hp.quniform("x", -1, 1, 0.25), False),
    ("hp.qloguniform(0,3,1)", hp.qloguniform("x", 0, 3, 1), False),
    ("hp.qloguniform(0,4,5)", hp.qloguniform("x", 0, 4, 5), False),
    ("hp.qnormal(0,2,1)", hp.qnormal("x", 0, 2, 1), False),
    ("hp.qlognormal(1,0.5,1)", hp.qlognormal("x", 1, 0.5, 1), False),
    ("hp.randint(7)", hp.randint("x", 7), False),
    ("hp.randint(3,9)", hp.randint("x", 3, 9), False),
    ("hp.uniformint(2,6)", hp.uniformint("x", 2, 6), False),
    ("hp.choice(a,b,c)", hp.choice("x", ["a", "b", "c"]), False),
]
BOUNDED = {"hp.uniform(-2,3)": (-2, 3), "hp.loguniform(-5,-1)": (np.exp(-5), np.exp(-1))}


def ours(text):
    """u keeps apart what would be one point: none is proposed twice."""
    out = subprocess.run([AUTOGLM, "ask", "--space", f"x={text}", "--space", "u=uniform(0,1)", "--sampler", "random", "--seed", "5",
                          "--count", str(DRAWS), "--json", "--storage", "memory"], capture_output=True, text=True, check=True).stdout
    return [json.loads(line)["params"]["x"] for line in out.splitlines()]


def theirs(node):
    rng = np.random.default_rng(11)
    return [v.item() if hasattr(v, "item") else v for v in (sample(node, rng=rng) for _ in range(DRAWS))]


def chance(a, b):
    """The p-value of chi-square for one distribution; what was drawn less than ten times is one class."""
    counts = [collections.Counter(a), collections.Counter(b)]
    keys = [k for k in set(a) | set(b) if counts[0][k] + counts[1][k] >= 20]
    table = np.array([[c[k] for k in keys] + [sum(c.values()) - sum(c[k] for k in keys)] for c in counts])
    table = table[:, table.sum(axis=0) > 0]
    return 1.0 if table.shape[1] < 2 else float(stats.chi2_contingency(table)[1])


def key(v):
    return v if isinstance(v, str) else round(float(v), 9) + 0.0


def check(text, node, continuous):
    a, b = ours(text), theirs(node)
    if continuous:
        p = float(stats.ks_2samp(a, b)[1])
        low, high = BOUNDED.get(text, (-np.inf, np.inf))
        good = low <= min(a) and max(a) <= high
        return good and p > LEAST_P, f"p = {p:.3g} (Kolmogorov-Smirnov), {min(a):.4g} to {max(a):.4g}"
    a, b = [key(v) for v in a], [key(v) for v in b]
    common = [k for k, n in collections.Counter(b).items() if n >= 20]
    odd = [k for k, n in collections.Counter(a).items() if n >= 20 and k not in set(b)]
    p = chance(a, b)
    return not odd and set(common) <= set(a) and p > LEAST_P, f"p = {p:.3g} (chi-square), {len(common)} values, strange {odd}"


def main():
    print(f"1..{len(WORDS)}")
    failed = 0
    for i, (text, node, continuous) in enumerate(WORDS):
        try:
            good, note = check(text, node, continuous)
        except subprocess.CalledProcessError as e:
            good, note = False, e.stderr.strip()
        print(f"{'ok' if good else 'not ok'} {i + 1} - {text}: {note}")
        failed += not good
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
