"""Makes pointsman/v1 from proto/pointsman/v1: messages, services and their types. Equal input gives equal files.

python tools/generate_protos.py
"""

import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent  # a virtual environment need not be activated
PACKAGE = "pointsman/v1"
GENERATED = ("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "*_pb2_grpc.pyi")


def generate(out: Path) -> None:
    """Write the stubs of all protos under `out`."""
    protos = sorted(path.relative_to(ROOT / "proto").as_posix() for path in (ROOT / "proto" / PACKAGE).glob("*.proto"))
    well_known = resources.files("grpc_tools") / "_proto"
    plugins = [f"--plugin={name}={BIN / name}" for name in ("protoc-gen-mypy", "protoc-gen-mypy_grpc")]
    arguments = [
        "protoc",
        *plugins,
        f"--proto_path={ROOT / 'proto'}",
        f"--proto_path={well_known}",
        f"--python_out={out}",
        f"--grpc_python_out={out}",
        f"--mypy_out=quiet:{out}",
        f"--mypy_grpc_out=quiet:{out}",
        *protos,
    ]
    if protoc.main(arguments) != 0:
        sys.exit("protoc refused the files in proto/; what it says above names the line")


def main() -> None:
    """Replace the checked-in stubs, those of deleted protos included."""
    package = ROOT / PACKAGE
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        for pattern in GENERATED:
            for stale in package.glob(pattern):
                stale.unlink()
        for made in sorted((Path(scratch) / PACKAGE).iterdir()):
            (package / made.name).write_bytes(made.read_bytes())


if __name__ == "__main__":
    main()
