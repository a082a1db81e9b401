"""`pointsman model-server`: one real model behind llama.cpp's OpenAI-compatible server."""

from pathlib import Path
from typing import Annotated

import typer


def model_server(
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="GGUF file; by default SmolLM2-135M-Instruct, if installed.")
    ] = None,
    name: Annotated[str, typer.Option(help="The name that the model answers to.")] = "smollm2-135m",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")] = 9000,
    context: Annotated[int, typer.Option(min=128, help="Longest prompt and answer together, in tokens.")] = 2048,
    threads: Annotated[int, typer.Option(min=1, help="Threads that compute; more than free cores are slower.")] = 1,
    slots: Annotated[int, typer.Option(min=1, help="Requests answered at once; each has its own context.")] = 2,
) -> None:
    """Serve one model on this machine by OpenAI's API, until SIGTERM or Ctrl-C.

    For demonstrations and tests: `pointsman demo` starts its models by this. `/health` answers 200 once it is loaded.
    """
    from pointsman.cli.llama import ModelServer, run
    from pointsman.cli.weights import smollm2

    path = weights or smollm2()
    run(ModelServer(path, name, host=host, port=port, context=context, threads=threads, slots=slots))
