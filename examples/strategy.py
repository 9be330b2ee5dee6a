#!/usr/bin/env python3
"""A search strategy of your own as a program: JSON lines in, JSON lines out.

    autoglm optimize --sampler 'cmd:python3 strategy.py' --space 'x=uniform(-5,5)' -- ./score.sh {x}

Every new point is bred: each parameter comes from one of the five best trials, sometimes moved a
little or drawn anew. Trial n draws from (seed, n) alone, so a study that is taken up again goes on
as if it had not stopped.
"""
import json
import math
import random
import sys


def draw(rng, d):
    """A random value of a distribution."""
    a = d["attributes"]
    if "choices" in a:
        return rng.choice(a["choices"])
    if a["log"]:
        return settle(d, math.exp(rng.uniform(math.log(a["low"]), math.log(a["high"]))))
    return settle(d, rng.uniform(a["low"], a["high"]))


def move(rng, d, value):
    """A value near the given one."""
    a = d["attributes"]
    if "choices" in a:
        return value
    if a["log"]:
        width = math.log(a["high"] / a["low"])
        return settle(d, value * math.exp(0.1 * width * rng.gauss(0, 1)))
    return settle(d, value + 0.1 * (a["high"] - a["low"]) * rng.gauss(0, 1))


def settle(d, value):
    """The nearest value inside the bounds and on the step."""
    a = d["attributes"]
    if a.get("step"):
        value = a["low"] + round((value - a["low"]) / a["step"]) * a["step"]
    value = min(max(value, a["low"]), a["high"])
    return int(value) if d["name"] == "IntDistribution" else value


def propose(rng, space, parents):
    """A child of the given trials; without parents a random point."""
    point = {}
    for p in space["params"]:
        if "parent" in p and point.get(p["parent"]) not in p["when"]:
            continue  # a parameter of another branch
        d = p["distribution"]
        known = [t["params"][p["name"]] for t in parents if p["name"] in t["params"]]
        if not known or rng.random() < 0.1:
            point[p["name"]] = draw(rng, d)
        elif rng.random() < 0.7:
            point[p["name"]] = move(rng, d, rng.choice(known))
        else:
            point[p["name"]] = rng.choice(known)
    return point


def key(point):
    return json.dumps(point, sort_keys=True)


def main():
    study = json.loads(sys.stdin.readline())
    sign = -1 if study["direction"] == "maximize" else 1
    trials = []
    taken = set()
    for line in sys.stdin:
        message = json.loads(line)
        if "tell" in message:
            taken.add(key(message["tell"]["params"]))
            if message["tell"]["state"] == "COMPLETE":
                trials.append(message["tell"])
        else:
            rng = random.Random(f"{study['seed']} {message['ask']}")
            best = sorted(trials, key=lambda t: (sign * t["value"], t["number"]))[:5]
            for attempt in range(100):
                parents = best if len(trials) >= 8 and attempt < 50 else []
                point = propose(rng, study["space"], parents)
                if key(point) not in taken:
                    break
            print(json.dumps({"params": point}), flush=True)


if __name__ == "__main__":
    main()
