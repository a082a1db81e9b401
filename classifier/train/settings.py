"""What the scorer learns from: ways to draw policies, each with towers that have seen as little as a user's have."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from train.intents import Intent, Library
from train.services import sgd

_HALF = frozenset(
    [
        "Banks_1",
        "Buses_2",
        "Events_2",
        "Flights_2",
        "Hotels_3",
        "Music_2",
        "RentalCars_2",
        "RideSharing_2",
        "Services_3",
        "Travel_1",
    ]
)
"""Services left out of one pair of towers; the other pair lacks these families' other services and some whole ones."""

_OTHER_HALF = frozenset(
    [
        "Buses_1",
        "Calendar_1",
        "Events_1",
        "Flights_1",
        "Homes_1",
        "Hotels_1",
        "Hotels_2",
        "Media_1",
        "Movies_1",
        "Music_1",
        "RentalCars_1",
        "Restaurants_1",
        "RideSharing_1",
        "Services_1",
        "Services_2",
        "Weather_1",
    ]
)

MIXED = ("banking77", "metatool", "nlupp", "xsid")
"""Sources that a policy may mix."""

HALVES = {"half": _HALF, "other half": _OTHER_HALF}


class Setting(NamedTuple):
    """One way to draw policies of a source: with towers that have seen its routes, or others like it, or neither."""

    name: str
    source: str
    library: Library
    towers: str
    policies: int
    cases: int
    large: bool = False
    """Whether all have 50 routes or more, with examples."""


def every_setting(data: Path, known: dict[str, Library], everyone: frozenset[str]) -> list[Setting]:
    """All of them, from libraries that are known; `everyone` are the services of sgd."""
    fresh = {n: _unshown(found) for n, found in known.items() if n in ("sib200", "xsid")}
    drawn = [Setting("assistant", "assistant", known["assistant"], "all", 160, 25)]
    for half, left in HALVES.items():
        library = _within(sgd(data, everyone - left, fresh=True), known["sgd"])
        drawn.append(Setting(f"sgd, {half}", "sgd", library, half, 70, 40))
    unlike = {"banking77": "banking77", "metatool": "metatool", "sib200": "plain", "xsid": "plain", "nlupp": "all"}
    for name, kept in unlike.items():
        if name in known:
            drawn.append(Setting(name, name, known[name], kept, 60, 30))
    drawn += [Setting(f"{n}, known", n, found, "all", 36, 30) for n, found in fresh.items()]
    mixed = dict(known.get("metatool", {}))
    for name in ("banking77", "xsid"):
        mixed |= _unshown(known.get(name, {}))
    mixed |= known.get("nlupp", {})
    drawn.append(Setting("mixed", "mixed", mixed, "metatool", 60, 40))
    large = [s for s in drawn if s.source in ("banking77", "metatool", "mixed") and len(s.library) > 60]
    return drawn + [s._replace(name=f"{s.name}, large", policies=20, cases=100, large=True) for s in large]


def kept_without(setting: Setting, settings: Sequence[Setting]) -> list[str]:
    """Names of the settings that share no utterance with this one's source."""
    kin = (*MIXED, "mixed") if setting.source == "mixed" else (setting.source,)
    kin = (*kin, "mixed") if setting.source in MIXED else kin
    return [other.name for other in settings if other.source not in kin]


def _unshown(library: Library) -> Library:
    """Only utterances that no tower has seen."""
    unseen = {name: Intent(i.titles, [s for s in i.utterances if not s.shown]) for name, i in library.items()}
    return {name: intent for name, intent in unseen.items() if len(intent.utterances) > 11}


def _within(library: Library, allowed: Library) -> Library:
    return {name: intent for name, intent in library.items() if name in allowed}
