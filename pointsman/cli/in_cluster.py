"""What Kubernetes tells every pod by its environment."""

import os


def own_api_server() -> tuple[str, ...]:
    """The address of the API server's Service; nothing outside a cluster."""
    address = os.environ.get("KUBERNETES_SERVICE_HOST")
    return (address,) if address else ()
