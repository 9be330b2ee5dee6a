#!/usr/bin/env python3
"""lm_labels.py - a language model's labels of texts: its own defaults with a careful prompt, against what tune found.
usage: lm_labels.py [default|auto|both] [SET...]; AGLM_MODEL names a GGUF file, AGLM_SHARED the folder with data/,
AGLM_CACHE_DIR (optional) keeps each cell's answers.

Default: the chat template of the model's file with a plain question, zero-shot, llama.cpp's default settings (the
file's own where it has them), 64 tokens; lenient scoring: the label whose word comes first anywhere in the answer.
Auto: `autoglm tune` on the first 200 lines of train.tsv, the bundle's labels. Both on the same 300 lines of test.tsv,
drawn with a fixed seed. Time: CPU seconds a text of all processes, loading left out."""
import json
import math
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile

import jinja2

ROOT = pathlib.Path(os.environ.get("AGLM_SOURCE_ROOT", pathlib.Path(__file__).resolve().parent.parent))
BUILD = pathlib.Path(os.environ.get("AGLM_BUILD", ROOT / "build"))
SHARED = pathlib.Path(os.environ.get("AGLM_SHARED", ROOT.parent / "shared")) / "data"
EXAMPLES, TESTS, TOKENS = 200, 300, 64
TRIALS = int(os.environ.get("AGLM_TRIALS", "40"))

SETS = {
    "sst2": ("Is the sentiment of this movie review positive or negative? Answer with one word.\n\nReview: {}",
             {"pos": ["positive"], "neg": ["negative"]}),
    "trec6": ("What kind of answer does this question ask for: abbreviation, description, entity, person, location or "
              "number? Answer with one word.\n\nQuestion: {}",
              {"ABBR": ["abbreviation"], "DESC": ["description"], "ENTY": ["entity"], "HUM": ["person"],
               "LOC": ["location"], "NUM": ["number"]}),
    "chnsenticorp_htl": ("Is the sentiment of this Chinese hotel review positive or negative? Answer with one word."
                         "\n\nReview: {}",
                         {"pos": ["positive", "正面", "好评"], "neg": ["negative", "负面", "差评"]}),
}


def rows(path):
    return [line.split("\t", 1) for line in path.read_text().splitlines()]


def tests(name):
    every = rows(SHARED / name / "test.tsv")
    random.Random(1).shuffle(every)
    return every[:TESTS]


class Child:
    """autoglm-llama, asked by lines of JSON."""

    def __init__(self, model):
        self.process = subprocess.Popen([BUILD / "autoglm-llama"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.info = self.ask(op="open", model=model, threads=1)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if not answer["ok"]:
            raise RuntimeError(answer["error"])
        return answer

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def settings(meta):
    own = {key: float(meta["general.sampling." + name])
           for key, name in (("temperature", "temp"), ("top_k", "top_k"), ("top_p", "top_p"), ("min_p", "min_p"))
           if "general.sampling." + name in meta}
    return {"temperature": 0.8, "top_k": 40, "top_p": 0.95, "min_p": 0.05, **own}


def first_label(answer, words):
    """The label whose word stands first in the answer; None: no label's does."""
    found = [(answer.lower().find(word), label) for label, list_ in words.items() for word in list_]
    found = [pair for pair in found if pair[0] >= 0]
    return min(found)[1] if found else None


def run_default(name, model):
    question, words = SETS[name]
    child = Child(model)
    template = jinja2.Environment(trim_blocks=True, lstrip_blocks=True).from_string(child.info["template"])
    labels, undecided = [], 0
    child.ask(op="generate", prompt="-", max_tokens=1)
    before = child.cpu()
    for number, (_, text) in enumerate(tests(name)):
        prompt = template.render(messages=[{"role": "user", "content": question.format(text)}],
                                 add_generation_prompt=True, bos_token=child.info.get("bos") or "",
                                 eos_token=child.info.get("eos") or "")
        answer = child.ask(op="generate", prompt=prompt, max_tokens=TOKENS, seed=number, **settings(child.info["meta"]))
        labels.append(first_label(answer["text"], words))
        undecided += labels[-1] is None
    seconds = (child.cpu() - before) / TESTS
    child.close()
    return {"labels": labels, "seconds": seconds, "undecided": undecided}


def children_cpu():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(command, stdin=None):
    """(standard output, CPU seconds)"""
    before = children_cpu()
    done = subprocess.run([str(part) for part in command], input=stdin, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout, children_cpu() - before


def run_auto(name, model):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        train, bundle = folder / "train.tsv", folder / "found.bundle"
        train.write_text("".join((SHARED / name / "train.tsv").read_text().splitlines(True)[:EXAMPLES]))
        told, search = timed([BUILD / "autoglm", "tune", train, "--model", model, "--metric", "accuracy", "--trials",
                              TRIALS, "--threads", 1, "--seed", 0, "--storage", "memory", "--out", bundle, "--json",
                              "--quiet", *os.environ.get("AGLM_TUNE", "").split()])
        texts = [text for _, text in tests(name)]
        one, load = timed([BUILD / "autoglm", "predict", bundle], texts[0] + "\n")
        every, cpu = timed([BUILD / "autoglm", "predict", bundle], "".join(text + "\n" for text in texts))
        members = json.loads((bundle / "manifest.json").read_text())["members"]
    return {"labels": every.splitlines(), "seconds": (cpu - load) / (TESTS - 1), "search": search,
            "chosen": [member["learner"] for member in members], "found": json.loads(told)["accuracy"]}


def wilson(right, n):
    """95 % interval of a share."""
    z, p = 1.96, right / n
    middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def cell(way, name, model):
    cache = os.environ.get("AGLM_CACHE_DIR")
    path = pathlib.Path(cache) / f"{way}-{name}.json" if cache else None
    if path and path.exists():
        return json.loads(path.read_text())
    found = (run_default if way == "default" else run_auto)(name, model)
    if path:
        path.write_text(json.dumps(found))
    return found


def show(name, cells):
    truth = [label for label, _ in tests(name)]
    for way, found in cells.items():
        right = sum(a == b for a, b in zip(truth, found["labels"]))
        low, high = wilson(right, TESTS)
        more = (f"{found['undecided']} undecided" if way == "default" else
                f"{' + '.join(found['chosen'])}; search {found['search']:.0f} CPU s, "
                f"cross-validated {100 * found['found']:.1f}")
        print(f"| {name} | {way} | {100 * right / TESTS:.1f} | {100 * low:.1f} to {100 * high:.1f} | "
              f"{1000 * found['seconds']:.1f} | {more} |", flush=True)
    if len(cells) == 2:
        pairs = [(a == b) - (a == c) for a, b, c in zip(truth, cells["auto"]["labels"], cells["default"]["labels"])]
        mean = sum(pairs) / TESTS
        half = 1.96 * math.sqrt(sum((d - mean) ** 2 for d in pairs)) / TESTS
        faster = 1 - cells["auto"]["seconds"] / cells["default"]["seconds"]
        print(f"| {name} | auto - default | {100 * mean:+.1f} | {100 * (mean - half):+.1f} to "
              f"{100 * (mean + half):+.1f} | {100 * faster:.0f} % faster | |", flush=True)


def main():
    model = os.environ.get("AGLM_MODEL")
    if not model or not SHARED.is_dir():
        print("lm_labels: AGLM_MODEL names no GGUF file, or there is no shared data")
        return 77
    args = sys.argv[1:]
    ways = {"default": ["default"], "auto": ["auto"]}.get(args[0] if args else "", ["default", "auto"])
    names = [arg for arg in args if arg in SETS] or list(SETS)
    print("| set | way | accuracy % | 95 % | CPU ms a text | |\n|---|---|---:|---|---:|---|")
    for name in names:
        show(name, {way: cell(way, name, model) for way in ways})
    return 0


if __name__ == "__main__":
    sys.exit(main())
