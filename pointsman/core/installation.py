"""What the platform allows: settings of the operator and of `serve`, not of any object."""

from fnmatch import fnmatchcase

import msgspec


class Claim(msgspec.Struct, frozen=True):
    """Virtual model names, as a pattern such as gpt-*, that only these namespaces may claim."""

    names: str
    namespaces: tuple[str, ...]


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """Closed by default: no external host, no loopback."""

    external_hosts: tuple[str, ...] = ()
    """Hosts, or patterns such as *.example.com, that `external` may name; "*" allows all but forbidden addresses."""
    allow_loopback: bool = False
    api_server: tuple[str, ...] = ()
    """Addresses and names of the API server."""
    sees_cluster: bool = True
    """Whether Services and Secrets are among the resources, so that a missing one can be told."""
    claims: tuple[Claim, ...] = ()
    """A virtual model name that no claim covers is free to every namespace."""

    def may_claim(self, namespace: str, name: str) -> bool:
        """Whether a policy of this namespace may answer to a virtual model name."""
        covering = [claim for claim in self.claims if fnmatchcase(name, claim.names)]
        return not covering or any(namespace in claim.namespaces for claim in covering)


OPEN = Installation(external_hosts=("*",), allow_loopback=True, sees_cluster=False)
"""For `lint`, which cannot know where the objects will be applied."""
