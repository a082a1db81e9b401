"""The stage "call": one attempt at one endpoint.

- `payload`: what is sent: the client's request with only what must change changed (pure)
- `client`: the attempt and its time limits
- `transport`: connections, kept alive, guarded and verified
- `failures`: what else goes wrong
- `classify`, `problem`: what an error response means (pure)
- `answer`, `tally`: what an answer says, piece by piece: content, refusal, end, usage (pure)
- `sse`: server-sent events taken apart as they arrive (pure)
- `stream`: an answer under way
"""

from router_svc.upstream.client import Upstream
from router_svc.upstream.payload import build

__all__ = ["Upstream", "build"]
