#!/usr/bin/env python3
"""Trees beside Python's XGBoost over the very same library: the same parameters give the same predictions; and the tuned
bundle beside scikit-learn's forest and boosted trees on real tables held out. TAP. Exit code 77 where they are absent."""
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy as np
    import xgboost as xgb
    from sklearn import datasets, ensemble, metrics, model_selection
except ImportError as e:
    print(f"skipped: no scikit-learn or xgboost ({e})")
    sys.exit(77)

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("AGLM_BUILD") or ROOT / "build")
LIBRARY = Path(xgb.__file__).parent / "lib" / "libxgboost.so"
BUDGET = os.environ.get("AGLM_TREES_BUDGET") or "20s"
SETS = {"breast_cancer": "binary", "wine": "multiclass", "digits": "multiclass", "diabetes": "regression"}
NAMES = ["kind", "n_estimators", "max_depth", "learning_rate", "subsample", "colsample", "min_child_weight", "lambda", "alpha",
         "max_bin"]
BOOST = dict(zip(NAMES, [0, 40, 5, 0.2, 0.7, 0.6, 0.5, 2, 0.1, 64]))
FOREST = dict(zip(NAMES, [1, 30, 9, float("nan"), 0.8, 0.5, 0.1, 0.001, 0.001, 256]))
SEED = 11
tests, failures = 0, 0


def check(ok, text):
    global tests, failures
    tests += 1
    failures += not ok
    print(f"{'ok' if ok else 'not ok'} {tests} - {text}", flush=True)


def load(name):
    """Without columns that are all the same, which the learner leaves out."""
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return x[:, np.ptp(x, axis=0) > 0], y


def write(path, x, y, categories=()):
    with open(path, "w", newline="", encoding="utf8") as f:
        out = csv.writer(f)
        out.writerow([f"c{i}" for i in range(x.shape[1])] + ["target"])
        for row, label in zip(x, y):
            cells = ["" if np.isnan(v) else f"k{int(v)}" if i in categories else repr(float(v)) for i, v in enumerate(row)]
            out.writerow(cells + [label])


def ours(path, task, values, outputs):
    run = subprocess.run([BUILD / "tests" / "peer" / "trees", path, task, str(SEED), *map(str, values.values())],
                         capture_output=True, env=dict(os.environ, AGLM_XGBOOST=str(LIBRARY)), check=False)
    if run.returncode:
        raise RuntimeError(run.stderr.decode())
    return np.frombuffer(run.stdout, np.float32).reshape(-1, outputs)


def derivatives(y, task, base):
    """Of the loss before any tree."""
    if task == "regression":
        return np.float32(base) - y, np.ones_like(y)
    if task == "binary":
        return np.float32(0.5) - y, np.full_like(y, 0.25)
    k = len(set(y))
    p = np.float32(1) / np.float32(k)
    return p - (y[:, None] == np.arange(k)).astype(np.float32), np.full((len(y), k), 2 * p * (1 - p), np.float32)


def theirs(x, y, task, v, categories=()):
    """Logits of Python's XGBoost, given what the learner gives."""
    forest = v["kind"] == 1
    base = float(np.mean(y.astype(np.float32), dtype=np.float64)) if task == "regression" else 0.5
    params = {"tree_method": "hist", "nthread": 1, "seed": SEED, "max_depth": v["max_depth"], "max_bin": v["max_bin"],
              "subsample": v["subsample"], "min_child_weight": v["min_child_weight"], "reg_lambda": v["lambda"],
              "reg_alpha": v["alpha"], "learning_rate": 1 / v["n_estimators"] if forest else v["learning_rate"],
              "colsample_bynode" if forest else "colsample_bytree": v["colsample"],
              "objective": {"binary": "binary:logistic", "multiclass": "multi:softprob", "regression": "reg:squarederror"}[task],
              "base_score": base}
    if task == "multiclass":
        params["num_class"] = len(set(y))
    types = ["c" if i in categories else "float" for i in range(x.shape[1])]
    d = xgb.DMatrix(x.astype(np.float32), label=y, feature_types=types, enable_categorical=True, nthread=1)
    booster = xgb.Booster(params, [d])
    for i in range(v["n_estimators"]):
        if forest:
            gradient, hessian = derivatives(y.astype(np.float32), task, base)
            booster.boost(d, iteration=i, grad=gradient, hess=hessian)
        else:
            booster.update(d, i)
    z = booster.predict(d, output_margin=True)
    return np.stack([np.zeros_like(z), z], 1) if task == "binary" else z.reshape(len(x), -1)


def mixed(task):
    """Made-up rows with gaps and two columns of categories."""
    rng = np.random.default_rng(4)
    x = np.column_stack([rng.normal(size=(600, 3)), rng.integers(0, 9, (600, 2))])
    score = x[:, 0] + (x[:, 3] % 3) - (x[:, 4] > 5) + 0.2 * rng.normal(size=600)
    x[rng.random(x.shape) < 0.1] = np.nan
    return x, score if task == "regression" else (score > 1).astype(int) + (score > 2) * (task == "multiclass")


def same_predictions(folder):
    tables = {name: (task, *load(name), ()) for name, task in SETS.items()}
    tables.update({f"mixed, {task}": (task, *mixed(task), (3, 4)) for task in ("binary", "multiclass", "regression")})
    for name, (task, x, y, categories) in tables.items():
        path = Path(folder) / "table.csv"
        write(path, x, y, categories)
        for kind, values in (("boost", BOOST), ("forest", FOREST)):
            want = theirs(x, y, task, values, categories)
            got = ours(path, task, values, want.shape[1])
            gap = float(np.abs(got - want).max())
            check(gap <= 1e-5 * max(1, float(np.abs(want).max())),
                  f"{name}, {kind}: same predictions as Python's XGBoost {xgb.__version__}, largest gap {gap:.2g}")


def peers(x, y, test, regression):
    forest = ensemble.RandomForestRegressor if regression else ensemble.RandomForestClassifier
    boosted = ensemble.HistGradientBoostingRegressor if regression else ensemble.HistGradientBoostingClassifier
    return {"RandomForest": forest(random_state=0, n_jobs=1).fit(x, y).predict(test),
            "HistGradientBoosting": boosted(random_state=0).fit(x, y).predict(test)}


def tuned(folder, seed):
    program = os.environ.get("AUTOGLM") or BUILD / "autoglm"
    bundle = Path(folder) / "tuned.bundle"
    subprocess.run([program, "tune", Path(folder) / "train.csv", "--label", "target", "--budget", BUDGET, "--seed", str(seed),
                    "--storage", "memory", "--quiet", "--out", bundle], check=True, capture_output=True)
    run = subprocess.run([program, "predict", bundle, Path(folder) / "test.csv", "--json"], check=True, capture_output=True)
    return [json.loads(line) for line in run.stdout.decode().splitlines()]


def quality(folder):
    """Within what a third of the rows can tell of the better peer: 2.5 points, or a twentieth of its error."""
    for name, task in SETS.items():
        x, y = load(name)
        regression = task == "regression"
        train_x, test_x, train_y, test_y = model_selection.train_test_split(
            x, y, test_size=1 / 3, random_state=1, stratify=None if regression else y)
        write(Path(folder) / "train.csv", train_x, train_y)
        write(Path(folder) / "test.csv", test_x, test_y)
        rows = tuned(folder, 1)
        said = {"autoglm": np.array([r["value"] if regression else int(r["labels"][0]) for r in rows]),
                **peers(train_x, train_y, test_x, regression)}
        if regression:
            errors = {k: metrics.root_mean_squared_error(test_y, v) for k, v in said.items()}
            ok = errors["autoglm"] <= 1.05 * min(v for k, v in errors.items() if k != "autoglm")
        else:
            errors = {k: metrics.accuracy_score(test_y, v) for k, v in said.items()}
            ok = errors["autoglm"] >= max(v for k, v in errors.items() if k != "autoglm") - 0.025
        check(ok, f"{name} ({'RMSE' if regression else 'accuracy'}, {BUDGET}): " +
              ", ".join(f"{k} {v:.4g}" for k, v in errors.items()))


def main():
    if not (BUILD / "tests" / "peer" / "trees").exists() or not LIBRARY.exists():
        print(f"skipped: {BUILD}/tests/peer/trees or {LIBRARY} is not there")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        same_predictions(folder)
        quality(folder)
    print(f"1..{tests}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
