#!/usr/bin/env python3
"""Runs clang-tidy over the project's sources, remembering what was clean.

A file is judged again only when it, a header it includes, or the configuration has changed: the
key is a hash over the preprocessor's list of its files. The memory is build-lint/tidy/.

usage: tidy.py [FILE...]      all files, one line a finding; or the files named, with all notes
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build-lint"
ANALYZER = ROOT / "tools" / "dev" / "analyzer.h"
CONFIG = b"".join(path.read_bytes() for path in (ROOT / ".clang-tidy", ROOT / "tests" / ".clang-tidy"))
TIDY = os.environ.get("CLANG_TIDY", "clang-tidy-19")


def entries():
    """The project's own files in the compile database, each once."""
    seen = set()
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        inside = ROOT in path.parents and ".deps" not in path.parts
        if inside and path.exists() and path not in seen:
            seen.add(path)
            yield path, entry


def key_of(path, entry):
    """A hash over all that clang-tidy's answer depends on; None when it does not even preprocess."""
    words = [w for w in shlex.split(entry["command"]) if w.startswith(("-I", "-D", "-isystem"))]
    listing = subprocess.run(["gcc", "-std=c11", "-MM", *words, str(path)], cwd=entry["directory"],
                             capture_output=True, text=True)
    if listing.returncode:
        return None
    digest = hashlib.sha256(CONFIG + ANALYZER.read_bytes() + " ".join(words).encode())
    for name in listing.stdout.replace("\\\n", " ").split(":", 1)[1].split():
        digest.update(pathlib.Path(entry["directory"], name).read_bytes())
    return digest.hexdigest()


def judge(path, entry):
    """What clang-tidy says of the file, empty when clean."""
    key = key_of(path, entry)
    mark = BUILD / "tidy" / f"{key}.clean"
    if key and mark.exists():
        return ""
    command = [TIDY, "--quiet", f"-p={BUILD}", "--extra-arg=-Wno-unknown-warning-option"]
    if path.name != "error.c":
        command.append(f"--extra-arg=-include{ANALYZER}")
    run = subprocess.run([*command, str(path)], capture_output=True, text=True)
    if run.returncode == 0 and key:
        mark.touch()
        return ""
    return run.stdout or run.stderr


def findings(answer):
    """The lines that name a finding, without the path that led to it."""
    lines = [line for line in answer.splitlines() if " error: " in line or " warning: " in line]
    return "\n".join(lines or answer.splitlines()[-5:]) + "\n"


def main():
    (BUILD / "tidy").mkdir(exist_ok=True)
    wanted = [pathlib.Path(name).resolve() for name in sys.argv[1:]]
    todo = [(p, e) for p, e in entries() if not wanted or p in wanted]
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        answers = list(pool.map(lambda pe: judge(*pe), todo))
    for answer in filter(None, answers):
        print((answer if wanted else findings(answer)).replace(f"{ROOT}/", "").replace("../", ""), end="")
    bad = sum(1 for answer in answers if answer)
    if bad:
        print(f"tidy: {bad} of {len(todo)} files are not clean", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
