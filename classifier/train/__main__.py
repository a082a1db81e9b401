"""`python -m train DATA [--cache FOLDER]` in classifier/: makes the artefacts that the package ships.

The same data, seeds and machine give the same files; on another machine the last bits of a sum may differ.
`--cases` and `--outcomes` add a user's own labelled cases, in the formats of `pointsman eval`.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy: threads change the order of sums, and so their last bits

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pointsman_classifier.encoder import Encoder
from pointsman_classifier.heads import Heads

from pointsman.core.errors import ConfigError
from train import artefact, gain, gain_material, guard, guard_prompts, heads, judging, labelled, routes, settings
from train.embeddings import EmbeddingCache
from train.examples import collect

ARTEFACTS = Path(__file__).parents[1] / "pointsman_classifier" / "artefacts"


def main() -> None:
    """Fit everything and write it."""
    parser = argparse.ArgumentParser(prog="train", description=__doc__)
    parser.add_argument("data", type=Path, help="the data folder (see classifier/MODEL_CARD.md)")
    parser.add_argument("--cache", type=Path, help="keep embeddings here between runs (vectors and hashes only)")
    parser.add_argument("--out", type=Path, default=ARTEFACTS)
    parser.add_argument("--only", choices=("heads", "routes"), help="make one artefact; routes need the other made")
    parser.add_argument("--cases", type=Path, help="JSON lines with messages and a category or needs: refit those")
    parser.add_argument("--outcomes", type=Path, help="JSON lines with messages and quality: refit difficulty and gain")
    parser.add_argument("--without", nargs="*", default=[], help="sources that routes must not see: xsid sgd/Hotels …")
    arguments = parser.parse_args()
    try:
        _fit(arguments)
    except ConfigError as error:
        sys.exit(str(error))
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} is missing; classifier/MODEL_CARD.md says what the data folder holds")


def _fit(arguments: argparse.Namespace) -> None:
    """Whatever was asked for. Raises ConfigError for a user's line that cannot be used, and FileNotFoundError."""
    cases = labelled.cases(arguments.cases) if arguments.cases else []
    outcomes = labelled.outcomes(arguments.outcomes) if arguments.outcomes else []
    embed = EmbeddingCache(Encoder.load(progress=print), arguments.cache)
    examples = [*collect(arguments.data), *cases, *labelled.examples(outcomes)]
    table = heads.tabulate(examples, embed)
    embed.save()
    seeds = np.array([i for i, e in enumerate(examples) if e.source == "seeds"])
    rows, logits = heads.held_out(table, seeds)
    if arguments.only != "routes":
        print(heads.report(table, rows, logits))
        print(heads.report_by_source(table, examples))
        own = _heads(arguments.data, embed, outcomes)
        print("heads.npz", artefact.write(arguments.out, "heads", {**heads.arrays(table, rows, logits), **own}))
        embed.save()
    if arguments.only != "heads":
        said = heads.held_out_categories(table, rows, logits)
        known = {examples[row].text: p for row, p in zip(rows, said, strict=True)}
        _routes(arguments.data, arguments.out, embed, known, frozenset(arguments.without))
        embed.save()


def _heads(data: Path, embed: EmbeddingCache, outcomes: list[labelled.Outcome]) -> dict[str, npt.NDArray[Any]]:
    """The arrays of the gain head and of the guard."""
    known = gain_material.material(data, embed)
    print(gain.report(known, data))
    added = None
    if outcomes:
        texts, gains = labelled.gained(outcomes)
        given = gain_material.inputs_of(texts, embed, known.mean, known.scale)
        print(labelled.report(known, given, gains))
        added = labelled.correction(known, given, gains)
    guarded, figures = guard.arrays(guard.tabulate(guard_prompts.collect(data), embed))
    print(figures)
    return {**gain.arrays(known, added), **guarded}


def _routes(
    data: Path, out: Path, embed: EmbeddingCache, known: dict[str, npt.NDArray[Any]], without: frozenset[str]
) -> None:
    """Fits and writes the route scorer; `known` are held-out categories of texts."""
    trainer = routes.Trainer(data, embed, Heads.load(out), known, without)
    embed.save()
    samples = {setting.name: trainer.samples(setting, 100 + i) for i, setting in enumerate(trainer.settings)}
    print("routes, each source left out of the fit:")
    for setting in trainer.settings:
        if setting.large:
            continue
        kept = {name: samples[name] for name in settings.kept_without(setting, trainer.settings)}
        print(judging.report(trainer, setting, *judging.fit_on(kept)))
    print("routes, fitted on all:")
    w, v = judging.fit_on(samples)
    for setting in trainer.settings:
        if not setting.large:
            print(judging.report(trainer, setting, w, v))
    going, figures = trainer.conversations(w, v)
    print(figures)
    print("routes.npz", artefact.write(out, "routes", trainer.arrays(w, v, going)))


if __name__ == "__main__":
    main()
