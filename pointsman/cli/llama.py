"""llama.cpp's own HTTP server, run by `xllamacpp` in this process."""

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pointsman.cli.output import write_plain
from pointsman.core.errors import ConfigError

if TYPE_CHECKING:
    import xllamacpp

_ERRORS_ONLY = 1
"""llama.cpp's verbosity: from 3 on it tells of every request."""


class ModelServer(msgspec.Struct, frozen=True):
    """What is served, and how."""

    weights: Path
    name: str
    host: str = "127.0.0.1"
    port: int = 0
    context: int = 2048
    """Tokens of prompt and answer together, for each request."""
    threads: int = 1
    slots: int = 2
    """Requests at once."""


def run(server: ModelServer) -> None:
    """Serve until SIGTERM or SIGINT; requests under way then end with a closed connection."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    running = start(server)
    write_plain(f"{server.name} listens on {running.listening_address}")
    while True:
        signal.pause()  # the server's threads are llama.cpp's own


def start(server: ModelServer) -> "xllamacpp.Server":
    """Load the weights and listen. Raises ConfigError when either cannot be done."""
    try:
        import xllamacpp
    except ImportError as error:
        raise ConfigError("llama.cpp is not installed; install the extra: pip install 'pointsman[demo]'") from error
    if not server.weights.is_file():
        raise ConfigError(f"--weights: {server.weights} is not a file; give a GGUF file")
    try:
        return xllamacpp.Server(_parameters(xllamacpp, server))
    except RuntimeError as error:
        why = "the file is no GGUF model that llama.cpp can load, or the address is in use"
        where = f"{server.weights} on {server.host}:{server.port}"
        raise ConfigError(f"cannot serve {where} ({error}): {why}") from error


def _parameters(llama: Any, server: ModelServer) -> "xllamacpp.CommonParams":
    parameters = llama.CommonParams()
    parameters.model.path = str(server.weights)
    parameters.model_alias = {server.name}
    parameters.hostnames, parameters.port = [server.host], server.port
    parameters.n_ctx, parameters.n_parallel = server.context * server.slots, server.slots
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = server.threads
    parameters.n_threads_http = 2 * server.slots + 2  # health checks are answered while all slots are busy
    parameters.cache_ram_mib = 0  # no second prompt cache beside the slots' own
    parameters.fit_params = parameters.ui = False
    parameters.verbosity = _ERRORS_ONLY
    return parameters


def _stop(_number: int, _frame: object) -> None:
    sys.exit(0)
