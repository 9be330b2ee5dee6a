#!/usr/bin/env python3
"""Regret on problems that did not guide the samplers' rules, beside Optuna 5 run on the same functions.

usage: bench/hpo_held_out.py [SAMPLER [PROBLEM...]]    default: auto on all problems
Optuna's columns (random, TPE, CMA-ES where cmaes is installed, GP where torch is) are run once and kept in
build/hpo-peers.jsonl, the tables of real errors that scikit-learn makes in build/hpo-tables/; delete either to have it made
anew. AGLM_PEER_PYTHON runs Optuna, AGLM_PEERS names the columns, AGLM_SET=fresh takes the second set, AGLM_SEEDS so many seeds.
The table also goes to build/bench-hpo-SET.md."""
import importlib.util
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

import hpo

BUILD = hpo.ROOT / "build"
TABLES = BUILD / "hpo-tables"
CACHE = BUILD / "hpo-peers.jsonl"
SET = os.environ.get("AGLM_SET", "held-out")
SEEDS = {"gp": 3}  # a minute each
TRIALS = {"gp": 100}


# ---------------------------------------------------------------- tables of real errors

def folds_of(name):
    from sklearn import datasets
    from sklearn.model_selection import KFold, StratifiedKFold
    x, y = getattr(datasets, "load_" + name)(return_X_y=True)
    splitter = KFold(5, shuffle=True, random_state=0) if name == "diabetes" else StratifiedKFold(5)
    return [(x[a], y[a], x[b], y[b]) for a, b in splitter.split(x, y)]


def table_svm():
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC
    folds = []
    for x, y, tx, ty in folds_of("breast_cancer"):
        scaler = StandardScaler().fit(x)
        folds.append((scaler.transform(x), y, scaler.transform(tx), ty))
    for gamma in range(25):
        for c in range(25):
            model = SVC(C=10 ** (c / 4 - 3), gamma=10 ** (gamma / 4 - 5))
            yield statistics.mean(1 - model.fit(x, y).score(tx, ty) for x, y, tx, ty in folds)


def table_knn():
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsClassifier
    folds = folds_of("digits")
    for metric in ("euclidean", "manhattan", "chebyshev"):
        for weights in ("uniform", "distance"):
            for width in range(2, 17):
                parts = []
                for x, y, tx, ty in folds:
                    pca = PCA(width, random_state=0).fit(x)
                    parts.append((pca.transform(x), y, pca.transform(tx), ty))
                for k in range(1, 31, 2):
                    model = KNeighborsClassifier(k, weights=weights, metric=metric)
                    yield statistics.mean(1 - model.fit(x, y).score(tx, ty) for x, y, tx, ty in parts)


def table_boost():
    import numpy as np
    from sklearn.ensemble import GradientBoostingRegressor
    folds = folds_of("diabetes")
    for part in (0.4, 0.7, 1.0):
        for depth in range(1, 6):
            for rate in range(10):
                errors = np.zeros(91)
                for x, y, tx, ty in folds:
                    model = GradientBoostingRegressor(n_estimators=100, learning_rate=10 ** (rate / 5 - 2), max_depth=depth,
                                                      subsample=part, random_state=0).fit(x, y)
                    stages = list(model.staged_predict(tx))[9:]
                    errors += [np.mean((p - ty) ** 2) / np.var(ty) / 5 for p in stages]
                yield from errors


def table_tree():
    from sklearn.tree import DecisionTreeClassifier
    folds = folds_of("wine")
    for criterion in ("gini", "entropy"):
        for split in range(2, 21, 2):
            for leaf in range(1, 21):
                for depth in range(1, 13):
                    model = DecisionTreeClassifier(max_depth=depth, min_samples_leaf=leaf, min_samples_split=split,
                                                   criterion=criterion, random_state=0)
                    yield statistics.mean(1 - model.fit(x, y).score(tx, ty) for x, y, tx, ty in folds)


MAKERS = {
    "tab_svm": (table_svm, "c=int(0,24) gamma=int(0,24)"),
    "tab_knn": (table_knn, "k=int(1,29,2) width=int(2,16) weights=choice(uniform,distance) metric=choice(l2,l1,max)"),
    "tab_boost": (table_boost, "rounds=int(10,100) rate=int(0,9) depth=int(1,5) part=choice(0.4,0.7,1.0)"),
    "tab_tree": (table_tree, "depth=int(1,12) leaf=int(1,20) split=int(2,20,2) criterion=choice(gini,entropy)"),
}


def tables():
    """{name: what hpo takes for it}; those that are there where scikit-learn is not."""
    TABLES.mkdir(parents=True, exist_ok=True)
    for name, (make, space) in MAKERS.items():
        path = TABLES / name
        if not path.exists() and importlib.util.find_spec("sklearn"):
            print(f"making {name}", file=sys.stderr, flush=True)
            numbers = " ".join(f"{v:.10g}" for v in make())
            path.write_text(f"{space}\n{numbers}\n")
    return {n: f"@{TABLES / n}" for n in MAKERS if (TABLES / n).exists()}


# ---------------------------------------------------------------- Optuna

def optuna_sampler(name, seed):
    import optuna
    kinds = optuna.samplers
    if name == "random":
        return kinds.RandomSampler(seed=seed)
    if name == "tpe":
        return kinds.TPESampler(seed=seed)
    if name == "cmaes":
        return kinds.CmaEsSampler(seed=seed, warn_independent_sampling=False)
    import contextlib
    import torch
    torch.set_num_threads(1)
    if not hasattr(torch.device, "__enter__"):  # torch before 2: a device is no context manager
        import optuna.samplers._gp.sampler as module

        class Torch:
            def __getattr__(self, attribute):
                return getattr(torch, attribute)

            def device(self, _):
                return contextlib.nullcontext()
        module.torch = Torch()
    return kinds.GPSampler(seed=seed, warn_independent_sampling=False)


def suggest(trial, params):
    """The point as hpo takes it, parents before their children."""
    x, names = [], {}
    for p in params:
        d, a = p["distribution"]["name"], p["distribution"]["attributes"]
        if "parent" in p and names.get(p["parent"]) not in p["when"]:
            x.append(math.nan)
        elif d == "CategoricalDistribution":
            names[p["name"]] = trial.suggest_categorical(p["name"], a["choices"])
            x.append(a["choices"].index(names[p["name"]]))
        elif d == "IntDistribution":
            x.append(trial.suggest_int(p["name"], a["low"], a["high"], step=a["step"], log=a["log"]))
        else:
            x.append(trial.suggest_float(p["name"], a["low"], a["high"], step=a["step"], log=a["log"]))
    return x


def optuna_run(sampler, problem, seed, trials):
    """{mark: regret of the best value seen}"""
    import numpy
    import optuna
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    params = json.loads(subprocess.run([hpo.HPO, "space", problem], capture_output=True, text=True, check=True).stdout)["params"]
    study = optuna.create_study(sampler=optuna_sampler(sampler, seed))
    rng = numpy.random.RandomState(seed + 12345)
    best, regret, marks = math.inf, math.inf, {}
    with subprocess.Popen([hpo.HPO, "value", problem], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:
        for i in range(1, trials + 1):
            trial = study.ask()
            program.stdin.write(" ".join(repr(float(v)) for v in suggest(trial, params)) + "\n")
            program.stdin.flush()
            value, noise = map(float, program.stdout.readline().split())
            seen = value + noise * rng.normal() if noise else value
            if seen < best:
                best, regret = seen, value
            study.tell(trial, seen)
            if str(i) in hpo.MARKS:
                marks[str(i)] = regret
        program.stdin.close()
    return marks


def peer_main(sampler, wanted):
    """In the peers' Python: appends to the cache what it lacks. wanted: NAME=PROBLEM."""
    import warnings
    warnings.simplefilter("ignore")
    have = {(r["sampler"], r["problem"], r["seed"]) for r in cached()}
    for name, problem in (w.split("=", 1) for w in wanted):
        for seed in range(SEEDS.get(sampler, len(hpo.SEEDS))):
            if (sampler, name, seed) in have:
                continue
            row = {"sampler": sampler, "problem": name, "seed": seed,
                   "regret": optuna_run(sampler, problem, seed, TRIALS.get(sampler, 200))}
            with CACHE.open("a") as f:
                f.write(json.dumps(row) + "\n")


def cached():
    return [json.loads(line) for line in CACHE.read_text().splitlines()] if CACHE.exists() else []


def peer_columns(problems):
    """{problem: {sampler: {mark: median}}} of all that can be run here."""
    python = os.environ.get("AGLM_PEER_PYTHON") or sys.executable
    for sampler in os.environ.get("AGLM_PEERS", "random,tpe,cmaes,gp").split(","):
        wanted = [f"{n}={p}" for n, p in problems.items()]
        lacks = {"cmaes": "cmaes", "gp": "torch"}.get(sampler, "optuna")
        if subprocess.run([python, "-c", f"import optuna, {lacks}"], capture_output=True).returncode:
            print(f"no {lacks} in {python}: Optuna's {sampler} as far as it is in {CACHE}")
            continue
        subprocess.run([python, __file__, "--peer", sampler, *wanted], check=True)
    values = {}
    for r in cached():
        for m, v in r["regret"].items():
            values.setdefault(r["problem"], {}).setdefault(r["sampler"], {}).setdefault(m, []).append(v)
    return {p: {s: {m: statistics.median(v) for m, v in c.items()} for s, c in columns.items()} for p, columns in values.items()}


# ---------------------------------------------------------------- the report

def report(sampler, problems, peers):
    """Lines of the table, the words of its cells, those over 1.1 x TPE."""
    lines, words, over = [], [], []
    for name, problem in problems.items():
        ours = hpo.runs(sampler, problem)[0]
        for m in hpo.MARKS:
            at = {s: c[m] for s, c in peers.get(name, {}).items() if m in c}
            word = hpo.verdict(ours[m], at) if at else "-"
            words.append(word)
            row = " | ".join(f"{at[p]:.4g}" if p in at else "-" for p in hpo.PEERS)
            if "tpe" in at and ours[m] > 1.1 * at["tpe"] + 1e-12:
                over.append(f"{name}@{m} ({ours[m] / at['tpe']:.2f})")
            lines.append(f"| {name} | {m} | {ours[m]:.4g} | {row} | {word} |")
            print(lines[-1], flush=True)
    return lines, words, over


def main():
    if sys.argv[1:2] == ["--peer"]:
        return peer_main(sys.argv[2], sys.argv[3:])
    if not hpo.HPO.exists():
        print(f"skipped: {hpo.HPO} is not built")
        return 77
    sampler = sys.argv[1] if len(sys.argv) > 1 else "auto"
    names = subprocess.run([hpo.HPO, "list", SET], capture_output=True, text=True, check=True).stdout.split()
    problems = {n: n for n in names} | (tables() if SET == "held-out" else {})
    problems = {n: p for n, p in problems.items() if not sys.argv[2:] or n in sys.argv[2:]}
    lines, words, over = report(sampler, problems, peer_columns(problems))
    head = [f"| problem | trials | {sampler} | " + " | ".join(f"Optuna {p}" for p in hpo.PEERS) + " | |", "|---" * 8 + "|"]
    tail = f"Of {len(words)} cells: " + ", ".join(f"{words.count(w)} {w}" for w in ("won", "tied", "lost"))
    tail += "; over 1.1 x Optuna's TPE: " + (", ".join(over) or "none") + "."
    print(tail)
    (BUILD / f"bench-hpo-{SET}.md").write_text("\n".join(head + lines + ["", tail]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
