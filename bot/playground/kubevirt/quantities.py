"""Kubernetes quantities ("10Gi", "500m") as numbers, and sums of them written as Kubernetes would."""

import re
from decimal import Decimal

_SUFFIXES = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
_SHAPE = re.compile(r"([+-]?[0-9.]+)(?:[eE]([+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)")
_BINARY = ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki")


def parse(text: object) -> Decimal:
    """The value of a quantity; ValueError if it is none."""
    found = _SHAPE.fullmatch(str(text))
    if found is None:
        raise ValueError(f"{text!r} is not a quantity")
    number, exponent, suffix = found.groups()
    return Decimal(number) * (Decimal(10) ** int(exponent or 0)) * _SUFFIXES[suffix or ""]


def render(value: Decimal) -> str:
    """The shortest exact form, in binary units where they fit."""
    if value != value.to_integral_value():
        return f"{(value * 1000).to_integral_value()}m"
    whole = int(value)
    for suffix in _BINARY:
        unit = int(_SUFFIXES[suffix])
        if whole and whole % unit == 0:
            return f"{whole // unit}{suffix}"
    return str(whole)
