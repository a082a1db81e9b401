"""What classification costs on one core: `python bench/classifier.py`.

Prints p50 and p99 in milliseconds of the tokenizer, the encoder, the heads with six routes, and all of it, for
prompts of 16 to 512 tokens and a conversation; and the resident memory of a process with and without the models.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from pointsman_classifier.embedded import EmbeddedClassifier
from pointsman_classifier.encoder import Encoder
from pointsman_classifier.language import LanguageDetector
from pointsman_classifier.routes import RouteText

from pointsman.core.request import Turn

TEXT = (
    "Please write a Python function that reads a CSV file, removes duplicate rows and prints the ten most common "
    "values in each column, then explain step by step how it works and what its complexity is for very large files. "
)
WORDS = TEXT.split() * 100

ROUTES = (
    RouteText("code", "programming", "write, fix or explain code", "Requests to write, debug or explain source code."),
    RouteText("mathematics", "", "", "Calculations, equations, proofs and word problems."),
    RouteText("translation", "", "", "Translate a text into another language."),
    RouteText("chit-chat", "", "", "Greetings, thanks and small talk."),
    RouteText("writing", "", "", "Write or improve texts.", ("Write a poem", "Schreib einen Brief")),
    RouteText("general", "", "", "Everything else."),
)
NAMES = frozenset(route.name for route in ROUTES)


def measure(work: Callable[[], object], repeats: int = 200) -> str:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    p50, p99 = np.quantile(times, (0.5, 0.99)) * 1e3
    return f"{p50:6.2f} {p99:6.2f}"


def prompt(encoder: Encoder, tokens: int) -> str:
    """A prompt of just so many pieces (or the first that has more)."""
    tokenizer = encoder._tokenizer
    words = next(n for n in range(1, len(WORDS)) if len(tokenizer._ids(" ".join(WORDS[:n]))) >= tokens)
    return " ".join(WORDS[:words])


def resident(code: str) -> float:
    """Resident memory in MB of a fresh process after some code, its peak left aside."""
    script = f"{code}\nprint(next(l for l in open('/proc/self/status') if l.startswith('VmRSS')).split()[1])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def main() -> None:
    start = time.perf_counter()
    classifier = EmbeddedClassifier.load(progress=print)
    print(f"load {time.perf_counter() - start:.2f} s")
    start = time.perf_counter()
    classifier.prepare("bench", ROUTES)
    print(f"prepare {len(ROUTES)} routes {1e3 * (time.perf_counter() - start):.1f} ms")
    encoder, heads, detector = classifier._encoder, classifier._heads, LanguageDetector()

    print("milliseconds, p50 p99:")
    print(f"{'tokens':>8} {'tokenizer':>14} {'encoder':>14} {'heads':>14} {'language':>14} {'classify':>14}")
    for tokens in (16, 64, 256, 512):
        text = prompt(encoder, tokens)
        ids, turns = encoder._tokenizer.encode(text), (Turn("user", text),)
        vector = encoder.embed(text)
        columns = [
            measure(partial(encoder._tokenizer.encode, text)),
            measure(partial(encoder.embed_ids, ids)),
            measure(partial(heads.judge, text, vector)),
            measure(partial(detector.detect, text)),
            measure(partial(classifier.classify, "bench", turns, None, NAMES)),
        ]
        print(f"{tokens:>8} " + " ".join(f"{column:>14}" for column in columns))
    text = prompt(encoder, 64)
    conversation = (Turn("user", text), Turn("assistant", text), Turn("user", text))
    whole = measure(partial(classifier.classify, "bench", conversation, "code", NAMES))
    print(f"{'3 x 64':>8} {whole:>74}  (a conversation: two more embeddings)")

    print("resident memory, MB:")
    without = resident("import pointsman.core.signals, pointsman_classifier, numpy")
    load = "from pointsman_classifier.embedded import EmbeddedClassifier as E; c = E.load()"
    language = "from pointsman_classifier.language import LanguageDetector as L; d = L()"
    print(f"  without the models {without:.0f}, with the classifier {resident(load):.0f}")
    print(
        f"  with the language detector alone {resident(language):.0f}, with both {resident(load + '; ' + language):.0f}"
    )


if __name__ == "__main__":
    main()
