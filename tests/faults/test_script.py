"""Scripts: typed, with errors that name the field, followed request by request."""

import msgspec
import pytest
from pointsman_faults import kinds
from pointsman_faults.script import Player, Rule, Script, ScriptError, parse

PATH = "/v1/chat/completions"


def test_a_script_is_read():
    script = parse(b'{"rules":[{"times":2,"fault":{"type":"RateLimit","retryAfter":3}},{"firstToken":0.5}]}')
    assert script.rules == (Rule(times=2, fault=kinds.RateLimit(retry_after=3)), Rule(first_token=0.5))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{", "truncated"),
        (b'{"rulez":[]}', "rulez"),
        (b'{"rules":[{"fault":{"type":"Explode"}}]}', "$.rules[0].fault"),
        (b'{"rules":[{"times":"two"}]}', "$.rules[0].times"),
        (b'{"rules":[{"fault":{"type":"Cut","after":3}}]}', "after"),
    ],
)
def test_a_mistake_is_named(data: bytes, words: str):
    with pytest.raises(ScriptError) as raised:
        parse(data)
    assert words in str(raised.value)


@pytest.mark.parametrize("kind", kinds.AnyFault.__args__)
def test_every_fault_survives_the_way_over_json(kind: type[kinds.Fault]):
    fault = kinds.Status(status=500) if kind is kinds.Status else kind()
    script = Script(rules=(Rule(fault=fault),))
    assert parse(msgspec.json.encode(script)) == script


def statuses(player: Player, count: int, model: str = "m", path: str = PATH) -> list[int | None]:
    rules = [player.rule_for(path, model) for _ in range(count)]
    return [rule.fault.status if isinstance(rule.fault, kinds.Status) else None for rule in rules]


def test_a_rule_holds_for_so_many_requests_after_so_many():
    player = Player(Script(rules=(Rule(skip=1, times=2, fault=kinds.Status(status=500)),)))
    assert statuses(player, 5) == [None, 500, 500, None, None]


def test_a_rule_that_is_used_up_makes_room_for_the_next():
    rules = (Rule(times=1, fault=kinds.Status(status=500)), Rule(fault=kinds.Status(status=503)))
    assert statuses(Player(Script(rules=rules)), 3) == [500, 503, 503]


def test_rules_may_speak_of_one_model_or_path():
    rules = (
        Rule(model="big", fault=kinds.Status(status=500)),
        Rule(path="/v1/embeddings", fault=kinds.Status(status=501)),
    )
    player = Player(Script(rules=rules))
    assert statuses(player, 1, model="small") == [None]
    assert statuses(player, 1, model="big") == [500]
    assert statuses(player, 1, path="/v1/embeddings") == [501]
