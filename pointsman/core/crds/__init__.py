"""The CRDs, made from the types: `definitions()` gives them as plain values, tools/generate_crds.py writes crds/."""

from pointsman.core.crds.definition import definitions, plural

__all__ = ["definitions", "plural"]
