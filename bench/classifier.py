"""What classification costs on one core: `python bench/classifier.py`.

Prints p10 and p50 in milliseconds of the tokenizer, the encoder, the heads, the scoring of six routes, and all of it
(its p99 and the p10 and p50 of its CPU time as well), for prompts of 16 to 512 tokens and for conversations; and the
resident memory of a process with and without the models. What other work on the machine distorts least is p10. Nothing
is remembered from one classification to the next, but for the last row.
"""

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
from pointsman_classifier.embedded import EmbeddedClassifier
from pointsman_classifier.encoder import Encoder
from pointsman_classifier.language import LanguageDetector
from pointsman_classifier.routes import RouteText
from pointsman_classifier.scoring import Scorer

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


REPEATS = 200


def measure(work: Callable[[], object]) -> str:
    p10, p50 = np.quantile([timed(work)[0] for _ in range(REPEATS)], (0.1, 0.5)) * 1e3
    return f"{p10:6.2f} {p50:6.2f}"


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that passed, and seconds of this thread's CPU time."""
    start, cpu = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - start, time.thread_time() - cpu


def whole(works: Iterable[Callable[[], object]]) -> str:
    """Some classifications: their times, and their CPU time."""
    passed, cpu = zip(*map(timed, works), strict=True)
    p10, p50, p99 = np.quantile(passed, (0.1, 0.5, 0.99)) * 1e3
    least, middle = np.quantile(cpu, (0.1, 0.5)) * 1e3
    return f"{p10:6.2f} {p50:6.2f} {p99:6.2f} {least:8.2f} {middle:6.2f}"


def conversation(turns: int, text: str, number: int = 0) -> tuple[Turn, ...]:
    """User and assistant by turns, each with a text of its own."""
    return tuple(Turn("user" if i % 2 == 0 else "assistant", f"{text} {number}.{i}") for i in range(turns))


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
    classifier = EmbeddedClassifier.load(progress=print, remembered=0)
    print(f"load {time.perf_counter() - start:.2f} s")
    start = time.perf_counter()
    classifier.prepare("bench", ROUTES)
    print(f"prepare {len(ROUTES)} routes {1e3 * (time.perf_counter() - start):.1f} ms")
    encoder, heads, detector = classifier._encoder, classifier._heads, LanguageDetector()

    print("milliseconds, p10 p50 (of the whole p10 p50 p99, and of its CPU time p10 p50):")
    names = ("tokenizer", "encoder", "heads", "routes", "language")
    print(f"{'tokens':>10} " + " ".join(f"{name:>13}" for name in names) + f" {'classify':>20} {'CPU':>15}")
    ask = partial(classifier.classify, "bench", previous_route=None, eligible=NAMES)
    for tokens in (16, 64, 256, 512):
        text = prompt(encoder, tokens)
        ids, turns = encoder._tokenizer.encode(text), (Turn("user", text),)
        vector = encoder.embed(text)
        columns = [
            measure(partial(encoder._tokenizer.encode, text)),
            measure(partial(encoder.embed_ids, ids)),
            measure(partial(heads.rows, (text,), vector[None])),
            measure(partial(classifier.score, "bench", (text,), classifier.analyse((text,)), None, NAMES)),
            measure(partial(detector.detect, text)),
        ]
        line = " ".join(f"{column:>13}" for column in columns)
        print(f"{tokens:>10} {line} {whole([partial(ask, turns=turns)] * REPEATS)}")
    text = prompt(encoder, 64)
    for turns in (3, 9):
        works = [partial(ask, turns=conversation(turns, text))] * REPEATS
        print(f"{turns:>5} x 64   {'a conversation, every text of it new':<66} {whole(works)}")
    remembering = EmbeddedClassifier(encoder, heads, Scorer.load())
    remembering.prepare("bench", ROUTES)
    works = []
    for number in range(REPEATS):
        remembering.classify("bench", conversation(7, text, number), None, NAMES)
        works.append(partial(remembering.classify, "bench", conversation(9, text, number), None, NAMES))
    print(f"{9:>5} x 64   {'its next turn: four of ten texts are new, the rest remembered':<66} {whole(works)}")

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
