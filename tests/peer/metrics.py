#!/usr/bin/env python3
"""Every metric beside scikit-learn's, on random predictions: build/bench/score.

Labels that never occur, ties in the ranking and label sets are among the cases. Exit code 77 where scikit-learn is
absent."""
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

try:
    import numpy as np
    from sklearn import metrics
except ImportError as e:
    print(f"skipped: no scikit-learn ({e})")
    sys.exit(77)

warnings.simplefilter("ignore")
SCORE = Path(__file__).resolve().parents[2] / "build" / "bench" / "score"
TOLERANCE = 1e-6
ECE_BINS = 15


def random_probabilities(rng, n, k, steps):
    """Rows that sum to 1; of few distinct values where steps is given, so that the ranking has ties."""
    p = rng.dirichlet(np.full(k, 0.7), n)
    if steps:
        p = np.round(p * steps) + 1
    p = np.maximum(p, 1e-6)
    return (p / p.sum(axis=1, keepdims=True)).astype(np.float32)


def calibration_error(confidence, right):
    """Guo et al. 2017, equation 5, bins of equal width."""
    at = np.minimum((confidence * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = [abs(confidence[at == b].sum() - right[at == b].sum()) for b in range(ECE_BINS)]
    return sum(gaps) / len(confidence)


def f1_means(gold, said, labels):
    return {f"{mean}_f1": metrics.f1_score(gold, said, labels=labels, average=mean, zero_division=0)
            for mean in ("macro", "micro", "weighted")}


def single_label(rng, n, k, steps, unseen):
    """(task, gold labels, probabilities, wanted): the last `unseen` labels never occur."""
    p = random_probabilities(rng, n, k, steps)
    seen = k - unseen
    gold = np.where(rng.random(n) < 0.5, p[:, :seen].argmax(axis=1), rng.integers(0, seen, n))
    gold[:seen] = np.arange(seen)
    exact, said = p.astype(float), p.argmax(axis=1)
    areas = [metrics.roc_auc_score(gold == c, exact[:, c]) for c in range(1 if k == 2 else 0, seen)]
    wanted = {
        "accuracy": metrics.accuracy_score(gold, said), **f1_means(gold, said, np.union1d(gold, said)),
        "log_loss": -np.mean(np.log(exact[np.arange(n), gold])), "auc": np.mean(areas),
        "ece": calibration_error(exact.max(axis=1), said == gold),
    }
    if not unseen:
        wanted["log_loss"] = metrics.log_loss(gold, exact, labels=range(k))
        wanted["auc"] = metrics.roc_auc_score(gold, exact[:, 1] if k == 2 else exact, multi_class="ovr")
    return "binary" if k == 2 else "multiclass", [[c] for c in gold], p, wanted


def label_sets(rng, n, k, steps):
    p = rng.random((n, k))
    if steps:
        p = (np.floor(p * steps) + 0.5) / steps
    p = np.clip(p, 1e-6, 1 - 1e-6).astype(np.float32)
    gold = rng.random((n, k)) < 0.5 * p + 0.1
    gold[0], gold[1] = True, False
    exact, said = p.astype(float), p >= 0.5
    wanted = {
        "accuracy": metrics.accuracy_score(gold, said), **f1_means(gold, said, None),
        "log_loss": metrics.log_loss(gold.ravel(), exact.ravel()),
        "auc": metrics.roc_auc_score(gold, exact, average="macro"),
        "ece": calibration_error(np.where(said, exact, 1 - exact).ravel(), (said == gold).ravel()),
    }
    return "multilabel", [np.flatnonzero(row) for row in gold], p, wanted


def ours(task, gold, p, folder):
    names = [f"l{c:03d}" for c in range(p.shape[1])]
    rows, probs = folder / "rows.tsv", folder / "probs"
    rows.write_text("".join(f"{'|'.join(names[c] for c in doc)}\tdocument {i}\n" for i, doc in enumerate(gold)))
    probs.write_bytes(p.tobytes())
    run = subprocess.run([SCORE, task, rows, probs, *names], capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr.strip())
    return {name: float(value) for name, value in map(str.split, run.stdout.splitlines())}


def differences(case, folder):
    task, gold, p, wanted = case
    got = ours(task, gold, p, folder)
    if set(got) != set(wanted):
        return [f"metrics {sorted(got)} instead of {sorted(wanted)}"]
    return [f"{m}: {got[m]:.9f}, scikit-learn {wanted[m]:.9f}" for m in wanted if not abs(got[m] - wanted[m]) <= TOLERANCE]


def cases(rng):
    for k, unseen in ((2, 0), (3, 0), (7, 0), (60, 0), (5, 2)):
        for steps in (0, 8):
            yield (f"{k} labels, {unseen} of them never seen, {'few' if steps else 'many'} values",
                   single_label(rng, 400, k, steps, unseen))
    for k in (2, 4, 30):
        for steps in (0, 9):
            yield f"sets of {k} labels, {'few' if steps else 'many'} values", label_sets(rng, 300, k, steps)


def main():
    if not SCORE.exists():
        print("skipped: build/bench/score is not built")
        return 77
    rng, number, failed = np.random.default_rng(1), 0, 0
    with tempfile.TemporaryDirectory(prefix="aglm-peer-") as folder:
        for number, (what, case) in enumerate(cases(rng), 1):
            short = differences(case, Path(folder))
            failed += bool(short)
            print(f"{'not ok' if short else 'ok'} {number} - {what}{': ' + '; '.join(short) if short else ''}")
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
