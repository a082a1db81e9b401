"""The lines to try. Each is complete: copied into a shell, it runs."""

import json
import shlex
from collections.abc import Iterator, Mapping

import msgspec

from pointsman.cli.demo.stage import FREE_KEY, PAID_KEY


class Step(msgspec.Struct, frozen=True):
    """Something to try, and what to look for."""

    title: str
    commands: tuple[str, ...]


class Scene(msgspec.Struct, frozen=True):
    """What the lines refer to."""

    url: str
    """Of the router."""
    faults_url: str
    pids: Mapping[str, int]
    """Of the model servers."""
    command: str
    """How this machine calls `pointsman`."""
    policies: str


def steps(scene: Scene) -> Iterator[Step]:
    """The tour, in an order that makes sense."""
    ask = _Asking(scene.url)
    yield Step(
        "An easy question: the headers say which model answered, and why",
        (ask("Hi, how are you today?"),),
    )
    yield Step(
        "A hard one goes to the large model",
        (ask("Prove that the square root of 2 is irrational."),),
    )
    yield Step(
        "Another language, the same routes",
        (ask("Schreib mir eine SQL-Abfrage, die alle Kunden ohne Bestellung findet."),),
    )
    yield Step(
        "A mode: by the model's name, or by a phrase of the prompt",
        (ask("What should I cook tonight?", model="auto:thinking"), ask("Piensa bien: ¿qué puedo cocinar esta noche?")),
    )
    yield Step(
        "A stream",
        (ask("Tell me a joke.", "-sN", stream=True),),
    )
    yield Step(
        "The whole decision, beside the answer",
        (ask("Translate into French: where is the station?", "-s", header="x-pointsman-explain: true", then=_JSON),),
    )
    yield Step(
        f"The same decision without a request: {scene.command} explain",
        (f"{scene.command} explain --policy {shlex.quote(scene.policies)} 'Wie sagt man \"Danke\" auf Japanisch?'",),
    )
    yield Step(
        "The free tenant, until its tokens of five hours are spent and the small model takes over",
        (f"for i in 1 2 3 4 5 6; do {ask(_SUM, '-si', key=FREE_KEY, max_tokens=16, then=_WHO)}; done",),
    )
    yield Step(
        "The paid tenant is not downgraded",
        (ask("What is 17 % of 260?", key=PAID_KEY),),
    )
    yield Step(
        "A killed backend: the small model answers in its place (the large one comes back after a while)",
        (f"kill -9 {scene.pids['large']}; {ask('Write a bash script that renames all *.txt files.')}",),
    )
    yield Step(
        "A backend that fails on request: answering, overloaded, well again",
        (
            ask("Hello!", model="auto-flaky"),
            f"curl -sX PUT {scene.faults_url}/faults -d '{json.dumps(_OVERLOADED)}'",
            ask("Hello!", model="auto-flaky"),
            f"curl -sX DELETE {scene.faults_url}/faults",
        ),
    )
    yield Step("What exists", (f"curl -s {scene.url}/v1/models{_JSON}",))


def sdk(url: str) -> str:
    """The same from Python."""
    return f"""\
from openai import OpenAI
client = OpenAI(base_url="{url}/v1", api_key="{PAID_KEY}")
answer = client.chat.completions.create(model="auto", messages=[{{"role": "user", "content": "Tell me a joke."}}])
print(answer.model, "said:", answer.choices[0].message.content)"""


_JSON = " | python3 -m json.tool --no-ensure-ascii"
_WHO = r" | tr -d '\r' | grep -iE '^x-pointsman-(model|downgraded)' | paste -s -d ' '"
_OVERLOADED = {"rules": [{"fault": {"type": "Overloaded"}}]}
_SUM = "What is 1@?"
_ONES = """'"$(printf ' + 1%.0s' {1..100})"'"""
"""Takes the place of the @: three hundred tokens, which a model server reads once and remembers, so a quick way to
spend a quota."""


class _Asking:
    """Writes curl lines."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __call__(
        self,
        prompt: str,
        flags: str = "-si",
        *,
        model: str = "auto",
        max_tokens: int = 60,
        stream: bool = False,
        key: str = "",
        header: str = "",
        then: str = "",
    ) -> str:
        """One line. `prompt` has no single quotes, since it stands in them."""
        body: dict[str, object] = {"model": model, "max_tokens": max_tokens}
        if stream:
            body["stream"] = True
        body["messages"] = [{"role": "user", "content": prompt}]
        headers = [f"authorization: Bearer {key}"] if key else []
        headers += [header] if header else []
        sent = "".join(f" -H '{each}'" for each in headers)
        said = json.dumps(body, ensure_ascii=False).replace("@", _ONES)
        return f"curl {flags} {self._url}/v1/chat/completions{sent} -d '{said}'{then}"
