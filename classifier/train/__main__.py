"""`python -m train DATA [--cache FOLDER]` in classifier/: makes the artefacts that the package ships.

The same data, seeds and machine give the same files; on another machine the last bits of a sum may differ.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy: threads change the order of sums, and so their last bits

import argparse
from pathlib import Path

import numpy as np
from pointsman_classifier.encoder import Encoder
from pointsman_classifier.heads import Heads, load_artefact

from train import artefact, heads, routes
from train.embeddings import EmbeddingCache
from train.examples import collect

ARTEFACTS = Path(__file__).parents[1] / "pointsman_classifier" / "artefacts"


def main() -> None:
    """Fit everything and write it."""
    parser = argparse.ArgumentParser(prog="train", description=__doc__)
    parser.add_argument("data", type=Path, help="the data folder (see classifier/MODEL_CARD.md)")
    parser.add_argument("--cache", type=Path, help="keep embeddings here between runs (vectors and hashes only)")
    parser.add_argument("--out", type=Path, default=ARTEFACTS)
    arguments = parser.parse_args()

    embed = EmbeddingCache(Encoder.load(progress=print), arguments.cache)
    examples = collect(arguments.data)
    table = heads.tabulate(examples, embed)
    embed.save()
    seeds = np.array([i for i, e in enumerate(examples) if e.source == "seeds"])
    rows, logits = heads.held_out(table, seeds)
    print(heads.report(table, rows, logits))
    weights = heads.arrays(table, rows, logits)
    print("heads.npz", artefact.write(arguments.out, "heads", weights))

    said = heads.held_out_categories(table, rows, logits)
    known = {examples[row].text: p for row, p in zip(rows, said, strict=True)}
    trainer = routes.Trainer(arguments.data, embed, Heads(*load_artefact("heads", arguments.out)), known)
    samples = {source: trainer.samples(source, 100 + i) for i, source in enumerate(routes.SIZES)}
    print("routes, each source left out of the fit:")
    for source in routes.SIZES:
        w, v = routes.fit_on({s: found for s, found in samples.items() if s != source})
        print(routes.report(trainer, source, w, v))
    print("routes, fitted on all:")
    w, v = routes.fit_on(samples)
    for source in routes.SIZES:
        print(routes.report(trainer, source, w, v))
    print("routes.npz", artefact.write(arguments.out, "routes", routes.arrays(trainer, w, v)))
    embed.save()


if __name__ == "__main__":
    main()
