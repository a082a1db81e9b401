"""Reading WordNet 3.0's data files (Debian package `wordnet-base`)."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

Key = tuple[str, str]
"""Part of speech and offset."""

_PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}


class Synset(NamedTuple):
    """Words with one meaning."""

    words: list[str]
    gloss: str
    """What they mean; empty where the file has none before its examples."""
    examples: list[str]
    domains: list[Key]
    """The topics that they are of."""

    @property
    def sentences(self) -> list[str]:
        """The examples that are more than a phrase."""
        return [each for each in self.examples if len(each.split()) > 3]


def synsets(folder: Path) -> Iterator[tuple[Key, Synset]]:
    """All of them, nouns first, in the order of the files."""
    for part, letter in _PARTS.items():
        for line in (folder / f"data.{part}").read_text("latin-1").splitlines():
            if not line.startswith(" ") and "|" in line:
                head, said = line.split("|", 1)
                fields = head.split()
                yield (letter, fields[0]), _synset(fields, [each.strip() for each in said.strip().split("; ")])


def _synset(fields: list[str], said: list[str]) -> Synset:
    """From the fields before the bar (offset, file, part of speech, number of words in hexadecimal, each word and its
    number, number of pointers, each pointer's symbol, offset, part of speech and ends) and what comes after it."""
    end = 4 + 2 * int(fields[3], 16)
    words = [word.replace("_", " ") for word in fields[4:end:2]]
    pointers = [fields[at : at + 3] for at in range(end + 1, end + 1 + 4 * int(fields[end]), 4)]
    return Synset(
        words,
        "" if said[0].startswith('"') else said[0],
        [each.strip('"') for each in said if each.startswith('"')],
        [(part, offset) for symbol, offset, part in pointers if symbol == ";c"],
    )
