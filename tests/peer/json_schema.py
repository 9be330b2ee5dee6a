#!/usr/bin/env python3
"""JSON Schema: build/tests/peer/json_schema beside pip's jsonschema.

The official test-suite, out of jsonschema's source archive (AGLM_SCHEMA_SUITE names its unpacked folder json/tests/draft2020-12;
else pip is asked for it), and random schemas and values. Exit code 77 where the peer is absent."""
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

try:
    import jsonschema
except ImportError as e:
    print(f"skipped: no {e.name}")
    sys.exit(77)

LEAF = 3  # schemas that deep have no others in them
CHECK = Path(__file__).resolve().parents[2] / "build" / "tests" / "peer" / "json_schema"


def suite_folder(folder):
    """The unpacked suite, or None."""
    if os.environ.get("AGLM_SCHEMA_SUITE"):
        return Path(os.environ["AGLM_SCHEMA_SUITE"])
    name = f"jsonschema-{jsonschema.__version__}"
    run = subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", folder,
                          name.replace("-", "==")], capture_output=True, text=True)
    archive = Path(folder) / f"{name}.tar.gz"
    if run.returncode or not archive.exists():
        return None
    with tarfile.open(archive) as t:
        t.extractall(folder, filter="data")
    return Path(folder) / name / "json" / "tests" / "draft2020-12"


def suite_cases(folder):
    """(name, schema, values, wanted) of each group of tests; format asserts nothing here."""
    for path in sorted(folder.glob("*.json")):
        for group in json.loads(path.read_text(encoding="utf-8")):
            yield (f"{path.stem}: {group['description']}", group["schema"], [t["data"] for t in group["tests"]],
                   [t["valid"] for t in group["tests"]])


def random_value(rng, depth=0):
    kind = rng.randrange(8 if depth < 3 else 6)
    if kind < 6:
        return rng.choice([None, True, False, 0, 1, -3, 2.5, 7, "", "a", "ab", "中文", "b1"])
    if kind == 6:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {k: random_value(rng, depth + 1) for k in rng.sample("abc", rng.randrange(4))}


def random_schema(rng, depth=0):
    if rng.random() < 0.1:
        return rng.random() < 0.8
    schema, deep = {}, depth < LEAF
    sub = lambda: random_schema(rng, depth + 1)
    makers = {
        "type": lambda: rng.choice(["null", "boolean", "number", "integer", "string", "array", "object", ["string", "object"], ["array", "integer"]]),
        "enum": lambda: [random_value(rng, 2) for _ in range(3)], "const": lambda: random_value(rng, 2),
        "minimum": lambda: rng.choice([0, 1, 2.5]), "exclusiveMaximum": lambda: rng.choice([1, 7]), "multipleOf": lambda: rng.choice([2, 0.5]),
        "minLength": lambda: rng.randrange(3), "maxLength": lambda: rng.randrange(3), "pattern": lambda: rng.choice(["^a", "b", "[0-9]$"]),
        "minItems": lambda: rng.randrange(3), "maxItems": lambda: rng.randrange(3), "uniqueItems": lambda: rng.random() < 0.7,
        "required": lambda: rng.sample("abc", rng.randrange(3)), "maxProperties": lambda: rng.randrange(3),
        "dependentRequired": lambda: {"a": ["b"]},
    }
    nested = {
        "properties": lambda: {k: sub() for k in rng.sample("abc", 2)}, "additionalProperties": sub, "patternProperties": lambda: {"[ab]": sub()},
        "items": sub, "prefixItems": lambda: [sub(), sub()], "contains": sub, "propertyNames": sub, "allOf": lambda: [sub(), sub()],
        "anyOf": lambda: [sub(), sub()], "oneOf": lambda: [sub(), sub()], "not": sub, "if": sub, "then": sub, "else": sub,
        "dependentSchemas": lambda: {"b": sub()}, "unevaluatedProperties": sub, "unevaluatedItems": sub,
    }
    pool = {**makers, **(nested if deep else {})}
    for name in rng.sample(sorted(pool), rng.randrange(1, 4)):
        schema[name] = pool[name]()
    if depth == 0:
        schema["$defs"] = {"x": random_schema(rng, LEAF)}
    elif depth < LEAF and rng.random() < 0.1:
        schema["$ref"] = "#/$defs/x"
    return schema


def random_cases(rng, n):
    for i in range(n):
        schema = random_schema(rng)
        values = [random_value(rng) for _ in range(10)]
        try:
            checker = jsonschema.Draft202012Validator(schema)
            yield f"random {i}: {json.dumps(schema)[:200]}", schema, values, [checker.is_valid(v) for v in values]
        except RecursionError:
            continue


def ours(cases, folder):
    path = Path(folder) / "cases.jsonl"
    path.write_text("".join(json.dumps({"schema": s, "values": v}) + "\n" for _, s, v, _ in cases), encoding="utf-8")
    run = subprocess.run([CHECK, path], capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr.strip())
    return run.stdout.splitlines()


def report(number, what, cases, folder):
    wrong, unsupported, total = [], 0, 0
    for (name, _, _, wanted), got in zip(cases, ours(cases, folder), strict=True):
        total += len(wanted)
        unsupported += got.count("?")
        said = "".join("y" if w else "n" for w in wanted)
        if got != said and "?" not in got:
            wrong.append(f"{name}: {got} instead of {said}")
    print(f"{'not ok' if wrong else 'ok'} {number} - {what}: {total} values, {unsupported} by schemas that we refuse")
    for line in wrong:
        print(f"# {line}")
    return bool(wrong)


def main():
    if not CHECK.exists():
        print("skipped: build/tests/peer/json_schema is not built")
        return 77
    failed = 0
    with tempfile.TemporaryDirectory(prefix="aglm-peer-") as folder:
        suite = suite_folder(folder)
        failed += report(1, "random schemas beside jsonschema", list(random_cases(random.Random(1), 3000)), folder)
        if suite and suite.is_dir():
            failed += report(2, "the official suite", list(suite_cases(suite)), folder)
        else:
            print("ok 2 - the official suite # SKIP pip does not bring jsonschema's source archive")
    print("1..2")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
