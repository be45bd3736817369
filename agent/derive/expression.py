"""The small language of computed tags: numbers, comparisons, bits, choices; nothing else.

Parsed once, checked at `chulian check`, evaluated per frame by the library simpleeval with our own
operators. There are no attributes (a dotted name is a point), no subscripts, no loops, no calls
but those of `FUNCTIONS`; length, depth, powers and shifts are bounded, so that every evaluation
ends at once. What cannot be computed raises `EvaluationError`; it is never a 0.
"""

from __future__ import annotations

import ast
import operator
from math import ceil, floor, isfinite, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

from simpleeval import InvalidExpression, SimpleEval

from agent.derive.grammar import ExpressionError, Kind, parsed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drivers.api import Value

TYPE_MISMATCH = "BadTypeMismatch"
"""Reason of a value that text and numbers were mixed for. Source: OPC 10000-4."""
OUT_OF_RANGE = "BadOutOfRange"
"""Reason of a value that has no number: a division by zero, a root of -1. Source: OPC 10000-4."""

_MOST_BITS = 64
_LARGEST = 2**63
_LARGEST_BASE = 1_000_000
_MOST_DIGITS = 15


class EvaluationError(Exception):
    """An expression has no value for these inputs; holds the reason of the BAD value."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Expression:
    """One expression, ready to be evaluated; made by `compile_expression`."""

    def __init__(self, text: str, node: ast.expr, names: tuple[str, ...]) -> None:
        self.text = text
        self.names = names
        """Points it needs, each once, in the order of the text."""
        self.node = node
        self._evaluator: Any = SimpleEval(
            operators=_OPERATORS, functions={n: f.call for n, f in FUNCTIONS.items()}
        )

    def __reduce__(self) -> tuple[Callable[[str], Expression], tuple[str]]:
        return compile_expression, (self.text,)

    def __call__(self, values: Mapping[str, Value]) -> Value:
        """Give the value for these inputs, each of them there.

        Raises:
            EvaluationError: there is none.
        """
        self._evaluator.names = values
        try:
            found: Any = self._evaluator.eval(self.text, previously_parsed=self.node)
        except TypeError:
            raise EvaluationError(TYPE_MISMATCH) from None
        except (ArithmeticError, ValueError, InvalidExpression):
            raise EvaluationError(OUT_OF_RANGE) from None
        if isinstance(found, float) and not isfinite(found):
            raise EvaluationError(OUT_OF_RANGE)
        if isinstance(found, int) and not -_LARGEST <= found < _LARGEST:
            raise EvaluationError(OUT_OF_RANGE)
        if not isinstance(found, (bool, int, float, str)):
            raise EvaluationError(TYPE_MISMATCH)
        return found


def compile_expression(text: str) -> Expression:
    """Read an expression.

    Raises:
        ExpressionError: it is none, or uses what the language does not have.
    """
    node, names = parsed(text, {name: (f.least, f.most) for name, f in FUNCTIONS.items()})
    return Expression(text, node, names)


class Function(NamedTuple):
    """A function an expression may call: with `least` to `most` arguments, giving `kind`."""

    call: Callable[..., Any]
    least: int
    most: int
    kind: Kind
    takes: Kind | None = Kind.NUMBER
    """Kind of its arguments; None: any."""


def _bit(word: Any, number: Any) -> bool:
    if not isinstance(word, int) or not isinstance(number, int):
        raise TypeError("bit() needs whole numbers")
    if not 0 <= number < _MOST_BITS:
        raise ValueError("bit() has bits 0 to 63")
    return bool(word >> number & 1)


def _number(text: Any) -> float:
    if isinstance(text, (int, float)):
        return text
    if not isinstance(text, str):
        raise TypeError("number() needs text")
    found = int(text) if text.strip().lstrip("+-").isdecimal() else float(text)
    if "_" in text or not isfinite(found):
        raise ValueError("no number people write")
    return found


def _rounded(number: Any, digits: Any = 0) -> Any:
    if not isinstance(digits, int) or abs(digits) > _MOST_DIGITS:
        raise OverflowError  # Python would compute ten to the power of it
    return round(number, digits)


def _one_of(value: Any, *wanted: Any) -> bool:
    return any(isinstance(value, str) == isinstance(one, str) and value == one for one in wanted)


def _numeric(function: Callable[..., Any]) -> Callable[..., Any]:
    def checked(*numbers: Any) -> Any:
        if not all(isinstance(one, (int, float)) for one in numbers):
            raise TypeError("not a number")
        return function(*numbers)

    return checked


def _power(base: Any, exponent: Any) -> Any:
    if abs(base) > _LARGEST_BASE or abs(exponent) > _MOST_BITS:
        raise OverflowError
    found = base**exponent
    if isinstance(found, complex):
        raise OverflowError  # a root of a negative number
    return found


def _shift(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def bounded(word: Any, count: Any) -> Any:
        if not 0 <= count < _MOST_BITS or abs(word) >= _LARGEST * 2:
            raise OverflowError
        return function(word, count)

    return bounded


def _same_kind(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Compare text with text and numbers with numbers: "3" is never quietly unlike 3."""

    def compared(left: Any, right: Any) -> Any:
        if isinstance(left, str) != isinstance(right, str):
            raise TypeError("text and number")
        return function(left, right)

    return compared


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(_numeric(abs), 1, 1, Kind.NUMBER),
    "min": Function(_numeric(min), 2, 8, Kind.NUMBER),
    "max": Function(_numeric(max), 2, 8, Kind.NUMBER),
    "round": Function(_numeric(_rounded), 1, 2, Kind.NUMBER),
    "floor": Function(_numeric(floor), 1, 1, Kind.NUMBER),
    "ceil": Function(_numeric(ceil), 1, 1, Kind.NUMBER),
    "sqrt": Function(_numeric(sqrt), 1, 1, Kind.NUMBER),
    "bit": Function(_bit, 2, 2, Kind.TRUTH),
    "number": Function(_number, 1, 1, Kind.NUMBER, None),
    "one_of": Function(_one_of, 2, 32, Kind.TRUTH, None),
}
"""Every function, by name; `tag("name")` stands for a point whose name is no plain word."""

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _numeric(operator.add), ast.Sub: _numeric(operator.sub),
    ast.Mult: _numeric(operator.mul), ast.Div: _numeric(operator.truediv),
    ast.FloorDiv: _numeric(operator.floordiv), ast.Mod: _numeric(operator.mod),
    ast.Pow: _numeric(_power), ast.USub: _numeric(operator.neg), ast.UAdd: _numeric(operator.pos),
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.BitXor: operator.xor,
    ast.LShift: _shift(operator.lshift), ast.RShift: _shift(operator.rshift),
    ast.Not: operator.not_,
    ast.Eq: _same_kind(operator.eq), ast.NotEq: _same_kind(operator.ne),
    ast.Lt: _same_kind(operator.lt), ast.LtE: _same_kind(operator.le),
    ast.Gt: _same_kind(operator.gt), ast.GtE: _same_kind(operator.ge),
}  # fmt: skip

__all__ = ["FUNCTIONS", "EvaluationError", "Expression", "ExpressionError", "compile_expression"]
