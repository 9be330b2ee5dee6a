#!/usr/bin/env python3
"""The linear solver beside scikit-learn's liblinear on the same matrix: the objective, the labels, the time.

Runs build/bench/solve on random sparse rows and, where ../shared/data is there, on TF-IDF rows of real texts. Exit code 77
where scikit-learn is absent."""
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

try:
    import numpy as np
    import scipy.sparse as sp
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC
except ImportError as e:
    print(f"skipped: no scikit-learn ({e})")
    sys.exit(77)

warnings.simplefilter("ignore")
ROOT = Path(__file__).resolve().parents[2]
SOLVE = Path(os.environ.get("AGLM_BUILD") or ROOT / "build") / "bench" / "solve"
SHARED = Path(os.environ.get("AGLM_SHARED") or ROOT.parent / "shared")
OBJECTIVE_TOLERANCE = 1e-3
AGREEMENT = 0.995


def random_rows(rng, rows, cols, labels):
    """Sparse rows with labels by hidden vectors and noise."""
    x = sp.random(rows, cols, density=0.02, format="csr", dtype=np.float32, random_state=rng)
    hidden = rng.standard_normal((cols, labels))
    y = (x @ hidden + 0.3 * rng.standard_normal((rows, labels))).argmax(1)
    return x, y, x, f"random {rows} x {cols}, {labels} labels"


def text_rows(name):
    """Word and character n-grams of a real set, each half of length 1."""
    def read(part):
        lines = (SHARED / "data" / name / f"{part}.tsv").read_text(encoding="utf8").split("\n")
        return list(zip(*(line.split("\t", 1) for line in lines if line)))

    labels, texts = read("train")
    _, test = read("test")
    halves = [TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
              TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2)]
    x = sp.hstack([v.fit_transform(texts) for v in halves], "csr").astype(np.float32)
    return x, np.unique(labels, return_inverse=True)[1], sp.hstack([v.transform(test) for v in halves], "csr"), name


def ours(x, y, loss, c, eps):
    """Weights [cols + 1, vectors] of our solver, the bias as its last column, and CPU seconds."""
    labels = y.max() + 1
    with_bias = sp.hstack([x, np.ones((x.shape[0], 1), np.float32)], "csr")
    signs = np.where(y[:, None] == np.arange(labels), 1, -1).astype(np.int8)
    if labels == 2:
        signs = signs[:, 1:]
    signs = np.ascontiguousarray(signs)
    with tempfile.NamedTemporaryFile() as f:
        head = np.array([with_bias.shape[0], with_bias.shape[1], with_bias.nnz], np.uint32)
        for part in (head, with_bias.indptr.astype(np.uint32), with_bias.indices.astype(np.uint32),
                     with_bias.data.astype(np.float32), signs):
            f.write(part.tobytes())
        f.flush()
        run = subprocess.run([SOLVE, loss, str(c), str(eps), str(signs.shape[1]), f.name], capture_output=True, check=True)
    seconds = sum(float(line.split()[3]) for line in run.stderr.decode().splitlines())
    return np.frombuffer(run.stdout, np.float32).reshape(-1, signs.shape[1]).astype(float), seconds


def peers(x, y, loss, c):
    """The same from liblinear, solved closely; then the time at its default stopping rule."""
    def make(tol):
        if loss == "hinge":
            return LinearSVC(C=c, tol=tol, max_iter=20000, dual=True, random_state=0)
        return LogisticRegression(C=c, tol=tol, max_iter=20000, solver="liblinear", dual=True, random_state=0)

    def fit(tol):
        if loss == "hinge" or y.max() == 1:
            model = make(tol).fit(x, y)
            return np.vstack([model.coef_.T, model.intercept_])
        each = [make(tol).fit(x, y == k) for k in range(y.max() + 1)]
        return np.hstack([np.vstack([m.coef_.T, m.intercept_]) for m in each])

    close = fit(1e-6)
    start = time.process_time()
    fit(0.1)
    return close, time.process_time() - start


def objectives(x, y, w, loss, c):
    """Of each vector."""
    z = x @ w[:-1] + w[-1]
    labels = [1] if w.shape[1] == 1 else range(w.shape[1])
    margins = z * np.where(y[:, None] == np.array(labels), 1, -1)
    losses = np.maximum(0, 1 - margins) ** 2 if loss == "hinge" else np.logaddexp(0, -margins)
    return 0.5 * (w * w).sum(0) + c * losses.sum(0)


def decide(x, w):
    z = x @ w[:-1] + w[-1]
    return (z[:, 0] > 0).astype(int) if w.shape[1] == 1 else z.argmax(1)


def compare(data, loss, c):
    """False when the solvers differ."""
    x, y, test, name = data
    theirs, their_s = peers(x, y, loss, c)
    close, _ = ours(x, y, loss, c, 0.001)
    usual, our_s = ours(x, y, loss, c, 0.1)
    best = objectives(x, y, theirs, loss, c)
    gap = np.max(objectives(x, y, close, loss, c) / best - 1)
    usual_gap = np.max(objectives(x, y, usual, loss, c) / best - 1)
    agree = np.mean(decide(test, close) == decide(test, theirs))
    usual_agree = np.mean(decide(test, usual) == decide(test, theirs))
    ok = abs(gap) < OBJECTIVE_TOLERANCE and agree > AGREEMENT and usual_agree > AGREEMENT
    print(f"{name:32s} {loss:8s} C {c:<5g} objective {gap:+.1e} (as used {usual_gap:+.1e}), same labels {agree:.4f} "
          f"({usual_agree:.4f}), CPU {our_s:.3f} s, liblinear {their_s:.3f} s {'' if ok else 'DIFFERS'}", flush=True)
    return ok


def main():
    if not SOLVE.exists():
        print(f"skipped: {SOLVE} is not built (meson configure build -Dbench=true)")
        return 77
    rng = np.random.RandomState(7)
    data = [random_rows(rng, 800, 300, labels) for labels in (2, 5, 19)]
    data += [text_rows(name) for name in ("trec6", "sst2") if (SHARED / "data" / name).exists()]
    good = [compare(d, loss, c) for d in data for loss, cs in (("hinge", (0.1, 1)), ("logistic", (1, 10))) for c in cs]
    print(f"{sum(good)} passed, {len(good) - sum(good)} failed")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
