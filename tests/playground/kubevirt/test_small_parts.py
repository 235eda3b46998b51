"""Quantities, selectors' errors, ages: the small pure parts."""

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.playground.kubevirt.coverage import COVERED
from bot.playground.kubevirt.quantities import parse, render
from bot.playground.kubevirt.rendering import age
from bot.playground.kubevirt.resources import SERVED


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("1Ki", 1024),
        ("2Gi", 2 * 1024**3),
        ("1G", 10**9),
        ("500m", Decimal("0.5")),
        ("1e3", 1000),
        ("0", 0),
    ],
)
def test_quantities_are_read(text: str, value: Decimal) -> None:
    assert parse(text) == value


@pytest.mark.parametrize("text", ["", "1GB", "ten", "1 Gi", None])
def test_what_is_no_quantity_is_refused(text: str | None) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7 * 1024**3, "7Gi"),
        (1536 * 1024**2, "1536Mi"),
        (3, "3"),
        (0, "0"),
        (10**9, "1000000000"),
        (Decimal("0.5"), "500m"),
    ],
)
def test_sums_are_written_in_the_largest_exact_unit(value: Decimal, text: str) -> None:
    assert render(Decimal(value)) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "5s"), (119, "119s"), (120, "2m"), (192, "3m12s"), (3600, "60m"), (90000, "25h"), (864000, "10d")],
)  # fmt: skip
def test_ages_read_as_kubectl_shows_them(seconds: int, text: str) -> None:
    assert age(timedelta(seconds=seconds)) == text


def test_the_list_of_what_is_covered_names_every_served_kind_and_no_other() -> None:
    served = {f"{resource.group or 'core'}/{resource.plural}" for resource in SERVED}
    assert {name for name in COVERED["resources"] if "/" in name} == served
    assert all(COVERED.values())
