#!/usr/bin/env python3
"""The order of rooms: tools/layers.txt against the includes of src/, include/ and file names.

usage: check_layers.py [ROOT]      prints file:line: what is wrong; exit 1 when anything is
"""
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
FORBIDDEN_NAMES = {"util", "utils", "common", "helper", "helpers", "misc", "types"}


def read_layers(path):
    """{room: set of rooms it may include}, and complaints about the list itself."""
    layers, complaints = {}, []
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        room, _, uses = line.partition(":")
        for used in uses.split():
            if used not in layers:
                complaints.append(f"{path.name}:{number}: {room} names {used}, which is no earlier line")
        layers[room.strip()] = set(uses.split())
    return layers, complaints


def include_fault(room, kind, target, layers):
    """What is wrong with one include line of a file in `room`, or None."""
    head, _, name = target.partition("/")
    if kind == "<":
        return f"<{target}>: a header of ours is included with quotes" if head in layers else None
    if not name:
        return f'"{target}": write "room/file.h"'
    if head == "autoglm":
        return None
    if head not in layers:
        return f'"{target}": {head} is no room of tools/layers.txt'
    if head != room and name.endswith("_priv.h"):
        return f'"{target}" is private to {head}'
    if head != room and head not in layers.get(room, set()):
        return f'"{target}": {room} may not use {head}'
    return None


def check_file(path, room, layers, root):
    complaints = []
    where = path.relative_to(root)
    if path.stem.removesuffix("_priv") in FORBIDDEN_NAMES:
        complaints.append(f"{where}:1: a file is named for what it holds, not {path.stem}")
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        match = INCLUDE.match(line)
        fault = match and include_fault(room, match[1], match[2], layers)
        if fault:
            complaints.append(f"{where}:{number}: {fault}")
    return complaints


def check(root):
    layers, complaints = read_layers(root / "tools" / "layers.txt")
    for path in sorted((root / "src").rglob("*.[ch]")):
        parts = path.relative_to(root / "src").parts
        if len(parts) < 2 or parts[0] not in layers:
            complaints.append(f"{path.relative_to(root)}:1: stands in no room of tools/layers.txt")
            continue
        complaints += check_file(path, parts[0], layers, root)
    for path in sorted((root / "include").rglob("*.h")):
        complaints += check_file(path, "autoglm", layers, root)
    return complaints


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    complaints = check(root.resolve())
    print("\n".join(complaints), end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
