#!/usr/bin/env python3
"""The sampler "qmc" beside scipy.stats.qmc: the table of direction numbers, the digits that no scramble changes, and the
discrepancy of its points. Exit code 77: no program, or no scipy."""
import json
import pathlib
import re
import statistics
import subprocess
import sys

try:
    import numpy as np
    import scipy.stats
    from scipy.stats import qmc
except ImportError as e:
    print(f"skipped: {e}")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
TPE = ROOT / "build" / "bench" / "tpe"


def check_table():
    """Ours against the numbers that scipy ships, row by row."""
    text = (ROOT / "src/num/sobol_table.h").read_text()
    rows = re.findall(r"^    \{(\d+), \{([\d, ]+)\}\}", text, re.M)
    theirs = np.load(pathlib.Path(scipy.stats.__file__).parent / "_sobol_direction_numbers.npz")
    for i, (poly, m) in enumerate(rows[1:], 1):
        m = [int(v) for v in m.split(",")]
        if int(poly) != theirs["poly"][i] or m != list(theirs["vinit"][i][: len(m)]) or len(m) != int(poly).bit_length() - 1:
            print(f"FAIL table, row {i}: {poly} {m}")
            return False
    print(f"table: {len(rows)} rows as in scipy {scipy.__version__}")
    return len(rows) == 128


def our_points(sampler, d, n, seed):
    params = [{"name": f"x{i}", "distribution": {"name": "FloatDistribution",
               "attributes": {"low": 0.0, "high": 1.0, "log": False, "step": None}}} for i in range(d)]
    text = json.dumps({"params": params}) + "\n" + "-\n" + "0\n" * (n - 1)
    out = subprocess.run([TPE, "drive", sampler, str(seed), "24"], input=text, capture_output=True, text=True, check=True)
    return np.array([list(json.loads(line).values()) for line in out.stdout.splitlines()])


def check_digits():
    """A lower triangular scramble and a shift leave the first digit of every coordinate as it was but for one flip an axis."""
    n, d = 1024, 128
    ours = our_points("qmc", d, n, 5) >= 0.5
    sobol = qmc.Sobol(d, scramble=False).random(n) >= 0.5
    gray = np.arange(n) ^ (np.arange(n) >> 1)  # scipy walks in Gray code
    same = np.array_equal(ours[gray] ^ ours[0], sobol ^ sobol[0])
    print(f"first digits of {n} points in {d} dimensions: {'as scipy has them' if same else 'FAIL'}")
    return same


def check_discrepancy():
    """Median centred discrepancy over seeds, lower is better: at most a tenth above scipy's."""
    ok = True
    for sampler, engine in (("qmc", qmc.Sobol), ("halton", qmc.Halton)):
        for d, n in ((2, 64), (5, 128), (10, 256), (20, 256)):
            ours = statistics.median(qmc.discrepancy(our_points(sampler, d, n, s)) for s in range(31))
            theirs = statistics.median(qmc.discrepancy(engine(d, scramble=True, seed=s).random(n)) for s in range(31))
            plain = statistics.median(qmc.discrepancy(np.random.default_rng(s).random((n, d))) for s in range(31))
            good = ours <= 1.1 * theirs and ours < plain
            print(f"{sampler}, {n} points in {d}-D: discrepancy {ours:.4g}, scipy {theirs:.4g}, random {plain:.4g}"
                  f"{'' if good else ' FAIL'}")
            ok = ok and good
    return ok


if __name__ == "__main__":
    if not TPE.exists():
        print(f"skipped: {TPE} is not built")
        sys.exit(77)
    sys.exit(0 if check_table() and check_digits() and check_discrepancy() else 1)
