"""Which routers a client certificate speaks for. Pure.

The router NAMESPACE/POD has the name POD.NAMESPACE.router.pointsman.dev, as a DNS name in its certificate: nobody
resolves it, but every issuer can write it. One certificate for all routers of a namespace has
*.NAMESPACE.router.pointsman.dev. See docs/decisions/router-identity.md.
"""

from collections.abc import Iterable

DOMAIN = "router.pointsman.dev"
_SHOWN = 3


def why_not(router: str, names: Iterable[str]) -> str:
    """Why a certificate with these DNS names does not speak for a router; empty when it does."""
    namespace, slash, pod = router.partition("/")
    if not (namespace and slash and pod) or "/" in pod:
        return f'"{router}" is not NAMESPACE/POD: start the router with --name, or POINTSMAN_POD'
    own, all_of_namespace = f"{pod}.{namespace}.{DOMAIN}", f"*.{namespace}.{DOMAIN}"
    known = sorted({name.lower() for name in names})
    if own in known or (all_of_namespace in known and "." not in pod):
        return ""
    shown = ", ".join(known[:_SHOWN]) or "no DNS name"
    fix = f"issue one with the DNS name {own}, or {all_of_namespace}"
    return f'the certificate is of {shown}, not of router "{router}": {fix}'
