"""Kubernetes quantities: "10Gi", "500m", "1.5T", "1e9"."""

import re
from decimal import ROUND_CEILING, Decimal

_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))([eE][+-]?\d{1,3}|[KMGTPE]i|[numkMGTPE])?")
_BINARY = {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", start=1)}
_DECIMAL = {letter: Decimal(1000) ** power for power, letter in enumerate("kMGTPE", start=1)}
_SMALL = {"n": Decimal(10) ** -9, "u": Decimal(10) ** -6, "m": Decimal(10) ** -3}
_FACTORS = {"": Decimal(1), **_BINARY, **_DECIMAL, **_SMALL}


def quantity(words: str) -> int:
    """The value rounded up to a whole number; 0 for what is no quantity."""
    match = _FORM.fullmatch(words.strip())
    if match is None:
        return 0
    digits, suffix = match.group(1), match.group(2) or ""
    if suffix not in _FACTORS:
        value = Decimal(digits + suffix)
    else:
        value = Decimal(digits) * _FACTORS[suffix]
    return int(value.to_integral_value(rounding=ROUND_CEILING))


def in_words(words: str) -> str:
    """One way to write each amount of bytes, so that "8192Mi" and "8Gi" do not read as a change."""
    value = quantity(words)
    if value <= 0:
        return words
    for suffix, factor in reversed(_BINARY.items()):
        if value % int(factor) == 0:
            return f"{value // int(factor)} {suffix}B"
    return f"{value} bytes"
