"""YAML text to typed resources: as Kubernetes reads it, with all problems, and without ever raising."""

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pointsman.core import yamltext
from pointsman.core.compile import compile_snapshot
from pointsman.core.lint import lint
from pointsman.core.parse import parse, parse_objects, parse_text
from pointsman.core.patterns import PATTERNS
from pointsman.core.resources import ModelBackend, RoutingPolicy
from tests.support.manifests import JUNK, broken, manifests

BACKEND = """apiVersion: pointsman.dev/v1alpha1
kind: ModelBackend
metadata: {name: small, namespace: ai}
spec: {model: small, endpoints: {serviceRef: {name: small, port: 80}}}
"""
SECRET = "hunter2-canary"


def only(text: str) -> Any:
    (document,) = yamltext.read(text)
    return document.value


YAMLISH = st.text(st.sampled_from(list("abk:-{}[]&*!|>%@`'\"\\#, \n\t0123.~<\x00é\U0001f600")), max_size=60)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=40), YAMLISH))
@example("&a [*a]")
@example("a: &a {<<: *a}")
@example("\ud800")
@example("--- {kind: ModelBackend}\n")
@example("kind: ModelBackend\nmetadata: 5\n")
@example("kind: ModelBackendList\nitems: [{kind: List, items: [1, {kind: x}]}]\n")
@example("apiVersion: pointsman.dev/v1alpha1\nkind: ModelBackend\nmetadata: {name: a}\nspec: {model: .nan}\n")
def test_no_text_makes_it_raise(text: str) -> None:
    parsed = parse({"x.yaml": text})
    compile_snapshot(parsed.resources)
    assert all(problem.fix and problem.problem for problem in parsed.problems)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), bodies=manifests(1))
def test_no_broken_object_makes_it_raise_and_every_error_is_explained(data: st.DataObject, bodies: list[Any]) -> None:
    bodies[0] = data.draw(broken(bodies[0]))
    for problem in parse_objects(bodies).problems:
        assert "input should" not in problem.problem
        assert problem.field.startswith(("spec", "metadata"))
        assert problem.fix


@given(JUNK, JUNK)
def test_no_envelope_makes_it_raise(kind: Any, metadata: Any) -> None:
    parse_objects([{"apiVersion": "pointsman.dev/v1alpha1", "kind": kind, "metadata": metadata}])
    parse_objects([{"apiVersion": kind, "kind": "ModelBackend", "metadata": {"name": metadata}}])
    parse_objects([{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": metadata}])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-12-01", "2026-12-01"),
        ("1:30", "1:30"),
        ("None", "None"),
        ("~", None),
        ("", None),
        ("yes", True),
        ("off", False),
        ("'yes'", "yes"),
        ("0x1F", 31),
        ("010", 8),
        ("08", 8.0),
        ("-1_000", -1000),
        ("1e3", 1000.0),
        ("1.2.3", "1.2.3"),
        ("99999999999999999999999", 1e23),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("|\n  5\n", "5\n"),
        ("{a: 1, <<: {a: 2, b: 3}}", {"a": 1, "b": 3}),
        ("[&x {a: 1}, *x]", [{"a": 1}, {"a": 1}]),
        ("{on: 1, 2: 3}", {"on": 1, "2": 3}),
    ],
)
def test_scalars_are_what_kubernetes_reads(text: str, value: Any) -> None:
    assert only(f"a: {text}") == {"a": value}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "expected"),
        ("a: 1\n\tb: 2\n", 2, "tab"),
        ("a: *nobody\n", 1, "alias"),
        ("a: 1\nb: !python/object x\n", 2, "tag"),
        ("? [a]\n: b\n", 1, "key is a list"),
        ("[" * 100, 1, "deeper than 64"),
        ("a: &a\n  <<: 5\n", 2, "merge"),
        ("a: \x00", 1, "characters"),
        ("a:\n- [why not?, b]\n", 2, "unquoted text within brackets"),
    ],
)
def test_unreadable_text_names_its_line(text: str, line: int, said: str) -> None:
    parsed = parse({"x.yaml": text})
    (problem,) = parsed.problems
    assert parsed.unreadable
    assert problem.unreadable
    assert f"line {line}: " in problem.problem
    assert said in problem.problem


def test_a_billion_laughs_are_not_laughed() -> None:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    (problem,) = parse({"x.yaml": "\n".join(lines)}).problems
    assert "8 MiB" in problem.problem


def test_aliases_cannot_nest_deeper_than_brackets() -> None:
    deep = "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [[*a{n - 1}]]" for n in range(1, 60))])
    (problem,) = parse({"x.yaml": deep}).problems
    assert "deeper" in problem.problem


def test_objects_before_the_unreadable_place_are_kept() -> None:
    parsed = parse({"x.yaml": f"{BACKEND}---\na: [\n"})
    assert parsed.unreadable
    assert len(parsed.resources.backends) == 1


def test_a_key_given_twice_breaks_its_object() -> None:
    parsed = parse_text(BACKEND.replace("model: small", "model: small, model: big"), "x.yaml")
    (problem,) = parsed.problems
    assert (problem.object, problem.field) == ("ModelBackend ai/small", "spec.model")
    assert "line 4" in problem.problem
    assert [str(broken.ref) for broken in parsed.resources.broken] == ["ModelBackend ai/small"]


def test_an_object_given_twice_counts_as_the_first() -> None:
    files = {"b.yaml": BACKEND.replace("model: small", "model: second"), "a.yaml": BACKEND}
    parsed = parse(files)
    assert [backend.spec.model for backend in parsed.resources.backends] == ["small"]
    (problem,) = parsed.problems
    assert problem.file == "b.yaml"
    assert "first in a.yaml" in problem.problem


@pytest.mark.parametrize("body", ["stringData: {token: [%s]}", "data: {token: {a: %s}}", "data: %s", "data: {%s: 5}"])
def test_values_of_secrets_show_nowhere(body: str) -> None:
    text = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: key, namespace: ai}}\n{body % SECRET}\n"
    parsed = parse_text(text)
    assert parsed.problems
    assert SECRET not in repr(parsed).replace(f"data.{SECRET}", "")  # the name of a key is no value


def test_values_of_secrets_are_read_only_by_name() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\n"
    (secret,) = parse_text(
        text + "data: {a: aHVudGVyMg==, b: '***'}\nstringData: {c: ' hunter2\n'}\n"
    ).resources.secrets
    assert [secret.value(key) for key in "abcd"] == ["hunter2", None, "hunter2", None]
    assert "hunter2" not in repr(secret) + str(secret)


@pytest.mark.parametrize(
    ("body", "field", "fix"),
    [
        ({"kind": "RoutingPolcy", "apiVersion": "pointsman.dev/v1alpha1"}, "kind", "Did you mean RoutingPolicy?"),
        ({"kind": "ModelBackend", "apiVersion": "v1"}, "apiVersion", "pointsman.dev/v1alpha1"),
        ({"kind": "ModelBackend", "apiVersion": "pointsman.dev/v1"}, "apiVersion", "pointsman.dev/v1alpha1"),
        ({"apiVersion": "v1"}, "kind", "Add kind"),
    ],
)
def test_misspelt_envelopes_are_errors(body: dict[str, Any], field: str, fix: str) -> None:
    problem, *others = parse_objects([body]).problems
    assert problem.is_error
    assert problem.field == field
    assert field not in [other.field for other in others]
    assert fix in problem.fix


@pytest.mark.parametrize(("version", "kind"), [("apps/v1", "Deployment"), ("serving.knative.dev/v1", "Service")])
def test_foreign_kinds_are_ignored_with_a_warning(version: str, kind: str) -> None:
    parsed = parse_objects([{"apiVersion": version, "kind": kind, "metadata": {"name": "a"}}])
    (problem,) = parsed.problems
    assert not problem.is_error
    assert not parsed.resources.services


@pytest.mark.parametrize(
    ("given_name", "meant"),
    [
        ("virtual_models", "virtualModels"),
        ("virtualModel", "virtualModels"),
        ("qoutas", "quotas"),
        ("Routes", "routes"),
    ],
)
def test_unknown_fields_suggest_what_was_meant(given_name: str, meant: str) -> None:
    text = "apiVersion: pointsman.dev/v1alpha1\nkind: RoutingPolicy\nmetadata: {name: a}\nspec:\n"
    problems = lint({"x.yaml": f"{text}  virtualModels: [auto]\n  default: {{backends: []}}\n  {given_name}: []\n"})
    fixes = [problem.fix for problem in problems if problem.field == f"spec.{given_name}"]
    assert fixes == [f"Did you mean {meant}?"]


def test_every_pattern_has_words() -> None:
    def patterns(schema: Any) -> set[str]:
        if isinstance(schema, dict):
            inner = {found for value in schema.values() for found in patterns(value)}
            return inner | ({schema["pattern"]} if isinstance(schema.get("pattern"), str) else set())
        return {found for value in schema for found in patterns(value)} if isinstance(schema, list) else set()

    used = patterns(ModelBackend.model_json_schema()) | patterns(RoutingPolicy.model_json_schema())
    assert used == set(PATTERNS)


def test_problems_of_schema_and_rules_come_at_once() -> None:
    text = "apiVersion: pointsman.dev/v1alpha1\nkind: RoutingPolicy\nmetadata: {name: a}\nspec:\n"
    text += "  virtualModels: [auto, auto]\n  default: {backends: [{name: b}]}\n  session: {idle: soon, kye: 1}\n"
    text += "  quotas: [{name: q, limit: '0', window: {}}]\n"
    fields = [problem.field for problem in parse_text(text).problems]
    assert fields == [
        "spec.session.idle",
        "spec.session.kye",
        "spec.virtualModels[1]",
        "spec.quotas[0].window.length",
        "spec.quotas[0].limit",
    ]
