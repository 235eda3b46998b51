"""Evaluates the expressions of the alerts: as much of PromQL as they use, on samples that a test gives.

`promql_parser` parses. Numbers are as Prometheus has them but for the extrapolation of `increase`, which only
matters to how much, not to whether.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import promql_parser as promql

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
_MATCHES: dict[str, Callable[[str, str], bool]] = {
    "MatchOp.Equal": operator.eq,
    "MatchOp.NotEqual": operator.ne,
    "MatchOp.Re": lambda want, have: re.fullmatch(want, have) is not None,
    "MatchOp.NotRe": lambda want, have: re.fullmatch(want, have) is None,
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "==": operator.eq,
    "<": operator.lt,
}


@dataclass(frozen=True, slots=True)
class Series:
    """One series: its name, its labels, and its samples by minute. A minute without one is left out."""

    name: str
    labels: Mapping[str, str]
    samples: Mapping[int, float]


def evaluate(expression: str, series: list[Series], minute: int) -> Vector:
    """What the expression gives at this minute."""
    found = _Evaluation(series, minute).of(promql.parse(expression))
    assert isinstance(found, dict)
    return found


@dataclass(frozen=True, slots=True)
class _Evaluation:
    series: list[Series]
    minute: int

    def of(self, node: Any) -> Vector | float:
        match type(node).__name__:
            case "NumberLiteral":
                return float(node.val)
            case "ParenExpr":
                return self.of(node.expr)
            case "VectorSelector":
                return self._selected(node)
            case "AggregateExpr":
                return self._aggregated(node)
            case "Call":
                return self._called(node)
            case "BinaryExpr":
                return self._combined(node)
            case other:
                raise NotImplementedError(other)

    def _matching(self, selector: Any) -> list[Series]:
        found = [each for each in self.series if each.name == selector.name]
        for matcher in selector.matchers.matchers:
            test, name, want = _MATCHES[str(matcher.op)], matcher.name, matcher.value
            found = [each for each in found if test(want, each.labels.get(name, ""))]
        return found

    def _selected(self, selector: Any) -> Vector:
        """The newest sample of the last five minutes."""
        at = self.minute - _minutes(selector.offset)
        return {
            frozenset(each.labels.items()): each.samples[max(recent)]
            for each in self._matching(selector)
            if (recent := [when for when in each.samples if at - 5 < when <= at])
        }

    def _called(self, call: Any) -> Vector:
        (argument,) = call.args
        match call.func.name:
            case "increase":
                return self._increase(argument)
            case "abs":
                inner = self.of(argument)
                assert isinstance(inner, dict)
                return {labels: abs(value) for labels, value in inner.items()}
            case "absent":
                return {} if self.of(argument) else {frozenset(): 1.0}
            case other:
                raise NotImplementedError(other)

    def _increase(self, matrix: Any) -> Vector:
        since = self.minute - _minutes(matrix.range)
        found = {}
        for each in self._matching(matrix.vector_selector):
            inside = [each.samples[at] for at in sorted(each.samples) if since < at <= self.minute]
            if len(inside) > 1:
                steps = pairwise(inside)
                grown = sum(now - then if now >= then else now for then, now in steps)
                found[frozenset(each.labels.items())] = grown
        return found

    def _aggregated(self, node: Any) -> Vector:
        inner = self.of(node.expr)
        assert isinstance(inner, dict)
        by = set(node.modifier.labels) if node.modifier else set()
        groups: dict[Labels, list[float]] = {}
        for labels, value in inner.items():
            kept = frozenset(pair for pair in labels if pair[0] in by)
            groups.setdefault(kept, []).append(value)
        folds: dict[str, Callable[[list[float]], float]] = {"max": max, "min": min, "sum": sum}
        fold = folds[str(node.op)]
        return {labels: fold(values) for labels, values in groups.items()}

    def _combined(self, node: Any) -> Vector:
        left, right, sign = self.of(node.lhs), self.of(node.rhs), str(node.op)
        assert isinstance(left, dict)
        if isinstance(right, float):
            return {k: value for k, value in left.items() if _COMPARISONS[sign](value, right)}
        if sign == "or":
            return {**right, **left}
        assert sign == "unless"
        return {labels: value for labels, value in left.items() if labels not in right}


def _minutes(span: Any) -> int:
    return 0 if span is None else int(span.total_seconds() // 60)
