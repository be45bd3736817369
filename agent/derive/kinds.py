"""Which kind of value an expression gives, told before it runs; finds text among numbers. Pure."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from agent.derive.expression import FUNCTIONS, Expression
from agent.derive.grammar import ExpressionError, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

_ARITHMETIC = (Kind.NUMBER, Kind.TRUTH)


def kind_of(expression: Expression, points: Mapping[str, Kind | None]) -> Kind | None:
    """Give the kind of an expression's value; None where the kinds of its points do not tell.

    Raises:
        ExpressionError: text and numbers are mixed.
    """
    return _kind(expression.node, points)


def _kind(  # noqa: C901, PLR0911 - one case per node of the language
    node: ast.AST, points: Mapping[str, Kind | None]
) -> Kind | None:
    match node:
        case ast.Name(id=name):
            return points.get(name)
        case ast.Constant(value=value):
            return _constant(value)
        case ast.Compare(left=left, comparators=others):
            _comparable([_kind(one, points) for one in (left, *others)], node)
            return Kind.TRUTH
        case ast.BoolOp(values=values):
            for one in values:
                _needs(_kind(one, points), (Kind.TRUTH,), one)
            return Kind.TRUTH
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            _needs(_kind(operand, points), (Kind.TRUTH,), operand)
            return Kind.TRUTH
        case ast.UnaryOp(operand=operand):
            _needs(_kind(operand, points), _ARITHMETIC, operand)
            return Kind.NUMBER
        case ast.BinOp(left=left, right=right):
            for one in (left, right):
                _needs(_kind(one, points), _ARITHMETIC, one)
            return Kind.NUMBER
        case ast.IfExp():
            return _choice(node, points)
        case ast.Call(func=ast.Name(id=name), args=args):
            return _call(name, args, points)
    return None


def _constant(value: object) -> Kind:
    if isinstance(value, bool):
        return Kind.TRUTH
    return Kind.TEXT if isinstance(value, str) else Kind.NUMBER


def _choice(node: ast.IfExp, points: Mapping[str, Kind | None]) -> Kind | None:
    _needs(_kind(node.test, points), (Kind.TRUTH,), node.test)
    one, other = _kind(node.body, points), _kind(node.orelse, points)
    if one is not None and other is not None and one is not other:
        raise ExpressionError(
            f"gives {one} in one case and {other} in the other: {ast.unparse(node)}",
            f"两种情况的结果类型不同：{ast.unparse(node)}",
        )
    return one or other


def _call(name: str, args: list[ast.expr], points: Mapping[str, Kind | None]) -> Kind:
    function = FUNCTIONS[name]
    kinds = [_kind(one, points) for one in args]
    if function.takes is not None:
        for one, kind in zip(args, kinds, strict=True):
            _needs(kind, _ARITHMETIC, one)
    return function.kind


def _comparable(kinds: list[Kind | None], node: ast.AST) -> None:
    texts = {kind is Kind.TEXT for kind in kinds if kind is not None}
    if len(texts) > 1:
        shown = ast.unparse(node)
        raise ExpressionError(f"text compared with a number: {shown}", f"文字与数值相比较：{shown}")


def _needs(kind: Kind | None, wanted: tuple[Kind, ...], node: ast.AST) -> None:
    if kind is None or kind in wanted:
        return
    shown = ast.unparse(node)
    if wanted == (Kind.TRUTH,):
        raise ExpressionError(
            f"yes or no is needed, not {kind}: {shown}", f"此处需要“是/否”的条件：{shown}"
        )
    raise ExpressionError(f"a number is needed, not {kind}: {shown}", f"此处需要数值：{shown}")
