"""The stage "pick": which endpoint of a backend is asked, and which ones are left alone for a while.

- `pool`: picks, counts what is in flight, knows how every backend is doing
- `group`: the endpoints of one backend
- `member`: one endpoint with what is known of it
- `outlier`: when an endpoint is left out, and when it is tried again (pure)
- `average`: a moving average that is forgotten (pure)
- `health`: active checks
"""

from router_svc.endpoints.health import HealthChecks
from router_svc.endpoints.pool import EndpointPool, Lease

__all__ = ["EndpointPool", "HealthChecks", "Lease"]
