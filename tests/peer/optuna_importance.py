#!/usr/bin/env python3
"""Importance of parameters beside Optuna's two evaluators, on studies of several kinds.

PED-ANOVA is deterministic: the shares must agree to rounding. fANOVA is a random forest in both programs and differs from seed
to seed: the ranks must agree (Spearman's correlation, 0.9). Optuna measures a logarithmic parameter in plain units there; it
is shown the logarithms instead. Runs build/autoglm on SQLite files. Exit code 77 where Optuna is absent."""
import json
import math
import pathlib
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import warnings

try:
    import optuna
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution, distribution_to_json
    from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator, get_param_importances
    from optuna.trial import TrialState, create_trial
    from scipy.stats import spearmanr
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
AUTOGLM = pathlib.Path(__file__).resolve().parents[2] / "build" / "autoglm"
CPU_LIMIT_S = 0.1
count = failures = 0


def ok(good, text):
    global count, failures
    count += 1
    failures += not good
    print(f"{'ok' if good else 'not ok'} {count} - {text}", flush=True)


def sample(dist, rng):
    if isinstance(dist, CategoricalDistribution):
        return rng.choice(dist.choices)
    if isinstance(dist, IntDistribution):
        if dist.log:
            return min(dist.high, int(math.exp(rng.uniform(math.log(dist.low), math.log(dist.high + 1)))))
        return rng.randrange(dist.low, dist.high + 1, dist.step)
    if dist.log:
        return min(dist.high, max(dist.low, math.exp(rng.uniform(math.log(dist.low), math.log(dist.high)))))
    if dist.step:
        return dist.low + dist.step * rng.randrange(round((dist.high - dist.low) / dist.step) + 1)
    return rng.uniform(dist.low, dist.high)


# ---- the studies: (name, direction, distributions, which are active, objective, trials) ----

def always(space, rng):
    return {k: sample(d, rng) for k, d in space.items()}


def mixed():
    space = {"lr": FloatDistribution(1e-5, 1e-1, log=True), "drop": FloatDistribution(0, 0.9), "layers": IntDistribution(1, 8),
             "units": IntDistribution(16, 1024, log=True), "batch": IntDistribution(16, 256, step=16),
             "act": CategoricalDistribution(["relu", "tanh", "gelu"]), "bias": CategoricalDistribution([True, False])}

    def f(p, rng):
        return (1.5 * (math.log10(p["lr"]) + 3) ** 2 + 2 * p["drop"] ** 2 + 0.15 * p["layers"] + 0.4 * abs(math.log2(p["units"]) - 8)
                + {"relu": 0, "tanh": 0.9, "gelu": 0.2}[p["act"]] + 0.003 * p["batch"] * 0.5 + rng.gauss(0, 0.05))
    return "mixed", "minimize", space, always, f, 300


def maximised():
    space = {f"x{i}": FloatDistribution(-1, 1) for i in range(6)}

    def f(p, rng):
        v = -sum(2.0 ** -i * p[f"x{i}"] ** 2 for i in range(6))
        return math.inf if rng.random() < 0.02 else v
    return "maximised, some infinite", "maximize", space, always, f, 250


def rounded():
    space = {"a": FloatDistribution(0, 1, step=0.1), "b": IntDistribution(0, 100), "c": IntDistribution(1, 2, log=True),
             "d": CategoricalDistribution([1, 2, 4, 8, 16, 32, 64]), "one": IntDistribution(3, 3)}
    return "steps and ties", "minimize", space, always, (
        lambda p, rng: round(3 * p["a"] + 0.01 * p["b"] + 0.4 * p["c"] + 0.03 * p["d"], 1)), 120


def wide():
    space = {f"p{i:02d}": FloatDistribution(0, 1) if i % 3 else FloatDistribution(1e-3, 1, log=True) for i in range(20)}

    def f(p, rng):
        unit = {k: (math.log10(v) + 3) / 3 if space[k].log else v for k, v in p.items()}
        return sum(0.75 ** i * 4 * (unit[f"p{i:02d}"] - 0.4) ** 2 for i in range(20))
    return "20 parameters", "minimize", space, always, f, 1000


def conditional():
    space = {"kind": CategoricalDistribution(["svm", "forest", "none"]), "c": FloatDistribution(1e-3, 1e3, log=True),
             "depth": IntDistribution(1, 12), "seed": FloatDistribution(0, 1)}

    def active(space, rng):
        p = always(space, rng)
        for name, kind in (("c", "svm"), ("depth", "forest")):
            if p["kind"] != kind:
                del p[name]
        return p
    return "conditional", "minimize", space, active, (
        lambda p, rng: {"svm": 0.1 * abs(math.log10(p.get("c", 1))), "forest": 0.05 * p.get("depth", 0), "none": 0.9}[p["kind"]]
        + 0.02 * p["seed"]), 200


def few():
    space = {"a": FloatDistribution(0, 1), "b": FloatDistribution(0, 1)}
    return "seven trials", "minimize", space, always, lambda p, rng: p["a"] + 0.1 * p["b"], 7


def make(recipe, seed):
    """(Optuna's study in memory, Optuna's with logarithms plain, rows for a file)"""
    name, direction, space, active, f, n = recipe
    rng = random.Random(f"{name} {seed}")
    study, plain = (optuna.create_study(direction=direction) for _ in range(2))
    rows = []
    flat = {k: FloatDistribution(math.log(d.low), math.log(d.high)) if isinstance(d, (FloatDistribution, IntDistribution)) and d.log
            and d.low < d.high else d for k, d in space.items()}
    for _ in range(n):
        p = active(space, rng)
        state = TrialState.FAIL if rng.random() < 0.02 else TrialState.COMPLETE
        value = f(p, rng) if state == TrialState.COMPLETE else None
        rows.append((p, state, value))
        study.add_trial(create_trial(params=p, distributions={k: space[k] for k in p}, value=value, state=state))
        q = {k: math.log(v) if flat[k] is not space[k] else v for k, v in p.items()}
        plain.add_trial(create_trial(params=q, distributions={k: flat[k] for k in q}, value=value, state=state))
    return study, plain, rows


def write(path, recipe, rows):
    """The rows in Optuna's schema, at once: its own way takes a third of a second a trial."""
    _, direction, space, *_ = recipe
    optuna.create_study(study_name="s", direction=direction, storage=f"sqlite:///{path}")
    db = sqlite3.connect(path)
    for t, (params, state, value) in enumerate(rows, 1):
        db.execute("INSERT INTO trials VALUES (?, ?, 1, ?, '2026-01-01 00:00:00', '2026-01-01 00:00:01')", (t, t - 1, state.name))
        for k, v in params.items():
            db.execute("INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)",
                       (t, k, space[k].to_internal_repr(v), distribution_to_json(space[k])))
        if value is not None:
            kind = "FINITE" if math.isfinite(value) else "INF_POS" if value > 0 else "INF_NEG"
            db.execute("INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, ?)",
                       (t, value if kind == "FINITE" else None, kind))
    db.commit()
    db.close()


def ours(path, evaluator):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    out = subprocess.run([AUTOGLM, "study", "importance", "--storage", path, "--evaluator", evaluator, "--json"],
                         capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if out.returncode:
        print(out.stderr)
        return None, 0
    return json.loads(out.stdout)["importance"], after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def correlation(a, b):
    names = sorted(b)
    return spearmanr([a[k] for k in names], [b[k] for k in names]).statistic


def compare(recipe, seed, folder):
    study, plain, rows = make(recipe, seed)
    path = pathlib.Path(folder) / f"{recipe[0].replace(' ', '-')}-{seed}.db"
    write(path, recipe, rows)
    theirs = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    mine, _ = ours(path, "ped-anova")
    worst = max(abs(mine[k] - theirs[k]) for k in theirs) if mine and set(mine) == set(theirs) else math.inf
    ok(worst < 1e-6, f"ped-anova, {recipe[0]}, seed {seed}: shares differ by at most {worst:.1e}")
    mine, cpu = ours(path, "fanova")
    theirs = get_param_importances(plain, evaluator=FanovaImportanceEvaluator(seed=0))
    again = get_param_importances(plain, evaluator=FanovaImportanceEvaluator(seed=1))
    raw = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    if len(theirs) < 3:
        same = max(theirs, key=theirs.get) == max(theirs, key=lambda k: mine[k])
        ok(same, f"fanova, {recipe[0]}, seed {seed}: the same first parameter")
        return
    r, own, r_raw = correlation(mine, theirs), correlation(theirs, again), correlation(mine, raw)
    ok(r >= 0.9, f"fanova, {recipe[0]}, seed {seed}: rank correlation {r:.3f} (Optuna's between two seeds {own:.3f}; "
                 f"where it measures logarithms plainly {r_raw:.3f}), {1000 * cpu:.0f} ms CPU for the whole command")


def main():
    with tempfile.TemporaryDirectory() as folder:
        for recipe in (mixed(), maximised(), rounded(), wide(), conditional(), few()):
            for seed in (0, 1):
                compare(recipe, seed, folder)
    print(f"1..{count}")
    return failures == 0


if __name__ == "__main__":
    if not AUTOGLM.exists():
        print(f"skipped: {AUTOGLM} is not built")
        sys.exit(77)
    sys.exit(0 if main() else 1)
