#!/usr/bin/env python3
"""Runs parts of the test suite and counts them honestly.

usage: tests.py PART...
  DIR:SUITES   the Meson tests of a build folder; SUITES is a comma list, or all
  tools        the tests of the tools: tests/tools/test_*.py
  checks       layers, banned calls, sizes, shellcheck: one test each
  e2e[:NAME]   tests/e2e/*.sh against the real program; each prints TAP lines
  peer[:NAME]  tests/peer/*.py and *.sh, likewise; what lacks its peer is skipped

A cmocka test function, a TAP line, a Python test each count as one. What cannot run, dies, or prints
no result counts as failed. The last line is "N passed, N failed[, N skipped]".
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("AGLM_PROGRAM", "build/autoglm")
SCRIPT_LIMIT_S = int(os.environ.get("AGLM_SCRIPT_LIMIT_S", "900"))
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "detect_leaks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
    "OMP_NUM_THREADS": "1",  # the thread sanitizer does not see how XGBoost's OpenMP threads meet
}
TAP = re.compile(r"^(not )?ok\b\s*\d*\s*-?\s*(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)(\s*#\s*skip\b.*)?", re.I)


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0

    def add(self, passed=0, failed=0, skipped=0):
        self.passed += passed
        self.failed += failed
        self.skipped += skipped

    def part(self, name, started, before):
        counts = [now - then for now, then in zip((self.passed, self.failed, self.skipped), before)]
        print(f"== {name}: {counts[0]} ok, {counts[1]} bad, {counts[2]} left out "
              f"({time.monotonic() - started:.0f} s)", flush=True)


def fail(tally, name, text, count=1):
    text = text.strip()
    if len(text) > 6000:
        text = f"{text[:3000]}\n[...]\n{text[-3000:]}"
    print(f"-- FAILED {name}\n{text}", flush=True)
    tally.add(failed=count)


def cmocka_counts(text):
    """(passed, failed, skipped) of cmocka's own lines; zeros when the test is none of cmocka's."""
    return (len(re.findall(r"^\[       OK \]", text, re.M)),
            len(set(re.findall(r"^\[  FAILED  \] (\w+)\s*$", text, re.M))),
            len(set(re.findall(r"^\[  SKIPPED \] (\w+)\s*$", text, re.M))))


def count_meson_test(tally, where, record):
    name = f"{where} {record['name']}"
    text = (record.get("stdout") or "") + (record.get("stderr") or "")
    passed, failed, skipped = cmocka_counts(text)
    if record["result"] == "OK" and not failed:
        tally.add(passed=passed or (0 if skipped else 1), skipped=skipped)
    elif record["result"] == "SKIP":
        print(f"-- skipped {name}: {text.strip().splitlines()[-1] if text.strip() else 'no word'}")
        tally.add(skipped=1)
    else:
        tally.add(passed=passed, skipped=skipped)
        fail(tally, name, f"{text}\n{record['result']}, exit code {record.get('returncode')}", failed or 1)


def without_aslr(folder):
    """A prefix to commands: the thread sanitizer of gcc 12 wants the addresses of older kernels."""
    return ["setarch", os.uname().machine, "-R"] if folder.startswith("build-tsan") else []


def run_meson(tally, part):
    folder, _, suites = part.partition(":")
    log = ROOT / folder / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    command = ["meson", "test", "-C", folder, "--no-rebuild", "--quiet"]
    if suites != "all":
        command += [word for suite in suites.split(",") for word in ("--suite", suite)]
    if folder != "build":
        command += ["--timeout-multiplier", "10"]
    env = dict(os.environ, **SANITIZER_OPTIONS)
    run = subprocess.run([*without_aslr(folder), *command], cwd=ROOT, env=env, capture_output=True, text=True, errors="replace")
    if not log.exists():
        if "No suitable tests" not in run.stdout:
            fail(tally, part, run.stdout + run.stderr)
        return
    for line in log.read_text(errors="replace").splitlines():
        count_meson_test(tally, folder, json.loads(line))


def run_tools(tally, _):
    for path in sorted((ROOT / "tests" / "tools").glob("test_*.py")):
        run = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
        ran = re.search(r"^Ran (\d+) test", run.stderr, re.M)
        bad = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", run.stderr))
        if not ran or bool(run.returncode) != bool(bad):
            fail(tally, path.name, run.stdout + run.stderr)
            continue
        tally.add(passed=max(0, int(ran[1]) - bad))
        if bad:
            fail(tally, path.name, run.stderr, bad)


def run_checks(tally, _):
    scripts = subprocess.run(["git", "ls-files", "dev", "*.sh", ".ci/run"], cwd=ROOT, capture_output=True, text=True)
    checks = {name: [sys.executable, f"tools/check_{name}.py"] for name in ("layers", "banned", "sizes")}
    checks["shellcheck"] = ["shellcheck", "-x", *scripts.stdout.split()]
    for name, command in checks.items():
        run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if run.returncode:
            fail(tally, name, run.stdout + run.stderr)
        else:
            tally.add(passed=1)


def run_script(command, env):
    """(exit code or None when it was killed for time, output); its children die with it."""
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        child = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=subprocess.STDOUT,
                                 stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            code = child.wait(timeout=SCRIPT_LIMIT_S)
        except subprocess.TimeoutExpired:
            code = None
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()
        out.seek(0)
        return code, out.read()


def count_tap(tally, name, code, text):
    """Counts the TAP lines of one script; a script that ends badly with no failed line fails as one."""
    if code == 77:
        print(f"-- skipped {name}: {text.strip().splitlines()[-1] if text.strip() else 'no word'}")
        tally.add(skipped=1)
        return
    passed, failed, skipped, plan = 0, 0, 0, None
    for line in text.splitlines():
        match, planned = TAP.match(line), PLAN.match(line)
        if planned:
            plan = int(planned[1])
        elif match and re.search(r"#\s*skip", match[2], re.I):
            skipped += 1
        elif match:
            passed, failed = passed + (not match[1]), failed + bool(match[1])
    seen = passed + failed + skipped
    trouble = ("ran out of time" if code is None else f"exit code {code}" if code and not failed else
               "printed no result" if not seen and plan != 0 else
               f"planned {plan} tests, ran {seen}" if plan not in (None, seen) else None)
    tally.add(passed=passed, skipped=skipped)
    if failed or trouble:
        fail(tally, name, f"{text}\n{trouble or ''}", failed + bool(trouble))


def run_scripts(tally, folder, patterns, only):
    paths = sorted(p for pattern in patterns for p in (ROOT / "tests" / folder).glob(pattern))
    python = os.environ.get("AGLM_PEER_PYTHON", sys.executable)
    for path in paths:
        # A name in lower case with "lib" in front is read by the others and is no test.
        if path.name.startswith("lib") or only and only not in path.stem:
            continue
        with tempfile.TemporaryDirectory(prefix="aglm-") as scratch:
            env = dict(os.environ, AUTOGLM=str(ROOT / PROGRAM), AGLM_SOURCE_ROOT=str(ROOT),
                       AGLM_TMP=scratch, TMPDIR=scratch, LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1", **SANITIZER_OPTIONS)
            command = [*without_aslr(PROGRAM), python if path.suffix == ".py" else "sh", str(path)]
            started = time.monotonic()
            count_tap(tally, f"{folder}/{path.name}", *run_script(command, env))
            print(f"   {folder}/{path.name}: {time.monotonic() - started:.1f} s", flush=True)


def run_part(tally, part):
    kind, _, rest = part.partition(":")
    if kind == "e2e":
        run_scripts(tally, "e2e", ["*.sh"], rest)
    elif kind == "peer":
        run_scripts(tally, "peer", ["*.py", "*.sh"], rest)
    elif kind == "tools":
        run_tools(tally, rest)
    elif kind == "checks":
        run_checks(tally, rest)
    else:
        run_meson(tally, part)


def main():
    tally = Tally()
    for part in sys.argv[1:]:
        started, before = time.monotonic(), (tally.passed, tally.failed, tally.skipped)
        try:
            run_part(tally, part)
        except (OSError, ValueError, KeyError) as error:
            fail(tally, part, f"could not run: {error}")
        tally.part(part, started, before)
    if not tally.passed and not tally.failed and not tally.skipped:
        tally.add(failed=1)
        print("no test ran")
    skipped = f", {tally.skipped} skipped" if tally.skipped else ""
    print(f"{tally.passed} passed, {tally.failed} failed{skipped}", flush=True)
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
