#!/usr/bin/env python3
"""The size gate: 60 lines a function, 6 parameters, nesting 3, 800 lines a file.

Exceptions stand in tools/exceptions.txt, each with its reason; one that is no longer needed is a
fault too. usage: check_sizes.py [ROOT]
"""
import pathlib
import sys

import c_source

LIMITS = {"lines": 60, "parameters": 6, "nesting": 3, "file": 800}
FOLDERS = ("src", "include", "tests", "bench", "examples")


def read_exceptions(path):
    """{(file, function or *, what)}, and complaints: a line is `file function what reason...`."""
    allowed, complaints = set(), []
    if not path.exists():
        return allowed, complaints
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        words = line.split(None, 3)
        if len(words) < 4 or words[2] not in LIMITS:
            complaints.append(f"tools/exceptions.txt:{number}: write: file function what reason")
            continue
        allowed.add(tuple(words[:3]))
    return allowed, complaints


def measures(where, text):
    """All that is over a limit: (function or *, what, line, value)."""
    count = text.count("\n")
    if count > LIMITS["file"]:
        yield "*", "file", 1, count
    if not where.endswith(".c"):
        return
    for f in c_source.functions(text):
        for what in ("lines", "parameters", "nesting"):
            if getattr(f, what) > LIMITS[what]:
                yield f.name, what, f.first, getattr(f, what)


def check(root):
    allowed, complaints = read_exceptions(root / "tools" / "exceptions.txt")
    used = set()
    paths = [p for folder in FOLDERS for p in sorted((root / folder).rglob("*.[ch]"))]
    for path in paths:
        where = str(path.relative_to(root))
        for name, what, line, value in measures(where, path.read_text(errors="replace")):
            key = (where, name, what)
            if key in allowed:
                used.add(key)
                continue
            unit = "lines" if what == "file" else what
            complaints.append(f"{where}:{line}: {name}: {value} {unit}, the limit is {LIMITS[what]}")
    for key in sorted(allowed - used):
        complaints.append(f"tools/exceptions.txt: {' '.join(key)} is not needed any more: delete it")
    return complaints


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    complaints = check(root.resolve())
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
