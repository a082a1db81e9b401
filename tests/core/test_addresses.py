"""Addresses that no router connects to, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.core.addresses import refuse

API = ("10.96.0.1", "fd00::1", "api.cluster.example.com")


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("127.0.0.1", "loopback"),
        ("127.8.9.1", "loopback"),
        ("::1", "loopback"),
        ("[::1]", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("64:ff9b::7f00:1", "loopback"),
        ("2002:7f00:1::", "loopback"),
        ("::7f00:1", "loopback"),
        ("localhost", "loopback"),
        ("LOCALHOST.", "loopback"),
        ("a.localhost", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("::", "unspecified"),
        ("169.254.1.1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("169.254.169.254", "metadata"),
        ("::ffff:a9fe:a9fe", "metadata"),
        ("fd00:ec2::254", "metadata"),
        ("metadata.google.internal", "metadata"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "reserved"),
        ("10.96.0.1", "API server"),
        ("::ffff:10.96.0.1", "API server"),
        ("FD00:0::1", "API server"),
        ("kubernetes.default.svc", "API server"),
        ("kubernetes.default.svc.cluster.local", "API server"),
        ("API.cluster.example.com", "API server"),
        ("2130706433", "a number"),
        ("0x7f.1", "a number"),
        ("127.1", "a number"),
        ("0177.0.0.1", "a number"),
    ],
)
def test_refused(host: str, reason: str) -> None:
    said = refuse(host, api_server=API)
    assert said is not None
    assert reason in said


@pytest.mark.parametrize("host", ["10.0.0.7", "192.168.1.1", "2001:db8::1", "100.64.0.1", "8.8.8.8", "llm.example.com"])
def test_allowed(host: str) -> None:
    assert refuse(host, api_server=API) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost", "::ffff:127.0.0.1"])
def test_loopback_may_be_allowed_and_needs_no_further_permission(host: str) -> None:
    assert refuse(host, allow_loopback=True) is None
    assert refuse(host, allow_loopback=True, allowed_external=()) is None


def test_external_hosts_are_those_that_are_allowed() -> None:
    allowed = ("api.example.com", "*.Models.example.com", "203.0.113.7")
    for host in ("api.example.com", "API.EXAMPLE.COM.", "eu.models.example.com", "203.0.113.7"):
        assert refuse(host, allowed_external=allowed) is None
    for host in ("example.com", "api.example.com.evil.org", "models.example.com", "203.0.113.8", "10.0.0.1"):
        assert "not among the external hosts" in str(refuse(host, allowed_external=allowed))


def test_what_is_dangerous_cannot_be_allowed() -> None:
    for host in ("169.254.169.254", "10.96.0.1", "127.0.0.1", "0.0.0.0"):
        assert refuse(host, allowed_external=("*",), api_server=API) is not None


@given(st.text(max_size=40))
def test_no_text_makes_it_raise(host: str) -> None:
    refuse(host, allowed_external=("*",), api_server=API)
