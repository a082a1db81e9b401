"""What a user does on day one: install, apply, ask; each request reaches the model that the policy names."""

import json
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.e2e.clients import ASK
from tests.e2e.installation import NAMESPACE, RELEASE, Installation
from tests.support.waiting import eventually

URL = f"http://{RELEASE}-router.{NAMESPACE}.svc/v1"
CODE = "Write a Python function that sorts a list of numbers."
MATHEMATICS = "Solve the equation x^2 - 3x + 2 = 0."
TRANSLATION = 'Translate "good evening" into French.'
CHAT = "Hi, how are you today?"
EXPECTED = [
    ({"text": "Where is file 7?", "headers": {"x-department": "records"}}, "records", "demo/small"),
    ({"text": CODE}, "code", "demo/large"),
    ({"text": MATHEMATICS}, "mathematics", "demo/large"),
    ({"text": TRANSLATION}, "translation", "demo/small"),
    ({"text": CHAT}, "chit-chat", "demo/flaky"),
]


def asked(installation: Installation, tenant: str, *requests: dict[str, Any]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = installation.client(ASK, URL, installation.keys[tenant], json.dumps(requests))
    return told


def test_every_pod_is_restricted_and_the_routers_are_ready(installation: Installation) -> None:
    pods = installation.pods("router") + installation.pods("operator")
    assert len(pods) == 4
    assert all(pod["status"]["phase"] == "Running" for pod in pods)
    assert {each["restartCount"] for pod in pods for each in pod["status"]["containerStatuses"]} == {0}


def test_each_route_reaches_its_model_from_a_pod(installation: Installation) -> None:
    told = asked(installation, "paid", *(dict(request) for request, _, _ in EXPECTED))
    assert [(each["route"], each["backend"]) for each in told] == [(route, backend) for _, route, backend in EXPECTED]
    assert all(each["answered"] for each in told)


def test_streams_arrive_in_pieces(installation: Installation) -> None:
    [told] = asked(installation, "paid", {"text": CODE, "stream": True})
    assert told["answered"]
    assert told["chunks"] > 2


def test_a_model_is_asked_for_by_its_own_name(installation: Installation) -> None:
    told = asked(installation, "paid", {"text": CHAT, "model": "big"}, {"text": CHAT, "model": "small"})
    assert [each["backend"] for each in told] == ["demo/large", "demo/small"]


def test_port_forward_serves_the_same(installation: Installation) -> None:
    with installation.forwarded() as url:
        client = openai.OpenAI(base_url=url, api_key=installation.keys["paid"], max_retries=0, timeout=60)
        assert "auto" in {model.id for model in client.models.list()}
        messages: list[Any] = [{"role": "user", "content": CODE}]
        stream = client.chat.completions.create(model="auto", messages=messages, max_tokens=8, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
        nobody = client.with_options(api_key="pm-unknown")
        with pytest.raises(openai.AuthenticationError):
            nobody.chat.completions.create(model="auto", messages=messages)


def test_the_free_tenant_is_downgraded_when_its_tokens_are_spent(installation: Installation) -> None:
    last: list[dict[str, Any]] = []
    for _ in range(40):
        last = asked(installation, "free", *({"text": f"{CODE} {'and again ' * 60}"} for _ in range(4)))
        if any(each["downgraded"] for each in last):
            break
    assert last[-1]["backend"] == "demo/small"
    assert last[-1]["downgraded"]
    [paid] = asked(installation, "paid", {"text": CODE})
    assert paid["backend"] == "demo/large"


def test_helm_test_says_that_all_is_well(installation: Installation) -> None:
    said = installation.access.run(
        installation.helm, "test", RELEASE, "-n", NAMESPACE, "--timeout", "2m", "--logs", seconds=150
    ).stdout
    assert "Succeeded" in said
    assert "router: 200" in said


def test_a_key_is_rotated_through_its_secret(installation: Installation, tmp_path: Path) -> None:
    before = dict(installation.keys)
    installation.let_in(tmp_path, "free", "paid")

    def refused() -> bool:
        with installation.forwarded() as url:
            client = openai.OpenAI(base_url=url, max_retries=0, api_key=before["paid"])
            try:
                client.models.list()
            except openai.AuthenticationError:
                return True
            return False

    eventually(refused, "the old key's end", 30)
    [told] = asked(installation, "paid", {"text": CODE})
    assert told["answered"]
