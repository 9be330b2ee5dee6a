#!/usr/bin/env python3
"""CPU time of ask + tell with the Gaussian process on the mixed problem of bench/tpe.py, Optuna's GPSampler beside it.

usage: bench/gp.py [TRIALS]    Optuna runs 200 trials (some 40 s) unless TRIALS is smaller.
Optuna's sampler needs torch and scipy; Debian's python3-torch is a build for CPUs."""
import contextlib
import subprocess
import sys

from tpe import TPE, optunas

MARKS = (100, 200)


def ours():
    """{trials: CPU seconds}, the least of three runs each."""
    seconds = {}
    for n in MARKS * 3:
        out = subprocess.run([TPE, "cost", "gp", str(n)], capture_output=True, text=True, check=True).stdout
        seconds[n] = min(seconds.get(n, 1e9), float(out.splitlines()[-1].split()[1]))
    return seconds


def sampler():
    import optuna
    import torch

    torch.set_num_threads(1)
    if not hasattr(torch.device, "__enter__"):  # before torch 2 a device is no context
        import optuna.samplers._gp.sampler as module

        class Torch:
            def __getattr__(self, name):
                return getattr(torch, name)

            def device(self, _):
                return contextlib.nullcontext()

        module.torch = Torch()
    return optuna.samplers.GPSampler(seed=0)


def main():
    limit = int(sys.argv[1]) if len(sys.argv) > 1 else MARKS[-1]
    if not TPE.exists():
        print(f"skipped: {TPE} is not built")
        return 77
    mine = ours()
    try:
        theirs = optunas(sampler, limit, MARKS)
    except ImportError as e:
        print(f"Optuna's GPSampler is not here to compare with ({e})")
        theirs = {}
    print("trials  ours, CPU s  ms/trial  Optuna, CPU s  ratio")
    for n in MARKS:
        peer = f"{theirs[n]:13.2f}  {theirs[n] / mine[n]:5.0f}" if n in theirs else f"{'-':>13}  {'-':>5}"
        print(f"{n:6}  {mine[n]:11.4f}  {1e3 * mine[n] / n:8.2f}  {peer}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
