#!/usr/bin/env python3
"""Our requests to language-model services beside those of the official clients, recorded by a local server.

Every field of ours must be one that the client sends under the same name, with the same type and, where the client
bends a value into its range, the same value. Also: TLS is verified. Runs build/autoglm. Exit code 77 where both zai-sdk
and openai are absent."""
import http.server
import json
import os
import ssl
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AUTOGLM = os.environ.get("AUTOGLM", str(ROOT / "build" / "autoglm"))
KEY = "0123456789abcdef.secret"
CHUNK = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "glm-4-flash",
         "choices": [{"index": 0, "delta": {"role": "assistant", "content": "你好"}, "finish_reason": None}]}
LAST = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "glm-4-flash",
        "choices": [{"index": 0, "delta": {"content": "!"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}
WHOLE = {"id": "1", "object": "chat.completion", "created": 1, "model": "glm-4-flash", "request_id": "1",
         "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "你好!"}}],
         "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}


class Recorder(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, {k.lower(): v.split(";")[0] for k, v in self.headers.items()}, body))
        if body.get("stream"):
            out = "".join(f"data: {json.dumps(c)}\n\n" for c in (CHUNK, LAST)) + "data: [DONE]\n\n"
        else:
            out = json.dumps(WHOLE)
        out = out.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream" if body.get("stream") else "application/json")
        self.send_header("Content-Length", str(len(out)))
        self.end_headers()
        self.wfile.write(out)

    def log_message(self, *_):
        pass


def start(certificate=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.seen = []
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def ours(url, *options, env=None):
    return subprocess.run([AUTOGLM, "generate", "--url", url, "--model", "glm-4-flash", *options, "讲个笑话"],
                          capture_output=True, text=True, check=False, timeout=60,
                          env={**os.environ, "no_proxy": "*", "AGLM_API_KEY": KEY, **(env or {})})


NUMBER = 0
FAILED = 0


def check(name, problems):
    global NUMBER, FAILED
    NUMBER += 1
    FAILED += bool(problems)
    print(("not ok" if problems else "ok"), NUMBER, "-", name)
    for p in problems:
        print("#", p)


def compare(mine, theirs, same):
    """What of our request the client would not send so."""
    path, headers, body = mine
    their_path, their_headers, their_body = theirs
    problems = []
    if path != their_path:
        problems.append(f"path {path}, not {their_path}")
    for name in ("authorization", "content-type"):
        if headers.get(name) != their_headers.get(name):
            problems.append(f"{name}: {headers.get(name)}, not {their_headers.get(name)}")
    for name, value in body.items():
        if name not in their_body:
            problems.append(f"{name} is not among the client's fields")
        elif type(value) is not type(their_body[name]):
            problems.append(f"{name} is {type(value).__name__}, not {type(their_body[name]).__name__}")
        elif name in same and value != their_body[name]:
            problems.append(f"{name} is {value!r}, not {their_body[name]!r}")
    return problems


SAME = ("model", "messages", "stream", "stream_options", "temperature", "top_p", "do_sample", "max_tokens",
        "max_completion_tokens", "seed", "stop", "presence_penalty", "frequency_penalty")
MESSAGES = [{"role": "user", "content": "讲个笑话"}]
CASES = [({"temperature": 0.7, "top_p": 0.9}, ["--temperature", "0.7", "--top-p", "0.9"]),
         ({"temperature": 1.0, "top_p": 1.0}, ["--temperature", "1"]),
         ({"temperature": 0.0, "top_p": 0.7}, [])]


def run_zai(server):
    try:
        from zai import ZaiClient
    except ImportError:
        return False
    url = f"http://127.0.0.1:{server.server_port}/api/paas/v4"
    client = ZaiClient(api_key=KEY, base_url=url)
    for sampling, options in CASES:
        for stream in (True, False):
            answer = client.chat.completions.create(model="glm-4-flash", messages=MESSAGES, stream=stream, max_tokens=9,
                                                    do_sample=True, seed=5, stop=["。"], **sampling)
            if stream:
                list(answer)
            theirs = server.seen[-1]
            done = ours(url, "-n", "9", "--seed", "5", "--stop", "。", *options, *([] if stream else ["--json"]))
            check(f"zai-sdk, {sampling}, stream {stream}",
                  [done.stderr] if done.returncode else compare(server.seen[-1], theirs, SAME))
            text = done.stdout.strip() if stream else json.loads(done.stdout or "{}").get("text")
            check("the answer is read", [] if text == "你好!" else [repr(done.stdout)])
    return True


def run_openai(server):
    try:
        from openai import OpenAI
    except ImportError:
        return False
    url = f"http://127.0.0.1:{server.server_port}/v1"
    client = OpenAI(api_key=KEY, base_url=url)
    for sampling, options in CASES[:2] + [({"temperature": 0.0}, [])]:
        list(client.chat.completions.create(model="glm-4-flash", messages=MESSAGES, stream=True, max_tokens=9, seed=5,
                                            stop=["。"], stream_options={"include_usage": True}, **sampling))
        theirs = server.seen[-1]
        done = ours(url, "-n", "9", "--seed", "5", "--stop", "。", *options)
        check(f"openai, {sampling}", [done.stderr] if done.returncode else compare(server.seen[-1], theirs, SAME))
    return True


def run_tls(folder):
    certificate = (f"{folder}/cert.pem", f"{folder}/key.pem")
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
                           "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", certificate[1], "-out",
                           certificate[0]], capture_output=True, check=False)
    if made.returncode:
        print("# no openssl program: TLS is not tried")
        return
    server = start(certificate)
    url = f"https://127.0.0.1:{server.server_port}/v1"
    done = ours(url)
    check("a certificate that nobody signed is refused",
          [] if done.returncode and "certificate" in done.stderr and not server.seen else [done.stderr, str(server.seen)])
    check("the key is not shown", [done.stderr] if KEY in done.stderr else [])


def main():
    server = start()
    tried = [run_zai(server), run_openai(server)]
    if not any(tried):
        print("skipped: neither zai-sdk nor openai is installed")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        run_tls(folder)
    print(f"1..{NUMBER}")
    return 1 if FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
