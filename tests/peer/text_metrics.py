#!/usr/bin/env python3
"""The text metrics beside rouge-score, sacreBLEU and the rules of SQuAD and CMRC 2018: build/tests/peer/text_score.

On random texts made to provoke the tokenisers, and on questions and answers of the shared data where it is there. Exit code
77 where the peers are absent."""
import json
import os
import random
import re
import string
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

try:
    import sacrebleu
    from nltk.tokenize import NLTKWordTokenizer
    from rouge_score import rouge_scorer
except ImportError as e:
    print(f"skipped: no {e.name}")
    sys.exit(77)

ROOT = Path(__file__).resolve().parents[2]
SCORE = ROOT / "build" / "tests" / "peer" / "text_score"
SHARED = Path(os.environ.get("AGLM_SHARED") or ROOT.parent / "shared")
TOLERANCE = 1e-6


def by_rouge(text):
    """rouge-score's words, and each CJK character as one."""
    return re.findall(r"[a-z0-9]+|[\u3400-\u4dbf\u4e00-\u9fff]", text.lower())


class Words:
    tokenize = staticmethod(by_rouge)


ENGLISH = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"])
CHINESE = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], tokenizer=Words())


def has_han(refs):
    return any("\u4e00" <= c <= "\u9fff" for ref in refs for c in ref)


def rouge(kind, text, refs):
    scorer = CHINESE if has_han(refs + [text]) else ENGLISH
    return scorer.score_multi(refs, text)[kind].fmeasure


def squad_words(text):
    text = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def f_measure(both, said, wanted):
    return 2 * both / (said + wanted) if both else 0.0


CMRC_MARKS = set("-:_*^/\\~`+=，。：？！“”；’《》……·、「」（）－～『』")
TREEBANK = NLTKWordTokenizer()


def cmrc_tokens(text):
    out, run = [], ""
    for c in text.lower().strip():
        if c in CMRC_MARKS:
            continue
        if "\u4e00" <= c <= "\u9fa5":
            out += TREEBANK.tokenize(run) + [c]
            run = ""
        else:
            run += c
    return out + TREEBANK.tokenize(run)


def longest_run(a, b):
    best, row = 0, [0] * (len(b) + 1)
    for x in a:
        row = [0] + [row[j] + 1 if x == y else 0 for j, y in enumerate(b)]
        best = max(best, max(row))
    return best


def token_f1(text, refs):
    if has_han(refs):
        said = cmrc_tokens(text)
        return max(f_measure(longest_run(said, w), len(said), len(w)) for w in map(cmrc_tokens, refs))
    said = squad_words(text)
    return max(f_measure(sum((Counter(said) & Counter(w)).values()), len(said), len(w)) for w in map(squad_words, refs))


def exact(text, refs):
    words = cmrc_tokens if has_han(refs) else squad_words
    return float(any(words(text) == words(ref) for ref in refs))


def bleu_of(refs_are_han, **more):
    return sacrebleu.BLEU(tokenize="zh" if refs_are_han else "13a", **more)


def bleu(text, refs):
    return bleu_of(has_han(refs), effective_order=True).sentence_score(text, refs).score / 100


def padded(cases):
    """References as sacreBLEU wants them: the kth of each case."""
    most = max(len(refs) for _, refs in cases)
    return [[refs[k] if k < len(refs) else refs[0] for _, refs in cases] for k in range(most)]


def corpus_bleu(cases):
    return bleu_of(has_han(cases[0][1])).corpus_score([t for t, _ in cases], padded(cases)).score / 100


def chrf(text, refs):
    return sacrebleu.CHRF().sentence_score(text, refs).score / 100


def corpus_chrf(cases):
    return sacrebleu.CHRF().corpus_score([t for t, _ in cases], padded(cases)).score / 100


def mean_of(one):
    return lambda cases: sum(one(*c) for c in cases) / len(cases)


def metrics():
    ones = {"rouge_1": lambda t, r: rouge("rouge1", t, r), "rouge_2": lambda t, r: rouge("rouge2", t, r),
            "rouge_l": lambda t, r: rouge("rougeL", t, r), "token_f1": token_f1, "exact_match": exact}
    return {**{name: (one, mean_of(one)) for name, one in ones.items()},
            "bleu": (bleu, corpus_bleu), "chrf": (chrf, corpus_chrf)}


def ours(metric, cases, folder):
    path = Path(folder) / "cases.jsonl"
    path.write_text("".join(json.dumps({"text": t, "refs": r}) + "\n" for t, r in cases), encoding="utf-8")
    run = subprocess.run([SCORE, metric, path], capture_output=True, text=True)
    if run.returncode:
        raise RuntimeError(run.stderr.strip())
    values = [float(x) for x in run.stdout.split()]
    return values[:-1], values[-1]


ODD = ["3.5", "1,234", "U.S.", "don't", "e-mail", "20-30", "&quot;so&quot;", "&amp;lt;", "a", "An", "THE", "(x)", "$5", "100%", "...",
       ",", "well,", "-", "x\ny", "end-\nof", "é", "Ünder", "<skipped>", "a/b", "c++", "[1]", "9-", "–", "“q”", "…", "\t", "  "]
WORDS = "the cat sat on a mat and then it ran home over hills of green grass".split()
HAN = list("的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装")
HAN_ODD = ["，", "。", "！", "（", "）", "《", "》", "2023年", "GPT-4", "3.14", "、", "“", "”", "……", "Ａ１", "　", "iPhone", "1,000元", "："]


def random_text(rng, words, odd, glue, longest):
    return glue.join(rng.choice(odd) if rng.random() < 0.15 else rng.choice(words) for _ in range(rng.randint(0, longest)))


def random_cases(rng, n, words, odd, glue):
    """An answer is often a reference with words dropped, doubled or exchanged."""
    cases = []
    for _ in range(n):
        refs = [random_text(rng, words, odd, glue, 30) or words[0] for _ in range(rng.randint(1, 3))]
        if not has_han([refs[0]]) and glue == "":
            refs[0] += words[0]
        parts = refs[0].split(glue) if glue else list(refs[0])
        kept = [rng.choice(words) if rng.random() < 0.1 else p for p in parts if rng.random() < 0.85]
        cases.append((glue.join(kept) if rng.random() < 0.8 else random_text(rng, words, odd, glue, 20), refs))
    return cases


def lines_of(name):
    path = SHARED / "data" / name
    return [json.loads(line) for line in path.open(encoding="utf-8")] if path.exists() else []


def real_cases(rng):
    """Answers taken as they are, cut, or out of the text near them."""
    chinese = []
    for q in lines_of("cmrc2018_trial/test.jsonl"):
        answer, text = q["answers"][0], q["context"]
        at = max(text.find(answer), 0)
        said = rng.choice([answer, text[max(at - rng.randint(0, 9), 0):at + len(answer) + rng.randint(0, 9)], text[:60], answer[1:]])
        if has_han(q["answers"]):
            chinese.append((said, q["answers"]))
    english = [(d["answer"][rng.randint(0, 40):] if i % 2 else d["question"], [d["answer"], d["question"]])
               for i, d in enumerate(lines_of("gsm8k/test.jsonl"))]
    return {"real Chinese": chinese, "real English": english}


def differences(metric, cases, folder):
    one, corpus = metrics()[metric]
    got, all_of_them = ours(metric, cases, folder)
    wanted = [one(*c) for c in cases]
    off = [i for i in range(len(cases)) if not abs(got[i] - wanted[i]) <= TOLERANCE]
    short = [f"{len(off)} of {len(cases)}, first {cases[off[0]]}: {got[off[0]]:.9f} instead of {wanted[off[0]]:.9f}"] if off else []
    total = corpus(cases)
    if not abs(all_of_them - total) <= TOLERANCE:
        short.append(f"all: {all_of_them:.9f} instead of {total:.9f}")
    return short


def main():
    if not SCORE.exists():
        print("skipped: build/tests/peer/text_score is not built")
        return 77
    rng = random.Random(1)
    sets = {"random English": random_cases(rng, 400, WORDS, ODD, " "), "random Chinese": random_cases(rng, 400, HAN, HAN_ODD, ""),
            **{name: cases for name, cases in real_cases(rng).items() if cases}}
    number, failed = 0, 0
    with tempfile.TemporaryDirectory(prefix="aglm-peer-") as folder:
        for name, cases in sets.items():
            for metric in metrics():
                number += 1
                short = differences(metric, cases, folder)
                failed += bool(short)
                print(f"{'not ok' if short else 'ok'} {number} - {metric}, {name}, {len(cases)}{': ' + '; '.join(short) if short else ''}")
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
