#!/usr/bin/env python3
"""The page of `autoglm study plot --out` with 10,000 trials in Chromium: how long it takes to be made, to open, and to draw again
after the trials are brushed, the theme or the size changes, or another figure is scrolled to; and the CPU time of importance.

Drives Chromium through its debugging pipe. Times in the page are of its own clock, to the end of the frame after the next.
usage: plot.py [--shots FOLDER] [PAGE.html]; exit code 77 where Chromium or the program is absent."""
import base64
import json
import math
import os
import pathlib
import random
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(os.environ.get("AGLM_SOURCE_ROOT", pathlib.Path(__file__).resolve().parents[1]))
AUTOGLM = os.environ.get("AUTOGLM", ROOT / "build" / "autoglm")
SPACE = ("lr=loguniform(1e-5,0.1) drop=uniform(0,0.9) layers=int(1,8) units=logint(16,1024) batch=int(16,256,16) "
         "act=choice(relu,tanh,gelu,swish) opt=choice(adam,sgd) mom=uniform(0,1) decay=loguniform(1e-6,0.01) clip=uniform(0.1,5)")
WIDE = " ".join(f"p{i}=uniform(0,1)" for i in range(20))


def make_study(path, space, n):
    """One trial through the program, the others as copies of its rows with values of their own."""
    subprocess.run([AUTOGLM, "optimize", "--space", space, "--trials", "1", "--quiet", "--storage", f"sqlite:///{path}", "--study", "s",
                    "--", "echo", "1"], check=True, stdout=subprocess.DEVNULL)
    db, rng = sqlite3.connect(path), random.Random(1)
    dists = [(name, json.loads(text)["attributes"], text) for name, text in
             db.execute("SELECT param_name, distribution_json FROM trial_params ORDER BY param_id")]
    for t in range(2, n + 1):
        state, value = "COMPLETE", 0.0
        db.execute("INSERT INTO trials VALUES (?, ?, 1, 'COMPLETE', datetime(1.7e9 + ?, 'unixepoch') || '.000000', "
                   "datetime(1.7e9 + ?, 'unixepoch') || '.500000')", (t, t - 1, 3 * t, 3 * t + rng.randrange(9)))
        for k, (name, d, text) in enumerate(dists):
            u = min(max(rng.gauss(0.6, 0.35 - 0.2 * t / n), 0), 1)
            if "choices" in d:
                v = min(int(u * len(d["choices"])), len(d["choices"]) - 1)
            elif d["log"]:
                v = d["low"] * (d["high"] / d["low"]) ** u
            else:
                v = d["low"] + u * (d["high"] - d["low"])
            if d.get("step") and "choices" not in d:
                v = min(d["low"] + d["step"] * round((v - d["low"]) / d["step"]), d["high"])
            value += (u - 0.5) ** 2 * 0.8 ** k + rng.random() * 0.01
            db.execute("INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)", (t, name, v, text))
        if rng.random() < 0.15:
            state = rng.choice(["PRUNED", "PRUNED", "FAIL"])
            db.execute("UPDATE trials SET state = ? WHERE trial_id = ?", (state, t))
        for step in range(1, 4):
            db.execute("INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type) "
                       "VALUES (?, ?, ?, 'FINITE')", (t, step, value + math.exp(-step)))
        if state != "FAIL":
            db.execute("INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, 'FINITE')", (t, value))
    db.commit()
    db.close()


def cpu_of(*command):
    """CPU and wall milliseconds, the best of five."""
    best = (math.inf, math.inf)
    for _ in range(5):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run([AUTOGLM, "study", *command], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        best = min(best, (1000 * cpu, 1000 * (time.monotonic() - start)))
    return best


class Browser:
    def __init__(self, chromium, folder):
        ours, theirs = os.pipe(), os.pipe()
        self.process = subprocess.Popen(
            ["sh", "-c", f'exec "$@" 3<&{ours[0]} 4>&{theirs[1]}', "sh", chromium, "--headless", "--no-sandbox", "--disable-gpu",
             "--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={folder}/profile", "about:blank"],
            pass_fds=(ours[0], theirs[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(ours[0])
        os.close(theirs[1])
        self.to, self.of, self.left, self.last, self.session = ours[1], theirs[0], b"", 0, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Performance.enable", timeDomain="threadTicks")
        self.size(1000, 900)

    def message(self):
        while b"\0" not in self.left:
            data = os.read(self.of, 1 << 16)
            if not data:
                raise RuntimeError("Chromium has gone")
            self.left += data
        text, _, self.left = self.left.partition(b"\0")
        return json.loads(text)

    def call(self, method, **params):
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while (answer := self.message()).get("id") != self.last:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def run(self, script):
        r = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in r:
            raise RuntimeError(r["exceptionDetails"]["exception"].get("description"))
        return r["result"].get("value")

    def size(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def theme(self, name):
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def cpu(self):
        """CPU milliseconds of the page's main thread so far."""
        return 1000 * {m["name"]: m["value"] for m in self.call("Performance.getMetrics")["metrics"]}["TaskDuration"]

    def open(self, path):
        self.call("Page.navigate", url=f"file://{path}")
        while self.message().get("method") != "Page.loadEventFired":
            pass
        return self.run("""new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
            const paint = performance.getEntriesByName('first-contentful-paint')[0];
            done(Math.max(performance.getEntriesByType('navigation')[0].loadEventEnd, paint ? paint.startTime : 0));})))""")

    def draw(self, action):
        """Milliseconds until what the action changes is painted."""
        return self.run(f"""new Promise((done) => {{
            const start = performance.now();
            {action};
            requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - start)));}})""")

    def shot(self, path, section=None):
        if section:
            self.run(f"document.getElementById('{section}').scrollIntoView()")
        self.run("new Promise((d) => requestAnimationFrame(() => requestAnimationFrame(d)))")
        data = self.call("Page.captureScreenshot", format="png")["data"]
        pathlib.Path(path).write_bytes(base64.b64decode(data))

    def close(self):
        self.call("Browser.close")
        self.process.wait()


BRUSH = """const svg = document.querySelector('#history svg'), r = svg.getBoundingClientRect();
const at = (type, x, y, to) => to.dispatchEvent(new PointerEvent(type, {bubbles: true, button: 0,
    clientX: r.left + r.width * x, clientY: r.top + r.height * y}));
at('pointerdown', 0.2, 0.2, svg); at('pointermove', 0.8, 0.8, svg); at('pointerup', 0.8, 0.8, window)"""
ESCAPE = "dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape'}))"


def measure(browser, page, shots):
    """(what, CPU ms, ms, longest ms): the most CPU, the median time and the longest of nine."""
    rows = []

    def time_of(what, act):
        times = []
        for _ in range(9):
            before = browser.cpu()
            times.append((act(), browser.cpu() - before))
        walls = sorted(ms for ms, _ in times)
        rows.append((what, max(cpu for _, cpu in times), statistics.median(walls), walls[-1]))

    time_of("open, to the first paint after all is parsed", lambda: browser.open(page))
    time_of("brush some thousand trials", lambda: browser.draw(BRUSH))
    if not int(browser.run("document.getElementById('chosen').textContent").split()[0].replace(",", "")) > 1:
        raise RuntimeError("the brush chose nothing")
    if shots:
        browser.shot(f"{shots}/brushed.png")
    time_of("let go of them", lambda: browser.draw(ESCAPE))
    time_of("another theme", lambda: [browser.theme("dark"), browser.draw("0"), browser.theme("light")][1])
    time_of("another width", lambda: [browser.size(800, 900), browser.draw("0"), browser.size(1000, 900)][1])
    for name in json.loads(browser.run("JSON.stringify([...document.querySelectorAll('section')].map((s) => s.id))")):
        time_of(f"scroll to {name}", lambda: browser.draw(f"scrollTo(0, 0); document.getElementById('{name}').scrollIntoView()"))
        for theme in ("light", "dark") if shots else ():
            browser.theme(theme)
            browser.shot(f"{shots}/{name}-{theme}.png", name)
        browser.theme("light")
    return rows


def main():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    shots = sys.argv[sys.argv.index("--shots") + 1] if "--shots" in sys.argv else None
    pages = [a for a in sys.argv[1:] if a.endswith(".html")]
    if not chromium or not os.path.exists(AUTOGLM):
        print(f"skipped: {'the program' if chromium else 'chromium'} is absent")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder) / "page.html"
        if not pages:
            make_study(f"{folder}/s.db", SPACE, 10000)
            make_study(f"{folder}/wide.db", WIDE, 1000)
            print("| importance of 1,000 trials x 20 parameters | CPU ms of the whole command |\n|---|---|")
            for evaluator in ("ped-anova", "fanova"):
                print(f"| {evaluator} | {cpu_of('importance', '--storage', f'{folder}/wide.db', '--evaluator', evaluator)[0]:.0f} |")
            cpu, wall = cpu_of("plot", "--storage", f"{folder}/s.db", "--out", str(page))
            print(f"\nThe page of 10,000 trials x 10 parameters: {page.stat().st_size / 1e6:.2f} MB, made in {wall:.0f} ms ({cpu:.0f} ms CPU)\n")
        browser = Browser(chromium, folder)
        try:
            print("| in Chromium, of nine | main thread's most CPU ms | median ms | longest |\n|---|---|---|---|")
            for what, cpu, ms, most in measure(browser, os.path.abspath(pages[0]) if pages else page, shots):
                print(f"| {what} | {cpu:.0f} | {ms:.0f} | {most:.0f} |", flush=True)
        finally:
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
