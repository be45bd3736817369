"""What an expression may be made of: reads the text, refuses the rest, folds names of points.

Pure. `spindle.speed` is one name, not an attribute; `x in (1, 2)` becomes `one_of(x, 1, 2)`.
"""

from __future__ import annotations

import ast
import warnings
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.telemetry.status import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST_CHARS = 500
"""Longest expression; what is longer belongs into several computed tags."""
MOST_DEPTH = 24
"""Deepest nesting: evaluation needs a bounded stack."""
ONE_OF = "one_of"
POINT = "tag"
"""The function that names a point by text: for names that are no plain words, as `axis.1.load`."""

_ALLOWED = (
    ast.BoolOp, ast.And, ast.Or, ast.BinOp, ast.UnaryOp, ast.Compare, ast.IfExp, ast.Call,
    ast.Name, ast.Load, ast.Constant,
    ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow,
    ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift, ast.RShift, ast.USub, ast.UAdd, ast.Not,
    ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE,
)  # fmt: skip


class Kind(StrEnum):
    """What kind of value an expression or a point has."""

    NUMBER = "number"
    TRUTH = "bool"
    TEXT = "text"


class ExpressionError(Exception):
    """An expression cannot be used; says why in both languages."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.why = Message(en=en, zh=zh)


def parsed(text: str, functions: Mapping[str, tuple[int, int]]) -> tuple[ast.expr, tuple[str, ...]]:
    """Give the tree of an expression and the names of points in it.

    `functions` gives the least and the most arguments of each function by name.

    Raises:
        ExpressionError: the text is none of the language.
    """
    if len(text) > MOST_CHARS:
        raise ExpressionError(f"longer than {MOST_CHARS} characters", f"超过 {MOST_CHARS} 个字符")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of doubtful literals, which are refused or harmless
            body = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        why = getattr(error, "msg", None) or str(error)
        raise ExpressionError(
            f"not an expression: {why} (equality is written ==)",
            f"不是表达式：{why}（相等请写 ==，符号用半角）",
        ) from None
    if _depth(body) > MOST_DEPTH:
        raise ExpressionError("nested too deeply", "嵌套过深")
    fold = _Fold(functions)
    node = fold.visit(body)
    if not fold.names:
        raise ExpressionError("it names no point of the device", "没有用到本设备的任何点位")
    return node, tuple(fold.names)


def _depth(root: ast.AST) -> int:
    level, depth = [root], 0
    while level and depth <= MOST_DEPTH:
        depth += 1
        level = [child for node in level for child in ast.iter_child_nodes(node)]
    return depth


class _Fold(ast.NodeTransformer):
    """Checks every node, and turns dotted names into single ones."""

    def __init__(self, functions: Mapping[str, tuple[int, int]]) -> None:
        self._functions = functions
        self.names: dict[str, None] = {}

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, _ALLOWED):
            name = type(node).__name__
            raise ExpressionError(f"{name} is not part of the language", f"不支持 {name} 这种写法")
        return super().generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not isinstance(node.value, (bool, int, float, str)):
            what = ast.unparse(node)
            raise ExpressionError(f"{what} is not a value here", f"不支持常量 {what}")
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self._point(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        parts = [node.attr]
        inner: ast.expr = node.value
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if not isinstance(inner, ast.Name):
            raise ExpressionError(
                "a dot belongs to the name of a point only", "点号只能出现在点位名称中"
            )
        return self._point(".".join([inner.id, *reversed(parts)]))

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        first = node.ops[0]
        if not isinstance(first, (ast.In, ast.NotIn)):
            return self.generic_visit(node)
        choices = node.comparators[0]
        if len(node.ops) > 1 or not isinstance(choices, (ast.Tuple, ast.List)):
            raise ExpressionError("write: x in (1, 2)", "应写成：x in (1, 2)")
        call = ast.Call(ast.Name(ONE_OF, ast.Load()), [node.left, *choices.elts], [])
        found = self.visit_Call(call)
        return ast.UnaryOp(ast.Not(), found) if isinstance(first, ast.NotIn) else found

    def visit_Call(self, node: ast.Call) -> ast.expr:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == POINT and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
            return self._point(str(node.args[0].value))
        if name not in self._functions or node.keywords:
            known = ", ".join([*self._functions, POINT])
            raise ExpressionError(
                f"no such function: {ast.unparse(node.func)} (there are {known})",
                f"没有函数 {ast.unparse(node.func)}（可用：{known}）",
            )
        least, most = self._functions[name]
        if not least <= len(node.args) <= most:
            raise ExpressionError(
                f"{name}() takes {least} to {most} arguments",
                f"{name}() 应有 {least} 到 {most} 个参数",
            )
        return ast.Call(node.func, [self.visit(one) for one in node.args], [])

    def _point(self, name: str) -> ast.Name:
        self.names.setdefault(name)
        return ast.Name(name, ast.Load())
