"""A decision as people like to read it."""

from collections.abc import Iterable, Iterator, Mapping

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pointsman.cli.explaining import Decision
from pointsman.cli.words import in_words
from pointsman.core.money import decimal
from pointsman.core.plan import Candidate, Plan, Reason
from pointsman.core.signals import Score, Signals
from pointsman.core.snapshot import Snapshot

_BAR = 20
_SHOWN = 5
"""Scores of one kind; the rest are small."""


def render(decision: Decision, snapshot: Snapshot) -> RenderableType:
    """The verdict first, then what it rests on."""
    plan = decision.plan
    parts: list[RenderableType] = [_verdict(plan)]
    if plan.reasons:
        parts += [*_section("Why", _why(plan)), *_section("Signals", _signals(decision.signals))]
    if plan.candidates:
        parts += _section("Candidates, in the order in which they are asked", _candidates(plan, snapshot))
    if plan.rejected:
        parts += _section("Rejected", _rejected(plan))
    return Group(*parts)


def _section(title: str, content: RenderableType) -> tuple[RenderableType, RenderableType]:
    return Text(f"\n{title}", style="bold"), Padding(content, (0, 0, 0, 2), expand=False)


def _verdict(plan: Plan) -> Text:
    if not plan.candidates:
        why = plan.refusal.message if plan.refusal is not None else "no candidate"
        return Text.assemble(("✗ ", "bold red"), (f"{plan.model} is refused: ", "bold"), why)
    first = plan.candidates[0]
    facts = [("route", plan.route), ("mode", plan.mode), ("effort", first.effort), ("quota spent", plan.downgraded)]
    said = ", ".join(f"{name} {value}" for name, value in facts if value is not None)
    return Text.assemble(
        ("→ ", "bold green"), (first.backend, "bold green"), f" answers {plan.model}", f" ({said})" if said else ""
    )


def _why(plan: Plan) -> RenderableType:
    policy = [Text(f"policy {plan.policy}")] if plan.policy else []
    return Group(*policy, *(Text(in_words(reason)) for reason in plan.reasons))


def _signals(signals: Signals) -> Table:
    table = Table.grid(padding=(0, 2))
    known = signals.classification
    language = f"{signals.language}  ({signals.language_confidence:.0%} sure)" if signals.language else "not told"
    table.add_row("language", Text(language))
    table.add_row("classifier", signals.classifier.value)
    if signals.phrase_mode:
        table.add_row("phrase asks for", Text(f"mode {signals.phrase_mode}"))
    for name, score in (
        ("difficulty", known.difficulty),
        ("reasoning", known.reasoning),
        ("tool need", known.tool_need),
        ("commercial", known.commercial),
    ):
        if score is not None:
            table.add_row(name, _score(score))
    if known.gain is not None:
        table.add_row("gain", Text.assemble(_bar(known.gain), f" {known.gain:4.2f}  ", ("of a strong model", "dim")))
    for name, scores in (("routes", known.routes), ("category", known.category), ("guard", known.guard)):
        for label, line in zip([name, *[""] * _SHOWN], _bars(scores), strict=False):
            table.add_row(label, line)
    return table


def _score(score: Score) -> Text:
    return Text.assemble(_bar(score.value), f" {score.value:4.2f}", (f"  ({score.confidence:.0%} sure)", "dim"))


def _bars(scores: Mapping[str, float]) -> Iterator[Text]:
    best = sorted(scores.items(), key=lambda item: -item[1])[:_SHOWN]
    for name, value in best:
        if value >= 0.005 or name == best[0][0]:
            yield Text.assemble(_bar(value), f" {value:4.2f}  {name}")


def _bar(value: float) -> Text:
    filled = round(min(max(value, 0.0), 1.0) * _BAR)
    return Text.assemble(("█" * filled, "cyan"), ("·" * (_BAR - filled), "dim"))


def _candidates(plan: Plan, snapshot: Snapshot) -> Table:
    table = Table("", "backend", "effort", "quality", "cost", "from", "reasons", box=None, header_style="dim")
    for place, candidate in enumerate(plan.candidates, 1):
        table.add_row(
            str(place),
            Text(candidate.backend, style="bold" if place == 1 else ""),
            candidate.effort.value if candidate.effort is not None else "-",
            f"{candidate.quality:.2f}",
            decimal(candidate.cost),
            Text(_tier(candidate)),
            Text("; ".join(_words(candidate.reasons)) or "-"),
        )
    return table


def _tier(candidate: Candidate) -> str:
    return f"{candidate.tier}, priority {candidate.priority}" if candidate.priority else candidate.tier


def _rejected(plan: Plan) -> Table:
    table = Table.grid(padding=(0, 2))
    for rejection in plan.rejected:
        table.add_row(Text("✗", style="red"), Text(rejection.backend), Text(in_words(rejection.reason)))
    return table


def _words(reasons: Iterable[Reason]) -> list[str]:
    return [in_words(reason) for reason in reasons]
