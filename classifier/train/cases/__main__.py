"""Writes every case file, outcome file and policy."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

from train.cases import dialogues, intents, outcomes, topics
from train.cases.files import OutcomeSet, RouteSet, write_outcomes, write_routes

ROUTES: tuple[Callable[[Path], list[RouteSet]], ...] = (dialogues.sets, intents.sets, topics.sets)
MODELS: tuple[Callable[[Path], list[OutcomeSet]], ...] = (outcomes.sets,)


def main() -> None:
    """Write everything, and the index."""
    parser = argparse.ArgumentParser(prog="train.cases", description=__doc__)
    parser.add_argument("data", type=Path, help="the data folder (see classifier/MODEL_CARD.md)")
    parser.add_argument("out", type=Path, help="where the files go")
    arguments = parser.parse_args()
    entries = [write_routes(arguments.out, each) for make in ROUTES for each in make(arguments.data)]
    entries += [write_outcomes(arguments.out, each) for make in MODELS for each in make(arguments.data)]
    (arguments.out / "index.json").write_text(json.dumps(entries, indent=1) + "\n", "utf-8")
    for entry in entries:
        print(f"{entry['kind']:7} {entry['name']:22} {entry['cases']:6} cases  {entry['title']}")


if __name__ == "__main__":
    main()
