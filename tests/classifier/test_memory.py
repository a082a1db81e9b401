"""What is remembered of texts: rows of numbers, of a bounded number of them, and no text."""

import numpy as np
from pointsman_classifier.analysing import Analysing
from pointsman_classifier.encoder import Encoder
from pointsman_classifier.heads import OUTPUTS, Heads
from pointsman_classifier.memory import Memory


def row(value: float) -> np.ndarray:
    return np.full(3, value, np.float32)


def values(memory: Memory, *texts: str) -> list[float | None]:
    return [None if found is None else float(found[0]) for found in memory.recall(texts)]


def test_the_latest_are_known_and_the_oldest_go() -> None:
    memory = Memory(2)
    memory.remember(["a", "b"], [row(1), row(2)])
    assert values(memory, "a") == [1]  # asked for later than b
    memory.remember(["c"], [row(3)])
    assert values(memory, "a", "b", "c") == [1, None, 3]
    memory.forget()
    assert values(memory, "a", "c") == [None, None]


def test_none_are_known_where_none_may_be() -> None:
    memory = Memory(0)
    memory.remember(["a"], [row(1)])
    assert values(memory, "a") == [None]


def test_rows_are_copies() -> None:
    memory, table = Memory(), np.zeros((2, 3), np.float32)
    memory.remember(["a", "b"], table)
    table[:] = 1
    assert values(memory, "a", "b") == [0, 0]
    (kept, _) = memory.recall(["a", "b"])
    assert kept is not None
    assert kept.base is None  # and no larger table is kept alive


def test_no_text_is_kept_nor_a_digest_that_another_process_would_make() -> None:
    memory, other = Memory(), Memory()
    for each in (memory, other):
        each.remember(["heliotrope \ud800"], [row(1)])
    assert "heliotrope" not in repr(vars(memory))
    assert set(memory._rows) != set(other._rows)


def test_a_text_is_embedded_once(encoder: Encoder) -> None:
    asked: list[str] = []

    class Counting:
        def embed(self, text: str) -> np.ndarray:
            asked.append(text)
            return encoder.embed(text)

    analysing = Analysing(Counting(), Heads.load(), Memory())  # type: ignore[arg-type]  # the real one, counted
    first = analysing.analyse(["hello", "…", "write a poem", "…"])
    again = analysing.analyse(["and another", "…", "write a poem", "…", "hello"])
    assert asked == ["hello", "…", "write a poem", "and another"]
    for name in ("embedding", *OUTPUTS):
        assert np.array_equal(first[name], again[name][[4, 1, 2, 3]])
    fresh = Analysing(encoder, Heads.load(), Memory(0)).analyse(["and another"])
    assert np.allclose(fresh["embedding"][0], again["embedding"][0])
    assert analysing.analyse([]) == {}
