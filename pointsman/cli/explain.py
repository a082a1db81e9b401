"""`pointsman explain`: which model would answer a prompt, and why; nothing is started or sent."""

from pathlib import Path
from typing import Annotated

import typer


def explain(
    prompt: Annotated[str, typer.Argument(help="What the user says; - reads it from stdin.")],
    policy: Annotated[Path, typer.Option(metavar="DIR", help="Folder of Kubernetes YAML.")],
    model: Annotated[str, typer.Option(help="The name asked for; auto, or else the first virtual name.")] = "",
    tenant: Annotated[str, typer.Option(help="Who asks.")] = "default",
    user: Annotated[str, typer.Option(help="Which user of the tenant.")] = "",
    system: Annotated[str, typer.Option(help="A system prompt.")] = "",
    classifier: Annotated[
        str,
        typer.Option(metavar="WHERE", help="embedded, triton://HOST:PORT, or none: routes then fall to the default."),
    ] = "embedded",
    as_json: Annotated[bool, typer.Option("--json", help="As a router explains it, and the refusal, if any.")] = False,
) -> None:
    """Show what is known of a prompt, which models would be asked in which order, and why the others would not.

    Every backend counts as well and every quota as untouched. Exit code 1 when no model may answer.
    """
    import sys
    import time

    from pointsman.cli import explain_view, explaining
    from pointsman.cli.classifier import language_detector, open_classifier
    from pointsman.cli.output import err, out, write_json
    from pointsman.core.request import Subject
    from router_svc.openai.explain import Explanation, describe

    loaded = explaining.load(policy)
    if loaded.problems:
        err.print(f"{len(loaded.problems)} problems in this folder; see: pointsman lint {policy}", style="yellow")
    asked = model or explaining.usual_model(loaded.snapshot)
    text = sys.stdin.read() if prompt == "-" else prompt
    question = explaining.Question(text, asked, system, Subject(tenant=tenant, user=user))
    model_of_requests = open_classifier(classifier)
    decision = explaining.decide_once(loaded.snapshot, question, time.time(), model_of_requests, language_detector())
    if as_json:
        refusal = decision.plan.refusal
        refused = {"code": refusal.code, "message": refusal.message} if refusal is not None else None
        write_json({**describe(Explanation(decision.plan, decision.signals)), "refusal": refused})
    else:
        out.print(explain_view.render(decision, loaded.snapshot))
    raise typer.Exit(0 if decision.plan.candidates else 1)
