"""What an answer of each model costs, from whatever is known of it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from pointsman.core.decide.estimate import expected_cost, expected_output
from pointsman.core.errors import ConfigError
from pointsman.core.request import Request
from pointsman.core.snapshot import Backend, Snapshot

PICOS = 1e12


class Prices(msgspec.Struct, frozen=True):
    """Per million tokens, in any one unit; numbers or decimal strings, as in a ModelBackend."""

    input: float | str
    output: float | str


Costs = Mapping[str, float | Prices]
"""By model: of one answer, or prices."""

_FIX = 'write {"small": 0.001, "large": 0.02} (of one answer), or {"small": {"input": "0.1", "output": "0.3"}, ...}'


def read_costs(path: Path, models: Sequence[str]) -> Costs:
    """A costs file, which must name every model. Raises ConfigError."""
    try:
        costs = msgspec.json.decode(path.read_bytes(), type=dict[str, float | Prices])
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{path}: {error}; {_FIX}") from error
    missing = [model for model in models if model not in costs]
    if missing:
        raise ConfigError(f"{path}: has no cost of {', '.join(missing)}; {_FIX}")
    for model in models:
        _cost_of(costs[model], 0, 0, f"{path}: {model}")
    return costs


def cost_of(costs: Costs, model: str, request: Request) -> float:
    """Of one answer. With prices, the output is as long as the router expects it to be (`expected_output`)."""
    return _cost_of(costs[model], request.prompt_tokens, expected_output(request), model)


def _cost_of(cost: float | Prices, prompt: int, output: int, where: str) -> float:
    try:
        found = (
            (prompt * float(cost.input) + output * float(cost.output)) / 1e6
            if isinstance(cost, Prices)
            else float(cost)
        )
    except ValueError:
        raise ConfigError(f"{where}: a price is no number; {_FIX}") from None
    if not math.isfinite(found) or found < 0:
        raise ConfigError(f"{where}: a cost is a number of at least 0; {_FIX}")
    return found


def backends_of(snapshot: Snapshot, models: Sequence[str], folder: Path) -> list[Backend]:
    """The ModelBackend of each model, by its name, alias or upstream model. Raises ConfigError."""
    found = []
    for model in models:
        known = (snapshot.by_name.get(model), snapshot.aliases.get(model), snapshot.by_upstream_model.get(model))
        backend = next((each for each in known if each is not None), None)
        if backend is None:
            names = ", ".join(sorted(each.name for each in snapshot.backends.values())) or "none"
            raise ConfigError(f"{folder}: has no ModelBackend for model {model} of the outcomes (there are: {names})")
        found.append(backend)
    return found


def backend_cost(backend: Backend, request: Request) -> float:
    """Of one answer, in the installation's currency, as the router expects it."""
    return expected_cost(request, backend, None) / PICOS
