#!/usr/bin/env python3
"""autoglm tune beside scikit-learn's tuned SVM and fastText on nine public text classification sets.

usage: text.py [--sets A,B] [--methods ours,svm,hand,auto] [--budget SECONDS] [--threads N] [--seed N] [--keep]
Defaults may also come from AGLM_PEER_SETS, AGLM_PEER_METHODS, AGLM_PEER_BUDGET, AGLM_PEER_SEED.

All learn from train.tsv and choose on dev.tsv; test.tsv is scored once. The table goes to the standard output, all
figures to build/peer-text.json and a Markdown fragment to build/peer-text.md. --keep keeps the figures of sets and
methods of an earlier run that this one does not repeat. What is a must is printed as TAP lines.
"""
import argparse
import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SETS = ["trec6", "trec50", "sst2", "mr", "sms_spam", "banking77", "agnews7600", "thucnews10", "chnsenticorp_htl"]
CJK = "\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
SHORT_CHARS = 60  # mean length of what counts as a short document
FASTTEXT_HAND = ["-wordNgrams", "2", "-lr", "0.5", "-epoch", "25"]


# ---- data ----

def read_part(folder, part):
    with open(folder / f"{part}.tsv", encoding="utf-8", newline="\n") as f:
        pairs = [line.rstrip("\n").split("\t", 1) for line in f]
    return [label for label, _ in pairs], [text for _, text in pairs]


def spaced_marks(text):
    return " ".join(re.sub(r"([.!?,'/()\":;])", r" \1 ", text.lower()).split())


def spaced_characters(text):
    return " ".join(re.sub(f"([{CJK}])", r" \1 ", spaced_marks(text)).split())


class Set:
    """One data set, with the text as each peer wants it."""

    def __init__(self, folder):
        self.folder, self.name = folder, folder.name
        self.labels, self.raw = {}, {}
        for part in ("train", "dev", "test"):
            self.labels[part], self.raw[part] = read_part(folder, part)
        sample = "".join(self.raw["train"][:500])
        self.chinese = len(re.findall(f"[{CJK}]", sample)) > 0.3 * len(sample)
        self.mean_chars = sum(map(len, self.raw["train"])) / len(self.raw["train"])
        split = spaced_characters if self.chinese else spaced_marks
        self.text = {part: [split(t) for t in texts] for part, texts in self.raw.items()}


# ---- scores ----

def scores(gold, said):
    """Accuracy and macro F1 in percent."""
    f1 = []
    for label in sorted(set(gold) | set(said)):
        both = sum(g == label == s for g, s in zip(gold, said))
        f1.append(2 * both / (gold.count(label) + said.count(label)))
    right = sum(g == s for g, s in zip(gold, said))
    return {"accuracy": 100 * right / len(gold), "macro_f1": 100 * sum(f1) / len(f1)}


def standard_error(accuracy, n):
    p = accuracy / 100
    return 100 * math.sqrt(p * (1 - p) / n)


# ---- running programs ----

def peak_bytes(pid):
    """Peak resident memory so far. (wait4 would count what this process held when it forked.)"""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) * 1024
    except (OSError, TypeError):
        return 0


def run(command, limit_s=None):
    """(exit code, standard output, standard error, wall seconds, peak resident bytes)."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start, peak = time.monotonic(), 0
        child = subprocess.Popen(command, stdout=out, stderr=err, stdin=subprocess.DEVNULL)
        while child.poll() is None:
            peak = max(peak, peak_bytes(child.pid))
            if limit_s and time.monotonic() - start > limit_s:
                child.kill()
            time.sleep(0.01)
        wall = time.monotonic() - start
        out.seek(0)
        err.seek(0)
        return child.returncode, out.read().decode(), err.read().decode(), wall, peak


def folder_bytes(folder):
    return sum(f.stat().st_size for f in Path(folder).rglob("*") if f.is_file())


# ---- ours ----

def timed_again(program, bundle, path):
    """The best of some runs is taken for speed, since other work on the machine only ever slows one down."""
    code, out, err, _, _ = run([program, "eval", str(bundle), str(path), "--json"])
    if code:
        raise RuntimeError(f"eval: exit code {code}: {err.strip()[-300:]}")
    return json.loads(out)


def ours(data, options, scratch):
    program = os.environ.get("AUTOGLM", str(ROOT / "build" / "autoglm"))
    bundle = scratch / "bundle"
    command = [program, "tune", str(data.folder / "train.tsv"), "--valid", str(data.folder / "dev.tsv"),
               "--budget", f"{options.budget:g}s", "--threads", str(options.threads), "--seed", str(options.seed),
               "--out", str(bundle), "--json"]
    code, out, err, wall, peak = run(command, limit_s=10 * options.budget + 60)
    if code:
        return {"error": f"tune: exit code {code}: {err.strip()[-300:]}"}
    told = json.loads(out)
    code, out, err, _, _ = run([program, "eval", str(bundle), str(data.folder / "test.tsv"), "--json"])
    if code:
        return {"error": f"eval: exit code {code}: {err.strip()[-300:]}"}
    sheet = json.loads(out)
    speed = [sheet] + [timed_again(program, bundle, data.folder / "dev.tsv") for _ in range(2)]
    chosen = [leader["model"] for leader in told.get("leaderboard", []) if leader.get("chosen")]
    return {
        "estimate": 100 * told["accuracy"], "accuracy": 100 * sheet["accuracy"],
        "macro_f1": 100 * sheet["macro_f1"], "log_loss": sheet["log_loss"], "ece": sheet["ece"],
        "wall_s": wall, "peak_MB": peak / 1e6, "bundle_MB": folder_bytes(bundle) / 1e6,
        "load_ms": min(s["load_ms"] for s in speed), "docs_s": max(s["documents_per_s"] for s in speed),
        "p50_us": min(s["latency_p50_us"] for s in speed),
        "trials": told["trials_complete"], "pruned": told["trials_pruned"], "refitted": told["refitted"],
        "chosen": ", ".join(chosen),
    }


# ---- scikit-learn ----

def svm_vectorizers(chinese):
    """Candidates: TF-IDF of words and of characters; Chinese, characters of the raw text."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import FeatureUnion
    if chinese:
        return {f"characters 1-{n}": TfidfVectorizer(analyzer="char", ngram_range=(1, n), sublinear_tf=True)
                for n in (2, 3, 4)}
    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"\S+", sublinear_tf=True)
    inside = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=2, sublinear_tf=True)
    return {"words 1-2, characters 2-5": FeatureUnion([("words", words), ("characters", inside)])}


def svm(data, options, scratch):
    from sklearn.svm import LinearSVC
    text = data.raw if data.chinese else data.text
    start, best = time.monotonic(), None
    for name, vectorizer in svm_vectorizers(data.chinese).items():
        train, dev = vectorizer.fit_transform(text["train"]), vectorizer.transform(text["dev"])
        for cost in (0.1, 0.3, 1, 3):
            model = LinearSVC(C=cost).fit(train, data.labels["train"])
            accuracy = model.score(dev, data.labels["dev"])
            if best is None or accuracy > best[0]:
                best = (accuracy, name, cost, vectorizer, model)
    wall = time.monotonic() - start
    accuracy, name, cost, vectorizer, model = best
    said = model.predict(vectorizer.transform(text["test"])).tolist()
    return {**scores(data.labels["test"], said), "estimate": 100 * accuracy, "wall_s": wall,
            "chosen": f"{name}, C {cost:g}"}


# ---- fastText ----

def fasttext_files(data, scratch):
    for part in ("train", "dev", "test"):
        lines = (f"__label__{label} {text}\n" for label, text in zip(data.labels[part], data.text[part]))
        (scratch / f"ft.{part}").write_text("".join(lines), encoding="utf-8")
    (scratch / "ft.texts").write_text("".join(t + "\n" for t in data.text["test"]), encoding="utf-8")


def fasttext(data, options, scratch, extra, limit_s):
    fasttext_files(data, scratch)
    command = ["fasttext", "supervised", "-input", str(scratch / "ft.train"), "-output", str(scratch / "ft"),
               "-thread", str(options.threads), "-seed", str(options.seed), *extra]
    code, _, err, wall, peak = run(command, limit_s=limit_s)
    model = scratch / "ft.bin"
    if code or not model.exists():
        return {"error": f"fasttext: exit code {code} after {wall:.0f} s: {err.strip()[-100:]}", "wall_s": wall}
    size = model.stat().st_size
    code, out, err, _, _ = run(["fasttext", "predict", str(model), str(scratch / "ft.texts")])
    if code:
        return {"error": f"fasttext predict: exit code {code}: {err.strip()[-100:]}"}
    said = [line.removeprefix("__label__") for line in out.splitlines()]
    return {**scores(data.labels["test"], said), "wall_s": wall, "peak_MB": peak / 1e6, "bundle_MB": size / 1e6}


def hand(data, options, scratch):
    return fasttext(data, options, scratch, FASTTEXT_HAND, None)


def auto(data, options, scratch):
    duration = max(1, round(options.budget))
    extra = ["-autotune-validation", str(scratch / "ft.dev"), "-autotune-duration", str(duration)]
    return fasttext(data, options, scratch, extra, 3 * duration + 60)


METHODS = {"ours": ours, "svm": svm, "hand": hand, "auto": auto}


# ---- verdicts ----

def cell(rows, name, method, key="accuracy"):
    return rows.get(name, {}).get(method, {}).get(key)


def with_both(rows, method):
    return [n for n in rows if cell(rows, n, "ours") is not None and cell(rows, n, method) is not None]


def ahead_of(rows, method, slack):
    """(holds, words): on each set ours is above method, less slack(its accuracy, documents)."""
    names = with_both(rows, method)
    short = []
    for n in names:
        difference = cell(rows, n, "ours") - cell(rows, n, method)
        bar = -slack(cell(rows, n, method), rows[n]["test_docs"])
        if difference < bar or (bar == 0 and difference <= 0):
            short.append(f"{n} {difference:+.2f}")
    if not names:
        return None, ""
    return not short, "short: " + ", ".join(short) if short else f"on all of {len(names)}"


def mean_ahead(rows):
    names = with_both(rows, "svm")
    if not names:
        return None, ""
    mine, other = (sum(cell(rows, n, m) for n in names) / len(names) for m in ("ours", "svm"))
    return mine >= other + 0.5, f"{mine:.2f} against {other:.2f} ({mine - other:+.2f}) over {len(names)} sets"


def all_within(rows, key, holds, unit, names=None):
    values = {n: cell(rows, n, "ours", key) for n in names or rows if cell(rows, n, "ours", key) is not None}
    short = [f"{n} {v:.3g} {unit}" for n, v in values.items() if not holds(v)]
    worst = ", ".join(short) if short else f"{min(values.values()):.3g} to {max(values.values()):.3g} {unit}" \
        if values else ""
    return None if not values else not short, worst


def verdicts(rows, budget):
    """(what, holds or None when there is nothing to judge by, words) of each must."""
    short = [n for n in rows if rows[n]["mean_chars"] <= SHORT_CHARS]
    return [
        ("mean accuracy at least 0.5 above the SVM's", *mean_ahead(rows)),
        ("no set more than a standard error below the SVM", *ahead_of(rows, "svm", standard_error)),
        ("above fastText's hand setting on every set", *ahead_of(rows, "hand", lambda *_: 0.0)),
        ("above fastText's autotune wherever it finishes", *ahead_of(rows, "auto", lambda *_: 0.0)),
        ("wall time at most 105 % of the budget", *all_within(rows, "wall_s", lambda v: v <= 1.05 * budget, "s")),
        ("bundle under 20 MB", *all_within(rows, "bundle_MB", lambda v: v < 20, "MB")),
        ("bundle loads in under 50 ms", *all_within(rows, "load_ms", lambda v: v < 50, "ms")),
        ("at least 100,000 short documents a second",
         *all_within(rows, "docs_s", lambda v: v >= 100000, "docs/s", short)),
    ]


# ---- the table ----

COLUMNS = [  # title, method, key, format
    ("CV", "ours", "estimate", "{:.1f}"), ("test", "ours", "accuracy", "{:.1f}"), ("mF1", "ours", "macro_f1", "{:.1f}"),
    ("SVM", "svm", "accuracy", "{:.1f}"), ("SVM mF1", "svm", "macro_f1", "{:.1f}"),
    ("hand", "hand", "accuracy", "{:.1f}"), ("auto", "auto", "accuracy", "{:.1f}"),
    ("wall s", "ours", "wall_s", "{:.1f}"), ("peak MB", "ours", "peak_MB", "{:.0f}"),
    ("bundle MB", "ours", "bundle_MB", "{:.1f}"), ("load ms", "ours", "load_ms", "{:.1f}"),
    ("docs/s", "ours", "docs_s", "{:.0f}"), ("p50 us", "ours", "p50_us", "{:.0f}"),
    ("trials", "ours", "trials", "{:d}"), ("pruned", "ours", "pruned", "{:d}"),
]


def table_cells(rows):
    """The table's lines as lists of words: title, sets, means of the accuracies."""
    lines = [["set"] + [title for title, *_ in COLUMNS] + ["SE"]]
    for name in rows:
        words = [name]
        for _, method, key, form in COLUMNS:
            value = cell(rows, name, method, key)
            words.append(form.format(value) if value is not None else "-")
        accuracy = cell(rows, name, "svm") or cell(rows, name, "ours")
        lines.append(words + [f"{standard_error(accuracy, rows[name]['test_docs']):.1f}" if accuracy else "-"])
    means = ["mean"]
    for _, method, key, form in COLUMNS:
        values = [cell(rows, n, method, key) for n in rows]
        full = None not in values and key in ("estimate", "accuracy", "macro_f1")
        means.append("{:.2f}".format(sum(values) / len(values)) if full else "")
    return lines + [means + [""]]


def print_table(rows):
    lines = table_cells(rows)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(w.rjust(n) if i else w.ljust(n) for i, (w, n) in enumerate(zip(line, widths))))


def markdown(rows, options, musts, note):
    lines = table_cells(rows)
    out = [f"Budget {options.budget:g} s, {options.threads} threads, seed {options.seed}; {note}.", ""]
    out.append("| " + " | ".join(lines[0]) + " |")
    out.append("|---|" + "---:|" * (len(lines[0]) - 1))
    out += ["| " + " | ".join(line) + " |" for line in lines[1:]]
    out += ["", "| must | held | figures |", "|---|---|---|"]
    words = {True: "yes", False: "**no**", None: "not measured"}
    out += [f"| {what} | {words[holds]} | {figures} |" for what, holds, figures in musts]
    return "\n".join(out) + "\n"


# ---- main ----

def parse():
    env = os.environ.get
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--sets", default=env("AGLM_PEER_SETS", ",".join(SETS)))
    p.add_argument("--methods", default=env("AGLM_PEER_METHODS", "ours,svm,hand"))
    p.add_argument("--budget", type=float, default=float(env("AGLM_PEER_BUDGET", "60")))
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=int(env("AGLM_PEER_SEED", "0")))
    p.add_argument("--keep", action="store_true")
    p.add_argument("--out", type=Path, default=ROOT / "build" / "peer-text.json")
    options = p.parse_args()
    options.sets, options.methods = options.sets.split(","), options.methods.split(",")
    for name in options.methods:
        if name not in METHODS:
            p.error(f"--methods: {name} is none of {', '.join(METHODS)}")
    return options


def skip_without_peers(options, shared):
    if not any((shared / "data" / name / "train.tsv").exists() for name in options.sets):
        sys.exit("skipped: no data sets (AGLM_SHARED or ../shared)")
    if {"hand", "auto"} & set(options.methods) and not shutil.which("fasttext"):
        sys.exit("skipped: no fastText")
    if "svm" in options.methods:
        try:
            import sklearn  # noqa: F401
        except ImportError:
            sys.exit("skipped: no scikit-learn")


def measure(data, options, rows):
    row = rows.setdefault(data.name, {})
    row.update(test_docs=len(data.labels["test"]), mean_chars=data.mean_chars)
    for method in options.methods:
        with tempfile.TemporaryDirectory(prefix="aglm-peer-") as scratch:
            row[method] = METHODS[method](data, options, Path(scratch))
        row[method]["load_average"] = os.getloadavg()[0]
        figures = {k: round(v, 2) if isinstance(v, float) else v for k, v in row[method].items()}
        print(f"# {data.name} {method}: {json.dumps(figures)}", flush=True)


def save(options, rows, musts):
    loads = [row[m]["load_average"] for row in rows.values() for m in METHODS if "load_average" in row.get(m, {})]
    note = f"{os.cpu_count()} processors, {platform.machine()}, load average {min(loads):.0f} to {max(loads):.0f}"
    options.out.parent.mkdir(exist_ok=True)
    record = {"budget_s": options.budget, "threads": options.threads, "seed": options.seed, "machine": note,
              "sets": rows, "musts": [{"what": w, "holds": h, "figures": f} for w, h, f in musts]}
    options.out.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    options.out.with_suffix(".md").write_text(markdown(rows, options, musts, note))


def report(rows, musts):
    print_table(rows)
    errors = [(n, m, r[m]["error"]) for n, r in rows.items() for m in METHODS if "error" in r.get(m, {})]
    number = 0
    for name, method, words in errors:
        if method != "auto":
            number += 1
            print(f"not ok {number} - {name} {method} # {words}")
    for what, holds, words in musts:
        number += 1
        if holds is None:
            print(f"ok {number} - {what} # skip not measured")
        else:
            print(f"{'ok' if holds else 'not ok'} {number} - {what}: {words}")
    print(f"1..{number}")


def main():
    options = parse()
    shared = Path(os.environ.get("AGLM_SHARED") or ROOT.parent / "shared")
    try:
        skip_without_peers(options, shared)
    except SystemExit as e:
        print(e.code)
        return 77
    rows = json.loads(options.out.read_text())["sets"] if options.keep and options.out.exists() else {}
    for name in options.sets:
        folder = shared / "data" / name
        if not (folder / "train.tsv").exists():
            print(f"# {name}: left out, no {folder.name}/train.tsv in the shared data")
            continue
        measure(Set(folder), options, rows)
        musts = verdicts(rows, options.budget)
        save(options, rows, musts)
    report(rows, musts)
    return any(holds is False for _, holds, _ in musts)


if __name__ == "__main__":
    sys.exit(main())
