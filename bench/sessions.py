"""How often a conversation changes its route, with and without hysteresis.

    python bench/sessions.py DATA [--dialogues 300] [--floor 0.3] [--margins 0.05 0.1 0.2]

DATA is a folder with train_1500.jsonl of the Schema-Guided Dialogue data set: conversations between a user and an
assistant that book, search and pay, each user turn labelled with its service. Services are grouped into 2, 4 or 6
routes, described in a sentence as a policy's author would; a flip is a turn whose route differs from the turn before.
"""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
from pointsman_classifier.embedded import EmbeddedClassifier
from pointsman_classifier.routes import RouteText

from pointsman.core.request import Turn
from pointsman.core.sessions import keep_route
from pointsman.core.state import SessionState

TRAVEL = RouteText("travel", description="Find and book flights, buses, trains, hotels, rental cars and rides.")
FOOD = RouteText("food", description="Find restaurants and reserve a table.")
LEISURE = RouteText("leisure", description="Find events, concerts, films and music; buy tickets, play a song or film.")
MONEY = RouteText("money", description="Check the balance of a bank account and transfer money.")
HOME = RouteText("home", description="Find a flat to rent, or an appointment with a hairdresser, dentist or doctor.")
PLANNING = RouteText("planning", description="Calendar entries, free time, and the weather forecast.")
OUTINGS = RouteText("outings", description="Restaurants, events, concerts, films, music, hotels, flights and cars.")
ERRANDS = RouteText("errands", description="Bank account, calendar, weather, flats to rent, dentist, hairdresser.")

SERVICES = {
    "travel": ("Buses", "Flights", "Hotels", "RentalCars", "RideSharing", "Travel", "Trains"),
    "food": ("Restaurants",),
    "leisure": ("Events", "Movies", "Media", "Music"),
    "money": ("Banks", "Payment"),
    "home": ("Homes", "Services"),
    "planning": ("Calendar", "Weather", "Alarm"),
}
ROUTE_OF = {service: route for route, services in SERVICES.items() for service in services}
POLICIES = {
    2: (OUTINGS, ERRANDS),
    4: (TRAVEL, FOOD, LEISURE, ERRANDS),
    6: (TRAVEL, FOOD, LEISURE, MONEY, HOME, PLANNING),
}
MERGED: dict[int, dict[str, str]] = {
    2: dict.fromkeys(("travel", "food", "leisure"), "outings")
    | dict.fromkeys(("money", "home", "planning"), "errands"),
    4: dict.fromkeys(("money", "home", "planning"), "errands"),
    6: {},
}
STRANGERS = (
    "Write a Python function that reverses a linked list.",
    "Explain how photosynthesis works.",
    "Solve x^2 - 5x + 6 = 0 and show every step.",
    "Translate the sentence 'my brother plays chess' into Portuguese.",
    "Who wrote the Critique of Pure Reason, and what is its main argument?",
)
"""Questions that belong to no route."""


class Labelled(msgspec.Struct, frozen=True):
    """A user turn with all before it, and the routes that a person would accept."""

    turns: tuple[Turn, ...]
    services: tuple[str, ...]


def dialogues(path: Path, most: int) -> Iterator[list[Labelled]]:
    """Evenly spaced ones, since the file is ordered by topic."""
    lines = path.read_text("utf-8").splitlines()
    for line in lines[:: max(1, len(lines) // most)]:
        said: list[Turn] = []
        labelled = []
        for turn in json.loads(line)["turns"]:
            said.append(Turn("user" if turn["s"] == "U" else "assistant", turn["t"]))
            if turn["s"] == "U":
                services = tuple(ROUTE_OF[frame["service"].split("_")[0]] for frame in turn["f"])
                labelled.append(Labelled(tuple(said), services))
        yield labelled


class Tally(msgspec.Struct):
    """Counts over all dialogues."""

    turns: int = 0
    right: int = 0
    follow_ups: int = 0
    changes: int = 0
    changes_followed: int = 0
    flips: int = 0
    idle_flips: int = 0
    strangers: int = 0
    strangers_left: int = 0

    def row(self, name: str) -> str:
        idle = self.idle_flips / (self.follow_ups - self.changes)
        followed = self.changes_followed / max(1, self.changes)
        shares = (self.flips / self.follow_ups, idle, followed, self.strangers_left / self.strangers)
        return f"{name:<34}" + "".join(f"{share:>12.1%}" for share in (*shares, self.right / self.turns))


class Replay:
    """Replays dialogues through one policy; what the classifier said is remembered between settings."""

    def __init__(self, classifier: EmbeddedClassifier, routes: int, floor: float) -> None:
        self.classifier, self.routes, self.floor = classifier, routes, floor
        self.key = f"sgd-{routes}"
        self.names = frozenset(route.name for route in POLICIES[routes])
        self.seen: dict[tuple[tuple[Turn, ...], str | None], Mapping[str, float]] = {}
        classifier.prepare(self.key, POLICIES[routes])

    def scores(self, turns: tuple[Turn, ...], previous: str | None) -> Mapping[str, float]:
        if (turns, previous) not in self.seen:
            said = self.classifier.classify(self.key, turns, previous, self.names)
            self.seen[turns, previous] = said.routes
        return self.seen[turns, previous]

    def route(self, turns: tuple[Turn, ...], previous: str | None, *, tell: bool, margin: float | None) -> str:
        """As `decide` does it; "default" where no route reaches the floor."""
        scores = self.scores(turns, previous if tell else None)
        top = max(scores, key=lambda name: scores[name])
        best = top if scores[top] >= self.floor else "default"
        if previous is None or margin is None:
            return best
        session = SessionState(previous, None, "", 0)
        return previous if keep_route(session, scores, best, scores[top], margin, self.floor) else best

    def run(self, conversations: list[list[Labelled]], *, tell: bool, margin: float | None) -> Tally:
        tally = Tally()
        for number, conversation in enumerate(conversations):
            previous, before = None, None
            for turn in conversation:
                truth = {MERGED[self.routes].get(service, service) for service in turn.services}
                route = self.route(turn.turns, previous, tell=tell, margin=margin)
                tally.turns += 1
                tally.right += route in truth
                if before is not None:
                    changed = bool(truth - before)
                    tally.follow_ups += 1
                    tally.changes += changed
                    tally.changes_followed += changed and route in truth - before
                    tally.flips += route != previous
                    tally.idle_flips += route != previous and not changed
                previous, before = route, truth
            stranger = (*conversation[-1].turns, Turn("user", STRANGERS[number % len(STRANGERS)]))
            if previous != "default":
                tally.strangers += 1
                tally.strangers_left += self.route(stranger, previous, tell=tell, margin=margin) != previous
        return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--dialogues", type=int, default=300)
    parser.add_argument("--floor", type=float, default=0.3)
    parser.add_argument("--margins", type=float, nargs="+", default=[0.05, 0.1, 0.2])
    given = parser.parse_args()
    conversations = list(dialogues(given.data / "train_1500.jsonl", given.dialogues))
    classifier = EmbeddedClassifier.load(threads=2)
    for routes in POLICIES:
        replay = Replay(classifier, routes, given.floor)
        print(f"\n{routes} routes, {len(conversations)} dialogues, {sum(map(len, conversations)):,} user turns")
        print(" " * 34 + "".join(f"{name:>12}" for name in ("flips", "idle flips", "followed", "left", "accuracy")))
        print(replay.run(conversations, tell=False, margin=None).row("each turn alone"))
        print(replay.run(conversations, tell=True, margin=None).row("classifier told the route"))
        for margin in given.margins:
            print(replay.run(conversations, tell=False, margin=margin).row(f"hysteresis {margin:g}"))
            print(replay.run(conversations, tell=True, margin=margin).row(f"told the route, hysteresis {margin:g}"))
    print(
        "\nflips: turns after the first with another route than the turn before; idle flips: the same, where no topic"
        "\ncame up; followed: new topics that were routed rightly at once; left: unrelated questions at the end of a"
        "\ndialogue that did not stay in its route; accuracy: of all turns."
    )


if __name__ == "__main__":
    main()
