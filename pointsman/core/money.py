"""Money is integer picos (10^-12 of the installation's one currency) inside, and decimal strings outside."""

import re

from pointsman.core.errors import ConfigError

PICOS = 10**12
"""Picos in one unit of the currency."""
PER = 10**6
"""Prices are per this many tokens."""

_DECIMAL = re.compile(r"([0-9]{1,15})(?:\.([0-9]{1,12}))?", re.ASCII)


def picos(amount: str) -> int:
    """A decimal string as picos, exactly; raises ConfigError on anything else."""
    match = _DECIMAL.fullmatch(amount)
    if match is None:
        raise ConfigError(f"{amount[:40]!r} is not an amount such as 0.20, with at most 12 digits after the point")
    whole, fraction = match[1], match[2] or ""
    return int(whole) * PICOS + int(fraction.ljust(12, "0"))


def picos_per_token(price: str) -> int:
    """A price per million tokens as picos per token, exactly; raises ConfigError on one that is finer than a pico."""
    per_token, rest = divmod(picos(price), PER)
    if rest:
        raise ConfigError(f"{price} per million tokens is finer than a pico per token")
    return per_token


def decimal(amount: int) -> str:
    """Picos as a decimal string, exactly, without needless zeros: 200_000_000_000 is "0.2"."""
    sign, (whole, fraction) = "-" * (amount < 0), divmod(abs(amount), PICOS)
    digits = f"{fraction:012d}".rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
