"""Where the command writes: results to stdout, everything else to stderr; JSON for machines, rich text for people."""

import sys
from typing import Any

from rich.console import Console
from rich.text import Text

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def complain(message: str) -> None:
    """Say what is wrong, on stderr."""
    err.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=True)


def write_json(value: Any) -> None:
    """One JSON document on stdout, indented; it ends with a newline."""
    import msgspec

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")


def write_plain(line: str = "") -> None:
    """A line exactly as it is, to be copied or read by a program: no colours, no wrapping."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
