#!/usr/bin/env python3
"""Pruners beside Optuna's: the same reports in the same order, the same decision after each.

Several trials run at once; some go on although they should stop; values are noisy, rounded so that ties occur, now and then
NaN or infinitely bad. Runs build/tests/peer/prune. Exit code 77 where Optuna is absent."""
import math
import random
import subprocess
import sys
import warnings
from pathlib import Path

try:
    import optuna
    from optuna import pruners as op
    from optuna.trial import TrialState
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
PRUNE = Path(__file__).resolve().parents[2] / "build" / "tests" / "peer" / "prune"


def median(rng):
    o = {"n_startup_trials": rng.choice([0, 1, 5]), "n_warmup_steps": rng.choice([0, 0, 3]),
         "interval_steps": rng.choice([1, 1, 2, 5]), "n_min_trials": rng.choice([1, 1, 4])}
    return "median", o, op.MedianPruner(**o)


def percentile(rng):
    o = {"percentile": rng.choice([0.0, 10.0, 25.0, 50.0, 66.6, 100.0]), "n_startup_trials": rng.choice([0, 2, 5]),
         "n_warmup_steps": rng.choice([0, 0, 2]), "interval_steps": rng.choice([1, 3])}
    return "percentile", o, op.PercentilePruner(**o)


def halving(rng):
    o = {"min_step": rng.choice([0, 1, 1, 2]), "reduction_factor": rng.choice([2, 3, 4]),
         "early_stopping_rate": rng.choice([0, 0, 1])}
    o["bootstrap_count"] = rng.choice([0, 0, 3]) if o["min_step"] else 0
    theirs = op.SuccessiveHalvingPruner(o["min_step"] or "auto", o["reduction_factor"], o["early_stopping_rate"],
                                        o["bootstrap_count"])
    return "successive-halving", o, theirs


def hyperband(rng):
    o = {"min_step": rng.choice([1, 1, 2]), "max_step": rng.choice([0, 9, 27, 243]), "reduction_factor": rng.choice([2, 3, 4])}
    o["bootstrap_count"] = rng.choice([0, 0, 2]) if o["max_step"] else 0
    return "hyperband", o, op.HyperbandPruner(o["min_step"], o["max_step"] or "auto", o["reduction_factor"],
                                              o["bootstrap_count"])


def threshold(rng):
    o = {"lower": rng.choice([-0.5, -1.0]), "upper": rng.choice([0.5, 1.0]), "n_warmup_steps": rng.choice([0, 3]),
         "interval_steps": rng.choice([1, 2])}
    o.pop(rng.choice(["lower", "upper", "-"]), None)
    return "threshold", o, op.ThresholdPruner(**o)


def patient(rng):
    o = {"patience": rng.choice([0, 1, 3]), "min_delta": rng.choice([0.0, 0.2])}
    wrapped = rng.choice([None, "median", "successive-halving"])
    ours = dict(o, **({"wrapped": wrapped} if wrapped else {}))
    inner = {None: None, "median": op.MedianPruner(), "successive-halving": op.SuccessiveHalvingPruner()}[wrapped]
    return "patient", ours, op.PatientPruner(inner, **o)


def wilcoxon(rng):
    o = {"p_threshold": rng.choice([0.05, 0.1, 0.3]), "n_startup_steps": rng.choice([0, 2, 5])}
    return "wilcoxon", o, op.WilcoxonPruner(**o)


def draw(rng, bias, digits, wild, worst):
    if rng.random() < wild:
        return rng.choice([math.nan, worst])
    return round(rng.gauss(bias, 0.5), digits)


class Case:
    """One study: Optuna's in this process, ours as a text of commands."""

    def __init__(self, make, seed):
        self.rng = random.Random(f"{make.__name__} {seed}")
        name, options, theirs = make(self.rng)
        self.direction = self.rng.choice(["minimize", "maximize"])
        self.command = [PRUNE, name, self.direction] + [f"{k}={v}" for k, v in options.items()]
        self.study = optuna.create_study(study_name="prune", direction=self.direction, pruner=theirs,
                                         sampler=optuna.samplers.RandomSampler(seed=0))
        self.lines, self.decisions, self.running = [], [], []
        self.digits, self.wild = self.rng.choice([1, 6]), self.rng.choice([0.0, 0.0, 0.02])
        self.worst = math.inf if self.direction == "minimize" else -math.inf
        if name in ("median", "percentile", "patient"):
            self.worst = math.nan  # numpy's quantile beside an infinity is NaN, even on a number itself; ours is not
        self.instances = name == "wilcoxon"

    def begin(self):
        t = self.study.ask()
        self.lines.append("A")
        steps = self.rng.choice([5, 12, 30])
        order = list(range(steps))
        if self.instances:
            self.rng.shuffle(order)
        self.running.append({"t": t, "order": order, "bias": self.rng.gauss(0, 0.5), "last": 0.0})

    def end(self, r, state):
        t = r["t"]
        self.running.remove(r)
        if state == TrialState.COMPLETE:
            # Of equal trials Optuna's best is the first to end in memory and the first to begin in SQL: no ties here.
            value = (r["last"] if math.isfinite(r["last"]) else 0.0) + 1e-9 * t.number
            self.study.tell(t, value)
            self.lines.append(f"C {t.number} {value!r}")
        else:
            self.study.tell(t, state=state)
            self.lines.append(f"{'P' if state == TrialState.PRUNED else 'F'} {t.number}")

    def step(self, r):
        t, step = r["t"], r["order"].pop(0)
        r["last"] = draw(self.rng, r["bias"], self.digits, self.wild, self.worst)
        t.report(r["last"], step)
        self.lines.append(f"R {t.number} {step} {r['last']!r}")
        stop = t.should_prune()
        self.decisions.append(stop)
        if stop and self.rng.random() < 0.8:
            self.end(r, TrialState.PRUNED)
        elif not r["order"]:
            self.end(r, TrialState.COMPLETE if self.rng.random() < 0.95 else TrialState.FAIL)

    def run(self, trials, at_once):
        started = 0
        while started < trials or self.running:
            if started < trials and len(self.running) < at_once:
                self.begin()
                started += 1
            self.step(self.rng.choice(self.running))
        out = subprocess.run(self.command, input="\n".join(self.lines) + "\n", capture_output=True, text=True)
        if out.returncode:
            print("FAIL", out.stderr.strip())
            return False
        ours = [line == "1" for line in out.stdout.split()]
        if ours == self.decisions:
            return True
        at = next((i for i, (a, b) in enumerate(zip(ours, self.decisions)) if a != b), len(ours))
        line = [x for x in self.lines if x[0] == "R"][at]
        print(f"FAIL {' '.join(map(str, self.command[1:]))}: report {at} ({line}): Optuna {'stops' if self.decisions[at] else 'goes on'}")
        return False


def main():
    ok = True
    for make in (median, percentile, halving, hyperband, threshold, patient, wilcoxon):
        decisions = stops = same = 0
        for seed in range(30):
            case = Case(make, seed)
            same += case.run(40, case.rng.choice([1, 1, 4]))
            decisions += len(case.decisions)
            stops += sum(case.decisions)
        print(f"{make.__name__}: {same} of 30 studies alike, {decisions} decisions, {stops} of them to stop")
        ok = ok and same == 30 and stops > 0
    return ok


if __name__ == "__main__":
    if not PRUNE.exists():
        print(f"skipped: {PRUNE} is not built")
        sys.exit(77)
    sys.exit(0 if main() else 1)
