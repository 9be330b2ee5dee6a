#!/usr/bin/env python3
"""The trained head beside scikit-learn: a logistic one reaches LogisticRegression's optimum, one with a hidden layer is as
good as MLPClassifier where no straight line will do. Exit code 77 where scikit-learn is absent."""
import os
import subprocess
import sys
import warnings
from pathlib import Path

try:
    import numpy as np
    from sklearn.datasets import make_circles
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler
except ImportError as e:
    print(f"skipped: no scikit-learn ({e})")
    sys.exit(77)

warnings.simplefilter("ignore")
ROOT = Path(__file__).resolve().parents[2]
HEAD = Path(os.environ.get("AGLM_BUILD") or ROOT / "build") / "tests" / "peer" / "head"


def ours(x, y, hidden, lr, epochs, batch):
    """Probabilities of the rows that were learned from."""
    labels = int(y.max()) + 1
    rows = np.array([*x.shape, labels], np.uint32).tobytes() + x.astype(np.float32).tobytes() + y.astype(np.uint32).tobytes()
    out = subprocess.run([str(HEAD), *map(str, (hidden, lr, epochs, batch))], input=rows, stdout=subprocess.PIPE, check=True)
    z = np.frombuffer(out.stdout, np.float32).reshape(len(x), labels).astype(float)
    p = np.exp(z - z.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def noisy_rows(rng, rows, columns, labels):
    """Rows of columns of very different sizes, whose labels overlap: the optimum is one finite point."""
    x = rng.standard_normal((rows, columns)) * 10.0 ** rng.integers(-3, 4, columns) + rng.standard_normal(columns)
    z = StandardScaler().fit_transform(x) @ rng.standard_normal((columns, labels))
    return x, (z + 3 * rng.gumbel(size=z.shape)).argmax(1)


def check(number, good, text):
    print(f"{'ok' if good else 'not ok'} {number} - {text}")
    return good


def main():
    rng = np.random.default_rng(1)
    good = True
    for number, (rows, columns, labels) in enumerate([(800, 10, 2), (800, 20, 3), (1500, 33, 6)], 1):
        x, y = noisy_rows(rng, rows, columns, labels)
        peer = LogisticRegression(penalty=None, max_iter=5000, tol=1e-8)
        theirs = peer.fit(scaled := StandardScaler().fit_transform(x), y).predict_proba(scaled)
        mine = ours(x, y, 0, 0.01, 300, 32)
        a, b, far = log_loss(y, mine), log_loss(y, theirs), np.abs(mine - theirs).max()
        good &= check(number, abs(a - b) < 1e-3 * b and far < 0.02,
                      f"logistic, {rows} x {columns}, {labels} labels: loss {a:.6f} beside {b:.6f}, "
                      f"probabilities within {far:.4f}")
    x, y = make_circles(1000, noise=0.15, factor=0.5, random_state=1)
    theirs = MLPClassifier((32,), activation="tanh", max_iter=400, random_state=1).fit(x, y).score(x, y)
    mine = (ours(x, y, 32, 0.01, 200, 32).argmax(1) == y).mean()
    straight = LogisticRegression().fit(x, y).score(x, y)
    good &= check(4, mine > theirs - 0.01 and mine > straight + 0.2,
                  f"circles: accuracy {mine:.3f} beside MLPClassifier's {theirs:.3f}; a straight line {straight:.3f}")
    print("1..4")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
