"""The list of commands; what each does is in its own module."""

from typing import Annotated

import typer

from pointsman import __version__
from pointsman.cli import explain, keys, lint, model_server, operator, serve
from pointsman.cli.demo import command as demo
from pointsman.cli.evaluate import command as evaluate
from pointsman.cli.output import write_plain
from pointsman.cli.triton import command as triton

app = typer.Typer(
    name="pointsman",
    help="The LLM router for Kubernetes: policies in, the preferred model and a visible reason out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # their tracebacks show local variables, which hold prompts and keys
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("serve")(serve.serve)
app.command("lint")(lint.lint)
app.command("explain")(explain.explain)
app.add_typer(evaluate.app, name="eval")
app.add_typer(keys.app, name="keys")
app.add_typer(triton.app, name="triton")
app.command("demo")(demo.demo)
app.command("operator")(operator.operator)
app.command("model-server")(model_server.model_server)


def _version(wanted: bool) -> None:
    if wanted:
        write_plain(f"pointsman {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """The LLM router for Kubernetes: policies in, the preferred model and a visible reason out."""
