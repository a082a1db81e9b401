"""Which files of a folder hold objects."""

from pathlib import Path

SUFFIXES = frozenset({".yaml", ".yml", ".json"})


def object_files(folder: Path) -> list[Path]:
    """YAML and JSON files at any depth, sorted; hidden ones are left out.

    A mounted ConfigMap holds each file twice: by its name, and in the hidden folder that the name links to.
    """
    return [
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix in SUFFIXES
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
        and file.is_file()
    ]
