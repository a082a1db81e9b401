"""Where the encoder runs; apart, so that the command line starts without the classifier."""

from enum import StrEnum


class Kind(StrEnum):
    """Triton's words."""

    CPU = "KIND_CPU"
    GPU = "KIND_GPU"
