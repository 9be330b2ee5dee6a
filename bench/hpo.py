#!/usr/bin/env python3
"""Regret of a sampler after 25, 50, 100 and 200 trials, median over seeds 0-14, beside Optuna's recorded columns.

usage: bench/hpo.py [SAMPLER [PROBLEM...]]    default: auto on all problems
The peers' columns come from peers/hpo_peers.json, the tables of the tabular problems from peers/hpo_tables.json, both in
AGLM_SHARED or ../shared; without them only our own numbers are shown, and without the tables not those problems. Problems
that the peers did not run have our random and TPE samplers beside ours. The table also goes to build/bench-hpo.md."""
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HPO = Path(os.environ.get("AGLM_HPO", ROOT / "build" / "bench" / "hpo"))
SHARED = Path(os.environ.get("AGLM_SHARED") or ROOT.parent / "shared")
MARKS = ("25", "50", "100", "200")
SEEDS = range(int(os.environ.get("AGLM_SEEDS", "15")))
PEERS = ("random", "tpe", "cmaes", "gp")


def shared(name):
    try:
        return json.loads((SHARED / "peers" / name).read_text())
    except OSError:
        return {}


def table_problems(folder):
    """What hpo takes for each 9 x 91 table."""
    files = {}
    for name, rows in shared("hpo_tables.json").items():
        if len(rows) == 9 and not name.endswith("check_n37_d7"):
            path = Path(folder) / name
            path.write_text("n_estimators=int(10,100) max_depth=int(2,10)\n" + " ".join(str(v) for row in rows for v in row))
            files[name] = f"@{path}"
    return files


def runs(sampler, problem):
    """{mark: median regret}, and the mean of CPU ms a trial."""
    columns, ms = {m: [] for m in MARKS}, []
    for seed in SEEDS:
        arguments = [HPO, "run", sampler, problem, str(seed), "200"]
        out = subprocess.run(arguments, capture_output=True, text=True, check=True).stdout
        *regrets, cost = out.split()
        regrets += [regrets[-1]] * (len(MARKS) - len(regrets))
        for m, r in zip(MARKS, regrets):
            columns[m].append(float(r))
        ms.append(float(cost))
    return {m: statistics.median(v) for m, v in columns.items()}, statistics.mean(ms)


def peer_columns(recorded, problem):
    if problem in recorded:
        return {p: {m: c[m]["median"] for m in MARKS if m in c} for p, c in recorded[problem].items() if p in PEERS}
    return {s: runs(s, problem)[0] for s in ("random", "tpe")}


def verdict(ours, peers):
    """Against the best of the columns; equal up to rounding is a tie."""
    best = min(peers.values())
    if abs(ours - best) <= 1e-9 + 1e-6 * abs(best):
        return "tied"
    return "won" if ours < best else "lost"


def main():
    sampler = sys.argv[1] if len(sys.argv) > 1 else "auto"
    if not HPO.exists():
        print(f"skipped: {HPO} is not built")
        return 77
    recorded = shared("hpo_peers.json").get("quality", {})
    if not recorded:
        print(f"no peers/hpo_peers.json in {SHARED}: only our own columns")
    lines = [f"| problem | trials | {sampler} | " + " | ".join(f"Optuna {p}" for p in PEERS) + " | |", "|---" * 8 + "|"]
    count, over, costs = {"won": 0, "tied": 0, "lost": 0}, [], []
    own = []
    with tempfile.TemporaryDirectory() as folder:
        tables = table_problems(folder)
        names = subprocess.run([HPO, "list"], capture_output=True, text=True, check=True).stdout.split()
        names += list(tables)
        for problem in [n for n in names if not sys.argv[2:] or n in sys.argv[2:]]:
            ours, ms = runs(sampler, tables.get(problem, problem))
            peers = peer_columns(recorded, problem)
            costs.append(ms)
            for m in MARKS:
                at = {p: c[m] for p, c in peers.items() if m in c}
                if not at:
                    continue
                word = verdict(ours[m], at)
                row = " | ".join(f"{at[p]:.4g}" if p in at else "-" for p in PEERS)
                line = f"| {problem} | {m} | {ours[m]:.4g} | {row} | {word} |"
                if problem not in recorded:
                    own.append(line)
                else:
                    lines.append(line)
                    count[word] += 1
                    if ours[m] > 1.1 * at["tpe"]:
                        over.append(f"{problem}@{m} ({ours[m] / at['tpe']:.2f})")
                print(line, f"{ms:.2f} ms" if m == "200" else "", flush=True)
    total = sum(count.values())
    lines += ["", f"Of {total} cells: {count['won']} won, {count['tied']} tied, {count['lost']} lost; over 1.1 x Optuna's TPE: "
              + (", ".join(over) or "none") + f". CPU ms a trial: mean {statistics.mean(costs):.2f}, most {max(costs):.2f}."]
    if own:
        lines += ["", "Problems that the peers did not run, beside our own random and TPE samplers:", "",
                  f"| problem | trials | {sampler} | random | tpe | | | |", "|---" * 8 + "|"] + own
    print("\n".join(lines[-4 if not own else -7 - len(own):][:4]))
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "bench-hpo.md").write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
