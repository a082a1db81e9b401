"""Starts the Triton server of the `nvidia-pytriton` wheel: `python -m pointsman_classifier.triton_server REPOSITORY`.

For machines and images without NVIDIA's own. The wheel has the server and its Python backend; the backend
`onnxruntime` of this project stands in for NVIDIA's. Only the standard library is imported here, because the server's
environment is not the router's (its stub wants numpy < 2).
"""

import argparse
import os
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from pointsman_classifier.triton_configs import MODELS, check

_HERE = Path(__file__).resolve().parent


def assemble(packages: Path, backends: Path, destination: Path) -> None:
    """A folder of backends: the wheel's Python backend with the stub of this Python, and ours beside it.

    `packages` is the site-packages that has the wheel, `backends` holds this project's. This project's code is linked
    into it: the stub is isolated and heeds no PYTHONPATH, but this folder is on its path. Raises FileNotFoundError
    when the wheel has no stub for this Python.
    """
    server = packages / "pytriton" / "tritonserver"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = server / "python_backend_stubs" / version / "triton_python_backend_stub"
    if not stub.exists():
        raise FileNotFoundError(f"nvidia-pytriton has no Python {version} stub; use one of its Python versions")
    python = destination / "python"
    python.mkdir(parents=True, exist_ok=True)
    for file in (*(server / "backends" / "python").iterdir(), stub):  # copies: links that lead outside are refused
        shutil.copy2(file, python / file.name)
    for backend in backends.iterdir():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(backend, destination / backend.name, ignore=ignored, dirs_exist_ok=True)
    for package in (_HERE, _package("pointsman")):
        (python / package.name).symlink_to(package.resolve())


def _package(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None, "the folder that has this package has that one too"
    return Path(str(spec.origin)).parent


def command(packages: Path, repository: Path, backends: Path, options: Sequence[str]) -> list[str]:
    """What to execute: explicit model control, every model of the repository loaded at the start."""
    return [
        str(packages / "pytriton" / "tritonserver" / "bin" / "tritonserver"),
        f"--model-repository={repository}",
        f"--backend-directory={backends}",
        "--model-control-mode=explicit",
        *(f"--load-model={name}" for name in MODELS),
        "--exit-timeout-secs=10",
        "--buffer-manager-thread-count=0",
        *options,
    ]


def environment(packages: Path, inherited: Mapping[str, str]) -> dict[str, str]:
    """The server's variables. The stub finds its libraries by LD_LIBRARY_PATH, and its Python, and with it the
    packages of a virtual environment, by PATH alone."""
    libraries = (
        sysconfig.get_config_var("LIBDIR"),
        packages / "nvidia_pytriton.libs",
        inherited.get("LD_LIBRARY_PATH"),
    )
    programs = packages.parents[2] / "bin"
    return {
        "OMP_NUM_THREADS": "1",
        **inherited,
        "PATH": f"{programs}:{inherited.get('PATH', os.defpath)}",
        "LD_LIBRARY_PATH": ":".join(str(path) for path in libraries if path),
    }


def backend_source() -> Path:
    """This project's backends, in a checkout or beside the installed package."""
    inside = _HERE / "backends"
    return inside if inside.is_dir() else _HERE.parent / "backends"


def main() -> None:
    """Serve until SIGTERM, in the environment that this runs in."""
    from pointsman_classifier.triton_supervisor import Supervisor

    parser = argparse.ArgumentParser(
        description="Serve a model repository with the Triton of nvidia-pytriton; further options are the server's own."
    )
    parser.add_argument("repository", type=Path, help="made by `pointsman triton build`")
    parser.add_argument("--http-address", default="127.0.0.1", help="where the server is watched, and HTTP is served")
    parser.add_argument("--http-port", type=int, default=8000)
    parser.add_argument("--grpc-address", default="127.0.0.1", help="where routers ask, and models are changed")
    known, options = parser.parse_known_args()
    try:
        check(known.repository)
    except ValueError as error:
        parser.error(str(error))
    packages = Path(sysconfig.get_path("purelib")).resolve()
    options += [f"--http-address={known.http_address}", f"--http-port={known.http_port}"]
    options += [f"--grpc-address={known.grpc_address}"]
    with tempfile.TemporaryDirectory(prefix="pointsman-triton-") as folder:
        assemble(packages, backend_source(), Path(folder))
        arguments = command(packages, known.repository.resolve(), Path(folder), options)
        supervisor = Supervisor(arguments, environment(packages, os.environ), known.http_address, known.http_port)
        sys.exit(supervisor.run())


if __name__ == "__main__":
    main()
