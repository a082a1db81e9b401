"""The node's own network namespace, and the cable from this machine to it."""

import subprocess
from pathlib import Path

from tests.cluster.slots import Slot


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def create(slot: Slot) -> None:
    """Afterwards pods and services are reached from this machine through the node; nothing leads further out."""
    _ip("netns", "add", slot.name)
    _ip("link", "add", slot.link, "type", "veth", "peer", "name", "eth0", "netns", slot.name)
    _ip("addr", "add", f"{slot.host}/24", "dev", slot.link)
    _ip("link", "set", slot.link, "up")
    _ip("-n", slot.name, "link", "set", "lo", "up")
    _ip("-n", slot.name, "addr", "add", f"{slot.node}/24", "dev", "eth0")
    _ip("-n", slot.name, "link", "set", "eth0", "up")
    _ip("-n", slot.name, "route", "add", "default", "via", slot.host)  # a service needs a route to be translated at all
    forward = ["sysctl", "-qw", "net.ipv4.ip_forward=1"]
    subprocess.run(["nsenter", f"--net={namespace(slot)}", *forward], check=True, capture_output=True)
    _ip("route", "add", slot.pods, "via", slot.node)
    _ip("route", "add", slot.services, "via", slot.node)


def remove(slot: Slot) -> None:
    """Routes go with the link. Nothing happens when there is neither."""
    if Path("/sys/class/net", slot.link).exists():
        _ip("link", "del", slot.link)
    if namespace(slot).exists():
        _ip("netns", "del", slot.name)


def namespace(slot: Slot) -> Path:
    return Path("/var/run/netns", slot.name)
