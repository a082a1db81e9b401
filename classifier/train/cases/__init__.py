"""Evaluation files made from the data folder: `python -m train.cases DATA OUT` in classifier/.

Policies are written as their users would write them, and the files are those of `pointsman eval` (docs/evaluation.md).
`index.json` lists them, each with the sources that it is made from: to measure on what training never saw, leave those
sources out of the training.
"""
