"""Network policies, enforced on the test cluster's node by nftables: its network plugin, a bridge, does not know them.

A small reader of the API's semantics, for tests of policies, not a network plugin: IPv4, ports by number, and rules
made anew a second after something changed. The kernel shows a bridge's packets to nftables, after a Service's address
was replaced by a pod's, which is where plugins look as well. Connections that stand are let alone.
"""

import ipaddress
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.cluster.access import Access
from tests.cluster.node import Node

_TABLE = "inet pointsman-test-policies"
_ALIVE = ("Pending", "Running")
Object = Mapping[str, Any]


@contextmanager
def enforced(node: Node) -> Iterator[None]:
    """While the block lasts, all policies of the cluster hold."""
    over, applied, failures = threading.Event(), "", list[Exception]()

    def follow() -> None:
        nonlocal applied
        while True:
            try:
                wanted = rules(*_listed(node.access))
                if wanted != applied:
                    _nft(node, wanted)
                    applied = wanted
            except Exception as error:  # told at the end: an unenforced policy must not pass for one that lets through
                failures.append(error)
                return
            first.set()
            if over.wait(1):
                return

    first = threading.Event()
    following = threading.Thread(target=follow)
    following.start()
    try:
        while not first.wait(0.1):
            assert following.is_alive(), failures
        yield
    finally:
        over.set()
        following.join()
        _nft(node, f"table {_TABLE}\ndelete table {_TABLE}\n")
    assert not failures, failures


def rules(pods: Iterable[Object], namespaces: Iterable[Object], policies: Iterable[Object]) -> str:
    """The table: a chain for each pod and direction that a policy selects; what none of its rules knows is dropped."""
    labels = {each["metadata"]["name"]: each["metadata"].get("labels", {}) for each in namespaces}
    running = [each for each in pods if each["status"].get("podIP") and each["status"]["phase"] in _ALIVE]
    chains: dict[tuple[str, str], list[str]] = {}
    for policy in policies:
        namespace, spec = policy["metadata"]["namespace"], policy["spec"]
        selected = [
            pod
            for pod in running
            if pod["metadata"]["namespace"] == namespace and matches(spec["podSelector"], _labels(pod))
        ]
        for type_ in spec["policyTypes"]:
            direction = type_.lower()
            lines = [
                line
                for rule in spec.get(direction) or ()
                for line in _lines(rule, direction, namespace, running, labels)
            ]
            for pod in selected:
                chains.setdefault((direction, pod["status"]["podIP"]), []).extend(lines)
    return _text(chains)


def matches(selector: Object, labels: Mapping[str, str]) -> bool:
    """Whether a label selector selects; an empty one selects everything."""
    wanted = selector.get("matchLabels", {})
    expressions: dict[str, Callable[[str | None, list[str]], bool]] = {
        "In": lambda value, values: value in values,
        "NotIn": lambda value, values: value not in values,
        "Exists": lambda value, _: value is not None,
        "DoesNotExist": lambda value, _: value is None,
    }
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        expressions[each["operator"]](labels.get(each["key"]), each.get("values", []))
        for each in selector.get("matchExpressions", ())
    )


def _lines(
    rule: Object, direction: str, namespace: str, pods: list[Object], labels: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    """What a rule lets through, each as a line that ends in `return`."""
    peers = rule.get("from" if direction == "ingress" else "to")
    side = "saddr" if direction == "ingress" else "daddr"
    whom = [""] if not peers else [line for peer in peers for line in _peer(peer, side, namespace, pods, labels)]
    ports = [_port(each) for each in rule.get("ports") or ()] or [""]
    yield from (f"{who} {port} return" for who in whom for port in ports)


def _peer(
    peer: Object, side: str, namespace: str, pods: list[Object], labels: Mapping[str, Mapping[str, str]]
) -> Iterator[str]:
    if block := peer.get("ipBlock"):
        but = f"ip {side} != {{ {', '.join(block['except'])} }}" if block.get("except") else ""
        network = ipaddress.ip_network(block["cidr"])
        yield f"ip {side} {network} {but}" if network.prefixlen else but
        return
    addresses = [
        pod["status"]["podIP"]
        for pod in pods
        if matches(peer.get("podSelector", {}), _labels(pod))
        and (
            matches(peer["namespaceSelector"], labels[pod["metadata"]["namespace"]])
            if "namespaceSelector" in peer
            else pod["metadata"]["namespace"] == namespace
        )
    ]
    if addresses:
        yield f"ip {side} {{ {', '.join(sorted(set(addresses)))} }}"


def _port(port: Object) -> str:
    protocol = port.get("protocol", "TCP").lower()
    if "port" not in port:
        return f"meta l4proto {protocol}"
    return f"{protocol} dport {int(port['port'])}{'-' + str(port['endPort']) if 'endPort' in port else ''}"


def _text(chains: Mapping[tuple[str, str], list[str]]) -> str:
    jumps: dict[str, list[str]] = {"egress": [], "ingress": []}
    lines = [f"table {_TABLE}", f"delete table {_TABLE}", f"table {_TABLE} {{"]
    for (direction, address), allowed in sorted(chains.items()):
        name = f"{direction}-{address.replace('.', '-')}"
        lines += [f"chain {name} {{", *dict.fromkeys(allowed), "drop", "}"]
        jumps[direction].append(f"ip {'saddr' if direction == 'egress' else 'daddr'} {address} jump {name}")
    for hook, directions in (("forward", ("egress", "ingress")), ("input", ("egress",))):
        lines += [f"chain {hook} {{", f"type filter hook {hook} priority 10;", "ct state established,related accept"]
        lines += [*(jump for direction in directions for jump in jumps[direction]), "}"]
    return "\n".join([*lines, "}", ""])


def _labels(pod: Object) -> Mapping[str, str]:
    found: Mapping[str, str] = pod["metadata"].get("labels", {})
    return found


def _listed(access: Access) -> tuple[list[Object], list[Object], list[Object]]:
    every = access.get("pods,namespaces,networkpolicies", "-A")["items"]
    kinds = ("Pod", "Namespace", "NetworkPolicy")
    pods, namespaces, policies = ([each for each in every if each["kind"] == kind] for kind in kinds)
    return pods, namespaces, policies


def _nft(node: Node, text: str) -> None:
    enter = ["nsenter", f"--net=/var/run/netns/{node.plane.slot.name}", "nft", "-f", "-"]
    result = subprocess.run(enter, input=text, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"nft: {result.stderr}\n{text}"
