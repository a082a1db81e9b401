"""Training of the shipped artefacts. Not part of the wheel."""
