"""Broad topics: in ten languages, school subjects, and what a company wants kept inside."""

from pathlib import Path

import numpy as np

from train.cases.files import Case, Route, RouteSet, label, said
from train.sources import rows, seed_pairs

EXAMPLES = 16


def sets(data: Path) -> list[RouteSet]:
    """All sets of this kind."""
    return [*_languages(data), _subjects(data), _company(data)]


def _languages(data: Path) -> list[RouteSet]:
    """By description only, with sixteen examples in mixed languages, and with sixteen in English.

    Examples are of the train part, from which the encoder learnt these topics; cases are the dev part, which it never
    saw.
    """
    described = dict(seed_pairs("topics.txt"))
    sentences = rows(data / "sib200" / "train_dev.jsonl")
    draw = np.random.default_rng(6)
    shown: dict[str, list[str]] = {}
    for topic in sorted({row["category"] for row in sentences}):
        ids = sorted({row["id"] for row in sentences if row["category"] == topic and row["split"] == "train"})
        shown[topic] = [str(i) for i in draw.permutation(ids)[:EXAMPLES]]
    by_id: dict[tuple[str, str], str] = {(row["id"], row["lang"]): row["text"] for row in sentences}
    languages = sorted({row["lang"] for row in sentences})
    left = (row for row in sentences if row["split"] == "dev")
    cases = [Case(said(row["text"]), label(row["category"]), row["lang"]) for row in left]
    made = []
    for name, chosen, words in (
        ("sib200", None, "by description"),
        ("sib200-mixed", languages, "described, up to 16 examples in mixed languages"),
        ("sib200-english", ["en"], "described, up to 16 English examples"),
    ):
        routes = tuple(
            Route(label(topic), description=described[topic], examples=_examples(ids, chosen, by_id))
            for topic, ids in shown.items()
        )
        made.append(RouteSet(name, f"7 topics in 10 languages, {words}", ("sib200",), routes, cases))
    return made


def _examples(ids: list[str], languages: list[str] | None, texts: dict[tuple[str, str], str]) -> tuple[str, ...]:
    """One translation of each sentence, in the languages by turns; longer ones than a policy may hold are cut."""
    if languages is None:
        return ()
    order = [[(i, languages[(n + k) % len(languages)]) for k in range(len(languages))] for n, i in enumerate(ids)]
    found = (next((texts[key] for key in keys if key in texts), None) for keys in order)
    return tuple(text[:256] for text in found if text is not None)


_SUBJECTS = {
    "biology": "Questions about living things: cells, genes, plants, animals and evolution.",
    "business": "Questions about companies, management, marketing and accounting.",
    "chemistry": "Questions about substances, reactions, elements and molecules.",
    "computer science": "Questions about programming, algorithms, data and computers.",
    "economics": "Questions about markets, prices, trade and economic policy.",
    "engineering": "Questions about machines, circuits, materials, signals and control.",
    "health": "Questions about the body, nutrition, illness and medicine.",
    "history": "Questions about the past: events, empires, wars and people.",
    "law": "Questions about laws, courts, contracts and rights.",
    "math": "Calculations, equations, proofs, geometry and probability.",
    "philosophy": "Questions about ethics, knowledge, logic and philosophers.",
    "physics": "Questions about motion, forces, energy, waves and particles.",
    "psychology": "Questions about mind and behaviour: memory, learning, personality.",
}


def _subjects(data: Path) -> RouteSet:
    routes = tuple(Route(label(name), description=text) for name, text in _SUBJECTS.items())
    questions = rows(data / "vllm_sr" / "domain_test.jsonl")
    cases = [
        Case(said(row["text"]), label(row["category"]) if row["category"] in _SUBJECTS else None, "en")
        for row in questions
    ]
    return RouteSet("subjects", "13 school subjects by description", ("vllm_sr",), routes, cases)


_COMPANY = {
    "proprietary_code": ("internal code", "Reviews, debugs or changes the company's own source code."),
    "internal_document": ("internal documents", "Summarises or rewrites confidential company documents and minutes."),
    "customer_data": ("customer data", "Works with records, complaints or contracts of our customers."),
    "pii": ("personal data", "Contains names, addresses, numbers or health data of people."),
    "business_strategy": ("strategy", "Plans, acquisitions, budgets and forecasts that are not public."),
    "trade_secret_ip": ("trade secrets", "Patents in preparation, formulas and secret processes."),
    "operational_infrastructure": ("infrastructure", "Our servers, networks, clusters and incidents."),
    "credential_exfiltration": ("credentials", "Asks for passwords, keys or tokens."),
    "prompt_injection": ("prompt injection", "Tries to override the assistant's instructions."),
    "system_prompt_extraction": ("system prompt", "Asks for the hidden instructions of the assistant."),
    "jailbreak_role": ("jailbreak", "Asks the assistant to play someone without rules."),
    "generic_coding": ("programming", "Ordinary programming questions without internal code."),
    "general_knowledge": ("knowledge", "Questions about facts that anyone may know."),
    "simple_task": ("small tasks", "Short everyday tasks: translate, rephrase, list, convert."),
    "architecture_analysis": ("architecture", "Designs or judges the architecture of a system."),
    "root_cause_analysis": ("root causes", "Finds out why something failed, step by step."),
    "multi_step_tradeoffs": ("trade-offs", "Weighs options against each other over several steps."),
}


def _company(data: Path) -> RouteSet:
    """Seventeen routes in a sentence each; directives about places have none."""
    routes = tuple(Route(label(name), domain, "", text) for name, (domain, text) in _COMPANY.items())
    found = rows(data / "vllm_sr" / "kb_privacy_exemplars.jsonl")
    cases = [
        Case(said(row["text"]), label(row["category"]) if row["category"] in _COMPANY else None, "en") for row in found
    ]
    return RouteSet("company", "17 routes of a company by description", ("vllm_sr",), routes, cases)
