"""Certificates are made, renewed and replaced so that at every moment both ends trust each other."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pointsman_operator.certificates.plan import Plan
from pointsman_operator.certificates.renewal import (
    AUTHORITY_LIFE,
    LEAF_LIFE,
    SPREAD,
    Authority,
    Leaf,
    renewed_authority,
    renewed_leaf,
)
from pointsman_operator.certificates.x509 import Pair, facts, signed_by
from pointsman_operator.stream.identity import why_not

NOW = datetime(2027, 1, 1, tzinfo=UTC)
NAMES = ("pointsman-operator.pm.svc", "pointsman-operator")
DAY = timedelta(days=1)


def made(now: datetime = NOW) -> tuple[Authority, Leaf]:
    authority = renewed_authority(None, now)
    return authority, renewed_leaf(None, authority, NAMES, now)


def test_nothing_is_due_while_all_is_young() -> None:
    authority, leaf = made()
    later = NOW + DAY
    assert renewed_authority(authority, later) is authority
    assert renewed_leaf(leaf, authority, NAMES, later) == leaf


def test_a_leaf_is_renewed_at_two_thirds_of_its_life_or_with_other_names() -> None:
    authority, leaf = made()
    assert renewed_leaf(leaf, authority, NAMES, NOW + LEAF_LIFE * 0.7) != leaf
    assert renewed_leaf(leaf, authority, (*NAMES, "another"), NOW) != leaf


def test_what_is_damaged_is_replaced() -> None:
    authority, leaf = made()
    wrong_key = leaf._replace(pair=Pair(leaf.pair.certificate, authority.current.key))
    assert renewed_leaf(wrong_key, authority, NAMES, NOW).pair != wrong_key.pair
    nonsense = Authority(Pair("nonsense", "nonsense"))
    assert renewed_authority(nonsense, NOW) != nonsense
    torn = authority._replace(next=Pair("nonsense", "nonsense"), previous="nonsense")
    assert renewed_authority(torn, NOW) == authority


def test_an_authority_is_replaced_without_a_moment_of_mistrust() -> None:
    now, (authority, leaf) = NOW, made()
    seen = {authority.current.certificate}
    while now < NOW + 3 * AUTHORITY_LIFE:
        before = leaf  # a pod that has not read the newest yet
        authority = renewed_authority(authority, now)
        leaf = renewed_leaf(leaf, authority, NAMES, now)
        for shown, trusts in ((leaf, before), (before, leaf), (leaf, leaf)):
            assert any(signed_by(shown.pair.certificate, each) for each in split(trusts.trusted)), now
        assert facts(leaf.pair.certificate).end > now + SPREAD
        seen.add(authority.current.certificate)
        now += DAY
    assert len(seen) > 3


def test_names_are_those_that_the_ends_ask_for(tmp_path: Path) -> None:
    plan = Plan("pm", "pointsman", "pointsman-operator", tmp_path)
    assert "pointsman-operator.pm.svc" in plan.operator_names
    assert why_not("pm/pointsman-router-abc", plan.router_names) == ""
    assert why_not("other/pointsman-router-abc", plan.router_names) != ""


def test_python_and_openssl_take_what_was_made(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    authority, leaf = made(now)
    (tmp_path / "ca").write_text(authority.trusted)
    (tmp_path / "leaf").write_text(leaf.pair.certificate + leaf.pair.key)
    context = ssl.create_default_context(cafile=str(tmp_path / "ca"))
    context.load_cert_chain(tmp_path / "leaf")
    client, server = ssl.create_default_context(cafile=str(tmp_path / "ca")), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "leaf")
    assert shaken(client, server, NAMES[0])


def split(pem: str) -> list[str]:
    end = "-----END CERTIFICATE-----\n"
    return [part + end for part in pem.split(end) if part.strip()]


def shaken(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> bool:
    """A whole handshake in memory; raises SSLError when one side refuses."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=name),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    done = [False, False]
    for _ in range(10):
        for which, end in enumerate(ends):
            try:
                end.do_handshake()
                done[which] = True
            except ssl.SSLWantReadError:
                continue
    return all(done)
