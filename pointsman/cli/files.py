"""Reads the YAML files that a command is given: single files, whole folders, or standard input."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from pointsman.core.problems import Problem
from pointsman.runtime.files import object_files

STDIN = Path("-")


def read(paths: Iterable[Path]) -> tuple[dict[str, str], list[Problem]]:
    """Text by path, and a problem for each path that cannot be read."""
    texts: dict[str, str] = {}
    problems: list[Problem] = []
    for path in paths:
        try:
            for file in _files(path):
                texts[str(file)] = sys.stdin.read() if file == STDIN else file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            problems.append(Problem(str(path), "", "", "is not UTF-8 text", "Save it as UTF-8"))
        except FileNotFoundError:
            problems.append(Problem(str(path), "", "", "does not exist", "Name a YAML file or a folder of them"))
        except OSError as error:
            problems.append(Problem(str(path), "", "", error.strerror or "cannot be read", "Check its permissions"))
    return texts, problems


def _files(path: Path) -> Iterator[Path]:
    """The files meant by one path: itself, or what a folder holds at any depth, as `serve` reads it."""
    if path == STDIN or not path.is_dir():
        yield path
        return
    files = object_files(path)
    if not files:
        raise FileNotFoundError
    yield from files
