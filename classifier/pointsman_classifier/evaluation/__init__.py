"""How good a classifier and what is decided by it are: measures over arrays, with confidence intervals. Only numpy.

Nothing here reads files, knows a policy's YAML or holds a text; `pointsman eval` does (pointsman/cli/evaluate).
"""
