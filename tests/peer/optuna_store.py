#!/usr/bin/env python3
"""Studies shared with Optuna: the same tables, ours loaded and continued there, its own read back here, both writing at
once, and optuna-dashboard on top.

Runs build/tests/peer/store and, where it is built, build/autoglm. Exit code 77 where Optuna is absent."""
import json
import math
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import warnings
from pathlib import Path

try:
    import optuna
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution, distribution_to_json
    from optuna.trial import TrialState, create_trial
except ImportError as e:
    print(f"skipped: no Optuna ({e})")
    sys.exit(77)

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
BUILD = Path(__file__).resolve().parents[2] / "build"
STORE = BUILD / "tests" / "peer" / "store"
AUTOGLM = BUILD / "autoglm"
ODD = '种类 "k"'


def ours(*args):
    p = subprocess.run([STORE, *map(str, args)], capture_output=True, text=True)
    assert p.returncode == 0, f"store {args}: {p.stderr}"
    return p.stdout


def read_ours(url, name):
    return json.loads(ours("read", url, name))


def objective(trial):
    x = trial.suggest_float("x", -1, 1)
    lr = trial.suggest_float("lr", 1e-5, 0.1, log=True)
    q = trial.suggest_float("q", 0, 1, step=0.25)
    n = trial.suggest_int("n", 1, 9, step=2)
    width = trial.suggest_int("width", 1, 1024, log=True)
    k = trial.suggest_categorical(ODD, ["a", None, True, 3, 2.5])
    if len(trial.study.directions) == 1:
        trial.report(x, 1)
    trial.set_user_attr("seen", {"k": k})
    return x * x + abs(math.log10(lr) + 3) + q + n / 9 + math.log2(width) / 10


def schema_rows(path):
    with sqlite3.connect(path) as db:
        return dict(db.execute("SELECT name, sql FROM sqlite_master WHERE tbl_name NOT LIKE 'aglm%' AND name NOT LIKE 'aglm%'"))


def check_schema(folder):
    """Every table and index of Optuna's, to the letter."""
    optuna.create_study(storage=f"sqlite:///{folder}/theirs.db")
    ours("write", f"sqlite:///{folder}/schema.db")
    mine, theirs = schema_rows(folder / "schema.db"), schema_rows(folder / "theirs.db")
    assert mine == theirs, [(k, mine.get(k), theirs.get(k)) for k in {*mine, *theirs} if mine.get(k) != theirs.get(k)]
    for table in ("version_info", "alembic_version"):
        rows = [sqlite3.connect(p).execute(f"SELECT * FROM {table}").fetchall()
                for p in (folder / "schema.db", folder / "theirs.db")]
        assert rows[0] == rows[1], rows


def same_number(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


def check_same(study, seen):
    """What our store read is what Optuna holds."""
    assert seen["name"] == study.study_name
    assert seen["directions"] == [d.name for d in study.directions]
    storage = study._storage
    for kind, theirs in (("user_attrs", study.user_attrs),
                         ("system_attrs", storage.get_study_system_attrs(study._study_id))):
        assert {k: json.loads(v) for k, v in seen[kind].items()} == theirs, kind
    trials = study.get_trials()
    assert len(trials) == len(seen["trials"]), (len(trials), len(seen["trials"]))
    for t, s in zip(trials, seen["trials"]):
        assert (t.number, t.state.name) == (s["number"], s["state"]), s
        assert s["values"] == (t.values or []), s
        assert [p[0] for p in s["params"]] == list(t.params), s
        for name, value, text in s["params"]:
            assert json.loads(text) == json.loads(distribution_to_json(t.distributions[name])), text
            assert value == t.distributions[name].to_internal_repr(t.params[name]), (name, value)
        assert [k for k, _ in s["steps"]] == sorted(t.intermediate_values)
        assert all(same_number(v, t.intermediate_values[k]) for k, v in s["steps"])
        for kind, theirs in (("user_attrs", t.user_attrs), ("system_attrs", t.system_attrs)):
            assert {k: json.loads(v) for k, v in s[kind].items()} == theirs, s
        assert (s["started"] is None) == (t.datetime_start is None)
        assert (s["completed"] is None) == (t.datetime_complete is None)


def check_ours_loaded(url):
    """A study of ours with all that a trial can be, continued by Optuna."""
    ours("write", url)
    study = optuna.load_study(study_name="ours", storage=url)
    trials = study.get_trials()
    states = [t.state for t in trials]
    assert states == [TrialState.COMPLETE] * 12 + [TrialState.PRUNED] * 2 + [TrialState.FAIL, TrialState.WAITING], states
    first = trials[0]
    assert first.params == {"x": 0.0, "lr": 1e-4, "q": 0.75, "n": 7, "width": 64, ODD: "a"}, first.params
    assert [trials[i].params[ODD] for i in range(5)] == ["a", None, True, 3, 2.5]
    assert first.distributions["lr"] == FloatDistribution(1e-5, 0.1, log=True)
    assert first.distributions["n"] == IntDistribution(1, 9, step=2)
    assert first.distributions[ODD] == CategoricalDistribution(["a", None, True, 3, 2.5])
    steps = first.intermediate_values
    assert steps[0] == 0.5 and math.isnan(steps[1]) and steps[2] == math.inf and steps[5] == -math.inf
    assert first.user_attrs == {"note": {"text": "好", "n": [1, None]}}
    assert trials[1].value == math.inf and trials[2].value == -math.inf
    assert trials[12].value == 0.5 and trials[13].value is None
    assert study.best_trial.number == 2
    assert study.metric_names == ["loss"] and study.user_attrs == {"data": "train.csv"}
    assert abs((first.datetime_complete - optuna.create_trial(value=0).datetime_start).total_seconds()) < 3600
    study.optimize(objective, n_trials=10)
    claimed = study.get_trials()[15]
    assert claimed.state == TrialState.COMPLETE and claimed.params["x"] == 0.25 and claimed.params["n"] == 3
    assert len(study.trials) == 25
    finite = optuna.create_study()
    finite.add_trials([t for t in study.trials if t.state == TrialState.COMPLETE and math.isfinite(t.value)])
    check_importance(finite)
    assert len(optuna.importance.get_param_importances(study)) > 0
    if has_pandas():
        assert len(study.trials_dataframe()) == 25
    check_same(study, read_ours(url, "ours"))
    two = optuna.load_study(study_name="two", storage=url)
    assert [d.name for d in two.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert two.trials[3].values == [0.6, 0.36] and len(two.best_trials) == 5
    two.optimize(lambda t: (objective(t), 1.0), n_trials=3)
    check_same(two, read_ours(url, "two"))
    two.optimize(lambda t: (objective(t), t.number), n_trials=10)
    for i in range(2):
        check_importance(two, target=lambda t, i=i: t.values[i])
    check_import(url)
    # Ours goes on after Optuna.
    ours("work", url, "ours", 5)
    assert [t.number for t in study.get_trials()] == list(range(30))


def check_importance(study, target=None):
    """Both evaluators rank every parameter."""
    for evaluator in (optuna.importance.PedAnovaImportanceEvaluator(), optuna.importance.FanovaImportanceEvaluator(seed=0)):
        ranks = optuna.importance.get_param_importances(study, evaluator=evaluator, target=target)
        assert set(ranks) >= {"x", "lr", "n"}, (evaluator, ranks)
        assert all(math.isfinite(v) for v in ranks.values()), (evaluator, ranks)


def check_import(url):
    """Ours through JSON, Optuna's frame as CSV, and Optuna's study by its URL, each as Optuna then sees it."""
    if not AUTOGLM.exists():
        return

    def run(*args):
        p = subprocess.run([AUTOGLM, "study", *args], capture_output=True, text=True)
        assert p.returncode == 0, p.stderr
        return p.stdout

    with tempfile.TemporaryDirectory() as folder:
        for name in ("ours", "two"):
            source = optuna.load_study(study_name=name, storage=url)
            (Path(folder) / "s.json").write_text(run("export", "--storage", url, "--study", name))
            run("import", f"{folder}/s.json", "--storage", url, "--study", f"{name} again")
            run("import", url, "--from-study", name, "--storage", f"sqlite:///{folder}/{name}.db", "--study", name)
            for got in (optuna.load_study(study_name=f"{name} again", storage=url),
                        optuna.load_study(study_name=name, storage=f"sqlite:///{folder}/{name}.db")):
                check_copy(source, got)
        if has_pandas():
            source.trials_dataframe().to_csv(f"{folder}/s.csv")
            run("import", f"{folder}/s.csv", "--storage", url, "--study", "frame", "--direction", "maximize", "--direction", "minimize")
            got = optuna.load_study(study_name="frame", storage=url)
            assert [t.values for t in got.trials] == [t.values for t in source.trials]
            assert [t.state for t in got.trials] == [t.state for t in source.trials]


def check_copy(source, got):
    assert got.directions == source.directions
    assert got.user_attrs == source.user_attrs
    trials, copies = source.get_trials(), got.get_trials()
    assert len(trials) == len(copies)
    for t, c in zip(trials, copies):
        assert (t.number, t.state, t.values, t.params, t.distributions) == (c.number, c.state, c.values, c.params, c.distributions)
        assert (t.user_attrs, t.system_attrs) == (c.user_attrs, c.system_attrs)
        assert (t.datetime_start, t.datetime_complete) == (c.datetime_start, c.datetime_complete)
        assert list(t.intermediate_values) == list(c.intermediate_values)
        assert all(same_number(v, c.intermediate_values[k]) for k, v in t.intermediate_values.items())


def has_pandas():
    try:
        import pandas  # noqa: F401
    except ImportError:
        return False
    return True


def check_theirs_read(url):
    """A study that Optuna wrote, all of it, in its own journal mode and while it is open."""
    study = optuna.create_study(study_name="theirs", storage=url, direction="maximize",
                                sampler=optuna.samplers.TPESampler(seed=1, n_startup_trials=5))
    study.set_metric_names(["accuracy"])
    study.set_user_attr("list", [1, "two", None, {"三": 3.5}])

    def pruned(trial):
        value = objective(trial)
        for step, v in enumerate([1.0, math.nan, math.inf, -math.inf]):
            trial.report(v, step * 10)
        if trial.number % 4 == 1:
            raise optuna.TrialPruned
        if trial.number % 4 == 2:
            return float("nan")
        return math.inf if trial.number == 3 else value

    study.optimize(pruned, n_trials=16)
    study.enqueue_trial({"x": 0.5}, user_attrs={"why": "guess"})
    study.ask()  # claims it, and stays RUNNING
    study.ask({"alone": FloatDistribution(0, 1)})
    study.enqueue_trial({"x": -0.5})
    study.add_trial(create_trial(state=TrialState.FAIL, system_attrs={"failed_trial": 1}))
    study.add_trial(create_trial(value=-math.inf, params={"e": 1e-320}, distributions={"e": FloatDistribution(0, 1)}))
    check_same(study, read_ours(url, "theirs"))
    # Its running trials have no owner that we could know to be dead.
    assert ours("reap", url, "theirs").strip() == "0"
    assert [t.state for t in study.trials[16:18]] == [TrialState.RUNNING] * 2
    if AUTOGLM.exists():
        p = subprocess.run([AUTOGLM, "study", "show", "--storage", url, "--json"], capture_output=True, text=True)
        assert p.returncode == 0, p.stderr
        assert "theirs" in p.stdout, p.stdout


def check_both_write(url, n=40):
    """Optuna and two of ours write one study at once: no lock is lost, numbers stay dense."""
    ours("write", url)
    workers = [subprocess.Popen([STORE, "work", url, "ours", str(500)], stderr=subprocess.PIPE, text=True)
               for _ in range(2)]
    study = optuna.load_study(study_name="ours", storage=url, sampler=optuna.samplers.RandomSampler(seed=2))
    study.optimize(objective, n_trials=n)
    for w in workers:
        _, why = w.communicate()
        assert w.returncode == 0, why
    assert [t.number for t in study.get_trials()] == list(range(16 + n - 1 + 1000))
    states = {t.state for t in study.get_trials()[16:]}
    assert states == {TrialState.COMPLETE}, states


def check_dashboard(folder):
    """optuna-dashboard lists and shows a study of ours."""
    program = shutil.which("optuna-dashboard", path=f"{Path(sys.executable).parent}") or shutil.which("optuna-dashboard")
    if not program:
        print("no optuna-dashboard: not asked")
        return
    url = f"sqlite:///{folder}/ours.db"
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    p = subprocess.Popen([program, "--port", str(port), "--host", "127.0.0.1", url], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    try:
        studies = ask_dashboard(port, "/api/studies")["study_summaries"]
        assert {s["study_name"] for s in studies} >= {"ours", "two"}, studies
        for s in studies:
            assert ask_dashboard(port, f"/api/studies/{s['study_id']}")["trials"], s
    finally:
        p.terminate()
        p.wait()


def ask_dashboard(port, path, patience_s=60):
    until = time.monotonic() + patience_s
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
                assert answer.status == 200
                return json.load(answer)
        except (urllib.error.URLError, ConnectionError) as e:
            if isinstance(e, urllib.error.HTTPError) or time.monotonic() > until:
                raise
            time.sleep(0.3)


def main():
    if not STORE.exists():
        print(f"skipped: {STORE} is not built")
        return 77
    folder = Path(tempfile.mkdtemp(prefix="aglm_peer_"))
    try:
        for check, what in ((check_schema, folder), (check_ours_loaded, f"sqlite:///{folder}/ours.db"),
                            (check_theirs_read, f"sqlite:///{folder}/optuna.db"),
                            (check_both_write, f"sqlite:///{folder}/shared.db"), (check_dashboard, folder)):
            start = time.monotonic()
            check(what)
            print(f"{check.__name__}: ok ({time.monotonic() - start:.1f} s)", flush=True)
    finally:
        shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
