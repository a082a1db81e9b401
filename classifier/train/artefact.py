"""Writing an artefact: equal arrays give an equal file."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def write(folder: Path, name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> str:
    """Write NAME.npz and NAME.sha256; gives the SHA-256. (numpy's savez stamps files with the time of day.)"""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for key in sorted(arrays):
            member = io.BytesIO()
            np.lib.format.write_array(member, np.asarray(arrays[key], order="C"), allow_pickle=False)
            info = zipfile.ZipInfo(f"{key}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(info, member.getvalue(), zipfile.ZIP_DEFLATED, 9)
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.npz").write_bytes(content)
    (folder / f"{name}.sha256").write_text(f"{digest}  {name}.npz\n", "ascii")
    return digest
