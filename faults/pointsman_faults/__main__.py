"""The command `pointsman-faults`."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from pointsman_faults.script import ScriptError
from pointsman_faults.server import FaultServer, read_script, serve

DESCRIPTION = """\
A model server that has no model: it answers OpenAI's chat, completion and embedding requests with canned text, and
fails in the way that you ask for. Use it to try policies, fallback and timeouts, never to measure quality."""

EXAMPLES = """\
control, while it runs:
  GET    /requests  what was received: headers and sizes (bodies only with --keep-bodies)
  GET    /faults    the script in force
  PUT    /faults    follow another script
  DELETE /faults    answer normally again

a script is JSON with a list of rules; the first that matches a request and is not used up decides:
  {"rules": [{"times": 2, "fault": {"type": "RateLimit", "retryAfter": 3}}]}
                                             two requests get 429, later ones an answer
  {"rules": [{"firstToken": 2.5, "interToken": 0.05}]}
                                             slow from now on (seconds)
  {"rules": [{"model": "big", "fault": {"type": "Cut", "afterTokens": 5}}]}
                                             streams for the model big break off after five tokens
  {"healthy": false}                         /health answers 503

faults: Status, RateLimit, InsufficientQuota, Overloaded, ContextLength, Refusal, Cut, Reset, Hang, Malformed,
ErrorEvent, NoDone. A rule also has path, model, skip, times, tokens, text, reasoning, toolCall and usage (Asked,
Always, Never, Odd, WithLast). A field that does not exist is an error that names it.

  pointsman-faults --port 9001 --name small &
  curl -X PUT localhost:9001/faults -d '{"rules": [{"fault": {"type": "Status", "status": 500}}]}'
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs until SIGTERM or Ctrl-C. Returns the exit code: 2 for a script or port that cannot be used."""
    options = _parser().parse_args(arguments)
    try:
        script = read_script(options.script) if options.script else None
    except (OSError, ScriptError) as error:
        print(f"pointsman-faults: {options.script}: {error}", file=sys.stderr)
        return 2
    server = FaultServer(options.name, script, keep_bodies=options.keep_bodies)
    try:
        asyncio.run(_run(server, options.host, options.port))
    except OSError as error:
        print(f"pointsman-faults: cannot listen on {options.host}:{options.port}: {error.strerror}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pointsman-faults",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=9000, help="port to listen on; 0 takes a free one (default: 9000)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--name", default="faults", help="who answers: part of the canned text and of /v1/models")
    parser.add_argument("--script", type=Path, metavar="FILE", help="script to start with")
    parser.add_argument("--keep-bodies", action="store_true", help="show bodies and keys in GET /requests: private")
    return parser


async def _run(server: FaultServer, host: str, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serve(server, host=host, port=port):
        print(f"{server.name} listens on {server.url}", flush=True)
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
