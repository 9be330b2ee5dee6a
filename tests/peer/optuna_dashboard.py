#!/usr/bin/env python3
"""optuna-dashboard on a database of ours (several objectives with constraints; pruned, failed, infinite and waiting trials) and on
one of Optuna's that we continued, looked at in Chromium: every page shows its study and trials, with no error of its own.

Screenshots go to build/dashboard/. Exit code 77 where Optuna, optuna-dashboard, Chromium or the program is absent."""
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import optuna_store as shared  # noqa: E402  skips where there is no Optuna
from plot import Browser as Pipe  # noqa: E402

optuna = shared.optuna
SHOTS = shared.BUILD / "dashboard"
PATIENCE_S = 60
SPACE = "x=uniform(0,1) n=int(1,9,2) k=choice(a,b)"
# Ten of forty break the limit, four fail.
OBJECTIVE = """import json, sys
x, n, k = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if n == 9 and x < 0.5: sys.exit("no luck")
print(json.dumps({"values": [x * x + n, (x - 1) ** 2 - n * (k == "a")], "constraints": [x - 0.75]}))
"""


class Browser(Pipe):
    """Remembers what the page complained of."""

    def __init__(self, chromium, folder):
        self.complaints = []
        super().__init__(chromium, folder)
        self.call("Runtime.enable")
        self.call("Log.enable")

    def message(self):
        m = super().message()
        params = m.get("params", {})
        if m.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        elif m.get("method") == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.complaints.append(" ".join(str(a.get("value", a.get("description"))) for a in params["args"]))
        elif m.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        return m

    def text(self):
        return self.run("document.body ? document.body.innerText : ''")

    def wait(self, words, what):
        """Until the page's text has all of the words."""
        until = time.monotonic() + PATIENCE_S
        while missing := [w for w in words if w not in self.text()]:
            assert time.monotonic() < until, f"{what}: the page lacks {missing}:\n{self.text()[:2000]}"
            time.sleep(0.2)

    def toast(self):
        return self.run("[...document.querySelectorAll('[class*=Snackbar], [role=alert]')].map((e) => e.innerText).join(' ')")


class Dashboard:
    def __init__(self, program, url):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.process = subprocess.Popen([program, "--port", str(self.port), "--host", "127.0.0.1", url],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        try:
            self.studies = {s["study_name"]: s["study_id"] for s in
                            shared.ask_dashboard(self.port, "/api/studies")["study_summaries"]}
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def look(browser, dashboard, page, words, shot):
    """Opens a page, waits for the words, and wants no complaint."""
    browser.complaints.clear()
    browser.call("Page.navigate", url=f"http://127.0.0.1:{dashboard.port}/dashboard{page}")
    browser.wait(words, shot)
    time.sleep(2)  # the figures come after the words
    browser.shot(SHOTS / f"{shot}.png")
    assert not browser.toast(), f"{shot}: {browser.toast()}"
    # What the page wants from the network outside (fonts) is not its own failure.
    own = [c for c in browser.complaints if "http" not in c or f"127.0.0.1:{dashboard.port}" in c]
    assert not own, f"{shot}: {own}"


def constrained(url):
    """Ours, of two objectives: complete within and beyond the limit, and failed."""
    p = subprocess.run([shared.AUTOGLM, "optimize", "--space", SPACE, "--direction", "minimize", "--direction", "maximize",
                        "--sampler", "random", "--trials", "40", "--quiet", "--storage", url, "--study", "limits", "--",
                        sys.executable, "-c", OBJECTIVE, "{x}", "{n}", "{k}"], capture_output=True, text=True)
    assert p.returncode == 0, p.stderr
    study = optuna.load_study(study_name="limits", storage=url)
    states = [t.state.name for t in study.trials]
    assert states.count("FAIL") > 0 and states.count("COMPLETE") > 20, states
    assert any(max(t.system_attrs.get("constraints", [0])) > 0 for t in study.trials)
    return states


def check_ours(browser, program, folder):
    url = f"sqlite:///{folder}/ours.db"
    shared.ours("write", url)
    states = constrained(url)
    with Dashboard(program, url) as d:
        look(browser, d, "", ["ours", "two", "limits"], "ours-list")
        look(browser, d, f"/studies/{d.studies['limits']}", ["limits", "Pareto Front"], "ours-limits")
        look(browser, d, f"/studies/{d.studies['limits']}/trials", ["Trial 0", f"{len(states)} Trials"], "ours-limits-trials")
        assert "Complete" in browser.text() and "Fail" in browser.text(), browser.text()
        look(browser, d, f"/studies/{d.studies['ours']}", ["ours", "History"], "ours-one")
        look(browser, d, f"/studies/{d.studies['ours']}/trials", ["Trial 0", "16 Trials"], "ours-one-trials")
        text = browser.text()
        assert all(state in text for state in ("Complete", "Pruned", "Fail", "Waiting")), text


def check_theirs(browser, program, folder):
    """One that Optuna made and `study import` filled up."""
    url = f"sqlite:///{folder}/theirs.db"
    study = optuna.create_study(study_name="theirs", storage=url)
    study.optimize(shared.objective, n_trials=10)
    p = subprocess.run([shared.AUTOGLM, "study", "import", url, "--storage", url, "--study", "copied"], capture_output=True, text=True)
    assert p.returncode == 0, p.stderr
    p = subprocess.run([shared.AUTOGLM, "study", "import", url, "--from-study", "theirs", "--storage", url, "--study", "theirs"],
                       capture_output=True, text=True)
    assert p.returncode == 0, p.stderr
    assert len(study.get_trials()) == 20
    with Dashboard(program, url) as d:
        look(browser, d, "", ["theirs", "copied"], "theirs-list")
        for name, n in (("theirs", 20), ("copied", 10)):
            look(browser, d, f"/studies/{d.studies[name]}", [name, "History"], name)
            look(browser, d, f"/studies/{d.studies[name]}/trials", ["Trial 0", f"{n} Trials"], f"{name}-trials")


def main():
    here = str(Path(sys.executable).parent)
    program = shutil.which("optuna-dashboard", path=here) or shutil.which("optuna-dashboard")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    for what, found in (("optuna-dashboard", program), ("chromium", chromium),
                        ("build/autoglm", shared.AUTOGLM.exists()), ("build/tests/peer/store", shared.STORE.exists())):
        if not found:
            print(f"skipped: no {what}")
            return 77
    SHOTS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="aglm_peer_", ignore_cleanup_errors=True) as folder:
        browser = Browser(chromium, folder)
        browser.size(1400, 1000)
        try:
            for check in (check_ours, check_theirs):
                start = time.monotonic()
                check(browser, program, folder)
                print(f"{check.__name__}: ok ({time.monotonic() - start:.1f} s), screenshots in {SHOTS}", flush=True)
        finally:
            browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
