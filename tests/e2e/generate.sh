#!/bin/sh
# generate --auto against a service that keeps what it is sent.
. "$AGLM_SOURCE_ROOT/tests/e2e/lib.sh"
cd "$AGLM_TMP" || exit 1
unset AGLM_API_KEY ZHIPUAI_API_KEY OPENAI_API_KEY
no_proxy='*'
export no_proxy

cat >server.py <<'END'
"""Appends each request to the file "requests", and answers the lines of the file "answers" in turn, the last one for ever."""
import http.server, json, os

GOOD = "Rain fell on the roof all night. By the morning every flower had opened its eyes."
LOOP = " ".join(["la"] * 60)


class Recorder(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with open("requests", "a") as f:
            f.write(json.dumps({"path": self.path, "key": self.headers.get("Authorization"), "body": body}) + "\n")
        answers = open("answers").read().split()
        kind = answers[min(len(open("requests").readlines()), len(answers)) - 1]
        if kind == "refuse":
            return self.reply(401, {"error": {"message": "who are you"}})
        text = {"good": GOOD, "loop": LOOP, "empty": ""}[kind]
        usage = {"prompt_tokens": 9, "completion_tokens": 20}
        if not body.get("stream"):
            message = {"role": "assistant", "content": text}
            return self.reply(200, {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage})
        chunks = [{"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]},
                  {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}]
        self.send("text/event-stream", "".join(f"data: {json.dumps(c)}\n\n" for c in chunks) + "data: [DONE]\n\n", 200)

    def reply(self, status, body):
        self.send("application/json", json.dumps(body), status)

    def send(self, kind, text, status):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
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

# ask WANTED_CODE ANSWERS OPTION...: one call, with its requests alone in "requests".
ask() {
    wanted_code=$1
    echo "$2" >answers
    : >requests
    shift 2
    run "$wanted_code" env TEST_KEY=id.secret "$AUTOGLM" generate --auto --model glm-4-flash --key-env TEST_KEY \
        --settings "$AGLM_TMP/settings.db" "$@" 'Write a short story about a garden in the rain.'
}
# sent TEXT PYTHON: what holds of the requests r.
sent() {
    check "$1" python3 -c "
import json
r = [json.loads(l) for l in open('requests')]
b = [q['body'] for q in r]
assert $2, r"
}

echo good >answers
if ! "$AUTOGLM" generate --model m --url "$host/v1" x >probe 2>&1 && grep -q libcurl probe; then
    skip "services are asked" "built without libcurl"
    finish
fi

ask 0 good --url "$host/api/paas/v4" --explain
says out '^Rain fell on the roof'
says err '^task: text-generation'
says err 'expected 0\.[0-9]+ \+- 0\.[0-9]+ after 0 answers, drawn .* from preset$'
says err '^check empty +1\.00'
says err 'reward 0\.[0-9]+, 1 try'
sent "one request, with the key, to the right place" \
    "len(r) == 1 and r[0]['key'] == 'Bearer id.secret' and r[0]['path'] == '/api/paas/v4/chat/completions'"
sent "the prompt is one message of the user" \
    "b[0]['messages'] == [{'role': 'user', 'content': 'Write a short story about a garden in the rain.'}]"
for seed in 1 2 3 4 5 6 7 8; do
    ask 0 good --url "$host/api/paas/v4" --seed $seed
    sent "only words that GLM knows" \
        "set(b[0]) <= {'model', 'messages', 'max_tokens', 'do_sample', 'temperature', 'top_p', 'seed', 'stream'}"
done
ask 0 good --url "$host/api/paas/v4" --explain
says err 'after [1-9] answers'

ask 0 'loop good' --url "$host/v1" --explain
says out '^Rain fell on the roof'
says err '^try 1 failed: repetition; next: '
says err ', 2 tries, '
sent "the second try is another" "len(r) == 2 and b[0] != b[1] and b[0]['messages'] == b[1]['messages']"
ask 0 loop --url "$host/v1" --explain
says err 'check loop .*FAILED'
sent "no more than three tries" "len(r) == 3"
ask 0 'loop refuse' --url "$host/v1" --explain
says out '^la la la'
says err '^try 2 was not answered: .*the key in \$TEST_KEY is refused'
check "the key is nowhere shown" sh -c '! grep -q id.secret out err'
ask 2 refuse --url "$host/v1"
says err 'the key in \$TEST_KEY is refused'

echo '{"mine": {"temperature": 0.123}}' >own.json
tried=no
for seed in $(seq 20); do
    ask 0 good --url "$host/v1" --presets own.json --seed "$seed"
    grep -q '"temperature": 0.123' requests && tried=yes && break
done
check "settings of one's own are tried" test $tried = yes
echo '{"mine": {"warmth": 1}}' >own.json
ask 1 good --url "$host/v1" --presets own.json
says err 'own.json: mine: warmth: there is no such setting'
ask 0 good --url "$host/v1" --max-tokens 33 --limit 20s --json
check "one JSON object" python3 -c '
import json
a = json.load(open("out"))
assert a["reason"] == "stop" and a["tokens"] == 20 and a["text"].startswith("Rain"), a'
sent "the longest answer is told" "b[0]['max_tokens'] == 33"
ask 0 good --url "$host/v1" --task translation --explain
sent "a task that is named" "b[0]['max_tokens'] == 160"
ask 2 good --url "$host/v1" --task juggling
says err 'there is no task juggling; there are classification, '
kill $server
ask 1 good --url "$host/v1"
says err "$host/v1"

finish
