#!/bin/sh
# generate --url: what a service is asked and counted, its prices, retries, rates and times, and that the key is nowhere shown.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1
unset AGLM_API_KEY ZHIPUAI_API_KEY OPENAI_API_KEY
no_proxy='*'
TEST_KEY=id.secret
export no_proxy TEST_KEY

cat >server.py <<'END'
"""By path: /good answers, /json with JSON, /busy only the second time, /hang not at all, /echo says the key again. Requests go to the file "requests"."""
import http.server, json, os, time

seen = {}


class Service(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers.get("Authorization")
        with open("requests", "a") as f:
            f.write(json.dumps({"key": key, "body": body}) + "\n")
        kind = self.path.split("/")[1]
        seen[kind] = seen.get(kind, 0) + 1
        if kind == "hang":
            time.sleep(20)
        elif kind == "echo":
            self.reply(403, {"error": {"message": f"{key} may not"}})
        elif kind == "busy" and seen[kind] % 2:
            self.reply(429, {"error": {"message": "slowly"}}, {"Retry-After": "0"})
        elif body.get("stream"):
            chunk = {"choices": [{"delta": {"content": "Paris."}, "finish_reason": "stop"}]}
            usage = {"choices": [], "usage": {"prompt_tokens": 2000, "completion_tokens": 500}}
            self.send("text/event-stream", f"data: {json.dumps(chunk)}\n\ndata: {json.dumps(usage)}\n\ndata: [DONE]\n\n", 200, {})
        else:
            text = '{"city": "Paris"}' if kind == "json" else "Paris."
            self.reply(200, {"choices": [{"message": {"content": text}, "finish_reason": "stop"}],
                             "usage": {"prompt_tokens": 2000, "completion_tokens": 500}})

    def reply(self, status, body, headers={}):
        self.send("application/json", json.dumps(body), status, headers)

    def send(self, kind, text, status, headers):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(text)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
server.daemon_threads = True
with open("port.part", "w") as f:
    f.write(str(server.server_port))
os.rename("port.part", "port")
server.serve_forever()
END
python3 server.py &
server=$!
trap 'kill $server 2>/dev/null' EXIT
for _ in $(seq 100); do [ -s port ] || sleep 0.1; done
host=http://127.0.0.1:$(cat port)

# ask WANTED_CODE PATH OPTION...
ask() {
    wanted_code=$1
    path=$2
    : >requests
    shift 2
    run "$wanted_code" "$AUTOGLM" generate --model m-1 --url "$host/$path/v1" --key-env TEST_KEY "$@" 'The capital of France?'
    check "the key is nowhere shown" sh -c '! grep -q id.secret out err'
}
# holds TEXT PYTHON: of the answer a, when --json gave one, and of the requests r.
holds() {
    check "$1" python3 -c "
import json
text = open('out').read()
a = json.loads(text) if text.startswith('{') else {}
r = [json.loads(l) for l in open('requests')]
assert $2, (a, r)"
}

if "$AUTOGLM" generate --model m --url "$host/good" x 2>&1 | grep -q 'no HTTP client'; then
    run 1 "$AUTOGLM" generate --model m --url "$host/good" x
    says err 'this build has no HTTP client: install libcurl'
    skip "services are asked" "built without libcurl"
    finish
fi

ask 0 good
says out '^Paris\.$'
holds "the key goes where it was meant to" 'len(r) == 1 and r[0]["key"] == "Bearer id.secret"'
ask 0 good --json --price-prompt 2 --price-answer 10
holds "the cost is by a million tokens" 'abs(a["cost"] - 0.009) < 1e-12'
holds "what was counted" '(a["service"], a["requests"], a["attempts"], a["all_prompt_tokens"], a["all_tokens"]) == ("any", 1, 1, 2000, 500)'
ask 0 good --json
holds "no price, no cost" '"cost" not in a and a["estimated"] is False'
ask 0 good --explain --price-answer 10
says err '^service any: 1 request in 1 attempt, 2000 \+ 500 tokens, cost 0\.005$'
ask 0 busy --json
holds "asked again after 429" 'a["attempts"] == 2 and a["requests"] == 1'
ask 1 busy --retries 0 --explain
says err 'status 429 after 1 attempts: .*slowly'
says err '^service any: 0 requests in 1 attempt'
ask 1 hang --timeout 1s --retries 0
says err 'there was no answer in time'
ask 2 echo
says err 'the key in \$TEST_KEY is refused: Bearer \*+ may not'
ask 0 good --service openai --json
holds "OpenAI has a word of its own" '"max_completion_tokens" in r[0]["body"] and a["service"] == "openai"'
ask 0 good --service glm --thinking disabled
holds "GLM, too" 'r[0]["body"]["thinking"] == {"type": "disabled"}'
ask 0 good --service llama --top-k 5 --seed 3
holds "llama-server takes top-k" 'r[0]["body"]["top_k"] == 5 and r[0]["body"]["seed"] == 3'
ask 1 good --service openai --top-k 5
says err 'a remote service of the kind "openai" takes no top_k'
ask 0 good --requests-per-minute 60 --tokens-per-minute 600 --json
holds "the first need not wait" 'a["waited_seconds"] == 0'
ask 2 good --requests-per-minute often

# A JSON Schema: a grammar where the service takes one, a check in any case.
echo '{"properties": {"city": {"type": "string", "maxLength": 9}}, "required": ["city"]}' >city.json
ask 0 json --schema city.json --service llama --json
holds "llama-server gets the grammar" '"root ::= r0" in r[0]["body"]["grammar"]'
ask 0 json --schema city.json --json --explain
holds "others do not" 'len(r) == 1 and "grammar" not in r[0]["body"]'
says err '^schema: checked, but not drawn by: .*takes no grammar'
ask 3 good --schema city.json --json
says err 'the answer does not keep to the schema: not JSON'
echo '{"type": "array", "minItems": 3, "maxItems": 2}' >never.json
ask 2 good --schema never.json
says err 'never.json: JSON Schema: no value can meet minItems and maxItems'
holds "nothing was asked" 'r == []'
ask 1 good --schema absent.json
ask 2 good --schema city.json --auto
says err '--schema does not go with --auto'

ask 2 good --service gopher
ask 2 good --price-prompt -1
says err '--price-prompt: -1 is no amount'
ask 2 good --timeout soon
run 2 "$AUTOGLM" generate --model m.gguf --retries 2 x
says err '--retries is for a service: give its --url, too'
ZHIPUAI_API_KEY=other.secret OPENAI_API_KEY=other.secret "$AUTOGLM" generate --model m --url "$host/good/api/paas/v4" x >out 2>err
holds "a key that was not named stays here" 'r[-1]["key"] is None'

finish
