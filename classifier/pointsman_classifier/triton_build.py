"""Makes a Triton model repository, and adds releases to it.

A release is one number that all models share: `tokenizer/3`, `encoder/3`, `heads/3` and `classifier/3`. The heads'
weights are part of the encoder's graph, so a release with other heads has another encoder. Which release answers is
what the configurations say (`triton_configs`).
"""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from pointsman_classifier.encoder import cached_model, float16_model
from pointsman_classifier.heads import ARTEFACTS, Heads
from pointsman_classifier.triton_configs import MODELS, check

KINDS = ("KIND_CPU", "KIND_GPU")


def template() -> Path:
    """The checked-in repository, in a checkout or beside the installed package."""
    here = Path(__file__).resolve().parent
    inside = here / "models"
    return inside if inside.is_dir() else here.parent / "models"


def releases(repository: Path) -> list[int]:
    """The releases in a repository, oldest first."""
    folder = repository / "classifier"
    found = (entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else ()
    return sorted(int(name) for name in found if name.isdigit())


def build(
    repository: Path, *, kind: str, heads: Path | None = None, progress: Callable[[str], None] = lambda _: None
) -> int:
    """Add a release and return its number; the first one makes the repository. Blocking, seconds.

    `kind` is KIND_CPU or KIND_GPU and counts for the first release only. `heads` holds `heads.npz` and its checksum,
    by default those of this package. What is there stays as it is, so a server that runs sees nothing of it yet.
    Raises OSError when the folder cannot be written, DamagedArtefactError for damaged heads, and ValueError for a
    repository of another making.
    """
    number = max(releases(repository), default=0) + 1
    if number > 1:
        check(repository)
    source, judges = template(), Heads.load(heads or ARTEFACTS)
    for model in MODELS:
        fresh = repository / model / f"{number}.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(source / model / "1", fresh, ignore=shutil.ignore_patterns("__pycache__"))
        if model == "encoder":
            _fill(fresh, judges, kind if number == 1 else _kind(repository), progress)
        if number == 1:
            text = (source / model / "config.pbtxt").read_text()
            (repository / model / "config.pbtxt").write_text(_of_kind(model, text, kind))
    for model in MODELS:  # the ensemble's is the last, so that a release that is seen is whole
        (repository / model / f"{number}.new").rename(repository / model / str(number))
    return number


def _fill(folder: Path, heads: Heads, kind: str, progress: Callable[[str], None]) -> None:
    """The encoder with these heads, which is too large for a checkout, beside its checksum."""
    from pointsman_classifier.export_heads import export_with_heads  # onnx is needed only here

    made = {"model": cached_model, **({"model.fp16": float16_model} if kind == "KIND_GPU" else {})}
    for name, exported in made.items():
        file = folder / f"{name}.onnx"
        export_with_heads(exported(progress), heads, file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        (folder / f"{name}.sha256").write_text(f"{digest}  {file.name}\n")


def _of_kind(model: str, text: str, kind: str) -> str:
    """The encoder alone moves to a GPU; the tokenizer is Python."""
    return text.replace("KIND_CPU", kind) if model == "encoder" else text


def _kind(repository: Path) -> str:
    text = (repository / "encoder" / "config.pbtxt").read_text()
    return "KIND_GPU" if "KIND_GPU" in text else "KIND_CPU"
